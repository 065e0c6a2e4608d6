package uptime

import (
	"testing"
	"time"
)

func TestUnacked(t *testing.T) {
	for _, c := range []struct {
		name string
		in   Incident
		want bool
	}{
		{"an outage", Incident{Verdict: Down}, true},
		{"one that is over", Incident{Verdict: Down, End: time.Unix(1, 0)}, false},
		{"one that somebody took note of", Incident{Verdict: Down, Ack: &Ack{By: "jo"}}, false},
		{"one that another explains", Incident{Verdict: Down, Behind: "office uplink"}, false},
		{"only degraded", Incident{Verdict: Degraded}, false},
	} {
		if got := c.in.Unacked(); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

func TestNarrow(t *testing.T) {
	state := func(name, group, tag string, v Verdict, incident uint64) *State {
		return &State{Monitor: &Monitor{Name: name, Group: group, Tags: []string{tag}}, Verdict: v, Incident: incident}
	}
	s := &Snapshot{Seq: 7,
		States:  []*State{state("a", "web", "prod", Down, 4), state("b", "db", "prod", Up, 0), state("c", "web", "test", Down, 5)},
		Open:    []*Incident{{Number: 5, Verdict: Down, Ack: &Ack{By: "jo"}}, {Number: 4, Verdict: Down}},
		Counts:  Counts{Down: 2, Up: 1},
		Unacked: 1}
	for _, c := range []struct {
		name string
		page Page
		want string
		open []uint64
	}{
		{"everything", Page{}, "abc", []uint64{5, 4}},
		{"a tag", Page{Tags: []string{"prod"}}, "ab", []uint64{4}},
		{"a group", Page{Groups: []string{"web"}}, "ac", []uint64{5, 4}},
		{"a name or a tag", Page{Names: []string{"b"}, Tags: []string{"test"}}, "bc", []uint64{5}},
		{"nothing matches", Page{Names: []string{"x"}}, "", nil},
	} {
		n := s.Narrow(func(st *State) bool { return c.page.Includes(st.Monitor) })
		got := ""
		for _, st := range n.States {
			got += st.Name
		}
		if got != c.want || n.Counts.Total() != len(c.want) || n.Seq != 7 {
			t.Errorf("%s: states %q, counts %+v, want %q", c.name, got, n.Counts, c.want)
		}
		unacked := 0
		for i, in := range n.Open {
			if i >= len(c.open) || in.Number != c.open[i] {
				t.Errorf("%s: open %v, want %v", c.name, n.Open, c.open)
				break
			}
			if in.Unacked() {
				unacked++
			}
		}
		if len(n.Open) != len(c.open) || n.Unacked != unacked {
			t.Errorf("%s: %d open, %d unacknowledged", c.name, len(n.Open), n.Unacked)
		}
	}
}
