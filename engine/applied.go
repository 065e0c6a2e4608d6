package engine

import (
	"encoding/binary"
	"errors"
	"slices"

	"lookout/engine/uptime"
)

const (
	maxIntervals = 16      // of one epoch; a back-fill needs two
	maxEpochs    = 16      // of a probe; a spool begins one with every start of its machine
	maxRuns      = 64      // intervals of all epochs
	maxForgotten = 256     // ids of epochs before these: the record stays under a page
	maxNumber    = 1 << 48 // of a result; a thousand a second come to that in 9,000 years
	maxBy        = 100     // bytes of who excluded a probe
)

// applied is what is known of the results of one probe: by the epochs of its
// spool, which intervals of their numbers were taken. What is in one of these is
// not taken again. A value is not written to once it is in a ledger.
type applied struct {
	epochs  []epoch // the one that brought something last is the last
	givenUp uint64  // numbers that never came, and that would not be taken any more
	refused uint64  // results with a time that cannot be
	exclude string  // who said that its vote does not count; "": nobody

	forgotten []uint64 // epochs of which it is not known any more what was taken; the newest last
	again     uint64   // results that came of these since: they may have been taken
}

// epoch is one of a probe's spool.
type epoch struct {
	id   uint64
	runs []uptime.Interval // in order, with gaps between them
}

// has reports whether a number is in one of the intervals.
func (e *epoch) has(n uint64) bool {
	i, found := slices.BinarySearchFunc(e.runs, n, func(r uptime.Interval, n uint64) int {
		switch {
		case r.To <= n:
			return -1
		case r.From > n:
			return 1
		}
		return 0
	})
	return found && i < len(e.runs)
}

// add takes an interval in and returns how many numbers are given up for that:
// the oldest gaps, where there are too many.
func (e *epoch) add(iv uptime.Interval) (givenUp uint64) {
	if iv.To <= iv.From {
		return 0
	}
	first := 0
	for first < len(e.runs) && e.runs[first].To < iv.From {
		first++
	}
	last := first
	for last < len(e.runs) && e.runs[last].From <= iv.To {
		iv.From, iv.To = min(iv.From, e.runs[last].From), max(iv.To, e.runs[last].To)
		last++
	}
	e.runs = slices.Replace(e.runs, first, last, iv)
	for len(e.runs) > maxIntervals {
		givenUp += e.close()
	}
	return givenUp
}

// close gives up the oldest gap, of so many numbers.
func (e *epoch) close() uint64 {
	gap := e.runs[1].From - e.runs[0].To
	e.runs[1].From = e.runs[0].From
	e.runs = slices.Delete(e.runs, 0, 1)
	return gap
}

// add takes an interval of an epoch in, and counts what is given up for that: the
// oldest gaps, first of the epoch and then of those that brought nothing for longest.
func (a *applied) add(e *epoch, iv uptime.Interval) (givenUp uint64) {
	givenUp = e.add(iv)
	runs := 0
	for i := range a.epochs {
		runs += len(a.epochs[i].runs)
	}
	for i := 0; runs > maxRuns && i < len(a.epochs); i++ {
		for old := &a.epochs[i]; runs > maxRuns && len(old.runs) > 1; runs-- {
			givenUp += old.close()
		}
	}
	a.givenUp += givenUp
	return givenUp
}

// clone is a copy that can be written to.
func (a *applied) clone() *applied {
	c := *a
	c.epochs = slices.Clone(a.epochs)
	for i := range c.epochs {
		c.epochs[i].runs = slices.Clone(c.epochs[i].runs)
	}
	c.forgotten = slices.Clip(c.forgotten) // it only grows, or loses its oldest
	return &c
}

// epoch finds one, or begins it; the one that brought nothing for longest goes.
func (a *applied) epoch(id uint64) *epoch {
	i := slices.IndexFunc(a.epochs, func(e epoch) bool { return e.id == id })
	e := epoch{id: id}
	if i >= 0 {
		e = a.epochs[i]
		a.epochs = slices.Delete(a.epochs, i, i+1)
	} else if n := len(a.epochs) - maxEpochs + 1; n > 0 {
		for _, old := range a.epochs[:n] {
			a.forget(old.id)
		}
		a.epochs = slices.Delete(a.epochs, 0, n)
	}
	a.epochs = append(a.epochs, e)
	return &a.epochs[len(a.epochs)-1]
}

// forget remembers of an epoch that it was.
func (a *applied) forget(id uint64) {
	a.forgotten = append(a.forgotten, id)
	if n := len(a.forgotten) - maxForgotten; n > 0 {
		a.forgotten = a.forgotten[n:]
	}
}

// The record of a probe, at most 1,500 bytes, and 2,070 more where it has had
// very many epochs:
//
//	version | given up uvarint | refused uvarint | excluded by: length uvarint, bytes |
//	epochs uvarint | epochs × (id u64 | runs uvarint | runs × (gap before uvarint, length uvarint)) |
//	in version 2, which is written where an epoch is forgotten:
//	again uvarint | forgotten uvarint | forgotten × id u64
const (
	appliedFirst  = 1
	appliedSecond = 2
)

func (a *applied) encode() []byte {
	version := byte(appliedFirst)
	if len(a.forgotten) > 0 {
		version = appliedSecond
	}
	b := binary.AppendUvarint([]byte{version}, a.givenUp)
	b = binary.AppendUvarint(b, a.refused)
	b = binary.AppendUvarint(b, uint64(len(a.exclude)))
	b = append(b, a.exclude...)
	b = binary.AppendUvarint(b, uint64(len(a.epochs)))
	for _, e := range a.epochs {
		b = binary.BigEndian.AppendUint64(b, e.id)
		b = binary.AppendUvarint(b, uint64(len(e.runs)))
		at := uint64(0)
		for _, r := range e.runs {
			b = binary.AppendUvarint(b, r.From-at)
			b = binary.AppendUvarint(b, r.To-r.From)
			at = r.To
		}
	}
	if version == appliedSecond {
		b = binary.AppendUvarint(b, a.again)
		b = binary.AppendUvarint(b, uint64(len(a.forgotten)))
		for _, id := range a.forgotten {
			b = binary.BigEndian.AppendUint64(b, id)
		}
	}
	return b
}

var errApplied = errors.New("the record of a probe is of an unknown version, or no such record")

func decodeApplied(b []byte) (*applied, error) {
	if len(b) == 0 || b[0] != appliedFirst && b[0] != appliedSecond {
		return nil, errApplied
	}
	version := b[0]
	b = b[1:]
	bad := false
	next := func(most uint64) uint64 {
		u, n := binary.Uvarint(b)
		if n <= 0 || u > most {
			bad, b = true, nil
			return 0
		}
		b = b[n:]
		return u
	}
	take := func(n uint64) []byte {
		if n > uint64(len(b)) {
			bad, b = true, nil
			return make([]byte, n)
		}
		out := b[:n]
		b = b[n:]
		return out
	}
	a := &applied{givenUp: next(1<<64 - 1), refused: next(1<<64 - 1)}
	a.exclude = string(take(next(maxBy)))
	for range next(maxEpochs) {
		e := epoch{id: binary.BigEndian.Uint64(take(8))}
		at := uint64(0)
		for i := range next(maxIntervals) {
			gap := next(maxNumber)
			r := uptime.Interval{From: at + gap}
			r.To = r.From + next(maxNumber)
			bad = bad || r.To <= r.From || r.To > maxNumber || i > 0 && gap == 0
			at = r.To
			e.runs = append(e.runs, r)
		}
		a.epochs = append(a.epochs, e)
	}
	if version == appliedSecond {
		a.again = next(1<<64 - 1)
		for range next(maxForgotten) {
			a.forgotten = append(a.forgotten, binary.BigEndian.Uint64(take(8)))
		}
		bad = bad || len(a.forgotten) == 0
	}
	if bad || len(b) > 0 {
		return nil, errApplied
	}
	return a, nil
}
