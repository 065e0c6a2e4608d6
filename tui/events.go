package tui

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

const (
	eventsAtOnce = 500    // how many are read at once
	eventsKept   = 20_000 // how many are held; the oldest go first, and can be read again
)

// events is the event log, newest first, with what nobody acknowledged on top.
type events struct {
	list
	follow bool // new events are shown as they come
	words  words
	log    []uptime.Event // newest first
	oldest bool           // the log begins with the last one of log
	bound  uint64         // the newest event of the past moment that is shown; 0: of now

	loading bool
	asked   time.Time
	err     error

	zoomed  zoomedList
	rows    []eventRow
	upper   int // how many of rows are not of the log
	matched int
	unacked []*unacked // of the snapshot
	changed bool       // log or words did, since rows were made
}

func newEvents() *events { return &events{follow: true, changed: true} }

// eventsMsg is what came from the engine: newer events, or older ones.
type eventsMsg struct {
	bound uint64         // that they were asked for with
	got   []uptime.Event // newest first
	older bool
	last  bool // there are no more in this direction
	err   error
}

func (e *events) title() string { return "events" }
func (e *events) unmark()       {}

// marked are the monitors of an alert that is about several.
func (e *events) marked() []string {
	if r := e.row(); r != nil && r.alert != nil {
		return r.alert.targets()
	}
	return nil
}

func (e *events) keys() []binding {
	table := append([]binding{
		{keys: []string{"enter"}, group: groupMove, help: "its monitor, or probe", hint: "monitor", run: e.enter},
		{keys: []string{"tab"}, group: groupMove, help: "next pane", verb: "next pane", run: e.nextPane, off: e.onePane},
		{keys: []string{"z"}, group: groupSee, help: "zoom pane", verb: "zoom", run: e.zoom, off: e.onePane},
		{keys: []string{"f"}, group: groupSee, help: "follow on/off", hint: "follow", rank: 1, verb: "follow events on/off", run: e.toggle},
	}, searchKeys(e)...)
	if e.zoomed != 0 && len(e.words) == 0 {
		table = append(table, binding{keys: []string{"esc"}, group: groupMove, help: "both panes", hint: "both panes", run: e.zoom})
	}
	for _, b := range e.list.keys() {
		b.run = e.moved
		table = append(table, b)
	}
	return table
}

func (e *events) enter(s *shell, _ string) tea.Cmd {
	name, r := e.current(), e.row()
	if name == "" && r != nil && r.head == "" && r.ev == nil && e.zoomed == 0 {
		return e.show(s, zoomedAlerts)
	}
	if id := e.probe(s); id != "" {
		return s.open(newProbePage(id))
	}
	if stateOf(s.snap, name) == nil {
		s.say("this event is of no monitor")
		return nil
	}
	return s.open(newDetail(name))
}

// probe is the one that the selected event is about; "": none.
func (e *events) probe(s *shell) string {
	if e.cur >= len(e.rows) || e.rows[e.cur].ev == nil || e.rows[e.cur].ev.Kind != uptime.EventProbe || s.snap == nil {
		return ""
	}
	for i := range s.snap.Probes {
		if id := s.snap.Probes[i].ID(); mentions(e.rows[e.cur].ev.Message, id) {
			return id
		}
	}
	return ""
}

// toggle switches following, which shows the newest.
func (e *events) toggle(s *shell, _ string) tea.Cmd {
	e.follow = !e.follow
	if e.follow {
		e.list.by(-e.n)
		e.top = 0
		return e.refresh(s)
	}
	return nil
}

// moved moves the cursor: whoever reads does not want the lines to run away.
// Near the end of what is here, older events are asked for.
func (e *events) moved(s *shell, key string) tea.Cmd {
	before := e.cur
	e.list.move(s, key)
	if e.cur > before {
		e.follow = false
	}
	if e.n-e.cur < max(e.height, 20) {
		return e.readOlder(s)
	}
	return nil
}

func (e *events) current() string {
	if e.cur >= len(e.rows) {
		return ""
	}
	switch r := e.rows[e.cur]; {
	case r.alert != nil:
		return r.alert.in.Monitor
	case r.ev != nil:
		return r.ev.Monitor
	case r.told != nil && r.told.Incident != 0:
		return e.monitorOf(r.told.Incident)
	}
	return ""
}

// monitorOf is the monitor of an incident that waits to be acknowledged; "": none.
func (e *events) monitorOf(incident uint64) string {
	for _, u := range e.unacked {
		for _, in := range u.members {
			if in.Number == incident {
				return in.Monitor
			}
		}
	}
	return ""
}

func (e *events) newest() uint64 {
	if len(e.log) == 0 {
		return 0
	}
	return e.log[0].ID
}

// refresh asks for what is newer than what is here.
func (e *events) refresh(s *shell) tea.Cmd {
	bound := uint64(0)
	if s.past != nil {
		bound = s.past.event
	}
	if bound != e.bound {
		e.bound, e.log, e.oldest, e.err, e.changed = bound, nil, false, nil, true
	}
	e.arrange(s)
	if s.snap == nil || e.loading || s.lost || e.newest() >= s.snap.Events || e.err != nil && s.now.Sub(e.asked) < retryDetail {
		return nil
	}
	q, older := uptime.EventQuery{After: e.newest(), Limit: eventsAtOnce}, false
	if len(e.log) == 0 {
		q, older = uptime.EventQuery{Before: s.snap.Events + 1, Limit: eventsAtOnce}, true
	}
	return e.read(s, q, older)
}

func (e *events) readOlder(s *shell) tea.Cmd {
	if e.loading || e.oldest || len(e.log) == 0 || s.lost {
		return nil
	}
	return e.read(s, uptime.EventQuery{Before: e.log[len(e.log)-1].ID, Limit: eventsAtOnce}, true)
}

func (e *events) read(s *shell, q uptime.EventQuery, older bool) tea.Cmd {
	e.loading, e.asked = true, s.now
	source, bound := s.source, e.bound
	return s.load(e, func(ctx context.Context) tea.Msg {
		got, err := source.Events(ctx, q)
		m := eventsMsg{bound: bound, got: slices.Clone(got), older: older, last: len(got) < q.Limit, err: err}
		slices.SortFunc(m.got, func(a, b uptime.Event) int { // the source gives newer ones oldest first
			if a.ID > b.ID {
				return -1
			}
			return 1
		})
		return m
	})
}

func (e *events) receive(s *shell, m tea.Msg) tea.Cmd {
	msg, ok := m.(eventsMsg)
	if !ok {
		return nil
	}
	e.loading, e.err = false, msg.err
	if msg.bound != e.bound { // of another moment
		e.err = nil
		return e.refresh(s)
	}
	if msg.err != nil {
		return nil
	}
	e.changed = true
	if msg.older {
		e.log, e.oldest = append(e.log, msg.got...), msg.last
	} else {
		e.log = append(msg.got, e.log...)
		if len(e.log) > eventsKept {
			e.log, e.oldest = e.log[:eventsKept], false
		}
	}
	e.arrange(s)
	if !msg.last && !msg.older || msg.older && !msg.last && e.matched < e.height && len(e.log) < eventsKept {
		if msg.older {
			return e.readOlder(s)
		}
		return e.refresh(s)
	}
	return nil
}

func (e *events) narrowed() words { return e.words }

func (e *events) narrow(s *shell, w words) tea.Cmd {
	e.words, e.changed = w, true
	e.arrange(s)
	if e.matched < e.height {
		return e.readOlder(s)
	}
	return nil
}

func (e *events) counts() (shown, all int) { return e.matched, len(e.log) }

func (e *events) matches(s *shell, ev *uptime.Event) bool {
	return len(e.words) == 0 || e.words.match(string(ev.Kind), eventText(ev, s.now, s.loc))
}

func (e *events) head(s *shell, p *pen) {
	p.to(1)
	p.text(theme.Strong, "EVENTS")
	if s.snap == nil {
		return
	}
	e.drawAlertCount(s, p)
	p.say("  follow ")
	if e.follow {
		p.text(theme.Strong, "ON")
	} else {
		p.text(theme.Reverse, "OFF")
	}
	var facts []string
	if n := s.snap.Events - min(e.newest(), s.snap.Events); n > 0 && len(e.log) > 0 && !e.follow {
		facts = append(facts, group3(int(n))+" newer")
	}
	if text := e.today(s); text != "" {
		facts = append(facts, text+" since 00:00")
	}
	if n := s.snap.Events; n > 0 {
		facts = append(facts, group3(int(n))+" in the log")
	}
	for _, f := range facts {
		if p.x+2+cells(f) <= p.w {
			p.say("  ", f)
		}
	}
}

// today is how many events there have been since midnight, as far as they are
// here; "" for none.
func (e *events) today(s *shell) string {
	now := s.now.In(s.loc)
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, s.loc)
	n := sort.Search(len(e.log), func(i int) bool { return e.log[i].Time.Before(midnight) })
	switch {
	case n == 0:
		return ""
	case n == len(e.log) && !e.oldest:
		return group3(n) + "+"
	}
	return group3(n)
}

func (e *events) body(s *shell, p *pen) {
	e.shown(p.left())
	for i := e.top; i < len(e.rows) && p.left() > 0; i++ {
		switch r := &e.rows[i]; {
		case r.head != "":
			p.to(1)
			p.text(theme.Accent, r.head)
		case r.ev != nil:
			drawEvent(s, p, r.ev, i == e.cur)
		default:
			e.drawAlert(s, p, r, i == e.cur)
		}
		p.end()
	}
	if p.left() == 0 {
		return
	}
	p.to(1)
	switch {
	case e.err != nil:
		p.say("not known: ", e.err.Error())
	case e.zoomed == zoomedAlerts:
	case e.loading && len(e.log) == 0:
		p.text(theme.Faint, "reading …")
	case len(e.words) > 0 && e.matched == 0:
		p.say("No event passes the filter.")
	case s.snap != nil && s.snap.Events == 0:
		p.say("Nothing has happened yet.")
	case e.oldest:
		p.text(theme.Faint, "the log begins here")
	}
	p.end()
}

func (e *events) status(s *shell, p *pen) {
	p.to(1)
	right := ""
	switch {
	case len(e.words) > 0:
		right = fmt.Sprintf("%d of %d", e.matched, len(e.log))
	case e.n > e.height && e.height > 0:
		right = fmt.Sprintf("rows %d-%d of %d", e.top+1, min(e.top+e.height, e.n), e.n)
		if !e.oldest {
			right += "+"
		}
	}
	left := ""
	if r := e.row(); r != nil && r.ev == nil {
		left = alertStatus(s, r)
	} else if r != nil {
		ev := r.ev
		left = fmt.Sprintf("event %d of %s", ev.ID, ev.Time.In(s.loc).Format("2006-01-02 15:04:05"))
		if p.w < wide { // what may have been cut above
			left = ev.Message
		}
	}
	p.cell(theme.Plain, left, max(p.w-p.x-cells(right)-3, 0))
	p.to(p.w - cells(right) - 1)
	p.say(right)
}

// copy gives the selected line, or all that are here, as text.
func (e *events) copy(s *shell, what copyWhat) string {
	var b strings.Builder
	for i, r := range e.rows {
		if what != copyAll && i != e.cur {
			continue
		}
		switch {
		case r.ev != nil:
			fmt.Fprintf(&b, "%s  %s  %s\n", r.ev.Time.In(s.loc).Format("2006-01-02 15:04:05 MST"), r.ev.Kind, eventText(r.ev, s.now, s.loc))
		default:
			if text := alertCopy(s, &e.rows[i]); text != "" {
				b.WriteString(text + "\n")
			}
		}
	}
	if what != copyAll {
		return strings.TrimSuffix(b.String(), "\n")
	}
	return b.String()
}
