package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"lookout/engine/uptime"
)

// bindings is the key table of the shell: what works on every page.
func (s *shell) bindings() []binding {
	out := []binding{{keys: []string{"n", "N"}, group: groupFind, help: "next problem", hint: "next problem", rank: 1, verb: "next problem", run: (*shell).step}}
	out = append(out, doKeys()...)
	out = append(out, s.seeKeys()...)
	out = append(out, copyKeys()...)
	out = append(out, screenKeys()...)
	out = append(out, pastKeys()...)
	return append(out,
		binding{keys: []string{"esc"}, group: groupMove, help: "back", hint: "back", rank: 2, run: func(s *shell, _ string) tea.Cmd { return s.back() }},
		binding{keys: []string{":"}, group: groupFind, help: "any verb", hint: "cmd", rank: 5,
			run: func(s *shell, _ string) tea.Cmd { return s.openPanel(newPalette(s)) }},
		binding{keys: []string{"?"}, group: groupScreens, help: "this help", hint: "help", run: func(s *shell, _ string) tea.Cmd { return s.openHelp("") }})
}

// doKeys act on monitors, after a question.
func doKeys() []binding {
	off := func(s *shell) string {
		switch {
		case s.readOnly || s.link.ReadOnly:
			return "this console may only look"
		case s.past != nil:
			return "this is the past; esc goes back to now"
		case s.lost:
			return "the engine does not answer"
		case len(s.targets()) == 0:
			return "there is no monitor here to act on"
		}
		return ""
	}
	act := func(v uptime.Verb) func(*shell, string) tea.Cmd {
		return func(s *shell, _ string) tea.Cmd { return s.act(v) }
	}
	return []binding{
		{keys: []string{"a"}, group: groupDo, help: "acknowledge", hint: "ack", rank: 2, verb: "ack", off: off, run: act(uptime.VerbAck)},
		{keys: []string{"p"}, group: groupDo, help: "pause, resume", hint: "pause", rank: 3, verb: "pause", off: off, run: act(uptime.VerbPause)},
		{keys: []string{"m"}, group: groupDo, help: "maintenance", hint: "maint", rank: 7, verb: "maintain", off: off, run: act(uptime.VerbMaintain)},
		{keys: []string{"c"}, group: groupDo, help: "check now", hint: "check now", rank: 5, verb: "check", off: off, run: act(uptime.VerbCheck)},
		{keys: []string{"u"}, group: groupDo, help: "undo, for 10 s", verb: "undo", run: func(s *shell, _ string) tea.Cmd { return s.takeBack() }},
	}
}

// seeKeys are about the screen and its engine. Those that can never do anything
// on this source are not there.
func (s *shell) seeKeys() []binding {
	out := []binding{
		{keys: []string{"f"}, group: groupSee, help: "freeze screen", verb: "freeze", run: (*shell).freeze},
		{keys: []string{"ctrl+l"}, group: groupSee, help: "redraw", verb: "redraw", run: func(*shell, string) tea.Cmd { return tea.ClearScreen }},
	}
	if again, ok := s.source.(retrier); ok {
		out = append(out, binding{keys: []string{"r"}, group: groupSee, help: "reconnect now", verb: "reconnect", off: func(s *shell) string {
			if !s.lost {
				return "the engine answers"
			}
			return ""
		}, run: func(s *shell, _ string) tea.Cmd {
			again.Retry()
			return s.pull()
		}})
	}
	if s.log != nil {
		out = append(out, binding{keys: []string{"l"}, group: groupSee, help: "last log lines", verb: "log", run: (*shell).openLog})
	}
	return append(out, binding{keys: []string{"ctrl+z"}, group: groupSee, help: "suspend", verb: "suspend", run: func(*shell, string) tea.Cmd { return tea.Suspend },
		off: func(s *shell) string {
			if s.embedded {
				return "the engine runs in here and would stop; q b keeps it in the background"
			}
			return ""
		}})
}

// copyKeys take something away.
func copyKeys() []binding {
	off := func(s *shell) string {
		if _, ok := s.subject().(copier); !ok {
			return "there is nothing to copy here"
		}
		return ""
	}
	clip := func(what copyWhat) func(*shell, string) tea.Cmd {
		return func(s *shell, _ string) tea.Cmd { return s.clip(s.subject().(copier).copy(s, what)) }
	}
	return []binding{
		{keys: []string{"y"}, group: groupCopy, help: "copy (OSC 52)", hint: "copy", rank: 9, verb: "copy", off: off, run: clip(copyCell)},
		{keys: []string{"Y"}, group: groupCopy, help: "copy the row", verb: "copy row", off: off, run: clip(copyRow)},
		{keys: []string{"e"}, group: groupCopy, help: "copy all as text", verb: "copy all", off: off, run: clip(copyAll)},
	}
}

// screenKeys open pages, and leave.
func screenKeys() []binding {
	out := []binding{{keys: []string{"M"}, group: groupScreens, help: "monitors", verb: "monitors", run: func(s *shell, _ string) tea.Cmd { return s.homeward() }}}
	for _, sc := range screens() {
		out = append(out, binding{keys: []string{sc.key}, group: groupScreens, help: sc.name, verb: sc.name,
			run: func(s *shell, _ string) tea.Cmd { return s.goTo(sc) }})
	}
	return append(out, binding{keys: []string{"q", "ctrl+c"}, group: groupScreens, help: "leave", verb: "quit", run: func(s *shell, _ string) tea.Cmd { return s.quit() }})
}

// step goes to the next row that needs a human: on the page, if it can, else
// in the overview's order.
func (s *shell) step(key string) tea.Cmd {
	dir := 1
	if key == "N" {
		dir = -1
	}
	if p, ok := s.top().(stepper); ok {
		return p.step(s, dir)
	}
	name := s.problem("", dir)
	if name == "" {
		s.say("nothing needs you")
		return nil
	}
	return s.open(newDetail(name))
}

// homeward closes all pages but the overview.
func (s *shell) homeward() tea.Cmd {
	s.stack = s.stack[:1]
	return s.home.refresh(s)
}

// goTo opens a screen beside the overview; a second time it is the same one.
func (s *shell) goTo(sc screen) tea.Cmd {
	s.stack = s.stack[:1]
	return s.open(sc.open(s))
}

// freeze stops the screen, or lets it go on.
func (s *shell) freeze(string) tea.Cmd {
	if s.frozen.IsZero() {
		s.frozen = s.now
		s.say("frozen: what is on the screen stands still, checks go on; f lets it go")
		return nil
	}
	s.frozen = time.Time{}
	return s.pull()
}
