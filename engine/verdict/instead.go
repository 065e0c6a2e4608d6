package verdict

import (
	"slices"
	"time"

	"lookout/engine/uptime"
)

// Instead takes that a place which a Plan asked cannot run the check: it never
// began. It names another that is asked in its stead, now and within so long:
// one that was not asked at the same time, of a network that was not, if there
// is such a one. Where the place is "", nobody is left, and the answer is to be
// given to Answer: it abstains. The refusal's Time is as that of an answer.
func Instead(p Params, s Scene, m Memory, refusal *uptime.Result, now time.Time) (Memory, uptime.Place, time.Duration) {
	s = s.voters(m)
	o, asked := m.others.answer(refusal, now)
	if asked == nil {
		return m, uptime.Place{}, 0
	}
	begun, step := asked.at, asked.step
	if !asked.first.IsZero() { // whoever refused since then is not asked in a circle
		begun = asked.first
	}
	with := func(match func(x uptime.Place) bool) bool {
		return slices.ContainsFunc(o.asked, func(r request) bool { return r.step == step && !r.at.Before(begun) && match(r.Place) })
	}
	rest := s
	rest.Places = slices.DeleteFunc(slices.Clone(s.Places), func(x uptime.Place) bool {
		return with(func(y uptime.Place) bool { return x.Location == y.Location })
	})
	fresh := rest
	fresh.Places = slices.DeleteFunc(slices.Clone(rest.Places), func(x uptime.Place) bool {
		return with(func(y uptime.Place) bool { return x.Network == y.Network && y.Location != asked.Location })
	})
	chosen := append(o.choose(fresh, 1, o.raiser), o.choose(rest, 1, o.raiser)...)
	if len(chosen) == 0 {
		return m, uptime.Place{}, 0
	}
	o.turn++
	o.asked = append(o.asked, request{Place: chosen[0], step: step, at: now, first: begun, deadline: now.Add(p.within() + transit)})
	if n := len(o.asked) - maxAsked; n > 0 {
		o.asked = slices.Delete(o.asked, 0, n)
	}
	m.others = o
	return m, chosen[0], p.within()
}
