package engine

import (
	"testing"
	"time"

	"lookout/engine/clocktest"
)

func TestBetween(t *testing.T) {
	at := time.Now().Round(0)
	// reading is one in which so much has gone by of the monotonic, the wall and the boot clock.
	type passed struct{ mono, wall, boot time.Duration }
	const beat = beatEvery
	tests := []struct {
		name   string
		passed passed
		boot   bool // the system tells
		want   turn
	}{
		{"a beat", passed{beat, beat, beat}, true, turn{}},
		{"late by a little", passed{900 * time.Millisecond, 900 * time.Millisecond, 900 * time.Millisecond}, true, turn{}},
		{"stopped", passed{time.Minute, time.Minute, time.Minute}, true, turn{stood: time.Minute}},
		{"suspended", passed{beat, time.Hour, time.Hour}, true, turn{stood: time.Hour, suspended: true}},
		{"the clock set forward", passed{beat, beat + time.Hour, beat}, true, turn{step: time.Hour}},
		{"the clock set back", passed{beat, beat - time.Hour, beat}, true, turn{step: -time.Hour}},
		{"adjusted", passed{beat, beat + 1500*time.Millisecond, beat}, true, turn{}},
		{"suspended, and the clock set meanwhile", passed{beat, 3 * time.Hour, time.Hour}, true, turn{stood: time.Hour, suspended: true, step: 2 * time.Hour}},
		{"stopped, and the clock set back meanwhile", passed{time.Minute, time.Minute - time.Hour, time.Minute}, true, turn{stood: time.Minute, step: -time.Hour}},
		{"set forward, nobody tells", passed{beat, time.Hour, 0}, false, turn{stood: time.Hour, suspended: true}},
		{"set back, nobody tells", passed{beat, beat - time.Hour, 0}, false, turn{step: -time.Hour}},
		{"stopped, nobody tells", passed{time.Minute, time.Minute, 0}, false, turn{stood: time.Minute}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := Reading{Now: clocktest.Make(at, time.Second)}
			b := Reading{Now: clocktest.Make(at.Add(tt.passed.wall), time.Second+tt.passed.mono)}
			if tt.boot {
				a.Boot, b.Boot = time.Hour, time.Hour+tt.passed.boot
			}
			got, ok := between(a, b)
			if got.at = (time.Time{}); got != tt.want || ok != (tt.want != turn{}) {
				t.Errorf("%+v, %t; want %+v", got, ok, tt.want)
			}
		})
	}
}
