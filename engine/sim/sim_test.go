package main

import (
	"slices"
	"testing"
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
		{"ten times the noise", 20, 10},
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
