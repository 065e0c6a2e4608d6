package storage

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"lookout/engine/uptime"
	"lookout/storage/chunk"
)

// A pack holds the chunks of neighbouring series of a group and an hour:
//
//	crc u32 | version 1 | tick uvarint | n uvarint |
//	n × (series − first uvarint, length uvarint) | chunks
//
// Its key is (generation u8, first series u32, part u8). tick says that rows of
// this span from ticks before it are in packs: that is all a replay needs. A
// span that is sealed again has another generation; readers merge them.
const (
	packKeySize  = 6
	maxPackHead  = sumSize + 1 + binary.MaxVarintLen64 + 2
	maxChunk     = maxPack - maxPackHead - 3
	lastGen      = math.MaxUint8
	lastPart     = math.MaxUint8
	packsVersion = 1

	sealShare = 32 // of a backlog, this part is sealed with a tick
)

// errHourFull reports more rows than 256 generations of an hour have room for.
var errHourFull = errors.New("no room in this hour")

// sealing is a span on its way into packs.
type sealing struct {
	key   spanKey
	packs []piece
	gone  [][]byte // packs of the last generation that these replace
}

// dueSpans are the spans to be sealed with this tick, the longest due first: one,
// and more of a backlog. A span that grows large does not wait for its hour to end.
func (s *Store) dueSpans(now int64) []spanKey {
	var due []spanKey
	for k, sp := range s.spans {
		if sp.due <= now || sp.rows >= maxSpanRows {
			due = append(due, k)
		}
	}
	slices.SortFunc(due, func(a, b spanKey) int {
		return cmp.Or(cmp.Compare(s.spans[a].due, s.spans[b].due), cmp.Compare(a.group, b.group), cmp.Compare(a.hour, b.hour))
	})
	rows, n := 0, 0
	for n < min(len(due), 1+len(due)/sealShare) && (n == 0 || rows < maxSpanRows) {
		rows += s.spans[due[n]].rows
		n++
	}
	return due[:n]
}

// encodeSpan makes the packs of a span, outside the write transaction: tick is that of the coming one.
func (s *Store) encodeSpan(key spanKey, sp *span, tick uint64) (*sealing, error) {
	out := &sealing{key: key}
	rows := rowsOf(slices.Grow(s.unfolded[:0], sp.rows), key, sp.buf, nil)
	gen := 0
	err := s.view(hourName(key.hour), func(tx *bbolt.Tx) error {
		b := hourBucket(tx, key.hour)
		if b == nil {
			return nil
		}
		c := b.Cursor()
		for gen < lastGen && len(firstOfGroup(c, gen, key.group)) > 0 {
			gen++
		}
		if gen < lastGen {
			return nil
		}
		// The last generation takes in what comes after it.
		for k, v := c.Seek(packKey(gen, key.group*groupSize, 0)); inGroup(k, gen, key.group); k, v = c.Next() {
			p, err := readPack(key.hour, k, v)
			if err != nil {
				continue // it stays as it is, for Check to tell
			}
			whole := len(rows)
			if rows, err = p.rows(rows, nil); err != nil {
				rows = rows[:whole]
				continue
			}
			out.gone = append(out.gone, append([]byte(nil), k...))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.unfolded, s.sorted = rows, tidySpan(s.sorted, rows)
	out.packs, err = s.encodePacks(key, gen, tick, s.sorted)
	return out, err
}

// encodePacks codes rows, in order, into packs of one generation.
func (s *Store) encodePacks(key spanKey, gen int, tick uint64, rows []chunk.Row) ([]piece, error) {
	var out []piece
	w := packWriter{key: key, gen: gen, tick: tick}
	for len(rows) > 0 {
		id, n := rows[0].Series, 0
		for n < len(rows) && rows[n].Series == id {
			rows[n].Series = 0 // the pack's directory says it
			n++
		}
		for one := rows[:n]; len(one) > 0; {
			var took int
			w.scratch, took = s.encoder.Fit(w.scratch[:0], key.start(), one, maxChunk)
			if !w.room(id, len(w.scratch)) {
				out = w.flush(out)
			}
			w.add(id)
			one = one[took:]
		}
		rows = rows[n:]
	}
	out = w.flush(out)
	if w.full {
		return nil, errHourFull
	}
	return out, nil
}

// packWriter fills one pack after another.
type packWriter struct {
	key     spanKey
	gen     int
	tick    uint64
	scratch []byte // the chunk to be added

	first    uint32
	n        int
	dir      []byte
	chunks   []byte
	lastPart int
	previous uint32 // the first series of the pack before
	any      bool
	full     bool
}

func (w *packWriter) room(id uint32, size int) bool {
	return w.n == 0 || maxPackHead+len(w.dir)+3+len(w.chunks)+size <= maxPack
}

func (w *packWriter) add(id uint32) {
	if w.n == 0 {
		w.first = id
	}
	w.n++
	w.dir = binary.AppendUvarint(w.dir, uint64(id-w.first))
	w.dir = binary.AppendUvarint(w.dir, uint64(len(w.scratch)))
	w.chunks = append(w.chunks, w.scratch...)
}

func (w *packWriter) flush(out []piece) []piece {
	if w.n == 0 {
		return out
	}
	part := 0
	if w.any && w.previous == w.first {
		if part = w.lastPart + 1; part > lastPart {
			w.gen, part = w.gen+1, 0
			w.full = w.full || w.gen > lastGen
		}
	}
	w.any, w.previous, w.lastPart = true, w.first, part
	key := packKey(w.gen, w.first, part)
	v := fresh(packsVersion, maxPack)
	v = binary.AppendUvarint(v, w.tick)
	v = binary.AppendUvarint(v, uint64(w.n))
	v = append(append(v, w.dir...), w.chunks...)
	w.n, w.dir, w.chunks = 0, w.dir[:0], w.chunks[:0]
	return append(out, piece{key, sealed(hourTag(w.key.hour), key, v)})
}

func packKey(gen int, first uint32, part int) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{byte(gen)}, first), byte(part))
}

func inGroup(key []byte, gen int, group uint32) bool {
	return len(key) == packKeySize && int(key[0]) == gen && binary.BigEndian.Uint32(key[1:])/groupSize == group
}

// firstOfGroup seeks a group's first pack of a generation; nil when there is none.
func firstOfGroup(c *bbolt.Cursor, gen int, group uint32) []byte {
	k, v := c.Seek(packKey(gen, group*groupSize, 0))
	if inGroup(k, gen, group) {
		return v
	}
	return nil
}

// sealTick is the tick before which all rows of a span are in packs; 0: none are.
func sealTick(tx *bbolt.Tx, key spanKey) uint64 {
	b := hourBucket(tx, key.hour)
	if b == nil {
		return 0
	}
	c := b.Cursor()
	var tick uint64
	for gen := 0; gen <= lastGen; gen++ {
		k, v := c.Seek(packKey(gen, key.group*groupSize, 0))
		if !inGroup(k, gen, key.group) {
			break
		}
		// A pack that cannot be read says nothing; the next one of the span does.
		for ; inGroup(k, gen, key.group); k, v = c.Next() {
			if p, err := readPack(key.hour, k, v); err == nil {
				tick = max(tick, p.tick)
				break
			}
		}
	}
	return tick
}

func (s *sealing) write(tx *bbolt.Tx) error {
	week, err := tx.CreateBucketIfNotExists(weekName(s.key.hour))
	if err != nil {
		return err
	}
	week.FillPercent = 1
	b, err := week.CreateBucketIfNotExists(key32(s.key.hour))
	if err != nil {
		return err
	}
	b.FillPercent = 1 // a group's packs are a run of neighbours
	for _, k := range s.gone {
		if err := b.Delete(k); err != nil {
			return err
		}
	}
	for _, p := range s.packs {
		if err := b.Put(p.key, p.value); err != nil {
			return err
		}
	}
	return nil
}

// pack is one that was read; its bytes are bbolt's.
type pack struct {
	hour    uint32
	key     []byte
	first   uint32
	tick    uint64
	entries []entry
}

type entry struct {
	series uint32
	size   uint64
	chunk  []byte
}

func readPack(hour uint32, k, v []byte) (*pack, error) {
	body, err := opened(hourTag(hour), k, v)
	if err != nil {
		return nil, fmt.Errorf("%w: bucket %s, key %x", ErrDamaged, hourName(hour), k)
	}
	f := fields{rest: body}
	f.version(packsVersion)
	p := &pack{hour: hour, key: k, tick: f.uvarint()}
	n := f.uvarint()
	if len(k) != packKeySize || n > maxPack {
		f.bad, n = true, 0
	} else {
		p.first = binary.BigEndian.Uint32(k[1:])
	}
	p.entries = make([]entry, n)
	for i := range p.entries {
		p.entries[i] = entry{series: p.first + uint32(f.uvarint()), size: f.uvarint()}
	}
	for i := range p.entries {
		p.entries[i].chunk = f.take(p.entries[i].size)
	}
	if f.bad || len(f.rest) > 0 {
		return nil, f.done(hourName(hour), k)
	}
	return p, nil
}

// rows appends the rows of the series that are wanted, all being nil.
func (p *pack) rows(dst []chunk.Row, want func(series uint32) bool) ([]chunk.Row, error) {
	for _, e := range p.entries {
		if want != nil && !want(e.series) {
			continue
		}
		at := len(dst)
		var err error
		base := spanKey{e.series / groupSize, p.hour}.start()
		if dst, err = chunk.Decode(dst, base, e.chunk); err != nil {
			return dst, fmt.Errorf("%w: bucket %s, key %x: %w", ErrDamaged, hourName(p.hour), p.key, err)
		}
		for i := at; i < len(dst); i++ {
			dst[i].Series = e.series
		}
	}
	return dst, nil
}

// weekName is the bucket of an hour's week.
func weekName(hour uint32) []byte {
	return []byte(uptime.WeekKey(time.UnixMilli(int64(hour) * hourMillis)))
}

// hourTag is what the CRC of an hour's packs is made with.
func hourTag(hour uint32) string { return string(key32(hour)) }

// hourName is the same for people.
func hourName(hour uint32) string {
	t := time.UnixMilli(int64(hour) * hourMillis).UTC()
	return uptime.WeekKey(t) + "/" + t.Format("2006-01-02T15")
}

func hourBucket(tx *bbolt.Tx, hour uint32) *bbolt.Bucket {
	if week := tx.Bucket(weekName(hour)); week != nil {
		return week.Bucket(key32(hour))
	}
	return nil
}
