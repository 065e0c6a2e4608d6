package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"lookout/tui/theme"
)

// firstDesk stands for the caller of a first run.
type firstDesk struct {
	checked []string
	saved   []string // lines of the last save
	every   time.Duration
	saveErr error
}

func (d *firstDesk) options() FirstRun {
	return FirstRun{Path: "~/.config/lookout/lookout.toml", Searched: []string{".", "~/.config/lookout", "/etc/lookout"},
		Wrong: func(line string) error {
			if strings.Contains(line, "bad") {
				return errors.New("no scheme of that name; write https://, tcp://, dns: or icmp://")
			}
			return nil
		},
		Other: func(line string) *FirstOther {
			if line == "ns1.example.net" {
				return &FirstOther{"a name server", "dns://ns1.example.net/example.net?type=SOA", "icmp://ns1.example.net"}
			}
			return nil
		},
		Check: func(_ context.Context, line string) (FirstCheck, error) {
			d.checked = append(d.checked, line)
			switch {
			case strings.Contains(line, "dead"):
				return FirstCheck{Name: line, URL: "https://" + line, Text: "TCP connect 192.0.2.9:443 refused"}, nil
			}
			return FirstCheck{Name: line, URL: line, OK: true, Text: "200 in 184 ms, certificate 43 days"}, nil
		},
		Preview: func(lines []string, every time.Duration) (string, error) {
			return fmt.Sprintf("[defaults]\ninterval = %q\n\n[[monitor]]\nurl = %q\n", every, lines[0]), nil
		},
		Save: func(lines []string, every time.Duration) (string, error) {
			if d.saveErr != nil {
				return "", d.saveErr
			}
			d.saved, d.every = lines, every
			return "/home/jo/.config/lookout/lookout.toml", nil
		}}
}

// firstShell is a console with nothing to watch on its first run.
func firstShell(t *testing.T, d *firstDesk) (*shell, *firstRun) {
	s := pagesShell(pagesSource(), 80, 24, theme.New(theme.Many, false, false))
	f := newFirstRun(d.options())
	visit(t, s, f)
	return s, f
}

func typeText(t *testing.T, s *shell, text string) {
	t.Helper()
	for _, r := range text {
		press(t, s, string(r))
	}
}

func TestFirstRunScreens(t *testing.T) {
	goldenPage(t, "firstrun", pagesSource, func() page {
		f := newFirstRun((&firstDesk{}).options())
		f.lines = []input{{}, {}, {}, {}}
		for i, l := range []string{"https://www.example.com", "dead.example.com", "bad://example.net", "ns1.example.net"} {
			f.lines[i].set(l)
			if err := f.with.Wrong(l); err != nil {
				f.found[l] = firstFound{done: true, err: err}
			} else if i < 3 {
				check, err := f.with.Check(context.Background(), l)
				f.found[l] = firstFound{true, check, err}
			}
		}
		f.at = 3
		return f
	})
	goldenPage(t, "firstrun-empty", pagesSource, func() page { return newFirstRun((&firstDesk{}).options()) })
	everySize(t, pagesSource(), func() page {
		f := newFirstRun((&firstDesk{}).options())
		f.lines[0].set(strings.Repeat("漢", 90))
		return f
	})
}

func TestFirstRunToTheFirstMonitor(t *testing.T) {
	d := &firstDesk{}
	s, _ := firstShell(t, d)
	typeText(t, s, "www.example.com")
	if len(d.checked) != 0 {
		t.Errorf("checked %q while it was being typed", d.checked)
	}
	press(t, s, "enter")
	if len(d.checked) != 1 || d.checked[0] != "www.example.com" {
		t.Errorf("checked %q after enter", d.checked)
	}
	if !strings.Contains(s.render(), "200 in 184 ms") {
		t.Error("what was found is not on the screen")
	}
	if d.saved != nil {
		t.Fatal("something was written before ctrl-s")
	}
	press(t, s, "ctrl+s")
	if len(d.saved) != 1 || d.every != time.Minute {
		t.Errorf("saved %q every %v", d.saved, d.every)
	}
	if s.top() != page(s.home) || !strings.Contains(s.message.text, "lookout.toml") {
		t.Errorf("after saving: %T, %q", s.top(), s.message.text)
	}
}

func TestFirstRunWithoutEngine(t *testing.T) {
	d := &firstDesk{}
	first := d.options()
	s := newShell(context.Background(), Options{FirstRun: &first, Now: func() time.Time { return at }}, theme.New(theme.None, false, false))
	s.w, s.h = 80, 24
	if _, ok := s.top().(*firstRun); !ok {
		t.Fatalf("it begins with %T", s.top())
	}
	s.pull()
	press(t, s, "a", "enter", "ctrl+s")
	if len(d.saved) != 1 || s.leaving != LeaveSaved {
		t.Errorf("saved %q, left with %v", d.saved, s.leaving)
	}
}

func TestFirstRunEdits(t *testing.T) {
	for _, tt := range []struct {
		name string
		keys []string
		want []string
	}{
		{"a line split", []string{"a", "b", "left", "enter"}, []string{"a", "b"}},
		{"lines joined backwards", []string{"a", "enter", "b", "home", "backspace"}, []string{"ab"}},
		{"lines joined forwards", []string{"a", "enter", "b", "up", "end", "delete"}, []string{"ab"}},
		{"nothing before the first", []string{"backspace", "up", "pgup", "a"}, []string{"a"}},
		{"keys of commands are text", []string{"q", "?", "/", ":", "a", "p", "n"}, []string{"q?/:apn"}},
		{"blank lines and doubles count once", []string{"a", "enter", "enter", "a", "enter", "b"}, []string{"a", "b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, f := firstShell(t, &firstDesk{})
			press(t, s, tt.keys...)
			if got, _ := f.wanted(); strings.Join(got, "|") != strings.Join(tt.want, "|") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			withinScreen(t, tt.name, s.render(), 80, 24)
		})
	}
}

func TestFirstRunPaste(t *testing.T) {
	d := &firstDesk{}
	s, f := firstShell(t, d)
	var text strings.Builder
	for i := range 300 {
		fmt.Fprintf(&text, "  host-%d.example.com \r\n", i)
	}
	text.WriteString("\n\nlast \x1b[31m.example.com")
	_, cmd := s.Update(tea.PasteMsg{Content: text.String()})
	if f.running != firstAtOnce {
		t.Errorf("%d checks at once, want %d", f.running, firstAtOnce)
	}
	settle(t, s, cmd)
	if len(d.checked) != 301 || f.running != 0 {
		t.Errorf("checked %d of 301 lines, %d still run", len(d.checked), f.running)
	}
	if got, _ := f.wanted(); len(got) != 301 || got[0] != "host-0.example.com" || strings.Contains(got[300], "\x1b") {
		t.Errorf("%d lines, the last %q", len(got), got[len(got)-1])
	}
	withinScreen(t, "paste", s.render(), 80, 24)
}

func TestFirstRunRefuses(t *testing.T) {
	for _, tt := range []struct {
		name  string
		keys  []string
		err   error
		wants string
	}{
		{"nothing", nil, nil, "at least one address"},
		{"what cannot be watched", []string{"b", "a", "d", "enter"}, nil, "no scheme of that name"},
		{"no interval", []string{"a", "tab", "ctrl+u", "6", "0"}, nil, "needs a unit"},
		{"too short an interval", []string{"a", "tab", "ctrl+u", "1", "0", "m", "s"}, nil, "shortest interval is 1s"},
		{"what the disk refuses", []string{"a"}, errors.New("open /etc/lookout/lookout.toml: permission denied"), "permission denied"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := &firstDesk{saveErr: tt.err}
			s, f := firstShell(t, d)
			press(t, s, tt.keys...)
			press(t, s, "ctrl+s")
			if d.saved != nil || s.leaving == LeaveSaved || s.top() != page(f) {
				t.Error("it was saved all the same")
			}
			if !strings.Contains(s.message.text, tt.wants) {
				t.Errorf("it says %q, want something with %q", s.message.text, tt.wants)
			}
			if f.saving {
				t.Error("it cannot be tried again")
			}
		})
	}
}

func TestFirstRunInterval(t *testing.T) {
	d := &firstDesk{}
	s, _ := firstShell(t, d)
	press(t, s, "a", "tab", "ctrl+u", "5", "m", "ctrl+s")
	if d.every != 5*time.Minute {
		t.Errorf("every %v, want 5m", d.every)
	}
}

func TestFirstRunPreview(t *testing.T) {
	d := &firstDesk{}
	s, f := firstShell(t, d)
	press(t, s, "a", "ctrl+p")
	if _, ok := s.top().(*text); !ok {
		t.Fatalf("ctrl-p shows %T", s.top())
	}
	screen := plainText(s.render())
	for _, want := range []string{"PREVIEW", `interval = "1m0s"`, `url = "a"`} {
		if !strings.Contains(screen, want) {
			t.Errorf("no %q in\n%s", want, screen)
		}
	}
	s.back()
	if s.top() != page(f) || d.saved != nil {
		t.Error("esc does not lead back, or something was written")
	}
}

// TestFirstRunMarksAsTyped: a line that cannot be watched says so at once, is
// never checked, and counts for nothing.
func TestFirstRunMarksAsTyped(t *testing.T) {
	d := &firstDesk{}
	s, f := firstShell(t, d)
	typeText(t, s, "www.example.com")
	press(t, s, "enter")
	typeText(t, s, "bad://x")
	got := plainText(s.render())
	for _, want := range []string{"! no scheme of that name", "(1 monitor, 5 lines)", "1 line to mend first"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	press(t, s, "enter")
	typeText(t, s, "other.example.com")
	if len(d.checked) != 1 {
		t.Errorf("checked %q", d.checked)
	}
	for _, key := range []string{"ctrl+p", "ctrl+s"} {
		press(t, s, key)
		if s.top() != page(f) || d.saved != nil || f.at != 1 {
			t.Errorf("%s goes on to %T, the cursor is in line %d", key, s.top(), f.at+1)
		}
	}
	press(t, s, "ctrl+u", "ctrl+s")
	if len(d.saved) != 2 {
		t.Errorf("saved %q after it was mended", d.saved)
	}
}

// TestFirstRunOther: a name that is more likely a name server becomes one by a
// key, while it is typed and from the line below.
func TestFirstRunOther(t *testing.T) {
	for _, c := range []struct {
		name string
		keys []string
		want string
	}{
		{"while it is typed", []string{"ctrl+y"}, "dns://ns1.example.net/example.net?type=SOA"},
		{"from the line below", []string{"enter", "ctrl+o"}, "icmp://ns1.example.net"},
	} {
		d := &firstDesk{}
		s, f := firstShell(t, d)
		typeText(t, s, "ns1.example.net")
		if got := plainText(s.render()); !strings.Contains(got, "a name server? ^y dns ^o icmp") {
			t.Errorf("%s: nothing is offered:\n%s", c.name, got)
		}
		press(t, s, c.keys...)
		if got, _ := f.wanted(); len(got) != 1 || got[0] != c.want || d.checked[len(d.checked)-1] != c.want {
			t.Errorf("%s: watches %q, checked %q", c.name, got, d.checked)
		}
		press(t, s, "ctrl+y")
		if !strings.Contains(s.message.text, "one thing only") {
			t.Errorf("%s: a second time it says %q", c.name, s.message.text)
		}
	}
}

func TestFirstRunTakesATargetOnce(t *testing.T) {
	s, f := firstShell(t, &firstDesk{})
	for _, l := range []string{"dead.example.com", "https://dead.example.com", "x"} {
		typeText(t, s, l)
		press(t, s, "enter")
	}
	f.found["https://dead.example.com"] = firstFound{done: true, check: FirstCheck{URL: "https://dead.example.com"}}
	if got, _ := f.wanted(); len(got) != 2 {
		t.Errorf("watches %q", got)
	}
}
