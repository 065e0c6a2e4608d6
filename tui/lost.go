package tui

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

// since is when the engine was last heard of.
func (s *shell) since() time.Time {
	if s.snap != nil {
		return s.snap.Time
	}
	return s.link.Lost
}

// banner says that lookout itself is blind: nobody answers, or the node cannot
// judge. It returns the same in fewer and fewer words; nothing where all is well.
func (s *shell) banner() []string {
	at := s.hhmmss(s.since())
	if !s.link.Lost.IsZero() {
		at = s.hhmmss(s.link.Lost)
	}
	switch {
	case s.lost && s.link.Lost.IsZero():
		return []string{"!! the engine stands still since " + at + ": all below is OLD !!", "!! stands still since " + at + " !!", "!! OLD " + at + " !!"}
	case s.lost && s.link.Refused: // to wait is of no use
		return []string{"!! another version of lookout runs here since " + at + ": leave and start lookout again; all below is OLD !!",
			"!! another version since " + at + ": start lookout again; all is OLD !!", "!! another version: start again !!", "!! OLD " + at + " !!"}
	case s.lost:
		texts := []string{"!! engine does not answer since " + at + ": all below is OLD !!", "!! no answer since " + at + ": OLD !!", "!! OLD " + at + " !!"}
		if s.link.Reason == "" {
			return texts
		}
		why := "!! engine does not answer since " + at + " (" + s.link.Reason + "): all "
		return append([]string{why + "below is OLD !!", why + "is OLD !!"}, texts...)
	case s.snap != nil && s.snap.Node != "":
		return shorter("cannot judge", s.snap.Node)
	case s.snap != nil && s.snap.Health.StoreError != "":
		return shorter("stores nothing", s.snap.Health.StoreError)
	}
	return nil
}

// shorter says what lookout does not do, and why in less and less words.
func shorter(what, why string) []string {
	out := []string{"!! lookout " + what + ": " + why + " !!", "!! " + what + ": " + why + " !!"}
	for _, end := range []string{"; ", ": "} {
		if first, _, ok := strings.Cut(why, end); ok {
			why = first
			out = append(out, "!! "+what+": "+why+" !!")
		}
	}
	return append(out, "!! "+what+" !!")
}

// drawBanner writes the banner in line 2. The last truth stays on the screen.
func (s *shell) drawBanner(p *pen) {
	texts := s.banner()
	if len(texts) == 0 || p.left() < 2 {
		return
	}
	for len(texts) > 1 && cells(texts[0]) >= p.w-1 {
		texts = texts[1:]
	}
	p.to(min(1, p.w-1))
	p.cell(theme.Alarm, texts[0], min(cells(texts[0]), p.w-p.x))
	p.end()
}

// lostHints are the keys while nobody answers.
func (s *shell) lostHints() []hint {
	var out []hint
	if _, ok := s.source.(retrier); ok {
		out = append(out, hint{"r", "try now", 0})
	}
	if s.log != nil {
		out = append(out, hint{"l", "log (last lines)", 1})
	}
	if _, ok := s.top().(copier); ok {
		out = append(out, hint{"y", "copy", 1})
	}
	if len(s.stack) > 1 {
		out = append(out, hint{"esc", "back", 0})
	}
	return append(out, hint{"q", "leave", 0}, hint{"?", "help", 0})
}

// drawLost is the second last line while nobody answers.
func (s *shell) drawLost(p *pen) {
	p.to(1)
	switch {
	case s.link.Lost.IsZero():
		p.say("no news from the engine for ", uptime.Ago(s.old))
	case !s.link.NextTry.After(s.now): // one is under way: an engine that is stopped takes calls and answers none
		p.say("reconnecting, try ", group3(s.link.Tries+1), " under way")
	default:
		p.say("reconnecting, try ", group3(max(s.link.Tries, 1)), ", next in ", uptime.Ago(s.link.NextTry.Sub(s.now)+time.Second-1))
	}
	tail := "the screen stays, nothing exits"
	if p.x+len(tail)+2 <= p.w {
		p.to(48)
		p.text(theme.Faint, tail)
	}
}

func (s *shell) hhmmss(t time.Time) string { return t.In(s.loc).Format("15:04:05") }

// bell rings on a new outage: at most once a minute, and only where nobody looks.
// Where a channel of type terminal is configured, that says what rings.
type bell struct {
	focused bool // the terminal says so; one that cannot say counts as away
	down    int
	newest  uint64
	started bool
	rang    time.Time
}

func (b *bell) ring(snap *uptime.Snapshot, now time.Time) tea.Cmd {
	newest := b.newest
	for _, i := range snap.Open {
		if i.Verdict == uptime.Down {
			newest = max(newest, i.Number)
			break
		}
	}
	fresh := b.started && (snap.Counts.Down > b.down || newest > b.newest)
	b.started, b.down, b.newest = true, snap.Counts.Down, newest
	if !fresh || b.focused || now.Sub(b.rang) < bellEvery || len(terminals(snap)) > 0 {
		return nil
	}
	b.rang = now
	return tea.Raw("\a")
}
