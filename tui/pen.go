package tui

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/clipperhouse/displaywidth"

	"lookout/tui/theme"
)

// pen writes a screen of w × h cells, line by line, into a buffer that is used
// again for the next one. It is the only way to the screen: every piece of
// text is cut and padded here by cell width, and nothing that could move the
// cursor or start a colour passes, whoever sent it.
type pen struct {
	th   *theme.Theme
	w, h int
	buf  []byte
	x, y int // the next cell
}

// reset starts a screen of w × h cells.
func (p *pen) reset(th *theme.Theme, w, h int) {
	p.th, p.w, p.h = th, max(w, 0), max(h, 0)
	p.buf, p.x, p.y = p.buf[:0], 0, 0
}

// left is how many lines are still free, the one being written included.
func (p *pen) left() int { return max(p.h-p.y, 0) }

// end finishes the line.
func (p *pen) end() {
	if p.y < p.h {
		p.buf = append(p.buf, '\n')
		p.y++
	}
	p.x = 0
}

// blank ends lines until only n are left.
func (p *pen) blank(n int) {
	for p.left() > n {
		p.end()
	}
}

// text writes s, up to the right edge.
func (p *pen) text(st theme.Style, s string) { p.run(st, s, p.w-p.x) }

// say writes strings as one plain piece.
func (p *pen) say(parts ...string) {
	for _, s := range parts {
		p.run(theme.Plain, s, p.w-p.x)
	}
}

// cell writes s in exactly width cells, left-aligned, cut with … where it is longer.
func (p *pen) cell(st theme.Style, s string, width int) {
	width = min(width, p.w-p.x)
	if width <= 0 || p.y >= p.h {
		return
	}
	end := p.x + width
	p.open(st)
	p.put(s, width, true)
	p.close(st)
	p.to(end)
}

// right writes s in exactly width cells, right-aligned, cut with … where it is longer.
func (p *pen) right(st theme.Style, s string, width int) {
	width = min(width, p.w-p.x)
	if n := width - cells(s); n > 0 {
		p.to(p.x + n)
		width -= n
	}
	p.cell(st, s, width)
}

// to writes spaces up to column x.
func (p *pen) to(x int) {
	x = min(x, p.w)
	if p.y >= p.h {
		return
	}
	for p.x < x {
		p.buf = append(p.buf, ' ')
		p.x++
	}
}

// picture writes width cells of our own, appended by draw; they are left out
// where they do not fit.
func (p *pen) picture(st theme.Style, width int, draw func(dst []byte) []byte) {
	if width <= 0 || width > p.w-p.x || p.y >= p.h {
		return
	}
	p.open(st)
	p.buf = draw(p.buf)
	p.x += width
	p.close(st)
}

// paste writes a line that another pen has drawn.
func (p *pen) paste(line string) {
	if n := ansi.StringWidth(line); p.y < p.h && p.x+n <= p.w {
		p.buf = append(p.buf, line...)
		p.x += n
	}
}

// screen is what was written.
func (p *pen) screen() string {
	return string(bytes.TrimSuffix(p.buf, []byte{'\n'}))
}

// glyph writes one rune of our own that is a cell wide.
func (p *pen) glyph(st theme.Style, r rune) {
	if p.x >= p.w || p.y >= p.h {
		return
	}
	p.open(st)
	p.rune(r)
	p.x++
	p.close(st)
}

func (p *pen) run(st theme.Style, s string, width int) {
	if width <= 0 || s == "" || p.y >= p.h {
		return
	}
	p.open(st)
	p.put(s, width, false)
	p.close(st)
}

func (p *pen) open(st theme.Style) { p.buf = append(p.buf, p.th.On(st)...) }

func (p *pen) close(st theme.Style) {
	if p.th.On(st) != "" {
		p.buf = append(p.buf, theme.Off...)
	}
}

// marksMax is how many accents one character may carry: no script needs more.
const marksMax = 3

// put appends at most width cells of s; with mark, … stands for what was cut.
func (p *pen) put(s string, width int, mark bool) {
	if n := len(s); n <= width && plain(s) {
		p.buf = append(p.buf, s...)
		p.x += n
		return
	}
	if width <= 0 {
		return
	}
	used, cut, cutUsed := 0, len(p.buf), 0
	marks := 0 // on the last character; a pile of them would run over the lines above
	for _, r := range s {
		r, w := safe(r, p.th.ASCII)
		if w < 0 || w == 0 && (used == 0 || marks == marksMax) {
			continue
		}
		if marks++; w > 0 {
			marks = 0
		}
		if used+w > width {
			if mark {
				p.buf = p.buf[:cut]
				p.rune('…')
				used = cutUsed + 1
			}
			break
		}
		p.rune(r)
		used += w
		if used <= width-1 {
			cut, cutUsed = len(p.buf), used
		}
	}
	p.x += used
}

func (p *pen) rune(r rune) {
	if p.th.ASCII {
		p.buf = append(p.buf, theme.ASCII(r))
		return
	}
	p.buf = utf8.AppendRune(p.buf, r)
}

// cells is how many cells a text takes, written by a pen.
func cells(s string) int {
	if plain(s) {
		return len(s)
	}
	n := 0
	for _, r := range s {
		if _, w := safe(r, false); w > 0 {
			n += w
		}
	}
	return n
}

func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// safe is what may be written in place of r, and its width in cells; -1: nothing.
// Terminals disagree on the width of what joins, varies or waves a flag, so
// such runes are left out or become something of one width.
func safe(r rune, ascii bool) (rune, int) {
	switch {
	case r >= ' ' && r <= '~':
		return r, 1
	case r < ' ' || r >= 0x7f && r < 0xa0:
		return 0, -1
	case r == utf8.RuneError:
		return '?', 1
	case r >= 0x1f1e6 && r <= 0x1f1ff: // regional indicators
		return 'A' + r - 0x1f1e6, 1
	case r >= 0x1f3fb && r <= 0x1f3ff: // skin tones join what is before them
		return 0, -1
	case unicode.In(r, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp) || r >= 0xfe00 && r <= 0xfe0f || r >= 0xe0000:
		return 0, -1
	}
	w := displaywidth.Rune(r)
	if w <= 0 && (ascii || !unicode.In(r, unicode.Mn, unicode.Me)) {
		return 0, -1
	}
	if ascii {
		return r, 1
	}
	return r, w
}
