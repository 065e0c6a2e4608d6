package tui

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

func TestPenCells(t *testing.T) {
	for _, c := range []struct {
		name, text string
		width      int
		want       string
		ascii      string
	}{
		{"fits", "abc", 5, "abc  ", "abc  "},
		{"exact", "abcde", 5, "abcde", "abcde"},
		{"cut", "abcdef", 5, "abcd…", "abcd~"},
		{"wide runes", "漢字漢字", 5, "漢字…", "???? "},
		{"a wide rune does not fit", "a漢字", 4, "a漢…", "a?? "},
		{"escape codes", "\x1b[31mred\x1b[m", 12, "[31mred[m   ", "[31mred[m   "},
		{"cursor moves", "a\r\n\tb\b\u009b2Jc", 6, "ab2Jc ", "ab2Jc "},
		{"bidi", "ab\u202ecd\u2066", 6, "abcd  ", "abcd  "},
		{"combining", "e\u0301x", 4, "e\u0301x  ", "ex  "},
		{"combining first", "\u0301x", 3, "x  ", "x  "},
		{"a flag", "🇳🇱!", 4, "NL! ", "NL! "},
		{"joined", "👨\u200d👩\u200d👧", 8, "👨👩👧  ", "???     "},
		{"invalid", "a\xffb", 4, "a?b ", "a?b "},
	} {
		for _, th := range []*theme.Theme{glyphs, letters7} {
			p := &pen{}
			p.reset(th, 20, 1)
			p.cell(theme.Plain, c.text, c.width)
			want := c.want
			if th.ASCII {
				want = c.ascii
			}
			if got := p.screen(); got != want {
				t.Errorf("%s (ascii %v): %q, want %q", c.name, th.ASCII, got, want)
			}
		}
	}
}

func FuzzPen(f *testing.F) {
	for _, s := range []string{"abc", hostile, "漢字", "\x1b]52;c;aGk=\x07", "e\u0301\u0301\u0301", "🏳️‍🌈🇳🇱", strings.Repeat("ก็", 30), "\xff\xfe"} {
		f.Add(s, 10)
	}
	f.Fuzz(func(t *testing.T, text string, width int) {
		width = min(max(width, 0), 60)
		for _, th := range []*theme.Theme{glyphs, letters7} {
			p := &pen{}
			p.reset(th, 40, 2)
			p.cell(theme.Down, text, width)
			p.text(theme.Accent, text)
			got := p.screen()
			bare := ansi.Strip(got)
			if strings.ContainsFunc(bare, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }) || !utf8.ValidString(got) {
				t.Errorf("%q became %q", text, got)
			}
			if n := ansi.StringWidth(got); n > 40 {
				t.Errorf("%q takes %d cells (grapheme)", text, n)
			}
			if n := ansi.StringWidthWc(got); n > 40 {
				t.Errorf("%q takes %d cells (wcwidth)", text, n)
			}
			if strings.Count(got, "\x1b") > 4 {
				t.Errorf("%q brought escape codes: %q", text, got)
			}
		}
	})
}

// TestHostileRows: names and messages from outside stay in their cells.
func TestHostileRows(t *testing.T) {
	w := newWorld()
	next := *w.snap
	next.Seq++
	next.States = append([]*uptime.State{}, w.snap.States...)
	bad := hostileState()
	bad.Since = noon
	bad.Locations = []uptime.LocationState{{Location: hostile, Outcome: uptime.OutcomeDown, Asked: true}, {Location: "\x1b", Asked: true}}
	next.States = append(next.States, bad)
	next.Instance, next.Node = hostile, hostile
	w.snap = &next
	for _, th := range []*theme.Theme{glyphs, letters7} {
		for _, size := range pageSizes {
			for _, script := range [][]string{nil, {"o"}, {"a"}, {"/", "text:漢"}, {"*"}, {"Y"}, {":", "text:stop", "enter"}, {"g", "m"}} {
				s := shellOf(w, Options{}, size.w, size.h, th)
				s.render()
				keys(t, s, script...)
				got := s.render()
				withinScreen(t, "hostile", got, size.w, size.h)
				for _, forbidden := range []string{"\x1b[31m", "\x07", "\u202e", "\x9b"} {
					if strings.Contains(got, forbidden) {
						t.Errorf("%q is on the screen after %v", forbidden, script)
					}
				}
				if title := s.windowTitle(); strings.ContainsFunc(title, func(r rune) bool { return r < ' ' || r == 0x7f }) {
					t.Errorf("the title is %q", title)
				}
			}
		}
	}
}

// TestEverySize draws the screens of the shell at all sizes up to 250 × 80, sampled.
func TestEverySize(t *testing.T) {
	for _, script := range [][]string{nil, {"o"}, {"/", "text:state:dwn x"}, {"a"}, {"p", "t"}, {"q"}, {"s"}, {":"}, {"?"}, {"?", "text:a"}, {":", "text:stop", "enter"}, {"x"}, {"lost"}} {
		for _, th := range []*theme.Theme{glyphs, letters7} {
			w := newWorld()
			s := shellOf(w, Options{Embedded: true}, 80, 24, th)
			s.render()
			if len(script) == 1 && script[0] == "lost" {
				w.link.Lost, w.link.Reason = noon, hostile
				s.pull()
			} else {
				keys(t, s, script...)
			}
			for width := 0; width <= 250; width += 1 + width/7 {
				for height := 0; height <= 80; height += 1 + height/4 {
					s.w, s.h = width, height
					withinScreen(t, strings.Join(script, " "), s.render(), width, height)
					if t.Failed() {
						t.FailNow()
					}
				}
			}
		}
	}
}

// TestPenBar: the newest checks are at the right end, whatever the width.
func TestPenBar(t *testing.T) {
	checks := []uptime.Cell{uptime.CellNone, uptime.CellUp, uptime.CellDegraded, uptime.CellDown, uptime.CellMaintenance, uptime.CellUnknown}
	for _, c := range []struct {
		width int
		want  string
	}{{6, " ▁▄█-?|"}, {3, "█-?|"}, {8, "   ▁▄█-?|"}, {0, "|"}, {-1, "|"}, {40, "|"}} {
		var p pen
		p.reset(glyphs, 20, 1)
		p.bar(checks, c.width)
		p.say("|")
		if got := ansi.Strip(p.screen()); got != c.want {
			t.Errorf("%d cells: %q, want %q", c.width, got, c.want)
		}
	}
}

// TestPenMarks: a pile of accents on one letter does not reach other lines.
func TestPenMarks(t *testing.T) {
	var p pen
	p.reset(glyphs, 20, 1)
	p.say("a" + strings.Repeat("\u0300", 500) + "b\u0301")
	if got := p.screen(); got != "a"+strings.Repeat("\u0300", marksMax)+"b\u0301" {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}
