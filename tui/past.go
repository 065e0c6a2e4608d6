package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

const (
	pastEvents  = 20_000 // between a past moment and now, at most: they are read to tell how it was
	pastAtOnce  = 2_000  // how many are read at once
	pastEarlier = 2_000  // how many before it, to tell since when and why
)

// past is a moment before now that the screen shows, as the event log tells it.
// The checks go on, and so does the look at the source.
type past struct {
	at      time.Time
	event   uint64 // the newest event by then
	loading bool   // another moment is being read
}

// pastMsg is the state at another moment.
type pastMsg struct {
	at    time.Time
	event uint64
	snap  *uptime.Snapshot
	none  string // why there is none; "" where there is
	err   error
}

// pastKeys go through the past.
func pastKeys() []binding {
	return []binding{
		{keys: []string{"[", "]"}, group: groupPast, help: "step in time", verb: "step back in time", run: (*shell).stepPast},
		{keys: []string{"T"}, group: groupPast, help: "type a time", verb: "time", run: func(s *shell, _ string) tea.Cmd {
			if s.snap == nil {
				return nil
			}
			return s.openPanel(&timeLine{})
		}},
	}
}

// nowKey is esc while the screen shows the past: first of all it ends that.
func (s *shell) nowKey(p page) []binding {
	if _, help := p.(*helpPage); s.past == nil || help {
		return nil
	}
	return []binding{{keys: []string{"esc"}, group: groupPast, help: "back to now", hint: "back to now", run: func(s *shell, _ string) tea.Cmd { return s.toNow() }}}
}

// toNow shows again what is.
func (s *shell) toNow() tea.Cmd {
	s.past, s.snap, s.dirty = nil, nil, true
	return s.pull()
}

// stepPast goes to the change before or after the moment on the screen.
func (s *shell) stepPast(key string) tea.Cmd {
	live := s.source.Snapshot()
	switch {
	case live == nil || s.past != nil && s.past.loading:
		return nil
	case key == "]" && s.past == nil:
		s.say("this is now")
		return nil
	}
	from := past{at: live.Time.Add(time.Hour), event: live.Events} // a step of the clock hides nothing
	if s.past != nil {
		from = *s.past
		s.past.loading = true
	}
	return s.ask(func(ctx context.Context) pastMsg {
		q := uptime.EventQuery{After: from.event, Since: from.at.Add(time.Millisecond), Kinds: uptime.PastKinds(), Limit: 1}
		if key == "[" {
			q = uptime.EventQuery{Before: from.event + 1, Until: from.at, Kinds: uptime.PastKinds(), Limit: 1}
		}
		found, err := s.source.Events(ctx, q)
		switch {
		case err != nil:
			return pastMsg{err: err}
		case len(found) == 0 && key == "[":
			return pastMsg{none: "the log begins here"}
		case len(found) == 0:
			return pastMsg{} // now
		}
		return s.read(ctx, live, found[0].Time)
	})
}

// goBack shows the state at a moment.
func (s *shell) goBack(at time.Time) tea.Cmd {
	live := s.source.Snapshot()
	if live == nil {
		return nil
	}
	return s.ask(func(ctx context.Context) pastMsg { return s.read(ctx, live, at) })
}

// ask has the past read off the screen.
func (s *shell) ask(f func(ctx context.Context) pastMsg) tea.Cmd {
	ctx := s.ctx
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, loadTimeout)
		defer cancel()
		return f(ctx)
	}
}

// read makes the state at a moment from what was written down.
func (s *shell) read(ctx context.Context, live *uptime.Snapshot, at time.Time) pastMsg {
	end := at.Add(time.Millisecond) // times of the log have milliseconds
	newest, err := s.source.Events(ctx, uptime.EventQuery{Before: live.Events + 1, Until: end, Limit: 1})
	if err != nil {
		return pastMsg{err: err}
	}
	if len(newest) == 0 {
		return pastMsg{none: "the log does not go back so far"}
	}
	later, err := s.later(ctx, live.Events, end)
	if err != nil {
		return pastMsg{err: err}
	}
	earlier, err := s.source.Events(ctx, uptime.EventQuery{Before: newest[0].ID + 1, Kinds: uptime.PastKinds(), Limit: pastEarlier})
	if err != nil {
		return pastMsg{err: err}
	}
	incidents, err := s.source.Incidents(ctx, uptime.IncidentQuery{Since: at, Until: end, Limit: pastEarlier})
	if err != nil {
		return pastMsg{err: err}
	}
	snap := live.At(at, later, earlier, incidents)
	snap.Events = newest[0].ID
	return pastMsg{at: at, event: newest[0].ID, snap: snap}
}

// errFar reports a moment from which there is too much to undo.
var errFar = errors.New("too much has happened since: more than " + group3(pastEvents) + " changes; choose a later time")

// later reads all that changed from a moment on, newest first.
func (s *shell) later(ctx context.Context, newest uint64, from time.Time) ([]uptime.Event, error) {
	var out []uptime.Event
	for before := newest + 1; ; {
		got, err := s.source.Events(ctx, uptime.EventQuery{Before: before, Since: from, Kinds: uptime.PastKinds(), Limit: pastAtOnce})
		if err != nil {
			return nil, err
		}
		for i := range got {
			got[i].Evidence = nil // not asked for, and much
		}
		if out = append(out, got...); len(out) > pastEvents {
			return nil, errFar
		}
		if len(got) < pastAtOnce {
			return out, nil
		}
		before = got[len(got)-1].ID
	}
}

// went shows the moment that was read.
func (s *shell) went(m pastMsg) tea.Cmd {
	if s.past != nil {
		s.past.loading = false
	}
	switch {
	case m.err != nil:
		s.fail(fmt.Errorf("the past is not known: %w", m.err))
		return nil
	case m.none != "":
		s.say(m.none)
		return nil
	case m.snap == nil:
		return s.toNow()
	}
	if s.past == nil {
		s.say("as it was, by the event log; checks go on.  [ ] step, T a time, esc now")
	}
	s.past = &past{at: m.at, event: m.event}
	s.now, s.snap, s.dirty = m.at, m.snap, true
	cmds := []tea.Cmd{s.home.refresh(s)}
	if top := s.top(); top != page(s.home) {
		cmds = append(cmds, top.refresh(s))
	}
	return tea.Batch(cmds...)
}

// asOf are incidents as they were at a moment.
func asOf(list []uptime.Incident, at time.Time) []uptime.Incident {
	var out []uptime.Incident
	for _, in := range list {
		if in.Start.After(at) {
			continue
		}
		if in.End.After(at) {
			in.End, in.Ended = time.Time{}, ""
		}
		out = append(out, in)
	}
	return out
}

// timeLine is a moment being typed.
type timeLine struct {
	in    input
	wrong string
}

func (t *timeLine) lines(*shell) int { return 1 }

func (t *timeLine) draw(s *shell, p *pen) {
	right := "03:05, 11-22 03:05, 2026-11-22 03:05, or how long ago: 2h"
	style := theme.Faint
	if t.wrong != "" {
		right, style = t.wrong, theme.Warn
	}
	if p.w < 50 && t.wrong == "" {
		right = "03:05 or 2h"
	}
	p.to(1)
	p.text(theme.Accent, "time ")
	room := max(p.w-p.x-cells(right)-3, min(18, p.w-p.x))
	t.in.draw(p, room, true)
	if x := p.w - 1 - cells(right); x > p.x {
		p.to(x)
	} else {
		p.say("  ")
	}
	p.cell(style, right, min(cells(right), max(p.w-p.x-1, 0)))
	p.end()
}

func (t *timeLine) hints(*shell) []hint { return []hint{{"enter", "show it", 0}, {"esc", "cancel", 0}} }

func (t *timeLine) typed(s *shell, k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "esc", "ctrl+c":
		s.panel = nil
	case "enter":
		text := strings.TrimSpace(t.in.text())
		if text == "" || text == "now" {
			s.panel = nil
			return s.toNow()
		}
		at, err := parsePast(text, s.clock().In(s.loc))
		if err != nil {
			t.wrong = err.Error()
			return nil
		}
		s.panel = nil
		return s.goBack(at)
	default:
		t.wrong = ""
		t.in.typed(k)
	}
	return nil
}

func (t *timeLine) pasted(_ *shell, text string) tea.Cmd {
	t.in.insert(text)
	return nil
}

// parsePast reads a moment before now: a time of day (the last one), a date
// with or without a year, or how long ago.
func parsePast(text string, now time.Time) (time.Time, error) {
	text = strings.TrimSuffix(text, " ago")
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02", "01-02 15:04:05", "01-02 15:04", "15:04:05", "15:04"} {
		t, err := time.ParseInLocation(layout, text, now.Location())
		if err != nil {
			continue
		}
		switch {
		case strings.HasPrefix(layout, "15"):
			t = time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), t.Second(), 0, now.Location())
			if t.After(now) {
				t = t.AddDate(0, 0, -1)
			}
		case strings.HasPrefix(layout, "01"):
			if t = t.AddDate(now.Year(), 0, 0); t.After(now) {
				t = t.AddDate(-1, 0, 0)
			}
		}
		if t.After(now) {
			return time.Time{}, fmt.Errorf("%s is not past yet", uptime.Clean(text, 30))
		}
		return t, nil
	}
	d, err := uptime.ParseDuration(text)
	if err != nil || d <= 0 {
		return time.Time{}, fmt.Errorf("%q is no time", uptime.Clean(text, 30))
	}
	return now.Add(-d), nil
}
