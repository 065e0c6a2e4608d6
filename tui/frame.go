package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

// View draws the screen, if anything on it changed since the last time.
func (s *shell) View() tea.View {
	if !s.dirty {
		return s.drawn
	}
	s.dirty = false
	v := tea.NewView(s.render())
	v.AltScreen, v.ReportFocus = true, true
	if !s.dumb {
		v.WindowTitle = s.windowTitle()
	}
	if s.mouse {
		v.MouseMode = tea.MouseModeCellMotion
	}
	s.drawn = v
	return v
}

// render writes all lines: the page's, the panel's, the state, the keys.
func (s *shell) render() string {
	p := &s.pen
	p.reset(s.th, s.w, s.h)
	if p.w == 0 || p.h == 0 {
		return ""
	}
	top := s.top()
	s.drawHead(p, top)
	p.end()
	keys, state := 0, 0
	if p.h > 2 {
		keys = 1
	}
	if p.h >= smallestFull {
		state = 1
	}
	if s.panel != nil {
		state = min(max(s.panel.lines(s), 1), max(p.h-1-keys, 0))
	} else if s.message.text != "" && state == 0 {
		state = min(1, p.h-1-keys) // a small screen still says what a key did
	}
	p.h -= keys + state
	s.drawBanner(p)
	top.body(s, p)
	p.blank(0)
	p.h += state
	switch {
	case state == 0:
	case s.panel != nil:
		s.panel.draw(s, p)
	default:
		s.drawState(p)
	}
	p.blank(0)
	if keys > 0 {
		p.h += keys
		if s.panel != nil {
			drawHints(p, s.panel.hints(s))
		} else {
			drawHints(p, s.hints())
		}
	}
	return p.screen()
}

// drawState writes the second last line: a message, or the page's.
func (s *shell) drawState(p *pen) {
	if s.message.text != "" {
		p.to(1)
		text := s.message.text
		if s.undo != nil && s.message.style == theme.Strong {
			text += fmt.Sprintf("   u undoes for %d s", int(s.undo.until.Sub(s.now).Seconds()+0.5))
		}
		p.cell(s.message.style, text, min(cells(text), p.w-1))
	} else {
		s.top().status(s, p)
	}
	p.end()
}

// drawHead writes line 1 and the clock at its end, which says so when the
// screen is frozen.
func (s *shell) drawHead(p *pen, top page) {
	clock := s.now.In(s.loc).Format("15:04")
	style := theme.Plain
	if !s.frozen.IsZero() {
		clock, style = "FROZEN "+uptime.Ago(s.now.Sub(s.frozen)), theme.Reverse
	}
	if s.past != nil {
		clock, style = "PAST "+s.past.at.In(s.loc).Format("01-02 15:04"), theme.Reverse
	}
	n := cells(clock)
	if p.w < n+8 {
		n = 0
	}
	w := p.w
	if n > 0 {
		p.w = w - n - 2
		if w < 60 {
			p.w = w - n - 1
		}
	}
	top.head(s, p)
	p.w = w
	if n > 0 {
		margin := 1
		if w < 60 {
			margin = 0
		}
		p.to(w - n - margin)
		p.text(style, clock)
	}
}

func (s *shell) windowTitle() string {
	name := "lookout"
	if n := s.name(); n != name {
		name += "@" + uptime.Clean(n, 60)
	}
	switch {
	case s.ringer.title != "":
		return s.ringer.title + " - " + name
	case s.lost:
		return "? " + name
	case s.snap != nil && s.snap.Counts.Down > 0:
		down := s.th.State(uptime.Down, uptime.Active)
		return fmt.Sprintf("%c%d %s", down.Glyph, s.snap.Counts.Down, name)
	}
	return name
}
