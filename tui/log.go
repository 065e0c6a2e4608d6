package tui

import (
	"context"
	"fmt"

	tea "charm.land/bubbletea/v2"
)

// Log is the end of an engine's log.
type Log struct {
	Where string // the file, for people
	Text  string // its last lines
}

// logPage shows the end of the engine's log, as it was when it was opened.
type logPage struct{ *text }

type logMsg struct {
	log Log
	err error
}

func (s *shell) openLog(string) tea.Cmd {
	if _, ok := s.top().(*logPage); ok {
		return nil
	}
	l := &logPage{newText("LOG", "reading …", "", "")}
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
		l.text = newText("LOG", "", "", msg.err.Error())
		return nil
	}
	l.text = newText("LOG", msg.log.Where, msg.log.Text, "")
	l.foot = fmt.Sprintf("the last %s; what is newest is at the end", times(len(l.lines), "line"))
	l.top = len(l.lines) // draw shows the end
	return nil
}
