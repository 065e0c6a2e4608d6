package tui

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

// keys types keys by their names; a longer word is typed letter by letter.
func keys(t *testing.T, s *shell, names ...string) {
	t.Helper()
	for _, n := range names {
		if n == "space" {
			_, cmd := s.Update(tea.KeyPressMsg{Code: tea.KeySpace, Text: " "})
			settle(t, s, cmd)
			continue
		}
		if text, ok := cutText(n); ok {
			for _, r := range text {
				_, cmd := s.Update(tea.KeyPressMsg{Code: r, Text: string(r)})
				settle(t, s, cmd)
			}
			continue
		}
		press(t, s, n)
	}
}

// cutText tells "text:abc" from the name of a key.
func cutText(n string) (string, bool) {
	const mark = "text:"
	if len(n) > len(mark) && n[:len(mark)] == mark {
		return n[len(mark):], true
	}
	return "", false
}

// TestScreens holds the screens of the shell to their golden files.
func TestScreens(t *testing.T) {
	lost := func(w *world, o *Options) {
		o.Log = twoLines
		w.now = noon.Add(9*time.Minute + 18*time.Second)
		w.link.Attached, w.link.Lost, w.link.Reason, w.link.Tries = true, noon, "socket refused", 37
		w.link.NextTry = w.now.Add(4 * time.Second)
	}
	embedded := func(_ *world, o *Options) { o.Embedded = true }
	for _, c := range []struct {
		name string
		with func(*world, *Options)
		keys []string
	}{
		{name: "overview"},
		{name: "filter", keys: []string{"/", "text:group:mail,shop !pop", "down"}},
		{name: "filter-error", keys: []string{"/", "text:state:dwn"}},
		{name: "groups", keys: []string{"o", "j"}},
		{name: "groups-folded", keys: []string{"o", "O", "g"}},
		{name: "sort", keys: []string{"s"}},
		{name: "sorted", keys: []string{"s", "l"}},
		{name: "columns", keys: []string{"w"}},
		{name: "marked", keys: []string{"space", "space", "j"}},
		{name: "ack", keys: []string{"a", "n", "text:looking into it"}},
		{name: "pause", keys: []string{"space", "space", "p", "4"}},
		{name: "acked", keys: []string{"a", "1", "y"}},
		{name: "check", keys: []string{"c"}},
		{name: "palette", keys: []string{":", "text:ma"}},
		{name: "stop", keys: []string{":", "text:stop", "enter"}},
		{name: "help", keys: []string{"?"}},
		{name: "help-search", keys: []string{"?", "text:ack"}},
		{name: "leave", with: embedded, keys: []string{"q"}},
		{name: "unbound", keys: []string{"x"}},
		{name: "lost", with: lost},
		{name: "blind", with: func(w *world, _ *Options) { w.snap.Node = "offline: 0 of 4 anchors answer; 20 of 21 networks fail" }},
		{name: "empty", with: func(w *world, _ *Options) {
			w.snap.States, w.snap.Open, w.snap.Counts, w.snap.Unacked = nil, nil, uptime.Counts{}, 0
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			draw := func(w, h int, th *theme.Theme) string {
				src, o := newWorld(), Options{}
				if c.with != nil {
					c.with(src, &o)
				}
				s := shellOf(src, o, w, h, th)
				s.render()
				keys(t, s, c.keys...)
				return s.render()
			}
			for _, size := range pageSizes {
				file := fmt.Sprintf("screen-%s-%dx%d", c.name, size.w, size.h)
				screen := draw(size.w, size.h, glyphs)
				checkGolden(t, file, plainText(screen))
				withinScreen(t, file, screen, size.w, size.h)
				if *ansiPages != "" {
					write(t, filepath.Join(*ansiPages, file+".ansi"), screen)
				}
			}
			screen := draw(80, 24, letters7)
			for i := range len(screen) {
				if screen[i] >= 0x80 {
					t.Fatalf("byte %#x in ASCII", screen[i])
				}
			}
			checkGolden(t, "screen-"+c.name+"-vt100", plainText(screen))
		})
	}
}

// TestTooMuchToCopy: what no terminal takes is not sent to one.
func TestTooMuchToCopy(t *testing.T) {
	w := newWorld()
	w.snap = many(5000)
	s := shellOf(w, Options{}, 80, 24, glyphs)
	if cmd := s.clip(s.home.copy(s, copyAll)); cmd != nil || !strings.Contains(s.message.text, "5,000 lines") {
		t.Errorf("it says %q", s.message.text)
	}
}
