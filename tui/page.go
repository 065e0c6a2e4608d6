package tui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

// page is one screen. A page is a plain struct: it holds what it was opened
// for and where its cursor is, draws only the rows that are visible, and never
// waits. What takes time is a command made with shell.load, whose message comes
// back to receive of the same page.
//
// The shell draws the clock at the end of line 1, the last line (from keys)
// and whatever is open at the bottom: the filter, an action, the palette.
type page interface {
	title() string                       // of the screen in help: "monitors"
	keys() []binding                     // its own; they go before the shell's
	head(s *shell, p *pen)               // line 1, one line, without end()
	body(s *shell, p *pen)               // all below it, in p.left() lines at most, each ended
	status(s *shell, p *pen)             // the second last line, one line, without end()
	refresh(s *shell) tea.Cmd            // there is a new snapshot, or the page came to the front
	receive(s *shell, m tea.Msg) tea.Cmd // what a command of shell.load brought
}

// A page implements these where it can.
type (
	// chooser has rows of monitors to act on.
	chooser interface {
		current() string  // the monitor under the cursor; "": none
		marked() []string // those marked by space or *; nil: none
		unmark()          // after an action on them
	}
	// copier has something to copy: y takes copy(false), Y the whole row, e everything as text.
	copier interface {
		copy(s *shell, what copyWhat) string
	}
	// typist has an input with the focus: it gets every key and what is
	// pasted before the shell does, and says whether it took it.
	typist interface {
		typed(s *shell, k tea.KeyPressMsg) (tea.Cmd, bool)
		pasted(s *shell, text string) tea.Cmd
	}
	// stepper moves to the next (dir 1) or previous (-1) row that needs a
	// human, for n and N. Without it the shell goes through the overview's order
	// and opens the detail page of the next one.
	stepper interface {
		step(s *shell, dir int) tea.Cmd
	}
	// pointed has rows that can be clicked; y is the line on the screen, from 0.
	pointed interface {
		clicked(s *shell, y int) tea.Cmd
	}
	// filtered has rows that / narrows. The filter was parsed; q.text is as typed.
	filtered interface {
		filter(s *shell, q *query) tea.Cmd
		counts() (shown, all int)
	}
)

// copyWhat is how much of a page is copied.
type copyWhat uint8

const (
	copyCell copyWhat = iota // y: the name, the line
	copyRow                  // Y: the whole row or report
	copyAll                  // e: the page as text
)

// binding is a row of the key table: what help, the last line and the palette
// say, and what is run. Only what is in a table can be pressed.
type binding struct {
	keys  []string                           // as tea.Key names them ("ctrl+d", "space"); all are shown in help
	show  string                             // how people write them, where their own names won't do
	group group                              // its place in help; noGroup: not there (a second way to the same)
	help  string                             // what it does, short
	hint  string                             // its word in the last line; "": not there
	rank  uint8                              // which hints go first when there is no room: the largest; 0 stays
	verb  string                             // its word in the palette; "": not there
	off   func(s *shell) string              // why it does nothing now; "" or nil: it does
	run   func(s *shell, key string) tea.Cmd // key is the one of keys that was pressed
}

// group is a block of the help screen.
type group uint8

const (
	noGroup group = iota
	groupMove
	groupFind
	groupDo
	groupSee
	groupCopy
	groupScreens
	groupPast
)

// view is what a page may read while it draws or acts: the truth and its age,
// and how to write it.
type view struct {
	now  time.Time
	snap *uptime.Snapshot // nil before the first
	link uptime.Link
	lost bool          // nobody answers: nothing in snap is known to hold any more
	old  time.Duration // how old the truth is
	th   *theme.Theme
	loc  *time.Location // of the instance
	w, h int            // the screen

	past *past // the moment on the screen; nil: it is now

	embedded  bool // the engine is in this process
	ephemeral bool // lookout URL…: nothing is kept
	readOnly  bool
	source    Source
	version   string // of the engine; "": not known
}

// reply carries what a page's command brought back to it.
type reply struct {
	to  page
	msg tea.Msg
}

// load runs f off the screen and hands what it returns to receive of p. A
// page that was left in the meantime gets nothing.
func (s *shell) load(p page, f func(ctx context.Context) tea.Msg) tea.Cmd {
	ctx := s.ctx
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, loadTimeout)
		defer cancel()
		return reply{p, f(ctx)}
	}
}

// loadTimeout is how long a page waits for the engine before it says so.
const loadTimeout = 10 * time.Second
