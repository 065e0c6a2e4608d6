package tui

import (
	"cmp"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

// command is a line of the palette: a verb, its key, and what it does.
type command struct {
	name string // "sort latency"
	arg  string // what has to be typed after it, for people; "": nothing
	key  string // that does the same; "": none
	help string
	off  string // why it does nothing now; "": it does
	run  func(s *shell, arg string) tea.Cmd
}

// commands are all verbs: those of the key tables, and those without a key.
func (s *shell) commands() []command {
	var out []command
	for _, b := range s.table(s.top()) {
		if b.verb == "" || slices.ContainsFunc(out, func(c command) bool { return c.name == b.verb }) {
			continue
		}
		key := b.keys[0]
		out = append(out, command{name: b.verb, key: keyName(key), help: b.help, off: b.why(s),
			run: func(s *shell, _ string) tea.Cmd { return b.run(s, key) }})
	}
	for by := range orders {
		out = append(out, command{name: "sort " + by.String(), help: "order of the monitors",
			run: func(s *shell, _ string) tea.Cmd { return tea.Batch(s.homeward(), s.home.sortBy(s, by)) }})
	}
	only := ""
	if s.readOnly || s.link.ReadOnly {
		only = "this console may only look"
	}
	verb := func(v uptime.Verb, help string) command {
		off := only
		if off == "" && len(s.targets()) == 0 {
			off = "there is no monitor here to act on"
		}
		return command{name: string(v), help: help, off: off, run: func(s *shell, _ string) tea.Cmd { return s.openVerb(v) }}
	}
	return append(out,
		verb(uptime.VerbResume, "end a pause"), verb(uptime.VerbUnack, "take an acknowledgement back"),
		verb(uptime.VerbUnmaintain, "end maintenance"), s.beatCommand(verb(uptime.VerbBeat, "call in for a job")),
		command{name: "go", arg: "MONITOR", help: "to a monitor by name", run: (*shell).goByName},
		command{name: "view save", arg: "NAME", help: "keep the filter", run: func(s *shell, arg string) tea.Cmd { return s.saveView(arg) }},
		command{name: "view drop", arg: "NAME", help: "forget a kept filter", run: func(s *shell, arg string) tea.Cmd { return s.dropView(arg) }},
		command{name: "reload", help: "read the configuration again", off: only, run: func(s *shell, _ string) tea.Cmd { return s.reload() }},
		command{name: "stop", help: "stop the engine (asks for its name)", off: only, run: func(s *shell, _ string) tea.Cmd { return s.openPanel(&stopLine{}) }},
		command{name: "mouse on", help: "wheel and clicks; selecting text needs shift", run: func(s *shell, _ string) tea.Cmd { return s.setMouse(true) }},
		command{name: "mouse off", help: "the terminal selects text", run: func(s *shell, _ string) tea.Cmd { return s.setMouse(false) }},
		command{name: "ascii on", help: "plain characters", run: func(s *shell, _ string) tea.Cmd { return s.setASCII(true) }},
		command{name: "ascii off", help: "glyphs", run: func(s *shell, _ string) tea.Cmd { return s.setASCII(false) }})
}

// beatCommand is what only monitors that wait for a job take.
func (s *shell) beatCommand(c command) command {
	waits := func(st *uptime.State) bool { return st.Type == "beat" }
	if c.off == "" && !anyState(s.matching(s.targets()), waits) {
		c.off = "only monitors of the type beat wait for a job"
	}
	return c
}

// openVerb asks about a verb that is meant as it is, not turned round.
func (s *shell) openVerb(v uptime.Verb) tea.Cmd {
	targets := s.targets()
	states := s.matching(targets)
	if len(states) == 0 || s.lost {
		return s.openAsk(v, targets)
	}
	d := deeds[v]
	return s.openPanel(&ask{deed: d, targets: targets, count: len(states), spans: d.spans})
}

func (s *shell) goByName(arg string) tea.Cmd {
	if s.home.r == nil {
		return nil
	}
	if _, ok := s.home.r.index(arg); !ok {
		s.say("no monitor is called " + arg)
		return nil
	}
	return s.open(newDetail(arg))
}

func (s *shell) setMouse(on bool) tea.Cmd {
	s.mouse = on
	if on {
		s.say("mouse on; hold shift to select text")
	} else {
		s.say("mouse off")
	}
	return nil
}

func (s *shell) setASCII(on bool) tea.Cmd {
	s.th = theme.New(s.th.Depth, s.th.Light, on)
	return tea.ClearScreen
}

// palette runs any verb by its name.
type palette struct {
	in   input
	all  []command
	show []command
	at   int
}

func newPalette(s *shell) *palette {
	p := &palette{all: s.commands()}
	p.find()
	return p
}

const paletteRows = 8

func (p *palette) lines(s *shell) int {
	return 1 + min(paletteRows, max(s.h-6, 1))
}

func (p *palette) draw(s *shell, pn *pen) {
	rows := pn.left() - 1
	first := max(p.at-rows+1, 0)
	for i := first; i < len(p.show) && pn.left() > 1; i++ {
		c := p.show[i]
		gutter(pn, i == p.at, false)
		style := theme.Plain
		if i == p.at {
			style = theme.Reverse
		}
		name := c.name
		if c.arg != "" {
			name += " " + c.arg
		}
		pn.cell(style, name, min(cells(name), 26))
		if pn.w >= 40 {
			pn.to(28)
			pn.cell(theme.Accent, c.key, 6)
			help := c.help
			if c.off != "" {
				help = "not now: " + c.off
			}
			pn.cell(theme.Faint, help, max(pn.w-pn.x-1, 0))
		}
		pn.end()
	}
	pn.blank(1)
	if pn.w > 3 {
		pn.to(1)
	}
	pn.text(theme.Accent, ":")
	pn.to(pn.x + 1)
	p.in.draw(pn, pn.w-pn.x-1, true)
	if len(p.show) == 0 && pn.w >= 50 {
		pn.to(pn.x + 3)
		pn.text(theme.Warn, "no such verb")
	}
	pn.end()
}

func (p *palette) hints(*shell) []hint {
	return []hint{{"enter", "run", 0}, {"↑ ↓", "choose", 1}, {"tab", "complete", 2}, {"esc", "close", 0}}
}

// find lists what fits the text, the best first.
func (p *palette) find() {
	type scored struct {
		command
		score int
	}
	text := strings.ToLower(strings.TrimLeft(p.in.text(), " "))
	var hits []scored
	for _, c := range p.all {
		if c.arg != "" && strings.HasPrefix(text, c.name+" ") {
			hits = append(hits, scored{c, -1})
			continue
		}
		if n := fuzzy(c.name, strings.TrimSpace(text)); n >= 0 {
			hits = append(hits, scored{c, n})
		}
	}
	slices.SortStableFunc(hits, func(a, b scored) int { return cmp.Compare(a.score, b.score) })
	p.show = p.show[:0]
	for _, h := range hits {
		p.show = append(p.show, h.command)
	}
	p.at = 0
}

// fuzzy is how badly the letters of typed, in their order, fit a name: 0 for
// the name itself or nothing typed, -1 where they are not in it.
func fuzzy(name, typed string) int {
	switch {
	case typed == "" || name == typed:
		return 0
	case strings.HasPrefix(name, typed):
		return 1 + len(name) - len(typed)
	}
	if at := strings.Index(name, typed); at > 0 {
		return 100 + at
	}
	score, from := 1000, 0
	for _, r := range typed {
		at := strings.IndexRune(name[from:], r)
		if at < 0 {
			return -1
		}
		score += at
		from += at + len(string(r))
	}
	return score
}

func (p *palette) typed(s *shell, k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "esc", "ctrl+c":
		s.panel = nil
	case "up", "ctrl+p":
		p.at = max(p.at-1, 0)
	case "down", "ctrl+n":
		p.at = max(min(p.at+1, len(p.show)-1), 0)
	case "tab":
		if p.at < len(p.show) {
			c := p.show[p.at]
			if c.arg != "" {
				c.name += " "
			}
			p.in.set(c.name)
			p.find()
		}
	case "enter":
		return p.run(s)
	default:
		if p.in.typed(k) {
			p.find()
		}
	}
	return nil
}

// run does what is chosen. What acts on monitors opens its line and asks there.
func (p *palette) run(s *shell) tea.Cmd {
	if p.at >= len(p.show) {
		s.say("no such verb; esc closes")
		return nil
	}
	c := p.show[p.at]
	arg := ""
	if rest, ok := strings.CutPrefix(strings.TrimLeft(p.in.text(), " "), c.name+" "); ok {
		arg = strings.TrimSpace(rest)
	}
	if c.arg != "" && arg == "" {
		p.in.set(c.name + " ")
		p.find()
		return nil
	}
	s.panel = nil
	if c.off != "" {
		s.say(c.name + ": " + c.off)
		return nil
	}
	return c.run(s, arg)
}

func (p *palette) pasted(_ *shell, text string) tea.Cmd {
	p.in.insert(text)
	p.find()
	return nil
}
