package verdict

import (
	"slices"
	"time"

	"lookout/engine/uptime"
)

// need is the window of a doubt in which nobody else, or one network, is heard.
func (m Memory) need(p Params) time.Duration {
	return max(uptime.NeedFor(p.Interval, p.dwell(), m.Path), m.dwells(p))
}

// silentNeed is the window where others were asked and none answered.
func (m Memory) silentNeed(p Params) time.Duration { return max(silentNeed, m.dwells(p)) }

// dwells is how long this failure must last, at the least.
func (m Memory) dwells(p Params) time.Duration {
	if m.Before == uptime.Degraded {
		return max(p.dwell(), degradedDwell)
	}
	return p.dwell()
}

// opens is when a window began.
func (m Memory) opens(need time.Duration) time.Time {
	if m.Doubt.Sub(m.First) <= need/uptime.RuleLooks {
		return m.First
	}
	return m.Doubt
}

// lastAt is when the last look of a window begins: so that it is over with the
// window where nothing answers, unless that leaves no room for those before it.
func (m Memory) lastAt(p Params, need time.Duration) time.Time {
	end := m.opens(need).Add(need)
	if m.Path && p.within() < need/uptime.RuleLooks {
		return end.Add(-p.within())
	}
	return end
}

// looked reports whether home has failed in all looks of a window, the last of
// which began at its end.
func (m Memory) looked(p Params, need time.Duration, now time.Time) bool {
	return m.Looks >= uptime.RuleLooks && !m.Began.Before(m.lastAt(p, need)) && !now.Before(m.opens(need).Add(need))
}

// nextLook is the next of the looks of a window after the newest check began:
// at its quarters, the last one, and more where some of those could not be made.
func (m Memory) nextLook(p Params, need time.Duration, started time.Time) Plan {
	quarter := need / uptime.RuleLooks
	look := Plan{Home: true, Step: "dwell"}
	if p.Timeout > quarter {
		look.Within = p.within() // not so many at once
	}
	opens, last := m.opens(need), m.lastAt(p, need)
	for i := range time.Duration(uptime.RuleLooks - 1) {
		if look.At = opens.Add(quarter * (i + 1)); look.At.After(started) {
			return look
		}
	}
	look.Within = p.within()
	for _, look.At = range []time.Time{last, opens.Add(need)} {
		if look.At.After(started) {
			look.Step = "last"
			return look
		}
	}
	look.At = started.Add(max(min(p.retry(), quarter), time.Second))
	return look
}

// quarter is the next of the checks that are spread through the dwell of what
// answers; what lacks of them when it is over comes as far apart.
func (m Memory) quarter(p Params, started time.Time) time.Time {
	for i := range time.Duration(3) {
		if at := m.First.Add(m.dwells(p) * (i + 1) / 4); at.After(started) {
			return at
		}
	}
	return started.Add(p.dwell() / 4)
}

// unbroken begins a window anew where home has succeeded in it and failed
// again: while few can be heard, a success counts for more than what failed
// before, and what others said by then is too old.
func (m Memory) unbroken(s Scene) Memory {
	var good time.Time
	for _, e := range m.Evidence {
		if s.atHome(e.Location) && e.Vote && e.Outcome != uptime.OutcomeDown && e.Time.After(good) {
			good = e.Time
		}
	}
	since := func(e uptime.Evidence) bool { return e.Time.After(good) }
	rest := slices.DeleteFunc(slices.Clone(m.Evidence), func(e uptime.Evidence) bool { return !since(e) })
	home := slices.IndexFunc(rest, func(e uptime.Evidence) bool { return s.atHome(e.Location) && e.Outcome == uptime.OutcomeDown })
	if good.IsZero() || m.Fails == 0 || home < 0 {
		return m
	}
	first, _ := earliest(rest)
	rest[home].Weight = m.others.home
	m.Evidence, m.First, m.Looks = rest, first.Time, 0
	m.others.odds, m.others.repeats = oddsPrior, 0
	for i, e := range rest {
		m.others.odds += e.Weight
		if s.atHome(e.Location) && e.Outcome == uptime.OutcomeDown && e.Time.After(m.First) {
			m.Looks++
			if i != home {
				m.others.repeats++
			}
		}
	}
	m.others.votes = slices.DeleteFunc(slices.Clone(m.others.votes), func(v vote) bool {
		return !slices.ContainsFunc(rest, func(e uptime.Evidence) bool { return e.Vote && e.Location == v.Location })
	})
	return m
}
