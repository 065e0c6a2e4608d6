package engine

import (
	"slices"
	"time"

	"lookout/engine/uptime"
	"lookout/engine/verdict"
)

// Remote asks other locations for second opinions. Its methods return at once.
type Remote interface {
	// Places are those that may be asked about a monitor now and whose vote
	// counts, the preferred first; configured says whether there ever are any.
	Places(m *uptime.Monitor) (places []uptime.Place, configured bool)
	// Ask has a job checked once at a place, within a time. What it finds is
	// given to take, from any goroutine, or never.
	Ask(job uptime.Job, place uptime.Place, within time.Duration, take func(uptime.Result))
}

// opinion is what another location found.
type opinion struct {
	m     *monitor
	epoch uint32
	place uptime.Place
	asked time.Time
	steps time.Duration // what the clock had been set by then
	home  bool          // it is home elsewhere, and no second opinion
	r     uptime.Result
}

// scene is what the rule has to know beside the results.
func (e *Engine) scene(m *monitor) verdict.Scene {
	s := verdict.Scene{Self: e.self, Network: e.o.Network}
	if m.away != nil {
		var places []uptime.Place
		if e.o.Remote != nil {
			places, _ = e.o.Remote.Places(m.job.Monitor)
		}
		m.settle(places)
		s.Self, s.Home, s.Network = verdict.Online, m.away.home.Location, m.away.home.Network
	}
	if e.o.Remote != nil && m.judged == nil && !m.job.Rule.Plain {
		s.Places, s.Others = confirming(e.o.Remote, m.job.Monitor)
		m.others = witnesses(s.Places, s.Network)
	}
	return s
}

// confirming are the places that a monitor may be confirmed from now, and
// whether there ever are any: those of its confirm_from, where it names some,
// and those where its own checks run, which say what they find in any case.
func confirming(r Remote, m *uptime.Monitor) (places []uptime.Place, configured bool) {
	several := len(m.Locations) > 1
	if m.Alone != "" && !several {
		return nil, false
	}
	places, configured = r.Places(m)
	if m.Alone == "" && m.ConfirmFrom == nil {
		return places, configured
	}
	var out []uptime.Place
	for _, p := range places {
		if m.Asks(p.Location) || slices.Contains(m.Locations, p.Location) {
			out = append(out, p)
		}
	}
	return out, configured && m.Alone == "" || several
}

// witnesses leaves out the places in the network of this machine.
func witnesses(places []uptime.Place, home string) []uptime.Place {
	own := func(p uptime.Place) bool { return p.Network == home }
	if !slices.ContainsFunc(places, own) {
		return places
	}
	return slices.DeleteFunc(slices.Clone(places), own)
}

// carryOut does what the rule wants now: checks at home and elsewhere, or
// another look at what was said.
func (e *Engine) carryOut(m *monitor, plan verdict.Plan, now time.Time) {
	if !plan.Looks() {
		mem, d := verdict.Weigh(m.params, e.scene(m), m.mem, now)
		if e.holdsBack(m, d, now, func(now time.Time) { e.carryOut(m, plan, now) }) {
			return
		}
		m.mem = mem
		e.apply(m, d, now)
		e.replan(m, now)
		return
	}
	e.lookNow(m, plan, now, func(checks int) bool { return e.afford(m, plan, checks, now) })
}

// lookNow checks at home and elsewhere, if so many checks can be paid for.
func (e *Engine) lookNow(m *monitor, plan verdict.Plan, now time.Time, pay func(checks int) bool) {
	busy := m.flying(now) >= 2 // two may overlap: a look at what takes long to fail
	if m.away != nil {
		busy = busy || !m.away.there
	}
	switch {
	case busy && len(plan.Ask) == 0 && m.away != nil: // an answer may never come
		plan.At = now.Add(min(m.job.Interval, uptime.RuleRetry))
		e.wants(m, plan, now)
		return
	case busy && len(plan.Ask) == 0:
		return // their results plan the next
	}
	checks := len(plan.Ask)
	if plan.Home && !busy {
		checks++
	}
	if !pay(checks) {
		return
	}
	m.mem = verdict.Begin(m.mem, plan, now)
	if plan.Home && !busy {
		e.checkNow(check{m: m, epoch: m.epoch, job: m.job, due: now, urgent: m.mem.Verdict == uptime.Suspect}, plan.Within)
		m.started = now
	}
	for _, place := range plan.Ask {
		e.askAt(m, place, plan.Within, false, now)
	}
	e.replan(m, now)
}

// askAt has a monitor checked at a place, which may be its home.
func (e *Engine) askAt(m *monitor, place uptime.Place, most time.Duration, home bool, now time.Time) {
	epoch, steps := m.epoch, e.steps.sum
	e.o.Remote.Ask(within(m.job, most), place, most, func(r uptime.Result) {
		select {
		case e.opinions <- opinion{m, epoch, place, now, steps, home, r}:
		case <-e.done:
		}
	})
}

// within is a job with a shorter time-out.
func within(job uptime.Job, most time.Duration) uptime.Job {
	if most <= 0 || most >= job.Timeout {
		return job
	}
	m := *job.Monitor
	m.Timeout = most
	job.Monitor = &m
	return job
}

// hear takes what another location found.
func (e *Engine) hear(o opinion, now time.Time) {
	m := o.m
	if o.epoch != m.epoch || m.mode == uptime.Paused {
		return
	}
	r := o.r
	r.Monitor, r.Location = m.job.Name, o.place.Location
	if r.Time.IsZero() { // nobody there can run it
		e.refused(o, r, now)
		return
	}
	stored := r
	stored.Steps, stored.Cert = nil, nil
	if r.Time.After(now.Add(rowsAhead)) || r.Time.Before(now.Add(-time.Hour)) {
		stored.Time = e.restamp(o.asked, o.steps).UTC()
	}
	e.out.result(stored)
	e.dirty = true
	if o.home {
		e.hearHome(m, o, r, now)
		return
	}
	r.Time = e.restamp(o.asked, o.steps) // its clock is another
	m.says(o.place.Location, r.Outcome, r.Time, now)
	e.answer(m, r, now)
}

// refused takes that nobody at a place could begin what it was asked: another is
// asked in its stead, at once.
func (e *Engine) refused(o opinion, r uptime.Result, now time.Time) {
	m := o.m
	if o.home {
		m.away.answered()
		e.replan(m, now)
		return
	}
	r.Time, r.Outcome = e.restamp(o.asked, o.steps), uptime.OutcomeUnknown
	mem, place, most := verdict.Instead(m.params, e.scene(m), m.mem, &r, now)
	if place.Location == "" {
		e.answer(m, r, now)
		return
	}
	m.mem = mem
	e.budget.owe()
	e.askAt(m, place, most, false, now)
	e.replan(m, now)
}

func (e *Engine) answer(m *monitor, r uptime.Result, now time.Time) {
	mem, d := verdict.Answer(m.params, e.scene(m), m.mem, &r, now)
	if e.holdsBack(m, d, now, func(now time.Time) { e.answer(m, r, now) }) {
		return
	}
	m.mem = mem
	e.apply(m, d, now)
	e.replan(m, now)
}

// soften has a regular check looked at when it reaches its soft limit.
func (e *Engine) soften(c check) {
	c.m.slow = c.started
	if at, ok := verdict.Soft(c.m.params, c.started); ok {
		e.wheel.Add(at, due{c.m, dueSoft, c.m.epoch})
	}
}

// soft raises a doubt where the check that was begun then still runs.
func (e *Engine) soft(m *monitor, at, now time.Time) {
	if m.slow.IsZero() {
		return
	}
	limit, ok := verdict.Soft(m.params, m.slow)
	if !ok || limit.After(at) {
		return // of an earlier check
	}
	if e.watch.stalledSince(at.Add(m.slow.Sub(limit))) {
		return // it is not the check that took so long
	}
	if m.judged == nil {
		e.line.Doubt(now)
		e.line.stirred = true
	}
	if e.self == verdict.Offline && !e.line.Near(&m.last) {
		return
	}
	mem, d := verdict.Slow(m.params, e.scene(m), m.mem, m.slow, now)
	m.mem = mem
	e.apply(m, d, now)
	e.replan(m, now)
}
