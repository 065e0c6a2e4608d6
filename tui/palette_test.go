package tui

import (
	"slices"
	"testing"

	"lookout/engine/uptime"
)

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
