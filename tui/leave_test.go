package tui

import (
	"testing"

	tea "charm.land/bubbletea/v2"
)

func TestLeave(t *testing.T) {
	for _, c := range []struct {
		name string
		o    Options
		keys []string
		want Leave
	}{
		{"attached", Options{}, []string{"q"}, LeaveQuit},
		{"for a while", Options{Embedded: true, Ephemeral: true}, []string{"q"}, LeaveStop},
		{"stop", Options{Embedded: true}, []string{"q", "s"}, LeaveStop},
		{"background", Options{Embedded: true}, []string{"q", "b"}, LeaveBackground},
		{"stay", Options{Embedded: true}, []string{"q", "q", "enter", "y", "esc", "ctrl+c", "ctrl+c"}, LeaveLost},
		{"stop by name", Options{Embedded: true}, []string{":", "text:stop", "enter", "text:web-1", "enter"}, LeaveStop},
		{"stop by a wrong name", Options{Embedded: true}, []string{":", "text:stop", "enter", "text:web-2", "enter"}, LeaveLost},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := shellOf(newWorld(), c.o, 80, 24, glyphs)
			for _, k := range c.keys {
				if text, ok := cutText(k); ok {
					for _, r := range text {
						_, cmd := s.Update(tea.KeyPressMsg{Code: r, Text: string(r)})
						runQuick(s, cmd)
					}
					continue
				}
				_, cmd := s.Update(keyOf(k))
				runQuick(s, cmd)
			}
			if s.leaving != c.want {
				t.Errorf("left as %s, want %s", s.leaving, c.want)
			}
		})
	}
	w := newWorld()
	s := shellOf(w, Options{}, 80, 24, glyphs)
	keys(t, s, ":", "text:stop", "enter", "text:web-1", "enter")
	if w.stops != 1 {
		t.Error("an attached console does not stop the engine")
	}
}
