package worker

import (
	"testing"
	"time"
)

func TestRates(t *testing.T) {
	r := newRates(0.5)
	steps := []struct {
		name string
		dest string
		at   time.Duration
		want bool
	}{
		{"the first", "a", 0, true},
		{"the second at once", "a", 0, false},
		{"another target", "b", 0, true},
		{"too soon", "a", time.Second, false},
		{"in time", "a", 2 * time.Second, true},
		{"a long rest saves up nothing", "a", time.Hour, true},
		{"… beyond one", "a", time.Hour, false},
		{"a clock that was set back", "a", time.Minute, false},
	}
	for _, s := range steps {
		if got := r.allow(s.dest, noon.Add(s.at)); got != s.want {
			t.Errorf("%s: %v", s.name, got)
		}
	}
	free := newRates(0)
	for range 100 {
		if !free.allow("a", noon) || len(free.dests) > 0 {
			t.Fatal("without a bound there is one")
		}
	}
}
