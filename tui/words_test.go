package tui

import (
	"strings"
	"testing"

	"lookout/tui/theme"
)

func TestWords(t *testing.T) {
	for _, tt := range []struct {
		words string
		want  bool
	}{
		{"", true}, {"refused", true}, {"REFUSED shop", true}, {"refused mx2", false}, {"!mx2", true}, {"!shop", false}, {"!", true}, {"ref !shop", false},
	} {
		if got := parseWords(tt.words).match("shop.example.com", "TCP refused"); got != tt.want {
			t.Errorf("%q: %v, want %v", tt.words, got, tt.want)
		}
	}
}

func TestWordsLine(t *testing.T) {
	s := pagesShell(pagesSource(), 80, 24, theme.New(theme.None, false, false))
	l := newIncidents("")
	visit(t, s, l)
	press(t, s, "/")
	typeText(t, s, "vpn")
	if got := listed(l); got != "closed vpn" {
		t.Errorf("while typing: %q", got)
	}
	if screen := plainText(s.render()); !strings.Contains(screen, "/ vpn▌") || !strings.Contains(screen, "1 of 6") {
		t.Errorf("the line is not there:\n%s", screen)
	}
	press(t, s, "enter", "/")
	if screen := plainText(s.render()); !strings.Contains(screen, "/ vpn ▌") {
		t.Errorf("what is in force is not there to go on with:\n%s", screen)
	}
	press(t, s, "esc")
	if len(l.words) != 0 || s.panel != nil {
		t.Errorf("after esc: %q", l.words)
	}
	for w := 1; w < 60; w++ {
		s.w, s.h = w, 6
		press(t, s, "/", "a")
		withinScreen(t, "words", s.render(), w, 6)
		press(t, s, "esc")
	}
}
