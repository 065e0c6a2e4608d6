package verdict

import (
	"fmt"
	"strings"
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
// limit. There is no evidence yet: the check may still end well.
func Slow(p Params, s Scene, m Memory, started, now time.Time) (Memory, Decision) {
	switch m.Verdict {
	case uptime.Up, uptime.Degraded, uptime.Pending:
	default:
		return m, Decision{}
	}
	if p.counted() || m.Only != "" {
		return m, Decision{}
	}
	from := m.said()
	m = m.doubt(s, uptime.Local, started, now)
	m.Path = true
	m.Fault, m.Message = uptime.NoFault, "no answer for "+uptime.Took(now.Sub(started))+" so far"
	return m.to(uptime.Suspect, from, started)
}

// doubt begins one: a check that started at first has failed at a place.
func (m Memory) doubt(s Scene, raiser string, first, now time.Time) Memory {
	before := m.Verdict
	if m.Verdict == uptime.Unknown && m.Before == uptime.Degraded {
		before = m.Before
	}
	m.Before, m.First, m.Doubt, m.Looks, m.Quiet = before, first, now, 0, false
	m.Evidence, m.ConfirmedBy = nil, nil
	m.others = opinions{raiser: raiser, odds: oddsPrior}
	return m
}

// homeFailed weighs another failing check of home.
func (m Memory) homeFailed(r *uptime.Result, now time.Time) (Memory, float64) {
	w := float64(oddsRepeat)
	if !m.others.weighed {
		w = weight(r)
	}
	m.others.weighed = true
	m.others.odds += w
	if m.others.raiser == uptime.Local {
		m.others.cleared = false
	}
	if !m.others.last.IsZero() && !r.Time.Before(m.others.last) {
		m.others.lastHome = true
	}
	return m, w
}

// homeSucceeded weighs a success of home.
func (m Memory) homeSucceeded() Memory {
	m.others.odds += oddsSuccess
	m.others.last, m.others.lastHome = time.Time{}, false
	if m.others.raiser == uptime.Local {
		m.others.cleared = true
	}
	return m
}

// elsewhere takes a result of another place; step is what it was asked for, ""
// for a regular check.
func elsewhere(p Params, s Scene, m Memory, place uptime.Place, step string, r *uptime.Result, now time.Time) (Memory, Decision) {
	if r.Outcome == uptime.OutcomeUnknown || r.Fault == uptime.FaultHTTPChallenged {
		return m, Decision{} // it abstains
	}
	m, d := m.listen(p, s, place, step, r, now)
	if d.clear {
		return m.clear(p, &uptime.Result{Time: r.Time, Location: r.Location, Outcome: uptime.OutcomeUp}, now)
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
		return m.heard(p, s, place, step, r, now)
	case m.wasDown():
		if !failing && !m.Good.IsZero() && asked {
			m.others.cleared = true // somebody else sees it again
			if m.Fails == 0 && m.stays(s, m.Began) {
				return m.recovered(&uptime.Result{Time: r.Time, Location: r.Location, Outcome: uptime.OutcomeUp}, now)
			}
		}
		return m, Decision{}
	case m.Only != "" && failing && place.Location != m.others.raiser:
		return m.spreads(p, s, place, r, now)
	case m.Only != "" && place.Location == m.others.raiser:
		if failing {
			m.Good = time.Time{}
			return m, Decision{}
		}
		return m.undoubted(p, r, now)
	case failing && !asked && (m.Verdict == uptime.Up || m.Verdict == uptime.Degraded): // a regular check there
		from := m.said()
		m = m.doubt(s, place.Location, r.Time, now)
		m.Path = r.Side() == uptime.Path
		m.Fault, m.Message = r.Fault, r.Message
		var w float64
		m.others, w = m.others.hear(s, place, r)
		m.Evidence = keep(m.Evidence, evidence(r, step, w))
		return m.to(uptime.Suspect, from, r.Time)
	}
	return m, Decision{}
}

func (s Scene) place(location string) (uptime.Place, bool) {
	for _, p := range s.Places {
		if p.Location == location {
			return p, true
		}
	}
	return uptime.Place{}, false
}

// heard weighs what another place says in a doubt.
func (m Memory) heard(p Params, s Scene, place uptime.Place, step string, r *uptime.Result, now time.Time) (Memory, Decision) {
	failing := r.Outcome == uptime.OutcomeDown
	if failing && m.others.watching && place.Location != m.others.raiser {
		return m.spreads(p, s, place, r, now)
	}
	var w float64
	m.others, w = m.others.hear(s, place, r)
	if place.Location == m.others.raiser {
		m.others.cleared = !failing
	}
	m.Evidence = keep(m.Evidence, evidence(r, step, w))
	return m.decide(p, s, now)
}

// spreads starts new waves with fresh odds: what failed at one place only now
// fails at another too.
func (m Memory) spreads(p Params, s Scene, place uptime.Place, r *uptime.Result, now time.Time) (Memory, Decision) {
	from, old := m.Verdict, m.others
	if m.Verdict == uptime.Suspect {
		from = m.Before
	}
	first, before := m.First, from
	evid := m.Evidence
	m = m.doubt(s, old.raiser, first, now)
	m.Before, m.First = before, first
	if first.IsZero() {
		m.First = r.Time
	}
	m.Evidence = evid
	if m.Fails > 0 {
		m.others.weighed, m.others.odds = true, m.others.odds+weight(&uptime.Result{Fault: m.Fault})
	}
	var w float64
	m.others, w = m.others.hear(s, place, r)
	m.Evidence = keep(m.Evidence, evidence(r, "check", w))
	said := m.Verdict
	m.Only = ""
	if said == uptime.Suspect {
		return m, Decision{}
	}
	return m.to(uptime.Suspect, said, m.First)
}

// decide says what follows from the evidence of a doubt.
func (m Memory) decide(p Params, s Scene, now time.Time) (Memory, Decision) {
	if m.Verdict != uptime.Suspect || p.counted() || !s.Others {
		return m, Decision{}
	}
	o := &m.others
	t := o.tier(s, now)
	if m.certain(p, s, t, now) {
		return m.down(p, s, now)
	}
	networks, _ := o.failing(s)
	switch {
	case t < tierSeveral && m.Fails == 0 && o.cleared, o.odds < oddsClear && o.cleared:
		return m, Decision{clear: true}
	case t == tierSeveral && !o.watching && o.waves >= maxWaves:
		if _, out := o.pending(now); !out {
			m.others.watching = true
		}
	}
	if m.others.watching && !o.cleared && now.Sub(m.First) >= aloneFor && len(networks) == 0 {
		return m.undecided(now)
	}
	return m, Decision{}
}

// certain reports whether a doubt has become an outage.
func (m Memory) certain(p Params, s Scene, t tier, now time.Time) bool {
	if m.Fails == 0 {
		return false // the latest check of home succeeded, or none has ended
	}
	o := &m.others
	networks, _ := o.failing(s)
	switch t {
	case tierSeveral:
		return m.ready(p, s) && o.lastIsIn(now) && now.Sub(m.First) >= m.dwells(p)
	case tierOne:
		return len(networks) > 0 && m.looked(p, uptime.NeedFor(p.Interval, p.dwell(), m.Path))
	case tierSilent:
		return m.looked(p, silentNeed)
	}
	return false
}

// looked reports whether home has failed in all looks of a window, the last of
// which began at its end.
func (m Memory) looked(p Params, need time.Duration) bool {
	return m.Looks >= uptime.RuleLooks && m.Began.Sub(m.Doubt) >= need
}

// ready reports whether the evidence is enough, but for the time that it must last and a last look.
func (m Memory) ready(_ Params, s Scene) bool {
	networks, _ := m.others.failing(s)
	return m.others.odds >= oddsDown-rounding && len(networks) >= needPlaces && m.Fails > 0
}

// dwells is how long this failure must last.
func (m Memory) dwells(p Params) time.Duration {
	if m.Raised {
		return max(p.dwell(), degradedDwell)
	}
	return p.dwell()
}

// undecided makes degraded what fails for long at one place and nowhere else.
func (m Memory) undecided(now time.Time) (Memory, Decision) {
	o, first, evid := m.others, m.First, m.Evidence
	m = m.settle()
	m.others = opinions{raiser: o.raiser, wave: now, turn: o.turn, watching: true}
	m.Only, m.First, m.Evidence = o.raiser, first, evid
	m.Message = "unreachable only from " + o.raiser + ": " + m.Message
	phase := uptime.IncidentChanged
	if !m.Open {
		m.Open, phase = true, uptime.IncidentOpened
	}
	m, d := m.to(uptime.Degraded, m.Verdict, first)
	d.Incident, d.Evidence = phase, evid
	return m, d
}

// undoubted takes a success of the one place that failed: two of them, a while
// apart, end it.
func (m Memory) undoubted(_ Params, r *uptime.Result, now time.Time) (Memory, Decision) {
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

// witnesses says who else was asked in a doubt, and what they say.
func (m Memory) witnesses(p Params, s Scene, now time.Time) string {
	_, agree := m.others.failing(s)
	place := "failing from " + p.Node
	if m.Path {
		place = "unreachable from " + p.Node
	}
	switch t := m.others.tier(s, now); {
	case t == tierSeveral && len(agree) == 1:
		return agree[0] + " agrees"
	case t == tierSeveral:
		return list(agree) + " agree"
	case t == tierOne:
		return fmt.Sprintf("%s and %s; no other network could be asked", place, list(agree))
	}
	if asked := m.others.unanswered(); len(asked) > 0 {
		return place + "; asked " + strings.Join(asked, ", ") + ": no answer"
	}
	return place + "; no other place can be asked now"
}

// list writes names for people: a, b and c.
func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
