package tui

import (
	"context"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
)

// Log is the end of an engine's log.
type Log struct {
	Where string // the file, for people
	Text  string // its last lines
}

// logPage shows the end of the engine's log, as it was when it was opened.
type logPage struct {
	*text
	toEnd bool // it was just read: the end is shown
}

type logMsg struct {
	log Log
	err error
}

func (s *shell) openLog(string) tea.Cmd {
	if _, ok := s.top().(*logPage); ok {
		return nil
	}
	l := &logPage{text: newText("LOG", "reading …", "", "")}
	cmd, read := s.open(l), s.log
	return tea.Batch(cmd, s.load(l, func(ctx context.Context) tea.Msg {
		log, err := read(ctx)
		return logMsg{log, err}
	}))
}

func (l *logPage) receive(_ *shell, m tea.Msg) tea.Cmd {
	msg, ok := m.(logMsg)
	if !ok {
		return nil
	}
	if msg.err != nil {
		l.text = newText("LOG", "", msg.err.Error()+"\n", "") // a sentence may be long: the body wraps it
		return nil
	}
	l.text = newText("LOG", msg.log.Where, msg.log.Text, "")
	l.foot = fmt.Sprintf("the last %s; what is newest is at the end", times(len(l.lines), "line"))
	l.toEnd = true
	return nil
}

// body wraps the lines: what matters in a line of a log is often at its end.
func (l *logPage) body(_ *shell, p *pen) {
	l.reset()
	for line := range strings.Lines(l.raw) {
		for i, part := range wrap(line, max(p.w-4, 8)) {
			l.add(func(p *pen) {
				p.to(1)
				if i > 0 {
					p.to(3)
				}
				p.say(part)
			})
		}
	}
	if l.toEnd {
		l.toEnd, l.top = false, len(l.lines)
	}
	l.draw(p)
}
