package report

import (
	"strings"
	"testing"
	"time"
)

// TestSinceIsWhatItSays compares the quick ways with the plain one, over the
// changes of the clock and in zones that are no whole hours.
func TestSinceIsWhatItSays(t *testing.T) {
	for _, zone := range []string{"UTC", "Europe/Amsterdam", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu"} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Skip(err)
		}
		for _, now := range []time.Time{
			time.Date(2026, 11, 22, 12, 35, 19, 0, loc), time.Date(2026, 10, 25, 12, 0, 0, 0, loc),
			time.Date(2026, 3, 29, 23, 59, 59, 0, loc), time.Date(2026, 1, 1, 0, 0, 0, 0, loc), time.Date(2026, 4, 5, 3, 0, 0, 0, loc),
		} {
			d := newDates(now, loc)
			for _, step := range []time.Duration{time.Second, 59 * time.Minute, 7 * time.Hour, 23*time.Hour + 17*time.Minute} {
				for i := range 400 {
					at := now.Add(-time.Duration(i) * step)
					if got, want := string(d.since(nil, at)), plainSince(now, at); got != want {
						t.Fatalf("%s, now %v: %v is %q, want %q", zone, now, at, got, want)
					}
				}
			}
		}
	}
	d := newDates(at("12:35:19"), nil)
	if got := string(d.since(nil, time.Time{})); got != "-" {
		t.Errorf("never: %q", got)
	}
	if got := string(d.since(nil, at("12:35:19").Add(25*time.Hour))); got != "23 Nov" {
		t.Errorf("tomorrow: %q", got)
	}
}

func plainSince(now, at time.Time) string {
	switch age := now.Sub(at); {
	case now.Format(time.DateOnly) == at.Format(time.DateOnly):
		return at.Format("15:04:05")
	case age < 24*time.Hour:
		return at.Format("2 Jan 15:04")
	case now.Year() == at.Year():
		return at.Format("2 Jan")
	}
	return at.Format("2 Jan 2006")
}

func TestNameColumn(t *testing.T) {
	for _, c := range []struct {
		name  string
		width int
		cut   bool
		ascii bool
		want  string
	}{
		{"shop", 6, false, false, "shop    "},
		{"shop", 0, false, false, "shop  "},
		{"shop.example.com", 8, false, false, "shop.example.com  "},
		{"shop.example.com", 8, true, false, "shop.ex…  "},
		{"shop.example.com", 8, true, true, "shop.ex~  "},
		{"日本", 6, false, false, "日本    "},
		{"日本語", 5, true, false, "日本…  "},
		{"bücher…", 10, false, true, "b?cher...   "},
	} {
		x := newText(nil, Options{ASCII: c.ascii})
		x.name(c.name, c.width, c.cut)
		if got := string(x.b); got != c.want {
			t.Errorf("%q in %d: %q, want %q", c.name, c.width, got, c.want)
		}
		if w := nameWidth(c.name, c.ascii); w != nameWidth(strings.TrimRight(c.name, " "), c.ascii) {
			t.Errorf("%q: width %d", c.name, w)
		}
	}
}
