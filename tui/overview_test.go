package tui

import (
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"lookout/engine/uptime"
)

// change publishes a snapshot in which some monitors are different.
func (w *world) change(f func(st *uptime.State), names ...string) {
	next := *w.snap
	next.Seq++
	next.States = slices.Clone(w.snap.States)
	for i, st := range next.States {
		if slices.Contains(names, st.Name) {
			changed := *st
			f(&changed)
			next.States[i] = &changed
		}
	}
	recount(&next)
	w.snap = &next
}

func cursorLine(screen string) string {
	for l := range strings.SplitSeq(plainText(screen), "\n") {
		if strings.HasPrefix(l, ">") {
			return l
		}
	}
	return ""
}

// TestSelectionStays: rows move, the selected monitor does not change.
func TestSelectionStays(t *testing.T) {
	w := newWorld()
	s := shellOf(w, Options{}, 80, 24, glyphs)
	s.render()
	keys(t, s, "G", "k", "k")
	name := s.home.current()
	if name == "" || !strings.Contains(cursorLine(s.render()), name) {
		t.Fatalf("%q is selected, the line is %q", name, cursorLine(s.render()))
	}
	breakIt := func(st *uptime.State) { st.Verdict, st.Since = uptime.Down, noon }
	for i, n := range []string{"www.example.com", name, "zone-0500.example.net"} {
		w.change(breakIt, n)
		settle(t, s, s.pull())
		if s.home.current() != name || !strings.Contains(cursorLine(s.render()), name) {
			t.Fatalf("change %d: %q is selected and %q is shown, want %q", i, s.home.current(), cursorLine(s.render()), name)
		}
	}
}

// TestNobodyMoved: as long as nobody pressed a key, the worst is selected and
// seen, wherever the first one that was selected went.
func TestNobodyMoved(t *testing.T) {
	w := newWorld()
	s := shellOf(w, Options{}, 80, 24, glyphs)
	s.render()
	w.change(func(st *uptime.State) { st.Verdict, st.Incident = uptime.Up, 0 }, "shop.example.com/checkout")
	settle(t, s, s.pull())
	if got := s.home.current(); got != "mx2.example.net:25" {
		t.Errorf("%s is selected", got)
	}
	if got := cursorLine(s.render()); !strings.Contains(got, "mx2.example.net:25") {
		t.Errorf("the cursor is at %q", got)
	}
}

// TestMarksOfTheGone: what is marked and no longer watched counts no more.
func TestMarksOfTheGone(t *testing.T) {
	w := newWorld()
	s := shellOf(w, Options{}, 80, 24, glyphs)
	s.render()
	keys(t, s, "*")
	next := *w.snap
	next.Seq++
	next.States = next.States[:3]
	w.snap = &next
	settle(t, s, s.pull())
	if len(s.home.marks) != 3 {
		t.Errorf("%d are marked after all but three are gone", len(s.home.marks))
	}
}

// TestActOnARowThatMoved: an action is on what was selected when it was asked
// for, whatever comes to that row, and whether the filter still shows it.
func TestActOnARowThatMoved(t *testing.T) {
	w := newWorld()
	s := shellOf(w, Options{}, 80, 24, glyphs)
	s.render()
	keys(t, s, "/", "text:state:down", "enter", "j")
	name := s.home.current()
	keys(t, s, "p")
	w.change(func(st *uptime.State) { st.Verdict, st.Since = uptime.Down, noon }, "www.example.com", "login.example.com")
	settle(t, s, s.pull())
	w.change(func(st *uptime.State) { st.Verdict = uptime.Up }, name)
	settle(t, s, s.pull())
	if s.home.current() == name {
		t.Fatal("the row is still there: this proves nothing")
	}
	keys(t, s, "y")
	if len(w.acts) != 1 || len(w.acts[0].Targets) != 1 || w.acts[0].Targets[0] != name {
		t.Errorf("did %+v, want a pause of %s", w.acts, name)
	}
	keys(t, s, "p")
	next := *w.snap
	next.Seq++
	next.States = nil
	recount(&next)
	w.snap = &next
	settle(t, s, s.pull())
	keys(t, s, "y", "u", "j", "enter")
	s.render()
}

// TestTopStaysAtTop: what breaks while the list is at its top is seen.
func TestTopStaysAtTop(t *testing.T) {
	w := newWorld()
	s := shellOf(w, Options{}, 80, 24, glyphs)
	s.render()
	keys(t, s, "g") // somebody is there
	w.change(func(st *uptime.State) { st.Verdict, st.Since = uptime.Down, noon }, "www.example.com")
	settle(t, s, s.pull())
	lines := strings.Split(plainText(s.render()), "\n")
	if !strings.Contains(lines[2], "DOWN www.example.com") || !strings.HasPrefix(lines[3], ">▼ DOWN shop") {
		t.Errorf("lines 3 and 4 are\n%s\n%s", lines[2], lines[3])
	}
}

func TestGoneMonitor(t *testing.T) {
	w := newWorld()
	s := shellOf(w, Options{}, 80, 24, glyphs)
	s.render()
	keys(t, s, "G")
	next := *w.snap
	next.Seq++
	next.States = next.States[:3]
	w.snap = &next
	settle(t, s, s.pull())
	if s.home.current() == "" || cursorLine(s.render()) == "" {
		t.Error("nothing is selected any more")
	}
	w.snap = &uptime.Snapshot{Seq: 99, Time: noon}
	settle(t, s, s.pull())
	if got := plainText(s.render()); !strings.Contains(got, "nothing is watched yet") {
		t.Errorf("an empty instance shows\n%s", got)
	}
	keys(t, s, "j", "k", "G", "g", "enter", "n", "a", "space", "*", "o", "O", "enter", "y", "Y", "e")
}

// TestNextProblem goes through all that need a human and round, into folded groups too.
func TestNextProblem(t *testing.T) {
	want := []string{"mx2.example.net:25", "cdn.example.org", "api.example.com/v2/search", "nas.branch-7.example", "shop.example.com/checkout"}
	s := shellOf(newWorld(), Options{}, 80, 24, glyphs)
	s.render()
	for _, name := range want {
		keys(t, s, "n")
		if got := s.home.current(); got != name {
			t.Fatalf("n goes to %q, want %q", got, name)
		}
	}
	keys(t, s, "N")
	if got := s.home.current(); got != "nas.branch-7.example" {
		t.Errorf("N goes to %q", got)
	}
	keys(t, s, "o", "O", "O", "g") // groups, all folded
	for range 5 {
		keys(t, s, "n")
		if st := s.home.state(); st == nil || !st.Problem() {
			t.Fatalf("n goes to %q in groups", s.home.current())
		}
	}
}

// TestMouse: a click selects a row, the wheel moves; a line that asks is left alone.
func TestMouse(t *testing.T) {
	s := shellOf(newWorld(), Options{}, 80, 24, glyphs)
	s.render()
	s.Update(tea.MouseClickMsg{Button: tea.MouseLeft, X: 20, Y: 3})
	if got := s.home.current(); got != "mx2.example.net:25" {
		t.Errorf("a click on line 4 selects %q", got)
	}
	s.Update(tea.MouseClickMsg{Button: tea.MouseLeft, X: 20, Y: 0})
	s.Update(tea.MouseWheelMsg{Button: tea.MouseWheelDown})
	if got := s.home.current(); got != "cdn.example.org" {
		t.Errorf("the wheel goes to %q", got)
	}
	keys(t, s, "p")
	s.Update(tea.MouseWheelMsg{Button: tea.MouseWheelDown})
	s.Update(tea.MouseClickMsg{Button: tea.MouseLeft, X: 20, Y: 3})
	if got := s.home.current(); got != "cdn.example.org" || s.panel == nil {
		t.Errorf("with a line open %q is selected", got)
	}
}

// TestManyMonitors: more rows than are sorted at once come from a command.
func TestManyMonitors(t *testing.T) {
	w := newWorld()
	w.snap = many(arrangeInline + 1)
	s := shellOf(w, Options{}, 80, 24, glyphs)
	if s.home.r != nil {
		t.Fatal("sorted on the screen's time")
	}
	s.snap = nil
	s.home.busy = false
	settle(t, s, s.pull())
	if s.home.r == nil || len(s.home.r.rows) != arrangeInline+1 {
		t.Fatal("no rows came")
	}
	keys(t, s, "/", "text:004242", "enter")
	if shown, _ := s.home.counts(); shown != 1 {
		t.Errorf("%d pass the filter", shown)
	}
}

// TestUnchangedScreen: a tick that brings nothing draws nothing.
func TestUnchangedScreen(t *testing.T) {
	w := newWorld()
	s := shellOf(w, Options{}, 80, 24, glyphs)
	s.View()
	w.now = noon.Add(300 * time.Millisecond)
	s.Update(tickMsg(w.now))
	if s.dirty {
		t.Error("the screen is drawn again for nothing")
	}
	w.now = noon.Add(1100 * time.Millisecond)
	s.Update(tickMsg(w.now))
	if !s.dirty {
		t.Error("ages stand still")
	}
}

func TestFreeze(t *testing.T) {
	w := newWorld()
	s := shellOf(w, Options{}, 80, 24, glyphs)
	s.render()
	keys(t, s, "f")
	w.change(func(st *uptime.State) { st.Verdict = uptime.Down }, "www.example.com")
	w.now = noon.Add(72 * time.Second)
	settle(t, s, s.pull())
	if got := plainText(s.render()); !strings.Contains(got, "FROZEN 1m12s") || !strings.Contains(got, "▼2 DOWN") {
		t.Errorf("frozen shows\n%s", got)
	}
	keys(t, s, "f")
	if got := plainText(s.render()); !strings.Contains(got, "▼3 DOWN") {
		t.Errorf("let go it shows\n%s", got)
	}
}
