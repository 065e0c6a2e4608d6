package spool

import (
	"errors"
	"io"
	"io/fs"
	"slices"
	"time"

	"lookout/probes/wire"
)

// Run is what is to be sent in one batch: rows with neighbouring numbers of one
// epoch, measured under one version of what the engine wants, and what the
// engine has to be told of that epoch beside.
type Run struct {
	Epoch  uint64
	From   uint64 // the number of the first row; without rows, of the next
	Rows   []wire.Row
	Obeyed wire.Version    // when they were measured; zero: without rows, or not known
	Late   bool            // history: its rows are older than Fresh
	Lost   []wire.Interval // rows that were given up, at most 16
}

// Interval are the numbers of a run's rows.
func (r *Run) Interval() wire.Interval {
	return wire.Interval{From: r.From, To: r.From + uint64(len(r.Rows))}
}

// maxLost is how many intervals a batch may report as lost.
const maxLost = 16

// Take gives out what is to be sent next: rows that are not late, in their
// order, or what is late, the newest first; at most so many. A run belongs to
// the caller until it is given to Sent or Unsent, and nobody else gets its rows.
// It is false where no rows wait. What is returned beside that is a run all
// the same, for a batch that says that the probe lives.
//
// So who sends what is not late as it comes, and what is late at some rate, has
// the newest results at the engine first after an outage, then those that
// come, and the gap behind them from its end. The engine keeps few gaps of an
// epoch and gives up the oldest: this way the large one is the only one, though
// the line is cut again and again while it is filled.
func (s *Spool) Take(late bool, most int, now time.Time) (Run, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trim(now)
	for {
		g, iv := s.next(late, uint64(min(max(most, 1), wire.MaxRows)), now)
		if g == nil {
			return s.nothing(late)
		}
		run := Run{Epoch: g.epoch, From: iv.From, Late: late}
		src, done, err := s.source(g)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.log().Error("results cannot be read from the spool now", "error", err)
			return s.nothing(late)
		}
		if err != nil {
			s.unreadable(g, wire.Interval{From: g.from, To: g.to}, err)
			continue
		}
		s.collect(g, src, iv, &run)
		done()
		if len(run.Rows) > 0 {
			g.free.remove(run.Interval())
			g.out.add(run.Interval())
			run.Lost = s.newest(g.epoch)
			return run, true
		}
	}
}

// nothing is a run without rows. One that is late tells of rows that were given
// up of an epoch that has no others; where there is none, it is false.
func (s *Spool) nothing(late bool) (Run, bool) {
	epoch, next := s.position()
	if !late {
		return Run{Epoch: epoch, From: next, Lost: s.newest(epoch)}, false
	}
	for old, lost := range s.lost {
		if old != epoch && !s.telling[old] && !slices.ContainsFunc(s.segments, func(g *segment) bool { return g.epoch == old }) {
			s.telling[old] = true
			return Run{Epoch: old, From: lost[len(lost)-1].To, Late: true, Lost: s.newest(old)}, true
		}
	}
	return Run{Epoch: epoch, From: next, Late: true}, false
}

// newest are the lost intervals of an epoch that a batch has room for.
func (s *Spool) newest(epoch uint64) []wire.Interval {
	lost := s.lost[epoch]
	return slices.Clone(lost[max(len(lost)-maxLost, 0):])
}

// next finds the run of rows that is to be sent next; nil where there is none.
func (s *Spool) next(late bool, most uint64, now time.Time) (*segment, wire.Interval) {
	if late {
		for _, g := range slices.Backward(s.segments) {
			for _, free := range slices.Backward(g.free) {
				if iv := s.lastLate(g, free, most, now); iv.To > iv.From {
					return g, iv
				}
			}
		}
		return nil, wire.Interval{}
	}
	for _, g := range s.segments {
		if s.late(g.newest, now) {
			continue
		}
		for _, free := range g.free {
			if iv := s.firstFresh(g, free, most, now); iv.To > iv.From {
				return g, iv
			}
		}
	}
	return nil, wire.Interval{}
}

// firstFresh is the first run of rows of an interval that are not late.
func (s *Spool) firstFresh(g *segment, free wire.Interval, most uint64, now time.Time) (iv wire.Interval) {
	size := 0
	for i := g.at(free.From); i < len(g.records) && g.records[i].From < free.To; i++ {
		r := g.records[i]
		part := wire.Interval{From: max(r.From, free.From), To: min(r.To, free.To)}
		begun := iv.To > iv.From
		switch {
		case s.late(r.at, now):
			if begun {
				return iv
			}
			continue
		case begun && (part.From != iv.To || size+r.size > maxFrame):
			return iv
		case !begun:
			iv.From = part.From
		}
		size += r.size
		if iv.To = part.To; iv.To-iv.From >= most {
			return wire.Interval{From: iv.From, To: iv.From + most}
		}
	}
	return iv
}

// lastLate is the last run of rows of an interval that are late.
func (s *Spool) lastLate(g *segment, free wire.Interval, most uint64, now time.Time) (iv wire.Interval) {
	size := 0
	for i := g.at(free.To-1) + 1; i > 0; {
		if i--; i >= len(g.records) || g.records[i].From >= free.To {
			continue
		}
		r := g.records[i]
		part := wire.Interval{From: max(r.From, free.From), To: min(r.To, free.To)}
		begun := iv.To > iv.From
		switch {
		case part.To <= part.From:
			return iv
		case !s.late(r.at, now):
			if begun {
				return iv
			}
			continue
		case begun && (part.To != iv.From || size+r.size > maxFrame):
			return iv
		case !begun:
			iv.To = part.To
		}
		size += r.size
		if iv.From = part.From; iv.To-iv.From >= most {
			return wire.Interval{From: iv.To - most, To: iv.To}
		}
	}
	return iv
}

// late reports whether rows of a time are history. So are those of a clock that
// was set back since.
func (s *Spool) late(at int64, now time.Time) bool {
	age := now.Sub(time.UnixMilli(at))
	return age > s.o.Fresh || age < -s.o.Fresh
}

// collect reads rows that next found, as far as they are of one version: some of
// the first of them, and of history, of which the newest goes first, some of the
// last. What cannot be read is given up.
func (s *Spool) collect(g *segment, src io.ReaderAt, iv wire.Interval, run *Run) {
	for i := g.at(iv.From); i < len(g.records) && g.records[i].From < iv.To; i++ {
		r := g.records[i]
		has, obeyed, err := s.rows(g, src, r)
		if err != nil {
			s.unreadable(g, r.Interval, err)
			return
		}
		part := wire.Interval{From: max(r.From, iv.From), To: min(r.To, iv.To)}
		switch other := obeyed != run.Obeyed && len(run.Rows) > 0; {
		case other && !run.Late:
			return
		case other:
			run.From, run.Rows = part.From, nil
		}
		run.Obeyed = obeyed
		run.Rows = append(run.Rows, has[part.From-r.From:part.To-r.From]...)
	}
}

// unreadable gives up rows that the disk does not give back.
func (s *Spool) unreadable(g *segment, iv wire.Interval, err error) {
	parts := g.free.within(iv)
	s.log().Error("results cannot be read from the spool", "file", path(s.dir, g.number), "results", parts.count(), "error", err)
	for _, part := range parts {
		g.free.remove(part)
		s.giveUp(g.epoch, part)
	}
}

// Sent lets go what the broker has confirmed.
func (s *Spool) Sent(r Run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	iv := s.letGo(r)
	if len(r.Rows) > 0 {
		s.note(kindSent, r.Epoch, iv)
	}
	for _, lost := range r.Lost {
		s.forget(s.lost, r.Epoch, lost)
		s.note(kindTold, r.Epoch, lost)
	}
}

// letGo forgets the rows of a run, and returns which they are.
func (s *Spool) letGo(r Run) wire.Interval {
	iv := r.Interval()
	for _, g := range slices.Clone(s.segments) {
		if g.epoch == r.Epoch && g.from < iv.To && iv.From < g.to {
			g.letGo(iv)
			s.tidy(g)
		}
	}
	s.forget(s.orphans, r.Epoch, iv)
	delete(s.telling, r.Epoch)
	return iv
}

// GiveUp lets go rows that cannot be sent, and has the engine told that they will not come.
func (s *Spool) GiveUp(r Run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	iv := s.letGo(r)
	if len(r.Rows) > 0 {
		s.giveUp(r.Epoch, iv)
	}
}

// Unsent has a run sent again, by whoever takes it next.
func (s *Spool) Unsent(r Run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	iv := r.Interval()
	for _, g := range s.segments {
		if g.epoch == r.Epoch {
			g.giveBack(iv)
		}
	}
	for _, part := range s.orphans[r.Epoch].within(iv) {
		s.giveUp(r.Epoch, part)
	}
	s.forget(s.orphans, r.Epoch, iv)
	delete(s.telling, r.Epoch)
}

func (s *Spool) forget(of map[uint64]runs, epoch uint64, iv wire.Interval) {
	set := of[epoch]
	if set.remove(iv); len(set) == 0 {
		delete(of, epoch)
	} else {
		of[epoch] = set
	}
}

// note writes down what became of rows. A note that the disk does not take
// costs sending some again.
func (s *Spool) note(k kind, epoch uint64, iv wire.Interval) {
	if s.live == nil || s.trouble != nil || s.closed || iv.To <= iv.From || epoch == s.aside {
		return
	}
	if s.put(appendMark(nil, mark{k, epoch, iv, s.dropped}), s.live.to) == nil {
		s.dirty = true
	}
}
