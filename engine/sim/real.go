package main

import (
	"time"

	"lookout/engine/uptime"
)

// real is how an engine keeps time: what is due comes with the end of the slot
// of its wheel. A nil one is exact. Results are made to come at moments of their
// own within a slot, so that no two are there at once, in an order that chance
// decides.
type real struct {
	phase time.Duration // the first regular check
	fresh time.Duration // … and the very first, which an engine makes when it starts
}

// step is a change of the verdict.
type step struct {
	at    time.Duration
	to    uptime.Verdict
	since time.Duration
}

const slot = 16 * time.Millisecond // of the engine's wheel

func (r *real) fires(t time.Duration) time.Duration {
	if r == nil {
		return t
	}
	return (t/slot + 1) * slot
}

// ends is when the result of a place is known.
func (r *real) ends(t time.Duration, place int, confirms bool) time.Duration {
	if r == nil {
		return t
	}
	own := 8*time.Millisecond + time.Duration(place)*time.Millisecond
	if place == 0 && confirms {
		own -= time.Millisecond
	}
	if end := t.Truncate(slot) + own; end >= t {
		return end
	}
	return t.Truncate(slot) + slot + own
}
