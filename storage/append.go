package storage

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"go.etcd.io/bbolt"

	"lookout/engine/uptime"
	"lookout/storage/chunk"
)

// Append stores one tick of results in one transaction and returns once they are on disk.
// It fails with uptime.ErrFull when the disk is, and then nothing of the tick is
// stored; and with ErrReplaced, from then on and storing nothing, once the file was
// found gone from its path, which it looks at once a minute by the batch's time.
// After any other error it may be called again with the same batch: an event is
// known by its ID, an incident by its number, a result by all that it says.
func (s *Store) Append(b *uptime.Batch) error {
	if s.opt.ReadOnly {
		return explain("store in", s.path, ErrReadOnly)
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.inPlace(b.Time); err != nil {
		return err
	}
	t, err := s.prepare(b)
	if err != nil {
		return explain("store in", s.path, err)
	}
	if err := s.update(t.write); err != nil {
		s.relearn()
		return err
	}
	s.take(t)
	return nil
}

// tick is a batch on its way into the file.
type tick struct {
	s       *Store
	batch   *uptime.Batch
	at      position // as it will be
	ids     *growth
	texts   textGrowth
	rows    []chunk.Row // by series
	refused uint64
	log     []piece
	sealed  []*sealing
	dropped []spanKey // spans that no hour has room for
	events  int       // the first of the batch's that is new
}

// prepare does all that needs no transaction.
func (s *Store) prepare(b *uptime.Batch) (*tick, error) {
	t := &tick{s: s, batch: b, at: s.at, ids: s.ids.grow()}
	t.at.tick++
	t.at.clean = false
	t.at.alive = max(min(b.Time.UnixMilli(), maxMillis), minMillis)
	t.at.tell(t.at.alive)
	t.texts.hour, t.texts.next = uint32(t.at.alive/hourMillis), s.at.texts
	err := s.view(bucketText, func(tx *bbolt.Tx) error {
		txt, err := bucket(tx, bucketText)
		if err != nil {
			return err
		}
		t.texts.lookup = func(text string) textRef { return findText(txt, text) }
		t.number()
		return nil
	})
	if err != nil {
		return nil, err
	}
	t.at.texts = t.texts.next
	for t.events < len(b.Events) && b.Events[t.events].ID <= s.at.event {
		t.events++
	}
	for i := range b.Events[t.events:] {
		t.ids.monitor(b.Events[t.events+i].Monitor)
	}
	for i := range b.Incidents {
		t.ids.monitor(b.Incidents[i].Monitor)
	}
	for i := range b.States {
		t.ids.monitor(b.States[i].Monitor)
	}
	slices.SortStableFunc(t.rows, func(a, b chunk.Row) int { return int(int64(a.Series) - int64(b.Series)) })
	t.log = s.encodeLog(t.at.tick, t.rows)
	for _, key := range s.dueSpans(t.at.now) {
		x, err := s.encodeSpan(key, s.spans[key], t.at.tick)
		switch {
		case errors.Is(err, errHourFull):
			t.dropped = append(t.dropped, key)
			t.refused += uint64(s.spans[key].rows)
		case err != nil:
			return nil, err
		default:
			t.sealed = append(t.sealed, x)
		}
	}
	return t, nil
}

// number turns the results of the batch into rows.
func (t *tick) number() {
	t.rows = make([]chunk.Row, 0, len(t.batch.Results))
	cut := max(t.s.cutoff(t.at), minMillis)
	for i := range t.batch.Results {
		r := &t.batch.Results[i]
		ms := r.Time.UnixMilli()
		if ms < cut || ms > maxMillis || r.Monitor == "" {
			t.refused++
			continue
		}
		row := chunk.Row{
			Series:  t.ids.seriesOf(r),
			Time:    ms,
			Outcome: uint8(r.Outcome),
			Fault:   uint16(r.Fault),
			Status:  uint16(max(min(r.Status, math.MaxUint16), 0)),
			Text:    t.texts.number(t.s.texts, r.Message),
			Total:   chunk.Bin(r.Total.Microseconds()),
		}
		if r.Outcome != uptime.OutcomeUp {
			row.Address = t.texts.number(t.s.texts, r.Address)
		}
		measures := r.Measures[:min(len(r.Measures), uptime.MaxMeasures)]
		var hint uint16
		if int(row.Series) < len(t.s.shapeOf) {
			hint = t.s.shapeOf[row.Series]
		}
		if row.Shape = t.ids.shape(measures, hint); row.Shape != 0 {
			for j, m := range measures {
				row.Measures[j] = figure(m)
			}
		}
		t.rows = append(t.rows, row)
	}
}

// exact measures are no durations.
func exact(name string) bool { return name == "loss" }

func figure(m uptime.Measure) int32 {
	if exact(m.Name) {
		return int32(max(min(m.Value, math.MaxInt32), math.MinInt32))
	}
	return chunk.Bin(m.Value)
}

// write is the transaction.
func (t *tick) write(tx *bbolt.Tx) error {
	if err := t.ids.write(tx); err != nil {
		return err
	}
	if err := t.texts.write(tx); err != nil {
		return err
	}
	if err := writeLog(tx, t.at.tick, t.log); err != nil {
		return err
	}
	if err := t.writeEvents(tx); err != nil {
		return err
	}
	if err := t.writeIncidents(tx); err != nil {
		return err
	}
	if err := t.writeStates(tx); err != nil {
		return err
	}
	if err := t.writeProbes(tx); err != nil {
		return err
	}
	packs := 0
	for _, x := range t.sealed {
		if err := x.write(tx); err != nil {
			return err
		}
		packs += len(x.packs)
	}
	if err := t.s.expire(tx, &t.at, packs, len(t.batch.Events)-t.events); err != nil {
		return err
	}
	if t.at.tick%ticksPerBucket == 0 {
		if err := trimLog(tx, t.s.firstTick(t.sealed, t.at.tick)); err != nil {
			return err
		}
	}
	return t.at.write(tx)
}

func (t *tick) writeEvents(tx *bbolt.Tx) error {
	b, err := bucket(tx, bucketEvent)
	if err != nil {
		return err
	}
	b.FillPercent = 1
	for i := range t.batch.Events[t.events:] {
		e := &t.batch.Events[t.events+i]
		v, err := eventRecord(e, t.ids.monitor(e.Monitor))
		if err != nil {
			return err
		}
		if err := put(b, bucketEvent, key64(e.ID), v); err != nil {
			return err
		}
		t.at.event = max(t.at.event, e.ID)
	}
	return nil
}

func (t *tick) writeIncidents(tx *bbolt.Tx) error {
	b, err := bucket(tx, bucketIncident)
	if err != nil {
		return err
	}
	index, err := bucket(tx, bucketByMon)
	if err != nil {
		return err
	}
	for i := range t.batch.Incidents {
		x := &t.batch.Incidents[i]
		id := t.ids.monitor(x.Monitor)
		v, err := incidentRecord(x, id)
		if err != nil {
			return err
		}
		if err := put(b, bucketIncident, key64(x.Number), v); err != nil {
			return err
		}
		if err := put(index, bucketByMon, incidentKey(id, x.Number), fresh(1, 0)); err != nil {
			return err
		}
		t.at.incident = max(t.at.incident, x.Number)
	}
	return nil
}

func (t *tick) writeStates(tx *bbolt.Tx) error {
	b, err := bucket(tx, bucketState)
	if err != nil {
		return err
	}
	for i := range t.batch.States {
		r := &t.batch.States[i]
		key := key32(t.ids.monitor(r.Monitor))
		if len(r.Data) == 0 {
			if err := b.Delete(key); err != nil {
				return err
			}
			continue
		}
		if err := put(b, bucketState, key, append(fresh(1, len(r.Data)), r.Data...)); err != nil {
			return err
		}
	}
	return nil
}

// take makes memory say what the file says.
func (s *Store) take(t *tick) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = t.at
	s.refused += t.refused
	t.ids.join()
	t.texts.join(s.texts)
	for len(s.shapeOf) < len(s.ids.series) {
		s.shapeOf = append(s.shapeOf, 0)
	}
	for _, x := range t.sealed {
		delete(s.spans, x.key)
	}
	for _, k := range t.dropped {
		delete(s.spans, k)
	}
	for i := range t.rows {
		r := &t.rows[i]
		s.shapeOf[r.Series] = r.Shape
		s.hold(spanAt(r.Series/groupSize, r.Time), r, t.at.tick)
	}
}

// relearn follows a transaction that failed. When the last of its two syncs did,
// the transaction may be in the file all the same; then memory begins anew from it.
func (s *Store) relearn() {
	var at position
	err := s.view(bucketMeta, func(tx *bbolt.Tx) error { return at.read(tx) })
	if err != nil || at.tick == s.at.tick {
		return // nothing of it is there, or nothing can be told
	}
	next := &Store{path: s.path, opt: s.opt, db: s.db, ids: newIDs(), spans: map[spanKey]*span{}}
	if err := next.load(); err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids, s.spans, s.at, s.shapeOf = next.ids, next.spans, next.at, next.shapeOf
	clear(s.texts)
}

// eventRecord has in front of the public JSON what a query filters by.
//
//	crc u32 | version 1 | monitor u32 | time ms i64 | JSON
func eventRecord(e *uptime.Event, monitor uint32) ([]byte, error) {
	j, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("event %d: %w", e.ID, err)
	}
	v := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(fresh(1, 12+len(j)), monitor), uint64(e.Time.UnixMilli()))
	return append(v, j...), nil
}

// incidentRecord is likewise; end is 0 while it is open.
//
//	crc u32 | version 1 | monitor u32 | start ms i64 | end ms i64 | JSON
func incidentRecord(i *uptime.Incident, monitor uint32) ([]byte, error) {
	j, err := json.Marshal(i)
	if err != nil {
		return nil, fmt.Errorf("incident %d: %w", i.Number, err)
	}
	v := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(fresh(1, 20+len(j)), monitor), uint64(i.Start.UnixMilli()))
	end := int64(0)
	if !i.Open() {
		end = i.End.UnixMilli()
	}
	return append(binary.BigEndian.AppendUint64(v, uint64(end)), j...), nil
}
