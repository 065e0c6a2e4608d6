package main

import (
	"cmp"
	"slices"
	"time"
)

// crowd is a rule that others have: many places check all the time, and so
// many of them must say that it is down.
type crowd struct {
	checkers int           // spread over the places, and over the interval
	every    time.Duration // of each; 0: the monitor's
	inRow    int           // failing checks that make one of them say so
	need     int           // of these
}

// said is what a checker has found.
type said struct {
	at, began time.Duration
	checker   int
	failed    bool
}

// play runs the rule for the parts of a year in which something is wrong
// anywhere: a packet that is lost at one place while all is well matters to none.
func (c crowd) play(w *world, s setup) told {
	every := s.interval
	if c.every > 0 {
		every = c.every
	}
	out := told{home: c.checkers * int(year/every)}
	for _, x := range w.trouble(3*every, 10*time.Minute) {
		c.watch(w, x.from.Truncate(every)+w.phase(every), x.to, every, s.timeout, &out)
	}
	return out
}

// watch plays a stretch of time.
func (c crowd) watch(w *world, from, to, every, timeout time.Duration, out *told) {
	var all []said
	for round := from; round < to && round < year; round += every {
		for i := range c.checkers {
			place, at := i%places, round+every*time.Duration(i)/time.Duration(c.checkers)
			if place == 0 && w.stands(at) || w.cut(place, at) {
				continue // it says nothing
			}
			if f := w.check(place, at, timeout, first{}); !f.lost {
				all = append(all, said{at + f.took, at, i, f.fault != 0})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b said) int { return cmp.Compare(a.at, b.at) })
	streak, since := make([]int, c.checkers), make([]time.Duration, c.checkers)
	for i := range streak {
		if w.blocked[i%places] {
			streak[i] = c.inRow
		}
	}
	down := false
	for _, x := range all {
		switch {
		case !x.failed:
			streak[x.checker] = 0
		case streak[x.checker] == 0:
			since[x.checker] = x.began
			streak[x.checker] = 1
		default:
			streak[x.checker]++
		}
		agree, first := 0, x.began
		for i, n := range streak {
			if n >= c.inRow {
				agree++
				if since[i] > 0 {
					first = min(first, since[i])
				}
			}
		}
		switch {
		case !down && agree >= c.need:
			down = true
			out.notes = append(out.notes, note{x.at, first, paged})
			out.down = append(out.down, span{from: first, to: year})
		case down && agree < c.need:
			down = false
			out.down[len(out.down)-1].to = x.at
		}
	}
	if down {
		out.down[len(out.down)-1].to = to
	}
}

// cut reports whether a place has no line.
func (w *world) cut(place int, at time.Duration) bool {
	gone := false
	w.place[place].at(at, func(s *span) { gone = gone || s.kind == offline })
	return gone
}

// trouble is when something is wrong anywhere, from so long before it until so
// long after.
func (w *world) trouble(before, after time.Duration) []span {
	var all []span
	add := func(h history) {
		for _, s := range h {
			all = append(all, span{from: max(s.from-before, 0), to: s.to + after})
		}
	}
	add(w.target)
	if w.dns.one {
		add(w.public)
	}
	for i := range w.place {
		add(w.place[i])
		add(w.path[i])
	}
	slices.SortFunc(all, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	merged := all[:0]
	for _, s := range all {
		if n := len(merged); n > 0 && s.from <= merged[n-1].to {
			merged[n-1].to = max(merged[n-1].to, s.to)
		} else {
			merged = append(merged, s)
		}
	}
	return merged
}
