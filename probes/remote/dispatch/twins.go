package dispatch

import (
	"time"

	"lookout/probes/wire"
)

// twins finds out that two processes call themselves like one probe, as those do
// of a machine that was copied: each has a spool of its own, whose epochs take
// turns in their hellos. One that cannot write to its disk has two as well, and
// says so.
type twins struct {
	other uint64 // the epoch before that of the newest hello
	turns int    // how often that came back
	last  time.Time
}

const (
	twinTurns = 3               // that are no chance
	twinFor   = 5 * time.Minute // after the last turn; each says hello once a minute
)

// hear compares a hello with the one before.
func (t *twins) hear(before, h *wire.Hello, now time.Time) {
	if h.Epoch == before.Epoch {
		return
	}
	if now.Sub(t.last) > twinFor {
		t.turns = 0
	}
	if h.Epoch == t.other && h.Warning == "" && before.Warning == "" {
		t.turns++
		t.last = now
	}
	t.other = before.Epoch
}

// are reports whether there are two.
func (t *twins) are(now time.Time) bool { return t.turns >= twinTurns && now.Sub(t.last) <= twinFor }
