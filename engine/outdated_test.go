package engine

import (
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
)

// TestOutdatedRows: of a batch only the rows of monitors that were changed since are history.
func TestOutdatedRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := newMemory(), threeProbes()
		e := startWith(t, Options{Instance: "web-1", Timezone: "UTC", Store: s, Runner: newTargets(), Remote: p},
			at("a", time.Minute, uptime.Local, "fra"), at("b", time.Minute, uptime.Local, "fra"))
		time.Sleep(2 * time.Minute)
		p.set(uptime.FaultTCPRefused, "fra")
		d := batchOf(0, time.Now(), uptime.FaultTCPRefused, uptime.FaultTCPRefused)
		d.Found[1].Result.Monitor = "b"
		d.Found[0].Outdated = true
		if err := e.Deliver(t.Context(), d, func(error) {}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		if a, b := e.state("a").Verdict, e.state("b").Verdict; a != uptime.Up || b != uptime.Suspect {
			t.Errorf("a is %v, b is %v", a, b)
		}
		time.Sleep(time.Minute)
		e.stop()
		if n := s.of("fra"); n < 2 {
			t.Errorf("%d results", n)
		}
	})
}
