package tui

import "testing"

func TestFirst(t *testing.T) {
	for in, want := range map[string]string{
		"":                                "",
		"it says: no":                     "It says: no",
		"no.":                             "No.",
		"the broker's url":                "The broker's url",
		"écrit":                           "Écrit",
		"\xff":                            "\xff",
		"broker.example.com:5671 refuses": "broker.example.com:5671 refuses",
		"fra/1 obeys another":             "fra/1 obeys another",
		"[::1]:5672 refuses":              "[::1]:5672 refuses",
	} {
		if got := first(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}
