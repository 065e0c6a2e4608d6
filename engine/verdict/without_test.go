package verdict

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// TestWithout excludes a place in the middle of doubts of all kinds: what is left
// is as if it had said nothing, and each outage holds by its evidence.
func TestWithout(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	downs, dropped := 0, 0
	for round := range 400 {
		fails := map[string]bool{uptime.Local: rng.IntN(4) > 0}
		refuses := rng.IntN(2) == 0
		gone := five[rng.IntN(len(five))].Location
		for _, p := range five {
			fails[p.Location] = p.Location == gone || rng.IntN(2) == 0
		}
		g := &stage{t: t, silent: true, s: Scene{Others: true, Places: slices.Clone(five)}, p: Params{Node: "web-1", Interval: time.Minute, Timeout: 10 * time.Second}}
		g.target = func(place string, at time.Duration) found {
			switch {
			case at < 50*time.Second || !fails[place]:
				return ok
			case refuses:
				return found{uptime.FaultTCPRefused, 20 * time.Millisecond}
			}
			return noAnswer
		}
		g.at(start.Add(55*time.Second), func() { // a regular check at the place raises the doubt, or home does a little later
			f := g.target(gone, 55*time.Second)
			r := &uptime.Result{Time: g.now, Location: gone, Fault: f.fault, Outcome: f.fault.Outcome()}
			m, d := Step(g.p, g.scene(), g.m, r, g.now)
			g.apply(m, d)
		})
		excluded := false
		g.at(start.Add(56*time.Second+time.Duration(rng.IntN(30_000))*time.Millisecond), func() {
			excluded = g.m.Verdict == uptime.Suspect
			g.s.Places = slices.DeleteFunc(slices.Clone(g.s.Places), func(p uptime.Place) bool { return p.Location == gone })
			m, d := Without(g.p, g.scene(), g.m, gone, g.now)
			of := func(e uptime.Evidence) bool { return e.Location == gone }
			if excluded && slices.ContainsFunc(m.Evidence, of) || m.others.raiser == gone {
				t.Fatalf("round %d: what it said is in the evidence, or it raised it", round)
			}
			sum := oddsPrior
			for _, e := range m.Evidence {
				sum += e.Weight
			}
			if m.Verdict == uptime.Suspect && (sum-m.others.odds > rounding || m.others.odds-sum > rounding) {
				t.Fatalf("round %d: the odds are %.2f, the weights come to %.2f", round, m.others.odds, sum)
			}
			if excluded && m.Verdict != uptime.Suspect {
				dropped++
			}
			g.apply(m, d)
		})
		g.run(10 * time.Minute)
		if excluded && g.m.Verdict == uptime.Down {
			downs++
			if slices.Contains(g.m.ConfirmedBy, gone) || !fails[uptime.Local] {
				t.Fatalf("round %d: %+v", round, g.m)
			}
		}
	}
	if downs < 20 || dropped < 20 {
		t.Errorf("%d outages, %d doubts over: it tests nothing", downs, dropped)
	}
}
