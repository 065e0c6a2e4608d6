package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"lookout/engine/uptime"
	"lookout/engine/verdict"
)

// What probes send is applied once. Which numbers of which epoch were taken is
// stored in the transaction of the rows themselves, and a delivery is answered
// after it: whatever is killed in between, what comes again is known, and what
// was never stored comes again. Rows that come late are history: they are found
// where they belong when it is read, and change no verdict and no second of a
// timeline, since nobody knew of them then.

const (
	maxDelivered  = 50_000              // rows that are not stored yet; who brings more waits
	soonDelivered = 8                   // so many deliveries wait no longer than a tick for their transaction
	rowsAhead     = time.Minute         // a row's time, from now: the clocks were compared
	rowsBehind    = 90 * 24 * time.Hour // … and before it
	oneDelivery   = 1 << 16             // rows at the most
	probeFlush    = 15 * time.Second    // a result may be on its way for so long: a flush, and some
	tellGivenUp   = time.Hour           // between two events of what is given up of a probe
)

// delivery is one on its way into the loop.
type delivery struct {
	uptime.Delivery
	done func(error)
}

// intake is what the loop knows of what probes sent.
type intake struct {
	deliveries chan delivery // callers → loop; unbuffered: what is taken is applied
	probes     map[string]*applied
	called     names
	told       map[string]time.Time // when it was last told that something of a probe is given up
}

// Deliver hands over what a probe sent. It waits while as much as there is room
// for is not stored yet, and fails with the error of ctx, with ErrInvalid for a
// delivery that makes no sense, or with ErrNoEngine; done is not called then.
// Otherwise done is called once, with nil when all of it is on disk or was
// before, or with an error when that will not be. It is called by the loop and
// must not wait.
func (e *Engine) Deliver(ctx context.Context, d uptime.Delivery, done func(error)) error {
	if err := sound(&d); err != nil {
		return err
	}
	select {
	case e.intake.deliveries <- delivery{d, done}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-e.done:
		return fmt.Errorf("%w: it has stopped", uptime.ErrNoEngine)
	}
}

// sound refuses what no probe can have sent.
func sound(d *uptime.Delivery) error {
	location, name, ok := strings.Cut(d.Probe, "/")
	switch {
	case !ok || location == "" || name == "" || location != d.Location || location == uptime.Local || len(d.Probe) > 200:
		return uptime.Invalid("%q is no probe of %q", uptime.Clean(d.Probe, 80), uptime.Clean(d.Location, 80))
	case d.From > d.To || d.To > maxNumber || d.To-d.From != uint64(len(d.Found)) || len(d.Found) > oneDelivery:
		return uptime.Invalid("the numbers from %d to %d of %s are not those of %d results", d.From, d.To, d.Probe, len(d.Found))
	}
	for _, l := range d.Lost {
		if l.From > l.To || l.To > maxNumber {
			return uptime.Invalid("the numbers from %d to %d of %s cannot be lost", l.From, l.To, d.Probe)
		}
	}
	return nil
}

// arriving is where deliveries come from, nil while there is no room for more.
func (e *Engine) arriving() <-chan delivery {
	if e.out.delivered() >= maxDelivered {
		return nil
	}
	return e.intake.deliveries
}

// deliver applies what a probe sent.
func (e *Engine) deliver(d delivery, now time.Time) {
	if len(d.Found)+len(d.Lost) == 0 { // it lives
		d.done(nil)
		return
	}
	known := e.intake.probes[d.Probe]
	if known == nil {
		known = &applied{}
	}
	if slices.Contains(known.forgotten, d.Epoch) {
		e.tooOld(d, known)
		return
	}
	next := known.clone()
	ep := next.epoch(d.Epoch)
	before := slices.Clone(ep.runs)
	counts := next.exclude == "" && !d.Late
	e.out.rows = slices.Grow(e.out.rows, len(d.Found))
	for i := range d.Found {
		if ep.has(d.From + uint64(i)) {
			continue
		}
		if !e.row(d.Location, &d.Found[i], counts, now) {
			next.refused++
		}
	}
	givenUp := next.add(ep, d.Interval)
	for _, l := range d.Lost {
		givenUp += next.add(ep, l)
	}
	if !slices.Equal(before, ep.runs) {
		e.intake.probes[d.Probe] = next
		e.out.probe(d.Probe)
	} else if e.out.settled() { // it is on disk already
		d.done(nil)
		return
	}
	e.out.answer(d.done, len(d.Found))
	if givenUp > 0 {
		e.gaveUp(d.Probe, givenUp, now)
	}
}

// tooOld refuses, and counts, what is of an epoch of which it is not known any
// more what was taken: it has probably come before.
func (e *Engine) tooOld(d delivery, known *applied) {
	next := known.clone()
	next.again += uint64(len(d.Found))
	e.intake.probes[d.Probe] = next
	e.out.probe(d.Probe)
	e.out.answer(d.done, 1)
}

// gaveUp tells that results of a probe will not be taken any more.
func (e *Engine) gaveUp(probe string, n uint64, now time.Time) {
	if last, ok := e.intake.told[probe]; ok && now.Sub(last) < tellGivenUp && !now.Before(last) {
		return
	}
	e.intake.told[probe] = now
	e.emit(uptime.Event{Time: now, Kind: uptime.EventProbe, By: byEngine,
		Message: fmt.Sprintf("%s: %d of its results are given up: they never came, and there are too many gaps before them", probe, n)})
}

// row takes one result of a probe, and reports whether it could.
func (e *Engine) row(location string, f *uptime.Found, counts bool, now time.Time) bool {
	r := f.Result
	if r.Time.After(now.Add(rowsAhead)) || r.Time.Before(now.Add(-rowsBehind)) || r.Outcome > uptime.OutcomeDown {
		return false
	}
	borne := e.byName[r.Monitor] != nil || e.removed[r.Monitor] != nil
	name := e.intake.called.of(r.Monitor, r.Time, borne) // whoever brings it may not know the new one yet
	m := e.byName[name]
	if m == nil {
		if m, counts = e.removed[name], false; m == nil {
			return true // nobody knows any more whose it is
		}
	}
	if m.judged != nil || m.mode == uptime.Paused && !r.Time.Before(m.modeSince) {
		return true // a check in flight undoes no pause
	}
	r.Time = r.Time.UTC().Truncate(time.Millisecond)
	r.Monitor, r.Type, r.Target, r.Location = m.job.Name, m.job.Type, m.job.Target, location
	if f.Unhealthy && r.Outcome != uptime.OutcomeUnknown {
		r = verdict.Void(&r, uptime.FaultLocalNodeOffline, "its probe failed a check of its own line")
	}
	stored := r
	stored.Steps, stored.Cert = nil, nil
	e.out.rows = append(e.out.rows, stored)
	e.dirty = true
	if counts && !f.Outdated {
		e.heed(m, f.Baseline, r, now)
	}
	return true
}

// heed lets a row of another location count for the verdict.
func (e *Engine) heed(m *monitor, baseline bool, r uptime.Result, now time.Time) {
	s := e.scene(m)
	started := now.Add(r.Time.Sub(now.Round(0))) // by the monotonic clock, as far as it can be told
	fresh := now.Sub(started) <= uptime.RuleStale*m.job.Interval+m.job.Timeout+probeFlush
	switch {
	case baseline:
		if fresh {
			m.mem = verdict.TakeBaseline(m.mem, &r, now)
			m.touched()
		}
	case !m.checkedAt(r.Location) || !fresh || r.Time.Before(m.since.Round(0)):
		// It was taken back meanwhile, is out of date, or is of what was checked before.
	case m.away != nil && r.Location == s.Home:
		if r.Time.After(m.last.Time) {
			e.conclude(m, s, r, started, now)
		}
	default:
		e.aside(m, r, started, now)
	}
}

// aside takes a regular result of a place that is not home.
func (e *Engine) aside(m *monitor, r uptime.Result, started, now time.Time) {
	m.says(r.Location, r.Outcome, started, now)
	failing, mem := r.Outcome == uptime.OutcomeDown, &m.mem
	switch {
	case r.Outcome == uptime.OutcomeUnknown:
		return
	case !failing && slices.ContainsFunc(mem.Baselines, func(b verdict.Baseline) bool { return b.Location == r.Location && b.Fails }):
		*mem = verdict.TakeBaseline(*mem, &r, now) // it can see it again
		return
	case !failing && mem.Verdict != uptime.Suspect && mem.Only == "":
		return
	case !failing && mem.Verdict == uptime.Suspect && r.Time.Before(mem.First.Round(0)):
		return // it was well then, and sent later
	}
	r.Time = started
	e.weigh(m, r, now)
}

func (e *Engine) weigh(m *monitor, r uptime.Result, now time.Time) {
	mem, d := verdict.Step(m.params, e.scene(m), m.mem, &r, now)
	if e.holdsBack(m, d, now, func(now time.Time) { e.weigh(m, r, now) }) {
		return
	}
	m.mem = mem
	e.apply(m, d, now)
	e.replan(m, now)
}
