package tui

import (
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

// ringWorld is a console beside an engine with a channel that rings.
func ringWorld(t *testing.T, ascii bool) (*pageSource, *shell, func() string) {
	t.Helper()
	f := pagesSource()
	f.snap.Outbox.Channels = []uptime.ChannelState{{Name: "desk", Type: "terminal", Target: "open consoles"}, {Name: "ops", Type: "email"}}
	s := pagesShell(f, 80, 24, theme.New(theme.None, false, ascii))
	now := at
	s.clock = func() time.Time { return now }
	// next runs what a new snapshot leads to, and returns what goes to the terminal.
	next := func() string {
		t.Helper()
		now = now.Add(time.Second)
		snap := *f.snap
		snap.Seq, snap.Time = snap.Seq+1, now
		f.snap = &snap
		return raw(t, s, s.pull())
	}
	next()
	return f, s, next
}

// raw is what a command, and all that follow from it, write past the screen.
func raw(t *testing.T, s *shell, cmd tea.Cmd) string {
	t.Helper()
	var out strings.Builder
	for queue := []tea.Cmd{cmd}; len(queue) > 0; queue = queue[1:] {
		if queue[0] == nil {
			continue
		}
		switch m := queue[0]().(type) {
		case tea.BatchMsg:
			queue = append(queue, m...)
		case tea.RawMsg:
			out.WriteString(m.Msg.(string))
		case nil:
		default:
			_, next := s.Update(m)
			queue = append(queue, next)
		}
	}
	return out.String()
}

func alertEvent(id uint64, channel, message string, state uptime.ToldState) uptime.Event {
	ev := event(id, "2026-11-22 12:35:20", uptime.EventAlert, "", message)
	ev.Channel, ev.Note = channel, string(state)
	return ev
}

func TestRing(t *testing.T) {
	f, s, next := ringWorld(t, false)
	happens := func(evs ...uptime.Event) {
		for _, ev := range evs {
			f.snap.Events++
			ev.ID = f.snap.Events
			f.events = append(f.events, ev)
		}
	}
	said := alertEvent(0, "desk", "terminal to open consoles taken: DOWN shop.example.com/checkout: refused [web-1]", uptime.ToldSent)
	said.Monitor, said.Incident = shop, 4711
	if got := next(); got != "" {
		t.Errorf("at the start it writes %q", got)
	}
	happens(said)
	if got := next(); got != "\a" {
		t.Errorf("for a letter it writes %q", got)
	}
	if got := s.View().WindowTitle; got != "▼ shop.example.com/checkout DOWN - lookout@web-1" {
		t.Errorf("the title is %q", got)
	}
	if got := next(); got != "" {
		t.Errorf("it rings again: %q", got)
	}
	press(t, s, "j")
	if got := s.View().WindowTitle; strings.Contains(got, shop) {
		t.Errorf("a key was pressed, and the title is %q", got)
	}
	happens(alertEvent(0, "ops", "mail to ops@example.com taken", uptime.ToldSent), alertEvent(0, "desk", "terminal FAILED", uptime.ToldFailing))
	if got := next(); got != "" {
		t.Errorf("for a mail it writes %q", got)
	}
	s.Update(tea.BlurMsg{})
	said.Message = "terminal to open consoles taken: DOWN \x1b]0;evil\a\u202eshop\u009c [web-1]"
	happens(said, alertEvent(0, "desk", "terminal to open consoles taken: up again: mail", uptime.ToldSent))
	if got := next(); got != "\x1b]9;lookout: up again: mail (+1 more)\a\a" {
		t.Errorf("of two while nobody looks it writes %q", got)
	}
	happens(said)
	if got := next(); got != "\x1b]9;lookout: DOWN ]0;evilshop [web-1]\a\a" {
		t.Errorf("of a hostile name it writes %q", got)
	}
	s.Update(tea.FocusMsg{})
	if got := s.View().WindowTitle; strings.Contains(got, shop) {
		t.Errorf("somebody looks, and the title is %q", got)
	}
	happens(alertEvent(0, "ops", "mail to ops@example.com taken", uptime.ToldSent), said)
	f.snap.Events-- // the last is stored before a snapshot tells of it
	first := next() + next()
	f.snap.Events++
	if second := next(); first+second != "\a" {
		t.Errorf("for a letter that is ahead of its snapshot it writes %q, then %q", first, second)
	}
	f.snap.Events, f.snap.Started, f.events = 1, at, nil // another log
	if got := next(); got != "" {
		t.Errorf("of a log that began anew it writes %q", got)
	}
	f.err = errSource
	happens(said)
	if got := next(); got != "" {
		t.Errorf("of what cannot be read it writes %q", got)
	}
	f.err = nil
	if got := next(); got != "\a" {
		t.Errorf("when it can be read again it writes %q", got)
	}
}

// TestRingTitleEnds: a title that nobody came for is an ordinary one after a while.
func TestRingTitleEnds(t *testing.T) {
	f, s, next := ringWorld(t, true)
	f.snap.Events++
	said := alertEvent(f.snap.Events, "desk", "terminal to open consoles taken: UP again: bücher [web-1]", uptime.ToldSent)
	f.events = append(f.events, said)
	s.Update(tea.BlurMsg{})
	if got := next(); got != "\x1b]9;lookout: UP again: b?cher [web-1]\a\a" {
		t.Errorf("in ASCII it writes %q", got)
	}
	if got := s.View().WindowTitle; !strings.HasPrefix(got, "UP again: ") {
		t.Errorf("the title is %q", got)
	}
	now := at.Add(ringTitle + time.Minute)
	s.clock = func() time.Time { return now }
	raw(t, s, s.pull())
	if got := s.View().WindowTitle; strings.HasPrefix(got, "UP again") {
		t.Errorf("after a while the title still is %q", got)
	}
	s.dumb, s.dirty = true, true
	if got := s.View().WindowTitle; got != "" {
		t.Errorf("an old terminal gets the title %q", got)
	}
}

// TestBellYields: where a channel says what rings, a new outage alone does not.
func TestBellYields(t *testing.T) {
	w := newWorld()
	b := bell{}
	b.ring(w.snap, noon)
	broken := *w.snap
	broken.Counts.Down++
	broken.Outbox.Channels = []uptime.ChannelState{{Name: "desk", Type: "terminal"}}
	if b.ring(&broken, noon) != nil {
		t.Error("it rings, and the channel would ring, too")
	}
}
