package tui

import (
	"context"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

// deed is what a verb asks before it does anything.
type deed struct {
	verb   uptime.Verb
	done   string // "acknowledged"
	spans  []span // nil: it asks for no time
	effect string
}

var deeds = map[uptime.Verb]deed{
	uptime.VerbAck: {uptime.VerbAck, "acknowledged", []span{{key: "1", word: "1h", d: time.Hour}, {key: "4", word: "4h", d: 4 * time.Hour},
		{key: "u", word: "until it is up"}}, "reminders stop, checks and verdicts go on"},
	uptime.VerbUnack: {uptime.VerbUnack, "no longer acknowledged", nil, "reminders go on"},
	uptime.VerbPause: {uptime.VerbPause, "paused", []span{{key: "1", word: "1h", d: time.Hour}, {key: "4", word: "4h", d: 4 * time.Hour},
		{key: "d", word: "tomorrow 08:00", at: tomorrow8}, {key: "u", word: "until resumed"}},
		"no checks, nobody is told, the time is not counted in uptime"},
	uptime.VerbResume: {uptime.VerbResume, "resumed", nil, "checks go on"},
	uptime.VerbMaintain: {uptime.VerbMaintain, "in maintenance", []span{{key: "1", word: "30m", d: 30 * time.Minute}, {key: "2", word: "1h", d: time.Hour},
		{key: "3", word: "4h", d: 4 * time.Hour}, {key: "4", word: "tomorrow 08:00", at: tomorrow8}},
		"checks go on, nobody is told, the time is not counted in uptime"},
	uptime.VerbUnmaintain: {uptime.VerbUnmaintain, "out of maintenance", nil, "the verdict counts again"},
	uptime.VerbBeat:       {uptime.VerbBeat, "called in for", nil, "as if the job had said that it is well"},
	uptime.VerbCheck:      {uptime.VerbCheck, "being checked", nil, "one check now from all places, beside the regular ones"},
}

// ask is an action that waits for y: what, for how many, for how long. Only
// its own keys do something; neither the key that opened it nor enter starts it.
type ask struct {
	deed
	targets []string
	count   int
	spans   []span
	chosen  int
	note    input
	noting  bool // the note has the focus
	timing  bool // a typed time has
	time    input
	do      func(s *shell, note string) tea.Cmd // what is not done to monitors; nil: it is
}

// act opens the line of an action on what is marked, or under the cursor.
func (s *shell) act(verb uptime.Verb) tea.Cmd {
	targets := s.targets()
	if len(targets) == 0 {
		s.say("there is no monitor here to act on")
		return nil
	}
	return s.openAsk(verb, targets)
}

func (s *shell) openAsk(verb uptime.Verb, targets []string) tea.Cmd {
	if s.lost {
		s.say("the engine does not answer: nothing can be done now")
		return nil
	}
	states := s.matching(targets)
	if len(states) == 0 {
		s.say("there is no monitor here to act on")
		return nil
	}
	verb = turned(verb, states)
	if verb == uptime.VerbAck && !anyState(states, func(st *uptime.State) bool { return st.Incident != 0 }) {
		s.say("nothing to acknowledge: no open incident")
		return nil
	}
	d := deeds[verb]
	return s.openPanel(&ask{deed: d, targets: targets, count: len(states), spans: d.spans})
}

// turned is the verb that undoes what already holds for all of the states.
func turned(verb uptime.Verb, states []*uptime.State) uptime.Verb {
	all := func(f func(*uptime.State) bool) bool {
		return !anyState(states, func(st *uptime.State) bool { return !f(st) })
	}
	switch {
	case verb == uptime.VerbPause && all(func(st *uptime.State) bool { return st.Mode == uptime.Paused }):
		return uptime.VerbResume
	case verb == uptime.VerbMaintain && all(func(st *uptime.State) bool { return st.Mode == uptime.Maintenance }):
		return uptime.VerbUnmaintain
	case verb == uptime.VerbAck && all(func(st *uptime.State) bool { return st.Incident != 0 && st.Ack != nil }):
		return uptime.VerbUnack
	}
	return verb
}

func anyState(states []*uptime.State, f func(*uptime.State) bool) bool {
	for _, st := range states {
		if f(st) {
			return true
		}
	}
	return false
}

// targets are what an action is about.
func (s *shell) targets() []string {
	c, ok := s.subject().(chooser)
	if !ok {
		return nil
	}
	if m := c.marked(); len(m) > 0 {
		return m
	}
	if name := c.current(); name != "" {
		return []string{name}
	}
	return nil
}

// matching are the states that targets mean.
func (s *shell) matching(targets []string) []*uptime.State {
	if s.snap == nil {
		return nil
	}
	names := make(map[string]bool, len(targets))
	var others []uptime.Selector
	for _, t := range targets {
		sel, err := uptime.ParseSelector(t)
		switch {
		case err != nil:
		case sel.Name != "":
			names[sel.Name] = true
		default:
			others = append(others, sel)
		}
	}
	var out []*uptime.State
	for _, st := range s.snap.States {
		if names[st.Name] {
			out = append(out, st)
			continue
		}
		for _, sel := range others {
			if sel.Matches(st.Monitor, st.Incident) {
				out = append(out, st)
				break
			}
		}
	}
	return out
}

func (a *ask) lines(s *shell) int {
	switch {
	case s.h < 10:
		return 1
	case a.spans == nil:
		return 2
	}
	return 3
}

// what is the verb, and for whom.
func (a *ask) what() string {
	if len(a.targets) == 1 && a.count == 1 {
		return string(a.verb) + " " + a.targets[0]
	}
	if len(a.targets) == 1 {
		return fmt.Sprintf("%s %s: %s monitors", a.verb, a.targets[0], group3(a.count))
	}
	return fmt.Sprintf("%s %s monitors (%s, +%s)", a.verb, group3(a.count), a.targets[0], group3(len(a.targets)-1))
}

func (a *ask) draw(s *shell, p *pen) {
	if p.left() == 1 && (a.noting || a.timing) {
		a.drawInput(p)
		return
	}
	if p.w < 30 {
		p.cell(theme.Strong, a.what()+"? y", p.w)
		p.end()
		return
	}
	confirm := "y = " + string(a.verb) + "  esc = no"
	if a.noting || a.timing {
		confirm = "enter, then y = " + string(a.verb)
	}
	p.to(1)
	if p.left() == 1 {
		p.cell(theme.Strong, a.what()+a.spanWord()+"?", max(p.w-p.x-cells(confirm)-3, 8))
		p.to(p.x + 1)
		p.text(theme.Accent, confirm)
		p.end()
		return
	}
	p.cell(theme.Strong, a.what(), min(cells(a.what()), max(p.w-30, p.w/2)))
	p.say("   note ")
	a.note.draw(p, p.w-p.x-1, a.noting)
	if !a.noting && len(a.note.runes) == 0 {
		p.text(theme.Faint, "(n types one)")
	}
	p.end()
	right := confirm
	if a.spans != nil && a.drawSpans(p, confirm) {
		right = "u undoes for 10 s"
	}
	p.to(1)
	n := cells(a.effect)
	if n+cells(right)+4 > p.w {
		n = max(p.w-cells(right)-4, 0)
	}
	p.cell(theme.Faint, a.effect, n)
	p.to(p.w - 1 - cells(right))
	p.text(theme.Strong, right)
	p.end()
}

// drawInput writes what is being typed, where there is only one line.
func (a *ask) drawInput(p *pen) {
	p.text(theme.Strong, map[bool]string{true: "note ", false: "time "}[a.noting])
	if a.noting {
		a.note.draw(p, p.w-p.x, true)
	} else {
		a.time.draw(p, p.w-p.x, true)
	}
	p.end()
}

func (a *ask) spanWord() string {
	if a.spans == nil {
		return ""
	}
	if sp := a.spans[a.chosen]; sp.d > 0 {
		return " for " + sp.word
	}
	return " " + a.spans[a.chosen].word
}

// drawSpans writes how long it may hold, and reports whether there was room
// for the confirming key.
func (a *ask) drawSpans(p *pen, confirm string) bool {
	p.to(1)
	p.say("for")
	for i, sp := range a.spans {
		p.to(p.x + 1)
		style := theme.Plain
		if i == a.chosen && !a.timing {
			style = theme.Reverse
		}
		p.text(theme.Accent, "["+sp.key+"]")
		p.to(p.x + 1)
		p.text(style, sp.word)
		if i == a.chosen && !a.timing {
			p.text(theme.Strong, "*") // reverse alone is not seen everywhere
		} else {
			p.to(p.x + 1)
		}
	}
	p.to(p.x + 1)
	p.text(theme.Accent, "[t]")
	if a.timing {
		p.say(" ")
		a.time.draw(p, 14, true)
	} else {
		p.say(" type a time")
	}
	room := p.x+cells(confirm)+3 <= p.w
	if room {
		p.to(p.w - 1 - cells(confirm))
		p.text(theme.Strong, confirm)
	}
	p.end()
	return room
}

func (a *ask) hints(*shell) []hint {
	switch {
	case a.noting:
		return []hint{{"enter", "note done", 0}, {"ctrl-u", "empty", 2}, {"esc", "no note", 1}}
	case a.timing:
		return []hint{{"enter", "time done: 30m, 2h, 1d, 14:00", 0}, {"esc", "back", 1}}
	case a.spans != nil:
		return []hint{{"y", string(a.verb), 0}, {"n", "note", 2}, {"t", "time", 3}, {"esc", "no", 0}}
	}
	return []hint{{"y", string(a.verb), 0}, {"n", "note", 2}, {"esc", "no", 0}}
}

func (a *ask) typed(s *shell, k tea.KeyPressMsg) tea.Cmd {
	key := k.String()
	switch {
	case a.noting:
		a.typedNote(key, k)
		return nil
	case a.timing:
		return a.typedTime(s, key, k)
	}
	for i, sp := range a.spans {
		if sp.key == key {
			a.chosen = i
			return nil
		}
	}
	switch key {
	case "y":
		return a.run(s)
	case "esc", "ctrl+c":
		s.panel = nil
		s.say("nothing was done")
	case "n", "tab":
		a.noting = true
	case "t":
		if a.deed.spans != nil {
			a.timing = true
			return nil
		}
		fallthrough
	default:
		s.say("y does it, esc does not")
	}
	return nil
}

func (a *ask) typedNote(key string, k tea.KeyPressMsg) {
	switch key {
	case "enter", "tab":
		a.noting = false
	case "esc", "ctrl+c":
		a.noting = false
		a.note = input{}
	default:
		a.note.typed(k)
	}
}

func (a *ask) typedTime(s *shell, key string, k tea.KeyPressMsg) tea.Cmd {
	switch key {
	case "enter", "tab":
		text := strings.TrimSpace(a.time.text())
		until, err := parseTime(text, s.now.In(s.loc))
		if err != nil {
			s.fail(err)
			return nil
		}
		a.timing = false
		a.spans = append(a.deed.spans[:len(a.deed.spans):len(a.deed.spans)],
			span{key: "t", word: "until " + until.Format("Mon 15:04"), at: func(time.Time) time.Time { return until }})
		a.chosen = len(a.spans) - 1
	case "esc", "ctrl+c":
		a.timing = false
	default:
		a.time.typed(k)
	}
	return nil
}

// pasted text goes into a note or a time, never into the choice.
func (a *ask) pasted(_ *shell, text string) tea.Cmd {
	switch {
	case a.noting:
		a.note.insert(text)
	case a.timing:
		a.time.insert(text)
	}
	return nil
}

// run does what was confirmed.
func (a *ask) run(s *shell) tea.Cmd {
	s.panel = nil
	if a.do != nil {
		return a.do(s, a.note.text())
	}
	action := uptime.Action{Verb: a.verb, Targets: a.targets, Note: a.note.text()}
	if a.spans != nil {
		action.Until = a.spans[a.chosen].until(s.now.In(s.loc)).UTC()
	}
	if c, ok := s.top().(chooser); ok {
		c.unmark()
	}
	return s.perform(action, a.done, reversal(a.verb, s.matching(a.targets)))
}

// perform asks the engine to act; doneMsg says what came of it.
func (s *shell) perform(a uptime.Action, done string, back []uptime.Action) tea.Cmd {
	s.undo = nil
	s.say(string(a.Verb) + " …")
	ctx, source := s.ctx, s.source
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, actTimeout)
		defer cancel()
		names, err := source.Act(ctx, a)
		return doneMsg{a.Verb, done, names, err, back}
	}
}
