package engine

import (
	"slices"
	"time"

	"lookout/engine/uptime"
	"lookout/engine/verdict"
)

// A monitor whose locations leave out this machine has its home elsewhere: the
// first of them that is there. What that location finds regularly comes in by
// itself, as a Delivery; what the rule wants to know beside, it is asked. Its
// own line is its probe's affair, which says so where it is broken; what it finds
// says nothing of ours, and ours nothing of it.

// place is a monitor's location as it was last heard.
type place struct {
	uptime.LocationState
	at    time.Time // when it began what it last found
	heard time.Time // … and when that came in
}

// checkedAt reports whether regular checks of a monitor run at a location.
func (m *monitor) checkedAt(location string) bool { return slices.Contains(m.job.Locations, location) }

// away is the home of a monitor that is checked elsewhere only.
type away struct {
	home  uptime.Place // the location that counts; zero: not settled yet
	there bool         // it can be asked
	out   []time.Time  // until when answers of it may come
}

// flying is how many answers of home may still come. A nil away has none.
func (a *away) flying(now time.Time) int {
	if a == nil {
		return 0
	}
	a.out = slices.DeleteFunc(a.out, func(t time.Time) bool { return !t.After(now) })
	return len(a.out)
}

// answered takes that one has come.
func (a *away) answered() {
	if a != nil && len(a.out) > 0 {
		a.out = a.out[1:]
	}
}

// settle finds home among the places that are there, and takes over from one
// that is gone: what the new one found last is as good as a check of now.
func (m *monitor) settle(places []uptime.Place) {
	a := m.away
	a.there = false
	home := a.home
	if home.Location == "" || !m.checkedAt(home.Location) {
		home = uptime.Place{Location: m.job.Locations[0], Network: m.job.Locations[0]}
	}
	for _, l := range m.job.Locations {
		if i := slices.IndexFunc(places, func(p uptime.Place) bool { return p.Location == l }); i >= 0 {
			home, a.there = places[i], true
			break
		}
	}
	if home == a.home {
		return
	}
	moved := a.home.Location != "" && a.home.Location != home.Location
	a.home, m.viewed = home, false
	m.params.Node = home.Location
	if p := m.elsewhere.at(home.Location); moved && p != nil && p.Outcome == uptime.OutcomeUp && p.heard.After(m.mem.Judged) && m.mem.Verdict == uptime.Up {
		m.mem.Judged = p.heard
	}
}

// seenFrom is the location whose results are a monitor's history.
func (m *monitor) seenFrom() string {
	switch {
	case m.away == nil:
		return uptime.Local
	case m.away.home.Location != "":
		return m.away.home.Location
	case m.last.Location != "" && m.checkedAt(m.last.Location):
		return m.last.Location
	}
	return m.job.Locations[0]
}

// conclude judges what home found elsewhere, in a check that began at a time.
func (e *Engine) conclude(m *monitor, s verdict.Scene, r uptime.Result, started, now time.Time) {
	m.heard = now
	if started.After(m.started) {
		m.started = started
	}
	m.slept = m.slept && r.Outcome == uptime.OutcomeUnknown
	m.says(r.Location, r.Outcome, started, now)
	e.learn(m, &r, now)
	m.observe(&r)
	e.judgeFrom(m, s, r, started, now)
}

// askHome has home elsewhere check a monitor now, within a time; 0 is that of
// the monitor. It reports whether anybody is there.
func (e *Engine) askHome(m *monitor, most time.Duration, now time.Time) bool {
	if !m.away.there || e.o.Remote == nil {
		return false
	}
	if most <= 0 {
		most = m.job.Timeout
	}
	m.started = now
	m.away.out = append(m.away.out, now.Add(most+probeFlush))
	e.askAt(m, m.away.home, most, true, now)
	return true
}

// flying is how many checks of home run, or wait to.
func (m *monitor) flying(now time.Time) int {
	return m.inFlight + m.queued + m.away.flying(now)
}

// checkNow has a monitor checked at home, wherever that is.
func (e *Engine) checkNow(c check, most time.Duration) {
	if c.m.away != nil {
		e.scene(c.m) // who is there may be others now
		e.askHome(c.m, most, c.due)
		return
	}
	c.job = within(c.job, most)
	e.flow.ask(c)
}

// hearHome takes what home elsewhere found when it was asked.
func (e *Engine) hearHome(m *monitor, o opinion, r uptime.Result, now time.Time) {
	m.away.answered()
	started := e.restamp(o.asked, o.steps) // its clock is another
	r.Time = started.UTC().Truncate(time.Millisecond)
	s := e.scene(m)
	if s.Home != r.Location {
		e.aside(m, r, started, now) // another is home by now
		return
	}
	e.conclude(m, s, r, started, now)
}

// awayTurn is done when a regular check at home elsewhere is due: it comes by
// itself, and if it does not, that is seen.
func (e *Engine) awayTurn(m *monitor, now time.Time) {
	e.scene(m)
	confirming := m.flying(now) > 0 && (m.mem.Verdict == uptime.Suspect || m.mem.Verdict == uptime.Down)
	e.stale(m, confirming, now)
}

// missing says why nothing comes of a monitor that is checked elsewhere; "" where
// that is not known.
func (e *Engine) missing(m *monitor) string {
	if m.away == nil || m.away.there {
		return ""
	}
	if e.o.Probes != nil {
		if b, _ := e.o.Probes(); b.URL != "" && !b.Connected {
			return ": there is no way to the broker"
		}
	}
	return ": there is no live probe of " + m.away.home.Location
}

// seen is what is known of a monitor's locations.
type seen []place

// at finds a location; nil: nothing is known of it.
func (s seen) at(location string) *place {
	for i := range s {
		if s[i].Location == location {
			return &s[i]
		}
	}
	return nil
}

// says notes what a location found in a check that began at a time, for the
// screens, unless a newer one has said something.
func (m *monitor) says(location string, o uptime.Outcome, at, now time.Time) {
	p := m.elsewhere.at(location)
	if p == nil {
		m.elsewhere = append(m.elsewhere, place{LocationState: uptime.LocationState{Location: location}})
		p = &m.elsewhere[len(m.elsewhere)-1]
	}
	if at.Before(p.at) {
		return
	}
	p.at, p.heard = at, now
	if p.Outcome != o || !p.Asked {
		p.Outcome, p.Asked, m.viewed = o, true, false
	}
}

// shown are a monitor's locations in the order of the configuration, local
// first, and then those that were asked beside. One that should check it and of
// which nothing is heard does not go on saying what it said, nor does one that
// was asked in a doubt which is over.
func (m *monitor) shown(now time.Time) []uptime.LocationState {
	out := make([]uptime.LocationState, 0, 1+len(m.elsewhere))
	if m.away == nil {
		out = append(out, uptime.LocationState{Location: uptime.Local, Outcome: m.last.Outcome, Asked: true})
	}
	for _, l := range m.job.Locations {
		if l == uptime.Local {
			continue
		}
		s := uptime.LocationState{Location: l}
		if p := m.elsewhere.at(l); p != nil {
			s.Outcome = p.Outcome
			s.Asked = now.Sub(p.heard) <= uptime.RuleStale*m.job.Interval+m.job.Timeout+probeFlush
		}
		out = append(out, s)
	}
	for _, p := range m.elsewhere {
		if !m.checkedAt(p.Location) {
			s := p.LocationState
			if m.mem.Verdict == uptime.Up && (p.at.Before(m.mem.Since) || now.Sub(p.heard) > uptime.RuleStale*m.job.Interval+m.job.Timeout) {
				s.Asked = false // what it said in a doubt that is over
			}
			out = append(out, s)
		}
	}
	return out
}
