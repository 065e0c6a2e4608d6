package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lookout/engine/schedule"
	"lookout/engine/uptime"
)

const wholeDay = 24 * time.Hour

// parseHours reads "08:00-18:00"; what ends before it begins is over midnight.
func parseHours(s string) (uptime.Hours, error) {
	a, b, ok := strings.Cut(s, "-")
	from, err1 := clockTime(strings.TrimSpace(a))
	to, err2 := clockTime(strings.TrimSpace(b))
	switch {
	case !ok || err1 != nil || err2 != nil || from == wholeDay:
		return uptime.Hours{}, fmt.Errorf("is no stretch of a day")
	case from == to:
		return uptime.Hours{}, fmt.Errorf("is no time at all")
	}
	return uptime.Hours{From: from, To: to}, nil
}

// clockTime reads a time of day since midnight, from 00:00 to 24:00.
func clockTime(s string) (time.Duration, error) {
	if s == "24:00" {
		return wholeDay, nil
	}
	t, err := time.Parse("15:04", s)
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, err
}

func hoursText(h uptime.Hours) string {
	at := func(d time.Duration) string { return fmt.Sprintf("%02d:%02d", int(d.Hours()), int(d.Minutes())%60) }
	return at(h.From) + "-" + at(h.To)
}

// parseDays reads what each text of a list says: "Mon-Fri", "Sun".
func parseDays(list []string) ([]time.Weekday, error) {
	var out []time.Weekday
	for _, s := range list {
		days, err := schedule.Days(s)
		if err != nil {
			return nil, fmt.Errorf("%q is %w", shown(s), err)
		}
		out = append(out, days...)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// minutes are those of a week, from Sunday 00:00: a bit each.
type minutes [7*24*60/64 + 1]uint64

// minutesOf are the minutes that a route takes something in.
func minutesOf(r *uptime.Route) *minutes {
	var m minutes
	for day := range time.Weekday(7) {
		if r.Days != nil && !slices.Contains(r.Days, day) {
			continue
		}
		for i := range 24 * 60 {
			at := time.Duration(i) * time.Minute
			if r.Hours == nil || slices.ContainsFunc(r.Hours, func(h uptime.Hours) bool { return within(h, at) }) {
				n := int(day)*24*60 + i
				m[n/64] |= 1 << (n % 64)
			}
		}
	}
	return &m
}

// within reports whether a time of day is in a stretch.
func within(h uptime.Hours, at time.Duration) bool {
	if h.To < h.From {
		return at >= h.From || at < h.To
	}
	return at >= h.From && at < h.To
}

// has reports whether all minutes of another are among these.
func (m *minutes) has(other *minutes) bool {
	for i, bits := range other {
		if bits&^m[i] != 0 {
			return false
		}
	}
	return true
}
