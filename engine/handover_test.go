package engine

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
)

// TestHandOver has another engine go on after three seconds: what was to be
// checked in them, or was being checked, is checked at once, and nothing else.
func TestHandOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tg := newMemory(), newTargets()
		var jobs []uptime.Job
		for i := range 100 {
			jobs = append(jobs, job(fmt.Sprintf("m%03d", i), 10*time.Second))
			tg.slow(jobs[i].Name, 500*time.Millisecond)
		}
		e := start(t, s, tg, jobs...)
		time.Sleep(25*time.Second + 7*time.Millisecond)
		e.stop()
		stopped := time.Now()
		time.Sleep(3 * time.Second)
		e = start(t, s, tg, jobs...)
		began := time.Now()
		time.Sleep(11 * time.Second)
		e.stop()
		missed, again := 0, 0
		for name, starts := range tg.starts {
			var before, after []time.Time
			for _, at := range starts {
				if at.Before(began) {
					before = append(before, at)
				} else {
					after = append(after, at)
				}
			}
			last := before[len(before)-1]
			switch due := last.Add(10 * time.Second); {
			case due.Before(began): // its turn came while nobody was there
				missed++
			case stopped.Sub(last) < 500*time.Millisecond: // it was under way
				again++
			default:
				if d := after[0].Sub(due); d < -20*time.Millisecond || d > 20*time.Millisecond {
					t.Errorf("%s: next after %v, want 10s", name, after[0].Sub(last))
				}
				continue
			}
			if d := after[0].Sub(began); d > time.Second {
				t.Errorf("%s was missed, and checked %v after the start", name, d)
			}
			if len(after) > 3 {
				t.Errorf("%s: %d checks in 11 s", name, len(after))
			}
		}
		if missed < 20 || again < 2 {
			t.Errorf("%d missed, %d under way", missed, again)
		}
	})
}
