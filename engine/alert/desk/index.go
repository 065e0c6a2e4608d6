package desk

import (
	"cmp"
	"slices"
	"time"

	"lookout/engine/uptime"
)

// indexFor is how long an index is used before it is made anew: addresses and
// configurations do not change much within.
const indexFor = time.Minute

// index finds the monitors that share a cause. It holds a hash and a number for
// each cause of each monitor, in the order of the hashes: 16 bytes, and no map
// of names, of which there may be a million.
type index struct {
	made    time.Time
	names   []string
	entries []entry
	built   int // how often it was made
}

type entry struct {
	cause  uint64 // hash of it
	number uint32 // of the monitor, in names
}

// update makes the index anew where it is too old.
func (x *index) update(s *uptime.Snapshot, now time.Time) {
	if age := now.Sub(x.made); x.names != nil && age >= 0 && age < indexFor {
		return
	}
	x.made, x.built = now, x.built+1
	x.names, x.entries = x.names[:0], x.entries[:0]
	for i, st := range s.States {
		x.names = append(x.names, st.Name)
		if st.Mode == uptime.Paused {
			continue
		}
		eachCause(st, func(kind uptime.CauseKind, key []byte) {
			x.entries = append(x.entries, entry{hash(kind, key), uint32(i)})
		})
	}
	slices.SortFunc(x.entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.cause, b.cause), cmp.Compare(a.number, b.number))
	})
	x.entries = slices.Compact(x.entries)
}

// drop gives its memory back.
func (x *index) drop() { x.names, x.entries = nil, nil }

// sharers are the monitors that share a cause.
type sharers struct {
	names   []string // of the index
	every   bool     // all do
	entries []entry  // else those that do
}

func (x *index) sharers(c uptime.Cause) sharers {
	if c.Kind == uptime.CauseNode {
		return sharers{names: x.names, every: true}
	}
	h := hash(c.Kind, []byte(c.Key))
	from, _ := slices.BinarySearchFunc(x.entries, h, func(e entry, h uint64) int { return cmp.Compare(e.cause, h) })
	to := from
	for to < len(x.entries) && x.entries[to].cause == h {
		to++
	}
	return sharers{names: x.names, entries: x.entries[from:to]}
}

func (s sharers) len() int {
	if s.every {
		return len(s.names)
	}
	return len(s.entries)
}

func (s sharers) at(i int) string {
	if s.every {
		return s.names[i]
	}
	return s.names[s.entries[i].number]
}

// hash is FNV-1a of a cause.
func hash(kind uptime.CauseKind, key []byte) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(kind) {
		h = (h ^ uint64(kind[i])) * 1099511628211
	}
	h = (h ^ ' ') * 1099511628211
	for _, c := range key {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}
