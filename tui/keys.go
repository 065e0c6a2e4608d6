package tui

import (
	"cmp"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"lookout/tui/theme"
)

// keyNames are how people write what Bubble Tea calls a key.
var keyNames = map[string]string{
	"up": "↑", "down": "↓", "left": "←", "right": "→", "pgup": "pgup", "pgdown": "pgdn", "escape": "esc",
}

func keyName(k string) string {
	if n, ok := keyNames[k]; ok {
		return n
	}
	if c, ok := strings.CutPrefix(k, "ctrl+"); ok {
		return "^" + c
	}
	return k
}

// label is how help and the last line write the keys of a binding.
func (b *binding) label() string {
	if b.show != "" {
		return b.show
	}
	names := make([]string, len(b.keys))
	for i, k := range b.keys {
		names[i] = keyName(k)
	}
	return strings.Join(names, " ")
}

// why says what keeps a binding from doing something now; "" when nothing does.
func (b *binding) why(s *shell) string {
	if b.off == nil {
		return ""
	}
	return b.off(s)
}

// table is a page's table followed by what the shell's adds to it: each key
// once. Where a page takes text, letters are not keys.
func (s *shell) table(p page) []binding {
	now := s.nowKey(p)
	out := append(now, p.keys()...)
	if len(now) > 0 { // its esc goes before the page's
		out = slices.DeleteFunc(out, func(b binding) bool { return b.group != groupPast && slices.Contains(b.keys, "esc") })
	}
	var taken []string
	for i := range out {
		taken = append(taken, out[i].keys...)
	}
	_, typing := p.(typist)
	gone := func(k string) bool { return slices.Contains(taken, k) || typing && len(k) == 1 }
	for _, b := range s.own {
		if slices.ContainsFunc(b.keys, gone) {
			if b.keys = slices.DeleteFunc(slices.Clone(b.keys), gone); len(b.keys) == 0 {
				continue
			}
			b.show = ""
		}
		out = append(out, b)
	}
	return out
}

// lookup finds what a key does on a page.
func (s *shell) lookup(p page, key string) *binding {
	for _, table := range [][]binding{s.nowKey(p), p.keys(), s.own} {
		for i := range table {
			if slices.Contains(table[i].keys, key) {
				return &table[i]
			}
		}
	}
	return nil
}

// press runs what a key is bound to; a key that is not bound says so.
func (s *shell) press(key string) tea.Cmd {
	b := s.lookup(s.top(), key)
	if b == nil {
		s.say(keyName(key) + " does nothing here; ? lists the keys")
		return nil
	}
	if why := b.why(s); why != "" {
		s.say(b.label() + ": " + why)
		return nil
	}
	return b.run(s, key)
}

// hint is a key and its word in the last line. A larger rank goes first when
// there is no room.
type hint struct {
	key, word string
	rank      uint8
}

// brief are the words of hints that can be said shorter.
var brief = map[string]string{"next problem": "problem", "check now": "check", "complete field": "complete"}

// hints are those of the page on the screen.
func (s *shell) hints() []hint {
	if s.top() == page(s.home) && s.watchesNothing() {
		return s.emptyHints()
	}
	if s.lost {
		return s.lostHints()
	}
	var out []hint
	for _, b := range s.table(s.top()) {
		if b.hint != "" && b.why(s) == "" {
			out = append(out, hint{keyName(b.keys[0]), b.hint, b.rank})
		}
	}
	return out
}

func (h hint) cells() int {
	if h.word == "" {
		return cells(h.key)
	}
	return cells(h.key) + 1 + cells(h.word)
}

// drawHints writes the last line: all hints, in shorter words if need be, or
// as many whole ones as fit, by their rank.
func drawHints(p *pen, hints []hint) {
	gap, margin := 2, 1
	if p.w < wordFrom {
		gap, margin = 1, 0
		hints = slices.Clone(hints)
		for i := range hints { // one word will do
			hints[i].word, _, _ = strings.Cut(hints[i].word, " ")
		}
		if n := len(hints) - 1; p.w < 30 && n > 1 { // help, or esc
			hints[n].word = ""
		}
	}
	p.to(margin)
	for i, h := range fitHints(hints, p.w-margin, gap) {
		if i > 0 {
			p.to(p.x + gap)
		}
		if p.x+h.cells() > p.w {
			break
		}
		p.text(theme.Accent, h.key)
		if h.word != "" {
			p.to(p.x + 1)
			p.text(theme.Plain, h.word)
		}
	}
}

// fitHints chooses what a width has room for. Of those that stay, the last one,
// help, is taken first.
func fitHints(hints []hint, width, gap int) []hint {
	if hintCells(hints, gap) <= width {
		return hints
	}
	short := slices.Clone(hints)
	for i := range short {
		if w := brief[short[i].word]; w != "" {
			short[i].word = w
		}
	}
	if hintCells(short, gap) <= width {
		return short
	}
	order := make([]int, len(hints))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if last := len(hints) - 1; hints[last].rank == 0 && (a == last || b == last) {
			return cmp.Compare(b, a)
		}
		return cmp.Compare(hints[a].rank, hints[b].rank)
	})
	take, room := make([]bool, len(hints)), width+gap
	for _, i := range order {
		if n := hints[i].cells() + gap; n <= room {
			take[i], room = true, room-n
		}
	}
	var out []hint
	for i, h := range hints {
		if take[i] {
			out = append(out, h)
		}
	}
	return out
}

func hintCells(hints []hint, gap int) int {
	n := -gap
	for _, h := range hints {
		n += h.cells() + gap
	}
	return n
}
