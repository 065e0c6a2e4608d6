package alert

import (
	"math/rand/v2"
	"testing"
	"time"

	"lookout/engine/uptime"
)

func TestTrouble(t *testing.T) {
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name  string
		tries int
		r     uptime.Refusal
		want  time.Duration // a fifth more or less
	}{
		{"first", 1, uptime.Refusal{}, 5 * time.Second},
		{"fourth", 4, uptime.Refusal{}, 40 * time.Second},
		{"many", 9, uptime.Refusal{}, 15 * time.Minute},
		{"very many", 1000, uptime.Refusal{}, 15 * time.Minute},
		{"for a person", 1, uptime.Refusal{Permanent: true}, time.Hour},
		{"asked for", 1, uptime.Refusal{Wait: 10 * time.Minute}, 10 * time.Minute},
		{"asked for too much", 1, uptime.Refusal{Wait: 24 * time.Hour}, time.Hour},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			var x trouble
			for range tt.tries {
				x.fails(&tt.r, at)
			}
			least, most := 24*time.Hour, time.Duration(0)
			for range 100 {
				x.plan(tt.r.Wait, at, rng)
				d := x.next.Sub(at)
				least, most = min(least, d), max(most, d)
				was := x.next
				if x.steady(at); !x.next.Equal(was) {
					t.Errorf("planned for %s, and steadied to %s", was, x.next)
				}
			}
			if least < tt.want*4/5 || most > tt.want*6/5 || tt.r.Wait == 0 && most-least < tt.want/10 {
				t.Errorf("from %s to %s", least, most)
			}
			x.next = at.Add(1000 * time.Hour)
			if x.steady(at); x.next.Sub(at) > tt.want*6/5 && x.next.Sub(at) > time.Hour {
				t.Errorf("after a leap back it is %s away", x.next.Sub(at))
			}
		})
	}
}
