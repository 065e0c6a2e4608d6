package tui

import (
	"slices"
	"strings"

	"github.com/charmbracelet/colorprofile"

	"lookout/tui/theme"
)

func depth(p colorprofile.Profile) theme.Depth {
	switch p {
	case colorprofile.ANSI:
		return theme.Sixteen
	case colorprofile.ANSI256, colorprofile.TrueColor:
		return theme.Many
	}
	return theme.None
}

func getenv(env []string, name string) string {
	for _, e := range slices.Backward(env) {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			return v
		}
	}
	return ""
}

// oldTerminals show no glyphs beyond ASCII and no colours.
var oldTerminals = []string{"dumb", "vt52", "vt100", "vt102", "vt220", "vt320", "ansi-m", "network"}

func oldTerminal(env []string) bool {
	t := getenv(env, "TERM")
	return t == "" || slices.Contains(oldTerminals, t)
}

// plainTerminal reports whether a terminal takes ASCII only: an old one, or
// one whose locale says so. No locale at all is what a container or a bare
// ssh gives to a modern terminal, so it says nothing.
func plainTerminal(env []string) bool {
	if oldTerminal(env) {
		return true
	}
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(getenv(env, name)); v != "" {
			return !strings.Contains(v, "utf-8") && !strings.Contains(v, "utf8")
		}
	}
	return false
}
