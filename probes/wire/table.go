package wire

import (
	"fmt"
	"slices"
	"time"

	"lookout/engine/uptime"
	"lookout/storage/chunk"
)

// The fields of a batch that are its rows: numbers in a block of package
// chunk, beside what the numbers of texts and shapes stand for.
const (
	tagText  = 8  // repeated: texts 1, 2, …
	tagShape = 9  // repeated: lists of measures 1, 2, …
	tagExtra = 10 // repeated: what no column holds of a row
	tagFlags = 11 // one byte a row, left out where all are zero
	tagBase  = 12 // how much earlier than the clock of the batch the first row ended, ms: the base of the block
	tagRows  = 13 // the block
)

// rows writes rows, 1 to MaxRows, their times near base, in Unix milliseconds.
func (f *fields) rows(base int64, rows []Row) {
	var (
		block  = make([]chunk.Row, len(rows))
		flags  = make([]byte, len(rows))
		texts  = map[string]uint32{}
		shapes [][]string
		some   bool
	)
	text := func(s string, max int) uint32 {
		if s = uptime.Clean(s, max); s == "" {
			return 0
		}
		n, ok := texts[s]
		if !ok {
			n = uint32(len(texts) + 1)
			texts[s] = n
			f.item(tagText, s, maxMessage)
		}
		return n
	}
	for i := range rows {
		res, to := &rows[i].Result, &block[i]
		f.atMost("measures", len(res.Measures), uptime.MaxMeasures)
		if !res.Time.After(time.UnixMilli(maxTotal.Milliseconds())) {
			f.fail(fmt.Errorf("%w: the result of monitor %d has no time", ErrMalformed, rows[i].Monitor))
		}
		if f.err != nil {
			return
		}
		up := res.Outcome == uptime.OutcomeUp
		to.Series = rows[i].Monitor
		to.Outcome, to.Fault, to.Status = uint8(res.Outcome), uint16(res.Fault), uint16(min(max(res.Status, 0), 1<<16-1))
		if !up {
			to.Text, to.Address = text(res.Message, maxMessage), text(res.Address, maxWord)
		}
		for k, m := range res.Measures {
			to.Measures[k] = int32(measureUnits(m))
		}
		to.Shape = f.shape(&shapes, res.Measures)
		var took time.Duration
		to.Total, took = total(res)
		to.Time = res.Time.UnixMilli() + took.Milliseconds()
		flags[i] = rows[i].flags()
		some = some || flags[i] != 0
		if hasExtra(res, !up) {
			f.message(tagExtra, func(f *fields) {
				f.uint(1, uint64(i))
				f.message(2, func(f *fields) { writeExtra(f, res, !up) })
			})
		}
	}
	if some {
		f.raw(tagFlags, flags)
	}
	var e chunk.Encoder
	f.int(tagBase, base-block[0].Time)
	f.raw(tagRows, e.Append(nil, block[0].Time, block))
}

// Rows come in the order in which checks end, so the block has their ends, which
// are close to each other, and a reader takes the total away again.

// total is what the block has of one, and what a reader makes of it: how much it
// is more than its measures, or where there are none to explain it and nobody
// asks for more, its bin.
func total(res *uptime.Result) (int32, time.Duration) {
	n := units(res.Total)
	if binned(res) {
		bin := chunk.Bin(n)
		return bin, time.Duration(chunk.Micros(bin)) * unit
	}
	return int32(n - sum(res)), time.Duration(n) * unit
}

// binned reports whether the total of a result travels as a bin of units.
func binned(res *uptime.Result) bool {
	return len(res.Measures) == 0 && res.Outcome == uptime.OutcomeUp
}

// sum adds up the durations among the measures of a result, in units, as far as
// a total may be from it.
func sum(res *uptime.Result) (n int64) {
	for _, m := range res.Measures {
		if m.Name != share {
			n += measureUnits(m)
		}
	}
	const bound = 1 << 30
	return min(max(n, -bound), bound)
}

// shape numbers a list of measures from 1; 0 is the empty one.
func (f *fields) shape(shapes *[][]string, measures []uptime.Measure) uint16 {
	if len(measures) == 0 {
		return 0
	}
	same := func(name string, m uptime.Measure) bool { return name == m.Name }
	for i, s := range *shapes {
		if slices.EqualFunc(s, measures, same) {
			return uint16(i + 1)
		}
	}
	names := make([]string, len(measures))
	for i, m := range measures {
		names[i] = m.Name
	}
	*shapes = append(*shapes, names)
	f.message(tagShape, func(f *fields) {
		for _, n := range names {
			f.item(1, n, MaxName)
		}
	})
	return uint16(len(*shapes))
}

// table collects the fields that rows writes.
type table struct {
	texts  []string
	shapes [][]string
	extras [][]byte
	flags  []byte
	before int64
	block  []byte
}

func (t *table) field(r *reader, tag uint64, v []byte) {
	switch tag {
	case tagText:
		if r.room("texts", len(t.texts), 2*MaxRows) {
			t.texts = append(t.texts, r.clean(v, maxMessage))
		}
	case tagShape:
		if r.room("shapes", len(t.shapes), MaxRows) {
			t.shapes = append(t.shapes, list(r, v, "measures", uptime.MaxMeasures, func(b []byte) string { return r.word(b, MaxName) }))
		}
	case tagExtra:
		if r.room("extras", len(t.extras), MaxRows) {
			t.extras = append(t.extras, v)
		}
	case tagFlags:
		t.flags = v
	case tagBase:
		t.before = r.int(v, maxMillis)
	case tagRows:
		t.block = v
	}
}

// rows makes rows of what was collected, nil of nothing.
func (t *table) rows(base int64, r *reader) []Row {
	if r.err != nil || t.block == nil {
		return nil
	}
	block, err := chunk.Decode(nil, base-t.before, t.block)
	if err != nil {
		r.fail("its rows are a %v", err)
		return nil
	}
	if t.flags != nil && len(t.flags) != len(block) {
		r.fail("%d rows have %d flags", len(block), len(t.flags))
		return nil
	}
	rows := make([]Row, len(block))
	measures := make([]uptime.Measure, 0, len(block)*uptime.MaxMeasures) // of all rows
	for i := range block {
		measures = t.row(r, &block[i], &rows[i], measures)
		if t.flags != nil {
			rows[i].setFlags(t.flags[i])
		}
	}
	for _, e := range t.extras {
		extra(r, rows, e)
	}
	if r.err != nil {
		return nil
	}
	return rows
}

func (t *table) row(r *reader, from *chunk.Row, to *Row, measures []uptime.Measure) []uptime.Measure {
	switch {
	case from.Time <= 2*maxTotal.Milliseconds() || from.Time > maxMillis:
		r.fail("a result ends at millisecond %d", from.Time)
	case from.Outcome > uint8(uptime.OutcomeDown):
		r.fail("a result has the outcome %d", from.Outcome)
	case from.Text > uint32(len(t.texts)) || from.Address > uint32(len(t.texts)) || int(from.Shape) > len(t.shapes):
		r.fail("a result has text %d, address %d or shape %d, which it does not bring", from.Text, from.Address, from.Shape)
	}
	if r.err != nil {
		return measures
	}
	to.Monitor = from.Series
	res := &to.Result
	res.Outcome, res.Fault, res.Status = uptime.Outcome(from.Outcome), uptime.Fault(from.Fault), int(from.Status)
	if from.Text > 0 {
		res.Message = t.texts[from.Text-1]
	}
	if from.Address > 0 {
		res.Address = uptime.Clean(t.texts[from.Address-1], maxWord)
	}
	if from.Shape > 0 {
		at := len(measures)
		for k, name := range t.shapes[from.Shape-1] {
			measures = append(measures, measured(name, int64(max(from.Measures[k], -maxMeasure))))
		}
		res.Measures = measures[at:len(measures):len(measures)]
	}
	if binned(res) {
		res.Total = r.units(chunk.Micros(from.Total))
	} else {
		res.Total = r.units(int64(from.Total) + sum(res))
	}
	res.Time = time.UnixMilli(from.Time - res.Total.Milliseconds()).UTC()
	return measures
}

func extra(r *reader, rows []Row, body []byte) {
	var i uint64
	var rest []byte
	r.each(body, func(tag uint64, v []byte) {
		switch tag {
		case 1:
			i = r.uint(v, 1<<32-1)
		case 2:
			rest = v
		}
	})
	if r.err == nil && i >= uint64(len(rows)) {
		r.fail("row %d of %d has more to say", i, len(rows))
	}
	if r.err == nil {
		readExtra(r, rest, &rows[i].Result)
	}
}
