package main

import (
	"slices"
	"time"
)

// score adds up the years of one rule.
type score struct {
	years          int
	checks         int // at home and elsewhere
	expected       int // regular ones
	falsePages     int // no fault of the target overlaps them …
	pathPages      int // … but nothing passed between home and the target
	ownPages       int // … but home's own line, resolver or process was at fault
	restartPages   int
	partPages      int // of a target that fails some requests, at some places, or is slow
	outages        int // long enough that they must be seen
	missed         int
	within         int // of these, while some requests failed or some places: degraded, which needs a minute
	brief, seen    int // outages of one to two minutes
	latency        []time.Duration
	half, halfTold int                    // incidents of 30 minutes in which half of the requests fail, and what was told of them
	notices        int                    // of degraded, and of flapping
	flaky          map[float64]*flakiness // by the share of requests that fail
	seeds          []uint64
}

// flakiness is what was told of incidents of 30 minutes in which a share of the requests fails.
type flakiness struct {
	incidents int
	first     []time.Duration // when it was told, of those of which anything was
	pages     int
}

// partly takes such an incident into account.
func (s *score) partly(t told, o span) {
	if s.flaky == nil {
		s.flaky = map[float64]*flakiness{}
	}
	f := s.flaky[o.share]
	if f == nil {
		f = &flakiness{}
		s.flaky[o.share] = f
	}
	f.incidents++
	first := time.Duration(-1)
	for _, n := range t.notes {
		if n.at < o.from || n.since > o.to {
			continue
		}
		if n.kind == paged {
			f.pages++
		}
		if first < 0 && n.at <= o.to+time.Minute {
			first = n.at - o.from
		}
	}
	if first >= 0 {
		f.first = append(f.first, first)
	}
}

// add takes a year into account.
func (s *score) add(seed uint64, w *world, t told, interval time.Duration) {
	s.years++
	s.checks += t.home + t.asked
	s.expected += int(year / interval)
	before := s.falsePages
	for _, n := range t.notes {
		if n.kind == paged {
			s.judge(w, n)
		} else {
			s.notices++
		}
	}
	if s.falsePages > before {
		s.seeds = append(s.seeds, seed)
	}
	long := max(2*interval, interval+30*time.Second)
	for _, o := range w.target {
		lasts := o.to - o.from
		if o.kind == flaky && o.to <= year-time.Hour {
			s.partly(t, o)
		}
		switch {
		case o.to > year-time.Hour:
		case o.kind == flaky && o.share == 0.5:
			s.half++
			for _, n := range t.notes {
				if n.at >= o.from && n.since <= o.to {
					s.halfTold++
				}
			}
		case o.kind != targetDown || slices.ContainsFunc(t.down, func(d span) bool { return d.from < o.from && d.to > o.from }):
			// no outage, or one in another
		case lasts >= long:
			s.outages++
			if !s.noticed(t, o, interval) {
				s.missed++
				if slices.ContainsFunc(w.target, func(x span) bool {
					return (x.kind == flaky || x.kind == slow || x.kind == partial) && x.from < o.to && x.to > o.from-time.Hour
				}) {
					s.within++
				}
			}
		}
		if o.kind == targetDown && lasts >= time.Minute && lasts < 2*time.Minute {
			s.brief++
			if slices.ContainsFunc(t.down, func(d span) bool { return d.from < o.to && d.to > o.from }) {
				s.seen++
			}
		}
	}
}

// noticed reports whether an outage was, and notes how late the page came.
func (s *score) noticed(t told, o span, interval time.Duration) bool {
	for _, n := range t.notes {
		if n.kind == paged && n.at >= o.from && n.at <= o.to+interval {
			s.latency = append(s.latency, n.at-o.from)
			return true
		}
	}
	return slices.ContainsFunc(t.down, func(d span) bool { return d.from < o.to && d.to > o.from })
}

// judge says what a page is about: the worst of what overlaps it.
func (s *score) judge(w *world, p note) {
	var about []kind
	for _, h := range []history{w.target, w.path[0], w.place[0]} {
		for _, x := range h {
			if x.from <= p.at && x.to >= p.since {
				about = append(about, x.kind)
			}
		}
	}
	is := func(kinds ...kind) bool {
		return slices.ContainsFunc(about, func(k kind) bool { return slices.Contains(kinds, k) })
	}
	switch {
	case is(targetDown):
	case is(restart):
		s.restartPages++
	case is(flaky, slow, partial):
		s.partPages++
	case is(pathDown):
		s.falsePages++
		s.pathPages++
	case is(offline, brownOut, resolver, stalled):
		s.falsePages++
		s.ownPages++
	default:
		s.falsePages++
	}
}

// quantile is the latency that a share of the pages keeps to, in seconds.
func (s *score) quantile(q float64) float64 {
	if len(s.latency) == 0 {
		return 0
	}
	slices.Sort(s.latency)
	return s.latency[min(int(q*float64(len(s.latency))), len(s.latency)-1)].Seconds()
}

// ratio is 0 of nothing.
func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}
