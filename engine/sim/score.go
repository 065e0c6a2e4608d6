package main

import (
	"slices"
	"time"
)

// score adds up the years of one rule.
type score struct {
	years, checks, asked, expected int
	falsePages                     int // no fault of the target overlaps them
	restartPages, partPages        int
	outages, missed                int
	latency                        []time.Duration // from the start of an outage to its page
	notices                        int
	seeds                          []uint64 // of the years with a false page
}

func (s *score) add(seed uint64, w *world, t told, interval time.Duration) {
	s.years++
	s.checks += t.home
	s.asked += t.asked
	s.expected += int(year / interval)
	s.notices += t.notices
	before := s.falsePages
	for _, p := range t.pages {
		s.judge(w, p)
	}
	if s.falsePages > before {
		s.seeds = append(s.seeds, seed)
	}
	long := max(2*interval, interval+30*time.Second, 2*time.Minute)
	for _, o := range w.target {
		if o.kind != targetDown || o.to-o.from < long || o.to > year-time.Hour {
			continue
		}
		if slices.ContainsFunc(t.down, func(d span) bool { return d.from < o.from && d.to > o.from }) {
			continue // one outage in another
		}
		s.outages++
		seen := false
		for _, p := range t.pages {
			if p.at >= o.from && p.at <= o.to+interval {
				s.latency = append(s.latency, p.at-o.from)
				seen = true
				break
			}
		}
		if !seen && !slices.ContainsFunc(t.down, func(d span) bool { return d.from < o.to && d.to > o.from }) {
			s.missed++
		}
	}
}

// judge says what a page is about.
func (s *score) judge(w *world, p page) {
	about := kind(255)
	w.target.at(p.at, func(x *span) { about = max(about&127, x.kind) })
	for _, x := range w.target {
		if x.from <= p.at && x.to >= p.since && (about == 255 || x.kind == targetDown) {
			about = x.kind
		}
	}
	switch about {
	case 255:
		s.falsePages++
	case restart:
		s.restartPages++
	case flaky, slow, partial:
		s.partPages++
	}
}

func (s *score) quantile(q float64) time.Duration {
	if len(s.latency) == 0 {
		return 0
	}
	slices.Sort(s.latency)
	return s.latency[min(int(q*float64(len(s.latency))), len(s.latency)-1)]
}
