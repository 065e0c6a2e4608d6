package verdict

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// Whatever is found, and whoever answers: no plan is wanted twice at one
// instant, which would keep an engine busy with it, and what is asked of others
// and done at home stays within bounds. Each seed is another world.
func TestPlansGetOn(t *testing.T) {
	const worlds, span = 500, 20 * time.Minute
	faults := []found{ok, ok, refused, noAnswer, status, slow, expires, ours, {uptime.FaultDNSTimeout, time.Hour}, {uptime.NoFault, 4 * time.Second}, {uptime.NoFault, 9 * time.Second}}
	for seed := range uint64(worlds) {
		rng := rand.New(rand.NewPCG(seed, 7))
		pick := func(n ...time.Duration) time.Duration { return n[rng.IntN(len(n))] }
		p := Params{Node: "web-1", Interval: pick(1, 2, 5, 10, 20, 60, 300) * time.Second, P99: pick(0, 50, 200, 2000) * time.Millisecond}
		p.Timeout = min(pick(1, 5, 10, 30)*time.Second, max(p.Interval, 2*time.Second))
		if rng.IntN(3) == 0 {
			p.Rule = uptime.Rule{DwellSet: true, Dwell: pick(0, 1, 60, 300) * time.Second}
		}
		s := Scene{Network: "home", Others: rng.IntN(6) > 0, Places: five[:rng.IntN(len(five)+1)]}
		if rng.IntN(4) == 0 {
			s.Places = append(places("x home", "y e"), s.Places...)
		}
		g := &stage{t: t, p: p, s: s, silent: true}
		pace := pick(2, 10, 60, 600) * time.Second // of change
		find := func(place string, at time.Duration) found {
			r := rand.New(rand.NewPCG(seed^uint64(at/pace), uint64(len(place))+uint64(place[0])<<8))
			if place != uptime.Local && r.IntN(3) == 0 {
				return lost
			}
			if r.IntN(2) == 0 { // what all see
				r = rand.New(rand.NewPCG(seed^uint64(at/pace), 1))
			}
			return faults[r.IntN(len(faults))]
		}
		g.target = find
		g.self = func(at time.Duration) Self {
			return Self(rand.New(rand.NewPCG(seed^uint64(at/pace), 2)).IntN(3))
		}
		if got := g.run(span); strings.Contains(got, "spins") {
			t.Fatalf("seed %d, every %v, time-out %v, %d places: %s", seed, p.Interval, p.Timeout, len(s.Places), got)
		}
		if most := int(span / time.Second); g.checks > 2*most || g.asked > 2*wavePlaces*most/5 {
			t.Errorf("seed %d, every %v: %d checks and %d asked for in %d s", seed, p.Interval, g.checks, g.asked, most)
		}
	}
}
