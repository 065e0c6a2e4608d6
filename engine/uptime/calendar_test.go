package uptime

import (
	"testing"
	"time"
)

var zones = []string{"UTC", "Europe/Amsterdam", "America/New_York", "Pacific/Auckland", "Australia/Lord_Howe", "Asia/Kathmandu", "Asia/Beirut", "America/Havana", "Africa/Casablanca"}

func zoneOf(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Skip("no time zone data:", err)
	}
	return loc
}

func TestOnClock(t *testing.T) {
	for _, tc := range []struct {
		name, zone, wall, want string
		jumped                 time.Duration
	}{
		{"plain", "Europe/Amsterdam", "2026-11-22 12:00", "2026-11-22T11:00:00Z", 0},
		{"jumped over", "Europe/Amsterdam", "2026-03-29 02:30", "2026-03-29T01:00:00Z", time.Hour},
		{"the first after it", "Europe/Amsterdam", "2026-03-29 03:00", "2026-03-29T01:00:00Z", 0},
		{"twice", "Europe/Amsterdam", "2026-10-25 02:30", "2026-10-25T00:30:00Z", 0},
		{"half an hour jumped over", "Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-03T15:30:00Z", 30 * time.Minute},
		{"half an hour twice", "Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-04T14:45:00Z", 0},
		{"midnight jumped over", "Asia/Beirut", "2024-03-31 00:00", "2024-03-30T22:00:00Z", time.Hour},
		{"midnight twice", "America/Havana", "2026-11-01 00:00", "2026-11-01T04:00:00Z", 0},
		{"a day jumped over", "Pacific/Apia", "2011-12-30 12:00", "2011-12-30T10:00:00Z", 24 * time.Hour},
		{"the last day before it", "Pacific/Apia", "2011-12-29 23:59", "2011-12-30T09:59:00Z", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			wall, err := time.Parse("2006-01-02 15:04", tc.wall)
			if err != nil {
				t.Fatal(err)
			}
			at, jumped := OnClock(wall, zoneOf(t, tc.zone))
			if got := at.UTC().Format(time.RFC3339); got != tc.want || jumped != tc.jumped {
				t.Errorf("%s over %v, want %s over %v", got, jumped, tc.want, tc.jumped)
			}
		})
	}
}

// TestCalendarTenYears: in every zone days, weeks and months follow each other
// without a gap, hold what the zone's clock calls so, and have the hours that
// they have there.
func TestCalendarTenYears(t *testing.T) {
	for _, name := range zones {
		t.Run(name, func(t *testing.T) {
			zone := zoneOf(t, name)
			begin, end := time.Date(2020, 1, 1, 12, 0, 0, 0, zone), time.Date(2030, 1, 1, 12, 0, 0, 0, zone)
			walk := func(of func(time.Time, *time.Location) Period, id func(time.Time) int, seen func(Period)) {
				for p := of(begin, zone); p.From.Before(end); {
					first, last := p.From.In(zone), p.To.Add(-time.Nanosecond).In(zone)
					if id(first) != id(last) || id(first) == id(first.Add(-time.Nanosecond)) || id(last) == id(p.To.In(zone)) {
						t.Fatalf("%v to %v", first, p.To.In(zone))
					}
					if middle := p.From.Add(p.To.Sub(p.From) / 3); of(middle, zone) != p || of(last, zone) != p || of(first, zone) != p {
						t.Fatalf("%v to %v is not found from its middle", first, p.To.In(zone))
					}
					seen(p)
					next := of(p.To, zone)
					if !next.From.Equal(p.To) {
						t.Fatalf("after %v comes %v", p.To.In(zone), next.From.In(zone))
					}
					p = next
				}
			}
			lengths, weeks, months := map[time.Duration]int{}, map[time.Duration]int{}, 0
			walk(Day, time.Time.YearDay, func(p Period) { lengths[p.To.Sub(p.From)]++ })
			walk(Week, func(at time.Time) int { y, w := at.ISOWeek(); return 100*y + w }, func(p Period) {
				weeks[p.To.Sub(p.From)]++
				if p.From.In(zone).Weekday() != time.Monday {
					t.Fatalf("%v", p.From.In(zone))
				}
			})
			walk(Month, func(at time.Time) int { return int(at.Month()) }, func(p Period) {
				months++
				var sum time.Duration
				for d := Day(p.From, zone); d.From.Before(p.To); d = Day(d.To, zone) {
					sum += d.To.Sub(d.From)
				}
				if sum != p.To.Sub(p.From) {
					t.Fatalf("%v: %v of days in %v", p.From.In(zone), sum, p.To.Sub(p.From))
				}
			})
			const h = time.Hour
			short, long := 23*h, 25*h
			if name == "Australia/Lord_Howe" {
				short, long = 23*h+30*time.Minute, 24*h+30*time.Minute
			}
			jumps := 10
			switch name {
			case "UTC", "Asia/Kathmandu":
				jumps = 0
			case "Africa/Casablanca": // back for Ramadan, in other weeks each year
				jumps = lengths[short]
			}
			if lengths[short] != jumps || lengths[long] != jumps && name != "Africa/Casablanca" || lengths[24*h]+lengths[short]+lengths[long] != 3654 {
				t.Errorf("days by length: %v", lengths)
			}
			if n := weeks[168*h] + weeks[168*h+short-24*h] + weeks[168*h+long-24*h]; months != 121 || n < 522 || n > 523 {
				t.Errorf("%d months, weeks by length: %v", months, weeks)
			}
		})
	}
}

func TestLastDays(t *testing.T) {
	now := time.Date(2026, 3, 30, 10, 0, 0, 0, time.UTC)
	days := LastDays(3, now, zoneOf(t, "Europe/Amsterdam"))
	want := []string{"2026-03-27T23:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", "2026-03-30T10:00:00Z"}
	for i, d := range days {
		if d.From.UTC().Format(time.RFC3339) != want[i] || d.To.UTC().Format(time.RFC3339) != want[i+1] {
			t.Errorf("day %d is %v to %v", i, d.From.UTC(), d.To.UTC())
		}
	}
	apia := zoneOf(t, "Pacific/Apia")
	days = LastDays(3, time.Date(2011, 12, 31, 12, 0, 0, 0, apia), apia)
	for i, hours := range []time.Duration{24, 0, 12} {
		if got := days[i].To.Sub(days[i].From); got != hours*time.Hour {
			t.Errorf("day %d of Apia has %v", i, got)
		}
	}
	if len(LastDays(0, now, time.UTC)) != 0 {
		t.Error("no days are some")
	}
}
