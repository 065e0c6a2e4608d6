package cli

import (
	"fmt"
	"testing"
	"time"

	"lookout/engine/uptime"
)

func TestMemory(t *testing.T) {
	t0 := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	at := func(s int) time.Time { return t0.Add(time.Duration(s) * time.Second) }
	m := newMemory()
	for i := range 10 {
		name := []string{"a", "b"}[i%2]
		err := m.Append(&uptime.Batch{
			Results: []uptime.Result{{Monitor: name, Location: uptime.Local, Time: at(i), Steps: []uptime.Step{{}}}},
			Events:  []uptime.Event{{ID: uint64(i + 1), Monitor: name, Kind: uptime.EventVerdict, Time: at(i)}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, x := range []uptime.Incident{{Number: 2, Monitor: "b", Start: at(5)}, {Number: 1, Monitor: "a", Start: at(1)}, {Number: 1, Monitor: "a", Start: at(1), End: at(3)}} {
		if err := m.Append(&uptime.Batch{Incidents: []uptime.Incident{x}}); err != nil {
			t.Fatal(err)
		}
	}
	events := func(q uptime.EventQuery) (s string) {
		out, _ := m.Events(q)
		for _, e := range out {
			s += fmt.Sprint(e.ID, " ")
		}
		return s
	}
	incidents := func(q uptime.IncidentQuery) (s string) {
		out, _ := m.Incidents(q)
		for _, i := range out {
			s += fmt.Sprintf("%d%v ", i.Number, i.Open())
		}
		return s
	}
	results := func(q uptime.ResultQuery) (s string) {
		out, _ := m.Results(q)
		for _, r := range out {
			s += fmt.Sprint(r.Time.Second(), " ")
		}
		return s
	}
	for _, tt := range []struct{ name, got, want string }{
		{"events after", events(uptime.EventQuery{After: 7}), "8 9 10 "},
		{"events before, newest first", events(uptime.EventQuery{Before: 4}), "3 2 1 "},
		{"events of one", events(uptime.EventQuery{Monitor: "b", Limit: 2}), "2 4 "},
		{"events of another kind", events(uptime.EventQuery{Kinds: []uptime.EventKind{uptime.EventAck}}), ""},
		{"events of a span", events(uptime.EventQuery{Since: at(2), Until: at(4)}), "3 4 "},
		{"incidents, newest first", incidents(uptime.IncidentQuery{}), "2true 1false "},
		{"one incident", incidents(uptime.IncidentQuery{Number: 1}), "1false "},
		{"incidents since", incidents(uptime.IncidentQuery{Since: at(4)}), "2true "},
		{"incidents until", incidents(uptime.IncidentQuery{Until: at(5)}), "1false "},
		{"results, the newest", results(uptime.ResultQuery{Monitor: "a", Limit: 2}), "6 8 "},
		{"results of a span", results(uptime.ResultQuery{Monitor: "b", Since: at(2), Until: at(8)}), "3 5 7 "},
		{"results of nowhere", results(uptime.ResultQuery{Monitor: "b", Location: "fra"}), ""},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, tt.got, tt.want)
		}
	}
	if err := m.Rename("a", "c"); err != nil {
		t.Fatal(err)
	}
	if got := results(uptime.ResultQuery{Monitor: "c", Limit: 1}); got != "8 " {
		t.Errorf("after a renaming: %q", got)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	m := newMemory()
	for i := range 5 * memoryResults {
		if err := m.Append(&uptime.Batch{Results: []uptime.Result{{Monitor: "a", Status: i}}}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(m.results["a"]); n < memoryResults || n >= 2*memoryResults {
		t.Errorf("%d results are kept", n)
	}
	out, _ := m.Results(uptime.ResultQuery{Monitor: "a", Limit: 1})
	if len(out) != 1 || out[0].Status != 5*memoryResults-1 {
		t.Errorf("the newest is %v", out)
	}
}
