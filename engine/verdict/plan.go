package verdict

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// Next is what the rule wants beside the regular checks, not before now; false
// when those are enough. Started is the start of the newest check of home,
// which may still run: what was due by then has been done.
func Next(p Params, s Scene, m Memory, started, now time.Time) (Plan, bool) {
	s = s.voters(m)
	plan, ok := m.next(p, s, started, now)
	if !ok {
		return Plan{}, false
	}
	if plan.Home && len(plan.Ask) == 0 && !plan.At.After(started) {
		plan.At = started.Add(p.retry())
	}
	if next := m.begun.Add(min(leastGap, p.retry())); len(plan.Ask) > 0 && plan.Step == m.step && plan.At.Before(next) {
		plan.At = next
	}
	if plan.At.Before(now) {
		plan.At = now
	}
	return plan, true
}

func (m Memory) next(p Params, s Scene, started, now time.Time) (Plan, bool) {
	home := func(at time.Time) (Plan, bool) { return Plan{At: at, Home: true, Step: "check"}, true }
	switch {
	case m.Unknowns > 0 && p.Rule.Plain: // what a registry or a plugin cannot say now it cannot say in a second
		return home(m.Asked.Add(p.retry()))
	case m.Unknowns > 0:
		return home(m.Asked.Add(min(time.Second<<min(m.Unknowns-1, 5), p.retry())))
	case m.Verdict == uptime.Suspect && p.counted():
		return home(m.Judged.Add(p.retry()))
	case m.Verdict == uptime.Suspect && !s.Others:
		return m.nextLook(p, m.need(p), started), true
	case m.Verdict == uptime.Suspect:
		return m.nextDoubt(p, s, started, now)
	case m.Only != "":
		return m.nextWatch(p, s, p.Interval), true
	case m.wasDown() && !m.Good.IsZero() && !p.counted():
		plan, ok := home(m.Good.Add(uptime.RuleRecoveryGap))
		if plan.At.Before(started.Add(time.Second)) { // that one is done; home is up, the others are asked on
			plan.At = later(m.Judged, m.begun).Add(p.retry())
		}
		if s.Others && !m.others.cleared {
			plan.Ask, plan.Within = m.others.choose(s, lastPlaces, ""), p.within()
			if at, out := m.others.pending(now); out && at.Before(plan.At) { // whose answer does not come is not waited for
				return Plan{At: at.Add(time.Millisecond)}, true
			}
		}
		return plan, ok
	case m.wasDown() && p.retry() < p.Interval:
		return home(m.Judged.Add(p.retry()))
	case m.Score > 0 && now.Sub(m.Complaint) < closerAfter && !p.counted():
		return home(m.Judged.Add(max(p.Interval/uptime.RuleCloser, time.Second)))
	}
	return Plan{}, false
}

// nextDoubt is the next look of a doubt in which others are asked, or the
// moment at which an answer is given up.
func (m Memory) nextDoubt(p Params, s Scene, started, now time.Time) (Plan, bool) {
	var plan Plan
	consider := func(x Plan) {
		if plan.At.IsZero() || x.At.Before(plan.At) {
			plan = x
		}
	}
	o := &m.others
	t := o.tier(s, now)
	wave := Plan{At: m.Doubt, Home: true, Ask: o.choose(s, wavePlaces, ""), Step: fmt.Sprintf("wave %d", o.waves+1), Within: p.within()}
	if o.waves > 0 {
		wave.At = o.wave.Add(waveEvery)
	}
	switch {
	case t == tierSeveral && m.ready(s):
		at := m.First.Add(m.dwells(p))
		switch {
		case !o.last.IsZero() && at.After(now):
			consider(Plan{At: at}) // all is said; it has to last
		case !o.last.IsZero():
		case !m.spread(p, 0):
			consider(Plan{At: m.quarter(p, started), Home: true, Step: "dwell", Within: p.within()})
		default:
			if quarter := m.quarter(p, started); !m.Path && quarter.Before(at) {
				consider(Plan{At: quarter, Home: true, Step: "dwell", Within: p.within()})
			}
			if m.Path {
				at = at.Add(-p.within())
			}
			consider(Plan{At: at, Home: true, Ask: o.choose(s, lastPlaces, ""), Step: "last", Within: p.within()})
		}
	case o.watching:
		consider(m.nextWatch(p, s, p.retry()))
	case o.waves < maxWaves && len(wave.Ask) > 0:
		consider(wave)
	}
	switch t {
	case tierSilent:
		consider(m.nextLook(p, m.silentNeed(p), started))
	case tierOne:
		look := m.nextLook(p, m.need(p), later(started, m.begun))
		look.Ask, look.Within = o.choose(s, 1, ""), p.within()
		consider(look)
	}
	if at, out := o.pending(now); out {
		consider(Plan{At: at.Add(time.Millisecond)})
	}
	if plan.At.IsZero() {
		consider(Plan{At: started.Add(p.retry()), Home: true, Step: "dwell"})
	}
	return plan, true
}

// nextWatch is the next look at what fails at one place only: there, and at another.
func (m Memory) nextWatch(p Params, s Scene, every time.Duration) Plan {
	o := &m.others
	at := o.wave.Add(every)
	if again := m.Good.Add(uptime.RuleRecoveryGap); m.Only != "" && !m.Good.IsZero() && o.wave.Before(again) {
		at = again
	}
	rest := s // those of which it is not known that they fail
	rest.Places = slices.DeleteFunc(slices.Clone(s.Places), func(x uptime.Place) bool { return o.knows(x.Location) })
	plan := Plan{At: at, Step: "check", Ask: o.choose(rest, 1, o.raiser), Within: p.within()}
	if place, ok := s.place(o.raiser); ok && !s.atHome(o.raiser) {
		plan.Ask = append(plan.Ask, place)
	} else {
		plan.Home = true
	}
	return plan
}

// Begin notes that a plan that looks is being carried out.
func Begin(m Memory, plan Plan, now time.Time) Memory {
	m.begun, m.step = now, plan.Step
	o := &m.others
	switch {
	case plan.Step == "last":
		o.last, o.lastHome = now, false
	case o.watching:
		o.wave = now
	case strings.HasPrefix(plan.Step, "wave "):
		o.waves++
		o.wave = now
	}
	o.turn += len(plan.Ask)
	o.asked = slices.Clone(o.asked)
	for _, place := range plan.Ask {
		o.asked = append(o.asked, request{Place: place, step: plan.Step, at: now, deadline: now.Add(plan.Within + transit)})
	}
	if n := len(o.asked) - maxAsked; n > 0 {
		o.asked = slices.Delete(o.asked, 0, n)
	}
	return m
}

// leastGap is between two plans of one step that ask others, at the least. Where
// two checks of home run already, beginning such a plan changes nothing that the
// next one is reckoned from.
const leastGap = time.Second

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// maxAsked bounds the requests that are remembered: six waves and a last look.
const maxAsked = 6*wavePlaces + lastPlaces

// Weigh decides again without a new result: time has passed, and an answer
// may have been lost.
func Weigh(p Params, s Scene, m Memory, now time.Time) (Memory, Decision) {
	s = s.voters(m)
	well := &uptime.Result{Time: now, Location: s.home(), Outcome: uptime.OutcomeUp}
	if m.wasDown() {
		return m.seen(s, well, now)
	}
	m, d := m.decide(p, s, now)
	if d.clear {
		return m.clear(well, now)
	}
	return m, d
}
