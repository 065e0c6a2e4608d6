package storage

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"lookout/engine/uptime"
)

const defaultLimit = 1000

func limitOf(n int) int {
	if n <= 0 {
		return defaultLimit
	}
	return n
}

// bounds of a query in Unix milliseconds: from since on, before until; zero times don't bound.
func bounds(since, until time.Time) (from, to int64) {
	from, to = math.MinInt64, math.MaxInt64
	if !since.IsZero() {
		from = since.UnixMilli()
		if since.After(time.UnixMilli(from)) {
			from++
		}
	}
	if !until.IsZero() {
		to = until.UnixMilli()
		if until.After(time.UnixMilli(to)) {
			to++
		}
	}
	return from, to
}

// storedEvent is an event before its JSON is read.
type storedEvent struct {
	monitor uint32
	time    int64
	json    []byte
}

func readEvent(k, v []byte) (storedEvent, error) {
	body, err := opened(bucketEvent, k, v)
	if err != nil {
		return storedEvent{}, err
	}
	f := fields{rest: body}
	f.version(1)
	e := storedEvent{monitor: f.u32(), time: int64(f.u64())}
	e.json, f.rest = f.rest, nil
	f.bad = f.bad || len(k) != 8
	return e, f.done(bucketEvent, k)
}

func (e *storedEvent) event(k []byte, n *ids) (uptime.Event, error) {
	var out uptime.Event
	if err := json.Unmarshal(e.json, &out); err != nil || out.ID != binary.BigEndian.Uint64(k) {
		return out, fmt.Errorf("%w: bucket %s, key %x: %v", ErrDamaged, bucketEvent, k, err)
	}
	out.Monitor = n.name(e.monitor) // it may have been renamed since
	return out, nil
}

// storedIncident is an incident before its JSON is read.
type storedIncident struct {
	monitor    uint32
	start, end int64
	json       []byte
}

func readIncident(k, v []byte) (storedIncident, error) {
	body, err := opened(bucketIncident, k, v)
	if err != nil {
		return storedIncident{}, err
	}
	f := fields{rest: body}
	f.version(1)
	i := storedIncident{monitor: f.u32(), start: int64(f.u64()), end: int64(f.u64())}
	i.json, f.rest = f.rest, nil
	f.bad = f.bad || len(k) != 8
	return i, f.done(bucketIncident, k)
}

func (i *storedIncident) incident(k []byte, n *ids) (uptime.Incident, error) {
	var out uptime.Incident
	if err := json.Unmarshal(i.json, &out); err != nil || out.Number != binary.BigEndian.Uint64(k) {
		return out, fmt.Errorf("%w: bucket %s, key %x: %v", ErrDamaged, bucketIncident, k, err)
	}
	out.Monitor = n.name(i.monitor)
	return out, nil
}

func incidentKey(monitor uint32, number uint64) []byte {
	return binary.BigEndian.AppendUint64(key32(monitor), number)
}

// begin finds the monitor of a query. A name that the store never saw is no error: nothing is known of it.
func (s *Store) begin(name string) (at position, id uint32, known bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	id, known = s.ids.byName[name]
	return s.at, id, known || name == ""
}

// later reports a key that was written after a query began. A reader sees a
// commit a moment before the writer has put its new names in memory, and before
// Append has returned: what is not acknowledged yet is not told.
func later(k []byte, last uint64) bool { return len(k) == 8 && binary.BigEndian.Uint64(k) > last }

// Events answers a query. What cannot be read is left out and reported as
// ErrDamaged beside the rest.
func (s *Store) Events(q uptime.EventQuery) ([]uptime.Event, error) {
	at, monitor, known := s.begin(q.Monitor)
	if !known {
		return nil, nil
	}
	from, to := bounds(q.Since, q.Until)
	from = max(from, s.eventCutoff(at))
	var out []uptime.Event
	var bad error
	take := func(k, v []byte) bool {
		if later(k, at.event) {
			return true
		}
		e, err := readEvent(k, v)
		if err == nil && (e.time < from || e.time >= to || q.Monitor != "" && e.monitor != monitor) {
			return true
		}
		var x uptime.Event
		if err == nil {
			x, err = func() (uptime.Event, error) {
				s.mu.RLock()
				defer s.mu.RUnlock() // a fault here is recovered by view
				return e.event(k, s.ids)
			}()
		}
		if err != nil {
			bad = first(bad, err)
			return true
		}
		if len(q.Kinds) == 0 || slices.Contains(q.Kinds, x.Kind) {
			out = append(out, x)
		}
		return len(out) < limitOf(q.Limit)
	}
	err := s.view(bucketEvent, func(tx *bbolt.Tx) error {
		b, err := bucket(tx, bucketEvent)
		if err != nil {
			return err
		}
		c := b.Cursor()
		if q.Before > 0 {
			for k, v := seekBefore(c, key64(q.Before)); k != nil && binary.BigEndian.Uint64(k) > q.After && take(k, v); {
				k, v = c.Prev()
			}
			return nil
		}
		if q.After == math.MaxUint64 {
			return nil
		}
		for k, v := c.Seek(key64(q.After + 1)); k != nil && take(k, v); {
			k, v = c.Next()
		}
		return nil
	})
	return out, first(err, bad)
}

// seekBefore finds the last key smaller than key.
func seekBefore(c *bbolt.Cursor, key []byte) (k, v []byte) {
	if k, _ = c.Seek(key); k == nil {
		return c.Last()
	}
	return c.Prev()
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Incidents answers a query with those that lasted into its span. What cannot be
// read is left out and reported as ErrDamaged beside the rest.
func (s *Store) Incidents(q uptime.IncidentQuery) ([]uptime.Incident, error) {
	at, monitor, known := s.begin(q.Monitor)
	if !known {
		return nil, nil
	}
	from, to := bounds(q.Since, q.Until)
	from = max(from, s.eventCutoff(at))
	var out []uptime.Incident
	var bad error
	take := func(k, v []byte) bool {
		if later(k, at.incident) {
			return true
		}
		i, err := readIncident(k, v)
		if err == nil && (i.end != 0 && i.end < from || i.start >= to || q.Monitor != "" && i.monitor != monitor) {
			return true
		}
		var x uptime.Incident
		if err == nil {
			x, err = func() (uptime.Incident, error) {
				s.mu.RLock()
				defer s.mu.RUnlock() // a fault here is recovered by view
				return i.incident(k, s.ids)
			}()
		}
		if err != nil {
			bad = first(bad, err)
			return true
		}
		out = append(out, x)
		return len(out) < limitOf(q.Limit)
	}
	err := s.view(bucketIncident, func(tx *bbolt.Tx) error {
		b, err := bucket(tx, bucketIncident)
		if err != nil {
			return err
		}
		if q.Number != 0 {
			if v := b.Get(key64(q.Number)); v != nil {
				take(key64(q.Number), v)
			}
			return nil
		}
		if q.Monitor == "" {
			c := b.Cursor()
			for k, v := c.Last(); k != nil && take(k, v); {
				k, v = c.Prev()
			}
			return nil
		}
		index, err := bucket(tx, bucketByMon)
		if err != nil {
			return err
		}
		c := index.Cursor()
		for k, _ := seekBefore(c, incidentKey(monitor+1, 0)); len(k) == 12 && binary.BigEndian.Uint32(k) == monitor; k, _ = c.Prev() {
			if v := b.Get(k[4:]); v != nil && !take(k[4:], v) {
				break
			}
		}
		return nil
	})
	return out, first(err, bad)
}

// States calls fn with every monitor's newest state record, and ends with its
// error. A record that cannot be read is left out and reported as ErrDamaged
// after the others: that monitor begins anew.
func (s *Store) States(fn func(uptime.StateRecord) error) error {
	var all []uptime.StateRecord
	var bad error
	err := s.view(bucketState, func(tx *bbolt.Tx) error {
		b, err := bucket(tx, bucketState)
		if err != nil {
			return err
		}
		s.mu.RLock()
		defer s.mu.RUnlock()
		return b.ForEach(func(k, v []byte) error {
			name, data, err := readState(s.ids, k, v)
			if err != nil {
				bad = first(bad, err)
				return nil
			}
			all = append(all, uptime.StateRecord{Monitor: name, Data: slices.Clone(data)})
			return nil
		})
	})
	if err != nil {
		return err
	}
	for _, r := range all {
		if err := fn(r); err != nil {
			return err
		}
	}
	return bad
}

func readState(n *ids, k, v []byte) (name string, data []byte, err error) {
	body, err := opened(bucketState, k, v)
	if err != nil {
		return "", nil, err
	}
	f := fields{rest: body}
	f.version(1)
	data, f.rest = f.rest, nil
	if len(k) == 4 {
		name = n.name(binary.BigEndian.Uint32(k))
	}
	f.bad = f.bad || name == ""
	return name, data, f.done(bucketState, k)
}

// Rename gives a monitor's history and state another name. It does nothing
// when the old name has none, and fails when the new one has its own.
func (s *Store) Rename(old, name string) error {
	if s.opt.ReadOnly {
		return explain("store in", s.path, ErrReadOnly)
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.lost != nil {
		return s.lost
	}
	id, ok := s.ids.byName[old]
	if !ok || old == name {
		return nil
	}
	if _, taken := s.ids.byName[name]; taken || name == "" {
		return bothKnown(old, name)
	}
	err := s.update(func(tx *bbolt.Tx) error {
		meta, err := bucket(tx, bucketMeta)
		if err != nil {
			return err
		}
		b := meta.Bucket([]byte(bucketMonitor))
		if b == nil {
			return fmt.Errorf("%w: bucket %s is missing", ErrDamaged, bucketMonitor)
		}
		return put(b, bucketMonitor, key32(id), monitorRecord(name))
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids.monitors[id-1].name = name
	delete(s.ids.byName, old)
	s.ids.byName[name] = id
	return nil
}

func bothKnown(old, name string) error {
	return fmt.Errorf("rename %q to %q: %w; remove the key was", old, name, uptime.ErrTaken)
}
