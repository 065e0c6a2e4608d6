package storage

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"lookout/engine/uptime"
	"lookout/storage/chunk"
)

// source is what a query takes from memory before its transaction begins. A
// span that is sealed between the two is seen twice, and tidied; never not at all.
type source struct {
	at     position
	spans  map[spanKey][]byte
	series map[uint32]seriesInfo
	shapes [][]string
}

type seriesInfo struct {
	monitor, location, kind, target string
}

// source copies what a query of one monitor, or of all ("" ), needs.
func (s *Store) source(name, location string) source {
	s.mu.RLock()
	defer s.mu.RUnlock()
	src := source{at: s.at, spans: map[spanKey][]byte{}, series: map[uint32]seriesInfo{}, shapes: s.ids.shapes}
	groups := map[uint32]bool{}
	add := func(id uint32) {
		x := &s.ids.series[id]
		if location == "" || x.location == location {
			src.series[id] = seriesInfo{s.ids.name(x.monitor), x.location, x.kind, x.target}
			groups[id/groupSize] = true
		}
	}
	if name == "" {
		for id := range s.ids.series {
			add(uint32(id))
		}
	} else if m, ok := s.ids.byName[name]; ok {
		for _, id := range s.ids.monitors[m-1].series {
			add(id)
		}
	}
	for k, sp := range s.spans {
		if groups[k.group] {
			src.spans[k] = sp.buf
		}
	}
	return src
}

// Results answers a query with the newest results within its bounds, oldest
// first: durations are good to 0.8 %, addresses are kept of what was not up.
// What cannot be read is left out and reported as ErrDamaged beside the rest.
func (s *Store) Results(q uptime.ResultQuery) ([]uptime.Result, error) {
	if q.Monitor == "" {
		return nil, nil
	}
	src := s.source(q.Monitor, q.Location)
	from, to := bounds(q.Since, q.Until)
	from, to = max(from, s.cutoff(src.at), minMillis), min(to, maxMillis)
	var rows []chunk.Row
	var bad error
	err := s.view("results", func(tx *bbolt.Tx) error {
		for _, id := range slices.Sorted(maps.Keys(src.series)) {
			some, err := src.newest(tx, id, from, to, limitOf(q.Limit))
			rows, bad = append(rows, some...), first(bad, err)
		}
		return nil
	})
	bad = first(bad, err)
	slices.SortStableFunc(rows, byTime)
	rows = rows[max(0, len(rows)-limitOf(q.Limit)):]
	text, err := s.loadTexts(rows)
	if len(rows) == 0 {
		return nil, first(bad, err)
	}
	out := make([]uptime.Result, len(rows))
	for i := range rows {
		out[i] = src.result(&rows[i], text)
	}
	return out, first(bad, err)
}

func byTime(a, b chunk.Row) int { return cmp.Compare(a.Time, b.Time) }

// newest reads the newest rows of a series between from and to, oldest first.
func (src *source) newest(tx *bbolt.Tx, id uint32, from, to int64, limit int) ([]chunk.Row, error) {
	group := id / groupSize
	low, high := spanAt(group, from).hour, spanAt(group, to).hour
	want := func(x uint32) bool { return x == id }
	var parts [][]chunk.Row
	var bad error
	n := 0
	eachHour(tx, src.spans, low, high, func(hour uint32, b *bbolt.Bucket) bool {
		k := spanKey{group, hour}
		var rows []chunk.Row
		if b != nil {
			var err error
			rows, err = readSeries(nil, b, hour, id)
			bad = first(bad, err)
		}
		if buf := src.spans[k]; len(buf) > 0 {
			rows = rowsOf(rows, k, buf, want)
		}
		rows = slices.DeleteFunc(tidy(rows), func(r chunk.Row) bool { return r.Time < from || r.Time >= to })
		parts = append(parts, rows)
		n += len(rows)
		return n < limit
	})
	slices.Reverse(parts)
	rows := slices.Concat(parts...)
	return rows[max(0, len(rows)-limit):], bad
}

// eachHour calls fn with the hours from high down to low of which there are
// results, with the bucket of their packs or nil, until it returns false.
func eachHour(tx *bbolt.Tx, spans map[spanKey][]byte, low, high uint32, fn func(uint32, *bbolt.Bucket) bool) {
	var open []uint32
	for k := range spans {
		if k.hour >= low && k.hour <= high {
			open = append(open, k.hour)
		}
	}
	slices.Sort(open)
	open = slices.Compact(open)
	weeks := tx.Cursor()
	for w := lastNotAfter(weeks, weekName(high)); isWeek(w); w, _ = weeks.Prev() {
		if slices.Compare(w, weekName(low)) < 0 {
			break
		}
		week := tx.Bucket(w)
		hours := week.Cursor()
		for h := lastNotAfter(hours, key32(high)); len(h) == 4; h, _ = hours.Prev() {
			hour := binary.BigEndian.Uint32(h)
			if hour < low {
				break
			}
			for ; len(open) > 0 && open[len(open)-1] > hour; open = open[:len(open)-1] {
				if !fn(open[len(open)-1], nil) {
					return
				}
			}
			if len(open) > 0 && open[len(open)-1] == hour {
				open = open[:len(open)-1]
			}
			if !fn(hour, week.Bucket(h)) {
				return
			}
		}
	}
	for i := len(open) - 1; i >= 0; i-- {
		if !fn(open[i], nil) {
			return
		}
	}
}

// lastNotAfter seeks the last key that is not larger than key.
func lastNotAfter(c *bbolt.Cursor, key []byte) []byte {
	k, _ := c.Seek(key)
	if k != nil && slices.Equal(k, key) {
		return k
	}
	if k == nil {
		k, _ = c.Last()
		return k
	}
	k, _ = c.Prev()
	return k
}

// readSeries appends the rows of one series in an hour's packs.
func readSeries(dst []chunk.Row, b *bbolt.Bucket, hour, id uint32) ([]chunk.Row, error) {
	group := id / groupSize
	want := func(x uint32) bool { return x == id }
	var bad error
	c := b.Cursor()
	for gen := 0; gen <= lastGen && len(firstOfGroup(c, gen, group)) > 0; gen++ {
		// The packs that begin with the series, and the one before them, of which it may be the last.
		for k, v := seekBefore(c, packKey(gen, id+1, 0)); inGroup(k, gen, group); k, v = c.Prev() {
			p, err := readPack(hour, k, v)
			if err == nil {
				dst, err = p.rows(dst, want)
			}
			bad = first(bad, err)
			if binary.BigEndian.Uint32(k[1:]) < id {
				break
			}
		}
	}
	return dst, bad
}

// result makes a result of a row.
func (src *source) result(r *chunk.Row, text map[uint32]string) uptime.Result {
	x := src.series[r.Series]
	out := uptime.Result{
		Time:     time.UnixMilli(r.Time).UTC(),
		Monitor:  x.monitor,
		Type:     x.kind,
		Target:   x.target,
		Location: x.location,
		Outcome:  uptime.Outcome(r.Outcome),
		Fault:    uptime.Fault(r.Fault),
		Message:  text[r.Text],
		Address:  text[r.Address],
		Status:   int(r.Status),
		Total:    time.Duration(chunk.Micros(r.Total)) * time.Microsecond,
	}
	if int(r.Shape) >= len(src.shapes) || r.Shape == 0 {
		return out
	}
	names := src.shapes[r.Shape]
	out.Measures = make([]uptime.Measure, len(names))
	for i, name := range names {
		v := int64(r.Measures[i])
		if !exact(name) {
			v = chunk.Micros(r.Measures[i])
		}
		out.Measures[i] = uptime.Measure{Name: name, Value: v}
	}
	return out
}

const tailRows = 1000 // whose texts are read together

// Tail calls fn with the results that are newer than since, oldest first, and
// ends with its error. What cannot be read is left out and reported as
// ErrDamaged in the end. It holds the rows of two hours in memory.
func (s *Store) Tail(since time.Time, fn func(*uptime.Result) error) error {
	src := s.source("", "")
	from, _ := bounds(since, time.Time{})
	if since.Equal(time.UnixMilli(from)) {
		from++
	}
	from = max(from, s.cutoff(src.at), minMillis)
	var bad error
	hours, err := s.hoursFrom(&src, spanAt(staggers-1, from).hour)
	if err != nil {
		return err
	}
	var carry []chunk.Row
	for i, hour := range hours {
		rows, err := s.readHour(&src, hour, from)
		bad = first(bad, err)
		carry = append(carry, rows...)
		slices.SortStableFunc(carry, byTime)
		ready := len(carry)
		if i+1 < len(hours) {
			next := int64(hours[i+1]) * hourMillis // nothing of a later span began before it
			ready, _ = slices.BinarySearchFunc(carry, next, func(r chunk.Row, t int64) int { return cmp.Compare(r.Time, t) })
		}
		some := carry[:ready]
		for len(some) > 0 {
			few := some[:min(len(some), tailRows)]
			some = some[len(few):]
			text, err := s.loadTexts(few)
			bad = first(bad, err)
			for i := range few {
				r := src.result(&few[i], text)
				if err := fn(&r); err != nil {
					return err
				}
			}
		}
		carry = slices.Clone(carry[ready:])
	}
	return bad
}

// hoursFrom lists the hours, from one on, of which there are results.
func (s *Store) hoursFrom(src *source, low uint32) ([]uint32, error) {
	var hours []uint32
	err := s.view("results", func(tx *bbolt.Tx) error {
		eachHour(tx, src.spans, low, uint32(maxMillis/hourMillis), func(hour uint32, _ *bbolt.Bucket) bool {
			hours = append(hours, hour)
			return true
		})
		return nil
	})
	slices.Reverse(hours)
	return hours, err
}

// dropBefore takes out those of rows[at:] that are from before a moment: an
// hour has far more rows than its last minutes.
func dropBefore(rows []chunk.Row, at int, from int64) []chunk.Row {
	late := slices.DeleteFunc(rows[at:], func(r chunk.Row) bool { return r.Time < from })
	return rows[:at+len(late)]
}

// readHour reads all rows of an hour's spans from a moment on.
func (s *Store) readHour(src *source, hour uint32, from int64) ([]chunk.Row, error) {
	var rows []chunk.Row
	var bad error
	err := s.view(hourName(hour), func(tx *bbolt.Tx) error {
		b := hourBucket(tx, hour)
		if b == nil {
			return nil
		}
		return b.ForEach(func(k, v []byte) error {
			p, err := readPack(hour, k, v)
			if err == nil {
				whole := len(rows)
				rows, err = p.rows(rows, nil)
				rows = dropBefore(rows, whole, from)
			}
			bad = first(bad, err)
			return nil
		})
	})
	for k, buf := range src.spans {
		if k.hour == hour {
			whole := len(rows)
			rows = dropBefore(rowsOf(rows, k, buf, nil), whole, from)
		}
	}
	return tidy(rows), first(err, bad)
}
