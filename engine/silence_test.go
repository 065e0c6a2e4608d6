package engine

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
)

// TestExcludeInDoubt: what a place said whose last probe is excluded since does
// not count any more; what one said that has another probe does.
func TestExcludeInDoubt(t *testing.T) {
	for _, tc := range []struct {
		name   string
		probes []uptime.Probe
		agree  []string // in the end
	}{
		{"its last", []uptime.Probe{{Location: "fra", Name: "1", State: uptime.ProbeLive}, {Location: "fra", Name: "2"}}, []string{"nyc"}},
		{"one of two", []uptime.Probe{{Location: "fra", Name: "1", State: uptime.ProbeLive}, {Location: "fra", Name: "2", State: uptime.ProbeLive}}, []string{"fra", "nyc"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, tg, p := newMemory(), newTargets(), threeProbes()
				e := startWith(t, Options{Instance: "web-1", Timezone: "UTC", Store: s, Runner: tg, Remote: p,
					Probes: func() (uptime.Broker, []uptime.Probe) { return uptime.Broker{}, tc.probes }}, job("a", time.Minute))
				time.Sleep(2 * time.Minute)
				tg.set("a", uptime.FaultTCPRefused)
				p.set(uptime.FaultTCPRefused, "fra", "nyc")
				p.mu.Lock()
				p.mute = []string{"nyc", "sgp"}
				p.mu.Unlock()
				for e.state("a").Verdict != uptime.Suspect {
					time.Sleep(100 * time.Millisecond)
				}
				time.Sleep(5 * time.Second)
				if len(tc.agree) == 1 {
					p.keep("nyc", "sgp")
				}
				if err := e.Exclude(t.Context(), "fra/1", "jo", "it lies"); err != nil {
					t.Fatal(err)
				}
				p.mu.Lock()
				p.mute = []string{"sgp"}
				p.mu.Unlock()
				time.Sleep(2 * time.Minute)
				open := e.Snapshot().Open
				if len(open) != 1 || !slices.Equal(open[0].ConfirmedBy, tc.agree) {
					t.Fatalf("in the end %+v", open)
				}
				if said := slices.ContainsFunc(open[0].Evidence, func(x uptime.Evidence) bool { return x.Location == "fra" }); said != (len(tc.agree) == 2) {
					t.Errorf("fra is in the evidence: %v", said)
				}
				e.stop()
			})
		})
	}
}
