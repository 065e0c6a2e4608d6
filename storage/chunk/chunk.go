// Package chunk is the codec of stored results: a block of rows becomes a few
// bytes a row, and back. It is pure: no clock, no file, no text; whatever is
// not a number has been given one by the store before.
//
// One block looks like this (FORMAT.md of package storage has the frames
// around it). After the version byte everything is one stream of bits, the
// most significant first, padded with zeros to a whole byte:
//
//	 8 bits    version, 1
//	 varint    n: rows, at most MaxRows
//	15 bits    which columns follow; the others are all zeros
//	 column    … in the order series, time, outcome, fault, status, text,
//	           address, shape, total, measure 0 … 5
//
// A varint is that of encoding/binary, in groups of 8 bits of the stream;
// signed figures are zigzag coded before. Series and time are differences to
// the row before (the first: to 0 and to the block's base). A column:
//
//	varint    m, signed: a median
//	5 bits    k
//	          31: every row is m
//	          30: varint count, then count times (varint gap, varint
//	              difference to m, signed): the rows that are not m
//	          ≤ 29: per row the difference to m, signed, as a Rice code: its
//	              upper bits in unary (ones, then a zero), then k bits; 24
//	              ones are followed by 64 bits of the whole instead
//
// A healthy monitor pays for its time, its total and its measures; outcome,
// status and the rest cost a few bytes a block, and failures their exceptions.
// Rice around a median is within 3 % of entropy coders on latencies, at half
// the code.
package chunk

import (
	"errors"
	"fmt"

	"lookout/engine/uptime"
)

// Version is the first byte of every block that Encoder writes.
const Version = 1

// MaxRows is how many rows a block may have: it bounds what a few bytes can unfold to.
const MaxRows = 4096

// ErrCorrupt reports bytes that no Encoder wrote.
var ErrCorrupt = errors.New("corrupt chunk")

// Row is one result in numbers.
type Row struct {
	Series   uint32
	Time     int64 // Unix milliseconds
	Outcome  uint8
	Fault    uint16
	Status   uint16
	Text     uint32 // number of the message; 0: none
	Address  uint32 // number of the address; 0: none
	Shape    uint16 // number of the list of measure names
	Total    int32  // Bin of microseconds
	Measures [uptime.MaxMeasures]int32
}

const columns = 9 + uptime.MaxMeasures

// Encoder makes blocks. The zero value is ready; it is for one goroutine.
type Encoder struct {
	bits    bitWriter
	cols    [columns][]int64
	perRow  float64 // bytes that a row took last, for Fit's first guess
	samples [31]int64
}

// Append appends a block of the rows, at most MaxRows, to dst. base should be near their times.
func (e *Encoder) Append(dst []byte, base int64, rows []Row) []byte {
	if len(rows) > MaxRows {
		panic(fmt.Sprintf("chunk: %d rows are more than %d", len(rows), MaxRows))
	}
	e.fill(base, rows)
	w := &e.bits
	*w = bitWriter{buf: append(dst, Version)}
	w.varint(uint64(len(rows)))
	var mask uint64
	for c := range e.cols {
		if !zeros(e.cols[c]) {
			mask |= 1 << c
		}
	}
	w.bits(mask, columns)
	for c := range e.cols {
		if mask>>c&1 == 1 {
			e.column(e.cols[c])
		}
	}
	return w.flush()
}

// Fit appends a block of as many leading rows as it easily finds to take at
// most limit bytes, and tells how many. The limit must have room for one row: 256.
func (e *Encoder) Fit(dst []byte, base int64, rows []Row, limit int) ([]byte, int) {
	n := min(len(rows), MaxRows)
	if e.perRow > 0 {
		n = min(n, max(1, int(float64(limit)*0.985/e.perRow)))
	}
	for {
		out := e.Append(dst, base, rows[:n])
		size := len(out) - len(dst)
		if size <= limit || n == 1 {
			e.perRow = float64(size) / float64(n)
			return out, n
		}
		n = max(1, min(n-1, int(0.985*float64(n)*float64(limit)/float64(size))))
	}
}

// fill turns rows into columns.
func (e *Encoder) fill(base int64, rows []Row) {
	for c := range e.cols {
		if cap(e.cols[c]) < len(rows) {
			e.cols[c] = make([]int64, len(rows), 2*len(rows))
		}
		e.cols[c] = e.cols[c][:len(rows)]
	}
	var series int64
	for i := range rows {
		r := &rows[i]
		e.cols[0][i], series = int64(r.Series)-series, int64(r.Series)
		e.cols[1][i], base = r.Time-base, r.Time
		e.cols[2][i] = int64(r.Outcome)
		e.cols[3][i] = int64(r.Fault)
		e.cols[4][i] = int64(r.Status)
		e.cols[5][i] = int64(r.Text)
		e.cols[6][i] = int64(r.Address)
		e.cols[7][i] = int64(r.Shape)
		e.cols[8][i] = int64(r.Total)
		for m, v := range r.Measures {
			e.cols[9+m][i] = int64(v)
		}
	}
}

func zeros(col []int64) bool {
	for _, v := range col {
		if v != 0 {
			return false
		}
	}
	return true
}

// Decode appends the rows of a block to dst. It fails with ErrCorrupt on bytes
// that are no block, and never panics.
func Decode(dst []Row, base int64, block []byte) ([]Row, error) {
	if len(block) == 0 {
		return dst, fmt.Errorf("%w: empty", ErrCorrupt)
	}
	if block[0] != Version {
		return dst, fmt.Errorf("%w: version %d is not known", ErrCorrupt, block[0])
	}
	r := bitReader{data: block[1:]}
	n := int(min(r.varint(), MaxRows+1))
	if n > MaxRows {
		return dst, fmt.Errorf("%w: more than %d rows", ErrCorrupt, MaxRows)
	}
	mask := r.bits(columns)
	var few [128]int64
	col := few[:]
	if n > len(few) {
		col = make([]int64, n)
	}
	col = col[:n]
	at := len(dst)
	for range n {
		dst = append(dst, Row{})
	}
	for c := range columns {
		if mask>>c&1 == 1 {
			if err := r.column(col); err != nil {
				return dst[:at], err
			}
		} else {
			clear(col)
		}
		if !unfold(dst[at:], c, base, col) {
			return dst[:at], fmt.Errorf("%w: column %d out of range", ErrCorrupt, c)
		}
	}
	if err := r.end(); err != nil {
		return dst[:at], err
	}
	return dst, nil
}

// unfold puts a column into rows; false when a figure is too large for it.
func unfold(rows []Row, c int, base int64, col []int64) bool {
	ok := true
	switch c {
	case 0:
		var series int64
		for i, d := range col {
			series += d
			rows[i].Series = uint32(series)
			ok = ok && series == int64(uint32(series))
		}
	case 1:
		for i, d := range col {
			base += d
			rows[i].Time = base
		}
	case 2:
		for i, v := range col {
			rows[i].Outcome = uint8(v)
			ok = ok && v == int64(uint8(v))
		}
	case 3:
		for i, v := range col {
			rows[i].Fault = uint16(v)
			ok = ok && v == int64(uint16(v))
		}
	case 4:
		for i, v := range col {
			rows[i].Status = uint16(v)
			ok = ok && v == int64(uint16(v))
		}
	case 5:
		for i, v := range col {
			rows[i].Text = uint32(v)
			ok = ok && v == int64(uint32(v))
		}
	case 6:
		for i, v := range col {
			rows[i].Address = uint32(v)
			ok = ok && v == int64(uint32(v))
		}
	case 7:
		for i, v := range col {
			rows[i].Shape = uint16(v)
			ok = ok && v == int64(uint16(v))
		}
	case 8:
		for i, v := range col {
			rows[i].Total = int32(v)
			ok = ok && v == int64(int32(v))
		}
	default:
		for i, v := range col {
			rows[i].Measures[c-9] = int32(v)
			ok = ok && v == int64(int32(v))
		}
	}
	return ok
}
