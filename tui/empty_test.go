package tui

import (
	"context"
	"strings"
	"testing"
	"time"

	"lookout/tui/theme"
)

// TestNothingIsWatched: without a configuration nobody waits for results, and
// the way back to the first run is on the screen.
func TestNothingIsWatched(t *testing.T) {
	first := (&firstDesk{}).options()
	for _, size := range pageSizes {
		s := newShell(context.Background(), Options{FirstRun: &first, Now: func() time.Time { return at }}, theme.New(theme.None, false, false))
		s.w, s.h, s.loc = size.w, size.h, time.UTC
		settle(t, s, s.pull())
		press(t, s, "esc")
		screen := s.render()
		withinScreen(t, "empty", screen, size.w, size.h)
		got := plainText(screen)
		if strings.Contains(got, "waiting") || !strings.Contains(got, "nothing is watched") && !strings.Contains(got, "no monitors") || !strings.Contains(got, "enter") {
			t.Errorf("at %dx%d an overview of nothing shows\n%s", size.w, size.h, got)
		}
		press(t, s, "enter")
		if s.top() != page(s.first) {
			t.Errorf("enter opens %T", s.top())
		}
	}
}

// TestFirstRunComesBack: a check that was under way while the first run was
// left is not lost, nor its place among those that may run at once.
func TestFirstRunComesBack(t *testing.T) {
	first := (&firstDesk{}).options()
	s := newShell(context.Background(), Options{FirstRun: &first, Now: func() time.Time { return at }}, theme.New(theme.None, false, false))
	s.w, s.h, s.loc = 80, 24, time.UTC
	settle(t, s, s.pull())
	typeText(t, s, "www.example.com")
	_, check := s.Update(keyOf("enter"))
	press(t, s, "esc")
	settle(t, s, check)
	press(t, s, "enter")
	if got := plainText(s.render()); s.first.running != 0 || !strings.Contains(got, "200 in 184 ms") {
		t.Errorf("%d checks run:\n%s", s.first.running, got)
	}
}
