package engine

import (
	"slices"
	"time"

	"lookout/engine/uptime"
)

const (
	plannedWithin = 7 * 24 * time.Hour
	maxPlanned    = 100 // of what a snapshot shows
)

// calendar is when the windows of the configuration open next. It asks their
// time tables once a minute: people read it.
type calendar struct {
	windows []plannedWindow
	next    []uptime.Planned
	minute  time.Time // that next was found in
}

type plannedWindow struct {
	Maintenance
	monitors int
}

// add takes a window of so many monitors.
func (c *calendar) add(w Maintenance, monitors int) {
	c.windows = append(c.windows, plannedWindow{w, monitors})
}

// planned are the openings that begin within a week, the next first. The list is
// not written to again.
func (c *calendar) planned(now time.Time) []uptime.Planned {
	now = now.Round(0) // windows go by the wall clock
	minute := now.Truncate(time.Minute)
	if minute.Equal(c.minute) || len(c.windows) == 0 {
		return c.next
	}
	c.minute, c.next = minute, nil
	for _, w := range c.windows {
		o, ok := w.Window.Opening(now)
		if ok && o.Holds(now) { // that is no plan any more
			o, ok = w.Window.Opening(o.To)
		}
		if !ok || o.From.Sub(now) > plannedWithin {
			continue
		}
		p := uptime.Planned{Of: w.Of, Monitors: w.monitors, From: o.From.UTC(), To: o.To.UTC(), Note: w.Note}
		if w.Window.Repeats() {
			p.Every = w.Window.String()
		}
		c.next = append(c.next, p)
	}
	slices.SortStableFunc(c.next, func(a, b uptime.Planned) int { return a.From.Compare(b.From) })
	c.next = c.next[:min(len(c.next), maxPlanned)]
	return c.next
}
