package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"lookout/engine/uptime"
)

const (
	ringsAtOnce = 100              // how many letters are read at once
	ringTitle   = 10 * time.Minute // how long the title of the window says what rang, unless a key is pressed
)

// ringer is this console's end of a channel of type terminal: each letter to
// one rings here once, by the event that says that it was taken. What was told
// before the console began does not ring.
type ringer struct {
	started bool
	seen    uint64    // the newest event that was looked at; it may be ahead of the snapshot
	engine  time.Time // when the engine of that log began
	asking  bool
	can     bool // the terminal reports focus, so it is one that takes OSC sequences
	away    bool // and says that nobody looks
	title   string
	until   time.Time // when the title is an ordinary one again
}

// rangMsg brings the letters that came since.
type rangMsg struct {
	events []uptime.Event // alert events, oldest first
	upTo   uint64         // the newest event that this covers
	err    error
}

// terminals are the channels that ring; nil: none does.
func terminals(snap *uptime.Snapshot) (names []string) {
	for i := range snap.Outbox.Channels {
		if c := &snap.Outbox.Channels[i]; c.Type == "terminal" {
			names = append(names, c.Name)
		}
	}
	return names
}

// listen asks for new letters where there may be any.
func (r *ringer) listen(s *shell, snap *uptime.Snapshot) tea.Cmd {
	if anew := !snap.Started.Equal(r.engine); !r.started || anew && r.seen > snap.Events { // it begins, or it is another log
		r.started, r.seen, r.engine = true, snap.Events, snap.Started
		return nil
	}
	if r.asking || snap.Events <= r.seen {
		return nil
	}
	if len(terminals(snap)) == 0 {
		r.seen = snap.Events
		return nil
	}
	r.asking = true
	ctx, source, after, upTo := s.ctx, s.source, r.seen, snap.Events
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, loadTimeout)
		defer cancel()
		got, err := source.Events(ctx, uptime.EventQuery{After: after, Kinds: []uptime.EventKind{uptime.EventAlert}, Limit: ringsAtOnce})
		switch n := len(got); {
		case n == ringsAtOnce:
			upTo = got[n-1].ID
		case n > 0: // it may be stored before a snapshot tells of it
			upTo = max(upTo, got[n-1].ID)
		}
		return rangMsg{slices.Clone(got), upTo, err}
	}
}

// heard rings for the letters that came: once, however many they are.
func (r *ringer) heard(s *shell, m rangMsg, snap *uptime.Snapshot, now time.Time) tea.Cmd {
	r.asking = false
	if m.err != nil || snap == nil {
		return nil // it is asked again with the next snapshot
	}
	r.seen = max(r.seen, m.upTo)
	ring := terminals(snap)
	var newest *uptime.Event
	count := 0
	for i := range m.events {
		ev := &m.events[i]
		if ev.Note == string(uptime.ToldSent) && slices.Contains(ring, ev.Channel) {
			newest = ev
			count++
		}
	}
	if newest == nil {
		return nil
	}
	r.title, r.until, s.dirty = r.headline(s, newest, snap), now.Add(ringTitle), true
	out := "\a"
	if r.can && r.away && !s.dumb {
		text := rung(newest)
		if count > 1 {
			text += fmt.Sprintf(" (+%d more)", count-1)
		}
		out = notification(text, s.th.ASCII) + out
	}
	return tea.Raw(out)
}

// rung is the subject of the letter that an event is about.
func rung(ev *uptime.Event) string {
	text := ev.Message
	if _, said, ok := strings.Cut(text, " taken: "); ok { // what the terminal answers is the subject
		text = said
	}
	return text
}

// headline is what the title of the window says of a letter.
func (r *ringer) headline(s *shell, ev *uptime.Event, snap *uptime.Snapshot) string {
	for _, in := range snap.Open {
		if in.Number != ev.Incident {
			continue
		}
		if ev.Monitor == "" { // of several
			break
		}
		return string(s.th.State(in.Verdict, uptime.Active).Glyph) + " " + uptime.Clean(in.Monitor, 60) + " " + in.Verdict.Label()
	}
	return uptime.Clean(rung(ev), 80)
}

// looked ends the special title: somebody is here.
func (r *ringer) looked(s *shell) {
	if r.title != "" {
		r.title, s.dirty = "", true
	}
}

// notification is OSC 9: a desktop notification in the terminals that have it,
// and nothing in the others. The text begins with our name, since some read a
// number there as a command of theirs.
func notification(text string, ascii bool) string {
	text = uptime.Clean("lookout: "+text, 200)
	if ascii {
		text = strings.Map(func(c rune) rune {
			if c > '~' {
				return '?'
			}
			return c
		}, text)
	}
	return "\x1b]9;" + text + "\a"
}
