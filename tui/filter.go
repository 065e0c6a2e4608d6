package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"lookout/tui/theme"
)

const historyMax = 50 // filters that ↑ brings back

// filterLine is the filter being typed. The rows change with every key.
type filterLine struct {
	page   filtered
	in     input
	at     int // in the history, from its end; 0: what is being typed
	typing string
	err    error
	tabbed []string // completions that tab goes through
	stem   string
	tab    int
}

func (s *shell) openPanel(p panel) tea.Cmd {
	s.panel, s.dirty = p, true
	return nil
}

// openFilter starts to type a filter, from the one in force.
func (s *shell) openFilter(p filtered) tea.Cmd {
	f := &filterLine{page: p}
	if o, ok := p.(*overview); ok && o.want.query != nil {
		f.in.set(o.want.query.text)
	}
	return s.openPanel(f)
}

func (f *filterLine) lines(s *shell) int {
	if _, monitors := f.page.(*overview); !monitors || s.h < 18 || s.w < wordFrom {
		return 1
	}
	return 5
}

func (f *filterLine) draw(s *shell, p *pen) {
	if p.left() >= 5 {
		p.to(1)
		p.say("fields   state: group: name: url: tag: loc: lat> lat< age> up24< cert< ack: is:")
		p.end()
		p.to(1)
		p.say("examples state:down,warn   loc:fra!=ok   cert<14   group:mail !smtp  is:problem")
		p.end()
		p.to(1)
		p.say("saved    ", s.viewLine())
		p.end()
		p.end()
	}
	shown, all := f.page.counts()
	right := group3(shown) + " of " + group3(all)
	if o, ok := f.page.(*overview); ok && p.w >= wordFrom {
		right += fmt.Sprintf("  %.1f ms", float64(o.took)/1e6)
	}
	style := theme.Plain
	if f.err != nil {
		right, style = f.err.Error(), theme.Warn
	}
	room := p.w - 4
	if n := cells(right) + 2; n < p.w/2+8 && p.w >= 30 {
		room -= n
	} else {
		right = ""
	}
	if p.w > 3 {
		p.to(1)
	}
	p.text(theme.Accent, "/")
	p.to(p.x + 1)
	f.in.draw(p, room, true)
	if right != "" {
		p.to(p.w - 1 - cells(right))
		p.text(style, right)
	}
	p.end()
}

func (f *filterLine) hints(*shell) []hint {
	return []hint{{"enter", "keep", 0}, {"esc", "clear", 0}, {"tab", "complete field", 2}, {"up", "history", 3}, {"ctrl-u", "empty", 4}, {"?", "help", 5}}
}

func (f *filterLine) typed(s *shell, k tea.KeyPressMsg) tea.Cmd {
	key := k.String()
	if key != "tab" {
		f.tabbed = nil
	}
	switch key {
	case "enter":
		s.panel = nil
		if text := strings.TrimSpace(f.in.text()); text != "" {
			s.remember(text)
		}
		return nil
	case "esc", "ctrl+c":
		s.panel = nil
		if text := strings.TrimSpace(f.in.text()); text != "" {
			s.remember(text)
		}
		return f.page.filter(s, nil)
	case "up", "down":
		f.recall(s, key == "up")
	case "tab":
		f.complete(s)
	case "?":
		s.panel = nil
		return s.openHelp("")
	default:
		if !f.in.typed(k) {
			return nil
		}
	}
	return f.apply(s)
}

func (f *filterLine) pasted(s *shell, text string) tea.Cmd {
	f.in.insert(text)
	return f.apply(s)
}

// apply narrows the rows to what is typed.
func (f *filterLine) apply(s *shell) tea.Cmd {
	q, err := parseQuery(f.in.text())
	f.err = err
	return f.page.filter(s, q)
}

func (f *filterLine) recall(s *shell, older bool) {
	if f.at == 0 {
		f.typing = f.in.text()
	}
	if older {
		f.at = min(f.at+1, len(s.history))
	} else {
		f.at = max(f.at-1, 0)
	}
	if f.at == 0 {
		f.in.set(f.typing)
	} else {
		f.in.set(s.history[len(s.history)-f.at])
	}
}

// complete writes the next field or value that the last word may become.
func (f *filterLine) complete(s *shell) {
	if f.tabbed == nil {
		text := f.in.text()
		word := text[strings.LastIndexByte(text, ' ')+1:]
		f.tabbed = completions(word, s.snap)
		f.tab = 0
		f.stem = text
		cut := max(strings.LastIndexAny(word, ":,!"), -1) + 1
		f.stem = text[:len(text)-len(word)+cut]
		if len(f.tabbed) == 0 {
			f.tabbed = nil
			return
		}
	} else {
		f.tab = (f.tab + 1) % len(f.tabbed)
	}
	f.in.set(f.stem + f.tabbed[f.tab])
}

// remember keeps a filter for ↑.
func (s *shell) remember(text string) {
	if n := len(s.history); n > 0 && s.history[n-1] == text {
		return
	}
	s.history = append(s.history, text)
	if len(s.history) > historyMax {
		s.history = s.history[1:]
	}
}

// sortMenu chooses what the overview is sorted by.
type sortMenu struct{ o *overview }

var sortChoices = []struct {
	key, word string
	by        order
}{
	{"s", "everity", bySeverity}, {"n", "ame", byName}, {"l", "atency", byLatency}, {"p", "95", byP95}, {"a", "ge", byAge},
	{"u", "ptime 24h", byUptime}, {"c", "ert", byCert}, {"g", "roup", byGroup}, {"t", "ime since change", byChange},
}

func (m *sortMenu) lines(s *shell) int {
	if s.h < 12 || s.w < wordFrom {
		return 2
	}
	return 4
}

func (m *sortMenu) draw(s *shell, p *pen) {
	words := p.w >= wordFrom
	p.to(1)
	p.text(theme.Strong, "sort by")
	if words {
		p.to(11)
	}
	for i, c := range sortChoices {
		if words && p.w < 100 && i == 7 {
			p.end()
			p.to(11)
		}
		if words {
			p.text(theme.Accent, "["+c.key+"]")
			p.say(c.word)
		} else {
			p.to(p.x + 1)
			p.text(theme.Accent, c.key)
		}
		if c.by == m.o.want.by {
			p.text(theme.Strong, "*")
		}
		if words {
			p.to(p.x + 2)
		}
	}
	if words {
		p.text(theme.Faint, "again = reverse")
	}
	p.end()
	if p.left() > 1 {
		p.blank(1)
	}
	if p.left() > 0 {
		s.drawState(p)
	}
}

func (m *sortMenu) hints(*shell) []hint {
	return []hint{{"s n l p a u c g t", "sort", 1}, {"esc", "close", 0}}
}

func (m *sortMenu) typed(s *shell, k tea.KeyPressMsg) tea.Cmd {
	key := k.String()
	for _, c := range sortChoices {
		if c.key == key {
			s.panel = nil
			return m.o.sortBy(s, c.by)
		}
	}
	if key == "esc" || key == "ctrl+c" || key == "enter" {
		s.panel = nil
		return nil
	}
	s.say(keyName(key) + " is no order; esc closes")
	return nil
}

func (m *sortMenu) pasted(*shell, string) tea.Cmd { return nil }

// sortBy changes the order; the same again turns it round.
func (o *overview) sortBy(s *shell, by order) tea.Cmd {
	return o.change(s, func(a *arrangement) {
		a.reverse = a.by == by && !a.reverse
		a.by = by
	})
}
