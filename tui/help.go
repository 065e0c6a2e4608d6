package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"lookout/tui/theme"
)

// helpPage lists what every key does on the page below it. It is made from
// the key tables, so it cannot forget one. Typing searches, enter runs the key.
type helpPage struct {
	about  page
	in     input
	at     int // the chosen one of found
	top    int // the first line shown
	height int // lines there was room for
}

// openHelp shows help about the page on the screen.
func (s *shell) openHelp(search string) tea.Cmd {
	if _, ok := s.top().(*helpPage); ok {
		return nil
	}
	h := &helpPage{about: s.top()}
	h.in.set(search)
	return s.open(h)
}

func (h *helpPage) title() string                   { return "help" }
func (h *helpPage) refresh(*shell) tea.Cmd          { return nil }
func (h *helpPage) receive(*shell, tea.Msg) tea.Cmd { return nil }

func (h *helpPage) keys() []binding {
	scroll := func(_ *shell, key string) tea.Cmd {
		if key == "up" {
			h.at--
			h.top--
		} else {
			h.at++
			h.top++
		}
		return nil
	}
	return []binding{
		{keys: []string{"down", "up"}, group: groupMove, help: "choose", run: scroll},
		{keys: []string{"pgdown", "pgup"}, group: groupMove, help: "more", hint: "more", rank: 2, run: func(_ *shell, key string) tea.Cmd {
			if key == "pgup" {
				h.top -= max(h.height-1, 1)
			} else {
				h.top += max(h.height-1, 1)
			}
			return nil
		}},
		{keys: []string{"enter"}, group: groupMove, help: "run the key", hint: "run", rank: 1, run: func(s *shell, _ string) tea.Cmd { return h.run(s) }},
		{keys: []string{"esc"}, group: groupMove, help: "close", hint: "close", run: func(s *shell, _ string) tea.Cmd {
			if h.in.text() != "" {
				h.in.set("")
				return nil
			}
			return s.back()
		}},
	}
}

// typed searches: on this page letters are text.
func (h *helpPage) typed(s *shell, k tea.KeyPressMsg) (tea.Cmd, bool) {
	key := k.String()
	if h.in.text() == "" && (key == "?" || key == "q" || key == "/") {
		if key != "/" {
			return s.back(), true
		}
		return nil, true
	}
	switch key {
	case "up", "down", "home", "end", "ctrl+c":
		return nil, false
	}
	if h.in.typed(k) {
		h.at, h.top = 0, 0
		return nil, true
	}
	return nil, false
}

func (h *helpPage) pasted(_ *shell, text string) tea.Cmd {
	h.in.insert(text)
	return nil
}

// run closes help and presses the chosen key.
func (h *helpPage) run(s *shell) tea.Cmd {
	found := h.found(s)
	if h.in.text() == "" || len(found) == 0 {
		s.say("type to search, then enter runs the key")
		return nil
	}
	key := found[min(max(h.at, 0), len(found)-1)].keys[0]
	return tea.Batch(s.back(), s.press(key))
}

func (h *helpPage) found(s *shell) []binding {
	text := strings.ToLower(h.in.text())
	var out []binding
	for _, b := range s.table(h.about) {
		if strings.Contains(strings.ToLower(b.label()+" "+b.help+" "+b.verb), text) {
			out = append(out, b)
		}
	}
	return out
}

func (h *helpPage) head(s *shell, p *pen) {
	p.to(1)
	p.text(theme.Strong, "HELP")
	p.say("  ", h.about.title(), " screen")
	if p.w > 66 {
		p.to(39)
		p.text(theme.Faint, "type to search, enter runs")
	}
}

var groupTitles = [...]string{groupMove: "MOVE", groupFind: "FIND", groupDo: "DO (asks first)", groupSee: "SEE", groupCopy: "COPY", groupScreens: "SCREENS", groupPast: "PAST"}

// legends say what signs mean. They are written with the glyphs of the theme.
var legends = []string{
	"STATES  ▼ DOWN confirmed  ▽ chk? being confirmed  ▲ WARN degraded  ● up",
	"        ? UNKN no result for 2 intervals  ~ mnt  ‖ off  ◌ new, not checked",
	"BAR     ▁ ok  ▄ slow  █ failed  - maintenance  ? unknown  (blank) no data",
	"NEXT    ! not acked  a acked  b behind another  u unverified  late: waits",
	"LEAVE   q  attached: at once; engine in here: asks, stop or keep checking",
	"PLACES  one letter a location: o ok  x failed  s slow  ? no answer  · none",
	"        a key that is not bound says so; nothing irreversible is on one key",
}

var moreHelp = []string{
	"",
	"FILTER  words must all match; !word must not; lists a,b match any:",
	"        state: group: name: url: tag: loc:fra!=ok lat>800ms age>5m up24<99.9",
	"        cert<14 (days) ack:no is:problem     1..9 use what :view save NAME kept",
	"MOUSE   :mouse on, :mouse off. Off, the terminal selects text as always.",
	"COLOURS NO_COLOR=1 takes them away; bold, reverse and words stay. 16 colours",
	"        or none: from TERM and COLORTERM. :ascii on where glyphs look wrong.",
	"TMUX    set-clipboard on for y, focus-events on so that the bell knows",
}

func (h *helpPage) body(s *shell, p *pen) {
	h.height = p.left()
	if h.in.text() != "" {
		h.results(s, p)
		return
	}
	lines := h.sheet(s, p.w)
	h.top = max(min(h.top, len(lines)-h.height), 0)
	h.at = 0
	for _, draw := range lines[h.top:min(h.top+h.height, len(lines))] {
		draw(p)
		p.end()
	}
}

func (h *helpPage) results(s *shell, p *pen) {
	found := h.found(s)
	h.at = max(min(h.at, len(found)-1), 0)
	p.end()
	for i := max(h.at-p.left()+1, 0); i < len(found) && p.left() > 0; i++ {
		gutter(p, i == h.at, false)
		h.entry(s, p, &found[i], 14, p.w-2)
		p.end()
	}
	if len(found) == 0 {
		p.to(1)
		p.say("no key does that; : has every verb")
		p.end()
	}
}

func (h *helpPage) entry(s *shell, p *pen, b *binding, keyWidth, width int) {
	end := p.x + width
	style := theme.Plain
	if b.why(s) != "" {
		style = theme.Faint
	}
	label := b.label()
	p.cell(theme.Accent, label, max(keyWidth, cells(label)))
	p.to(p.x + 1)
	if room := min(end, p.w) - p.x; room > 0 {
		p.cell(style, b.help, room)
	}
}

// sheet are the lines of the whole help.
func (h *helpPage) sheet(s *shell, w int) []func(*pen) {
	blocks := map[group][]binding{}
	for _, b := range s.table(h.about) {
		blocks[b.group] = append(blocks[b.group], b)
	}
	cols := max(min((w-1)/26, 3), 1)
	order := []group{groupMove, groupFind, groupDo, groupSee, groupCopy, groupScreens, groupPast, noGroup}
	order = slices.DeleteFunc(order, func(g group) bool { return len(blocks[g]) == 0 || g == noGroup })
	var lines []func(*pen)
	for row := 0; row < len(order); row += cols {
		lines = append(lines, h.block(s, blocks, order[row:min(row+cols, len(order))], w, cols)...)
		lines = append(lines, func(*pen) {})
	}
	for _, l := range append(slices.Clone(legends), moreHelp...) {
		lines = append(lines, func(p *pen) {
			p.to(1)
			if len(l) > 8 && l[0] >= 'A' && l[0] <= 'Z' {
				p.text(theme.Faint, l[:8])
				l = l[8:]
			}
			p.say(l)
		})
	}
	return lines
}

// block draws groups side by side.
func (h *helpPage) block(s *shell, blocks map[group][]binding, groups []group, w, cols int) []func(*pen) {
	width := (w - 1) / cols
	n := 0
	for _, g := range groups {
		n = max(n, len(blocks[g]))
	}
	lines := []func(*pen){func(p *pen) {
		for i, g := range groups {
			p.to(1 + i*width)
			p.cell(theme.Faint, groupTitles[g], width)
		}
	}}
	for row := range n {
		lines = append(lines, func(p *pen) {
			for i, g := range groups {
				if row < len(blocks[g]) {
					p.to(1 + i*width)
					h.entry(s, p, &blocks[g][row], 8, width-1)
				}
			}
		})
	}
	return lines
}

func (h *helpPage) status(s *shell, p *pen) {
	p.to(1)
	if h.in.text() != "" || p.w < 40 {
		p.text(theme.Accent, "search ")
		h.in.draw(p, p.w-p.x-1, true)
		return
	}
	text := "type to search, enter runs the key"
	if p.w >= 70 {
		text += "; what is faint does nothing now"
	}
	p.text(theme.Faint, text)
}
