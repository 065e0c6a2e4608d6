package schedule

import (
	"testing"
	"time"
)

func TestCronNext(t *testing.T) {
	for _, tc := range []struct{ name, expr, zone, after, want string }{
		{"daily", "0 3 * * *", "UTC", "2026-11-22T02:00:00Z", "2026-11-22T03:00:00Z"},
		{"strictly after", "0 3 * * *", "UTC", "2026-11-22T03:00:00Z", "2026-11-23T03:00:00Z"},
		{"in a zone", "30 2 * * *", "Europe/Amsterdam", "2026-11-22T00:00:00Z", "2026-11-22T01:30:00Z"},
		{"weekday", "0 3 * * SUN", "UTC", "2026-11-23T00:00:00Z", "2026-11-29T03:00:00Z"},
		{"steps", "*/15 * * * *", "UTC", "2026-11-22T12:01:00Z", "2026-11-22T12:15:00Z"},
		{"last of February", "0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"},
		{"alias", "@hourly", "UTC", "2026-11-22T12:01:00Z", "2026-11-22T13:00:00Z"},
		// 29 March 2026: 02:00 CET is 03:00 CEST.
		{"an hour that is left out", "30 2 * * *", "Europe/Amsterdam", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"},
		{"the day after it", "30 2 * * *", "Europe/Amsterdam", "2026-03-29T02:00:00Z", "2026-03-30T00:30:00Z"},
		// 25 October 2026: 03:00 CEST is 02:00 CET.
		{"an hour that comes twice", "30 2 * * *", "Europe/Amsterdam", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"},
		{"and counts once", "30 2 * * *", "Europe/Amsterdam", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
		{"seen when it has jumped", "30 2 * * *", "Europe/Amsterdam", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"},
		{"many times that are left out are one", "*/10 2 * * *", "Europe/Amsterdam", "2026-03-29T00:55:00Z", "2026-03-29T01:00:00Z"},
		{"every minute, in the second run", "* * * * *", "Europe/Amsterdam", "2026-10-25T01:10:00Z", "2026-10-25T02:00:00Z"},
		// 4 October 2026: 02:00 is 02:30; 5 April: 02:00 is 01:30.
		{"half an hour that is left out", "15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00Z", "2026-10-03T15:30:00Z"},
		{"half an hour that comes twice", "45 1 * * *", "Australia/Lord_Howe", "2026-04-04T12:00:00Z", "2026-04-04T14:45:00Z"},
		{"and counts once", "45 1 * * *", "Australia/Lord_Howe", "2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"},
		// There was no 30 December 2011.
		{"a day that is left out", "30 2 * * *", "Pacific/Apia", "2011-12-29T12:30:00Z", "2011-12-30T12:30:00Z"},
		{"a Friday that is left out", "30 2 * * FRI", "Pacific/Apia", "2011-12-29T12:30:00Z", "2012-01-05T12:30:00Z"},
		{"every minute, over a day that is left out", "* * * * *", "Pacific/Apia", "2011-12-30T09:59:00Z", "2011-12-30T10:00:00Z"},
		// 31 March 2024: midnight is 01:00.
		{"a midnight that is left out", "0 0 * * *", "Asia/Beirut", "2024-03-30T12:00:00Z", "2024-03-30T22:00:00Z"},
		{"seen from its second run", "30 2 * * *", "Europe/Amsterdam", "2026-10-25T01:10:00Z", "2026-10-26T01:30:00Z"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			zone, err := time.LoadLocation(tc.zone)
			if err != nil {
				t.Fatal(err)
			}
			c, err := ParseCron(tc.expr, zone)
			if err != nil {
				t.Fatal(err)
			}
			after, _ := time.Parse(time.RFC3339, tc.after)
			got, ok := c.Next(after)
			if !ok || got.UTC().Format(time.RFC3339) != tc.want {
				t.Errorf("%v (%t), want %s", got.UTC().Format(time.RFC3339), ok, tc.want)
			}
		})
	}
}

func TestParseCronRefuses(t *testing.T) {
	for _, expr := range []string{"", "* * * *", "* * * * * *", "61 * * * *", "0 0 30 2 *", "tomorrow", "@never", "0 0 * * * \x1b[31m"} {
		if c, err := ParseCron(expr, nil); err == nil {
			t.Errorf("%q was taken as %v", expr, c)
		}
	}
}

// TestCronYears walks tables over ten years in zones with jumps: every step is
// forward and no day of a daily table is left out or comes twice.
func TestCronYears(t *testing.T) {
	for _, zone := range []string{"UTC", "Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "Pacific/Auckland", "Asia/Beirut"} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		c, err := ParseCron("15 2 * * *", loc)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Date(2020, 1, 1, 0, 0, 0, 0, loc)
		for day := at; day.Year() < 2030; day = day.AddDate(0, 0, 1) {
			next, ok := c.Next(at)
			if !ok || next.YearDay() != day.YearDay() {
				t.Fatalf("%s: after %v comes %v, wanted on %v", zone, at, next, day.Format(time.DateOnly))
			}
			at = next
		}
	}
}

func FuzzCron(f *testing.F) {
	f.Add("0 3 * * *")
	f.Add("*/5 1-3,7 L * MON#1")
	f.Fuzz(func(t *testing.T, expr string) {
		c, err := ParseCron(expr, time.UTC)
		if err != nil {
			return
		}
		at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
		if next, ok := c.Next(at); ok && !next.After(at) {
			t.Errorf("%q: %v is not after %v", expr, next, at)
		}
	})
}
