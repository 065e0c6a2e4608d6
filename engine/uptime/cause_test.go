package uptime

import "testing"

func TestCauseCovers(t *testing.T) {
	st := &State{Monitor: &Monitor{Name: "shop", Dest: "Shop.Example.com.:443", Parent: "uplink", DependsOn: []string{"db"}}, Address: "192.0.2.7:443"}
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
		{"the node", Cause{Kind: CauseNode}, st, false},
		{"nothing", Cause{}, st, false},
	} {
		if got := tt.c.Covers(tt.st); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}
