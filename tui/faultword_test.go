package tui

import (
	"strings"
	"testing"

	"lookout/engine/uptime"
)

// TestFaultWord: each class has a word for the narrowest column.
func TestFaultWord(t *testing.T) {
	for _, f := range uptime.Faults() {
		for _, width := range []int{7, 8, 13, 30} {
			w := faultWord(f, width)
			if w == "" || len(w) > width {
				t.Errorf("%s in %d cells is %q", f, width, w)
			}
			if _, class, _ := strings.Cut(f.String(), "."); len(class) <= width && w != class {
				t.Errorf("%s has room in %d cells and is %q", f, width, w)
			}
		}
	}
}
