package engine

import (
	"slices"
	"time"

	"lookout/engine/uptime"
)

const (
	cellWidth   = 5 * time.Minute
	cellSamples = 8 // latencies kept of a cell: all at an interval of 60 s, a fair choice below it
)

// history is the last checks and the last hour of latency of one monitor.
type history struct {
	Cells  []uptime.Cell // the newest last, at most uptime.RecentCells
	Newest int64         // five-minute slot, counted from 1970, of the newest Hour cell
	Hour   [uptime.SparkCells]latencies
}

// latencies are those of the good checks of five minutes.
type latencies struct {
	N       uint32
	Failed  bool
	Samples []uint32 // µs
}

func (h *history) add(r *uptime.Result, c uptime.Cell) {
	if len(h.Cells) == uptime.RecentCells {
		copy(h.Cells, h.Cells[1:])
		h.Cells = h.Cells[:uptime.RecentCells-1]
	}
	h.Cells = append(h.Cells, c)
	slot := r.Time.Unix() / int64(cellWidth/time.Second)
	if h.Newest > slot+1 { // the clock was set back
		h.Hour, h.Newest = [uptime.SparkCells]latencies{}, slot
	}
	h.turn(slot)
	if h.Newest-slot >= uptime.SparkCells || slot > h.Newest {
		return
	}
	l := &h.Hour[slot%uptime.SparkCells]
	switch r.Outcome {
	case uptime.OutcomeDown:
		l.Failed = true
	case uptime.OutcomeUp, uptime.OutcomeDegraded:
		l.add(uint32(min(r.Latency().Microseconds(), 1<<32-1)))
	}
}

// step follows the wall clock when it is set: the hour is the last one still.
func (h *history) step(by time.Duration) {
	n := int64(by / cellWidth)
	if n == 0 {
		return
	}
	var hour [uptime.SparkCells]latencies
	for i, l := range h.Hour {
		hour[((int64(i)+n)%uptime.SparkCells+uptime.SparkCells)%uptime.SparkCells] = l
	}
	h.Hour, h.Newest = hour, h.Newest+n
}

// turn moves the hour on to a slot.
func (h *history) turn(slot int64) {
	for n := min(slot-h.Newest, uptime.SparkCells); n > 0; n-- {
		h.Hour[(slot-n+1)%uptime.SparkCells] = latencies{}
	}
	h.Newest = max(h.Newest, slot)
}

// add keeps a sample: of more than there is room for, each has the same chance
// (Vitter's algorithm R, with a hash of the count in the place of chance, so
// that the same results give the same picture).
func (l *latencies) add(us uint32) {
	l.N++
	if len(l.Samples) < cellSamples {
		l.Samples = append(l.Samples, us)
		return
	}
	x := l.N * 0x9e3779b1
	x ^= x >> 15
	x *= 0x85ebca6b
	x ^= x >> 13
	if i := x % l.N; i < cellSamples {
		l.Samples[i] = us
	}
}

// bar is the last checks for a State.
func (h *history) bar() (out [uptime.RecentCells]uptime.Cell) {
	copy(out[uptime.RecentCells-len(h.Cells):], h.Cells)
	return out
}

// spark is the last hour for a State.
func (h *history) spark(now time.Time) (out [uptime.SparkCells]uptime.Spark) {
	h.turn(now.Unix() / int64(cellWidth/time.Second))
	for i := range out {
		l := h.Hour[(h.Newest+1+int64(i))%uptime.SparkCells]
		out[i].Failed = l.Failed
		if len(l.Samples) > 0 {
			s := slices.Clone(l.Samples)
			slices.Sort(s)
			out[i].Median = time.Duration(s[len(s)/2]) * time.Microsecond
		}
	}
	return out
}

// p95 is that of the good checks of the last hour.
func (h *history) p95(now time.Time) time.Duration { return h.latency(now, 0.95) }

// p99 is the like.
func (h *history) p99(now time.Time) time.Duration { return h.latency(now, 0.99) }

func (h *history) latency(now time.Time, q float64) time.Duration {
	h.turn(now.Unix() / int64(cellWidth/time.Second))
	var all []uint32
	for _, l := range h.Hour {
		all = append(all, l.Samples...)
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return time.Duration(quantile(all, q)) * time.Microsecond
}

// quantile of sorted values, the nearest rank.
func quantile[T any](sorted []T, q float64) T {
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
