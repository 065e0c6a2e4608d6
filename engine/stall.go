package engine

import (
	"fmt"
	"time"

	"lookout/engine/schedule"
	"lookout/engine/uptime"
)

// longStall is a stall after which what was known is like what is known after a
// restart: a doubt starts over, and what is too old is unknown, without a word.
// A shorter one takes the checks in flight, and nothing else.
const longStall = 5 * time.Second

// stalled notes that the process stood still. What was in flight is void (take),
// what is overdue comes at its place in the interval (regular), and where it was
// too long for the last results to speak for it, the time counts for nothing.
func (e *Engine) stalled(t turn, now time.Time) {
	from := moved(t.at, -t.stood)
	for _, m := range e.monitors {
		e.slept(m, t, from, now)
	}
	said := "stood still for " + uptime.Ago(t.stood)
	if t.suspended {
		said += ": the machine was suspended"
	}
	if n := e.flow.inFlight; n > 0 {
		said += fmt.Sprintf("; the checks in flight, %d, tell nothing", n)
	}
	e.emit(uptime.Event{Time: now, Kind: uptime.EventNode, Since: from, By: byEngine, Message: said})
}

// slept goes on with one monitor after a stall.
func (e *Engine) slept(m *monitor, t turn, from, now time.Time) {
	if t.stood > uptime.RuleStale*m.job.Interval+m.job.Timeout {
		m.counts(from, uptime.ClassNone, now)
		m.counts(t.at, m.class(), now)
		m.touched()
	}
	if t.stood <= longStall {
		m.mem = m.mem.Waited(t.stood)
		return
	}
	if m.mode == uptime.Paused {
		return
	}
	m.slept = true
	doubted := m.mem.Verdict == uptime.Suspect
	// By the wall clock: the monotonic one may have stood still too.
	m.mem = m.mem.Step(0)
	e.wake(m, now)
	e.stands(m, now)
	m.touched()
	switch {
	case m.judged != nil:
	case doubted:
		e.extra(m, now, now)
	case !m.extra.IsZero():
		m.wanted.At = schedule.First(m.job.Name, min(m.job.Interval, uptime.RuleRetry), now)
		e.wants(m, m.wanted, now)
	}
}
