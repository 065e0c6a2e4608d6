package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

// maintenance lists what is in maintenance now, which windows come next, and
// what was paused by hand.
type maintenance struct {
	list
	rows []maintenanceRow

	said    map[string]uptime.Event // who put a monitor where it is, by name
	readFor uint64                  // the newest event when that was read
	asked   time.Time
	loading bool
	err     error
}

// maintenanceRow is a line: a head, monitors in one mode, or a planned window.
type maintenanceRow struct {
	head   string
	states []*uptime.State // of one mode, with the same end, by the same person
	said   uptime.Event    // of the first of them
	plan   *uptime.Planned
}

const (
	saidEvents   = 2000           // of modes that are read to tell who it was
	forgottenFor = 24 * time.Hour // a pause without an end is worth a question
)

func newMaintenance() *maintenance { return &maintenance{} }

// saidByMsg is who put monitors into their modes.
type saidByMsg struct {
	said map[string]uptime.Event
	upTo uint64
	err  error
}

func (m *maintenance) title() string { return "maintenance" }
func (m *maintenance) unmark()       {}

func (m *maintenance) keys() []binding {
	return append([]binding{
		{keys: []string{"enter"}, group: groupMove, help: "its monitor", hint: "monitor", run: m.enter},
		{keys: []string{"x"}, group: groupDo, help: "end it now", hint: "end now", rank: 1, verb: "end it now", run: m.end},
		{keys: []string{"+"}, group: groupDo, help: "new, for what is marked", hint: "new", rank: 2, verb: "new maintenance", run: m.begin},
	}, m.list.keys()...)
}

func (m *maintenance) row() maintenanceRow {
	if m.cur < len(m.rows) {
		return m.rows[m.cur]
	}
	return maintenanceRow{}
}

// current is the monitor of the selected row.
func (m *maintenance) current() string {
	if r := m.row(); len(r.states) > 0 {
		return r.states[0].Name
	}
	return ""
}

// marked are all monitors of the selected row: they went in together.
func (m *maintenance) marked() []string {
	var names []string
	for _, st := range m.row().states {
		names = append(names, st.Name)
	}
	return names
}

func (m *maintenance) enter(s *shell, _ string) tea.Cmd {
	if name := m.current(); name != "" {
		return s.open(newDetail(name))
	}
	s.say("the windows of the configuration are written there: [[maintenance]]")
	return nil
}

// end asks to take the selected out of where it is.
func (m *maintenance) end(s *shell, _ string) tea.Cmd {
	names := m.marked()
	switch {
	case s.readOnly || s.link.ReadOnly:
		s.say("this console may only look")
	case s.past != nil:
		s.say("this is the past; esc goes back to now")
	case len(names) == 0:
		s.say("nothing of this line is on now")
	case m.row().states[0].Mode == uptime.Paused:
		return s.openAsk(uptime.VerbPause, names) // which, of what is paused, resumes it
	default:
		return s.openAsk(uptime.VerbMaintain, names)
	}
	return nil
}

// begin asks for a maintenance of what is marked among the monitors.
func (m *maintenance) begin(s *shell, _ string) tea.Cmd {
	switch names := s.home.marked(); {
	case s.readOnly || s.link.ReadOnly:
		s.say("this console may only look")
	case s.past != nil:
		s.say("this is the past; esc goes back to now")
	case len(names) == 0:
		s.say("mark monitors with space first (M), or press m on one of them")
	default:
		return s.openAsk(uptime.VerbMaintain, names)
	}
	return nil
}

func (m *maintenance) refresh(s *shell) tea.Cmd {
	m.arrange(s)
	if s.snap == nil || m.loading || s.lost || m.readFor == s.snap.Events {
		return nil
	}
	wait := time.Duration(0)
	switch {
	case m.err != nil:
		wait = retryDetail
	case m.said != nil && s.past == nil:
		wait = time.Second // events come in bursts
	}
	if s.now.Sub(m.asked) < wait {
		return nil
	}
	m.loading, m.asked = true, s.now
	source, upTo := s.source, s.snap.Events
	return s.load(m, func(ctx context.Context) tea.Msg {
		got, err := source.Events(ctx, uptime.EventQuery{Before: upTo + 1, Limit: saidEvents,
			Kinds: []uptime.EventKind{uptime.EventPause, uptime.EventMaintenance}})
		said := make(map[string]uptime.Event)
		for _, e := range got { // the newest first
			if _, known := said[e.Monitor]; !known {
				said[e.Monitor] = e
			}
		}
		return saidByMsg{said, upTo, err}
	})
}

func (m *maintenance) receive(s *shell, msg tea.Msg) tea.Cmd {
	got, ok := msg.(saidByMsg)
	if !ok {
		return nil
	}
	if m.loading, m.err = false, got.err; got.err == nil {
		m.said, m.readFor = got.said, got.upTo
	}
	m.arrange(s)
	return nil
}

// arrange makes the rows. The selected one stays selected.
func (m *maintenance) arrange(s *shell) {
	if s.snap == nil {
		return
	}
	selected := m.current()
	m.rows = m.rows[:0]
	section := func(head string, rows []maintenanceRow) {
		if len(rows) > 0 {
			m.rows = append(append(m.rows, maintenanceRow{head: head}), rows...)
		}
	}
	section("NOW", m.together(s, uptime.Maintenance))
	var plans []maintenanceRow
	for i := range s.snap.Planned {
		plans = append(plans, maintenanceRow{plan: &s.snap.Planned[i]})
	}
	section("NEXT 7 DAYS", plans)
	section("PAUSED BY HAND", m.together(s, uptime.Paused))
	m.setLen(len(m.rows), func(i int) bool { return i < len(m.rows) && m.rows[i].head == "" })
	for i, r := range m.rows {
		if selected != "" && slices.ContainsFunc(r.states, func(st *uptime.State) bool { return st.Name == selected }) {
			m.cur = i
		}
	}
}

// together are the monitors of a mode; those that went in together are one row.
func (m *maintenance) together(s *shell, mode uptime.Mode) []maintenanceRow {
	var out []maintenanceRow
	type key struct {
		until    int64
		by, note string
	}
	at := make(map[key]int)
	for _, st := range s.snap.States {
		if st.Mode != mode {
			continue
		}
		said := m.said[st.Name]
		if said.Mode != mode { // not read, or too long ago
			said = uptime.Event{}
		}
		k := key{st.Until.Unix(), said.By, said.Note}
		i, known := at[k]
		if !known || said.By == "" {
			i, at[k] = len(out), len(out)
			out = append(out, maintenanceRow{said: said})
		}
		out[i].states = append(out[i].states, st)
	}
	return out
}

func (m *maintenance) head(s *shell, p *pen) {
	p.to(1)
	p.text(theme.Strong, "MAINTENANCE")
	if s.snap == nil {
		return
	}
	open := 0
	for _, st := range s.snap.States {
		if st.Mode == uptime.Paused && st.Until.IsZero() {
			open++
		}
	}
	facts := []string{fmt.Sprintf("%d running", s.snap.Counts.Maintenance), fmt.Sprintf("%d planned", len(s.snap.Planned))}
	if open > 0 {
		facts = append(facts, fmt.Sprintf("%d paused without end", open))
	}
	if m.err != nil {
		facts = append(facts, "who: not known: "+m.err.Error())
	}
	for _, f := range facts {
		if p.x+2+cells(f) <= p.w {
			p.say("  ", f)
		}
	}
}

func (m *maintenance) body(s *shell, p *pen) {
	m.shown(p.left())
	if len(m.rows) == 0 {
		p.to(1)
		p.say("Nothing is in maintenance, planned or paused.")
		p.end()
		p.to(1)
		p.text(theme.Faint, "m on a monitor begins one; [[maintenance]] in the configuration repeats them.")
		p.end()
		return
	}
	for i := m.top; i < len(m.rows) && p.left() > 0; i++ {
		m.drawRow(s, p, &m.rows[i], i == m.cur)
		p.end()
	}
}

func (m *maintenance) drawRow(s *shell, p *pen, r *maintenanceRow, cursor bool) {
	if r.head != "" {
		p.to(1)
		p.text(theme.Accent, r.head)
		return
	}
	pointer(p, cursor)
	mode := uptime.Maintenance
	if len(r.states) > 0 {
		mode = r.states[0].Mode
	}
	look := s.th.State(uptime.Up, mode)
	p.glyph(look.Style, look.Glyph)
	p.say(" ")
	name := min(max(p.w*3/8, 12), 44)
	text := r.what()
	p.cell(nameStyle(cursor), text, min(cells(text), name))
	p.to(3 + name + 1)
	for i, f := range r.facts(s) {
		if i > 0 {
			p.say("  ")
		}
		if p.x >= p.w {
			return
		}
		p.cell(theme.Plain, f, min(cells(f), p.w-p.x))
	}
}

// what is what a row is about: the first of its monitors, and how many more.
func (r *maintenanceRow) what() string {
	if r.plan != nil {
		text := strings.Join(r.plan.Of, " ")
		if n := r.plan.Monitors; n != 1 || len(r.plan.Of) > 1 || strings.HasPrefix(text, "tag:") || strings.HasPrefix(text, "group:") {
			text += " (" + group3(n) + ")"
		}
		return text
	}
	text := r.states[0].Name
	if n := len(r.states) - 1; n > 0 {
		text += " +" + group3(n)
	}
	return text
}

// facts are until when, how often, and who said so.
func (r *maintenanceRow) facts(s *shell) []string {
	var out []string
	add := func(texts ...string) {
		for _, t := range texts {
			if t != "" {
				out = append(out, t)
			}
		}
	}
	if p := r.plan; p != nil {
		every := p.Every
		if every == "" {
			every = "once"
		}
		add(between(p.From, p.To, s.loc), every, "in "+coarse(p.From.Sub(s.now)), p.Note)
		return out
	}
	st, since := r.states[0], r.said.Since
	if since.IsZero() {
		since = r.said.Time
	}
	switch {
	case !st.Until.IsZero():
		add("until "+minute(st.Until, s.now, s.loc), "ends in "+coarse(st.Until.Sub(s.now)))
	case since.IsZero():
		add("no end")
	default:
		add("since "+coarse(s.now.Sub(since)), "no end")
		if st.Mode == uptime.Paused && s.now.Sub(since) > forgottenFor {
			add("! forgotten?")
		}
	}
	note := r.said.Note
	if note != "" {
		note = "\"" + note + "\""
	}
	add(r.said.By, note)
	return out
}

// minute writes an end: the time of day, and the date of another day.
func minute(t, now time.Time, loc *time.Location) string {
	text := stamp(t, now, loc)
	if len(text) == len("15:04:05") {
		return text[:len("15:04")]
	}
	return text
}

// between writes a stretch of time: 11-23 02:00-04:00.
func between(from, to time.Time, loc *time.Location) string {
	from, to = from.In(loc), to.In(loc)
	text := from.Format("01-02 15:04") + "-"
	if to.Sub(from) < day {
		return text + to.Format("15:04")
	}
	return text + to.Format("01-02 15:04")
}

func (m *maintenance) status(s *shell, p *pen) {
	p.to(1)
	text := "checks go on, nobody is told, the time is not counted in uptime"
	if r := m.row(); len(r.states) > 0 && r.states[0].Mode == uptime.Paused {
		text = "no checks, nobody is told, the time is not counted in uptime"
	}
	p.cell(theme.Faint, text, max(p.w-p.x-1, 0))
}

// copy gives the selected line, or all of them.
func (m *maintenance) copy(s *shell, what copyWhat) string {
	var b strings.Builder
	for i := range m.rows {
		r := &m.rows[i]
		switch {
		case r.head != "" && what == copyAll:
			b.WriteString(r.head + "\n")
		case r.head == "" && (what == copyAll || i == m.cur):
			b.WriteString(r.what() + "  " + strings.Join(r.facts(s), "  ") + "\n")
		}
	}
	if what != copyAll {
		return strings.TrimSuffix(b.String(), "\n")
	}
	return b.String()
}
