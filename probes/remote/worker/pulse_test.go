package worker

import (
	"testing"
	"time"
)

func TestPulse(t *testing.T) {
	start := time.Now()
	tests := []struct {
		name  string
		beats []time.Time
		since time.Time
		want  bool
	}{
		{"regular", []time.Time{start, start.Add(beatEvery), start.Add(2 * beatEvery)}, start, false},
		{"stopped", []time.Time{start, start.Add(8 * time.Second)}, start, true},
		{"stopped before", []time.Time{start, start.Add(8 * time.Second), start.Add(8*time.Second + beatEvery)}, start.Add(8*time.Second + 1), false},
		{"the wall clock alone goes on", []time.Time{start, start.Round(0).Add(time.Hour)}, start, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var p pulse
			for _, at := range tt.beats {
				p.beat(at)
			}
			if got := !p.woke.IsZero() && !p.woke.Before(tt.since); got != tt.want {
				t.Errorf("stalled: %v", got)
			}
		})
	}
}
