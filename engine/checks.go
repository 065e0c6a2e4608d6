package engine

import (
	"fmt"
	"time"

	"lookout/engine/schedule"
	"lookout/engine/uptime"
	"lookout/engine/verdict"
)

// due is what the wheel holds: a monitor's next regular check or its next extra one.
type due struct {
	m     *monitor
	what  dueKind
	token uint32 // epoch or plan of the monitor when it was put in: another one means never mind
}

type dueKind uint8

const (
	dueRegular dueKind = iota
	dueExtra
	dueSoft
	dueDoubt // of one that others depend on: it no longer counts
)

// freshSpread is between the first checks of monitors that were never checked.
const freshSpread = 5 * time.Millisecond

// schedule puts a monitor's checks on the wheel from now on; what was on it no longer counts.
func (e *Engine) schedule(m *monitor, now time.Time, fresh *int) {
	m.epoch++
	m.plan++
	m.regular, m.extra = time.Time{}, time.Time{}
	m.viewed = false
	e.dirty = true
	e.tellPause(m)
	if m.mode == uptime.Paused {
		return
	}
	m.regular = schedule.First(m.job.Name, m.job.Interval, now)
	e.wheel.Add(m.regular, due{m, dueRegular, m.epoch})
	if m.away == nil && (m.last.Time.IsZero() || m.mem.Verdict == uptime.Unknown) {
		*fresh++
		at := now.Add(time.Duration(*fresh) * freshSpread)
		if at.Before(m.regular) {
			e.extra(m, at, now)
			return
		}
	}
	e.replan(m, now)
}

// catchUp checks at once what was to be checked while no engine ran, or was
// being checked when it stopped; what was never checked has missed nothing. Where
// one engine hands over to another, no check is missed so, but comes late.
func (e *Engine) catchUp(m *monitor, now time.Time, fresh *int) {
	turn := m.regular.Add(-m.job.Interval)
	if m.last.Time.IsZero() || m.regular.IsZero() || !m.extra.IsZero() || m.judged != nil || m.away != nil || !m.last.Time.Add(time.Millisecond).Before(turn) { // its stamp is cut to that
		return
	}
	*fresh++
	if at := now.Add(time.Duration(*fresh) * freshSpread); at.Before(m.regular) {
		e.extra(m, at, now)
	}
}

// endings ends the modes and acknowledgements whose time has come. People set
// these by the wall clock, so that is what they end by, whatever steps it makes.
func (e *Engine) endings(now time.Time) {
	for _, m := range e.monitors {
		if !m.until.IsZero() && !m.windowed && !now.Before(m.until) {
			e.endMode(m, byEngine, m.until, now)
		}
		if !m.out.IsZero() && !now.Before(m.out) { // a reload may have made the window longer
			m.out = time.Time{}
			if e.follow(m, now, m.rota.note(now), now) {
				e.regroup(m, now)
			}
		}
		if m.ack != nil && !m.ack.Until.IsZero() && !now.Before(m.ack.Until) {
			e.unack(m, byEngine, now)
		}
	}
}

// fire takes what the wheel hands out.
func (e *Engine) fire(at time.Time, d due, now time.Time) {
	m := d.m
	at = now.Add(at.Sub(now)) // the same moment by the wall clock as it is now
	switch {
	case d.what == dueRegular && d.token == m.epoch:
		e.regular(m, at, now)
	case d.what == dueExtra && d.token == m.plan:
		m.extra, m.viewed = time.Time{}, false
		if m.judged != nil {
			e.judge(m, now)
			return
		}
		plan := m.wanted
		m.wanted = verdict.Plan{}
		e.carryOut(m, plan, now)
	case d.what == dueSoft && d.token == m.epoch:
		e.soft(m, at, now)
	case d.what == dueDoubt:
		e.doubtful(m, now)
	}
}

// regular starts a regular check, unless the one before still runs or the
// whole process stood still: then all that is overdue has its next turn at its
// own place in the interval, which spreads it.
func (e *Engine) regular(m *monitor, at, now time.Time) {
	m.regular = at.Add(m.job.Interval)
	if !m.regular.After(now) {
		m.regular = schedule.First(m.job.Name, m.job.Interval, now)
	}
	e.wheel.Add(m.regular, due{m, dueRegular, m.epoch})
	m.viewed = false
	if m.judged != nil {
		e.judge(m, now)
		return
	}
	if m.away != nil {
		e.awayTurn(m, now)
		return
	}
	if e.overdue(at, now) {
		e.flow.skipped++
		return
	}
	// What waits for its turn to be confirmed is late, not out of sight.
	e.stale(m, m.inFlight+m.queued > 0 && (m.mem.Verdict == uptime.Suspect || m.mem.Verdict == uptime.Down), now)
	if m.inFlight+m.queued > 0 {
		e.flow.skipped++
		return
	}
	e.flow.ask(check{m: m, epoch: m.epoch, job: m.job, due: at, regular: true})
}

// stale makes unknown what was without a result for too long, unless it is being
// confirmed.
func (e *Engine) stale(m *monitor, confirming bool, now time.Time) {
	mem, d := verdict.Stale(m.params, m.mem, now)
	switch {
	case !d.Changed || confirming:
	case m.slept: // that we slept was said
		e.wake(m, now)
		e.stands(m, now)
		m.touched()
	default:
		m.mem = mem
		m.mem.Message += e.missing(m)
		e.apply(m, d, now)
	}
}

// overdue reports whether what was due at a time is late because the process stood still.
func (e *Engine) overdue(at, now time.Time) bool {
	return now.Sub(at) > stallAfter && e.watch.stalledSince(at)
}

// extra plans an extra check.
func (e *Engine) extra(m *monitor, at, now time.Time) {
	e.wants(m, verdict.Plan{At: at, Home: true, Step: "check"}, now)
}

// wants puts a plan on the wheel, in the place of any other.
func (e *Engine) wants(m *monitor, plan verdict.Plan, now time.Time) {
	at := now.Add(plan.At.Sub(now)) // the wheel turns by the monotonic clock, which the stamps of a plan may lack
	m.plan++
	m.extra, m.wanted = plan.At, plan
	m.viewed = false
	e.wheel.Add(at, due{m, dueExtra, m.plan})
}

// replan asks the rule when it wants to look next.
func (e *Engine) replan(m *monitor, now time.Time) {
	plan, ok := verdict.Next(m.params, e.scene(m), m.mem, m.started, now)
	ok = ok && !e.waits(m)
	switch {
	case !ok && m.extra.IsZero():
	case !ok:
		m.plan++
		m.extra, m.wanted = time.Time{}, verdict.Plan{}
		m.viewed = false
	case plan.At.Equal(m.extra):
		m.wanted = plan
	default:
		e.wants(m, plan, now)
	}
}

// apply does what a decision says: the timeline, the event, the incident.
func (e *Engine) apply(m *monitor, d verdict.Decision, now time.Time) {
	defer e.stands(m, now)
	if !d.Changed && d.Incident == "" {
		return
	}
	m.touched()
	e.consult(m, now)
	i, phase := e.concerned(m, d)
	if i != nil {
		m.number = i.Number
		if phase != uptime.IncidentClosed && m.mem.Verdict == uptime.Down {
			i.Behind = e.explained(m, i, d.Changed)
		}
	}
	if d.Changed {
		if d.To != uptime.Suspect {
			m.recounts(d.Since, m.counting().Counts(uptime.Active), now)
		}
		if !d.Quiet {
			e.emit(uptime.Event{Time: now, Kind: uptime.EventVerdict, Monitor: m.job.Name, Since: d.Since, From: d.From, To: d.To,
				Fault: m.mem.Fault, Message: e.sentence(m, d, i), Incident: m.number, By: byEngine, Evidence: d.Evidence, Behind: e.behindOf(m, i)})
		}
	}
	if i != nil {
		e.incident(m, i, phase, d, now)
	} else if d.Changed {
		e.explain(m, now) // seen again, and still down
	}
	e.outlasted(m, now)
	if d.Changed {
		if m.mem.Verdict != uptime.Suspect {
			e.unstake(m)
		}
		e.regroup(m, now)
	}
}

// sentence is what an event says of a change of verdict.
func (e *Engine) sentence(m *monitor, d verdict.Decision, i *uptime.Incident) string {
	switch d.To {
	case uptime.Up:
		switch d.From {
		case uptime.Pending:
			return "first check succeeded"
		case uptime.Suspect:
			return "not confirmed: a check succeeded"
		case uptime.Unknown:
			return "a check succeeded"
		case uptime.Down, uptime.Degraded:
			if i := e.open[m.number]; i != nil {
				return "up again after " + uptime.Ago(d.Since.Sub(i.Start))
			}
			return "up again"
		}
		return "up"
	case uptime.Down:
		said := m.mem.Message + "; " + m.mem.Witness
		if name := e.behindOf(m, i); name != "" {
			said += "; behind " + name
		}
		return said
	}
	return m.mem.Message
}

// concerned is the incident that a decision is about, a new one where it opens
// one, and the phase that it comes to; nil for none.
func (e *Engine) concerned(m *monitor, d verdict.Decision) (*uptime.Incident, string) {
	switch d.Incident {
	case "":
		return nil, ""
	case uptime.IncidentReopened:
		if i := e.reopen(m); i != nil {
			return i, uptime.IncidentReopened
		}
	case uptime.IncidentChanged, uptime.IncidentClosed:
		return e.open[m.number], d.Incident // nil when it ended with a configuration in between
	}
	e.ids.incident++
	return &uptime.Incident{Number: e.ids.incident, Monitor: m.job.Name, Start: d.Since}, uptime.IncidentOpened
}

// incident opens, changes or closes a monitor's incident.
func (e *Engine) incident(m *monitor, i *uptime.Incident, phase string, d verdict.Decision, now time.Time) {
	from := d.From
	if !d.Changed {
		from = m.mem.Verdict
	}
	if phase != uptime.IncidentClosed {
		if was := i.Verdict; m.mode == uptime.Maintenance && (phase != uptime.IncidentChanged || was != m.mem.Verdict && m.mem.Verdict == uptime.Down) {
			i.Silenced = true
		}
		i.Verdict = worse(i.Verdict, m.mem.Verdict)
		i.Fault, i.Message = m.mem.Fault, m.mem.Message
		if m.mem.Verdict == uptime.Down {
			i.Witness, i.ConfirmedBy = m.mem.Witness, m.mem.ConfirmedBy
		}
		i.Evidence = d.Evidence
		e.open[i.Number] = i
		m.number, m.ack = i.Number, i.Ack
	} else {
		i.End = d.Since
		if i.End.Round(0).Before(i.Start.Round(0)) { // the clock was set back by less than is a step
			i.End = i.Start
		}
		delete(e.open, i.Number)
		m.number, m.ack = 0, nil
		if i.Verdict == uptime.Down {
			m.closed = i
		}
	}
	p := uptime.Phase{Time: now.UTC().Round(0), Phase: phase, Verdict: m.mem.Verdict, Fault: m.mem.Fault, Message: m.mem.Message}
	text := fmt.Sprintf("#%d %s: %s", i.Number, phase, i.Message)
	if i.Behind != "" && m.mem.Verdict == uptime.Down {
		text += "; behind " + i.Behind
	}
	if phase == uptime.IncidentClosed {
		p.Message = "after " + uptime.Ago(i.Lasted(now))
		text = fmt.Sprintf("#%d closed %s", i.Number, p.Message)
	}
	i.Tell(p)
	e.emit(uptime.Event{Time: now, Kind: uptime.EventIncident, Monitor: m.job.Name, Since: d.Since, From: from, To: m.mem.Verdict,
		Fault: i.Fault, Message: text, Incident: i.Number, By: byEngine, Note: phase, Behind: i.Behind, Silenced: i.Silenced})
	if d.Flapping && phase != uptime.IncidentOpened {
		e.flapping(m, i, d, now)
	}
	e.keep(i)
	m.touched()
}

// keep has an incident stored, and shown, as it is now.
func (e *Engine) keep(i *uptime.Incident) {
	e.shown.change(i.Number)
	e.out.pending.Incidents = append(e.out.pending.Incidents, *i)
	e.out.urgent = true
}

// reopen takes back the last incident of a monitor, which came back within ten minutes.
func (e *Engine) reopen(m *monitor) *uptime.Incident {
	i := m.closed
	if i == nil {
		return nil
	}
	m.closed = nil
	if i.Silenced && m.mode == uptime.Active || i.Behind != "" && e.explained(m, i, true) == "" {
		return nil // nobody was told of it, and this one they are told of
	}
	i.End, i.Ack = time.Time{}, nil // whoever acknowledged it did so until it was up
	i.Reopened++
	return i
}

func worse(a, b uptime.Verdict) uptime.Verdict {
	if a == uptime.Down || b == uptime.Down {
		return uptime.Down
	}
	return uptime.Degraded
}
