package wire

import (
	"encoding/binary"
	"time"

	"lookout/storage/chunk"
)

// MaxRows is how many results a batch may have.
const MaxRows = chunk.MaxRows

// maxLost is how many intervals a batch may report as lost.
const maxLost = 16

// Interval is a run of results of one epoch, by number: From is in it, To is not.
type Interval struct{ From, To uint64 }

// Counters are sums since the epoch began, so that those of two batches tell
// what happened in between even if others were lost.
type Counters struct {
	Scheduled uint64 // checks that came due
	Finished  uint64 // that ran to their end
	Late      uint64 // that began later than they should
	Skipped   uint64 // that did not run
	Dropped   uint64 // results that the spool gave up
	Depth     uint64 // results in the spool now; no sum
}

// Batch is a run of results, in the order of their numbers: Rows[i] is number
// From+i of the epoch. One without rows says that the probe lives.
type Batch struct {
	Epoch    uint64 // of the probe's spool
	From     uint64 // the number of the first row; without rows, of the next
	Obeyed   Version
	Late     bool // back-fill after an outage: history, which raises no alert
	Clock    time.Time
	Counters Counters
	Lost     []Interval // that the spool gave up: they will never come
	Rows     []Row
}

// Interval is the run of results that the batch has.
func (b *Batch) Interval() Interval { return Interval{b.From, b.From + uint64(len(b.Rows))} }

// Batch writes the frame of a Batch.
func (c *Codec) Batch(b Batch) ([]byte, error) {
	var f fields
	f.raw(1, binary.BigEndian.AppendUint64(nil, b.Epoch))
	f.uint(2, b.From)
	f.version(3, b.Obeyed)
	f.bool(4, b.Late)
	f.time(5, b.Clock)
	f.raw(6, b.Counters.write())
	f.atMost("lost intervals", len(b.Lost), maxLost)
	for _, l := range b.Lost {
		f.raw(7, binary.AppendUvarint(binary.AppendUvarint(nil, l.From), l.To))
	}
	f.atMost("results", len(b.Rows), MaxRows)
	if f.err == nil && len(b.Rows) > 0 {
		f.rows(millis(b.Clock), b.Rows)
	}
	return c.write(kindBatch, &f)
}

// write writes the counters in their order, those at the end left out that are
// zero; a later one is added at the end.
func (n *Counters) write() []byte {
	var b []byte
	end := 0
	for _, v := range [...]uint64{n.Scheduled, n.Finished, n.Late, n.Skipped, n.Dropped, n.Depth} {
		if b = binary.AppendUvarint(b, v); v != 0 {
			end = len(b)
		}
	}
	return b[:end]
}

func (n *Counters) read(r *reader, b []byte) {
	for _, into := range [...]*uint64{&n.Scheduled, &n.Finished, &n.Late, &n.Skipped, &n.Dropped, &n.Depth} {
		if len(b) == 0 {
			return
		}
		v, size := binary.Uvarint(b)
		if size <= 0 {
			r.fail("a counter is cut short")
			return
		}
		*into, b = v, b[size:]
	}
}

// ReadBatch reads the frame of a Batch.
func (c *Codec) ReadBatch(frame []byte) (Batch, error) {
	var b Batch
	err := c.read(kindBatch, frame, func(r *reader, body []byte) { b.read(r, body) })
	if err != nil {
		return Batch{}, err
	}
	return b, nil
}

func (b *Batch) read(r *reader, body []byte) {
	var t table
	r.each(body, func(tag uint64, v []byte) {
		switch tag {
		case 1:
			b.Epoch = r.epoch(v)
		case 2:
			b.From = r.uint(v, 1<<63-1)
		case 3:
			b.Obeyed = r.version(v)
		case 4:
			b.Late = r.bool(v)
		case 5:
			b.Clock = r.time(v)
		case 6:
			b.Counters.read(r, v)
		case 7:
			if r.room("lost intervals", len(b.Lost), maxLost) {
				b.Lost = append(b.Lost, r.interval(v))
			}
		default:
			t.field(r, tag, v)
		}
	})
	b.Rows = t.rows(millis(b.Clock), r)
}

// epoch reads a number drawn at random, which no varint makes shorter.
func (r *reader) epoch(v []byte) uint64 {
	var b [8]byte
	r.array(b[:], v)
	return binary.BigEndian.Uint64(b[:])
}

func (r *reader) interval(v []byte) Interval {
	from, n := binary.Uvarint(v)
	if n <= 0 {
		r.fail("an interval is cut short")
		return Interval{}
	}
	i := Interval{from, r.uint(v[n:], 1<<63-1)}
	if r.err == nil && i.To <= i.From {
		r.fail("an interval ends at %d before it begins at %d", i.To, i.From)
	}
	return i
}
