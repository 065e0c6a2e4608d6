package tui

import (
	"lookout/engine/uptime"
	"lookout/tui/theme"
)

// tally is one kind of monitors in a count.
type tally struct {
	n    int
	v    uptime.Verdict
	m    uptime.Mode
	word string
}

func tallies(c uptime.Counts) [8]tally {
	return [8]tally{
		{c.Down, uptime.Down, uptime.Active, "DOWN"},
		{c.Suspect, uptime.Suspect, uptime.Active, "checking"},
		{c.Degraded, uptime.Degraded, uptime.Active, "warn"},
		{c.Unknown, uptime.Unknown, uptime.Active, "unknown"},
		{c.Up, uptime.Up, uptime.Active, "up"},
		{c.Maintenance, uptime.Up, uptime.Maintenance, "mnt"},
		{c.Paused, uptime.Up, uptime.Paused, "off"},
		{c.Pending, uptime.Pending, uptime.Active, "new"},
	}
}

// drawCounts writes how many monitors there are of each kind that there are
// any of: the verdict of the whole screen. In ASCII a word says what a glyph
// can't.
func drawCounts(p *pen, th *theme.Theme, c uptime.Counts, words, allWords bool) {
	first := true
	for i, t := range tallies(c) {
		if t.n == 0 && (t.v != uptime.Up || t.m != uptime.Active || c.Total() > 0 && !words) {
			continue
		}
		word := t.word
		if !words || i > 4 && !allWords && !th.ASCII {
			word = ""
		}
		look := th.State(t.v, t.m)
		room := cells(word) + 1 + len(group3(t.n))
		gap := 2
		if !words || i > 5 && !allWords {
			gap = 1
		}
		if first {
			gap = 0
		}
		if p.x+gap+room > p.w {
			return
		}
		p.to(p.x + gap)
		first = false
		switch {
		case th.ASCII && words:
			p.text(look.Style, word+" "+group3(t.n))
		case th.ASCII && look.Glyph == ' ':
			p.text(look.Style, "up "+group3(t.n))
		case word == "":
			p.text(look.Style, string(look.Glyph)+group3(t.n))
		default:
			p.text(look.Style, string(look.Glyph)+group3(t.n)+" "+word)
		}
	}
}
