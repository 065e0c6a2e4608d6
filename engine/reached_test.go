package engine

import (
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
)

// TestReachedSince: who was reached since its parent went down is not behind it,
// however long that is down, and over a restart.
func TestReachedSince(t *testing.T) {
	jobs := []uptime.Job{child("a", time.Minute, "uplink"), child("b", time.Minute, "", "uplink", "line"), child("uplink", time.Minute, ""), child("line", time.Minute, "")}
	for _, restart := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f := family{s: newMemory(), tg: newTargets()}
			f.running = start(t, f.s, f.tg, jobs...)
			time.Sleep(2 * time.Minute)
			f.silent("uplink")
			f.is("uplink", uptime.Down, 4*time.Minute)
			time.Sleep(time.Hour) // and the children are up
			if restart {
				f.stop()
				f.running = start(t, f.s, f.tg, jobs...)
				time.Sleep(time.Second)
			}
			f.silent("a")
			f.is("a", uptime.Down, 4*time.Minute)
			time.Sleep(5 * time.Minute)
			f.behind("a", "")
			if told := f.told(); told != "uplink a" {
				t.Errorf("restart %v: told of %q", restart, told)
			}
			// What else it depends on, and went down since, is in its way.
			f.silent("line", "b")
			f.is("b", uptime.Down, 4*time.Minute)
			time.Sleep(2 * time.Minute)
			f.behind("b", "line")
			f.stop()
		})
	}
}

// TestReachedMeanwhile: one that is behind its parent, and is reached once, is
// told of when it fails again.
func TestReachedMeanwhile(t *testing.T) {
	inFamily(t, func(f family) {
		f.silent("uplink", "a")
		f.is("uplink", uptime.Down, 4*time.Minute)
		f.is("a", uptime.Down, 4*time.Minute)
		time.Sleep(5 * time.Minute)
		f.behind("a", "uplink")
		f.answer("a")
		good := len(f.tg.of("a"))
		f.until(time.Minute, "it is reached", func() bool { return len(f.tg.of("a")) > good })
		f.silent("a")
		time.Sleep(2 * time.Minute)
		if v := f.state("a").Verdict; v != uptime.Down {
			t.Errorf("%v", v)
		}
		f.behind("a", "")
	}, child("a", time.Minute, "uplink"), child("uplink", time.Minute, ""))
}
