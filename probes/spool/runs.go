package spool

import (
	"slices"

	"lookout/probes/wire"
)

// runs is a set of numbers, as intervals in their order that do not touch.
type runs []wire.Interval

// add puts an interval in.
func (r *runs) add(iv wire.Interval) {
	if iv.To <= iv.From {
		return
	}
	i, j := r.near(iv.From, iv.To)
	if i < j {
		iv.From, iv.To = min(iv.From, (*r)[i].From), max(iv.To, (*r)[j-1].To)
	}
	*r = slices.Replace(*r, i, j, iv)
}

// near is the part of the set that an interval overlaps or touches.
func (r runs) near(from, to uint64) (i, j int) {
	i, _ = slices.BinarySearchFunc(r, from, func(iv wire.Interval, n uint64) int {
		if iv.To < n {
			return -1
		}
		return 1
	})
	for j = i; j < len(r) && r[j].From <= to; j++ {
	}
	return i, j
}

// remove takes an interval out.
func (r *runs) remove(iv wire.Interval) {
	if iv.To <= iv.From {
		return
	}
	i, j := r.near(iv.From, iv.To)
	var rest []wire.Interval
	for _, old := range (*r)[i:j] {
		if old.From < iv.From {
			rest = append(rest, wire.Interval{From: old.From, To: min(old.To, iv.From)})
		}
		if old.To > iv.To {
			rest = append(rest, wire.Interval{From: max(old.From, iv.To), To: old.To})
		}
	}
	*r = slices.Replace(*r, i, j, rest...)
}

// within are the parts of the set that are in an interval.
func (r runs) within(iv wire.Interval) (parts runs) {
	i, j := r.near(iv.From, iv.To)
	for _, old := range r[i:j] {
		if part := (wire.Interval{From: max(old.From, iv.From), To: min(old.To, iv.To)}); part.From < part.To {
			parts = append(parts, part)
		}
	}
	return parts
}

// count is how many numbers are in the set.
func (r runs) count() (n uint64) {
	for _, iv := range r {
		n += iv.To - iv.From
	}
	return n
}
