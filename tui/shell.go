package tui

import (
	"context"

	tea "charm.land/bubbletea/v2"
)

// shell is the one Bubble Tea model: it owns the stack of pages, the truth
// that they draw, and what is open at the bottom of the screen. Update only
// routes.
type shell struct {
	view
	ctx   context.Context // of the console; ends the commands of its pages
	stack []page          // the last one is on the screen; the first is the overview
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

// say shows a sentence in the second last line, until the next key.
func (s *shell) say(text string) {}

// fail shows what went wrong, until the next key.
func (s *shell) fail(err error) {}

// clip puts text into the terminal's clipboard and shows it, to be selected
// by hand where the terminal does not take it.
func (s *shell) clip(text string) tea.Cmd { return tea.SetClipboard(text) }

// problem is the name of the next (dir 1) or previous (-1) monitor that needs
// a human, in the order of the overview, from the named one on; "": none.
func (s *shell) problem(from string, dir int) string { return "" }
