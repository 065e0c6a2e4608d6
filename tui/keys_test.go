package tui

import (
	"slices"
	"strings"
	"testing"
)

// TestKeysOnce: no key means two things on one page, and no page gives a key
// of the shell another meaning than the shell's.
func TestKeysOnce(t *testing.T) {
	for name, open := range allPages() {
		s := shellOf(newWorld(), Options{}, 80, 24, glyphs)
		p := page(s.home)
		if open != nil {
			p = open()
		}
		seen := map[string]bool{}
		for _, b := range p.keys() {
			for _, k := range b.keys {
				if seen[k] {
					t.Errorf("%s binds %s twice", name, k)
				}
				seen[k] = true
				if k == "ctrl+i" || k == "ctrl+m" {
					t.Errorf("%s binds %s, which is tab or enter on most terminals", name, k)
				}
			}
		}
	}
}

func TestUnboundKeySaysSo(t *testing.T) {
	s := shellOf(newWorld(), Options{}, 80, 24, glyphs)
	keys(t, s, "x")
	if got := plainText(s.render()); !strings.Contains(got, "x does nothing here") {
		t.Errorf("x shows\n%s", got)
	}
}

// TestHintsFit: no hint is cut, and help is always named.
func TestHintsFit(t *testing.T) {
	s := shellOf(newWorld(), Options{}, 80, 24, glyphs)
	for w := 8; w < 200; w++ {
		s.w, s.dirty = w, true
		lines := strings.Split(strings.TrimRight(plainText(s.render()), "\n"), "\n")
		hints := strings.Fields(lines[len(lines)-1])
		if w >= 20 && !slices.Contains(hints, "?") {
			t.Errorf("at %d columns the last line is %q", w, lines[len(lines)-1])
		}
		for _, h := range hints {
			if !slices.Contains(strings.Fields("enter why / filter s sort o group n next problem a ack p pause m maint c check now y copy space mark : cmd ? help"), h) {
				t.Errorf("at %d columns %q is cut: %q", w, h, lines[len(lines)-1])
			}
		}
	}
}
