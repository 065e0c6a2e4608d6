package tui

import (
	"strings"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

func (f *firstRun) head(s *shell, p *pen) {
	p.to(1)
	p.text(theme.Strong, "WELCOME")
	p.say("  lookout watches what you name here")
	const end = "esc just look around"
	if x := p.w - cells(end) - 1; x > p.x+2 {
		p.to(x)
		p.text(theme.Faint, end)
	}
}

func (f *firstRun) body(s *shell, p *pen) {
	h := p.left()
	framed := p.w >= 40 && h >= 10
	var above []string
	if h >= 16 {
		text := "Nothing is watched yet."
		if len(f.with.Searched) > 0 {
			text = "Nothing is watched yet: no lookout.toml in " + strings.Join(f.with.Searched, ", ") + "."
		}
		above = append(above, "")
		above = append(above, wrap(text, max(p.w-2, 8))...)
		above = append(above, "")
	}
	if h >= 6 {
		const ask = "What should be watched? Type or paste, one per line; a bare name is fine."
		above = append(above, wrap(ask, max(p.w-2, 8))...)
	}
	below := 1
	if h >= 12 {
		below = 5
	}
	for _, l := range above {
		p.to(1)
		p.say(l)
		p.end()
	}
	rows := p.left() - below
	if framed {
		rows -= 2
	}
	f.drawLines(s, p, min(max(len(f.lines), 3), rows), framed)
	if h >= 12 {
		p.end()
	}
	f.drawEvery(p)
	if h < 12 {
		return
	}
	p.end()
	p.to(1)
	p.say("ctrl-s will write ")
	p.text(theme.Strong, f.with.Path)
	if n := len(f.wanted()); n > 0 {
		p.say(" (", times(n, "monitor"), ")")
	}
	p.end()
	p.to(1)
	p.say("ctrl-p shows the file before it is written.")
	p.end()
}

// drawLines writes the text area: each line with what was found beside it.
func (f *firstRun) drawLines(s *shell, p *pen, rows int, framed bool) {
	if rows <= 0 {
		return
	}
	f.top = max(min(f.top, f.at), f.at-rows+1)
	edge := 1
	if framed {
		edge = 2
		f.frame(p, '┌', '┐')
	}
	left := 0
	for i := range f.lines {
		left = max(left, cells(string(f.lines[i].runes))+2)
	}
	left = min(max(left, 26), (p.w-2*edge-2)*11/20)
	for i := f.top; i < f.top+rows; i++ {
		if framed {
			p.to(2)
			p.glyph(theme.Faint, '│')
			p.say(" ")
		} else {
			p.to(1)
		}
		x := p.x
		if i < len(f.lines) {
			if i == f.at && f.field == fieldLines {
				f.lines[i].draw(p, left, true)
			} else {
				p.cell(theme.Plain, f.lines[i].text(), left)
			}
			p.to(x + left + 1)
			f.drawFound(s, p, lineOf(&f.lines[i]), p.w-p.x-edge-1)
		}
		if framed {
			p.to(p.w - 2)
			p.glyph(theme.Faint, '│')
		}
		p.end()
	}
	if framed {
		f.frame(p, '└', '┘')
	}
}

func (f *firstRun) frame(p *pen, from, to rune) {
	p.to(2)
	p.glyph(theme.Faint, from)
	for p.x < p.w-2 {
		p.glyph(theme.Faint, '─')
	}
	p.glyph(theme.Faint, to)
	p.end()
}

func (f *firstRun) drawFound(s *shell, p *pen, line string, width int) {
	found, ok := f.found[line]
	if !ok || width < 3 {
		return
	}
	glyph, style, text := f.say(s, found)
	p.text(style, glyph)
	p.say(" ")
	p.cell(theme.Plain, text, min(cells(text), width-2))
}

func (f *firstRun) say(s *shell, found firstFound) (glyph string, st theme.Style, text string) {
	switch {
	case !found.done:
		return "…", theme.Plain, "checking"
	case found.err != nil:
		return "!", theme.Warn, found.err.Error()
	}
	look := s.th.State(uptime.Up, uptime.Active)
	if !found.check.OK {
		look = s.th.State(uptime.Down, uptime.Active)
	} else if s.th.ASCII {
		look.Glyph = 'o' // up is a blank in ASCII, and a blank says nothing here
	}
	return string(look.Glyph), look.Style, found.check.Text
}

func (f *firstRun) drawEvery(p *pen) {
	p.to(1)
	p.text(theme.Accent, "every ")
	p.say("[")
	f.every.draw(p, 12, f.field == fieldEvery)
	p.say("]")
	if _, err := uptime.ParseDuration(f.every.text()); err != nil {
		p.say("  ")
		p.text(theme.Warn, err.Error())
	}
	p.end()
}

// status says in full what became of the line with the cursor.
func (f *firstRun) status(s *shell, p *pen) {
	p.to(1)
	if f.saving {
		p.say("saving …")
		return
	}
	line := lineOf(&f.lines[f.at])
	if found, ok := f.found[line]; ok && found.done && f.field == fieldLines {
		_, _, text := f.say(s, found)
		if found.err == nil && found.check.URL != "" && found.check.URL != line {
			text = found.check.URL + ": " + text
		}
		p.cell(theme.Plain, text, max(p.w-p.x-1, 0))
		return
	}
	p.say("No file is written before ctrl-s.")
}
