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

// body is the form; where there is room, what would be written is beside it.
func (f *firstRun) body(s *shell, p *pen) {
	file := f.besideLines(p)
	if file == nil {
		f.form(s, p)
		return
	}
	var form pen
	form.reset(s.th, formCells, p.left())
	f.form(s, &form)
	form.blank(0)
	for i, l := range strings.Split(form.screen(), "\n") {
		p.paste(l)
		p.to(formCells + 1)
		if i < len(file) {
			p.cell(theme.Faint, file[i], p.w-p.x-1)
		}
		p.end()
	}
}

// formCells is the width of the form where the file is beside it.
const formCells = 80

// besideLines are the lines of the file that would be written; nil where there
// is no room for them, or nothing to write.
func (f *firstRun) besideLines(p *pen) []string {
	lines, _ := f.wanted()
	text := f.file(lines)
	if p.w < wide || len(lines) == 0 || text == "" {
		return nil
	}
	out := append([]string{"", f.with.Path, ""}, strings.Split(strings.TrimSpace(text), "\n")...)
	if n := p.left(); len(out) > n {
		out = append(out[:max(n-1, 0)], "…")
	}
	return out
}

func (f *firstRun) form(s *shell, p *pen) {
	h := p.left()
	framed, below := p.w >= 40 && h >= 10, 1
	if h >= 12 {
		below = 5
	}
	for _, l := range f.question(p.w, h) {
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
	if h >= 12 {
		f.drawOutcome(p)
	}
}

// question is what is said above the lines, as there is room.
func (f *firstRun) question(w, h int) []string {
	var out []string
	if h >= 16 {
		text := "Nothing is watched yet."
		if len(f.with.Searched) > 0 {
			text = "Nothing is watched yet: no lookout.toml in " + strings.Join(f.with.Searched, ", ") + "."
		}
		out = append(append([]string{""}, wrap(text, max(w-2, 8))...), "")
	}
	if h >= 6 {
		const ask = "What should be watched? Type or paste, one per line; a bare name is fine."
		out = append(out, wrap(ask, max(w-2, 8))...)
	}
	return out
}

// drawOutcome says what ctrl-s would do.
func (f *firstRun) drawOutcome(p *pen) {
	p.end()
	p.to(1)
	p.say("ctrl-s will write ")
	p.text(theme.Strong, f.with.Path)
	lines, wrong := f.wanted()
	if len(lines) > 0 {
		p.say(" (", times(len(lines), "monitor"))
		if n := strings.Count(f.file(lines), "\n"); n > 0 {
			p.say(", ", times(n, "line"))
		}
		p.say(")")
	}
	p.end()
	p.to(1)
	if wrong > 0 {
		p.text(theme.Warn, times(wrong, "line")+" to mend first")
		p.say("; ctrl-s goes there")
	} else {
		p.say("ctrl-p shows the file before it is written.")
	}
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
			f.drawFound(s, p, i, p.w-p.x-edge-1)
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

// drawFound writes what a line is found to be: what is wrong with it, what else
// it may mean, or how its check went.
func (f *firstRun) drawFound(s *shell, p *pen, i, width int) {
	line := lineOf(&f.lines[i])
	found, ok := f.found[line]
	wrong := f.wrong(line)
	if width < 3 || line == "" {
		return
	}
	if at, other := f.doubted(); at == i && other != nil && wrong == nil && !found.check.OK {
		p.text(theme.Plain, "… ")
		x := p.x
		p.cell(theme.Plain, other.Looks+"?", min(cells(other.Looks)+1, width-2))
		for _, k := range [][2]string{{other.DNS, "^y dns"}, {other.ICMP, "^o icmp"}} {
			if k[0] != "" && p.x-x+1+len(k[1]) <= width-2 {
				p.say(" ")
				p.text(theme.Accent, k[1])
			}
		}
		return
	}
	if wrong != nil {
		found, ok = firstFound{done: true, err: wrong}, true
	}
	if !ok {
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
	if _, err := f.interval(); err != nil {
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
	found, ok := f.found[line]
	if err := f.wrong(line); err != nil {
		found, ok = firstFound{done: true, err: err}, true
	}
	if ok && found.done && f.field == fieldLines {
		_, _, text := f.say(s, found)
		if found.err == nil && found.check.URL != "" && found.check.URL != line {
			text = found.check.URL + ": " + text
		}
		p.cell(theme.Plain, text, max(p.w-p.x-1, 0))
		return
	}
	p.say("No file is written before ctrl-s.")
}
