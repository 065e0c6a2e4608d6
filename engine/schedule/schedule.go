// Package schedule decides when things are due. It is pure: it is told the
// time and never asks for it.
//
// The wheel is a hashed one (Varghese and Lauck, SOSP 1987, scheme 6): adding
// costs the same for ten monitors and for 180,000, and a bitmap of the
// occupied slots finds the next one without walking empty ones.
package schedule

import (
	"hash/fnv"
	"math/bits"
	"time"
)

const (
	slots = 4096                  // of one turn; a power of two
	width = 16 * time.Millisecond // of a slot: one turn is 65 s, nothing is more than a slot late
)

// Wheel holds entries until they are due. The zero value is not usable; see New.
type Wheel[K any] struct {
	start    time.Time // slot 0 of turn 0
	cursor   int64     // the slot, counted from start, that Advance looks at next
	slots    [slots][]entry[K]
	occupied [slots / 64]uint64
	size     int
}

type entry[K any] struct {
	slot int64 // counted from start
	at   time.Time
	key  K
}

// New makes an empty wheel that starts at now.
func New[K any](now time.Time) *Wheel[K] { return &Wheel[K]{start: now} }

// Len is the number of entries.
func (w *Wheel[K]) Len() int { return w.size }

// Add puts key where Advance finds it at the given time, or at once where that has passed.
func (w *Wheel[K]) Add(at time.Time, key K) {
	slot := max(int64(at.Sub(w.start)/width), w.cursor)
	i := slot % slots
	w.slots[i] = append(w.slots[i], entry[K]{slot, at, key})
	w.occupied[i/64] |= 1 << (i % 64)
	w.size++
}

// Advance hands out what is due at now, in the order of slots; within one slot
// in the order of adding. An entry whose time falls into the running slot
// waits for it to end, so that nothing is handed out early.
func (w *Wheel[K]) Advance(now time.Time, due func(at time.Time, key K)) {
	end := int64(now.Sub(w.start) / width) // the running slot
	if end-w.cursor > slots {
		w.turn(end, due)
	}
	for w.cursor < end {
		slot := w.cursor
		w.cursor++ // before: what is added meanwhile for a time that has passed comes with the next slot
		if i := slot % slots; w.occupied[i/64]&(1<<(i%64)) != 0 {
			w.take(i, slot, due)
		}
	}
}

// turn handles a gap of more than one turn, as after a stall: every slot once.
func (w *Wheel[K]) turn(end int64, due func(time.Time, K)) {
	w.cursor = end
	for i := range int64(slots) {
		w.take(i, end-1, due)
	}
}

// take hands out the entries of slot i that are due by the absolute slot limit.
func (w *Wheel[K]) take(i, limit int64, due func(time.Time, K)) {
	all := w.slots[i]
	var out []entry[K]
	keep := all[:0]
	for _, e := range all {
		if e.slot <= limit {
			out = append(out, e)
		} else {
			keep = append(keep, e)
		}
	}
	clear(all[len(keep):])
	w.slots[i] = keep
	if len(keep) == 0 {
		w.occupied[i/64] &^= 1 << (i % 64)
	}
	w.size -= len(out)
	for _, e := range out {
		due(e.at, e.key) // may add to any slot, this one too
	}
}

// Next is a time at which Advance may find something, never after the first
// entry that is due, and false for an empty wheel.
func (w *Wheel[K]) Next() (time.Time, bool) {
	if w.size == 0 {
		return time.Time{}, false
	}
	first := w.cursor % slots
	for n := int64(0); n <= slots/64; n++ {
		i := (first/64 + n) % (slots / 64)
		word := w.occupied[i]
		if n == 0 {
			word &= ^uint64(0) << (first % 64)
		}
		if word == 0 {
			continue
		}
		at := i*64 + int64(bits.TrailingZeros64(word)) - first
		if at < 0 {
			at += slots
		}
		return w.start.Add(time.Duration(w.cursor+at+1) * width), true
	}
	// Only slots before the cursor in its own word are left.
	return w.start.Add(time.Duration(w.cursor+slots) * width), true
}

// Phase is where in its interval a name has its place: the same in every
// process and after every restart, and spread evenly over many names.
func Phase(name string, interval time.Duration) time.Duration {
	if interval <= 0 {
		return 0
	}
	h := fnv.New64a()
	h.Write([]byte(name))
	// The high bits of FNV-1a are the well mixed ones of short names only after one more round.
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	hi, _ := bits.Mul64(x, uint64(interval))
	return time.Duration(hi)
}

// First is the first time after now at which a name has its turn.
func First(name string, interval time.Duration, now time.Time) time.Time {
	into := time.Duration(now.UnixNano() % int64(interval))
	wait := Phase(name, interval) - into
	if wait <= 0 {
		wait += interval
	}
	return now.Add(wait)
}
