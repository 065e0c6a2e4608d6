package schedule

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func moment(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestWindowOpening(t *testing.T) {
	for _, tc := range []struct{ name, every, length, zone, now, from, to string }{
		{"before it", "Sun 03:00", "30m", "UTC", "2026-11-22T02:00:00Z", "2026-11-22T03:00:00Z", "2026-11-22T03:30:00Z"},
		{"when it opens", "Sun 03:00", "30m", "UTC", "2026-11-22T03:00:00Z", "2026-11-22T03:00:00Z", "2026-11-22T03:30:00Z"},
		{"in it", "Sun 03:00", "30m", "UTC", "2026-11-22T03:29:59Z", "2026-11-22T03:00:00Z", "2026-11-22T03:30:00Z"},
		{"when it ends", "Sun 03:00", "30m", "UTC", "2026-11-22T03:30:00Z", "2026-11-29T03:00:00Z", "2026-11-29T03:30:00Z"},
		{"every day", "day 02:30", "1h", "UTC", "2026-11-22T12:00:00Z", "2026-11-23T02:30:00Z", "2026-11-23T03:30:00Z"},
		{"the other word", "daily 2:30", "1h", "UTC", "2026-11-22T12:00:00Z", "2026-11-23T02:30:00Z", "2026-11-23T03:30:00Z"},
		{"several days", "Mon,Thu 03:00", "1h", "UTC", "2026-11-24T12:00:00Z", "2026-11-26T03:00:00Z", "2026-11-26T04:00:00Z"},
		{"written with blanks", "monday, Thursday  03:00", "1h", "UTC", "2026-11-24T12:00:00Z", "2026-11-26T03:00:00Z", "2026-11-26T04:00:00Z"},
		{"from day to day", "Fri-Mon 22:30", "1h", "UTC", "2026-11-24T12:00:00Z", "2026-11-27T22:30:00Z", "2026-11-27T23:30:00Z"},
		{"and to the last of them", "Fri-Mon 22:30", "1h", "UTC", "2026-11-29T23:30:00Z", "2026-11-30T22:30:00Z", "2026-11-30T23:30:00Z"},
		{"a cron line", "0 4 1 * *", "2h", "UTC", "2026-11-22T12:00:00Z", "2026-12-01T04:00:00Z", "2026-12-01T06:00:00Z"},
		{"an alias", "@monthly", "2h", "UTC", "2026-11-22T12:00:00Z", "2026-12-01T00:00:00Z", "2026-12-01T02:00:00Z"},
		{"over midnight", "day 23:30", "1h", "UTC", "2026-11-23T00:15:00Z", "2026-11-22T23:30:00Z", "2026-11-23T00:30:00Z"},
		{"over midnight of a zone", "Sun 23:30", "1h", "Europe/Amsterdam", "2026-11-22T23:15:00Z", "2026-11-22T22:30:00Z", "2026-11-22T23:30:00Z"},
		{"over new year", "Thu 23:00", "2h", "UTC", "2027-01-01T00:30:00Z", "2026-12-31T23:00:00Z", "2027-01-01T01:00:00Z"},
		{"in the 53rd week", "Fri 03:00", "1h", "UTC", "2026-12-31T12:00:00Z", "2027-01-01T03:00:00Z", "2027-01-01T04:00:00Z"},
		{"and the week after it", "Fri 03:00", "1h", "UTC", "2027-01-01T04:00:00Z", "2027-01-08T03:00:00Z", "2027-01-08T04:00:00Z"},
		// 29 March 2026: 02:00 CET is 03:00 CEST.
		{"jumped over in spring", "day 02:30", "30m", "Europe/Amsterdam", "2026-03-29T01:10:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"},
		{"real time over the jump", "day 01:30", "1h", "Europe/Amsterdam", "2026-03-29T01:20:00Z", "2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"},
		// 25 October 2026: 03:00 CEST is 02:00 CET.
		{"twice in autumn is the first time", "day 02:30", "30m", "Europe/Amsterdam", "2026-10-25T00:40:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z"},
		{"and not the second", "day 02:30", "30m", "Europe/Amsterdam", "2026-10-25T01:40:00Z", "2026-10-26T01:30:00Z", "2026-10-26T02:00:00Z"},
		{"real time over the double hour", "day 01:30", "1h", "Europe/Amsterdam", "2026-10-25T00:29:00Z", "2026-10-24T23:30:00Z", "2026-10-25T00:30:00Z"},
		{"in New York in spring", "Sun 02:15", "1h", "America/New_York", "2026-03-08T06:00:00Z", "2026-03-08T07:00:00Z", "2026-03-08T08:00:00Z"},
		{"half an hour left out", "day 02:15", "1h", "Australia/Lord_Howe", "2026-10-03T15:45:00Z", "2026-10-03T15:30:00Z", "2026-10-03T16:30:00Z"},
		{"half an hour twice", "day 01:45", "1h", "Australia/Lord_Howe", "2026-04-04T15:00:00Z", "2026-04-04T14:45:00Z", "2026-04-04T15:45:00Z"},
		{"a day left out has none", "Fri 02:30", "1h", "Pacific/Apia", "2011-12-29T12:00:00Z", "2012-01-05T12:30:00Z", "2012-01-05T13:30:00Z"},
		{"into a day that is left out", "Thu 23:30", "1h", "Pacific/Apia", "2011-12-30T10:10:00Z", "2011-12-30T09:30:00Z", "2011-12-30T10:30:00Z"},
		{"longer than its period", "day 03:00", "30h", "UTC", "2026-11-22T04:00:00Z", "2026-11-21T03:00:00Z", "2026-11-22T09:00:00Z"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			length, err := time.ParseDuration(tc.length)
			if err != nil {
				t.Fatal(err)
			}
			w, err := Every(tc.every, length, zone(t, tc.zone))
			if err != nil {
				t.Fatal(err)
			}
			now := moment(t, tc.now)
			s, ok := w.Opening(now)
			if want := (Span{moment(t, tc.from), moment(t, tc.to)}); !ok || !s.From.Equal(want.From) || !s.To.Equal(want.To) {
				t.Errorf("got %v %v to %v, want %v to %v", ok, s.From.UTC(), s.To.UTC(), want.From, want.To)
			}
		})
	}
}

func TestWindowOnce(t *testing.T) {
	w := Once(moment(t, "2026-11-22T03:00:00Z"), time.Hour)
	for now, open := range map[string]bool{"2026-11-22T02:00:00Z": true, "2026-11-22T03:59:59Z": true, "2026-11-22T04:00:00Z": false} {
		if s, ok := w.Opening(moment(t, now)); ok != open || ok && s.To.Sub(s.From) != time.Hour {
			t.Errorf("at %s: %v %v", now, s, ok)
		}
	}
	if a, b := w.Apart(); a != 0 || b != 0 {
		t.Errorf("it opens once, and comes again after %v", a)
	}
}

func TestEveryRefuses(t *testing.T) {
	for _, when := range []string{"", "Sun", "03:00", "Sun 24:00", "Sun 3:0", "Sun 03:60", "Sun 03:00:00", "Sun 03:00 for 30m", "Someday 03:00",
		"Sun- 03:00", ", 03:00", "* * * *", "0 0 30 2 *", "Sun -1:30", "Sun +3:00", "Sun\x00 03:00"} {
		if w, err := Every(when, time.Hour, time.UTC); err == nil {
			t.Errorf("%q was taken as %v", when, w.table)
		}
	}
}

func TestApart(t *testing.T) {
	const h = time.Hour
	for _, tc := range []struct {
		every             string
		shortest, longest time.Duration
	}{
		{"day 03:00", 24 * h, 24 * h},
		{"Sun 03:00", 168 * h, 168 * h},
		{"Mon,Tue 03:00", 24 * h, 144 * h},
		{"0 4 1 * *", 28 * 24 * h, 31 * 24 * h},
		{"* * 1 1 *", time.Minute, 364*24*h + time.Minute},
		{"0 0 29 2 *", (3*365 + 366) * 24 * h, (3*365 + 366) * 24 * h},
	} {
		w, err := Every(tc.every, h, zone(t, "Europe/Amsterdam"))
		if err != nil {
			t.Fatal(err)
		}
		if a, b := w.Apart(); tc.every == "* * 1 1 *" && (a != tc.shortest || b < tc.longest) || tc.every != "* * 1 1 *" && (a != tc.shortest || b != tc.longest) {
			t.Errorf("%s: %v to %v, want %v to %v", tc.every, a, b, tc.shortest, tc.longest)
		}
	}
}

func TestOpeningsTakenTogether(t *testing.T) {
	every := func(when, length string) Window {
		d, err := time.ParseDuration(length)
		if err != nil {
			t.Fatal(err)
		}
		w, err := Every(when, d, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	for _, tc := range []struct {
		name     string
		windows  []Window
		now      string
		from, to string // "" for none
	}{
		{"none", nil, "2026-11-22T03:00:00Z", "", ""},
		{"apart", []Window{every("Sun 03:00", "30m"), every("Sun 04:00", "30m")}, "2026-11-22T03:10:00Z", "2026-11-22T03:00:00Z", "2026-11-22T03:30:00Z"},
		{"overlap", []Window{every("Sun 03:15", "1h"), every("Sun 03:00", "30m")}, "2026-11-22T03:10:00Z", "2026-11-22T03:00:00Z", "2026-11-22T04:15:00Z"},
		{"touch", []Window{every("Sun 03:30", "1h"), every("Sun 03:00", "30m")}, "2026-11-22T02:00:00Z", "2026-11-22T03:00:00Z", "2026-11-22T04:30:00Z"},
		{"one in the other", []Window{every("Sun 03:00", "2h"), every("Sun 03:30", "30m")}, "2026-11-22T03:10:00Z", "2026-11-22T03:00:00Z", "2026-11-22T05:00:00Z"},
		{"a chain", []Window{every("Sun 03:00", "30m"), every("Sun 03:20", "30m"), every("Sun 03:40", "30m")}, "2026-11-22T03:01:00Z", "2026-11-22T03:00:00Z", "2026-11-22T04:10:00Z"},
		{"its own next one", []Window{every("Sat,Sun 03:00", "30h")}, "2026-11-21T03:10:00Z", "2026-11-21T03:00:00Z", "2026-11-23T09:00:00Z"},
		{"a past one", []Window{Once(moment(t, "2026-11-22T01:00:00Z"), time.Hour)}, "2026-11-22T02:00:00Z", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, ok := Opening(tc.windows, moment(t, tc.now))
			if tc.from == "" {
				if ok {
					t.Errorf("%v", s)
				}
				return
			}
			if !ok || !s.From.Equal(moment(t, tc.from)) || !s.To.Equal(moment(t, tc.to)) {
				t.Errorf("got %v to %v, want %s to %s", s.From.UTC(), s.To.UTC(), tc.from, tc.to)
			}
		})
	}
	// Day and night together never end: what is said then is far ahead, and not for ever.
	s, ok := Opening([]Window{every("day 00:00", "12h"), every("day 12:00", "12h")}, moment(t, "2026-11-22T03:00:00Z"))
	if days := s.To.Sub(s.From).Hours() / 24; !ok || days < 365 || days > 3000 {
		t.Errorf("%v days", days)
	}
}

// TestWindowTenYears walks windows over ten years in zones that jump: an opening
// comes on the day and at the time that the zone's clock shows, or jumped over;
// one is found from every moment of it and from none outside, and it lasts its
// length by any clock.
func TestWindowTenYears(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const length = 90 * time.Minute
	for _, name := range []string{"UTC", "Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "Pacific/Auckland", "Pacific/Apia", "America/St_Johns", "Africa/Casablanca"} {
		loc := zone(t, name)
		for _, tod := range []string{"02:15", "00:00", "23:45"} {
			w, err := Every("Sun,Wed "+tod, length, loc)
			if err != nil {
				t.Fatal(err)
			}
			at := time.Date(2019, 12, 30, 12, 0, 0, 0, loc)
			openings, jumped := 0, 0
			for at.Year() < 2030 {
				s, ok := w.Opening(at)
				if !ok || !at.Before(s.To) || s.To.Sub(s.From) != length {
					t.Fatalf("%s: from %v: %v", name, at, s)
				}
				from := s.From.In(loc)
				if d := from.Weekday(); d != time.Sunday && d != time.Wednesday {
					t.Fatalf("%s: %v is a %v", name, from, d)
				}
				if from.Format("15:04") != tod {
					if _, off := from.Add(-time.Minute).Zone(); off == offset(from) {
						t.Fatalf("%s: %v and not at %s", name, from, tod)
					}
					jumped++
				}
				inside := s.From.Add(time.Duration(rng.Int64N(int64(length))))
				if o, ok := w.Opening(inside); !ok || o != s {
					t.Fatalf("%s: %v is in %v, and %v was found", name, inside, s, o)
				}
				openings++
				at = s.To
			}
			if want := 10*52*2 + 3; openings < want-3 || openings > want+5 || jumped > 25 {
				t.Errorf("%s at %s: %d openings, %d of them jumped over", name, tod, openings, jumped)
			}
		}
	}
}

func offset(at time.Time) int { _, off := at.Zone(); return off }

func FuzzEvery(f *testing.F) {
	f.Add("Sun 03:00")
	f.Add("mon-fri,sun 23:59")
	f.Add("*/5 1-3,7 L * MON#1")
	f.Fuzz(func(t *testing.T, when string) {
		w, err := Every(when, time.Hour, time.UTC)
		if err != nil {
			return
		}
		now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
		if s, ok := w.Opening(now); ok && !now.Before(s.To) {
			t.Errorf("%q: %v has ended at %v", when, s, now)
		}
	})
}

func BenchmarkOpening(b *testing.B) {
	for _, when := range []string{"Sun 03:00", "0 4 1 1 *"} {
		w, err := Every(when, time.Hour, zone(b, "Europe/Amsterdam"))
		if err != nil {
			b.Fatal(err)
		}
		now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
		b.Run(fmt.Sprint(w), func(b *testing.B) {
			for b.Loop() {
				w.Opening(now)
			}
		})
	}
}
