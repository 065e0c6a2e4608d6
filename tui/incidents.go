package tui

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

// incidents lists what was wrong: what lasts, what ended within the range, and
// a timeline of it.
type incidents struct {
	list
	only    string        // incidents of one monitor; "": of all
	span    time.Duration // of what ended, and of the timeline
	unacked bool          // only those that nobody acknowledged
	byCause bool          // grouped by their fault, and not by whether they last
	words   words

	past    []uptime.Incident // as read last, newest first
	readFor incidentsKey
	asked   time.Time
	loading bool
	err     error

	all  []*uptime.Incident // open ones from the snapshot, then past ones, each once
	rows []incidentRow

	within int // how many there are in the range, filtered or not
	now    time.Time
}

// incidentsKey is what the list was read for.
type incidentsKey struct {
	span   time.Duration
	events uint64
}

// incidentRow is a line of the list: an incident, or a head.
type incidentRow struct {
	head string
	in   *uptime.Incident
}

// rangeOfStats is the least that is read, so that the means of a week can be told.
const rangeOfStats = 7 * day

func newIncidents(only string) *incidents { return &incidents{only: only, span: day} }

// incidentsMsg is what came from the engine.
type incidentsMsg struct {
	key  incidentsKey
	past []uptime.Incident
	err  error
}

func (l *incidents) title() string    { return "incidents" }
func (l *incidents) marked() []string { return nil }
func (l *incidents) unmark()          {}

func (l *incidents) keys() []binding {
	return append(append([]binding{
		{keys: []string{"enter"}, group: groupMove, help: "its monitor", hint: "detail", run: l.enter},
		{keys: []string{"t"}, group: groupSee, help: "time range", hint: "range", rank: 3, verb: "range", run: l.nextSpan},
		{keys: []string{"F"}, group: groupSee, help: "only unacked", hint: "unacked", rank: 5, verb: "only not acknowledged",
			run: func(s *shell, _ string) tea.Cmd { l.unacked = !l.unacked; l.arrange(s); return nil }},
		{keys: []string{"o"}, group: groupFind, help: "group by cause", hint: "group", rank: 7, verb: "group by cause",
			run: func(s *shell, _ string) tea.Cmd { l.byCause = !l.byCause; l.arrange(s); return nil }},
		{keys: []string{"A"}, group: groupDo, help: "acknowledge all shown", hint: "ack all", rank: 6, verb: "ack all shown", run: l.ackAll},
	}, searchKeys(l)...), l.list.keys()...)
}

func (l *incidents) enter(s *shell, _ string) tea.Cmd {
	if name := l.current(); name != "" {
		return s.open(newDetail(name))
	}
	return nil
}

func (l *incidents) nextSpan(s *shell, _ string) tea.Cmd {
	l.span = turn(spans[1:], l.span)
	return l.refresh(s)
}

func (l *incidents) current() string {
	if l.cur < len(l.rows) && l.rows[l.cur].in != nil {
		return l.rows[l.cur].in.Monitor
	}
	return ""
}

// step goes to the next incident that lasts.
func (l *incidents) step(s *shell, dir int) tea.Cmd {
	for i := range l.rows {
		at := ((l.cur+dir*(i+1))%len(l.rows) + len(l.rows)) % len(l.rows)
		if in := l.rows[at].in; in != nil && in.Open() {
			l.cur = at
			return nil
		}
	}
	s.say("no incident is open")
	return nil
}

func (l *incidents) refresh(s *shell) tea.Cmd {
	l.arrange(s)
	if s.snap == nil || l.loading || s.lost {
		return nil
	}
	key := incidentsKey{l.span, s.snap.Events}
	wait := time.Duration(0)
	switch {
	case l.err != nil:
		wait = retryDetail
	case key == l.readFor:
		return nil
	case key.span == l.readFor.span:
		wait = 2 * time.Second // events come in bursts
	}
	if s.now.Sub(l.asked) < wait {
		return nil
	}
	l.loading, l.asked = true, s.now
	q := uptime.IncidentQuery{Monitor: l.only, Since: s.now.Add(-max(l.span, rangeOfStats))}
	if s.past != nil {
		q.Until = s.now
	}
	source := s.source
	return s.load(l, func(ctx context.Context) tea.Msg {
		past, err := source.Incidents(ctx, q)
		return incidentsMsg{key, past, err}
	})
}

func (l *incidents) receive(s *shell, m tea.Msg) tea.Cmd {
	msg, ok := m.(incidentsMsg)
	if !ok {
		return nil
	}
	if l.loading, l.err = false, msg.err; msg.err == nil {
		l.past, l.readFor = msg.past, msg.key
		if s.past != nil {
			l.past = asOf(l.past, s.past.at)
		}
	}
	l.arrange(s)
	if msg.err == nil && msg.key.span != l.span {
		return l.refresh(s)
	}
	return nil
}

func (l *incidents) narrowed() words { return l.words }

func (l *incidents) narrow(s *shell, w words) tea.Cmd {
	l.words = w
	l.arrange(s)
	return nil
}

func (l *incidents) counts() (shown, all int) {
	for _, r := range l.rows {
		if r.in != nil {
			shown++
		}
	}
	return shown, l.within
}

// arrange makes the rows. The selected incident stays selected.
func (l *incidents) arrange(s *shell) {
	if s.snap == nil {
		return
	}
	var selected uint64
	if l.cur < len(l.rows) && l.rows[l.cur].in != nil {
		selected = l.rows[l.cur].in.Number
	}
	l.now = s.now
	l.all = l.all[:0]
	known := make(map[uint64]bool, len(s.snap.Open))
	for _, in := range s.snap.Open {
		if l.only == "" || in.Monitor == l.only {
			l.all, known[in.Number] = append(l.all, in), true
		}
	}
	for i := range l.past {
		if in := &l.past[i]; !known[in.Number] && !in.Open() {
			l.all = append(l.all, in)
		}
	}
	l.rows, l.within = l.rows[:0], 0
	since := s.now.Add(-l.span)
	recent := func(in *uptime.Incident) bool { return in.Open() || in.End.After(since) }
	if l.byCause {
		for _, c := range causes(l.all, recent) {
			l.section(s, c.head(), func(in *uptime.Incident) bool { return in.Fault == c.fault && recent(in) })
		}
	} else {
		l.section(s, "OPEN", func(in *uptime.Incident) bool { return in.Open() })
		l.section(s, "CLOSED  in "+spanName(l.span), func(in *uptime.Incident) bool { return !in.Open() && recent(in) })
	}
	l.setLen(len(l.rows), func(i int) bool { return l.rows[i].in != nil })
	for i, r := range l.rows {
		if r.in != nil && r.in.Number == selected {
			l.cur = i
		}
	}
}

func (l *incidents) section(s *shell, head string, in func(*uptime.Incident) bool) {
	first := true
	for _, x := range l.all {
		if !in(x) {
			continue
		}
		l.within++
		if l.unacked && !x.Unacked() || !l.words.match(x.Monitor, x.Fault.String(), x.Message) {
			continue
		}
		if first {
			l.rows, first = append(l.rows, incidentRow{head: head}), false
		}
		l.rows = append(l.rows, incidentRow{in: x})
	}
}

func (l *incidents) head(s *shell, p *pen) {
	p.to(1)
	p.text(theme.Strong, "INCIDENTS")
	if s.snap == nil {
		return
	}
	st := l.stats(s.snap.Started, s.now)
	facts := []string{fmt.Sprintf("%d open", st.open)}
	if st.unacked > 0 {
		facts = append(facts, fmt.Sprintf("%d not acked", st.unacked))
	}
	facts = append(facts, fmt.Sprintf("%d closed in 7d", st.closed))
	if st.mttr > 0 {
		facts = append(facts, "MTTR 7d "+uptime.Ago(st.mttr))
	}
	if st.mtbf > 0 {
		facts = append(facts, "MTBF 7d "+coarse(st.mtbf))
	}
	if l.only != "" {
		facts = slices.Insert(facts, 0, l.only)
	}
	if l.unacked {
		facts = slices.Insert(facts, 0, "only not acked")
	}
	if l.err != nil {
		facts = []string{"not known: " + l.err.Error()}
	}
	for _, f := range facts {
		if p.x+2+cells(f) > p.w && p.x > 12 {
			break
		}
		p.say("  ", f)
	}
}

// incidentStats are the figures of line 1.
type incidentStats struct {
	open, unacked, closed int
	mttr                  time.Duration // of those that ended in the last 7 days
	mtbf                  time.Duration // in what of the last 7 days is known to have been watched
}

// stats counts; the engine has watched since it started, and since the oldest
// incident that it tells of: a first day has no failure in seven days.
func (l *incidents) stats(started, now time.Time) incidentStats {
	var st incidentStats
	watched := started
	var sum, recovered time.Duration
	for _, in := range l.all {
		if in.Start.Before(watched) {
			watched = in.Start
		}
		switch {
		case in.Open():
			st.open++
			if in.Unacked() {
				st.unacked++
			}
		case in.End.After(now.Add(-rangeOfStats)):
			st.closed++
			if in.Ended == "" && !in.Silenced { // nobody saw the recovery of what is no longer watched, nor hurried in a maintenance
				recovered++
				sum += in.Lasted(now)
			}
		}
	}
	if recovered > 0 {
		st.mttr = sum / recovered
	}
	if n := st.closed + st.open; n > 0 {
		st.mtbf = min(rangeOfStats, now.Sub(watched)) / time.Duration(n)
	}
	return st
}

func (l *incidents) body(s *shell, p *pen) {
	lines := l.timeline(s, p.w, p.left(), p.th.ASCII)
	rows := max(p.left()-len(lines), 0)
	form := incidentForm(p.w)
	if p.left() > 4 {
		rows--
		form.head(p)
		p.end()
	}
	l.shown(rows)
	if len(l.rows) == 0 {
		p.to(1)
		switch {
		case l.readFor.events == 0 && l.err == nil && s.snap != nil && s.snap.Events > 0:
			p.text(theme.Faint, "reading …")
		case len(l.words) > 0 || l.unacked:
			p.say("No incident passes the filter.")
		default:
			p.say("Nothing was wrong in the last ", spanName(l.span), ".")
		}
		p.end()
		rows--
	}
	for i := l.top; i < len(l.rows) && i < l.top+rows; i++ {
		if r := l.rows[i]; r.in == nil {
			p.to(1)
			p.text(theme.Accent, r.head)
		} else {
			form.row(s, p, r.in, i == l.cur)
		}
		p.end()
	}
	for _, line := range append(lines, l.breaks(s, p.w, p.left()-len(lines), p.th.ASCII)...) {
		line(p)
		p.end()
	}
}

func (l *incidents) status(s *shell, p *pen) {
	p.to(1)
	left, right := "", ""
	if l.cur < len(l.rows) && l.rows[l.cur].in != nil {
		in := l.rows[l.cur].in
		left = "#" + strconv.FormatUint(in.Number, 10) + " " + about(in)
		if told := lettersAbout(s.snap, in); in.Open() && len(told) > 0 && p.w >= 60 {
			right = toldText(s, in, told, p.w/3)
		}
	}
	if shown, all := l.counts(); len(l.words) > 0 {
		right = fmt.Sprintf("%d of %d", shown, all)
	} else if n := len(l.rows); n > l.height && l.height > 0 {
		right = fmt.Sprintf("rows %d-%d of %d", l.top+1, min(l.top+l.height, n), n)
	}
	p.cell(theme.Plain, left, max(p.w-p.x-cells(right)-3, 0))
	p.to(p.w - cells(right) - 1)
	p.say(right)
}

// copy gives the selected incident, or all that are listed, as text.
func (l *incidents) copy(s *shell, what copyWhat) string {
	var b strings.Builder
	for i, r := range l.rows {
		if r.in == nil || what != copyAll && i != l.cur {
			continue
		}
		end := "still open"
		if !r.in.Open() {
			end = "until " + r.in.End.In(s.loc).Format("2006-01-02 15:04:05")
			if r.in.Ended != "" {
				end += ", " + r.in.Ended
			}
		}
		fmt.Fprintf(&b, "#%d  %s  %s  from %s %s, %s  %s  %s\n", r.in.Number, r.in.Verdict.Label(), r.in.Monitor,
			r.in.Start.In(s.loc).Format("2006-01-02 15:04:05 MST"), end, uptime.Ago(r.in.Lasted(s.now)), r.in.Fault, about(r.in))
	}
	if what != copyAll {
		return strings.TrimSuffix(b.String(), "\n")
	}
	return b.String()
}
