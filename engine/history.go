package engine

import (
	"math"
	"math/bits"
	"slices"
	"time"

	"lookout/engine/uptime"
)

const (
	cellWidth   = 5 * time.Minute
	cellSamples = 8 // latencies kept of a cell: all at an interval of 60 s, a fair choice below it
)

// history is the last checks and the last hour of latency of one monitor. It
// holds no pointers and no larger figures than it has to: there are as many as
// monitors, each as long as the engine runs.
type history struct {
	cells  [uptime.RecentCells]uptime.Cell // the newest is the last
	newest int64                           // five-minute slot, counted from 1970, of the newest cell of hour
	hour   [uptime.SparkCells]latencies
}

// latencies are those of the good checks of five minutes.
type latencies struct {
	n       uint16 // how many there were; more than it can say are as good as that
	failed  bool
	kept    uint8
	samples [cellSamples]short
}

func (h *history) add(r *uptime.Result, c uptime.Cell) {
	copy(h.cells[:], h.cells[1:])
	h.cells[len(h.cells)-1] = c
	slot := r.Time.Unix() / int64(cellWidth/time.Second)
	if h.newest > slot+1 { // the clock was set back
		h.hour, h.newest = [uptime.SparkCells]latencies{}, slot
	}
	h.turn(slot)
	if h.newest-slot >= uptime.SparkCells || slot > h.newest {
		return
	}
	l := &h.hour[slot%uptime.SparkCells]
	switch r.Outcome {
	case uptime.OutcomeDown:
		l.failed = true
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
	for i, l := range h.hour {
		hour[((int64(i)+n)%uptime.SparkCells+uptime.SparkCells)%uptime.SparkCells] = l
	}
	h.hour, h.newest = hour, h.newest+n
}

// turn moves the hour on to a slot.
func (h *history) turn(slot int64) {
	for n := min(slot-h.newest, uptime.SparkCells); n > 0; n-- {
		h.hour[(slot-n+1)%uptime.SparkCells] = latencies{}
	}
	h.newest = max(h.newest, slot)
}

// add keeps a sample: of more than there is room for, each has the same chance
// (Vitter's algorithm R, with a hash of the count in the place of chance, so
// that the same results give the same picture).
func (l *latencies) add(us uint32) {
	if l.n < math.MaxUint16 {
		l.n++
	}
	if l.kept < cellSamples {
		l.samples[l.kept] = shorten(us)
		l.kept++
		return
	}
	x := uint32(l.n) * 0x9e3779b1
	x ^= x >> 15
	x *= 0x85ebca6b
	x ^= x >> 13
	if i := x % uint32(l.n); i < cellSamples {
		l.samples[i] = shorten(us)
	}
}

// appendTo adds the samples, in microseconds.
func (l *latencies) appendTo(all []uint32) []uint32 {
	for _, s := range l.samples[:l.kept] {
		all = append(all, s.micros())
	}
	return all
}

// short is a number of microseconds to eleven bits: exact below 2,048, above it
// to a two-thousandth, far less than two checks of one target differ by.
//
//	short = v                 v < 2048
//	short = 1024·s + v>>s     otherwise, s = bits of v − 11; v rounded
type short uint16

const shortBits = 11

func shorten(us uint32) short {
	s := max(bits.Len32(us)-shortBits, 0)
	if s == 0 {
		return short(us)
	}
	return short(s<<(shortBits-1)) + short((uint64(us)+1<<(s-1))>>s)
}

func (s short) micros() uint32 {
	if s < 1<<shortBits {
		return uint32(s)
	}
	by := s>>(shortBits-1) - 1
	return uint32(min(uint64(s-by<<(shortBits-1))<<by, math.MaxUint32))
}

// bar is the last checks for a State.
func (h *history) bar() [uptime.RecentCells]uptime.Cell {
	return h.cells
}

// spark is the last hour for a State.
func (h *history) spark(now time.Time) (out [uptime.SparkCells]uptime.Spark) {
	h.turn(now.Unix() / int64(cellWidth/time.Second))
	room := make([]uint32, 0, cellSamples)
	for i := range out {
		l := &h.hour[(h.newest+1+int64(i))%uptime.SparkCells]
		out[i].Failed = l.failed
		if l.kept > 0 {
			s := l.appendTo(room[:0])
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
	all := make([]uint32, 0, uptime.SparkCells*cellSamples)
	for i := range h.hour {
		all = h.hour[i].appendTo(all)
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

// storedHistory is a history as it is in a state record.
type storedHistory struct {
	Cells  []uptime.Cell // the newest last, at most uptime.RecentCells
	Newest int64
	Hour   [uptime.SparkCells]storedLatencies
}

type storedLatencies struct {
	N       uint32   `json:",omitzero"`
	Failed  bool     `json:",omitzero"`
	Samples []uint32 `json:",omitzero"` // µs
}

func (h *history) stored() storedHistory {
	first := 0
	for first < len(h.cells) && h.cells[first] == uptime.CellNone {
		first++
	}
	out := storedHistory{Cells: h.cells[first:], Newest: h.newest}
	for i := range h.hour {
		l := &h.hour[i]
		out.Hour[i] = storedLatencies{uint32(l.n), l.failed, l.appendTo(nil)}
	}
	return out
}

func (in *storedHistory) history() history {
	h := history{newest: in.Newest}
	cells := in.Cells[max(0, len(in.Cells)-len(h.cells)):]
	copy(h.cells[len(h.cells)-len(cells):], cells)
	for i := range in.Hour {
		from, l := &in.Hour[i], &h.hour[i]
		for _, us := range from.Samples[:min(len(from.Samples), cellSamples)] {
			l.samples[l.kept] = shorten(us)
			l.kept++
		}
		l.n, l.failed = uint16(max(min(from.N, math.MaxUint16), uint32(l.kept))), from.Failed
	}
	return h
}
