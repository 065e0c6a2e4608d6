package storage

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"lookout/engine/uptime"
)

// How much a Memory keeps: a day of a monitor at ten seconds, ten days at two
// minutes, and more events than anybody reads in one sitting.
const (
	memoryResults   = 8640 // of each monitor
	memoryEvents    = 10_000
	memoryIncidents = 1_000
)

// Memory is a store without a file, for watching something for a while. It has
// the methods of Store, keeps the newest of everything as it was given, but for
// steps, and forgets all of it with the process.
type Memory struct {
	mu        sync.Mutex
	results   map[string][]uptime.Result // by monitor, in order of time
	events    []uptime.Event
	incidents []uptime.Incident // by number
	states    map[string][]byte
	probes    map[string][]byte
	outbox    map[string][]byte
	numbers   map[string]uint32
	base      uint32 // of the first number
	alive     time.Time
}

// NewMemory makes an empty one.
func NewMemory() *Memory {
	return &Memory{results: map[string][]uptime.Result{}, states: map[string][]byte{},
		probes: map[string][]byte{}, outbox: map[string][]byte{}, numbers: map[string]uint32{}, base: randomBase()}
}

// Append keeps a batch. It cannot fail.
func (m *Memory) Append(b *uptime.Batch) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.alive = b.Time
	for _, r := range b.Results {
		r.Steps = nil
		rs := m.results[r.Monitor]
		at, _ := slices.BinarySearchFunc(rs, r.Time, func(x uptime.Result, t time.Time) int {
			if x.Time.After(t) {
				return 1
			}
			return -1 // behind those of the same moment
		})
		m.results[r.Monitor] = newest(slices.Insert(rs, at, r), memoryResults)
	}
	for _, e := range b.Events {
		if n := len(m.events); n == 0 || e.ID > m.events[n-1].ID {
			m.events = append(m.events, e)
		}
	}
	m.events = newest(m.events, memoryEvents)
	for _, i := range b.Incidents {
		at, found := slices.BinarySearchFunc(m.incidents, i.Number, func(x uptime.Incident, n uint64) int { return cmp.Compare(x.Number, n) })
		if found {
			m.incidents[at] = i
		} else {
			m.incidents = slices.Insert(m.incidents, at, i)
		}
	}
	m.incidents = newest(m.incidents, memoryIncidents)
	for _, r := range b.States {
		if m.states[r.Monitor] = slices.Clone(r.Data); len(r.Data) == 0 {
			delete(m.states, r.Monitor)
		}
	}
	for _, r := range b.Probes {
		if m.probes[r.Probe] = slices.Clone(r.Data); len(r.Data) == 0 {
			delete(m.probes, r.Probe)
		}
	}
	return nil
}

// newest cuts a slice to its newest part once it is twice as long as that.
func newest[T any](s []T, most int) []T {
	if len(s) < 2*most {
		return s
	}
	return slices.Clone(s[len(s)-most:])
}

// Resume says that there was no engine before, or where this one has got to.
func (m *Memory) Resume() (Resume, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := Resume{LastAlive: m.alive, Clean: true}
	if n := len(m.events); n > 0 {
		r.LastEvent = m.events[n-1].ID
	}
	if n := len(m.incidents); n > 0 {
		r.LastIncident = m.incidents[n-1].Number
	}
	return r, nil
}

// States calls fn with every monitor's newest state record, and ends with its error.
func (m *Memory) States(fn func(uptime.StateRecord) error) error {
	return m.each(m.states, func(name string, data []byte) error { return fn(uptime.StateRecord{Monitor: name, Data: data}) })
}

// Probes calls fn with every probe's newest record, and ends with its error.
func (m *Memory) Probes(fn func(uptime.ProbeRecord) error) error {
	return m.each(m.probes, func(probe string, data []byte) error { return fn(uptime.ProbeRecord{Probe: probe, Data: data}) })
}

// each calls fn with all records of a kind, by key, and ends with its error. What
// fn does is not kept out: it may call the store.
func (m *Memory) each(records map[string][]byte, fn func(key string, data []byte) error) error {
	m.mu.Lock()
	all := maps.Clone(records)
	m.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if err := fn(key, all[key]); err != nil {
			return err
		}
	}
	return nil
}

// Post keeps what the outbox has to remember, as Store.Post does.
func (m *Memory) Post(records []uptime.OutboxRecord) error {
	if err := checkOutbox(records); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range records {
		if m.outbox[r.Key] = slices.Clone(r.Data); len(r.Data) == 0 {
			delete(m.outbox, r.Key)
		}
	}
	return nil
}

// Outbox calls fn with every record of the outbox, by key, and ends with its error.
func (m *Memory) Outbox(fn func(uptime.OutboxRecord) error) error {
	return m.each(m.outbox, func(key string, data []byte) error { return fn(uptime.OutboxRecord{Key: key, Data: data}) })
}

// Numbers gives monitors the numbers by which probes know them, as Store.Numbers
// does; another process begins elsewhere.
func (m *Memory) Numbers(names []string) ([]uint32, error) {
	if slices.Contains(names, "") {
		return nil, errNoName
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]uint32, len(names))
	for i, name := range names {
		if m.numbers[name] == 0 {
			m.numbers[name] = m.base + uint32(len(m.numbers))
		}
		out[i] = m.numbers[name]
	}
	return out, nil
}

// Tail calls fn with the results that are newer than since, oldest first, and ends with its error.
func (m *Memory) Tail(since time.Time, fn func(*uptime.Result) error) error {
	m.mu.Lock()
	var all []uptime.Result
	for _, rs := range m.results {
		for i := len(rs) - 1; i >= 0 && rs[i].Time.After(since); i-- {
			all = append(all, rs[i])
		}
	}
	m.mu.Unlock()
	slices.SortFunc(all, func(a, b uptime.Result) int { return a.Time.Compare(b.Time) })
	for i := range all {
		if err := fn(&all[i]); err != nil {
			return err
		}
	}
	return nil
}

// Events answers a query.
func (m *Memory) Events(q uptime.EventQuery) ([]uptime.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []uptime.Event
	for i := range m.events {
		e := &m.events[i]
		if q.Before > 0 {
			e = &m.events[len(m.events)-1-i]
		}
		if e.ID <= q.After || q.Before > 0 && e.ID >= q.Before || q.Monitor != "" && e.Monitor != q.Monitor ||
			len(q.Kinds) > 0 && !slices.Contains(q.Kinds, e.Kind) || !within(e.Time, q.Since, q.Until) {
			continue
		}
		if out = append(out, *e); len(out) == limitOf(q.Limit) {
			break
		}
	}
	return out, nil
}

// Incidents answers a query with those that lasted into its span.
func (m *Memory) Incidents(q uptime.IncidentQuery) ([]uptime.Incident, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []uptime.Incident
	for i := len(m.incidents) - 1; i >= 0 && len(out) < limitOf(q.Limit); i-- {
		x := &m.incidents[i]
		if q.Number != 0 && x.Number != q.Number || q.Monitor != "" && x.Monitor != q.Monitor ||
			!q.Until.IsZero() && !x.Start.Before(q.Until) || !x.Open() && x.End.Before(q.Since) {
			continue
		}
		out = append(out, *x)
	}
	return out, nil
}

// Results answers a query with the newest results within its bounds, oldest first.
func (m *Memory) Results(q uptime.ResultQuery) ([]uptime.Result, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []uptime.Result
	all := m.results[q.Monitor]
	for i := len(all) - 1; i >= 0 && len(out) < limitOf(q.Limit); i-- {
		if r := &all[i]; within(r.Time, q.Since, q.Until) && (q.Location == "" || r.Location == q.Location) {
			out = append(out, *r)
		}
	}
	slices.Reverse(out)
	return out, nil
}

func within(t, since, until time.Time) bool {
	return !t.Before(since) && (until.IsZero() || t.Before(until))
}

// Rename gives a monitor's history and state another name, as Store.Rename does.
func (m *Memory) Rename(old, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	rs, results := m.results[old]
	data, state := m.states[old]
	number := m.numbers[old]
	if old == name || !results && !state && number == 0 {
		return nil
	}
	if m.results[name] != nil || m.states[name] != nil || m.numbers[name] != 0 || name == "" {
		return bothKnown(old, name)
	}
	for i := range rs {
		rs[i].Monitor = name
	}
	for i := range m.events {
		if m.events[i].Monitor == old {
			m.events[i].Monitor = name
		}
	}
	for i := range m.incidents {
		if m.incidents[i].Monitor == old {
			m.incidents[i].Monitor = name
		}
	}
	if results {
		m.results[name] = rs
	}
	if state {
		m.states[name] = data
	}
	if number != 0 {
		m.numbers[name] = number
	}
	delete(m.numbers, old)
	delete(m.results, old)
	delete(m.states, old)
	return nil
}

// Size is 0: there is no file.
func (m *Memory) Size() int64 { return 0 }

// Check has nothing to check.
func (m *Memory) Check(func(done, total int64)) (Report, error) { return Report{}, nil }

// Close has nothing to close.
func (m *Memory) Close() error { return nil }
