package widget

import (
	"slices"
	"time"

	"lookout/engine/uptime"
)

var (
	cellGlyphs = [...]Cell{uptime.CellNone: {' ', Plain}, uptime.CellUp: {'▁', Plain}, uptime.CellDegraded: {'▄', Slow},
		uptime.CellDown: {'█', Bad}, uptime.CellMaintenance: {'-', Faint}, uptime.CellUnknown: {'?', Odd}}
	cellLetters = [...]Cell{uptime.CellNone: {' ', Plain}, uptime.CellUp: {'.', Plain}, uptime.CellDegraded: {'s', Slow},
		uptime.CellDown: {'X', Bad}, uptime.CellMaintenance: {'-', Faint}, uptime.CellUnknown: {'?', Odd}}
)

// CellOf is how a past check looks in a bar.
func CellOf(c uptime.Cell, ascii bool) Cell {
	glyphs := &cellGlyphs
	if ascii {
		glyphs = &cellLetters
	}
	if int(c) >= len(glyphs) {
		c = uptime.CellUnknown
	}
	return glyphs[c]
}

// Spark draws the newest width cells of latency, the newest last: a step for
// the median, × where checks failed, blank where there were none. Its full
// height is the highest value, but at least 2¼ times the typical one: a steady
// series is flat at half height whatever its level, and a tenth up or down
// moves nothing.
func Spark(cells []uptime.Spark, width int, ascii bool) Line {
	l := make(Line, max(width, 0))
	if len(cells) > len(l) {
		cells = cells[len(cells)-len(l):]
	}
	top := sparkTop(cells)
	first := len(l) - len(cells)
	for i, c := range cells {
		switch {
		case c.Failed:
			l[first+i] = Cell{Failed(ascii), Bad}
		case c.Median > 0:
			l[first+i] = Cell{ladder(ascii)[step(c.Median, top)], Good}
		}
	}
	return l
}

// Lag draws lags, the newest last: the lowest step for up to fine, the full height
// from limit on, × where there was nobody (below 0), blank where it is not known (0).
func Lag(cells []time.Duration, fine, limit time.Duration, ascii bool) Line {
	l := make(Line, len(cells))
	for i, v := range cells {
		switch {
		case v < 0:
			l[i] = Cell{Failed(ascii), Bad}
		case v >= limit:
			l[i] = Cell{ladder(ascii)[7], Bad}
		case v > 0:
			l[i] = Cell{ladder(ascii)[step(max(v-fine, 0), limit-fine)], Good}
		}
	}
	return l
}

// AppendSpark writes Spark as plain text.
func AppendSpark(dst []byte, cells []uptime.Spark, width int, ascii bool) []byte {
	return Spark(cells, width, ascii).Append(dst)
}

func sparkTop(cells []uptime.Spark) time.Duration {
	var buf [64]time.Duration
	known := buf[:0]
	for _, c := range cells {
		if !c.Failed && c.Median > 0 {
			known = append(known, c.Median)
		}
	}
	if len(known) == 0 {
		return 0
	}
	slices.Sort(known)
	middle := known[len(known)/2]
	return max(2*middle+middle/4, known[len(known)-1])
}

// step is the step, 0 to 7, of v on a ladder whose full height is top.
func step(v, top time.Duration) int {
	if top <= 0 {
		return 0
	}
	return int(min(max((int64(v)*8-1)/int64(top), 0), 7))
}

// Counts draws a step for each number, the highest at full height.
func Counts(numbers []int, ascii bool) Line {
	l, top := make(Line, len(numbers)), 1
	for _, n := range numbers {
		top = max(top, n)
	}
	for x, n := range numbers {
		l[x] = Cell{ladder(ascii)[0], Faint}
		if n > 0 {
			l[x] = Cell{ladder(ascii)[max((n*8-1)/top, 1)], Plain}
		}
	}
	return l
}

// dayLimits are the shares of uptime from which a day climbs a step: each is
// roughly the one before doubled in downtime, from 43 seconds to 5 hours.
var dayLimits = [...]float64{1, 0.9995, 0.999, 0.997, 0.99, 0.97, 0.90, 0.80}

// Days draws one cell a day, today last: the lowest step for a day without a
// second of downtime, higher for worse, blank where nothing is known. With
// less room than days the oldest are left out.
func Days(days []uptime.Share, width int, ascii bool) Line {
	l := make(Line, max(width, 0))
	if len(days) > len(l) {
		days = days[len(days)-len(l):]
	}
	for i, d := range days {
		up, known := d.Uptime()
		if !known {
			continue
		}
		n := 0
		for n < 7 && up < dayLimits[n] {
			n++
		}
		ink := Plain
		if n > 3 {
			ink = Bad
		} else if n > 0 {
			ink = Slow
		}
		l[i] = Cell{ladder(ascii)[n], ink}
	}
	return l
}
