package tui

import (
	"slices"
	"strings"
	"testing"
	"time"

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

// TestTopStaysAtTop: what breaks while the list is at its top is seen.
func TestTopStaysAtTop(t *testing.T) {
	w := newWorld()
	s := shellOf(w, Options{}, 80, 24, glyphs)
	s.render()
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

func TestFilterLine(t *testing.T) {
	s := shellOf(newWorld(), Options{}, 80, 24, glyphs)
	s.render()
	keys(t, s, "/", "text:gr", "tab", "text:sh", "tab", "enter")
	if got := s.home.want.query; got == nil || got.text != "group:shop" {
		t.Fatalf("the filter is %+v", got)
	}
	if shown, all := s.home.counts(); shown != 3 || all != 1003 {
		t.Errorf("%d of %d are shown", shown, all)
	}
	keys(t, s, "esc")
	if shown, _ := s.home.counts(); shown != 1003 {
		t.Errorf("esc leaves %d", shown)
	}
	keys(t, s, "/", "up")
	if f := s.panel.(*filterLine); f.in.text() != "group:shop" {
		t.Errorf("up brings %q", f.in.text())
	}
	keys(t, s, "ctrl+u", "text:state:down", "enter")
	keys(t, s, ":", "text:view save bad", "enter", "esc")
	if len(s.views) != 2 || s.views[1] != (View{"bad", "state:down"}) {
		t.Errorf("views are %v", s.views)
	}
	keys(t, s, "2")
	if shown, _ := s.home.counts(); shown != 2 {
		t.Errorf("view 2 shows %d", shown)
	}
}

func TestSortMenu(t *testing.T) {
	s := shellOf(newWorld(), Options{}, 80, 24, glyphs)
	keys(t, s, "s", "n")
	if s.home.want.by != byName || s.home.want.reverse {
		t.Errorf("s n sorts by %+v", s.home.want)
	}
	keys(t, s, "s", "n")
	if !s.home.want.reverse {
		t.Error("again does not reverse")
	}
	keys(t, s, ":", "text:sort lat", "enter")
	if s.home.want.by != byLatency {
		t.Errorf(":sort latency sorts by %s", s.home.want.by)
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

func TestLost(t *testing.T) {
	w := newWorld()
	s := shellOf(w, Options{Embedded: true}, 80, 24, glyphs)
	w.now = noon.Add(staleAfter + 100*time.Millisecond)
	settle(t, s, s.pull())
	got := plainText(s.render())
	if !strings.Contains(got, "stands still since 12:35:20") {
		t.Errorf("an embedded engine that stands still shows\n%s", got)
	}
	for _, l := range strings.Split(got, "\n")[3:22] {
		if strings.Contains(l, "●") {
			t.Errorf("a row is still green: %s", l)
		}
	}
	if s.windowTitle() != "? lookout@web-1" {
		t.Errorf("the title is %q", s.windowTitle())
	}
	w.snap.Seq++
	fresh := *w.snap
	fresh.Time = w.now
	w.snap = &fresh
	settle(t, s, s.pull())
	if got := plainText(s.render()); !strings.Contains(got, "●995 up") {
		t.Errorf("after it is back it shows\n%s", got)
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

func TestBell(t *testing.T) {
	w := newWorld()
	now := noon
	b := bell{}
	if b.ring(w.snap, now) != nil {
		t.Error("it rings for what was down at the start")
	}
	broken := *w.snap
	broken.Counts.Down++
	if b.ring(&broken, now) == nil {
		t.Error("it does not ring for a new outage")
	}
	broken.Counts.Down++
	if b.ring(&broken, now.Add(59*time.Second)) != nil {
		t.Error("it rings twice a minute")
	}
	broken.Counts.Down++
	if b.ring(&broken, now.Add(61*time.Second)) == nil {
		t.Error("it does not ring a minute later")
	}
	b.focused = true
	broken.Counts.Down++
	if b.ring(&broken, now.Add(5*time.Minute)) != nil {
		t.Error("it rings while somebody looks")
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
