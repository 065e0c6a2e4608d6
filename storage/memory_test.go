package storage

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// store is what an engine asks of either.
type store interface {
	Append(*uptime.Batch) error
	Resume() (Resume, error)
	States(func(uptime.StateRecord) error) error
	Probes(func(uptime.ProbeRecord) error) error
	Outbox(func(uptime.OutboxRecord) error) error
	Post([]uptime.OutboxRecord) error
	Numbers(names []string) ([]uint32, error)
	Tail(time.Time, func(*uptime.Result) error) error
	Events(uptime.EventQuery) ([]uptime.Event, error)
	Incidents(uptime.IncidentQuery) ([]uptime.Incident, error)
	Results(uptime.ResultQuery) ([]uptime.Result, error)
	Rename(old, name string) error
	Check(func(done, total int64)) (Report, error)
	Close() error
}

// Both stores give the same answers.
func TestMemoryIsAStore(t *testing.T) {
	file, memory := store(newStore(t, Options{Now: t0})), store(NewMemory())
	for n := range 50 {
		now := t0.Add(time.Duration(n) * time.Minute)
		b := &uptime.Batch{Time: now}
		for i := range 3 {
			name := fmt.Sprintf("m%d", i)
			r := good(name, now.Add(-time.Duration(n%7)*time.Millisecond), 64*time.Microsecond) // exact when stored
			if n%5 == i {
				r = bad(name, r.Time)
				r.Total, r.Measures = 0, nil
			}
			b.Results = append(b.Results, r)
			b.States = append(b.States, uptime.StateRecord{Monitor: name, Data: []byte(fmt.Sprint(n))})
		}
		b.Events = []uptime.Event{verdictEvent(uint64(n+1), fmt.Sprintf("m%d", n%3), now)}
		x := incident(uint64(n/2+1), fmt.Sprintf("m%d", n/2%3), now)
		if n%2 == 1 {
			x.End = now
		}
		b.Incidents = []uptime.Incident{x}
		for _, s := range []store{file, memory} {
			if err := s.Append(b); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := memory.Append(&uptime.Batch{Time: t0.Add(49 * time.Minute), Events: []uptime.Event{verdictEvent(50, "m1", t0)}}); err != nil {
		t.Fatal(err)
	}
	answers := func(s store) (out []any) {
		add := func(x any, err error) { out = append(out, x, err) }
		for _, q := range []uptime.ResultQuery{{Monitor: "m1"}, {Monitor: "m2", Limit: 5}, {Monitor: "m0", Location: "fra"}, {Monitor: "shop"},
			{Monitor: "m0", Since: t0.Add(3 * time.Minute), Until: t0.Add(9 * time.Minute)}} {
			rs, err := s.Results(q)
			for i := range rs {
				if rs[i].Outcome == uptime.OutcomeUp {
					rs[i].Address = ""
				}
			}
			add(rs, err)
		}
		for _, q := range []uptime.EventQuery{{}, {After: 7, Limit: 3}, {Before: 9}, {Monitor: "shop"}, {Kinds: []uptime.EventKind{uptime.EventAck}}, {Since: t0.Add(40 * time.Minute)}} {
			es, err := s.Events(q)
			add(es, err)
		}
		for _, q := range []uptime.IncidentQuery{{}, {Number: 4}, {Monitor: "shop", Limit: 2}, {Since: t0.Add(30 * time.Minute)}, {Until: t0.Add(10 * time.Minute)}} {
			is, err := s.Incidents(q)
			add(is, err)
		}
		states := map[string]string{}
		add(states, s.States(func(r uptime.StateRecord) error { states[r.Monitor] = string(r.Data); return nil }))
		n := 0
		add(&n, s.Tail(t0.Add(20*time.Minute), func(*uptime.Result) error { n++; return nil }))
		r, err := s.Resume()
		r.Clean = true
		add(r, err)
		return out
	}
	for range 2 {
		a, b := answers(file), answers(memory)
		for i := range a {
			if !reflect.DeepEqual(a[i], b[i]) {
				t.Errorf("answer %d: file\n%+v\nmemory\n%+v", i, a[i], b[i])
			}
		}
		for _, s := range []store{file, memory} {
			if s.Rename("m2", "m0") == nil {
				t.Error("two histories are joined")
			}
			if err := s.Rename("m1", "shop"); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	m := NewMemory()
	for n := range 3 * memoryEvents {
		at := t0.Add(time.Duration(n) * time.Second)
		if err := m.Append(&uptime.Batch{Time: at, Results: []uptime.Result{good("a", at, 1)}, Events: []uptime.Event{verdictEvent(uint64(n+1), "a", at)},
			Incidents: []uptime.Incident{incident(uint64(n+1), "a", at)}}); err != nil {
			t.Fatal(err)
		}
	}
	if r, e, i := len(m.results["a"]), len(m.events), len(m.incidents); r > 2*memoryResults || e > 2*memoryEvents || i > 2*memoryIncidents {
		t.Errorf("%d results, %d events, %d incidents", r, e, i)
	}
}
