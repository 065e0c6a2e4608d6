package spool

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"lookout/probes/wire"
)

// segment is a run of rows of one epoch: a file, or memory while the disk takes nothing.
type segment struct {
	number  uint64 // of the file, in the order in which they were made; 0: in memory
	epoch   uint64
	from    uint64 // number of the first row that it ever had
	to      uint64 // the next after the last
	records []record
	free    runs // rows that wait to be sent
	out     runs // rows that somebody sends now
	size    int64
	loose   bool  // it gets no more rows, and is to be rewritten
	newest  int64 // when the last was appended, in Unix ms
	memory  []byte
}

func (g *segment) empty() bool { return len(g.free) == 0 && len(g.out) == 0 }

// left are the rows that were not let go.
func (g *segment) left() runs {
	all := append(runs(nil), g.free...)
	for _, iv := range g.out {
		all.add(iv)
	}
	return all
}

func (g *segment) took(r record) {
	g.records = append(g.records, r)
	g.free.add(r.Interval)
	g.to, g.newest = r.To, max(g.newest, r.at)
}

// letGo forgets rows, whoever has them.
func (g *segment) letGo(iv wire.Interval) {
	g.free.remove(iv)
	g.out.remove(iv)
}

// giveBack makes rows wait again that somebody had.
func (g *segment) giveBack(iv wire.Interval) {
	for _, part := range g.out.within(iv) {
		g.free.add(part)
	}
	g.out.remove(iv)
}

// at is the first record that has a number or a later one.
func (g *segment) at(number uint64) int {
	low, high := 0, len(g.records)
	for low < high {
		if mid := (low + high) / 2; g.records[mid].To <= number {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

func path(dir string, number uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%08x.seg", number))
}

// source opens what a segment's records are read from.
func (s *Spool) source(g *segment) (io.ReaderAt, func(), error) {
	switch {
	case g.number == 0:
		return bytes.NewReader(g.memory), func() {}, nil
	case g == s.live && !s.closed:
		return s.file, func() {}, nil
	}
	f, err := os.Open(path(s.dir, g.number))
	if err != nil {
		return nil, nil, err
	}
	return f, func() { f.Close() }, nil
}

// rows reads those of one record, and what was obeyed then.
func (s *Spool) rows(g *segment, from io.ReaderAt, r record) ([]wire.Row, wire.Version, error) {
	frame := make([]byte, r.size)
	if _, err := from.ReadAt(frame, r.off); err != nil {
		return nil, wire.Version{}, err
	}
	b, err := s.codec.ReadBatch(frame)
	if err == nil && (b.Epoch != g.epoch || b.Interval() != r.Interval) {
		err = fmt.Errorf("%w: it has other rows than it says", errDamaged)
	}
	return b.Rows, b.Obeyed, err
}

// write appends a record of rows to b; of what is too large for one, several.
// A row that could not be read again is an error.
func (s *Spool) write(b []byte, records []record, batch wire.Batch, at int64) ([]byte, []record, error) {
	frame, err := s.codec.Batch(batch)
	if half := len(batch.Rows) / 2; half > 0 && (err != nil || len(frame) > maxFrame) {
		first, second := batch, batch
		first.Rows, second.Rows, second.From = batch.Rows[:half], batch.Rows[half:], batch.From+uint64(half)
		if b, records, err = s.write(b, records, first, at); err != nil {
			return b, records, err
		}
		return s.write(b, records, second, at)
	}
	if err == nil {
		_, err = s.codec.ReadBatch(frame)
	}
	if err != nil {
		return b, records, err
	}
	b = appendRows(b, batch.Interval(), at, frame)
	return b, append(records, record{batch.Interval(), at, int64(len(b) - len(frame)), len(frame)}), nil
}

// maxFrame keeps a run of rows, with what the engine is told beside it, under what a frame may have.
const maxFrame = wire.MaxFrame / 2
