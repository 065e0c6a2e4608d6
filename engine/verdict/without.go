package verdict

import (
	"slices"
	"time"

	"lookout/engine/uptime"
)

// Without takes that the word of a location does not count any more, on
// somebody's decision: a doubt goes on as if it had said nothing, and is over where
// nobody else fails. What a second place of its network said weighs as little as
// before, and another last look is taken. A recovery that it has seen is to be seen
// by somebody else. An outage that is decided stands: it ends when home sees it end.
func Without(p Params, s Scene, m Memory, location string, now time.Time) (Memory, Decision) {
	switch {
	case p.counted():
		return m, Decision{}
	case m.recovers():
		return m.unseen(location), Decision{}
	case m.Verdict != uptime.Suspect:
		return m, Decision{}
	}
	s = s.voters(m)
	s.Places = slices.DeleteFunc(slices.Clone(s.Places), func(x uptime.Place) bool { return x.Location == location })
	if s.atHome(location) { // another is home, and is still to fail
		return m.voided(s, now), Decision{}
	}
	raised := m.others.raiser == location
	i := slices.IndexFunc(m.others.votes, func(v vote) bool { return v.Location == location })
	if i < 0 && !raised {
		return m, Decision{}
	}
	m.others = m.others.without(location)
	m.Evidence = slices.DeleteFunc(slices.Clone(m.Evidence), func(e uptime.Evidence) bool { return e.Location == location })
	first, ok := earliest(m.Evidence)
	switch {
	case !ok && m.Fails > 0: // more was said than is kept
		return m.voided(s, now), Decision{}
	case !ok:
		m.Fault, m.Message = uptime.NoFault, ""
		return m.clear(&uptime.Result{Time: now, Location: s.home(), Outcome: uptime.OutcomeUp}, now)
	}
	if !first.Time.Equal(m.First) && first.Outcome == uptime.OutcomeDown && s.atHome(first.Location) {
		m.Looks = max(m.Looks-1, 0) // it is the first now, and no look after it
	}
	m.First = first.Time
	if raised {
		m = m.raisedBy(s, first)
	}
	m, d := m.decide(p, s, now)
	if d.clear {
		return m.clear(&uptime.Result{Time: now, Location: s.home(), Outcome: uptime.OutcomeUp}, now)
	}
	return m, d
}

// Listens reports whether what other places say decides something now: in a
// doubt, and in a recovery.
func (m Memory) Listens() bool { return m.Verdict == uptime.Suspect || m.recovers() }

// recovers reports whether an outage may be ending: home sees that it has.
func (m Memory) recovers() bool { return m.wasDown() && !m.Good.IsZero() }

// unseen is a recovery in which a place has said nothing. Who saw it is not
// kept, so the others that did are asked once more.
func (m Memory) unseen(location string) Memory {
	if slices.ContainsFunc(m.others.asked, func(r request) bool { return r.Location == location }) {
		m.others = m.others.without(location)
		m.others.cleared = false
	}
	return m
}

// raisedBy has a doubt be that of the first that fails of those that count.
func (m Memory) raisedBy(s Scene, first uptime.Evidence) Memory {
	o := &m.others
	o.raiser, o.since = first.Location, first.Time
	o.cleared = slices.ContainsFunc(o.votes, func(v vote) bool { return v.Location == first.Location && !v.failing }) ||
		s.atHome(first.Location) && m.Goods > 0
	m.Path = slices.ContainsFunc(m.Evidence, func(e uptime.Evidence) bool {
		return (s.atHome(e.Location) || e.Location == first.Location) && e.Outcome == uptime.OutcomeDown && e.Fault.Side() == uptime.Path
	})
	if m.Fails == 0 {
		m.Fault, m.Message = first.Fault, first.Message
	}
	return m
}

// without is what the others said.
func (o opinions) without(location string) opinions {
	for _, v := range o.votes {
		if v.Location == location {
			o.odds -= v.odds
		}
	}
	o.votes = slices.DeleteFunc(slices.Clone(o.votes), func(v vote) bool { return v.Location == location })
	o.asked = slices.DeleteFunc(slices.Clone(o.asked), func(r request) bool { return r.Location == location })
	o.known = slices.DeleteFunc(slices.Clone(o.known), func(l string) bool { return l == location })
	o.last, o.lastHome = time.Time{}, false
	return o
}
