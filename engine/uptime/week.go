package uptime

import (
	"fmt"
	"time"
)

// WeekKey is the ISO 8601 week of t in UTC, as in 2026-W47: it sorts as text.
func WeekKey(t time.Time) string {
	y, w := t.UTC().ISOWeek()
	return fmt.Sprintf("%04d-W%02d", y, w)
}

// ParseWeek returns the Monday 00:00 UTC with which the week of a key begins.
func ParseWeek(key string) (time.Time, error) {
	var y, w int
	if n, err := fmt.Sscanf(key, "%4d-W%2d", &y, &w); err != nil || n != 2 || y < 0 || len(key) != len("2026-W47") {
		return time.Time{}, fmt.Errorf("%q is no ISO week", key)
	}
	// January 4th is always in week 1.
	t := time.Date(y, 1, 4, 0, 0, 0, 0, time.UTC)
	monday := t.AddDate(0, 0, -(int(t.Weekday())+6)%7+7*(w-1))
	if WeekKey(monday) != key {
		return time.Time{}, fmt.Errorf("%q is no ISO week", key)
	}
	return monday, nil
}
