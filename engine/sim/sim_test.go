package main

import (
	"math"
	"slices"
	"testing"
	"time"
)

// years plays so many of a row.
func years(t *testing.T, name string, n int, noise float64) *score {
	t.Helper()
	i := slices.IndexFunc(rows(), func(r row) bool { return r.name == name })
	if i < 0 {
		t.Fatalf("there is no row %q", name)
	}
	c := command{progress: t.Output(), seed: 1, noise: noise}
	return c.play(t.Context(), rows()[i], n)
}

// The long run, 10,000 monitor-years, is a command: make sim.
func TestRecommended(t *testing.T) {
	for _, tc := range []struct {
		name  string
		years int
		noise float64
	}{
		{"the standard world", 200, 1},
		{"ten times the noise", 8, 10},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := years(t, "ours, 5 remotes (recommended)", tc.years, tc.noise)
			t.Log(s.line("ours"))
			if s.years != tc.years || s.falsePages > 0 {
				t.Errorf("%d false pages in %d years, in those of the seeds %d", s.falsePages, s.years, s.seeds)
			}
			if s.missed > 0 || s.outages < 9*tc.years || s.quantile(0.5) > 55 || s.quantile(0.99) > 85 {
				t.Errorf("%d of %d outages missed, median %.0f s, p99 %.0f s", s.missed, s.outages, s.quantile(0.5), s.quantile(0.99))
			}
		})
	}
}

// What is wrong with us, or with those we ask, or on one way, pages nobody:
// each for five seconds to an hour, 300 times, while the target is well.
func TestFaultsOfOthersPageNobody(t *testing.T) {
	at := func(k kind, share float64, hit ...int) func(*world) {
		return func(w *world) {
			for i := range 300 {
				from := time.Duration(i)*29*time.Hour + time.Duration(i)*time.Second
				lasts := time.Duration(5*math.Pow(1.0222, float64(i))) * time.Second
				for _, p := range hit {
					h := &w.place[p]
					if k == pathDown {
						h = &w.path[p]
					}
					*h = append(*h, span{from: from, to: from + lasts, kind: k, share: share})
				}
			}
		}
	}
	for _, tc := range []struct {
		name  string
		fault func(*world)
		alone bool // standalone pages nobody either
	}{
		{"our line is cut", at(offline, 0, 0), true},
		{"our line loses 40 %", at(brownOut, 0.4, 0), false},
		{"our resolvers are silent", at(resolver, 0, 0), true},
		{"our process stands still", at(stalled, 0, 0), true},
		{"nothing passes between us and the target", at(pathDown, 0, 0), false},
		{"a probe lies", at(lies, 0, 1), true},
		{"a probe is silent", at(mute, 0, 1), true},
		{"two probes of one network lie together", at(lies, 0, 1, 2), true},
		{"two probes of one network are cut off", at(offline, 0, 1, 2), true},
		{"all probes are silent", at(mute, 0, five...), true},
		{"the resolvers of all probes are silent", at(resolver, 0, five...), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := &world{seed: 1, network: [places]int{0, 1, 1, 2, 2, 3}}
			for i := range w.loss {
				w.loss[i] = 0.005
			}
			tc.fault(w)
			for i := range w.place {
				w.place[i], w.path[i] = w.place[i].sorted(), w.path[i].sorted()
			}
			s := setup{interval: time.Minute, timeout: 10 * time.Second, remotes: five}
			for _, remotes := range [][]int{five, three, nil} {
				if remotes == nil && !tc.alone {
					continue
				}
				s.remotes = remotes
				for _, n := range play(w, s).notes {
					if n.kind == paged {
						t.Errorf("%d places asked: paged at %v for what failed since %v", len(remotes), n.at, n.since)
						break
					}
				}
			}
		})
	}
}
