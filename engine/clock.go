package engine

import (
	"slices"
	"sync"
	"time"

	"lookout/engine/uptime"
)

// Reading is one look at the clocks of the machine.
type Reading struct {
	Now  time.Time     // the wall clock; with it the monotonic one, which stands while the machine is suspended
	Boot time.Duration // since the machine was started, suspended or not; 0: this system does not tell
}

const (
	beatEvery  = 100 * time.Millisecond
	stallAfter = time.Second
	stepLeast  = 2 * time.Second // less is an adjustment
	readWithin = 20 * time.Millisecond
)

// MachineClock reads the clocks of this machine.
func MachineClock() Reading {
	var r Reading
	for range 3 { // whoever was stopped between two readings has not read at one moment
		before := sinceBoot()
		r = Reading{time.Now(), sinceBoot()}
		if r.Boot-before < readWithin {
			break
		}
	}
	return r
}

// wallClock is what an engine reads that was given no clock: it cannot tell a
// suspended machine from a clock that was set forward, and takes both for the first.
func wallClock() Reading { return Reading{Now: time.Now()} }

// turn is what happened between two readings: this process stood still (it was
// stopped, the machine was suspended or paused, or had no time for it), or the
// wall clock was set, or both.
type turn struct {
	at        time.Time     // of the reading that showed it
	stood     time.Duration // 0: it did not stand still
	suspended bool          // … because the machine was
	step      time.Duration // of the wall clock; 0: none
}

// between compares two readings. What the machine lived through is what the
// clock says that runs on while it is suspended; where the wall clock says
// something else, it was set.
func between(a, b Reading) (turn, bool) {
	mono := b.Now.Sub(a.Now)
	wall := b.Now.Round(0).Sub(a.Now.Round(0))
	lived := mono
	switch {
	case a.Boot > 0 && b.Boot > 0:
		lived = max(mono, b.Boot-a.Boot)
	case wall-mono > stallAfter:
		lived = wall
	}
	t := turn{at: b.Now}
	if lived > stallAfter {
		t.stood, t.suspended = lived, lived-mono > stallAfter
	}
	if step := wall - lived; step.Abs() > stepLeast {
		t.step = step
	}
	return t, t.stood > 0 || t.step != 0
}

// watch sees that the process stood still and that the clock was set. Its last
// reading is never much older than beatEvery, unless nothing at all has run.
// Checks ask it from their own goroutines, hence the mutex.
type watch struct {
	read func() Reading

	mu    sync.Mutex
	last  Reading
	woke  time.Time // the end of the newest stall
	turns []turn    // that the loop has not taken yet
}

func newWatch(read func() Reading) *watch {
	if read == nil {
		read = wallClock
	}
	return &watch{read: read}
}

// look reads the clocks and notes what has happened since the reading before.
func (w *watch) look() Reading {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.read()
	if !w.last.Now.IsZero() {
		if t, ok := between(w.last, r); ok {
			w.turns = append(w.turns, t)
			if t.stood > 0 {
				w.woke = r.Now
			}
		}
	}
	w.last = r
	return r
}

// run looks until quit is closed.
func (w *watch) run(quit <-chan struct{}) {
	t := time.NewTicker(beatEvery)
	defer t.Stop()
	for {
		select {
		case <-quit:
			return
		case <-t.C:
			w.look()
		}
	}
}

// news is the time now, with what happened up to then and was not taken before.
func (w *watch) news() (time.Time, []turn) {
	now := w.look().Now
	w.mu.Lock()
	defer w.mu.Unlock()
	turns := w.turns
	w.turns = nil
	return now, turns
}

// stalledSince reports whether the process stood still between t and now. A
// check that lived through that has run into its time-out through no fault of
// its target.
func (w *watch) stalledSince(t time.Time) bool {
	w.look()
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.woke.IsZero() && !w.woke.Before(t)
}

// look is the time for the loop. Whatever happened to the clock or to this
// process up to then is dealt with before anything is done at that time.
func (e *Engine) look() time.Time {
	now, turns := e.watch.news()
	for _, t := range turns {
		e.missed(t)
		e.line.turned(t)
		if t.step != 0 {
			e.stepped(t.step, now)
		}
		if t.stood > 0 {
			e.stalled(t, now)
		}
	}
	return now
}

// missed notes what jobs that call in cannot be blamed for. The clock is set at
// the end of a stall, if both happened.
func (e *Engine) missed(t turn) {
	for _, m := range e.monitors {
		woke := moved(t.at, -t.step)
		if t.stood > longStall {
			m.beat = m.beat.After(uptime.Gap{From: woke.Add(-t.stood), To: woke, Asleep: t.suspended})
		}
		if t.step != 0 {
			m.beat = m.beat.After(uptime.Gap{From: woke, To: t.at, Set: true})
		}
	}
}

// moved is a stamp by the clock as it is after a step. It has no monotonic
// reading any more: that cannot be moved apart from it.
func moved(t time.Time, by time.Duration) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Round(0).Add(by)
}

// steps is what the wall clock was set by since the engine began.
type steps struct {
	began time.Time // by the clock as it is now
	sum   time.Duration
}

// restamp is a stamp that was made when the clock had been set by a sum, by the
// clock as it is now.
func (e *Engine) restamp(t time.Time, sum time.Duration) time.Time {
	if by := e.steps.sum - sum; by != 0 {
		return moved(t, by)
	}
	return t
}

// stepped follows a step of the wall clock. What lasts is told by the clock that
// is in force: every stamp that is still reckoned with moves along, so that an
// incident is as old as it was, no result is overdue, and nothing is judged anew.
// What people ended by the wall clock (a pause, an acknowledgement, a window)
// stays where it is; what is over stays as it was written.
//
// Of the time line, what this process wrote moves: a step forward leaves a hole
// of which nothing is known, a step back pushes what is older, and closes the
// hole of an earlier step first. No second counts twice and none is lost.
func (e *Engine) stepped(by time.Duration, now time.Time) {
	old := e.steps
	e.steps = steps{moved(old.began, by), old.sum + by}
	older := min(0, e.steps.sum) - min(0, old.sum)
	e.started = moved(e.started, by)
	e.jump.doubt(by, now)
	for _, m := range e.monitors {
		m.timeline = m.timeline.Step(old.began.Round(0), older, by)
		m.step(by)
	}
	for _, m := range e.removed {
		m.timeline = m.timeline.Step(old.began.Round(0), older, by)
		m.step(by)
	}
	e.intake.called.step(by)
	for _, i := range e.open {
		stepIncident(i, by)
		e.keep(i)
	}
	said := "the clock was set forward "
	if by < 0 {
		said = "the clock was set back "
	}
	e.emit(uptime.Event{Time: now, Kind: uptime.EventClock, By: byEngine, Message: said + uptime.Ago(by.Abs().Round(time.Second))}) // it is measured to some ms
}

// setBackMeanwhile goes on where the last engine ended, if the clock is now
// before that: it was set back while none ran. What was stored is then as old as
// it was at that end, and comes back when the clock is set forward again.
func (e *Engine) setBackMeanwhile(now time.Time) {
	by := now.Round(0).Sub(e.o.Resumed.LastAlive)
	if e.o.Resumed.LastAlive.IsZero() || by > -stepLeast {
		return
	}
	e.steps.sum = by
	e.jump.doubt(by, now)
	for _, m := range e.monitors {
		for i := range m.timeline {
			m.timeline[i].At = m.timeline[i].At.Add(by)
		}
		m.beat = m.beat.After(uptime.Gap{From: e.o.Resumed.LastAlive, To: now, Set: true})
		m.step(by)
	}
	e.intake.called.step(by)
	for _, i := range e.open {
		stepIncident(i, by)
		e.keep(i)
	}
}

// step moves the stamps of a monitor that are still reckoned with.
func (m *monitor) step(by time.Duration) {
	m.mem = m.mem.Step(by)
	m.modeSince = moved(m.modeSince, by)
	m.started, m.regular, m.extra, m.slow = moved(m.started, by), moved(m.regular, by), moved(m.extra, by), moved(m.slow, by)
	m.wanted.At = moved(m.wanted.At, by)
	m.since, m.good = moved(m.since, by), moved(m.good, by)
	if m.away != nil {
		m.away.out = nil
	}
	for i := range m.elsewhere {
		p := &m.elsewhere[i]
		p.at, p.heard = moved(p.at, by), moved(p.heard, by)
	}
	m.last.Time = moved(m.last.Time, by)
	m.history.step(by)
	m.learned = m.learned.step(by)
	if m.closed != nil {
		c := *m.closed
		stepIncident(&c, by)
		m.closed = &c
	}
	m.touched()
}

// stepIncident moves the stamps of an incident; published copies share its evidence.
func stepIncident(i *uptime.Incident, by time.Duration) {
	i.Start, i.End = moved(i.Start, by), moved(i.End, by)
	i.Evidence = slices.Clone(i.Evidence)
	for k := range i.Evidence {
		i.Evidence[k].Time = moved(i.Evidence[k].Time, by)
	}
	i.Story = slices.Clone(i.Story)
	for k := range i.Story {
		i.Story[k].Time = moved(i.Story[k].Time, by)
	}
}

// step is what was learned by a clock that was set by an amount. What
// certificates themselves say is nobody's clock.
func (l learned) step(by time.Duration) learned {
	l.Certs = slices.Clone(l.Certs)
	for i := range l.Certs {
		l.Certs[i].Seen, l.Certs[i].Warned = moved(l.Certs[i].Seen, by), moved(l.Certs[i].Warned, by)
	}
	l.Changed, l.Told = moved(l.Changed, by), moved(l.Told, by)
	return l
}
