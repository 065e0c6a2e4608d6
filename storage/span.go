package storage

import (
	"encoding/binary"
	"fmt"
	"slices"

	"lookout/engine/uptime"
	"lookout/storage/chunk"
)

const (
	hourMillis  = 3_600_000
	graceMillis = 120_000 // a check that started in a span may end this much after it
	staggers    = 64      // groups begin their hours at so many moments of it
	minMillis   = 48 * hourMillis
	maxMillis   = 70_380_000 * int64(hourMillis) // the last days of 9998: weeks have eight characters
	maxSpanRows = 1 << 15                        // a span that has more is sealed before its time
)

// spanKey is an hour of a group of 256 series. Groups begin their hours at
// different moments, so that sealing is spread over the hour; the hour's number
// is that of the clock's hour in which it begins, counted from 1970.
type spanKey struct {
	group, hour uint32
}

func stagger(group uint32) int64 { return int64(group%staggers) * (hourMillis / staggers) }

// spanAt is the span of a group that a moment between minMillis and maxMillis is in.
func spanAt(group uint32, ms int64) spanKey {
	return spanKey{group, uint32((ms - stagger(group)) / hourMillis)}
}

// start of a span in Unix milliseconds.
func (k spanKey) start() int64 { return int64(k.hour)*hourMillis + stagger(k.group) }

// due is when a span that is begun now is sealed: when it is over, or, if it is
// not the present one (late results, another clock), with the present one.
func (k spanKey) due(now int64) int64 {
	end := k.start() + hourMillis + graceMillis
	if end > now && end <= now+hourMillis+graceMillis {
		return end
	}
	return spanAt(k.group, max(min(now, maxMillis), minMillis)).start() + hourMillis + graceMillis
}

// span holds the rows that are in the log and in no pack yet, a few bytes each.
// Readers hold on to buf: it is only ever appended to.
type span struct {
	tick uint64 // of its first row
	due  int64
	rows int
	buf  []byte
}

const plain = 1 << uptime.MaxMeasures // up, and nothing to say about it

// add appends a row of the span k.
func (s *span) add(k spanKey, r *chunk.Row) {
	var head byte
	for m, v := range r.Measures {
		if v != 0 {
			head |= 1 << m
		}
	}
	ok := r.Outcome == uint8(uptime.OutcomeUp) && r.Fault == 0 && r.Text == 0 && r.Address == 0
	if ok {
		head |= plain
	}
	at := len(s.buf)
	b := append(s.buf, 0, byte(r.Series%groupSize), head)
	b = binary.AppendVarint(b, r.Time-k.start())
	if !ok {
		b = append(b, r.Outcome)
		b = binary.AppendUvarint(b, uint64(r.Fault))
		b = binary.AppendUvarint(b, uint64(r.Text))
		b = binary.AppendUvarint(b, uint64(r.Address))
	}
	b = binary.AppendUvarint(b, uint64(r.Status))
	b = binary.AppendUvarint(b, uint64(r.Shape))
	b = binary.AppendVarint(b, int64(r.Total))
	for _, v := range r.Measures {
		if v != 0 {
			b = binary.AppendVarint(b, int64(v))
		}
	}
	b[at] = byte(len(b) - at - 1) // at most 70: a reader of one series steps over the others
	s.buf = b
	s.rows++
}

// rowsOf unfolds what add wrote; want says which series, all being nil.
func rowsOf(dst []chunk.Row, k spanKey, buf []byte, want func(series uint32) bool) []chunk.Row {
	for len(buf) > 0 {
		f := fields{rest: buf[1 : 1+buf[0]]}
		buf = buf[1+buf[0]:]
		r := chunk.Row{Series: k.group*groupSize + uint32(f.byte()), Outcome: uint8(uptime.OutcomeUp)}
		if want != nil && !want(r.Series) {
			continue
		}
		head := f.byte()
		r.Time = k.start() + f.varint()
		if head&plain == 0 {
			r.Outcome = f.byte()
			r.Fault = uint16(f.uvarint())
			r.Text = uint32(f.uvarint())
			r.Address = uint32(f.uvarint())
		}
		r.Status = uint16(f.uvarint())
		r.Shape = uint16(f.uvarint())
		r.Total = int32(f.varint())
		for m := range r.Measures {
			if head>>m&1 == 1 {
				r.Measures[m] = int32(f.varint())
			}
		}
		if f.bad || len(f.rest) > 0 {
			panic(fmt.Sprintf("storage: span %v cannot be read", k)) // our own bytes, in our own memory
		}
		dst = append(dst, r)
	}
	return dst
}

// compare orders rows by series and time; equal ones are one result that came twice.
func compare(a, b chunk.Row) int {
	for _, d := range [...]int64{
		int64(a.Series) - int64(b.Series), a.Time - b.Time, int64(a.Outcome) - int64(b.Outcome),
		int64(a.Fault) - int64(b.Fault), int64(a.Status) - int64(b.Status), int64(a.Text) - int64(b.Text),
		int64(a.Address) - int64(b.Address), int64(a.Shape) - int64(b.Shape), int64(a.Total) - int64(b.Total),
	} {
		if d < 0 {
			return -1
		} else if d > 0 {
			return 1
		}
	}
	return slices.Compare(a.Measures[:], b.Measures[:])
}

// tidy sorts rows and drops those that are there twice: a batch that was given
// again after a commit of which we did not learn that it succeeded.
func tidy(rows []chunk.Row) []chunk.Row {
	if !slices.IsSortedFunc(rows, compare) {
		slices.SortFunc(rows, compare)
	}
	return slices.Compact(rows)
}

// tidySpan is tidy for the rows of one span. They come tick by tick, so that
// counting brings them into the order of series in one pass, and each series is
// then sorted already. The result is in room, if that is large enough.
func tidySpan(room, rows []chunk.Row) []chunk.Row {
	var at [groupSize + 1]int
	for i := range rows {
		at[rows[i].Series%groupSize+1]++
	}
	for i := range groupSize {
		at[i+1] += at[i]
	}
	out := slices.Grow(room[:0], len(rows))[:len(rows)]
	for i := range rows {
		s := rows[i].Series % groupSize
		out[at[s]] = rows[i]
		at[s]++
	}
	return tidy(out)
}
