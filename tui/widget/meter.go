package widget

import (
	"strconv"
	"time"
)

var eighths = [...]rune{' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'}

// Meter fills share (0 to 1) of a line of width cells from the left, to an
// eighth of a cell. More than nothing is never drawn as nothing.
func Meter(share float64, width int, ink Ink, ascii bool) Line {
	l := make(Line, max(width, 0))
	meter(l, 0, share, ink, ascii)
	return l
}

// meter fills from column x0 on, where share is of the whole line.
func meter(l Line, x0 int, share float64, ink Ink, ascii bool) {
	n := int(min(max(share, 0), 1)*float64(len(l)*8) + 0.5)
	if n == 0 && share > 0 {
		n = 1
	}
	for x := x0; n > 0 && x < len(l); x, n = x+1, n-8 {
		r := eighths[min(n, 8)]
		if ascii {
			r = '#'
			if n < 4 && x > x0 {
				return
			}
		}
		l[x] = Cell{r, ink}
	}
}

// Phase is one step of a check with its own duration.
type Phase struct {
	Name string
	Took time.Duration
}

func total(phases []Phase) (sum time.Duration) {
	for _, p := range phases {
		sum += max(p.Took, 0)
	}
	return sum
}

// PhaseLine draws phases one behind the other in a line, each as wide as its
// share of the time and with its name and milliseconds where they fit:
//
//	dns▕tcp18▕tls 41        ▕ttfb 119                                 ▕
func PhaseLine(phases []Phase, width int, ascii bool) Line {
	l := make(Line, max(width, 0))
	sum := total(phases)
	if sum <= 0 {
		return l
	}
	wall := '▕'
	if ascii {
		wall = '|'
	}
	least := leastWidths(phases, len(l))
	rest := 0 // cells that the phases after this one need
	for _, n := range least {
		rest += n
	}
	var until time.Duration
	x := 0
	for i, p := range phases {
		until += max(p.Took, 0)
		rest -= least[i]
		end := int(int64(len(l)) * int64(until) / int64(sum))
		end = min(max(end, x+least[i]), len(l)-rest)
		if end <= x {
			continue
		}
		for _, text := range [...]string{p.Name + " " + millis(p.Took), p.Name + millis(p.Took), p.Name} {
			if len(text) < end-x {
				l.Put(x, text, Plain)
				break
			}
		}
		l[end-1] = Cell{wall, Faint}
		x = end
	}
	return l
}

// leastWidths is how many cells each phase gets however short it was: enough
// for its name and milliseconds, for its name, or none, as there is room.
func leastWidths(phases []Phase, width int) []int {
	least := make([]int, len(phases))
	for _, named := range [...]bool{false, true} {
		sum := 0
		for i, p := range phases {
			least[i] = len(p.Name) + 1
			if !named {
				least[i] += len(millis(p.Took))
			}
			sum += least[i]
		}
		if sum <= width*2/3 {
			return least
		}
	}
	clear(least)
	return least
}

// PhaseChart draws a row for each phase: a bar that begins where the one before
// it ended. The width is that of the bars alone.
func PhaseChart(phases []Phase, width int, ascii bool) Grid {
	g := NewGrid(width, len(phases))
	sum := total(phases)
	if sum <= 0 {
		return g
	}
	var from time.Duration
	for y, p := range phases {
		took := max(p.Took, 0)
		x := int(int64(len(g[y])) * int64(from) / int64(sum))
		if x >= len(g[y]) {
			x = len(g[y]) - 1
		}
		if x >= 0 && took > 0 {
			meter(g[y], x, float64(took)/float64(sum), Good, ascii)
		}
		from += took
	}
	return g
}

// millis writes whole milliseconds, one decimal below ten.
func millis(d time.Duration) string {
	if d < 10*time.Millisecond && d%time.Millisecond != 0 {
		return strconv.FormatFloat(float64(d)/1e6, 'f', 1, 64)
	}
	return strconv.FormatInt(d.Round(time.Millisecond).Milliseconds(), 10)
}
