package uptime

import (
	"testing"
	"time"
)

func TestWeekKey(t *testing.T) {
	ny, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Skip("no time zone data:", err)
	}
	for _, tc := range []struct {
		at   time.Time
		want string
	}{
		{time.Date(2026, 11, 22, 23, 59, 59, 0, time.UTC), "2026-W47"},
		{time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), "2026-W48"},
		{time.Date(2026, 11, 22, 20, 0, 0, 0, ny), "2026-W48"}, // Sunday there, Monday in UTC
		{time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), "2026-W53"},
		{time.Date(2024, 12, 30, 0, 0, 0, 0, time.UTC), "2025-W01"},
		{time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), "2026-W09"},
	} {
		if got := WeekKey(tc.at); got != tc.want {
			t.Errorf("%v: %s, want %s", tc.at, got, tc.want)
		}
	}
}

// Over ten years every week begins at Monday 00:00 UTC, sorts as text, and is found again.
func TestWeeksOfTenYears(t *testing.T) {
	last := ""
	for d := time.Date(2020, 1, 6, 0, 0, 0, 0, time.UTC); d.Year() < 2031; d = d.AddDate(0, 0, 7) {
		key := WeekKey(d)
		if key <= last {
			t.Fatalf("%s after %s", key, last)
		}
		if before := WeekKey(d.Add(-time.Nanosecond)); last != "" && before != last {
			t.Fatalf("just before %s it is %s, not %s", key, before, last)
		}
		if got, err := ParseWeek(key); err != nil || !got.Equal(d) {
			t.Fatalf("ParseWeek(%s) = %v, %v; want %v", key, got, err, d)
		}
		last = key
	}
}

func TestParseWeekRefuses(t *testing.T) {
	for _, s := range []string{"", "2026-W00", "2026-W54", "2025-W53", "2026-9", "2026-W9", "2026-W047", "2026W47", "-026-W47", "2026-W4x"} {
		if got, err := ParseWeek(s); err == nil {
			t.Errorf("ParseWeek(%q) = %v", s, got)
		}
	}
}
