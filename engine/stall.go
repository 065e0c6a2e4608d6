package engine

import (
	"sync/atomic"
	"time"
)

const (
	beatEvery  = 100 * time.Millisecond
	stallAfter = time.Second
)

// stall is a stretch of time in which this process did not run: it was
// stopped (Ctrl-Z), the machine was suspended or had no time for it.
type stall struct{ from, to time.Time }

// stallWatch sees that the process stood still. A check that lived through
// that has run into its time-out through no fault of its target.
type stallWatch struct {
	beat atomic.Pointer[time.Time] // the newest sign of life
	end  atomic.Pointer[time.Time] // of the newest stall
}

// watch looks at the clock until quit is closed, and reports the stalls that it finds.
func (w *stallWatch) watch(quit <-chan struct{}, found chan<- stall) {
	t := time.NewTicker(beatEvery)
	defer t.Stop()
	last := time.Now()
	for {
		select {
		case <-quit:
			return
		case <-t.C:
		}
		now := time.Now()
		if gap(last, now) > stallAfter {
			w.end.Store(&now)
			select {
			case found <- stall{last, now}:
			default: // one is being looked at: its checks are the same
			}
		}
		w.beat.Store(&now)
		last = now
	}
}

// since reports whether the process stood still between t and now. It is right
// even where the watch has not run since.
func (w *stallWatch) since(t time.Time) bool {
	if end := w.end.Load(); end != nil && !end.Before(t) {
		return true
	}
	beat := w.beat.Load()
	return beat != nil && gap(*beat, time.Now()) > stallAfter
}

// gap is the time between two readings by either clock: the monotonic one
// stands still while a machine is suspended, the wall clock does not.
func gap(from, to time.Time) time.Duration {
	return max(to.Sub(from), to.Round(0).Sub(from.Round(0)))
}
