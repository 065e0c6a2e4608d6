package wire

import (
	"slices"
	"testing"
)

func TestOwner(t *testing.T) {
	tests := []struct {
		name    string
		monitor uint32
		live    []string
		want    string
	}{
		{"nobody is live", 1, nil, ""},
		{"one has all", 7, []string{"fra-1"}, "fra-1"},
		// Of a released version: an engine and a probe of two versions have to agree.
		{"of two", 0, []string{"a", "b"}, "b"},
		{"of three", 1, []string{"p1", "p2", "p3"}, "p3"},
		{"of three, another", 2, []string{"p1", "p2", "p3"}, "p2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Owner(tt.monitor, tt.live); got != tt.want {
				t.Errorf("monitor %d of %v goes to %q, not %q", tt.monitor, tt.live, got, tt.want)
			}
			turned := slices.Clone(tt.live)
			slices.Reverse(turned)
			if got := Owner(tt.monitor, turned); got != tt.want {
				t.Errorf("in another order it goes to %q", got)
			}
		})
	}
}

// TestOwnerMovesLittle has shares that are even, and moves nothing but what a
// probe had that is gone.
func TestOwnerMovesLittle(t *testing.T) {
	const monitors = 9000
	live := []string{"fra-1", "fra-2", "fra-3"}
	share := map[string]int{}
	taken := map[string]int{}
	for m := range uint32(monitors) {
		was := Owner(m, live)
		share[was]++
		is := Owner(m, live[:2])
		if was != live[2] && is != was {
			t.Fatalf("monitor %d moved from %s to %s, and both are live", m, was, is)
		}
		if was == live[2] {
			taken[is]++
		}
	}
	for _, name := range live {
		if n := share[name]; n < monitors/3*9/10 || n > monitors/3*11/10 {
			t.Errorf("%s has %d of %d", name, n, monitors)
		}
	}
	for _, name := range live[:2] {
		if n := taken[name]; n < monitors/6*85/100 || n > monitors/6*115/100 {
			t.Errorf("%s took over %d of %d", name, n, share[live[2]])
		}
	}
}
