package tui

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"lookout/engine/uptime"
)

// voteKeys ask whether the vote of the chosen probe, which is excluded now or not, should count.
func voteKeys(excluded bool, chosen func(s *shell) (probeRow, bool)) []binding {
	word := "exclude"
	if excluded {
		word = "include"
	}
	off := func(s *shell) string {
		r, ok := chosen(s)
		switch {
		case s.readOnly || s.link.ReadOnly:
			return "this console may only look"
		case s.past != nil:
			return "this is the past; esc goes back to now"
		case s.lost:
			return "the engine does not answer"
		case !ok:
			return "there is no probe here"
		case r.Probe == nil:
			return "this node is no probe: it always has its say"
		case r.State == uptime.ProbeUnseen:
			return "no probe of " + r.Location + " has come yet"
		}
		return ""
	}
	return []binding{{keys: []string{"x"}, group: groupDo, help: word + " its vote", hint: word, rank: 1, verb: "exclude or include the probe", off: off,
		run: func(s *shell, _ string) tea.Cmd {
			r, _ := chosen(s)
			return s.askVote(r.Probe)
		}}}
}

// askVote asks to take a probe's vote away, or to give it back.
func (s *shell) askVote(p *uptime.Probe) tea.Cmd {
	d := deed{verb: "exclude", done: "excluded", effect: "its vote does not count, and it checks nothing"}
	if p.Excluded != "" {
		d = deed{verb: "include", done: "included", effect: "its vote counts again as soon as it is live"}
	}
	id, excluded := p.ID(), p.Excluded != ""
	return s.openPanel(&ask{deed: d, targets: []string{id}, count: 1, do: func(s *shell, note string) tea.Cmd {
		s.undo = nil
		s.say(string(d.verb) + " …")
		ctx, there, back := s.ctx, s.source.Exclude, s.source.Include
		if excluded {
			there, back = back, there
		}
		return func() tea.Msg {
			ctx, cancel := context.WithTimeout(ctx, actTimeout)
			defer cancel()
			if err := there(ctx, id, note); err != nil {
				return saidMsg{err: err}
			}
			return saidMsg{text: id + " is " + d.done, undo: &undo{said: string(d.verb) + " undone: " + id + " is as it was",
				run: func(ctx context.Context) error { return back(ctx, id, "undone") }}}
		}
	}})
}
