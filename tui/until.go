package tui

import (
	"fmt"
	"time"

	"lookout/engine/uptime"
)

// span is how long something holds.
type span struct {
	key  string
	word string
	d    time.Duration // 0: until somebody, or the recovery, ends it
	at   func(now time.Time) time.Time
}

func (sp span) until(now time.Time) time.Time {
	switch {
	case sp.at != nil:
		return sp.at(now)
	case sp.d > 0:
		return now.Add(sp.d)
	}
	return time.Time{}
}

func tomorrow8(now time.Time) time.Time {
	return time.Date(now.Year(), now.Month(), now.Day()+1, 8, 0, 0, 0, now.Location())
}

// parseTime reads how long (30m, 2h, 1d) or until when (14:00, 2006-01-02,
// 2006-01-02 14:00), in the location of now.
func parseTime(text string, now time.Time) (time.Time, error) {
	if t, err := time.ParseInLocation("15:04", text, now.Location()); err == nil {
		at := time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), 0, 0, now.Location())
		if !at.After(now) {
			at = time.Date(now.Year(), now.Month(), now.Day()+1, t.Hour(), t.Minute(), 0, 0, now.Location())
		}
		return at, nil
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			if !t.After(now) {
				return time.Time{}, fmt.Errorf("%s is past", uptime.Clean(text, 30))
			}
			return t, nil
		}
	}
	d, err := uptime.ParseDuration(text)
	if err != nil || d <= 0 {
		return time.Time{}, fmt.Errorf("%q is no time: write 30m, 2h, 1d or 14:00", uptime.Clean(text, 30))
	}
	return now.Add(d), nil
}
