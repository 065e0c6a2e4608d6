package engine

import (
	"time"

	"lookout/engine/uptime"
	"lookout/engine/verdict"
)

// take uses the result of a check.
func (e *Engine) take(f finished, now time.Time) {
	e.flow.release(f.check)
	m := f.m
	m.inFlight--
	started := e.restamp(f.started, f.steps)
	if f.regular && m.slow.Equal(started) {
		m.slow = time.Time{}
	}
	if f.epoch != m.epoch || m.mode == uptime.Paused {
		return // a check in flight undoes no pause and judges no other configuration
	}
	r := f.r
	if f.stalled {
		r.Outcome, r.Fault, r.Message = uptime.OutcomeUnknown, uptime.FaultLocalStalled, "lookout stood still during the check"
	}
	if r.Fault == uptime.FaultLocalCancelled {
		return
	}
	r.Monitor = m.job.Name                            // it may have been renamed meanwhile
	r.Time = started.UTC().Truncate(time.Millisecond) // all stamps are of one clock
	e.undated(m, &r, now)
	e.found(m, r, started, now)
}

// found uses a result of a check that began at a time by the monotonic clock,
// like now: a step of the wall clock decides nothing. It may be of our own line.
func (e *Engine) found(m *monitor, r uptime.Result, started, now time.Time) {
	e.heard(m, &r, now)
	if !e.holds(m, r, started, now) {
		e.use(m, r, started, now)
	}
}

// use is found, once it is known how our own line was.
func (e *Engine) use(m *monitor, r uptime.Result, started, now time.Time) {
	m.slept = m.slept && r.Outcome == uptime.OutcomeUnknown
	s := e.judgeable(m, &r, started)
	e.learn(m, &r, now)
	m.observe(&r)
	stored := r
	stored.Steps, stored.Cert = nil, nil
	e.out.result(stored)
	e.judgeFrom(m, s, r, started, now)
}

// learn takes what a result of home tells beyond the check.
func (e *Engine) learn(m *monitor, r *uptime.Result, now time.Time) {
	for _, ev := range m.learned.take(r, m.job.Interval, now.UTC().Round(0)) {
		ev.Time, ev.Monitor, ev.By = now, m.job.Name, byEngine
		e.emit(ev)
		m.save = true
	}
}

// judgeFrom is the step of the rule with a result of home.
func (e *Engine) judgeFrom(m *monitor, s verdict.Scene, r uptime.Result, started, now time.Time) {
	e.dirty = true
	r.Time = started
	mem, d := verdict.Step(m.params, s, m.mem, &r, now)
	m.mem = mem
	e.apply(m, d, now)
	e.seen(m, &r, started, now)
	switch r.Outcome {
	case uptime.OutcomeDown:
		e.released(m, started, now)
	case uptime.OutcomeUp, uptime.OutcomeDegraded:
		e.reached(m, now)
	}
	e.replan(m, now)
}
