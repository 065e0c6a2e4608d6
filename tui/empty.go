package tui

import (
	tea "charm.land/bubbletea/v2"

	"lookout/tui/theme"
)

// watchesNothing reports whether it is certain that there is nothing to show:
// no engine to wait for, or one with no monitor.
func (s *shell) watchesNothing() bool {
	_, alone := s.source.(nothing)
	return alone || s.snap != nil && len(s.snap.States) == 0
}

// drawNothing says in place of rows how something comes to be watched.
func (s *shell) drawNothing(p *pen) {
	where := "the configuration"
	if s.snap != nil && s.snap.Config.Path != "" {
		where = s.snap.Config.Path
	}
	ways := [][2]string{{"lookout add URL", "adds a monitor, from another terminal"},
		{":reload", "reads " + where + " again, once there is a [[monitor]] in it"}}
	if _, alone := s.source.(nothing); alone {
		ways = [][2]string{{"q", "leaves"}, {"lookout URL…", "watches what is named, without a configuration"}}
		if s.first != nil {
			ways = append([][2]string{{"enter", "to name what should be watched"}}, ways...)
		}
	}
	at := 18
	if p.w < 60 {
		at = 3
	} else {
		p.end()
	}
	for _, way := range ways {
		p.to(1)
		p.text(theme.Accent, way[0])
		if at == 3 {
			p.end()
		}
		for _, l := range wrap(way[1], max(p.w-at-1, 8)) {
			p.to(at)
			p.say(l)
			p.end()
		}
	}
}

// begin opens the guided first run again, where nothing is watched.
func (s *shell) begin() tea.Cmd {
	if s.first == nil || !s.watchesNothing() {
		return nil
	}
	return s.open(s.first)
}

// emptyHints are the keys of an overview without a row.
func (s *shell) emptyHints() []hint {
	out := []hint{{":", "cmd", 1}, {"q", "leave", 0}, {"?", "help", 0}}
	if s.first != nil {
		out = append([]hint{{"enter", "name what to watch", 0}}, out...)
	}
	return out
}
