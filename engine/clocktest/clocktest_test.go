package clocktest

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestClock(t *testing.T) {
	tests := []struct {
		name             string
		do               func(*Clock)
		mono, wall, boot time.Duration
	}{
		{"nothing", func(*Clock) {}, 0, 0, 0},
		{"stopped", func(c *Clock) { c.Stop(time.Minute) }, time.Minute, time.Minute, time.Minute},
		{"suspended", func(c *Clock) { c.Suspend(time.Hour) }, 0, time.Hour, time.Hour},
		{"set forward", func(c *Clock) { c.Set(time.Hour) }, 0, time.Hour, 0},
		{"set back", func(c *Clock) { c.Set(-time.Hour) }, 0, -time.Hour, 0},
		{"suspended, and set meanwhile", func(c *Clock) { c.Suspend(time.Hour); c.Set(-2 * time.Hour) }, 0, -time.Hour, time.Hour},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := New()
				a, bootA := c.Read()
				tt.do(c)
				time.Sleep(time.Second)
				b, bootB := c.Read()
				mono, wall, boot := b.Sub(a)-time.Second, b.Round(0).Sub(a.Round(0))-time.Second, bootB-bootA-time.Second
				if mono != tt.mono || wall != tt.wall || boot != tt.boot {
					t.Errorf("monotonic %v, wall %v, boot %v; want %v, %v, %v", mono, wall, boot, tt.mono, tt.wall, tt.boot)
				}
			})
		})
	}
}
