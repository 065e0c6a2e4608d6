package verdict

import (
	"time"

	"lookout/engine/uptime"
)

// within is how long a confirming check may take.
func (p Params) within() time.Duration {
	w := max(leastLook, 2*p.P99)
	if p.Timeout > 0 {
		w = min(w, p.Timeout)
	}
	return w
}

// dwell is how long a failure must last, at the least.
func (p Params) dwell() time.Duration {
	return p.Rule.DwellAt(p.Interval)
}

// softLimit is how long a check may run before that alone is a doubt.
func (p Params) softLimit() time.Duration { return max(uptime.RuleSoft, uptime.RuleSoftFactor*p.P99) }

// Soft is when a check that started at a time becomes a doubt if it still
// runs; false where that is not before its time-out.
func Soft(p Params, started time.Time) (time.Time, bool) {
	limit := p.softLimit()
	return started.Add(limit), !p.counted() && limit < p.Timeout
}

// Slow raises a doubt because a regular check of home still runs at the soft
// limit. There is no evidence yet: the check may still end well. One check
// raises one doubt, so there is one hedge beside it.
func Slow(p Params, s Scene, m Memory, started, now time.Time) (Memory, Decision) {
	switch m.Verdict {
	case uptime.Up, uptime.Degraded, uptime.Pending:
	default: // who cannot judge waits for the result
		return m, Decision{}
	}
	if p.counted() || m.Only != "" {
		return m, Decision{}
	}
	from := m.said()
	m = m.doubt(s, s.home(), started, now)
	m.Path = true
	m.others.since = started
	m.Fault, m.Message = uptime.NoFault, "no answer for "+uptime.Took(now.Sub(started))+" so far"
	m.Evidence = []uptime.Evidence{running(s.home(), started, m.Message)}
	return m.to(uptime.Suspect, from, started)
}

// doubt begins one: a check that started at first has failed at a place.
func (m Memory) doubt(_ Scene, raiser string, first, now time.Time) Memory {
	before := m.Verdict
	if m.Verdict == uptime.Unknown && m.Before == uptime.Degraded {
		before = m.Before
	}
	m.Before, m.First, m.Doubt, m.Looks, m.Quiet = before, first, now, 0, false
	m.Evidence, m.ConfirmedBy = nil, nil
	m.others = opinions{raiser: raiser, odds: oddsPrior}
	return m
}

// afresh begins new waves with fresh odds: what failed at some places now fails
// at another too, or those that saw it up are gone. What home's last check says stays in the odds.
func (m Memory) afresh(s Scene, now time.Time) Memory {
	old, evid := m.others, m.Evidence
	looks, before := m.Looks, m.Before
	if m.Verdict != uptime.Suspect {
		before = m.Verdict
	}
	m = m.doubt(s, old.raiser, m.First, now)
	m.Before, m.Looks, m.Only, m.Good = before, looks, "", time.Time{}
	m.others.since, m.others.home = old.since, old.home
	if first, ok := earliest(evid); ok {
		first.Weight = 0
		m.Evidence = append(m.Evidence, first)
	}
	if m.Fails == 0 {
		return m
	}
	for i := len(evid) - 1; i >= 0; i-- {
		e := evid[i]
		if e.Outcome != uptime.OutcomeDown || !s.atHome(e.Location) {
			continue
		}
		e.Weight = old.home
		m.others.weighed, m.others.odds = true, m.others.odds+old.home
		if len(m.Evidence) > 0 && m.Evidence[0].Time.Equal(e.Time) && m.Evidence[0].Location == e.Location {
			m.Evidence = m.Evidence[:0]
		}
		m.Evidence = append(m.Evidence, e)
		break
	}
	return m
}

// voided begins a doubt anew: home was offline, so what failed there may have
// been our own fault. The first failing check is still to come.
func (m Memory) voided(s Scene, now time.Time) Memory {
	before := m.Before
	m = m.doubt(s, m.others.raiser, time.Time{}, now)
	m.Before, m.Fails, m.Path = before, 0, false
	return m
}

// elsewhere takes a result of another place; step is what it was asked for, ""
// for a regular check.
func elsewhere(p Params, s Scene, m Memory, place uptime.Place, step string, r *uptime.Result, now time.Time) (Memory, Decision) {
	if abstains(r) {
		return m, Decision{}
	}
	m, d := m.listen(p, s, place, step, r, now)
	if d.clear {
		return m.clear(&uptime.Result{Time: r.Time, Location: r.Location, Outcome: uptime.OutcomeUp}, now)
	}
	return m, d
}

func (m Memory) listen(p Params, s Scene, place uptime.Place, step string, r *uptime.Result, now time.Time) (Memory, Decision) {
	failing, asked := r.Outcome == uptime.OutcomeDown, step != ""
	if !asked {
		step = "check"
	}
	switch {
	case p.counted():
		return m, Decision{}
	case m.Verdict == uptime.Suspect:
		if failing && m.others.watching && !m.others.knows(place.Location) {
			m = m.afresh(s, now)
		}
		m = m.heard(s, place, step, r)
		return m.decide(p, s, now)
	case m.wasDown():
		if !failing && !m.Good.IsZero() && asked {
			m.others.cleared = true // somebody else sees it again
			return m.seen(s, &uptime.Result{Time: r.Time, Location: r.Location, Outcome: uptime.OutcomeUp}, now)
		}
		return m, Decision{}
	case m.Only != "" && failing && !m.others.knows(place.Location):
		said := m.Verdict
		m = m.afresh(s, now)
		m = m.heard(s, place, step, r)
		return m.to(uptime.Suspect, said, m.First)
	case m.Only != "" && place.Location == m.others.raiser:
		if failing {
			m.Good = time.Time{}
			return m, Decision{}
		}
		return m.undoubted(r, now)
	case failing && !asked && (m.Verdict == uptime.Up || m.Verdict == uptime.Degraded && m.Only == ""): // a regular check there
		from := m.said()
		m = m.doubt(s, place.Location, r.Time, now)
		m.Path = r.Side() == uptime.Path
		m.Fault, m.Message = r.Fault, r.Message
		m = m.heard(s, place, step, r)
		return m.to(uptime.Suspect, from, r.Time)
	}
	return m, Decision{}
}

// heard weighs what another place says in a doubt.
func (m Memory) heard(s Scene, place uptime.Place, step string, r *uptime.Result) Memory {
	var w float64
	m.others, w = m.others.hear(s, place, r)
	failing := r.Outcome == uptime.OutcomeDown
	if failing && (m.First.IsZero() || r.Time.Before(m.First)) {
		m.First = r.Time
	}
	if place.Location == m.others.raiser {
		if failing {
			m.others.raiserFailed(r.Time)
		} else {
			m.others.cleared = true
		}
	}
	m.Evidence = keep(m.Evidence, evidence(r, step, w))
	return m
}

// decide says what follows from the evidence of a doubt.
func (m Memory) decide(p Params, s Scene, now time.Time) (Memory, Decision) {
	if m.Verdict != uptime.Suspect || p.counted() || !s.Others {
		return m, Decision{}
	}
	if m.others.deserted(s) {
		m = m.afresh(s, now)
	}
	o := &m.others
	t := o.tier(s, now)
	if t < tierSeveral {
		m = m.unbroken(s)
		o = &m.others
	}
	if m.certain(p, s, t, now) {
		return m.down(p, s, now)
	}
	cleared := o.cleared || m.Goods > 0 && o.raiser != s.home() && (!s.live(o.raiser) || t == tierSilent) // or cannot be asked
	if cleared && (o.odds < oddsClear || t < tierSeveral && m.Fails == 0) {
		return m, Decision{clear: true}
	}
	if !o.watching && o.waves >= maxWaves {
		switch _, out := o.pending(now); {
		case out:
		case t == tierSeveral && m.Fails > 0 && !o.disputed(s): // it has spread while they were asked
			m = m.afresh(s, now)
			return m, Decision{}
		default:
			m.others.watching = true
			_, m.others.known = o.failing(s)
		}
	}
	if m.others.watching && !o.cleared && !o.since.IsZero() && now.Sub(o.since) >= aloneFor && (m.Fails == 0 || m.others.disputed(s)) {
		return m.undecided(now)
	}
	return m, Decision{}
}

// certain reports whether a doubt has become an outage.
func (m Memory) certain(p Params, s Scene, t tier, now time.Time) bool {
	if m.Fails == 0 || s.Self == Offline && m.Path {
		return false // the latest check of home succeeded, or none has ended; or nothing can be said
	}
	networks, _ := m.others.failing(s)
	switch t {
	case tierSeveral:
		return m.ready(s) && m.spread(p, 1) && m.others.lastIsIn(now) && now.Sub(m.First) >= m.dwells(p)
	case tierOne:
		return len(networks) > 0 && m.looked(p, m.need(p), now)
	case tierSilent:
		return m.looked(p, m.silentNeed(p), now)
	}
	return false
}

// ready reports whether the evidence is enough, but for the time that it must last and a last look.
func (m Memory) ready(s Scene) bool {
	networks, _ := m.others.failing(s)
	return m.others.odds >= oddsDown-rounding && len(networks) >= needPlaces && m.Fails > 0
}

// spread reports whether home has failed so often as a server must that
// answers: in three checks spread through the dwell, and in so many last ones.
func (m Memory) spread(p Params, last int) bool {
	return m.Path || p.dwell() == 0 || m.Looks >= uptime.RuleLooks-1+last
}

// undecided makes degraded what fails for long at one place, or at some, and
// not at others. Where only those that fail could be heard it would be down.
func (m Memory) undecided(now time.Time) (Memory, Decision) {
	o, first, evid := m.others, m.First, m.Evidence
	m = m.settle()
	m.others = opinions{raiser: o.raiser, wave: now, turn: o.turn, watching: true, known: o.known, since: o.since, home: o.home}
	m.Only = list(o.fails())
	m.First, m.Evidence = first, evid
	m.Message = "unreachable only from " + m.Only + ": " + m.Message
	phase := uptime.IncidentChanged
	if !m.Open {
		m.Open, phase = true, uptime.IncidentOpened
	}
	m, d := m.to(uptime.Degraded, m.Verdict, first)
	d.Incident, d.Evidence = phase, evid
	return m, d
}

// undoubted takes a success of the place that failed: two of them, a while
// apart, end it.
func (m Memory) undoubted(r *uptime.Result, now time.Time) (Memory, Decision) {
	if m.Good.IsZero() {
		m.Good = r.Time
	}
	if r.Time.Sub(m.Good) < uptime.RuleRecoveryGap {
		return m, Decision{}
	}
	since := m.Good
	m.Only, m.others = "", opinions{}
	m, to := m.judge(r, now)
	from := m.Verdict
	m = m.settle()
	if to == uptime.Up {
		m.Fault, m.Message = uptime.NoFault, ""
	}
	m, d := m.to(to, from, since)
	d.Evidence = []uptime.Evidence{evidence(r, "check", oddsSuccess)}
	if to == uptime.Up && m.Open {
		m.Open, d.Incident = false, uptime.IncidentClosed
	}
	return m, d
}
