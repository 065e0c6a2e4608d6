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

// nothing is the source of a console that has none: the first run alone.
type nothing struct{}

func (nothing) Snapshot() *uptime.Snapshot { return nil }
func (nothing) Link() uptime.Link          { return uptime.Link{} }
func (nothing) Detail(context.Context, string, time.Duration) (*uptime.Detail, error) {
	return nil, uptime.ErrNoEngine
}
func (nothing) Events(context.Context, uptime.EventQuery) ([]uptime.Event, error) {
	return nil, uptime.ErrNoEngine
}
func (nothing) Incidents(context.Context, uptime.IncidentQuery) ([]uptime.Incident, error) {
	return nil, uptime.ErrNoEngine
}
func (nothing) Act(context.Context, uptime.Action) ([]string, error) { return nil, uptime.ErrNoEngine }
func (nothing) Exclude(context.Context, string, string) error        { return uptime.ErrNoEngine }
func (nothing) Include(context.Context, string, string) error        { return uptime.ErrNoEngine }
func (nothing) Reload(context.Context) (string, error)               { return "", uptime.ErrNoEngine }
func (nothing) Stop(context.Context) error                           { return uptime.ErrNoEngine }

// quit leaves at once where nothing is lost by it, and asks where the engine
// would stop.
func (s *shell) quit() tea.Cmd {
	_, alone := s.source.(nothing)
	switch {
	case alone || !s.embedded:
		return s.leave(LeaveQuit)
	case s.ephemeral:
		return s.leave(LeaveStop)
	}
	return s.openPanel(&leaveLine{})
}

// leaveLine asks what becomes of the engine in this process.
type leaveLine struct{}

func (*leaveLine) lines(*shell) int { return 1 }

func (*leaveLine) draw(_ *shell, p *pen) {
	if p.w > 20 {
		p.to(1)
	}
	switch {
	case p.w >= 76:
		p.text(theme.Strong, "engine runs in here:")
		p.say("  ")
		drawChoice(p, "s", "stop checking")
		drawChoice(p, "b", "keep checking in the background")
	case p.w >= 40:
		drawChoice(p, "s", "stop checking")
		drawChoice(p, "b", "background")
	default:
		drawChoice(p, "s", "stop")
		drawChoice(p, "b", "backgr")
	}
	p.end()
}

func drawChoice(p *pen, key, word string) {
	p.text(theme.Accent, "["+key+"]")
	p.say(" ", word, "  ")
}

func (*leaveLine) hints(*shell) []hint {
	return []hint{{"s", "stop", 1}, {"b", "background", 2}, {"esc", "stay", 0}}
}

func (*leaveLine) typed(s *shell, k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "s":
		return s.leave(LeaveStop)
	case "b":
		return s.leave(LeaveBackground)
	case "esc":
		s.panel = nil
		s.say("checking goes on")
	}
	return nil
}

func (*leaveLine) pasted(*shell, string) tea.Cmd { return nil }

// stopLine stops an engine: it asks for the name of its instance.
type stopLine struct{ in input }

func (*stopLine) lines(s *shell) int { return 1 }

func (l *stopLine) draw(s *shell, p *pen) {
	p.to(1)
	question := "stop the engine and all its checks: type its name, " + s.name() + ": "
	if cells(question)+12 > p.w {
		question = "type " + s.name() + " to stop: "
	}
	p.cell(theme.Strong, question, min(cells(question), max(p.w-10, 4)))
	l.in.draw(p, p.w-p.x, true)
	p.end()
}

func (*stopLine) hints(*shell) []hint {
	return []hint{{"enter", "stop, if the name is right", 0}, {"esc", "no", 0}}
}

func (l *stopLine) typed(s *shell, k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "esc", "ctrl+c":
		s.panel = nil
		s.say("nothing was done")
	case "enter":
		s.panel = nil
		if strings.TrimSpace(l.in.text()) != s.name() {
			s.say("that is not its name: nothing was done")
			return nil
		}
		return s.stop()
	default:
		l.in.typed(k)
	}
	return nil
}

func (*stopLine) pasted(s *shell, _ string) tea.Cmd {
	s.say("the name has to be typed")
	return nil
}

// stop ends the engine: this process's by leaving, another one by asking it.
func (s *shell) stop() tea.Cmd {
	if s.embedded {
		return s.leave(LeaveStop)
	}
	s.say("stopping …")
	ctx, source := s.ctx, s.source
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, actTimeout)
		defer cancel()
		if err := source.Stop(ctx); err != nil {
			return saidMsg{err: fmt.Errorf("stop the engine: %w", err)}
		}
		return saidMsg{text: "the engine stops; q leaves"}
	}
}

func (s *shell) reload() tea.Cmd {
	s.say("reading the configuration …")
	ctx, source := s.ctx, s.source
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, actTimeout)
		defer cancel()
		text, err := source.Reload(ctx)
		if err != nil {
			return saidMsg{err: fmt.Errorf("reload: %w", err)}
		}
		return saidMsg{text: "reload ok: " + text}
	}
}

// name is the instance's.
func (s *shell) name() string {
	if s.snap != nil && s.snap.Instance != "" {
		return s.snap.Instance
	}
	if s.instance != "" {
		return s.instance
	}
	return "lookout"
}

// saved goes on after the first run wrote a file: to the overview, or out of
// a console that has nothing to show.
func (s *shell) saved(what string) tea.Cmd {
	if _, alone := s.source.(nothing); alone {
		return s.leave(LeaveSaved)
	}
	cmd := s.back()
	s.say(what)
	return cmd
}
