package tui

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// what is all of the state that a person can change.
func what(snap *uptime.Snapshot) string {
	var b strings.Builder
	for _, st := range snap.States {
		fmt.Fprintln(&b, st.Name, st.Mode, st.Until, st.Ack)
		if st.Ack != nil {
			fmt.Fprintln(&b, *st.Ack)
		}
	}
	return b.String()
}

// TestUndo: within ten seconds everything is as it was.
func TestUndo(t *testing.T) {
	for _, script := range [][]string{
		{"p", "y"}, {"m", "2", "y"}, {"a", "y"}, {"j", "a", "y"}, {"*", "p", "1", "y"}, {"*", "m", "1", "y"}, {"o", "g", "m", "y"},
		{"/", "text:old", "enter", "p", "y"}, {"/", "text:db-backup", "enter", "m", "y"}, {"/", "text:db-backup", "enter", "p", "y"},
	} {
		w := newWorld()
		for _, st := range w.snap.States {
			if st.Ack != nil {
				st.Ack.By = "" // the engine knows who undoes
			}
		}
		before := what(w.snap)
		s := shellOf(w, Options{}, 80, 24, glyphs)
		s.render()
		keys(t, s, script...)
		settle(t, s, s.pull())
		if what(w.snap) == before {
			t.Errorf("%v changed nothing", script)
		}
		keys(t, s, "u")
		if after := what(w.snap); !sameAcks(after, before) {
			t.Errorf("%v is not undone", script)
		}
	}
}

func sameAcks(a, b string) bool { // pointers differ, what they point to is printed beside them
	drop := func(s string) []string {
		return slices.DeleteFunc(strings.Split(s, "\n"), func(l string) bool { return strings.Contains(l, "&{") })
	}
	return slices.Equal(drop(a), drop(b))
}

func TestUndoEnds(t *testing.T) {
	w := newWorld()
	s := shellOf(w, Options{}, 80, 24, glyphs)
	s.render()
	keys(t, s, "p", "y")
	w.now = noon.Add(undoFor + time.Second)
	settle(t, s, s.pull())
	keys(t, s, "u")
	if len(w.acts) != 1 {
		t.Errorf("it was undone after %s: %+v", undoFor, w.acts)
	}
}

func TestUndoWords(t *testing.T) {
	for _, c := range []struct {
		keys []string
		want string
	}{
		{[]string{"a", "y", "u"}, "ack undone: shop.example.com/checkout is as it was"},
		{[]string{"*", "p", "y", "u"}, "pause undone: 1,003 monitors are as they were"},
	} {
		s := shellOf(newWorld(), Options{}, 80, 24, glyphs)
		s.render()
		keys(t, s, c.keys...)
		if s.message.text != c.want {
			t.Errorf("%v says %q, want %q", c.keys, s.message.text, c.want)
		}
	}
}
