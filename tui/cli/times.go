package cli

import (
	"strings"
	"time"
	_ "time/tzdata" // a time zone is no mistake where the system has no list of them

	"lookout/engine/uptime"
)

// layouts of a moment, as people type it. One without a date is today's, or
// the next or last of its kind, whichever was asked for.
var layouts = [...]string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"}

// parsePast reads a moment behind us: a time, or how long ago.
func parsePast(s string, now time.Time, loc *time.Location) (time.Time, error) {
	return parseMoment(s, now, loc, -1)
}

// parseFuture reads a moment ahead: a time, or in how long.
func parseFuture(s string, now time.Time, loc *time.Location) (time.Time, error) {
	t, err := parseMoment(s, now, loc, +1)
	if err == nil && !t.After(now) {
		return t, failf(exitUsage, "%s is in the past", uptime.Clean(s, 40))
	}
	return t, err
}

func parseMoment(s string, now time.Time, loc *time.Location, direction int) (time.Time, error) {
	s = strings.TrimSpace(s)
	if s == "now" {
		return now.UTC(), nil
	}
	if d, err := uptime.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(time.Duration(direction) * d).UTC(), nil
	}
	for _, l := range layouts {
		if t, err := time.ParseInLocation(l, s, loc); err == nil {
			return t.UTC(), nil
		}
	}
	for _, l := range [...]string{"15:04:05", "15:04"} {
		c, err := time.Parse(l, s)
		if err != nil {
			continue
		}
		y, m, d := now.In(loc).Date()
		t := time.Date(y, m, d, c.Hour(), c.Minute(), c.Second(), 0, loc)
		if direction > 0 && !t.After(now) {
			t = time.Date(y, m, d+1, c.Hour(), c.Minute(), c.Second(), 0, loc)
		} else if direction < 0 && t.After(now) {
			t = time.Date(y, m, d-1, c.Hour(), c.Minute(), c.Second(), 0, loc)
		}
		return t.UTC(), nil
	}
	return time.Time{}, failf(exitUsage, `%q is no time; write "2h", "15:04", "2026-11-22 15:04" or an RFC 3339 time`, uptime.Clean(s, 40))
}
