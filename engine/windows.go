package engine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lookout/engine/schedule"
	"lookout/engine/uptime"
)

// Maintenance is a maintenance window of the configuration: when, and for which
// monitors.
//
// A window puts those that are active into maintenance and takes them out again.
// What a person said goes before it: a pause or a maintenance of theirs is not
// cut short by its end, and where theirs ends inside of a window, the window goes
// on; who takes a monitor out of maintenance does so until the window ends.
type Maintenance struct {
	Of     []string // NAME, tag:T or group:G
	Window schedule.Window
	Note   string
}

// byConfig is who does what a window says.
const byConfig = "config"

// rota is all windows of some monitors: most monitors have the same ones, or
// none, so that is where the time is kept.
type rota struct {
	windows  []Maintenance
	times    []schedule.Window // theirs
	newest   int               // the place of the last of them in the configuration
	monitors []*monitor

	span  schedule.Span // the opening that is, or else the next, of all together
	known bool          // there is one
	open  bool          // it is now
	from  time.Time     // since when its monitors follow it: From, or when it came into force
	seen  time.Time     // when that was found out
	fresh bool          // it was not yet
}

// arrange gives every monitor its windows; they are in force from since on.
func (e *Engine) arrange(windows []Maintenance, since time.Time) {
	e.rotas = nil
	e.calendar = calendar{}
	for _, m := range e.monitors {
		m.rota = nil
	}
	if len(windows) == 0 {
		return
	}
	find := e.finder()
	for n, w := range windows {
		more := make(map[*rota]*rota)
		of := 0
		for _, to := range w.Of {
			for _, m := range find(to) {
				if m.rota != nil && m.rota.newest == n {
					continue // by another of its names
				}
				of++
				if more[m.rota] == nil {
					more[m.rota] = m.rota.with(w, n, since)
				}
				m.rota = more[m.rota]
			}
		}
		e.calendar.add(w, of)
	}
	for _, m := range e.monitors {
		if m.rota == nil {
			continue
		}
		if len(m.rota.monitors) == 0 {
			e.rotas = append(e.rotas, m.rota)
		}
		m.rota.monitors = append(m.rota.monitors, m)
	}
}

// with is a rota with one window more; nil has none.
func (r *rota) with(w Maintenance, n int, since time.Time) *rota {
	out := &rota{newest: n, seen: since.Round(0), fresh: true}
	if r != nil {
		out.windows, out.times = slices.Clone(r.windows), slices.Clone(r.times)
	}
	out.windows, out.times = append(out.windows, w), append(out.times, w.Window)
	return out
}

// finder returns a function that finds the monitors that NAME, tag:T or group:G
// means, without a walk over all for each.
func (e *Engine) finder() func(to string) []*monitor {
	tags, groups := make(map[string][]*monitor), make(map[string][]*monitor)
	for _, m := range e.monitors {
		for _, t := range m.job.Tags {
			tags[t] = append(tags[t], m)
		}
		groups[m.job.Group] = append(groups[m.job.Group], m)
	}
	return func(to string) []*monitor {
		switch sel, err := uptime.ParseSelector(to); {
		case err != nil || sel.Incident != 0:
			return nil
		case sel.Tag != "":
			return tags[sel.Tag]
		case sel.Group != "":
			return groups[sel.Group]
		}
		if m := e.byName[to]; m != nil {
			return []*monitor{m}
		}
		return nil // disabled
	}
}

// look finds the opening that is, or the next one, and reports whether that is
// another than it was. It asks the time tables only when it has to, which is also
// when the clock was set back.
func (r *rota) look(now time.Time) bool {
	now = now.Round(0) // windows go by the wall clock
	switch {
	case r.fresh:
	case r.open && r.span.Holds(now):
		return false
	case !r.open && !now.Before(r.seen) && (!r.known || now.Before(r.span.From)):
		return false
	}
	r.span, r.known = schedule.Opening(r.times, now)
	r.open = r.known && r.span.Holds(now)
	r.from = now
	if r.open && r.span.From.After(r.seen) {
		r.from = r.span.From
	}
	r.seen, r.fresh = now, false
	return true
}

// note is what the windows say that are open.
func (r *rota) note(now time.Time) string {
	if r == nil {
		return ""
	}
	var out []string
	for _, w := range r.windows {
		if w.Note == "" || slices.Contains(out, w.Note) {
			continue
		}
		if o, ok := w.Window.Opening(now); ok && o.Holds(now) {
			out = append(out, w.Note)
		}
	}
	return uptime.Clean(strings.Join(out, "; "), 200)
}

// windows opens and closes what is due.
func (e *Engine) windows(now time.Time) {
	for _, r := range e.rotas {
		if r.look(now) {
			e.out.pending.Events = slices.Grow(e.out.pending.Events, len(r.monitors))
			e.settle(r.monitors, now)
		}
	}
}

// settle has monitors follow their windows, after a start, a reload, or when one
// opens or closes. What they are members of is judged once.
func (e *Engine) settle(monitors []*monitor, now time.Time) {
	var groups []*monitor
	seen := make(map[*monitor]bool)
	notes := make(map[*rota]string)
	for _, m := range monitors {
		from, note := now, ""
		if r := m.rota; r != nil {
			r.look(now)
			known := false
			if note, known = notes[r]; !known {
				note = r.note(now)
				notes[r] = note
			}
			from = r.from
		}
		if !e.follow(m, from, note, now) {
			continue
		}
		for _, g := range m.groups {
			if !seen[g] {
				seen[g] = true
				groups = append(groups, g)
			}
		}
	}
	for _, g := range groups {
		e.judge(g, now)
	}
}

// covered reports whether a monitor's windows want it in maintenance.
func (m *monitor) covered(now time.Time) bool {
	return m.rota != nil && m.rota.open && !now.Before(m.out)
}

// follow has a monitor do what its windows say, from a time on, unless a person
// said otherwise. It reports whether its mode has changed.
func (e *Engine) follow(m *monitor, from time.Time, note string, now time.Time) bool {
	in, was := m.covered(now), m.mode
	if m.windowed && (!in || m.rota.span.From.After(m.until)) {
		e.leave(m, now)
	}
	if in && (m.mode == uptime.Active || m.windowed && !m.until.Equal(m.rota.span.To)) {
		e.enter(m, from, note, now)
	}
	return m.mode != was
}

// enter puts a monitor into the maintenance of its windows.
func (e *Engine) enter(m *monitor, from time.Time, note string, now time.Time) {
	if m.mode != uptime.Maintenance {
		m.modeSince = latest(from, m.modeSince)
		m.mode = uptime.Maintenance
		m.counts(m.modeSince, m.class(), now)
	}
	m.windowed, m.until = true, m.rota.span.To
	e.emit(uptime.Event{Time: now, Kind: uptime.EventMaintenance, Monitor: m.job.Name, Since: m.modeSince, Mode: m.mode,
		Message: "in maintenance", By: byConfig, Note: note, Until: m.until})
	m.moves()
}

// leave takes a monitor out of the maintenance of its windows: when it ended, or
// now where they were taken out of the configuration.
func (e *Engine) leave(m *monitor, now time.Time) {
	from := now.Round(0)
	if from.After(m.until) {
		from = m.until
	}
	m.modeSince = latest(from, m.modeSince)
	m.mode, m.until, m.windowed = uptime.Active, time.Time{}, false
	m.counts(m.modeSince, m.class(), now)
	e.emit(uptime.Event{Time: now, Kind: uptime.EventMaintenance, Monitor: m.job.Name, Since: m.modeSince, Mode: m.mode,
		Message: "out of maintenance", By: byConfig})
	m.moves()
	e.outlasted(m, now)
}

// moves notes that a window has changed a monitor's mode. Its state is not saved
// for that: there may be 180,000 of them, and recall learns it from the events.
func (m *monitor) moves() {
	m.moved = true
	if m.viewed {
		v := *m.view
		v.Mode, v.Until = m.mode, m.until
		m.view = &v
	}
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// outlasted says that an outage nobody was told of, as it came in a maintenance,
// is still there: from here on it is one like any other.
func (e *Engine) outlasted(m *monitor, now time.Time) {
	i := e.open[m.number]
	if i == nil || !i.Silenced || m.mode != uptime.Active || m.mem.Verdict != uptime.Down && m.mem.Verdict != uptime.Degraded {
		return
	}
	i.Silenced = false
	i.Tell(uptime.Phase{Time: now.UTC().Round(0), Phase: uptime.IncidentOutlasted, Verdict: m.mem.Verdict, Message: "the maintenance is over"})
	e.emit(uptime.Event{Time: now, Kind: uptime.EventIncident, Monitor: m.job.Name, Since: i.Start, From: m.mem.Verdict, To: m.mem.Verdict,
		Fault: i.Fault, Message: fmt.Sprintf("#%d outlasted the maintenance: %s", i.Number, i.Message), Incident: i.Number, By: byEngine,
		Note: uptime.IncidentOutlasted, Evidence: i.Evidence, Behind: i.Behind})
	e.keep(i)
	m.touched()
}

const (
	unsavedFor   = 20 * time.Minute // a state record is never older: every one that has to be is renewed in ten
	recallAtOnce = 10_000
)

// recall learns from the newest events which mode monitors are in: windows
// change it without saving their state.
func (e *Engine) recall(now time.Time) error {
	seen := make(map[string]bool)
	since, before := e.o.Resumed.LastAlive.Add(-unsavedFor), e.o.Resumed.LastEvent+1
	for before > 1 {
		events, err := e.o.Store.Events(uptime.EventQuery{Before: before, Limit: recallAtOnce})
		for i := range events {
			ev := &events[i]
			before = ev.ID
			if ev.Time.Before(since) {
				return err
			}
			if ev.Kind != uptime.EventMaintenance && ev.Kind != uptime.EventPause || seen[ev.Monitor] {
				continue
			}
			seen[ev.Monitor] = true
			if m := e.byName[ev.Monitor]; m != nil {
				m.recall(ev, now)
			}
		}
		if err != nil || len(events) < recallAtOnce {
			return err
		}
	}
	return nil
}

// recall takes the newest event of a monitor's mode.
func (m *monitor) recall(ev *uptime.Event, now time.Time) {
	if m.mode == ev.Mode && m.until.Truncate(time.Millisecond).Equal(ev.Until) {
		return
	}
	at := ev.Since
	if at.IsZero() {
		at = ev.Time
	}
	m.mode, m.until, m.modeSince, m.windowed = ev.Mode, ev.Until, at, ev.Mode == uptime.Maintenance && ev.By == byConfig && !ev.Since.IsZero()
	m.counts(at, m.class(), now)
	m.moved = true
}
