package engine

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
)

// TestSnapshotHasProbes: who checks elsewhere is in a snapshot, and counted as
// far as it does check.
func TestSnapshotHasProbes(t *testing.T) {
	probes := []uptime.Probe{{Location: "fra", Name: "1", State: uptime.ProbeLive}, {Location: "fra", Name: "2", State: uptime.ProbeLive, Excluded: "jo"},
		{Location: "nyc", Name: "1", State: uptime.ProbeJoining}, {Location: "sgp", Name: "1", State: uptime.ProbeLagging}, {Location: "syd", Name: "1"}, {Location: "tyo", State: uptime.ProbeUnseen}}
	for _, tt := range []struct {
		name      string
		probes    Probes
		live, all int
		broker    string
	}{
		{"alone", nil, 1, 1, ""},
		{"with probes", func() (uptime.Broker, []uptime.Probe) { return uptime.Broker{URL: "amqps://b/v"}, probes }, 2, 7, "amqps://b/v"},
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

// TestHeardFrom: a detail has the newest result of each place that is not home.
func TestHeardFrom(t *testing.T) {
	s := newMemory()
	began := time.Now().Add(-time.Minute)
	batch := &uptime.Batch{Time: began}
	for i, place := range []string{uptime.Local, "fra", "nyc", "fra", uptime.Local} {
		batch.Results = append(batch.Results, uptime.Result{Monitor: "a", Location: place, Time: began.Add(time.Duration(i) * time.Second), Outcome: uptime.OutcomeUp})
	}
	if err := s.Append(batch); err != nil {
		t.Fatal(err)
	}
	e, err := New(Options{Instance: "web-1", Store: s, Runner: newTargets()}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	st := &uptime.State{Monitor: &uptime.Monitor{Name: "a"}, Locations: []uptime.LocationState{{Location: uptime.Local}, {Location: "fra"}, {Location: "nyc"}, {Location: "syd"}}}
	got, err := e.heardFrom(st, uptime.Local)
	if err != nil || len(got) != 2 || got[0].Location != "fra" || !got[0].Time.Equal(began.Add(3*time.Second)) || got[1].Location != "nyc" {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestOldOpinionsFade: what others said in a doubt is shown while that lasts, and
// as long as the outage that it came to; not for ever beside an up.
func TestOldOpinionsFade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tg, p := newMemory(), newTargets(), threeProbes()
		e := startWith(t, Options{Instance: "web-1", Timezone: "UTC", Store: s, Runner: tg, Remote: p}, job("a", time.Minute))
		time.Sleep(2 * time.Minute)
		all := []string{"fra", "nyc", "sgp"}
		tg.set("a", uptime.FaultTCPRefused)
		p.set(uptime.FaultTCPRefused, all...)
		time.Sleep(20 * time.Minute)
		if got := places(e.state("a")); e.state("a").Verdict != uptime.Down || strings.Count(got, " down") != 4 {
			t.Errorf("down: %v, %s", e.state("a").Verdict, got)
		}
		tg.set("a", uptime.NoFault)
		p.set(uptime.NoFault, all...)
		time.Sleep(time.Minute)
		if got := places(e.state("a")); e.state("a").Verdict != uptime.Up || strings.Contains(got, "down") {
			t.Errorf("up again: %v, %s", e.state("a").Verdict, got)
		}
		time.Sleep(5 * time.Minute)
		if got := places(e.state("a")); !strings.Contains(got, "local up") || strings.Count(got, " -") != 3 {
			t.Errorf("later: %s", got)
		}
		e.stop()
	})
}
