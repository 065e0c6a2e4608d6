package tui

import (
	"errors"
	"fmt"
	"math/rand"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"lookout/engine/uptime"
)

func TestActions(t *testing.T) {
	at := func(d time.Duration) time.Time { return noon.Add(d) }
	const shop = "shop.example.com/checkout"
	for _, c := range []struct {
		name string
		keys []string
		want *uptime.Action // nil: nothing is done
	}{
		{"ack", []string{"a", "y"}, &uptime.Action{Verb: uptime.VerbAck, Targets: []string{shop}, Until: at(time.Hour)}},
		{"ack until up with a note", []string{"a", "n", "text:yes, on it", "enter", "u", "y"}, &uptime.Action{Verb: uptime.VerbAck, Targets: []string{shop}, Note: "yes, on it"}},
		{"ack until a time", []string{"a", "t", "text:14:00", "enter", "y"}, &uptime.Action{Verb: uptime.VerbAck, Targets: []string{shop}, Until: time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)}},
		{"unack", []string{"j", "a", "y"}, &uptime.Action{Verb: uptime.VerbUnack, Targets: []string{"mx2.example.net:25"}}},
		{"pause for 4 h", []string{"p", "4", "y"}, &uptime.Action{Verb: uptime.VerbPause, Targets: []string{shop}, Until: at(4 * time.Hour)}},
		{"maintain till tomorrow", []string{"m", "4", "y"}, &uptime.Action{Verb: uptime.VerbMaintain, Targets: []string{shop}, Until: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)}},
		{"check two", []string{"space", "space", "c", "y"}, &uptime.Action{Verb: uptime.VerbCheck, Targets: []string{"mx2.example.net:25", shop}}},
		{"pause a group", []string{"o", "O", "g", "p", "u", "y"}, &uptime.Action{Verb: uptime.VerbPause, Targets: []string{"group:mail"}}},
		{"by the palette", []string{":", "text:check", "enter", "y"}, &uptime.Action{Verb: uptime.VerbCheck, Targets: []string{shop}}},
		{"the same key twice", []string{"a", "a"}, nil},
		{"enter", []string{"a", "enter", "enter"}, nil},
		{"y in a note", []string{"p", "n", "text:yyy", "esc", "esc"}, nil},
		{"esc", []string{"m", "esc", "y"}, nil},
		{"a time that is none", []string{"p", "t", "text:soon", "enter", "y", "esc", "esc"}, nil},
		{"nothing to ack", []string{"/", "text:www", "enter", "a", "y"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			s := shellOf(w, Options{}, 80, 24, glyphs)
			s.render()
			keys(t, s, c.keys...)
			var got *uptime.Action
			if len(w.acts) > 0 {
				got = &w.acts[0]
			}
			if !reflect.DeepEqual(got, c.want) || len(w.acts) > 1 {
				t.Errorf("got %+v\nwant %+v", w.acts, c.want)
			}
		})
	}
}

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

func TestActionFails(t *testing.T) {
	w := newWorld()
	s := shellOf(w, Options{}, 80, 24, glyphs)
	s.render()
	w.err = errors.New("pause: \x1b[2Jnot allowed")
	keys(t, s, "p", "y")
	if got := s.render(); !strings.Contains(plainText(got), "not allowed") || strings.Contains(got, "\x1b[2J") {
		t.Errorf("the error is shown as %q", got)
	}
}

func TestReadOnly(t *testing.T) {
	w := newWorld()
	s := shellOf(w, Options{ReadOnly: true}, 80, 24, glyphs)
	s.render()
	keys(t, s, "a", "y", "p", "y", ":", "text:reload", "enter", ":", "text:stop", "enter")
	if len(w.acts) != 0 || s.panel != nil {
		t.Errorf("a console that may only look did %+v", w.acts)
	}
}

// TestRandomHands: no key but y after its trigger, and nothing pasted, does anything.
func TestRandomHands(t *testing.T) {
	w := newWorld()
	s := shellOf(w, Options{Embedded: true}, 80, 24, glyphs)
	s.render()
	before := what(w.snap)
	rng := rand.New(rand.NewSource(1))
	special := []string{"enter", "esc", "tab", "up", "down", "left", "right", "pgup", "pgdown", "home", "end", "backspace", "ctrl+d", "ctrl+u",
		"ctrl+l", "ctrl+c", "ctrl+z", "space", "ctrl+w", "ctrl+n"}
	letters := "abcdefghijklmnopqrstuvwxzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/:?*[]!>< .-" // without y
	for n := range 4000 {
		var m tea.Msg
		switch r := rng.Intn(20); {
		case r == 0:
			text := make([]byte, rng.Intn(200))
			for i := range text {
				text[i] = byte(rng.Intn(256))
			}
			m = tea.PasteMsg{Content: string(text) + "y\ny\r"}
		case r < 8:
			k := special[rng.Intn(len(special))]
			if k == "space" {
				m = tea.KeyPressMsg{Code: tea.KeySpace, Text: " "}
			} else {
				m = keyOf(k)
			}
		default:
			m = keyOf(string(letters[rng.Intn(len(letters))]))
		}
		leave := s.panel != nil && reflect.TypeOf(s.panel) == reflect.TypeFor[*leaveLine]()
		if k, ok := m.(tea.KeyPressMsg); ok && leave && (k.Text == "s" || k.Text == "b") {
			continue // that is the confirming key of the last line
		}
		_, cmd := s.Update(m)
		runQuick(s, cmd)
		if n%50 == 0 {
			withinScreen(t, "random", s.render(), s.w, s.h)
		}
		if s.leaving != LeaveLost {
			t.Fatalf("step %d left the console", n)
		}
	}
	if len(w.acts) != 0 || w.stops != 0 || what(w.snap) != before {
		t.Errorf("random hands did %+v", w.acts)
	}
}

// TestPastedText: ten kilobytes of text, y included, change nothing unless a line asks.
func TestPastedText(t *testing.T) {
	w := newWorld()
	s := shellOf(w, Options{}, 80, 24, glyphs)
	s.render()
	for _, trigger := range []string{"", "a", "p", "m", "c", "q", ":", "/", "s"} {
		if trigger != "" {
			keys(t, s, trigger)
		}
		_, cmd := s.Update(tea.PasteMsg{Content: strings.Repeat("y\nstop web-1\ny", 800)})
		settle(t, s, cmd)
		keys(t, s, "esc", "esc", "esc")
	}
	if len(w.acts) != 0 || w.stops != 0 {
		t.Errorf("pasted text did %+v", w.acts)
	}
}

// runQuick runs commands that end at once; those that wait for a tick are left.
func runQuick(s *shell, cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch m := cmd().(type) {
	case tea.BatchMsg:
		for _, c := range m {
			runQuick(s, c)
		}
	case reply, doneMsg, saidMsg:
		_, next := s.Update(m)
		runQuick(s, next)
	}
}

func TestParseTime(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"30m", "2026-11-22 13:05:20"}, {"1d", "2026-11-23 12:35:20"}, {"14:00", "2026-11-22 14:00:00"}, {"08:00", "2026-11-23 08:00:00"},
		{"2026-12-01", "2026-12-01 00:00:00"}, {"2026-12-01 08:30", "2026-12-01 08:30:00"},
		{"2020-01-01", ""}, {"5", ""}, {"-5m", ""}, {"", ""}, {"soon", ""},
	} {
		got, err := parseTime(c.text, noon)
		if c.want == "" != (err != nil) || err == nil && got.Format("2006-01-02 15:04:05") != c.want {
			t.Errorf("%q is %s, %v, want %s", c.text, got, err, c.want)
		}
	}
}

func TestLeave(t *testing.T) {
	for _, c := range []struct {
		name string
		o    Options
		keys []string
		want Leave
	}{
		{"attached", Options{}, []string{"q"}, LeaveQuit},
		{"for a while", Options{Embedded: true, Ephemeral: true}, []string{"q"}, LeaveStop},
		{"stop", Options{Embedded: true}, []string{"q", "s"}, LeaveStop},
		{"background", Options{Embedded: true}, []string{"q", "b"}, LeaveBackground},
		{"stay", Options{Embedded: true}, []string{"q", "q", "enter", "y", "esc", "ctrl+c", "ctrl+c"}, LeaveLost},
		{"stop by name", Options{Embedded: true}, []string{":", "text:stop", "enter", "text:web-1", "enter"}, LeaveStop},
		{"stop by a wrong name", Options{Embedded: true}, []string{":", "text:stop", "enter", "text:web-2", "enter"}, LeaveLost},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := shellOf(newWorld(), c.o, 80, 24, glyphs)
			for _, k := range c.keys {
				if text, ok := cutText(k); ok {
					for _, r := range text {
						_, cmd := s.Update(tea.KeyPressMsg{Code: r, Text: string(r)})
						runQuick(s, cmd)
					}
					continue
				}
				_, cmd := s.Update(keyOf(k))
				runQuick(s, cmd)
			}
			if s.leaving != c.want {
				t.Errorf("left as %s, want %s", s.leaving, c.want)
			}
		})
	}
	w := newWorld()
	s := shellOf(w, Options{}, 80, 24, glyphs)
	keys(t, s, ":", "text:stop", "enter", "text:web-1", "enter")
	if w.stops != 1 {
		t.Error("an attached console does not stop the engine")
	}
}
