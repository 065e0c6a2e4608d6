package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

const (
	pullEvery    = 250 * time.Millisecond // how often the console looks at its source
	firstPull    = 5 * time.Millisecond   // the same before the first snapshot: people wait for it
	staleAfter   = 3 * time.Second        // an embedded engine that says nothing for so long is lost
	messageFor   = 10 * time.Second
	undoFor      = 10 * time.Second
	bellEvery    = time.Minute
	rowsASecond  = 20 // how many rows get new ages in one second: what a screen costs at rest
	actTimeout   = 10 * time.Second
	clipMax      = 74_000 // bytes: as base64 it is what tmux and xterm take
	smallestFull = 6      // lines from which there is room for the state of lookout
)

// shell is the one Bubble Tea model: it owns the stack of pages, the truth
// that they draw, and what is open at the bottom of the screen. Update only
// routes.
type shell struct {
	view
	ctx      context.Context // of the console; ends the commands of its pages
	clock    func() time.Time
	own      []binding // the shell's key table
	stack    []page    // the last one is on the screen; the first is the overview
	home     *overview
	first    *firstRun // the guided first run; nil: there is a configuration
	panel    panel     // what is open at the bottom; nil: nothing
	message  message
	undo     *undo
	bell     bell
	ringer   ringer
	dumb     bool // the terminal takes no OSC sequences
	leaving  Leave
	instance string // shown until a snapshot names it
	mouse    bool
	frozen   time.Time // since when the screen stands still; zero: it does not
	views    []View    // saved filters, 1 to 9
	history  []string  // of the filter, newest last
	save     func([]View) error
	log      func(ctx context.Context) (Log, error)

	rowTime time.Time // the clock of the rows, in coarser steps than now
	pen     pen
	dirty   bool // what is on the screen is not what View would draw
	drawn   tea.View
}

// panel is something open at the bottom of the screen, above the last line.
// It gets every key until it closes.
type panel interface {
	lines(s *shell) int // how many it takes, the second last line included
	draw(s *shell, p *pen)
	hints(s *shell) []hint
	typed(s *shell, k tea.KeyPressMsg) tea.Cmd
	pasted(s *shell, text string) tea.Cmd // ignored outside inputs
}

// message is a sentence in the second last line.
type message struct {
	text  string
	style theme.Style
	until time.Time
}

type (
	tickMsg time.Time // time to look at the source
	doneMsg struct {  // an action ended
		verb  uptime.Verb
		done  string // what the monitors are now: "acknowledged"
		names []string
		err   error
		back  []uptime.Action
	}
	saidMsg struct { // a command of the shell has something to say
		text string
		err  error
		undo *undo // takes it back; nil: nothing does
	}
)

// Init asks for the background and starts the tick.
func (s *shell) Init() tea.Cmd {
	cmds := []tea.Cmd{s.pull(), s.tick()}
	if s.th.Depth == theme.Many {
		cmds = append(cmds, tea.RequestBackgroundColor)
	}
	return tea.Batch(cmds...)
}

func (s *shell) tick() tea.Cmd {
	every := pullEvery
	if s.snap == nil && s.link.Lost.IsZero() {
		every = firstPull
	}
	return tea.Tick(every, func(t time.Time) tea.Msg { return tickMsg(t) })
}

// Update routes a message to whoever it is for.
func (s *shell) Update(m tea.Msg) (tea.Model, tea.Cmd) {
	switch m := m.(type) {
	case tickMsg:
		cmd := s.pull()
		return s, tea.Batch(cmd, s.tick())
	case tea.KeyPressMsg:
		s.dirty = true
		cmd := s.pull()
		return s, tea.Batch(cmd, s.typed(m))
	case tea.PasteMsg:
		s.dirty = true
		return s, s.pasted(m.Content)
	case tea.WindowSizeMsg:
		if m.Width != s.w || m.Height != s.h {
			s.w, s.h, s.dirty = m.Width, m.Height, true
		}
	case tea.FocusMsg:
		s.bell.focused, s.ringer.can, s.ringer.away = true, true, false
		s.ringer.looked(s)
	case tea.BlurMsg:
		s.bell.focused, s.ringer.can, s.ringer.away = false, true, true
	case tea.BackgroundColorMsg:
		if light := !m.IsDark(); light != s.th.Light {
			s.th = theme.New(s.th.Depth, light, s.th.ASCII)
			s.dirty = true
		}
	case tea.MouseMsg:
		s.dirty, s.home.held = true, true
		return s, s.clicked(m)
	case reply:
		s.dirty = true
		if slices.Contains(s.stack, m.to) || s.first != nil && m.to == page(s.first) { // enter may bring that one back
			return s, m.to.receive(s, m.msg)
		}
	case doneMsg:
		s.dirty = true
		s.acted(m)
	case saidMsg:
		s.dirty = true
		if m.err != nil {
			s.fail(m.err)
		} else {
			s.say(m.text)
			s.offer(m.undo)
		}
	case rangMsg:
		return s, s.ringer.heard(s, m, s.source.Snapshot(), s.clock())
	case pastMsg:
		s.dirty = true
		return s, s.went(m)
	case tea.ResumeMsg:
		s.dirty = true
	}
	return s, nil
}

// clicked is the mouse: a click selects, the wheel moves. A line that asks is
// left alone.
func (s *shell) clicked(m tea.MouseMsg) tea.Cmd {
	if s.panel != nil {
		return nil
	}
	switch m := m.(type) {
	case tea.MouseClickMsg:
		if p, ok := s.top().(pointed); ok && m.Button == tea.MouseLeft {
			return p.clicked(s, m.Y)
		}
	case tea.MouseWheelMsg:
		if m.Button == tea.MouseWheelUp {
			return s.press("up")
		}
		return s.press("down")
	}
	return nil
}

// pull looks at the source. The pages hear of a new snapshot, and the screen
// is drawn again only if something on it changed.
func (s *shell) pull() tea.Cmd {
	now := s.clock()
	if s.frozen.IsZero() {
		if step := s.rowStep(); !now.Truncate(step).Equal(s.rowTime) {
			s.rowTime, s.dirty = now.Truncate(step), true
		}
	}
	if s.past == nil && now.Minute() != s.now.Minute() || !s.message.until.IsZero() && now.After(s.message.until) ||
		s.undo != nil && now.After(s.undo.until) || !s.frozen.IsZero() && now.Second() != s.now.Second() {
		s.dirty = true
	}
	if s.now = now; s.past != nil {
		s.now = s.past.at
	}
	if !s.message.until.IsZero() && now.After(s.message.until) {
		s.message = message{}
	}
	if s.undo != nil && now.After(s.undo.until) {
		s.undo = nil
	}
	if now.After(s.ringer.until) {
		s.ringer.looked(s)
	}
	link, snap := s.source.Link(), s.source.Snapshot()
	if link != s.link {
		s.link, s.dirty = link, true
	}
	var cmds []tea.Cmd
	fresh := snap != nil && (s.snap == nil || snap.Seq != s.snap.Seq || !snap.Time.Equal(s.snap.Time))
	if fresh {
		cmds = append(cmds, s.bell.ring(snap, now), s.ringer.listen(s, snap))
	}
	if fresh && s.frozen.IsZero() && s.past == nil {
		s.snap, s.dirty = snap, true
		s.loc = location(snap, s.loc)
		cmds = append(cmds, s.home.refresh(s))
		if top := s.top(); top != page(s.home) {
			cmds = append(cmds, top.refresh(s))
		}
	}
	s.old = 0
	if snap != nil {
		s.old = max(now.Sub(snap.Time), 0)
	}
	lost := !link.Lost.IsZero() || s.embedded && snap != nil && s.old > staleAfter
	if lost != s.lost || lost && now.Second() != s.rowTime.Second() {
		s.lost, s.dirty = lost, true
	}
	return tea.Batch(cmds...)
}

// rowStep is how coarse the ages in rows are: the more rows, the coarser, so
// that a screen at rest costs the same on any terminal.
func (s *shell) rowStep() time.Duration {
	return time.Duration(max(1, (s.h-4+rowsASecond-1)/rowsASecond)) * time.Second
}

func location(snap *uptime.Snapshot, def *time.Location) *time.Location {
	if snap.Timezone == "" || def != nil && def.String() == snap.Timezone {
		return def
	}
	if loc, err := time.LoadLocation(snap.Timezone); err == nil {
		return loc
	}
	return def
}

// typed routes a key: to the panel, to a page with an input, to the tables.
func (s *shell) typed(k tea.KeyPressMsg) tea.Cmd {
	s.message = message{}
	s.ringer.looked(s)
	s.home.held = true
	if s.panel != nil {
		return s.panel.typed(s, k)
	}
	if t, ok := s.top().(typist); ok {
		if cmd, took := t.typed(s, k); took {
			return cmd
		}
	}
	return s.press(k.String())
}

func (s *shell) pasted(text string) tea.Cmd {
	if s.panel != nil {
		return s.panel.pasted(s, text)
	}
	if t, ok := s.top().(typist); ok {
		return t.pasted(s, text)
	}
	s.say("pasted text is ignored here")
	return nil
}

// open puts a page on top.
func (s *shell) open(p page) tea.Cmd {
	s.stack = append(s.stack, p)
	return p.refresh(s)
}

// back takes the top page off; the first stays.
func (s *shell) back() tea.Cmd {
	if len(s.stack) > 1 {
		s.stack = s.stack[:len(s.stack)-1]
		return s.top().refresh(s)
	}
	return nil
}

// top is the page on the screen.
func (s *shell) top() page { return s.stack[len(s.stack)-1] }

// subject is the page that keys are about: the one on the screen, or the one
// that help is about.
func (s *shell) subject() page {
	if h, ok := s.top().(*helpPage); ok {
		return h.about
	}
	return s.top()
}

// say shows a sentence in the second last line, until the next key.
func (s *shell) say(text string) { s.note(text, theme.Strong) }

// fail shows what went wrong, until the next key.
func (s *shell) fail(err error) { s.note(err.Error(), theme.Warn) }

func (s *shell) note(text string, st theme.Style) {
	s.message, s.dirty = message{uptime.Clean(text, 400), st, s.clock().Add(messageFor)}, true
}

// clip puts text into the terminal's clipboard and shows it, to be selected
// by hand where the terminal does not take it.
func (s *shell) clip(text string) tea.Cmd {
	if text == "" {
		s.say("there is nothing to copy")
		return nil
	}
	n := strings.Count(text, "\n")
	if len(text) > clipMax {
		s.say(fmt.Sprintf("%s lines, %s: more than terminals take; / filters, or lookout status --output FILE", group3(n), size3(int64(len(text)))))
		return nil
	}
	if n > 0 {
		s.say(fmt.Sprintf("copied %d lines", n))
	} else {
		s.say("copied  " + text)
	}
	return tea.SetClipboard(text)
}

// problem is the name of the next (dir 1) or previous (-1) monitor that needs
// a human, in the order of the overview, from the named one on; "": none.
func (s *shell) problem(from string, dir int) string { return s.home.problem(from, dir) }

// leave ends the console and says what the person chose.
func (s *shell) leave(l Leave) tea.Cmd {
	s.leaving = l
	return tea.Quit
}
