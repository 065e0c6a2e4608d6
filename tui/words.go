package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"lookout/tui/theme"
)

// words is a filter of plain text: each word must be in a line, a word after !
// must not.
type words []string

func parseWords(text string) words { return strings.Fields(strings.ToLower(text)) }

// match looks in all the texts of a line.
func (w words) match(texts ...string) bool {
	for _, word := range w {
		word, not := strings.CutPrefix(word, "!")
		if word == "" {
			continue
		}
		if slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(strings.ToLower(t), word) }) == not {
			return false
		}
	}
	return true
}

// searched is a page of lines that words narrow.
type searched interface {
	narrow(s *shell, w words) tea.Cmd
	narrowed() words
	counts() (shown, all int)
}

// searchKeys are / and, while a filter is in force, esc.
func searchKeys(p searched) []binding {
	table := []binding{{keys: []string{"/"}, group: groupFind, help: "filter by words", hint: "filter", rank: 1, verb: "filter",
		run: func(s *shell, _ string) tea.Cmd {
			line := &wordsLine{page: p}
			if w := p.narrowed(); len(w) > 0 {
				line.in.set(strings.Join(w, " ") + " ")
			}
			return s.openPanel(line)
		}}}
	if len(p.narrowed()) > 0 {
		table = append(table, binding{keys: []string{"esc"}, group: groupFind, help: "clear the filter", hint: "clear filter",
			run: func(s *shell, _ string) tea.Cmd { return p.narrow(s, nil) }})
	}
	return table
}

// wordsLine is such a filter being typed. The lines change with every key.
type wordsLine struct {
	page searched
	in   input
}

func (f *wordsLine) lines(*shell) int { return 1 }

func (f *wordsLine) draw(s *shell, p *pen) {
	shown, all := f.page.counts()
	right := group3(shown) + " of " + group3(all)
	if p.w < 40 {
		right = ""
	}
	p.to(min(1, p.w-4))
	p.text(theme.Accent, "/ ")
	f.in.draw(p, p.w-p.x-cells(right)-3, true)
	p.to(p.w - 1 - cells(right))
	p.say(right)
	p.end()
}

func (f *wordsLine) hints(*shell) []hint {
	return []hint{{"enter", "keep", 0}, {"esc", "clear", 0}, {"!word", "without it", 2}, {"ctrl-u", "empty", 3}}
}

func (f *wordsLine) typed(s *shell, k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "enter":
		s.panel = nil
		return nil
	case "esc", "ctrl+c":
		s.panel = nil
		return f.page.narrow(s, nil)
	}
	if !f.in.typed(k) {
		return nil
	}
	return f.page.narrow(s, parseWords(f.in.text()))
}

func (f *wordsLine) pasted(s *shell, text string) tea.Cmd {
	f.in.insert(text)
	return f.page.narrow(s, parseWords(f.in.text()))
}
