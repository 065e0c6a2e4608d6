package verdict

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// failed takes a failing check of home.
func failed(p Params, s Scene, m Memory, r *uptime.Result, now time.Time) (Memory, Decision) {
	var w float64
	switch {
	case m.Verdict == uptime.Down:
		d := Decision{}
		if m.Fault != r.Fault {
			m.Evidence = keep(m.Evidence, evidence(r, "check", 0))
			d = Decision{Incident: uptime.IncidentChanged, Since: r.Time, Evidence: m.Evidence}
		}
		m.Fault, m.Message = r.Fault, r.Message
		return m, d

	case m.wasDown(): // it still is, now that we see again
		quiet := m.Quiet
		m.Quiet = false
		m.Fault, m.Message = r.Fault, r.Message
		m.Evidence = keep(m.Evidence, evidence(r, "check", 0))
		m, d := m.to(uptime.Down, m.Verdict, r.Time)
		d.Quiet = quiet
		if !m.Outage.IsZero() {
			m.Since = m.Outage
		}
		return m, d

	case m.Only != "" && m.others.knows(s.home()) && m.contradicted(p, s): // … and nobody else
		m.Fault, m.Message = r.Fault, "unreachable only from "+m.Only+": "+r.Message
		return m, Decision{}

	case m.Only != "": // not only where it was known to fail, or nobody is left to say so
		said := m.Verdict
		m = m.afresh(s, now)
		m = m.takeHome(p, s, r, now)
		return m.to(uptime.Suspect, said, m.First)

	case m.Verdict != uptime.Suspect:
		from := m.said()
		m = m.doubt(s, s.home(), r.Time, now)
		m.Path = r.Side() == uptime.Path
		m, w = m.homeFailed(s, r)
		m.Evidence = []uptime.Evidence{evidence(r, "check", w)}
		m.Fault, m.Message = r.Fault, r.Message
		if !p.counted() || m.Fails < max(p.Rule.Failures, 1) {
			return m.to(uptime.Suspect, from, r.Time)
		}

	default:
		m = m.takeHome(p, s, r, now)
		if s.Others && !p.counted() {
			return m.decide(p, s, now)
		}
		if p.counted() && m.Fails < max(p.Rule.Failures, 1) || !p.counted() && !m.looked(p, m.need(p), now) {
			return m, Decision{}
		}
	}
	return m.down(p, s, now)
}

// contradicted reports whether anybody can be asked who is not known to fail
// while the monitor is degraded because some places do.
func (m Memory) contradicted(p Params, s Scene) bool {
	return !p.counted() && s.Others && slices.ContainsFunc(s.Places, func(x uptime.Place) bool {
		return x.Network != s.Network && !m.others.knows(x.Location)
	})
}

// takeHome weighs another failing check of home in a doubt.
func (m Memory) takeHome(p Params, s Scene, r *uptime.Result, _ time.Time) Memory {
	step := m.stepOf(p, s, r)
	var w float64
	if !m.First.IsZero() && !r.Time.Equal(m.First) { // which may have been slow to end
		m.Looks++
	}
	if m.First.IsZero() || r.Time.Before(m.First) {
		m.First = r.Time
	}
	m.Path = m.Path || r.Side() == uptime.Path
	m, w = m.homeFailed(s, r)
	m.Evidence = keep(m.Evidence, evidence(r, step, w))
	m.Fault, m.Message = r.Fault, r.Message
	return m
}

// stepOf says what a check of home was for, in a doubt.
func (m Memory) stepOf(p Params, s Scene, r *uptime.Result) string {
	o := &m.others
	switch {
	case !o.last.IsZero() && !r.Time.Before(o.last), !s.Others && !p.counted() && !r.Time.Before(m.lastAt(p, m.need(p))):
		return "last"
	case r.Time.Equal(m.First):
		return "check"
	case o.waves > 0 && !r.Time.Before(o.wave) && !o.watching && r.Time.Sub(o.wave) < time.Second:
		return fmt.Sprintf("wave %d", o.waves)
	}
	return "dwell"
}

// homeFailed weighs a failing check of home.
func (m Memory) homeFailed(s Scene, r *uptime.Result) (Memory, float64) {
	o := &m.others
	w := weight(r)
	o.home = w
	switch {
	case !o.weighed:
		o.weighed = true
	case o.repeats < maxRepeats:
		w = oddsRepeat
		o.repeats++
	default:
		w = 0
	}
	o.odds += w
	if o.raiser == s.home() {
		o.raiserFailed(r.Time)
	}
	if !o.last.IsZero() && !r.Time.Before(o.last) {
		o.lastHome = true
	}
	return m, w
}

// homeSucceeded weighs a success of home in a doubt.
func (m Memory) homeSucceeded(p Params, s Scene, r *uptime.Result) Memory {
	m.Evidence = keep(m.Evidence, evidence(r, m.stepOf(p, s, r), oddsSuccess))
	m.others.odds += oddsSuccess
	m.others.last, m.others.lastHome = time.Time{}, false
	if m.others.raiser == s.home() {
		m.others.cleared = true
	}
	return m
}

func succeeded(p Params, s Scene, m Memory, r *uptime.Result, now time.Time) (Memory, Decision) {
	switch {
	case m.wasDown():
		return recovering(p, s, m, r, now)
	case m.Only != "" && (m.others.raiser == s.home() || !s.live(m.others.raiser) || p.counted()):
		return m.undoubted(r, now)
	case m.Only != "":
		return m, Decision{} // it is another place that fails
	case m.Verdict == uptime.Suspect && s.Others && !p.counted():
		m = m.homeSucceeded(p, s, r)
		if m, d := m.decide(p, s, now); !d.clear {
			return m, d
		}
	}
	return m.clear(r, now)
}

// clear sets the verdict after a success: a plain one, or one that ends a doubt.
func (m Memory) clear(r *uptime.Result, now time.Time) (Memory, Decision) {
	from, said := m.Verdict, m.said()
	if from == uptime.Suspect { // not confirmed
		if m.Fault.Side() == uptime.Target {
			m = m.complain(now)
			m.Message += nowAndThen
		}
	}
	m, to := m.judge(r, now)
	if from == uptime.Unknown && to == uptime.Degraded && r.Outcome != uptime.OutcomeDegraded {
		m.Fault, m.Message = m.complained() // not what kept us from seeing it
	}
	if to == from {
		if to == uptime.Up {
			m.Fault, m.Message = uptime.NoFault, ""
		}
		return m, Decision{}
	}
	quiet := m.Quiet && to == m.Before
	since := r.Time
	evid := m.Evidence
	if n := len(evid); n == 0 || !evid[n-1].Time.Equal(r.Time) || evid[n-1].Location != r.Location {
		evid = keep(evid, evidence(r, "check", oddsSuccess))
	}
	m = m.settle()
	if to != uptime.Degraded {
		m.Fault, m.Message = uptime.NoFault, ""
	}
	m, d := m.to(to, said, since)
	d.Changed, d.Quiet, d.Evidence = true, quiet, evid
	m.Quiet = false
	switch {
	case to == uptime.Degraded && !m.Open:
		m.Open, m.Evidence = true, evid
		d.Incident = uptime.IncidentOpened
	case to == uptime.Up && m.Open:
		m.Open = false
		d.Incident = uptime.IncidentClosed
	}
	return m, d
}

// down says so, and who else does.
func (m Memory) down(p Params, s Scene, now time.Time) (Memory, Decision) {
	m.Witness, m.ConfirmedBy = m.witness(p, s, now), nil
	if s.Others && !p.counted() {
		_, m.ConfirmedBy = m.others.failing(s)
	}
	m.others = opinions{}
	again := !m.Closed.IsZero() && now.Sub(m.Closed) <= uptime.RuleReopen
	phase := uptime.IncidentOpened
	switch {
	case m.Open: // degraded before, and perhaps down before that
		phase = uptime.IncidentChanged
	case again:
		phase = uptime.IncidentReopened
	}
	flapping := again && !m.Flapped
	m.Open, m.Outage, m.Flapped = true, m.First, again
	m, d := m.to(uptime.Down, m.Verdict, m.First)
	d.Incident, d.Again, d.Flapping, d.Evidence = phase, again, flapping, m.Evidence
	return m, d
}

// witness says who else was asked in a doubt, and what they say.
func (m Memory) witness(p Params, s Scene, now time.Time) string {
	place := "failing from " + p.Node
	if m.Path {
		place = "unreachable from " + p.Node
	}
	said := "nobody else was asked"
	_, agree := m.others.failing(s)
	switch t := m.others.tier(s, now); {
	case p.Rule.Plain:
		return "only " + p.Node + " can tell"
	case p.counted() && p.Rule.Failures > 1:
		place = fmt.Sprintf("%d failures in a row from %s", m.Fails, p.Node)
	case p.counted() || t == tierAlone:
	case t == tierSeveral:
		return list(agree) + " " + agrees(agree)
	case t == tierOne:
		return place + "; asked " + list(agree) + ", which " + agrees(agree) + m.others.silence() + "; one network is no second witness"
	default:
		said = "no other place can be asked now"
		if asked := m.others.unanswered(); len(asked) > 0 {
			said = "asked " + strings.Join(asked, ", ") + ": no answer"
		}
	}
	if s.Self == Unproven {
		said += ", there is nothing to compare with"
	}
	return place + "; " + said
}

// agrees is the verb for so many.
func agrees(names []string) string {
	if len(names) == 1 {
		return "agrees"
	}
	return "agree"
}

// silence says of whom nothing came, behind those who answered.
func (o *opinions) silence() string {
	silent := o.unanswered()
	if len(silent) == 0 {
		return ""
	}
	return ", and " + list(silent) + ": no answer"
}

// list writes names for people: a, b and c.
func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
