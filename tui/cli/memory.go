package cli

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"lookout/engine/uptime"
)

// How much of each kind a memory keeps: a day of one monitor at ten seconds,
// and more events than anybody reads in one sitting.
const (
	memoryResults   = 8640
	memoryEvents    = 10000
	memoryIncidents = 1000
)

// memory is the store of `lookout URL…`: it keeps a while of everything in
// memory, and nothing once the program ends.
type memory struct {
	mu        sync.Mutex // the engine's writer and the readers of a console
	results   map[string][]uptime.Result
	events    []uptime.Event
	incidents []uptime.Incident // by number
}

func newMemory() *memory { return &memory{results: make(map[string][]uptime.Result)} }

// Append keeps a batch. It cannot fail.
func (m *memory) Append(b *uptime.Batch) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range b.Results {
		r.Steps = nil // as in a file
		m.results[r.Monitor] = newest(append(m.results[r.Monitor], r), memoryResults)
	}
	m.events = newest(append(m.events, b.Events...), memoryEvents)
	for _, i := range b.Incidents {
		at, found := slices.BinarySearchFunc(m.incidents, i.Number, func(x uptime.Incident, n uint64) int { return cmp.Compare(x.Number, n) })
		if found {
			m.incidents[at] = i
		} else {
			m.incidents = slices.Insert(m.incidents, at, i)
		}
	}
	m.incidents = newest(m.incidents, memoryIncidents)
	return nil
}

// newest cuts a slice to its newest half once it is twice as long as it may be.
func newest[T any](s []T, most int) []T {
	if len(s) < 2*most {
		return s
	}
	return slices.Clone(s[len(s)-most:])
}

// States knows none: there was no engine before.
func (m *memory) States(func(uptime.StateRecord) error) error { return nil }

// Tail knows none: there was no engine before.
func (m *memory) Tail(time.Time, func(*uptime.Result) error) error { return nil }

// Events answers a query.
func (m *memory) Events(q uptime.EventQuery) ([]uptime.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []uptime.Event
	for i := range m.events {
		e := &m.events[i]
		if q.Before != 0 {
			e = &m.events[len(m.events)-1-i] // newest first
		}
		if e.ID <= q.After || q.Before != 0 && e.ID >= q.Before || q.Monitor != "" && e.Monitor != q.Monitor ||
			len(q.Kinds) > 0 && !slices.Contains(q.Kinds, e.Kind) || !within(e.Time, q.Since, q.Until) {
			continue
		}
		if out = append(out, *e); len(out) == limit(q.Limit) {
			break
		}
	}
	return out, nil
}

// Incidents answers a query.
func (m *memory) Incidents(q uptime.IncidentQuery) ([]uptime.Incident, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []uptime.Incident
	for i := len(m.incidents) - 1; i >= 0 && len(out) < limit(q.Limit); i-- {
		x := &m.incidents[i]
		if q.Number != 0 && x.Number != q.Number || q.Monitor != "" && x.Monitor != q.Monitor {
			continue
		}
		// One that lasted into the span belongs to it.
		if !q.Until.IsZero() && !x.Start.Before(q.Until) || !x.Open() && x.End.Before(q.Since) {
			continue
		}
		out = append(out, *x)
	}
	return out, nil
}

// Results answers a query.
func (m *memory) Results(q uptime.ResultQuery) ([]uptime.Result, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []uptime.Result
	all := m.results[q.Monitor]
	for i := len(all) - 1; i >= 0 && len(out) < limit(q.Limit); i-- {
		if r := &all[i]; within(r.Time, q.Since, q.Until) && (q.Location == "" || r.Location == q.Location) {
			out = append(out, *r)
		}
	}
	slices.Reverse(out)
	return out, nil
}

// Rename gives results another name.
func (m *memory) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.results[to] = append(m.results[to], m.results[from]...)
	delete(m.results, from)
	return nil
}

// Size is nothing: no file.
func (m *memory) Size() int64 { return 0 }

func within(t, since, until time.Time) bool {
	return !t.Before(since) && (until.IsZero() || t.Before(until))
}

func limit(n int) int {
	if n <= 0 {
		return 1000
	}
	return n
}
