package tui

import (
	"strconv"
	"strings"
	"testing"

	"lookout/tui/theme"
	"lookout/tui/widget"
)

func TestWrap(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		width      int
		want       string
	}{
		{"fits", "one two", 7, "one two"},
		{"between words", "one two three", 8, "one two|three"},
		{"a word that is too long", "abcdefgh ij", 3, "abc|def|gh|ij"},
		{"wide characters", "漢字漢字", 5, "漢字|漢字"},
		{"nothing", "", 5, ""},
		{"only blanks", " \t ", 5, ""},
		{"a character wider than the line", "漢", 1, "漢"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := strings.Join(wrap(tt.text, tt.width), "|"); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzWrap(f *testing.F) {
	f.Add("one two", 3)
	f.Add(hostile, 7)
	f.Fuzz(func(t *testing.T, text string, width int) {
		width = 2 + width&63
		for _, l := range wrap(text, width) {
			if cells(l) > width {
				t.Errorf("%q takes %d cells of %d", l, cells(l), width)
			}
		}
	})
}

func TestSheetScrolls(t *testing.T) {
	var sh sheet
	for i := range 10 {
		sh.add(func(p *pen) { p.say(strconv.Itoa(i)) })
	}
	for _, tt := range []struct{ key, want string }{
		{"k", "0 1 2"}, {"j", "1 2 3"}, {"pgdown", "3 4 5"}, {"ctrl+d", "4 5 6"}, {"G", "7 8 9"}, {"j", "7 8 9"},
		{"ctrl+u", "6 7 8"}, {"pgup", "4 5 6"}, {"g", "0 1 2"},
	} {
		sh.move(nil, tt.key)
		var p pen
		p.reset(theme.New(theme.None, false, false), 5, 3)
		sh.draw(&p)
		if got := strings.Join(strings.Fields(plainText(p.screen())), " "); got != tt.want {
			t.Errorf("after %s: %q, want %q", tt.key, got, tt.want)
		}
		sh.shown = 3
	}
}

func TestPenLine(t *testing.T) {
	var p pen
	p.reset(theme.New(theme.None, false, false), 4, 1)
	p.say("a")
	p.line(widget.Line{{Rune: 'x', Ink: widget.Bad}, {Rune: 'y', Ink: widget.Bad}, {}, {Rune: 'z'}, {Rune: '!'}})
	if got, want := p.screen(), "a\x1b[1mxy \x1b[m"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestListOverHeads(t *testing.T) {
	heads := "hrrhrrrh" // h a head, r a row
	var l list
	l.setLen(len(heads), func(i int) bool { return heads[i] == 'r' })
	for _, tt := range []struct {
		key  string
		want int
	}{{"k", 1}, {"j", 2}, {"j", 4}, {"k", 2}, {"G", 6}, {"j", 6}, {"g", 1}, {"ctrl+d", 2}, {"pgdown", 5}, {"pgup", 2}} {
		l.shown(3)
		l.move(nil, tt.key)
		if l.cur != tt.want {
			t.Errorf("%s: row %d, want %d", tt.key, l.cur, tt.want)
		}
		l.shown(3)
		if l.cur < l.top || l.cur >= l.top+3 {
			t.Errorf("%s: row %d is not among the shown, from %d on", tt.key, l.cur, l.top)
		}
	}
	l.setLen(1, func(int) bool { return false })
	l.move(nil, "j")
	l.setLen(0, nil)
	l.move(nil, "G")
	if l.cur != 0 {
		t.Errorf("with no rows: %d", l.cur)
	}
}

// TestPageTables holds every page's keys to what the help and the last line need of them.
func TestPageTables(t *testing.T) {
	for _, p := range []page{newDetail(shop), newEvents(), newIncidents(""), newFirstRun(FirstRun{}), newText("a", "", "", "")} {
		seen := map[string]bool{}
		for _, b := range p.keys() {
			if b.help == "" || b.run == nil || b.group == noGroup || len(b.keys) == 0 {
				t.Errorf("%s: the binding of %q is not complete", p.title(), b.keys)
			}
			for _, k := range b.keys {
				if seen[k] {
					t.Errorf("%s: %s is bound twice", p.title(), k)
				}
				seen[k] = true
			}
		}
	}
}

// TestPageKeys presses every key of every page: none may panic, nor break the screen.
func TestPageKeys(t *testing.T) {
	for _, open := range []func() page{func() page { return newDetail(shop) }, func() page { return newEvents() },
		func() page { return newIncidents("") }, func() page { return newFirstRun((&firstDesk{}).options()) }} {
		for _, b := range open().keys() {
			for _, k := range b.keys {
				s := pagesShell(pagesSource(), 80, 24, theme.New(theme.None, false, false))
				visit(t, s, open())
				s.render()
				press(t, s, k)
				withinScreen(t, k, s.render(), 80, 24)
			}
		}
	}
}
