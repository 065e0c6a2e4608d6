package engine

import (
	"testing"
	"time"

	"lookout/engine/uptime"
)

// TestSnapshotHasProbes: who checks elsewhere is in a snapshot, and counted as
// far as it does check.
func TestSnapshotHasProbes(t *testing.T) {
	probes := []uptime.Probe{{Location: "fra", Name: "1", State: uptime.ProbeLive}, {Location: "fra", Name: "2", State: uptime.ProbeLive, Excluded: "jo"},
		{Location: "nyc", Name: "1", State: uptime.ProbeJoining}, {Location: "sgp", Name: "1", State: uptime.ProbeLagging}, {Location: "syd", Name: "1"}}
	for _, tt := range []struct {
		name      string
		probes    Probes
		live, all int
		broker    string
	}{
		{"alone", nil, 1, 1, ""},
		{"with probes", func() (uptime.Broker, []uptime.Probe) { return uptime.Broker{URL: "amqps://b/v"}, probes }, 2, 6, "amqps://b/v"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := New(Options{Instance: "web-1", Network: "AS24940", Store: newMemory(), Runner: newTargets(), Probes: tt.probes}, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			s := e.Snapshot()
			if s.Health.ProbesLive != tt.live || s.Health.Probes != tt.all || s.Broker.URL != tt.broker || len(s.Probes) != tt.all-1 || s.Network != "AS24940" {
				t.Errorf("%d of %d, broker %q, %d probes, network %q", s.Health.ProbesLive, s.Health.Probes, s.Broker.URL, len(s.Probes), s.Network)
			}
		})
	}
}
