package uptime

import (
	"fmt"
	"slices"
	"testing"
)

func TestTogether(t *testing.T) {
	s := &Snapshot{}
	for i, m := range []struct{ dest, parent string }{{"192.0.2.7:80", ""}, {"192.0.2.7:443", ""}, {"192.0.2.9:80", ""}, {"203.0.113.1:1", "uplink"}, {"198.51.100.1:1", ""}} {
		name := string('a' + rune(i))
		if i == 4 {
			name = "uplink"
		}
		s.States = append(s.States, &State{Monitor: &Monitor{Name: name, Dest: m.dest, Parent: m.parent}})
		s.Open = append(s.Open, &Incident{Number: uint64(i + 1), Monitor: name, Verdict: Down, ConfirmedBy: []string{"fra"}})
	}
	host, node, parent := Cause{CauseHost, "192.0.2.7"}, Cause{Kind: CauseNode}, Cause{CauseParent, "uplink"}
	for _, tt := range []struct {
		name string
		told []Told
		of   uint64
		want []uint64
	}{
		{"nobody was told", nil, 1, nil},
		{"told alone", []Told{{Incident: 1}}, 1, nil},
		{"of one host", []Told{{Incident: 1, Cause: host, Count: 2}}, 1, []uint64{1, 2}},
		{"any of them means all", []Told{{Incident: 1, Cause: host, Count: 2}}, 2, []uint64{1, 2}},
		{"not of that host", []Told{{Incident: 1, Cause: host, Count: 2}}, 3, nil},
		{"one was told alone before", []Told{{Incident: 1, Cause: host, Count: 2}, {Incident: 2}}, 1, []uint64{1}},
		{"confirmed from elsewhere", []Told{{Incident: 1, Cause: node, Count: 2}}, 1, nil},
		{"a parent and those behind it", []Told{{Incident: 4, Cause: parent, Count: 2}}, 5, []uint64{4, 5}},
		{"over, and others last", []Told{{Incident: 9, Cause: host}}, 9, []uint64{1, 2}},
		{"over, and alone", []Told{{Incident: 9}, {Incident: 1, Cause: host}}, 9, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.Outbox.Told = tt.told
			var got []uint64
			for _, in := range s.Together(tt.of) {
				got = append(got, in.Number)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// A letter about all that a machine sees down costs an acknowledgement no time.
func BenchmarkTogether(b *testing.B) {
	s := &Snapshot{}
	for i := range 10_000 {
		name := fmt.Sprintf("m%05d", i)
		s.States = append(s.States, &State{Monitor: &Monitor{Name: name, Dest: "192.0.2.7:80"}})
		s.Open = append(s.Open, &Incident{Number: uint64(i + 1), Monitor: name})
	}
	s.Outbox.Told = []Told{{Incident: 1, Cause: Cause{CauseHost, "192.0.2.7"}, Count: 10_000}}
	for b.Loop() {
		s.Together(5000)
	}
}
