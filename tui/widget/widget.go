// Package widget draws the small pictures of the console: bars of recent
// checks, sparks, phases, the latency band, strips of days and incidents.
//
// It is pure: values in, cells out, with no clock, no terminal and no style
// library, because a style per cell costs twenty times the drawing. A cell says
// what it stands for (Ink) and the caller decides how that looks, so the same
// drawing serves every theme, no theme, and a golden file. Every glyph is one
// cell wide, and every picture has a twin that is ASCII only.
package widget

import (
	"bytes"
	"unicode/utf8"
)

// Ink is what a cell stands for. The zero value is plain text.
type Ink uint8

// The inks.
const (
	Plain Ink = iota
	Faint     // axes, labels, what is in maintenance
	Good      // latency of good checks
	Slow      // degraded
	Bad       // failed, down
	Odd       // unknown, or seen by one place only
)

// Cell is one character of a picture, one column wide. The zero value is a blank.
type Cell struct {
	Rune rune
	Ink  Ink
}

// Line is one row of cells.
type Line []Cell

// Put writes text into a line from column x on; what does not fit is left out.
func (l Line) Put(x int, text string, ink Ink) {
	for _, r := range text {
		if x >= 0 && x < len(l) {
			l[x] = Cell{r, ink}
		}
		x++
	}
}

// Append writes the line as plain text.
func (l Line) Append(dst []byte) []byte {
	for _, c := range l {
		if c.Rune == 0 {
			dst = append(dst, ' ')
		} else {
			dst = utf8.AppendRune(dst, c.Rune)
		}
	}
	return dst
}

// String is the line as plain text.
func (l Line) String() string { return string(l.Append(nil)) }

// Grid is rows of equal width, the top one first.
type Grid []Line

// String is the grid as plain text, without the blanks at the ends of lines.
func (g Grid) String() string {
	var dst []byte
	for _, l := range g {
		dst = append(bytes.TrimRight(l.Append(dst), " "), '\n')
	}
	return string(dst)
}

// NewGrid returns a blank grid; what is negative counts as nothing.
func NewGrid(w, h int) Grid {
	w, h = max(w, 0), max(h, 0)
	g, cells := make(Grid, h), make(Line, w*h)
	for y := range g {
		g[y] = cells[y*w : (y+1)*w : (y+1)*w]
	}
	return g
}

// The ladders of eight steps, and what stands for a failure.
var (
	blocks = [8]rune{'▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'}
	steps  = [8]rune{'.', ':', '-', '=', '+', '*', '#', '@'}
)

func ladder(ascii bool) *[8]rune {
	if ascii {
		return &steps
	}
	return &blocks
}

// Failed is the mark of a failed check in a picture of latency.
func Failed(ascii bool) rune {
	if ascii {
		return 'X'
	}
	return '×'
}
