package tui

import (
	"errors"
	"math/rand"
	"reflect"
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
	asked := 0
	for n := range 4000 {
		if n%40 == 0 { // out of whatever it got lost in
			for _, k := range []string{"esc", "esc", "esc", "M", "esc", "esc", "esc"} {
				_, cmd := s.Update(keyOf(k))
				runQuick(s, cmd)
			}
		}
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
		if _, ok := s.panel.(*ask); ok {
			asked++
		}
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
	if asked < 100 {
		t.Errorf("a line asked only %d times: this proves nothing", asked)
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
