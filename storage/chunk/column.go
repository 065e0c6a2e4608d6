package chunk

import (
	"fmt"
	"math/bits"
)

const (
	kConstant = 31
	kSparse   = 30
	kMax      = 29
	escape    = 16 // ones that say: a varint of the whole follows
)

func zigzag(v int64) uint64   { return uint64(v<<1) ^ uint64(v>>63) }
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// median of at most 31 rows, evenly spread: near enough, and cheap.
func (e *Encoder) median(col []int64) int64 {
	s := e.samples[:0]
	step := max(1, (len(col)+len(e.samples)-1)/len(e.samples))
	for i := 0; i < len(col); i += step {
		v, j := col[i], len(s)
		s = append(s, v)
		for ; j > 0 && s[j-1] > v; j-- {
			s[j] = s[j-1]
		}
		s[j] = v
	}
	return s[len(s)/2]
}

// column writes one column in the cheapest of its three ways.
func (e *Encoder) column(col []int64) {
	w := &e.bits
	m := e.median(col)
	w.varint(zigzag(m))
	var sum uint64
	others := 0
	for _, v := range col {
		if v != m {
			others++
			sum += min(zigzag(v-m), 1<<40)
		}
	}
	if others == 0 {
		w.bits(kConstant, 5)
		return
	}
	k, cost := rice(col, m, sum/uint64(len(col)))
	if others*16 < cost && sparseCost(col, m, others) < cost {
		w.bits(kSparse, 5)
		w.varint(uint64(others))
		last := -1
		for i, v := range col {
			if v != m {
				w.varint(uint64(i - last - 1))
				w.varint(zigzag(v - m))
				last = i
			}
		}
		return
	}
	w.bits(uint64(k), 5)
	for _, v := range col {
		w.rice(zigzag(v-m), k)
	}
}

// rice finds the parameter that takes the fewest bits, around the mean's.
func rice(col []int64, m int64, mean uint64) (k uint, cost int) {
	guess := max(bits.Len64(mean)-1, 0)
	for c := max(guess-2, 0); c <= min(guess+1, kMax); c++ {
		sum := 0
		for _, v := range col {
			u := zigzag(v - m)
			if q := u >> c; q < escape {
				sum += int(q) + 1 + c
			} else {
				sum += escape + 8*varintLen(u)
			}
		}
		if cost == 0 || sum < cost {
			k, cost = uint(c), sum
		}
	}
	return k, cost
}

func sparseCost(col []int64, m int64, others int) int {
	cost, last := 8*varintLen(uint64(others)), -1
	for i, v := range col {
		if v != m {
			cost += 8 * (varintLen(uint64(i-last-1)) + varintLen(zigzag(v-m)))
			last = i
		}
	}
	return cost
}

func varintLen(u uint64) int { return (bits.Len64(u|1) + 6) / 7 }

// column reads one column; it fills col.
func (r *bitReader) column(col []int64) error {
	m := unzigzag(r.varint())
	k := uint(r.bits(5))
	switch k {
	case kConstant:
		for i := range col {
			col[i] = m
		}
	case kSparse:
		for i := range col {
			col[i] = m
		}
		count := r.varint()
		if count > uint64(len(col)) {
			return fmt.Errorf("%w: %d exceptions in %d rows", ErrCorrupt, count, len(col))
		}
		at := uint64(0)
		for range count {
			gap := r.varint()
			if gap >= uint64(len(col)) || at+gap >= uint64(len(col)) {
				return fmt.Errorf("%w: exception beyond the last row", ErrCorrupt)
			}
			at += gap
			col[at] = m + unzigzag(r.varint())
			at++
		}
	default:
		for i := range col {
			col[i] = m + unzigzag(r.rice(k))
		}
	}
	return r.short()
}
