package widget

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// Band draws latency over time: for every column the span from the median to
// the 95th percentile of the good checks, × in the top row where some checks
// failed, × from top to bottom where all did, and nothing where there were none.
type Band struct {
	Buckets  []uptime.Bucket // oldest first, of equal width; gaps may be left out
	From, To time.Time       // what the width stands for; labels are in To's time zone
	ASCII    bool
}

// axisMark is between the labels and the picture.
func axisMark(ascii bool) rune {
	if ascii {
		return '|'
	}
	return '┤'
}

// column of dots: what all buckets in it come to.
type dots struct {
	p50, p95     time.Duration
	good, failed bool
}

// Draw returns w × h cells, labels and axis included; the last row has the
// times where h is 3 or more. A row's label is the value at its lower edge;
// without a good check there are none.
func (b Band) Draw(w, h int) Grid {
	g := NewGrid(w, h)
	rows := h
	if h >= 3 {
		rows--
	}
	if rows < 1 || w < 1 {
		return g
	}
	labelled := 0
	if w >= 24 {
		labelled = labelCells + 2 // "600ms ┤"
	}
	cols := w - labelled
	perCell := 2
	if b.ASCII {
		perCell = 1
	}
	columns := b.columns(cols * perCell)
	highest := ceiling(columns)
	unit := roundUp(highest, rows)
	if labelled > 0 && highest > 0 {
		for y := range rows {
			text := Axis(unit * time.Duration(rows-1-y))
			g[y].Put(labelled-2-len(text), text, Faint)
			g[y][labelled-1] = Cell{axisMark(b.ASCII), Faint}
		}
	}
	top := unit * time.Duration(rows)
	for x := range cols {
		cell := columns[x*perCell : (x+1)*perCell]
		b.drawColumn(g[:rows], labelled+x, cell, top)
	}
	if rows < h {
		copy(g[h-1][labelled:], TimeAxis(b.From, b.To, cols))
	}
	return g
}

// drawColumn draws one column of cells from its one or two columns of dots.
func (b Band) drawColumn(g Grid, x int, cell []dots, top time.Duration) {
	var good, failed, over bool
	for _, d := range cell {
		good, failed = good || d.good, failed || d.failed
		over = over || d.good && d.p95 > top
	}
	if failed && !good {
		for y := range g {
			g[y][x] = Cell{Failed(b.ASCII), Bad}
		}
		return
	}
	for i, d := range cell {
		if !d.good {
			continue
		}
		if b.ASCII {
			asciiBand(g, x, d, top)
		} else {
			brailleBand(g, x, i, d, top)
		}
	}
	switch {
	case failed:
		g[0][x] = Cell{Failed(b.ASCII), Bad}
	case over && b.ASCII:
		g[0][x] = Cell{'^', Slow}
	case over:
		g[0][x] = Cell{'↑', Slow}
	}
}

// Dots of a braille cell by row from the top, left column first.
var brailleDots = [4][2]rune{{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}}

func brailleBand(g Grid, x, side int, d dots, top time.Duration) {
	n := len(g) * 4
	low, high := level(d.p50, top, n), level(d.p95, top, n)
	for k := low; k <= high; k++ {
		y := len(g) - 1 - k/4
		c := &g[y][x]
		if c.Rune == 0 {
			*c = Cell{0x2800, Good}
		}
		c.Rune |= brailleDots[3-k%4][side]
	}
}

func asciiBand(g Grid, x int, d dots, top time.Duration) {
	low, high := level(d.p50, top, len(g)), level(d.p95, top, len(g))
	for k := low; k <= high; k++ {
		r := ':'
		if k == low {
			r = '-'
		}
		g[len(g)-1-k][x] = Cell{r, Good}
	}
}

// level is the row of dots, from 0 at the bottom, that v falls into.
func level(v, top time.Duration, n int) int {
	if top <= 0 {
		return 0
	}
	return int(min(max(int64(v)*int64(n)/int64(top), 0), int64(n-1)))
}

// columns sums the buckets up to n columns of dots: the highest percentile, the
// middle of the medians. A bucket wider than a column is drawn over all of its columns.
func (b Band) columns(n int) []dots {
	out := make([]dots, max(n, 0))
	span := b.To.Sub(b.From)
	if span <= 0 || n < 1 {
		return out
	}
	counts := make([]int, n)
	width := b.width()
	for i := range b.Buckets {
		k := &b.Buckets[i]
		if k.Checks == 0 && k.Failed == 0 || !k.Start.Before(b.To) || !k.Start.Add(width).After(b.From) {
			continue
		}
		first := column(k.Start.Sub(b.From), span, n)
		last := max(column(k.Start.Add(width).Sub(b.From)-1, span, n), first)
		for x := first; x <= last; x++ {
			d := &out[x]
			d.failed = d.failed || k.Failed > 0
			if k.P50 > 0 || k.P95 > 0 {
				d.good = true
				d.p50 += k.P50
				d.p95 = max(d.p95, k.P95, k.P50)
				counts[x]++
			}
		}
	}
	for x, c := range counts {
		if c > 1 {
			out[x].p50 /= time.Duration(c)
		}
	}
	return out
}

// width of a bucket: the smallest distance of two.
func (b Band) width() time.Duration {
	w := b.To.Sub(b.From)
	for i := 1; i < len(b.Buckets); i++ {
		if d := b.Buckets[i].Start.Sub(b.Buckets[i-1].Start); d > 0 {
			w = min(w, d)
		}
	}
	return w
}

// ceiling is the highest value that has to be in the picture: the highest of
// all, but at most three times what nineteen of twenty columns stay under. A
// single spike is clipped and marked rather than flattening everything else.
func ceiling(columns []dots) time.Duration {
	known := make([]time.Duration, 0, len(columns))
	for _, d := range columns {
		if d.good {
			known = append(known, d.p95)
		}
	}
	if len(known) == 0 {
		return 0
	}
	slices.Sort(known)
	return min(known[len(known)-1], 3*known[(len(known)-1)*19/20])
}

// labelCells is what a label of the axis may take: "600ms".
const labelCells = 5

// roundUp is the smallest round unit of which rows hold v, and whose multiples
// have room beside the rows: 1.5ms comes to 10.5ms in the eighth.
func roundUp(v time.Duration, rows int) time.Duration {
	for scale := 10 * time.Microsecond; scale < 1000*time.Hour; scale *= 10 {
		for _, m := range [...]time.Duration{10, 15, 20, 25, 30, 40, 50, 60, 75} {
			if unit := scale * m / 10; unit*time.Duration(rows) > v && labelsFit(unit, rows) {
				return unit
			}
		}
	}
	return v
}

func labelsFit(unit time.Duration, rows int) bool {
	for k := range rows {
		if len(Axis(unit*time.Duration(k))) > labelCells {
			return false
		}
	}
	return true
}

// Axis writes a value of an axis shortly: 0, 75us, 7.5ms, 300ms, 1.5s.
func Axis(v time.Duration) string {
	switch {
	case v <= 0:
		return "0"
	case v < time.Millisecond:
		return strconv.FormatInt(v.Microseconds(), 10) + "us"
	case v < time.Second:
		return decimal(float64(v)/1e6) + "ms"
	}
	return decimal(v.Seconds()) + "s"
}

func decimal(f float64) string {
	digits := 2
	if f >= 10 {
		digits = 1
	}
	if f >= 100 {
		digits = 0
	}
	s := strconv.FormatFloat(f, 'f', digits, 64)
	if strings.ContainsRune(s, '.') {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
