package tui

import (
	"slices"
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

// input is one line of text being typed.
type input struct {
	runes []rune
	at    int // the cursor: before this rune
}

const inputMax = 1000 // runes; more is nothing that a person types

func (in *input) text() string { return string(in.runes) }

func (in *input) set(s string) {
	in.runes = []rune(s)
	in.at = len(in.runes)
}

// insert puts text at the cursor, made harmless.
func (in *input) insert(s string) {
	if s == " " || strings.TrimSpace(s) == "" && s != "" {
		s = " "
	} else {
		keep := strings.HasSuffix(s, " ")
		s = uptime.Clean(s, 4*inputMax)
		if keep {
			s += " "
		}
	}
	add := []rune(s)
	add = add[:min(len(add), max(inputMax-len(in.runes), 0))]
	in.runes = slices.Insert(in.runes, in.at, add...)
	in.at += len(add)
}

// typed edits; false for a key that is not for editing.
func (in *input) typed(k tea.KeyPressMsg) bool {
	switch k.String() {
	case "backspace", "ctrl+h":
		if in.at > 0 {
			in.runes = slices.Delete(in.runes, in.at-1, in.at)
			in.at--
		}
	case "delete":
		if in.at < len(in.runes) {
			in.runes = slices.Delete(in.runes, in.at, in.at+1)
		}
	case "left", "ctrl+b":
		in.at = max(in.at-1, 0)
	case "right", "ctrl+f":
		in.at = min(in.at+1, len(in.runes))
	case "home", "ctrl+a":
		in.at = 0
	case "end", "ctrl+e":
		in.at = len(in.runes)
	case "ctrl+u":
		in.runes, in.at = nil, 0
	case "ctrl+w":
		start := in.at
		for start > 0 && in.runes[start-1] == ' ' {
			start--
		}
		for start > 0 && in.runes[start-1] != ' ' {
			start--
		}
		in.runes = slices.Delete(in.runes, start, in.at)
		in.at = start
	default:
		if k.Text == "" || !utf8.ValidString(k.Text) || k.Mod&^tea.ModShift != 0 && k.Mod&tea.ModAlt != 0 {
			return false
		}
		in.insert(k.Text)
	}
	return true
}

// draw writes the text with its cursor in at most width cells, scrolled so
// that the cursor is seen.
func (in *input) draw(p *pen, width int, focus bool) {
	width = min(width, p.w-p.x)
	if width <= 0 {
		return
	}
	end := p.x + width
	start := 0
	for start < in.at && cells(string(in.runes[start:in.at]))+1 > width {
		start++
	}
	p.cell(theme.Plain, string(in.runes[start:in.at]), cells(string(in.runes[start:in.at])))
	if focus {
		p.glyph(theme.Strong, '▌')
	}
	if rest := string(in.runes[in.at:]); rest != "" && p.x < end {
		p.cell(theme.Plain, rest, min(cells(rest), end-p.x))
	}
}
