package alert

import (
	"math/rand/v2"
	"testing"
	"time"
)

// No hour sees more than it may, and none that has something to see sees nothing
// for longer than it must.
func TestLimit(t *testing.T) {
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, hourly := range []int{0, 1, 2, 3, 4, 5, 7, 8, 60, 1000} {
		most := hourly
		if most == 0 {
			most = defaultHourly
		}
		for _, busy := range []bool{true, false} {
			rng := rand.New(rand.NewPCG(uint64(hourly), 1))
			l := newLimit(hourly)
			now := at
			var took []time.Time
			for now.Before(at.Add(12 * time.Hour)) {
				if busy {
					if next := l.at(now); next.After(now) {
						now = next
					}
				} else {
					now = now.Add(time.Duration(rng.Int64N(int64(20 * time.Minute))))
					for range rng.IntN(most) {
						if l.at(now).After(now) {
							break
						}
						l.take(now)
						took = append(took, now)
					}
					continue
				}
				l.take(now)
				took = append(took, now)
			}
			for i := range took {
				n := 0
				for _, other := range took[i:] {
					if other.Sub(took[i]) < time.Hour {
						n++
					}
				}
				if n > most {
					t.Fatalf("%d an hour: %d from %s on", hourly, n, took[i])
				}
			}
			if busy && len(took) < 12*max(most/4, 1) {
				t.Errorf("%d an hour: %d in 12 hours", hourly, len(took))
			}
			if busy && hourly == 60 && (!took[45].Equal(at) || took[46].Sub(at) != 4*time.Minute) {
				t.Errorf("the 46th and 47th at %s and %s", took[45], took[46])
			}
		}
	}
	l := newLimit(60)
	for range 46 {
		l.take(at)
	}
	if wait := l.at(at.Add(-24 * time.Hour)).Sub(at.Add(-24 * time.Hour)); wait > time.Hour {
		t.Errorf("after a clock was set back it waits %s", wait)
	}
}

// What was sent counts as so much when the limit is another one.
func TestLimitAnew(t *testing.T) {
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct{ before, sent, after, free int }{
		{4, 4, 20, 12}, // of a burst of 16
		{20, 16, 4, 0},
		{60, 0, 4, 4},
	} {
		l := newLimit(tt.before)
		for range tt.sent {
			l.take(at)
		}
		l = l.anew(tt.after, at)
		free := 0
		for !l.at(at).After(at) {
			l.take(at)
			free++
		}
		if free != tt.free {
			t.Errorf("%+v: %d are free", tt, free)
		}
	}
}
