package verdict

import (
	"slices"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// TestWithoutInARecovery: what an excluded place saw of a recovery ends no
// outage: somebody else is asked, and has to see it too.
func TestWithoutInARecovery(t *testing.T) {
	p := Params{Node: "web-1", Interval: time.Minute, Timeout: 10 * time.Second}
	s := Scene{Others: true, Places: slices.Clone(five[:2])}
	liar, other := five[0], five[1]
	good := func(at time.Time) *uptime.Result { return &uptime.Result{Time: at, Outcome: uptime.OutcomeUp} }
	answer := func(m Memory, from uptime.Place, at time.Time) (Memory, Decision) {
		i := slices.IndexFunc(m.others.asked, func(r request) bool { return r.Location == from.Location && !r.answered })
		if i < 0 {
			return m, Decision{}
		}
		return Answer(p, s, m, &uptime.Result{Time: m.others.asked[i].at, Location: from.Location, Outcome: uptime.OutcomeUp}, at)
	}
	for _, tc := range []struct {
		name     string
		answered bool // before it is excluded
		gone     uptime.Place
		want     uptime.Verdict // after the second success of home
	}{
		{"who has seen it", true, liar, uptime.Down},
		{"who was asked", false, liar, uptime.Down},
		{"who was not asked", true, five[2], uptime.Up},
	} {
		t.Run(tc.name, func(t *testing.T) {
			now := start
			m := Memory{Verdict: uptime.Down, Since: now.Add(-time.Hour), Fails: 5, Fault: uptime.FaultTCPRefused, Open: true, Began: now.Add(-time.Minute)}
			m, _ = Step(p, s, m, good(now), now)
			m = Begin(m, Plan{At: now, Ask: []uptime.Place{liar}, Step: "check", Within: p.within()}, now)
			now = now.Add(time.Second)
			if tc.answered {
				m, _ = answer(m, liar, now)
			}
			if !m.Listens() {
				t.Fatalf("nobody is listened to: %+v", m)
			}
			s := s
			s.Places = slices.DeleteFunc(slices.Clone(s.Places), func(x uptime.Place) bool { return x == tc.gone })
			m, d := Without(p, s, m, tc.gone.Location, now)
			if d.Changed {
				t.Fatalf("%+v", d)
			}
			m, _ = answer(m, tc.gone, now) // it comes all the same
			now = now.Add(uptime.RuleRecoveryGap)
			if m, _ = Step(p, s, m, good(now), now); m.Verdict != tc.want {
				t.Fatalf("it is %v, not %v", m.Verdict, tc.want)
			}
			if tc.want == uptime.Up {
				return
			}
			plan, ok := m.next(p, s, now, now)
			if !ok || !slices.Contains(plan.Ask, other) || slices.Contains(plan.Ask, liar) {
				t.Fatalf("%v is asked", plan.Ask)
			}
			m = Begin(m, plan, now)
			if m, _ = answer(m, other, now.Add(time.Second)); m.Verdict != uptime.Up {
				t.Errorf("another has seen it, and it is %v", m.Verdict)
			}
		})
	}
}

// TestWithoutOnly: what is degraded because it fails at an excluded place only is
// up again by what home sees.
func TestWithoutOnly(t *testing.T) {
	p := Params{Node: "web-1", Interval: time.Minute, Timeout: 10 * time.Second}
	s := Scene{Others: true, Places: slices.Clone(five[1:2])}
	now, liar := start, five[0]
	m := Memory{Verdict: uptime.Degraded, Only: liar.Location, Since: now.Add(-time.Hour), Began: now.Add(-time.Minute), Open: true}
	m.others = opinions{raiser: liar.Location, watching: true, wave: now, since: now.Add(-time.Hour)}
	m, _ = Without(p, s, m, liar.Location, now)
	if plan, ok := m.next(p, s, now, now); !ok || !plan.Home {
		t.Fatalf("home is not asked: %+v", plan)
	}
	for range 2 {
		now = now.Add(uptime.RuleRecoveryGap)
		m, _ = Step(p, s, m, &uptime.Result{Time: now, Outcome: uptime.OutcomeUp}, now)
	}
	if m.Verdict != uptime.Up || m.Open {
		t.Errorf("it is %v, open %v", m.Verdict, m.Open)
	}
}
