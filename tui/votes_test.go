package tui

import (
	"testing"

	"lookout/engine/uptime"
)

func TestVotes(t *testing.T) {
	say := func(place string, o uptime.Outcome, counts bool) uptime.Evidence {
		return uptime.Evidence{Location: place, Outcome: o, Vote: counts}
	}
	const (
		up   = uptime.OutcomeUp
		down = uptime.OutcomeDown
	)
	for _, tt := range []struct {
		name string
		in   uptime.Incident
		want string
	}{
		{"all agree, and one is late", *incident4711(), "3/3 local fra nyc"},
		{"one place only", uptime.Incident{Evidence: []uptime.Evidence{say("local", down, true), say("fra", up, true), say("nyc", up, true), say("local", down, true)}}, "1/3 local"},
		{"nobody was asked", uptime.Incident{Evidence: []uptime.Evidence{say("local", down, true), say("local", down, true)}}, "1/1 local"},
		{"one has come round", uptime.Incident{Evidence: []uptime.Evidence{say("local", down, true), say("fra", down, true), say("fra", up, true), say("local", down, true)}}, "1/2 local"},
		{"the recovery is none", uptime.Incident{Evidence: []uptime.Evidence{say("local", down, true), say("fra", down, true), say("local", up, true)}}, "2/2 local fra"},
		{"no vote", uptime.Incident{Evidence: []uptime.Evidence{say("local", down, true), say("fra", down, false)}}, "1/1 local"},
		{"without the evidence", uptime.Incident{ConfirmedBy: []string{"fra", "nyc"}}, "3/3 local fra nyc"},
		{"nothing is known", uptime.Incident{}, "-"},
	} {
		if got := voted(&tt.in, 20); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	if got := voted(incident4711(), 4); got != "3/3" {
		t.Errorf("in four cells %q", got)
	}
}
