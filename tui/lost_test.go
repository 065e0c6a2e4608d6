package tui

import (
	"context"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

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

// twoLines is a log.
func twoLines(context.Context) (Log, error) { return Log{"~/lookout.log", "one\ntwo\n"}, nil }

// TestLostKeys: what the last line names while nobody answers works.
func TestLostKeys(t *testing.T) {
	a := newWorld()
	a.link = uptime.Link{Attached: true, Lost: noon, Reason: "nothing heard for 2s", Tries: 3}
	s := shellOf(a, Options{Log: twoLines}, 80, 24, glyphs)
	got := plainText(s.render())
	for _, want := range []string{"reconnecting, try 4 under way", " r try now  l log (last lines)  y copy  q leave  ? help"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing:\n%s", want, got)
		}
	}
	a.link.NextTry = noon.Add(3 * time.Second)
	a.now = noon.Add(time.Second)
	settle(t, s, s.pull())
	if got := plainText(s.render()); !strings.Contains(got, "next in 2s") {
		t.Errorf("the next try:\n%s", got)
	}
	keys(t, s, "r")
	if a.tries != 1 {
		t.Errorf("r tried %d times", a.tries)
	}
	keys(t, s, "l")
	if got := plainText(s.render()); !strings.Contains(got, "LOG  ~/lookout.log") || !strings.Contains(got, "two") {
		t.Errorf("the log:\n%s", got)
	}
	keys(t, s, "esc", "q")
	if s.leaving != LeaveQuit {
		t.Errorf("q leaves with %v", s.leaving)
	}
}

// TestBannerFits: what the banner says is whole at every width that a person can read.
func TestBannerFits(t *testing.T) {
	for _, reason := range []string{"", "socket refused", "nothing heard for 2s"} {
		w := newWorld()
		w.link = uptime.Link{Attached: true, Lost: noon, Reason: reason}
		for width := 20; width < 130; width++ {
			s := shellOf(w, Options{}, width, 24, glyphs)
			line := strings.Split(plainText(s.render()), "\n")[1]
			if !strings.HasSuffix(line, "OLD !!") && !strings.HasSuffix(line, "12:35:20 !!") {
				t.Errorf("at %d cells: %q", width, line)
			}
			if width == 80 && !strings.Contains(line, reason) {
				t.Errorf("no reason in %q", line)
			}
		}
	}
}

// TestBannerOfABlindNode: that the node cannot judge is whole, with as much of why as there is room.
func TestBannerOfABlindNode(t *testing.T) {
	w := newWorld()
	w.snap.Node = "offline: 0 of 4 anchors answer; 20 of 21 networks fail"
	for width, want := range map[int]string{
		130: "!! lookout cannot judge: offline: 0 of 4 anchors answer; 20 of 21 networks fail !!",
		80:  "!! cannot judge: offline: 0 of 4 anchors answer; 20 of 21 networks fail !!",
		60:  "!! cannot judge: offline: 0 of 4 anchors answer !!",
		40:  "!! cannot judge: offline !!",
		20:  "!! cannot judge !!",
	} {
		if line := strings.Split(plainText(shellOf(w, Options{}, width, 24, glyphs).render()), "\n")[1]; strings.TrimSpace(line) != want {
			t.Errorf("at %d cells: %q, want %q", width, line, want)
		}
	}
	w.snap.Node, w.snap.Health.StoreError = "", "no space left on device"
	if line := strings.Split(plainText(shellOf(w, Options{}, 40, 24, glyphs).render()), "\n")[1]; strings.TrimSpace(line) != "!! stores nothing !!" {
		t.Errorf("the store: %q", line)
	}
}

// TestBannerOfAnotherVersion: an engine that was updated under a console answers,
// and no waiting helps; a console of any size says what does.
func TestBannerOfAnotherVersion(t *testing.T) {
	w := newWorld()
	w.link = uptime.Link{Attached: true, Lost: noon, Refused: true, Reason: "this engine is lookout 9 and its console stream 1.a, yours is 1.b; attach with the same version"}
	for width := 36; width < 130; width++ {
		line := strings.Split(plainText(shellOf(w, Options{}, width, 24, glyphs).render()), "\n")[1]
		if !strings.Contains(line, "another version") || !strings.Contains(line, "again") || !strings.HasSuffix(line, "!!") {
			t.Errorf("at %d cells: %q", width, line)
		}
	}
}

// TestLogWraps: the end of a long line of the log is on the screen.
func TestLogWraps(t *testing.T) {
	s := shellOf(newWorld(), Options{Log: func(context.Context) (Log, error) {
		return Log{"lookout.log", strings.Repeat("time=1 msg=x\n", 50) + strings.Repeat("word ", 30) + "end-of-it\n"}, nil
	}}, 80, 24, glyphs)
	keys(t, s, "l")
	if got := plainText(s.render()); !strings.Contains(got, "end-of-it") || !strings.Contains(got, "the last 51 lines") {
		t.Errorf("the log:\n%s", got)
	}
	withinScreen(t, "log", s.render(), 80, 24)
	keys(t, s, "g")
	if got := plainText(s.render()); strings.Contains(got, "end-of-it") {
		t.Errorf("g does not lead to its beginning:\n%s", got)
	}
}
