package spool

import (
	"os"
	"time"

	"lookout/probes/wire"
)

// trim gives up the oldest rows where there are too many or too old ones.
func (s *Spool) trim(now time.Time) {
	bytes, memory := int64(0), int64(0)
	for _, g := range s.segments {
		bytes += g.size
		memory += int64(len(g.memory))
	}
	old := now.Add(-s.o.MaxAge).UnixMilli()
	for i := 0; i < len(s.segments); {
		g := s.segments[i]
		aged := g.newest < old && len(g.records) > 0
		switch {
		case g == s.live && !aged, g == s.memory && !aged:
			i++
		case g == s.live:
			if s.rotate() != nil { // then it has nothing to give up any more
				i++
			}
		case aged, g.number > 0 && bytes > s.o.MaxBytes, g.number == 0 && memory > memoryBytes:
			bytes -= g.size
			memory -= int64(len(g.memory))
			s.drop(g)
		default:
			i++
		}
	}
}

// drop gives up a segment, but for what is being sent, which may still arrive.
func (s *Spool) drop(g *segment) {
	s.log().Warn("results are given up: the spool is full, or they are too old", "results", g.free.count())
	for _, iv := range g.free {
		s.giveUp(g.epoch, iv)
	}
	for _, iv := range g.out {
		set := s.orphans[g.epoch]
		set.add(iv)
		s.orphans[g.epoch] = set
	}
	g.free, g.out = nil, nil
	s.tidy(g)
}

// giveUp counts rows as lost, and says so to the engine when it can.
func (s *Spool) giveUp(epoch uint64, iv wire.Interval) {
	s.dropped += iv.To - iv.From
	set := s.lost[epoch]
	set.add(iv)
	s.lost[epoch] = set
	s.note(kindLost, epoch, iv)
}

// tidy removes a segment that has nothing left and gets nothing more.
func (s *Spool) tidy(g *segment) {
	if !g.empty() || g == s.live || g == s.memory {
		return
	}
	s.segments = remove(s.segments, g)
	if g.number > 0 {
		os.Remove(path(s.dir, g.number)) // what stays is sent again
	}
}
