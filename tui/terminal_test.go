package tui

import (
	"testing"
)

func TestPlainTerminal(t *testing.T) {
	for _, c := range []struct {
		env  []string
		want bool
	}{
		{[]string{"TERM=xterm", "LANG=en_GB.UTF-8"}, false}, {[]string{"TERM=xterm"}, false}, {[]string{"TERM=xterm", "LANG=C"}, true},
		{[]string{"TERM=xterm", "LANG=C", "LC_ALL=C.utf8"}, false}, {[]string{"TERM=vt100", "LANG=C.UTF-8"}, true}, {nil, true},
		{[]string{"TERM=xterm", "LANG=en_GB.UTF-8", "LC_ALL=POSIX"}, true}, {[]string{"TERM=tmux-256color", "LC_CTYPE=UTF-8"}, false},
	} {
		if got := plainTerminal(c.env); got != c.want {
			t.Errorf("%v: %v", c.env, got)
		}
	}
}
