package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"lookout/tui/theme"
	"lookout/tui/widget"
)

// inkStyles is how the theme writes what a picture's cells stand for. There is
// no red: it measures worst of all, and the shape of a mark says it already.
var inkStyles = [...]theme.Style{widget.Plain: theme.Plain, widget.Faint: theme.Faint, widget.Good: theme.Accent,
	widget.Slow: theme.Strong, widget.Bad: theme.Strong, widget.Odd: theme.Strong}

// line writes a line of a picture.
func (p *pen) line(l widget.Line) {
	l = l[:min(len(l), max(p.w-p.x, 0))]
	if p.y >= p.h {
		return
	}
	on := theme.Plain
	for _, c := range l {
		st := on
		if c.Rune == 0 {
			c.Rune = ' '
		}
		if c.Rune != ' ' {
			st = inkStyles[c.Ink]
		}
		if st != on {
			p.close(on)
			p.open(st)
			on = st
		}
		p.rune(c.Rune)
		p.x++
	}
	p.close(on)
}

// sheet is a page of text that may be longer than the screen: lines that draw
// themselves, of which those from top on are shown.
type sheet struct {
	lines []func(p *pen)
	top   int // the first one that is shown
	shown int // how many were, when it was drawn last
}

// reset forgets the lines, not the place.
func (t *sheet) reset() { t.lines = t.lines[:0] }

func (t *sheet) add(draw func(p *pen)) { t.lines = append(t.lines, draw) }

func (t *sheet) blank() { t.add(func(*pen) {}) }

// para adds text after a label, wrapped, with its lines indented; where the
// indent has no room for the label, it is the first word of the text.
func (t *sheet) para(label, text string, indent, width int) {
	inline := label != "" && indent <= len(label)
	if inline {
		text = strings.Repeat("_", len(label)) + " " + text
	}
	for i, l := range wrap(text, max(width-indent, 8)) {
		t.add(func(p *pen) {
			p.to(1)
			if i == 0 {
				p.text(theme.Accent, label)
				if inline {
					l = l[min(len(label), len(l)):]
				}
			}
			p.to(indent)
			p.say(l)
		})
	}
}

// draw writes the lines that fit, and ends each.
func (t *sheet) draw(p *pen) {
	t.shown = p.left()
	t.top = max(min(t.top, len(t.lines)-t.shown), 0)
	for _, l := range t.lines[t.top:min(t.top+t.shown, len(t.lines))] {
		l(p)
		p.end()
	}
}

// scroll moves by a number of lines; draw keeps it within the page.
func (t *sheet) scroll(n int) { t.top = max(min(t.top+n, len(t.lines)), 0) }

// keys scroll a sheet.
func (t *sheet) keys() []binding { return moveKeys("line", t.move) }

// move is what these keys do.
func (t *sheet) move(_ *shell, key string) tea.Cmd {
	t.scroll(moved(key, t.shown))
	return nil
}

// wrap cuts text into lines of at most width cells, between words where it can.
func wrap(text string, width int) []string {
	var lines []string
	line, used := "", 0
	for _, word := range strings.Fields(text) {
		n := cells(word)
		if used > 0 && used+1+n <= width {
			line, used = line+" "+word, used+1+n
			continue
		}
		if used > 0 {
			lines = append(lines, line)
		}
		for n > width {
			head := fit(word, width)
			if head == "" || head == word {
				break
			}
			lines, word = append(lines, head), word[len(head):]
			n = cells(word)
		}
		line, used = word, n
	}
	if used > 0 || len(lines) == 0 {
		lines = append(lines, line)
	}
	return lines
}

// fit is the beginning of s that takes at most width cells.
func fit(s string, width int) string {
	used := 0
	for i, r := range s {
		_, w := safe(r, false)
		if used += max(w, 0); used > width {
			return s[:i]
		}
	}
	return s
}
