package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
)

// FirstRun is what the guided first run needs of its caller. Nothing of it
// writes a file but Save, which is called for ctrl-s only.
type FirstRun struct {
	Path     string   // of the file that Save will write, for people
	Searched []string // where a configuration was looked for, for people

	// Wrong says why a line cannot be watched at all; nil: it can. It is asked
	// with every key, so it looks at the text and at nothing else.
	Wrong func(line string) error
	// Other says what else a line may have meant; nil: nothing.
	Other func(line string) *FirstOther
	// Check tries what a person typed in one line, within ctx. The error says
	// why the line cannot be watched at all; a check that fails is no error.
	Check func(ctx context.Context, line string) (FirstCheck, error)
	// Preview returns the file that Save would write.
	Preview func(lines []string, interval time.Duration) (string, error)
	// Save writes the file and returns its path. A console without a source
	// then ends with LeaveSaved, and the caller starts what the file says; with
	// one it goes on, and Save has told the engine.
	Save func(lines []string, interval time.Duration) (path string, err error)
}

// FirstCheck is what became of one line.
type FirstCheck struct {
	Name string // of the monitor that it makes
	URL  string // that is checked
	OK   bool
	Text string // what was found: "200 in 184 ms, certificate 43 days"
}

// FirstOther is a doubt about a line: a bare name is watched as a website, and
// ns1.example.net is more likely something else.
type FirstOther struct {
	Looks string // "a name server"
	DNS   string // the line for ctrl-y; "": none
	ICMP  string // the line for ctrl-o
}

const (
	firstAtOnce = 8      // checks at the same time, so that a long paste is no burst
	firstLines  = 10_000 // more belong into a file
	firstEvery  = "60s"
)

// firstRun is the page of an empty directory: type or paste what to watch, see
// at once whether it answers, save, and it is being watched.
type firstRun struct {
	with  FirstRun
	lines []input
	at    int // the line with the cursor
	top   int // the first line on the screen
	every input
	field int // what has the focus: fieldLines, fieldEvery

	found   map[string]firstFound // by line, once the cursor has left it
	typing  firstTyped            // the line with the cursor
	queue   []string
	running int
	saving  bool
}

const (
	fieldLines = iota
	fieldEvery
	fields
)

// firstFound is what is known of a line. The zero value is a check under way.
type firstFound struct {
	done  bool
	check FirstCheck
	err   error
}

// firstTyped is what a line that is being typed is found to be.
type firstTyped struct {
	line  string
	wrong error
}

type (
	firstCheckMsg struct {
		line  string
		check FirstCheck
		err   error
	}
	firstPreviewMsg struct {
		text string
		err  error
	}
	firstSaveMsg struct {
		path string
		n    int
		err  error
	}
)

func newFirstRun(with FirstRun) *firstRun {
	f := &firstRun{with: with, lines: make([]input, 1), found: map[string]firstFound{}}
	f.every.set(firstEvery)
	return f
}

func (f *firstRun) title() string            { return "first run" }
func (f *firstRun) refresh(s *shell) tea.Cmd { return nil }

func (f *firstRun) keys() []binding {
	none := func(*shell, string) tea.Cmd { return nil }
	return []binding{
		{keys: []string{"ctrl+s"}, show: "ctrl-s", group: groupDo, help: "save and start", hint: "save and start", verb: "save and start", run: f.save},
		{keys: []string{"tab"}, group: groupMove, help: "next field", hint: "next field", rank: 1, run: f.nextField},
		{keys: []string{"ctrl+p"}, show: "ctrl-p", group: groupSee, help: "preview the file", hint: "preview", rank: 2, verb: "preview the file", run: f.preview},
		{keys: []string{"ctrl+y"}, show: "ctrl-y", group: groupDo, help: "watch it as dns", run: f.instead},
		{keys: []string{"ctrl+o"}, show: "ctrl-o", group: groupDo, help: "watch it as icmp", run: f.instead},
		{keys: []string{"?"}, group: groupScreens, help: "this help, on an empty line", hint: "help", run: func(s *shell, _ string) tea.Cmd { return s.openHelp("") }},
		// These are typed; they are here for help.
		{keys: []string{"enter"}, group: groupMove, help: "check the line, begin the next", run: none},
		{keys: []string{"up", "down"}, group: groupMove, help: "line", run: none},
	}
}

// typed edits; what is not for editing goes to the key table.
func (f *firstRun) typed(s *shell, k tea.KeyPressMsg) (tea.Cmd, bool) {
	key := k.String()
	if f.field == fieldEvery {
		if key == "enter" || key == "up" || key == "down" {
			return f.nextField(s, key), true
		}
		return nil, f.every.typed(k)
	}
	line := &f.lines[f.at]
	if len(line.runes) == 0 && (key == "?" || key == ":") {
		return nil, false // no address begins like this: help, and the palette
	}
	switch key {
	case "enter":
		rest := append([]rune{}, line.runes[line.at:]...)
		line.runes = line.runes[:line.at]
		if len(f.lines) >= firstLines {
			return nil, true
		}
		f.lines = slices.Insert(f.lines, f.at+1, input{runes: rest})
		return f.goTo(s, f.at+1), true
	case "up":
		return f.goTo(s, f.at-1), true
	case "down":
		return f.goTo(s, f.at+1), true
	case "pgup":
		return f.goTo(s, f.at-10), true
	case "pgdown":
		return f.goTo(s, f.at+10), true
	case "backspace":
		if line.at == 0 {
			f.join(f.at)
			return nil, true
		}
	case "delete":
		if line.at == len(line.runes) {
			f.join(f.at + 1)
			return nil, true
		}
	}
	return nil, line.typed(k)
}

// join appends a line to the one before it.
func (f *firstRun) join(i int) {
	if i < 1 || i >= len(f.lines) {
		return
	}
	before, rest := &f.lines[i-1], f.lines[i].runes
	before.at = len(before.runes)
	before.runes = append(before.runes, rest...)
	f.lines = slices.Delete(f.lines, i, i+1)
	f.at = i - 1
}

// pasted takes any number of lines.
func (f *firstRun) pasted(s *shell, text string) tea.Cmd {
	if f.field == fieldEvery {
		f.every.insert(strings.TrimSpace(text))
		return nil
	}
	var cmds []tea.Cmd
	for i, l := range strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if i > 0 {
			if len(f.lines) >= firstLines {
				s.say(fmt.Sprintf("only the first %d lines were taken; write more into a file", firstLines))
				break
			}
			f.lines = slices.Insert(f.lines, f.at+1, input{})
			f.at++
		}
		f.lines[f.at].insert(strings.TrimSpace(l))
		cmds = append(cmds, f.check(s, f.at))
	}
	return tea.Batch(cmds...)
}

// goTo moves to a line; the one that is left is complete, and checked.
func (f *firstRun) goTo(s *shell, i int) tea.Cmd {
	cmd := f.check(s, f.at)
	f.at = min(max(i, 0), len(f.lines)-1)
	return cmd
}

func (f *firstRun) nextField(s *shell, _ string) tea.Cmd {
	f.field = (f.field + 1) % fields
	return f.check(s, f.at)
}

func (f *firstRun) preview(s *shell, _ string) tea.Cmd {
	lines, every, err := f.complete()
	if err != nil {
		s.fail(err)
		return nil
	}
	preview := f.with.Preview
	return s.load(f, func(context.Context) tea.Msg {
		text, err := preview(lines, every)
		return firstPreviewMsg{text, err}
	})
}

func (f *firstRun) save(s *shell, _ string) tea.Cmd {
	lines, every, err := f.complete()
	if err != nil {
		s.fail(err)
		return nil
	}
	if f.saving {
		return nil
	}
	f.saving = true
	save := f.with.Save
	return s.load(f, func(context.Context) tea.Msg {
		path, err := save(lines, every)
		return firstSaveMsg{path, len(lines), err}
	})
}

func (f *firstRun) receive(s *shell, m tea.Msg) tea.Cmd {
	switch m := m.(type) {
	case firstCheckMsg:
		f.running--
		f.found[m.line] = firstFound{true, m.check, m.err}
		return f.next(s)
	case firstPreviewMsg:
		if m.err != nil {
			s.fail(m.err)
			return nil
		}
		return s.open(newText("PREVIEW", f.with.Path, m.text, "nothing is written yet; esc goes back, ctrl-s there writes it"))
	case firstSaveMsg:
		f.saving = false
		if m.err != nil {
			s.fail(m.err)
			return nil
		}
		return s.saved(fmt.Sprintf("saved %s: %s; checking starts", m.path, times(m.n, "monitor")))
	}
	return nil
}
