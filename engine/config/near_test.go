package config

import (
	"fmt"
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
	known := map[string]bool{}
	for i := range 1000 {
		known[fmt.Sprintf("customer-%04d", i)] = true
	}
	l := newLoader("", testOptions())
	hints := 0
	for range 2 * maxLooked / len(known) {
		l.looked += 9 * len(known) // as for a larger configuration
		if nearest(l, "customer-o007", known) != "" {
			hints++
		}
	}
	if want := maxLooked / len(known) / 10; hints != want {
		t.Errorf("%d hints, want %d", hints, want)
	}
}
