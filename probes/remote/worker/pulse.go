package worker

import (
	"sync"
	"time"
)

const (
	beatEvery  = 100 * time.Millisecond
	stallAfter = time.Second
)

// pulse sees that the process stood still: it was stopped, or the machine was
// suspended, or had no time for it. Checks ask it from their own goroutines,
// hence the mutex.
type pulse struct {
	mu   sync.Mutex
	last time.Time
	woke time.Time // the end of the newest stall
}

// run beats until over is closed.
func (p *pulse) run(over <-chan struct{}) {
	t := time.NewTicker(beatEvery)
	defer t.Stop()
	for {
		select {
		case <-over:
			return
		case <-t.C:
			p.beat(time.Now())
		}
	}
}

// beat compares with the beat before by both clocks: the monotonic one stands
// still while the machine is suspended. A wall clock that is set forward looks
// the same, and costs the checks in flight.
func (p *pulse) beat(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.last.IsZero() && max(now.Sub(p.last), now.Round(0).Sub(p.last.Round(0))) > stallAfter {
		p.woke = now
	}
	p.last = now
}

// stalledSince reports whether the process stood still between t and now. A
// check that lived through that has run into its time-out through no fault of
// its target.
func (p *pulse) stalledSince(t time.Time) bool {
	p.beat(time.Now())
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.woke.IsZero() && !p.woke.Before(t)
}
