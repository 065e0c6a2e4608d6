package uptime

import "testing"

func TestCauseCovers(t *testing.T) {
	st := &State{Monitor: &Monitor{Name: "shop", Dest: "Shop.Example.com.:443", Parent: "uplink", DependsOn: []string{"db"}}, Address: "192.0.2.7:443"}
	registered := &State{Monitor: &Monitor{Name: "registered", Type: "domain", Dest: "example.com"}}
	in := &Incident{}
	plain := &State{Monitor: &Monitor{Name: "gw", Dest: "2001:db8:1::7"}}
	for _, tt := range []struct {
		name string
		c    Cause
		st   *State
		want bool
	}{
		{"its host", Cause{CauseHost, "192.0.2.7"}, st, true},
		{"its host, mapped", Cause{CauseHost, "::ffff:192.0.2.7"}, st, true},
		{"another host", Cause{CauseHost, "192.0.2.8"}, st, false},
		{"no address", Cause{CauseHost, "x"}, st, false},
		{"an address as the host", Cause{CauseHost, "2001:db8:1::7"}, plain, true},
		{"its network", Cause{CauseNetwork, "192.0.2.0/24"}, st, true},
		{"its network of 6", Cause{CauseNetwork, "2001:db8:1::/48"}, plain, true},
		{"another network", Cause{CauseNetwork, "198.51.100.0/24"}, st, false},
		{"its name", Cause{CauseName, "shop.example.com"}, st, true},
		{"its domain", Cause{CauseName, "example.com"}, st, true},
		{"the end of its name", Cause{CauseName, "ple.com"}, st, false},
		{"its parent", Cause{CauseParent, "uplink"}, st, true},
		{"what it depends on", Cause{CauseParent, "db"}, st, true},
		{"no parent", Cause{CauseParent, ""}, plain, false},
		{"a name that is not spoken to", Cause{CauseName, "example.com"}, registered, false},
		{"not watched", Cause{CauseName, "example.com"}, nil, false},
		{"nothing", Cause{}, st, false},
	} {
		if got := tt.c.Covers(in, tt.st); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}

// TestNodeCovers: what this machine alone saw has it in common, if this machine
// spoke to its target.
func TestNodeCovers(t *testing.T) {
	said := func(location string, o Outcome) *Incident {
		return &Incident{Evidence: []Evidence{{Location: location, Outcome: o}}}
	}
	web := &State{Monitor: &Monitor{Name: "shop", Type: "http", Dest: "shop.example.com:443"}}
	for _, tt := range []struct {
		name string
		in   *Incident
		st   *State
		want bool
	}{
		{"alone", said(Local, OutcomeDown), web, true},
		{"not watched", said(Local, OutcomeDown), nil, true},
		{"others find it up", said("fra", OutcomeUp), web, true},
		{"others find it down", said("fra", OutcomeDown), web, false},
		{"confirmed", &Incident{ConfirmedBy: []string{"fra"}}, web, false},
		{"a heartbeat", said(Local, OutcomeDown), &State{Monitor: &Monitor{Name: "backup", Type: "beat"}}, false},
	} {
		if got := (Cause{Kind: CauseNode}).Covers(tt.in, tt.st); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}
