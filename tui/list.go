package tui

import (
	tea "charm.land/bubbletea/v2"

	"lookout/tui/theme"
)

// list is a cursor over rows of which some are only heads, and the part of
// them that is on the screen.
type list struct {
	cur    int // the selected row
	top    int // the first row on the screen
	height int // rows on the screen, as last drawn
	n      int
	can    func(i int) bool // whether a row can be selected
}

// setLen says how many rows there are now, and which can be selected.
func (l *list) setLen(n int, can func(i int) bool) {
	l.n, l.can = n, can
	l.cur = max(min(l.cur, n-1), 0)
	if n > 0 && !can(l.cur) {
		l.by(1)
		if !can(l.cur) {
			l.by(-1)
		}
	}
}

// by moves the cursor by so many rows, over heads, as far as it can.
func (l *list) by(n int) {
	dir := 1
	if n < 0 {
		dir, n = -1, -n
	}
	for at := l.cur + dir; at >= 0 && at < l.n && n > 0; at += dir {
		if l.can(at) {
			l.cur = at
			n--
		}
	}
	if l.top > l.cur {
		l.top = l.cur
	}
}

// shown says how many rows there is room for, and keeps the cursor among them
// with its head, where it is the first.
func (l *list) shown(height int) {
	l.height = max(height, 0)
	l.top = min(l.top, l.cur)
	l.top = max(l.top, l.cur-l.height+1)
	l.top = max(min(l.top, l.n-l.height), 0)
	if l.top == 1 && l.cur-l.top < l.height-1 && l.can != nil && !l.can(0) {
		l.top = 0
	}
}

func (l *list) keys() []binding { return moveKeys("row", l.move) }

// move is what these keys do.
func (l *list) move(_ *shell, key string) tea.Cmd {
	l.by(moved(key, l.height))
	if key == "g" || key == "home" { // the head above the first row, too
		l.top = 0
	}
	return nil
}

// moveKeys are the keys that move through rows or lines, the same everywhere.
func moveKeys(what string, run func(*shell, string) tea.Cmd) []binding {
	return []binding{
		{keys: []string{"j", "k", "down", "up"}, show: "j k ↓ ↑", group: groupMove, help: what, run: run},
		{keys: []string{"g", "G", "home", "end"}, show: "g G", group: groupMove, help: "top, end", run: run},
		{keys: []string{"ctrl+d", "ctrl+u"}, group: groupMove, help: "half a page", run: run},
		{keys: []string{"pgdown", "pgup"}, group: groupMove, help: "a page", run: run},
	}
}

// far is further than any list is long.
const far = 1 << 30

// moved is how many rows such a key means on a screen of height rows.
func moved(key string, height int) int {
	half, page := max(height/2, 1), max(height-1, 1)
	switch key {
	case "j", "down":
		return 1
	case "k", "up":
		return -1
	case "ctrl+d":
		return half
	case "ctrl+u":
		return -half
	case "pgdown":
		return page
	case "pgup":
		return -page
	case "g", "home":
		return -far
	case "G", "end":
		return far
	}
	return 0
}

// pointer writes column 0: > beside the selected row.
func pointer(p *pen, cursor bool) {
	if cursor {
		p.glyph(theme.Strong, '>')
		return
	}
	p.say(" ")
}
