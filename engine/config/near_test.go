package config

import (
	"fmt"
	"strings"
	"testing"
)

func TestNear(t *testing.T) {
	known := []string{"bearer_token", "bearer_token_file", "body", "interval", "ip", "url", "degraded_above", "tags"}
	for word, want := range map[string]string{
		"bearer_tokn": "bearer_token", "bearer": "bearer_token", "Interval": "interval", "intervall": "interval", "intreval": "interval",
		"degraded-above": "degraded_above", "bdoy": "body", "uri": "url", "tag": "tags", "locations": "", "x": "", "": "", "parent": "",
	} {
		if got := Near(word, known); got != want {
			t.Errorf("%q is near %q, want %q", word, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"abc", "acb", 1}, {"abc", "abd", 1}, {"kitten", "sitting", 3}, {"ca", "abc", 3}, {"a", "abcdef", 4}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("%s to %s: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

// TestHintsAreBounded: looking for the nearest of many names costs more than
// the mistake is worth.
func TestHintsAreBounded(t *testing.T) {
	const monitors, missing = 5000, 1000
	var b strings.Builder
	b.Write(large(monitors))
	b.WriteString("[[page]]\nname = \"p\"\nnames = [\n")
	for i := range missing {
		fmt.Fprintf(&b, "\"customer-%06d.example.com/heelth\",\n", i)
	}
	b.WriteString("]\n")
	_, err := loadText(t, b.String(), testOptions())
	ms, _ := err.(Mistakes)
	hints := 0
	for _, m := range ms {
		if m.Hint != "" {
			hints++
		}
	}
	if want := maxLooked / monitors; len(ms) != missing || hints != want {
		t.Errorf("%d mistakes with %d hints, want %d with %d", len(ms), hints, missing, want)
	}
}
