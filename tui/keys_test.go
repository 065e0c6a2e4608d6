package tui

import (
	"slices"
	"strings"
	"testing"

	"lookout/engine/uptime"
)

// allPages are the pages a person can be on.
func allPages() map[string]func() page {
	return map[string]func() page{
		"overview":  nil,
		"detail":    func() page { return newDetail("shop.example.com/checkout") },
		"events":    func() page { return newEvents() },
		"incidents": func() page { return newIncidents("") },
		"first run": func() page { return newFirstRun(FirstRun{}) },
	}
}

// TestHelpIsComplete: help of every page shows every key that does something there.
func TestHelpIsComplete(t *testing.T) {
	for name, open := range allPages() {
		for _, size := range []struct{ w, h int }{{80, 24}, {120, 40}} {
			s := shellOf(newWorld(), Options{}, size.w, size.h, glyphs)
			if open != nil {
				settle(t, s, s.open(open()))
			}
			table := s.table(s.top())
			s.openHelp("")
			screen := plainText(s.render())
			for _, b := range table {
				if b.group == noGroup || b.help == "" {
					t.Errorf("%s: %v is not in help", name, b.keys)
				}
				for _, k := range b.keys {
					if !shows(b.label(), k) {
						t.Errorf("%s: help writes %q for %v", name, b.label(), b.keys)
					}
				}
				if !strings.Contains(screen, b.label()) {
					t.Errorf("%s at %dx%d: help does not show %q:\n%s", name, size.w, size.h, b.label(), screen)
				}
			}
		}
	}
}

// shows reports whether a label names a key, or a pair or a row of keys that it is in.
func shows(label, key string) bool {
	if slices.Contains(strings.Fields(label), keyName(key)) {
		return true
	}
	twins := map[string]string{"up": "k", "down": "j", "home": "g", "end": "G", "pgdown": "^d", "pgup": "^u"} // everybody tries them
	if strings.HasPrefix(key, "ctrl+") {
		return strings.Contains(label, "ctrl-"+key[5:]) || strings.Contains(label, "^"+key[5:])
	}
	return strings.Contains(label, "..") && key[0] >= '1' && key[0] <= '9' || twins[key] != "" && shows(label, strings.Replace(twins[key], "^", "ctrl+", 1))
}

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

// TestEveryVerb: what a key does can be called by name.
func TestEveryVerb(t *testing.T) {
	s := shellOf(newWorld(), Options{}, 80, 24, glyphs)
	var names []string
	for _, c := range s.commands() {
		names = append(names, c.name)
	}
	for _, v := range uptime.Verbs() {
		if !slices.Contains(names, string(v)) {
			t.Errorf("%s is not in the palette", v)
		}
	}
	for _, b := range s.table(s.home) {
		if b.verb == "" && b.group != groupMove && !slices.Contains([]string{"1..9", "space", ":", "?"}, b.label()) {
			t.Errorf("%s (%s) has no verb", b.label(), b.help)
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

func TestFuzzy(t *testing.T) {
	for _, c := range []struct {
		name, typed string
		hit         bool
	}{{"ack", "ack", true}, {"maintain", "mnt", true}, {"sort latency", "sol", true}, {"ack", "akc", false}, {"view save", "save", true}} {
		if got := fuzzy(c.name, c.typed) >= 0; got != c.hit {
			t.Errorf("%q finds %q: %v", c.typed, c.name, got)
		}
	}
	if fuzzy("ack", "ack") >= fuzzy("unack", "ack") || fuzzy("acknowledge", "ack") >= fuzzy("unack", "ack") {
		t.Error("the nearest is not first")
	}
}
