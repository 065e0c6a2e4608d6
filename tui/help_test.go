package tui

import (
	"slices"
	"strings"
	"testing"
)

// allPages are the pages a person can be on.
func allPages() map[string]func() page {
	return map[string]func() page{
		"overview":  nil,
		"detail":    func() page { return newDetail("shop.example.com/checkout") },
		"events":    func() page { return newEvents() },
		"incidents": func() page { return newIncidents("") },
		"probes":    func() page { return newProbes() },
		"probe":     func() page { return newProbePage("local") },
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
