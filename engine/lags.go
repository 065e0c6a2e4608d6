package engine

import (
	"time"

	"lookout/engine/uptime"
)

// lags is the last hour of lag of this node and of each probe that is known, by
// its ID. It is sampled as snapshots are made, and is not kept over a restart.
type lags struct {
	cell int64 // the running one, counted from the start
	of   map[string]*uptime.LagHour
}

// lagStep is what lags are rounded up to, so that a snapshot is not another one
// because of a breath.
const lagStep = time.Second

// sample takes the lags of a snapshot's probes at a time after the start, and
// puts the hours into it. Probes that are no longer known are forgotten.
func (l *lags) sample(s *uptime.Snapshot, since time.Duration) {
	if cell := int64(since / uptime.LagCell); cell > l.cell {
		for _, hour := range l.of {
			n := int(min(cell-l.cell, uptime.LagCells))
			copy(hour[:], hour[n:])
			clear(hour[uptime.LagCells-n:])
		}
		l.cell = cell
	}
	old := l.of
	l.of = make(map[string]*uptime.LagHour, 1+len(s.Probes))
	take := func(id string, lag time.Duration) uptime.LagHour {
		hour := old[id]
		if hour == nil {
			hour = new(uptime.LagHour)
		}
		l.of[id] = hour
		last := &hour[uptime.LagCells-1]
		switch {
		case lag != uptime.LagGone:
			*last = max(*last, lagStep, (lag+lagStep-1)/lagStep*lagStep)
		case *last == 0:
			*last = uptime.LagGone
		}
		return *hour
	}
	s.Lags = take(uptime.Local, s.Health.Lag)
	for i := range s.Probes {
		switch p := &s.Probes[i]; p.State {
		case uptime.ProbeUnseen:
		case uptime.ProbeGone:
			p.Lags = take(p.ID(), uptime.LagGone)
		default:
			p.Lags = take(p.ID(), p.Lag)
		}
	}
}
