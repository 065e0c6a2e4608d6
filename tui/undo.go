package tui

import (
	"context"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"lookout/engine/uptime"
)

// undo is what takes the last action back, for a while.
type undo struct {
	back  []uptime.Action
	run   func(ctx context.Context) error // of what was not done to monitors; nil: it was
	said  string                          // when it was taken back
	until time.Time
}

// acted says what an action changed, and offers to take it back.
func (s *shell) acted(m doneMsg) {
	if m.err != nil {
		s.fail(m.err)
		return
	}
	switch len(m.names) {
	case 0:
		s.say("nothing changed")
		return
	case 1:
		s.say(m.names[0] + " is " + m.done)
	default:
		s.say(group3(len(m.names)) + " monitors are " + m.done)
	}
	if len(m.back) > 0 {
		said := string(m.verb) + " undone: "
		if len(m.names) == 1 {
			said += m.names[0] + " is as it was"
		} else {
			said += group3(len(m.names)) + " monitors are as they were"
		}
		s.undo = &undo{back: m.back, said: said, until: s.now.Add(undoFor)}
	}
}

// offer lets u take back what was just done.
func (s *shell) offer(u *undo) {
	if u != nil {
		u.until = s.now.Add(undoFor)
		s.undo = u
	}
}

// reversal is what brings states back to how they are now, after a verb.
func reversal(verb uptime.Verb, states []*uptime.State) []uptime.Action {
	type how struct {
		mode  uptime.Mode
		until time.Time
		ack   uptime.Ack
		acked bool
	}
	var order []how
	byHow := map[how][]string{}
	for _, st := range states {
		h := how{}
		switch verb {
		case uptime.VerbCheck, uptime.VerbBeat:
			return nil
		case uptime.VerbAck, uptime.VerbUnack:
			if st.Incident == 0 {
				continue
			}
			if h.acked = st.Ack != nil; h.acked {
				h.ack = *st.Ack
			}
		default:
			h.mode, h.until = st.Mode, st.Until
		}
		if _, ok := byHow[h]; !ok {
			order = append(order, h)
		}
		byHow[h] = append(byHow[h], st.Name)
	}
	var out []uptime.Action
	for _, h := range order {
		a := uptime.Action{Targets: byHow[h], Until: h.until}
		switch {
		case verb == uptime.VerbAck && !h.acked || verb == uptime.VerbUnack && !h.acked:
			a.Verb = uptime.VerbUnack
		case verb == uptime.VerbAck || verb == uptime.VerbUnack:
			a.Verb, a.Note, a.Until = uptime.VerbAck, h.ack.Note, h.ack.Until
		case h.mode == uptime.Paused:
			a.Verb = uptime.VerbPause
		case h.mode == uptime.Maintenance:
			a.Verb = uptime.VerbMaintain
		case verb == uptime.VerbPause || verb == uptime.VerbResume:
			a.Verb = uptime.VerbResume
		default:
			a.Verb = uptime.VerbUnmaintain
		}
		out = append(out, a)
	}
	return out
}

// takeBack undoes the last action.
func (s *shell) takeBack() tea.Cmd {
	u := s.undo
	if u == nil {
		s.say("nothing to undo: it is over after 10 s")
		return nil
	}
	s.undo = nil
	s.say("undo …")
	ctx, source := s.ctx, s.source
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, actTimeout)
		defer cancel()
		for _, a := range u.back {
			if _, err := source.Act(ctx, a); err != nil {
				return saidMsg{err: fmt.Errorf("undo: %w", err)}
			}
		}
		if u.run != nil {
			if err := u.run(ctx); err != nil {
				return saidMsg{err: fmt.Errorf("undo: %w", err)}
			}
		}
		return saidMsg{text: u.said}
	}
}
