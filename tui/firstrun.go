package tui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"lookout/engine/uptime"
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

// doubted is the line that ctrl-y and ctrl-o are about: the one with the
// cursor, or the one above an empty one.
func (f *firstRun) doubted() (int, *FirstOther) {
	i := f.at
	if i > 0 && lineOf(&f.lines[i]) == "" {
		i--
	}
	line := lineOf(&f.lines[i])
	if line == "" || f.with.Other == nil || f.field != fieldLines {
		return i, nil
	}
	return i, f.with.Other(line)
}

// instead takes the line for what it may have meant.
func (f *firstRun) instead(s *shell, key string) tea.Cmd {
	i, other := f.doubted()
	line := ""
	if other != nil {
		line = other.DNS
		if key == "ctrl+o" {
			line = other.ICMP
		}
	}
	if line == "" {
		s.say("this line can mean one thing only")
		return nil
	}
	f.lines[i].set(line)
	return f.check(s, i)
}

// wrong says why a line cannot be watched, the one that is being typed too.
func (f *firstRun) wrong(line string) error {
	if found, ok := f.found[line]; ok {
		return found.err
	}
	if line != f.typing.line {
		f.typing = firstTyped{line: line}
		if f.with.Wrong != nil && line != "" {
			f.typing.wrong = f.with.Wrong(line)
		}
	}
	return f.typing.wrong
}

// check tries a line that has not been tried as it stands.
func (f *firstRun) check(s *shell, i int) tea.Cmd {
	line := lineOf(&f.lines[i])
	if _, ok := f.found[line]; ok || line == "" {
		return nil
	}
	if err := f.wrong(line); err != nil {
		f.found[line] = firstFound{done: true, err: err}
		return nil
	}
	f.found[line] = firstFound{}
	f.queue = append(f.queue, line)
	return f.next(s)
}

// next starts what waits, as many as may run at once.
func (f *firstRun) next(s *shell) tea.Cmd {
	var cmds []tea.Cmd
	for len(f.queue) > 0 && f.running < firstAtOnce {
		line, check := f.queue[0], f.with.Check
		f.queue = f.queue[1:]
		f.running++
		cmds = append(cmds, s.load(f, func(ctx context.Context) tea.Msg {
			got, err := check(ctx, line)
			return firstCheckMsg{line, got, err}
		}))
	}
	return tea.Batch(cmds...)
}

func lineOf(in *input) string { return strings.TrimSpace(in.text()) }

// wanted is the lines that can be watched, each target once, and how many cannot.
func (f *firstRun) wanted() (lines []string, wrong int) {
	seen := map[string]bool{}
	for i := range f.lines {
		l := lineOf(&f.lines[i])
		if l == "" || seen[l] {
			continue
		}
		seen[l] = true
		if f.wrong(l) != nil {
			wrong++
			continue
		}
		if url := f.found[l].check.URL; url != "" && url != l {
			if seen[url] {
				continue
			}
			seen[url] = true
		}
		lines = append(lines, l)
	}
	return lines, wrong
}

// interval is what was typed as one.
func (f *firstRun) interval() (time.Duration, error) {
	every, err := uptime.ParseDuration(f.every.text())
	if err == nil && every < time.Second {
		err = errors.New("the shortest interval is 1s")
	}
	return every, err
}

// complete is what would be saved, or why it cannot be; the cursor is then
// where it has to be mended.
func (f *firstRun) complete() ([]string, time.Duration, error) {
	lines, wrong := f.wanted()
	if wrong > 0 {
		for i := range f.lines {
			if l := lineOf(&f.lines[i]); l != "" && f.wrong(l) != nil {
				f.at, f.field = i, fieldLines
				return nil, 0, fmt.Errorf("%s: %w", l, f.wrong(l))
			}
		}
	}
	if len(lines) == 0 {
		return nil, 0, errors.New("type or paste at least one address first")
	}
	every, err := f.interval()
	if err != nil {
		f.field = fieldEvery
		return nil, 0, fmt.Errorf("every: %w", err)
	}
	return lines, every, nil
}

// file is what would be written; "" where that is not known, or where there is
// too much of it to make it anew for every screen.
func (f *firstRun) file(lines []string) string {
	every, err := f.interval()
	if err != nil || len(lines) == 0 || len(lines) > 200 {
		return ""
	}
	text, err := f.with.Preview(lines, every)
	if err != nil {
		return ""
	}
	return text
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
