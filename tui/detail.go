package tui

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

// detail is one monitor in depth: what we say about it, why, and what it was
// like. What the snapshot knows is on the screen at once; the rest is asked
// for, and what was there before stays until it comes.
type detail struct {
	sheet
	name string
	span time.Duration // of the latency chart

	panes  []string // those that were drawn last
	pane   string   // the chosen one; "": none
	zoomed bool     // and it has the whole screen
	reveal bool     // it was just chosen and may be off the screen
	chosen int      // its first line

	got     *uptime.Detail // as it came last
	gotSpan time.Duration  // what it was asked for
	for_    *uptime.State  // the state for which it was asked
	asked   time.Time
	loading bool
	err     error // why the last question was not answered
}

// spans are what the chart can show.
var spans = [...]time.Duration{time.Hour, 24 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour, 90 * 24 * time.Hour}

const day = 24 * time.Hour

// retryDetail is how long after a failure the engine is asked again.
const retryDetail = 5 * time.Second

func newDetail(name string) *detail { return &detail{name: name, span: day} }

// detailMsg is an answer.
type detailMsg struct {
	name string
	span time.Duration
	got  *uptime.Detail
	err  error
}

func (d *detail) title() string    { return "monitor" }
func (d *detail) current() string  { return d.name }
func (d *detail) marked() []string { return nil }
func (d *detail) unmark()          {}
func (d *detail) aimAt(name string) {
	*d = detail{name: name, span: d.span, pane: d.pane, zoomed: d.zoomed}
}

func (d *detail) keys() []binding {
	table := []binding{
		{keys: []string{"t"}, group: groupSee, help: "time range", hint: "range", rank: 2, verb: "range", run: d.nextSpan},
		{keys: []string{"i"}, group: groupScreens, help: "its incidents", hint: "incidents", rank: 4, verb: "incidents of this monitor",
			run: func(s *shell, _ string) tea.Cmd { return s.open(newIncidents(d.name)) }},
		{keys: []string{"tab"}, group: groupMove, help: "next pane", hint: "pane", rank: 8, verb: "next pane", run: d.nextPane},
		{keys: []string{"z"}, group: groupSee, help: "zoom pane", hint: "zoom", rank: 6, verb: "zoom", run: d.zoom},
	}
	if d.zoomed {
		table = append(table, binding{keys: []string{"esc"}, group: groupMove, help: "all panes", hint: "all panes", run: d.zoom})
	}
	return append(table, d.sheet.keys()...)
}

// nextPane chooses the pane after the chosen one.
func (d *detail) nextPane(*shell, string) tea.Cmd {
	if len(d.panes) == 0 {
		return nil
	}
	d.pane, d.reveal = turn(d.panes, d.pane), true
	if d.zoomed {
		d.top = 0
	}
	return nil
}

// zoom gives the chosen pane the whole screen, or takes it back.
func (d *detail) zoom(*shell, string) tea.Cmd {
	if len(d.panes) == 0 && !d.zoomed {
		return nil
	}
	if d.pane == "" {
		d.pane = d.panes[0]
	}
	d.zoomed, d.reveal, d.top = !d.zoomed, d.zoomed, 0
	return nil
}

func (d *detail) nextSpan(s *shell, _ string) tea.Cmd {
	d.span = turn(spans[:], d.span)
	return d.refresh(s)
}

// turn is the value after v in a ring of values.
func turn[T comparable](ring []T, v T) T { return ring[(slices.Index(ring, v)+1)%len(ring)] }

// step goes to the next or previous problem and stays on this page.
func (d *detail) step(s *shell, dir int) tea.Cmd {
	name := s.problem(d.name, dir)
	switch {
	case name == "":
		s.say("no monitor needs you")
		return nil
	case name == d.name:
		s.say("this is the only problem")
		return nil
	}
	d.aimAt(name)
	return d.refresh(s)
}

// refresh asks for the detail where it is missing or has grown old.
func (d *detail) refresh(s *shell) tea.Cmd {
	st := stateOf(s.snap, d.name)
	if s.past != nil { // the engine tells it of now
		d.got, d.for_, d.err = nil, nil, nil
		return nil
	}
	if st == nil || d.loading || s.lost || !d.due(st, s.now) {
		return nil
	}
	d.loading, d.for_, d.asked = true, st, s.now
	name, span, source := d.name, d.span, s.source
	return s.load(d, func(ctx context.Context) tea.Msg {
		got, err := source.Detail(ctx, name, span)
		return detailMsg{name, span, got, err}
	})
}

// due reports whether it is time to ask again. Every check changes the state;
// a long chart does not need to be read anew for each.
func (d *detail) due(st *uptime.State, now time.Time) bool {
	switch {
	case d.err != nil:
		return now.Sub(d.asked) >= retryDetail
	case d.got == nil || d.gotSpan != d.span:
		return true
	case st == d.for_:
		return false
	case st.Verdict != d.for_.Verdict || st.Mode != d.for_.Mode || st.Incident != d.for_.Incident || st.Fault != d.for_.Fault:
		return true
	}
	return now.Sub(d.asked) >= min(d.span/8640, time.Minute) // 24 h: every 10 s
}

func (d *detail) receive(s *shell, m tea.Msg) tea.Cmd {
	msg, ok := m.(detailMsg)
	if !ok || msg.name != d.name {
		return nil
	}
	if d.loading, d.err = false, msg.err; s.past != nil {
		d.err = nil
		return nil
	}
	if msg.err == nil && msg.got == nil {
		d.err = errors.New("the engine sent nothing")
	}
	if d.err == nil {
		d.got, d.gotSpan = msg.got, msg.span
	}
	if d.gotSpan != d.span && d.err == nil {
		return d.refresh(s)
	}
	return nil
}

// stateOf finds a monitor in a snapshot, nil where there is none.
func stateOf(snap *uptime.Snapshot, name string) *uptime.State {
	if snap == nil {
		return nil
	}
	i, ok := slices.BinarySearchFunc(snap.States, name, func(st *uptime.State, n string) int { return strings.Compare(st.Name, n) })
	if !ok {
		return nil
	}
	return snap.States[i]
}

// told is the incident that the page gives its reasons from: none while the
// monitor is doubted anew, since what is open then is another matter.
func (d *detail) told(s *shell, st *uptime.State) *uptime.Incident {
	if st.Verdict == uptime.Suspect {
		return nil
	}
	return d.openIncident(s, st)
}

// openIncident finds the running incident of a monitor, with its evidence where it is known.
func (d *detail) openIncident(s *shell, st *uptime.State) *uptime.Incident {
	var found *uptime.Incident
	for _, in := range s.snap.Open {
		if in.Number == st.Incident && st.Incident != 0 {
			found = in
		}
	}
	if d.got != nil && d.got.Incident != nil && d.got.Incident.Number == st.Incident && st.Incident != 0 {
		if found == nil || len(found.Evidence) == 0 {
			return d.got.Incident
		}
	}
	return found
}

func (d *detail) head(s *shell, p *pen) {
	p.to(1)
	st := stateOf(s.snap, d.name)
	if st == nil {
		p.text(theme.Strong, d.name)
		return
	}
	if p.w < 24 { // the name says more than the word
		look := s.look(st)
		p.glyph(look.Style, look.Glyph)
		p.to(p.x + 1)
		p.cell(theme.Strong, st.Name, min(p.w-p.x, cells(st.Name)))
		return
	}
	badge(p, s.look(st))
	if !st.Since.IsZero() && st.Mode == uptime.Active {
		p.say(" ", uptime.Ago(s.now.Sub(st.Since)))
	}
	p.to(p.x + 2)
	right := ""
	if st.Incident != 0 && p.w >= 50 {
		right = "#" + strconv.FormatUint(st.Incident, 10)
		if st.Ack != nil {
			right += "   acked by " + fit(st.Ack.By, 20)
		} else if in := d.openIncident(s, st); in != nil && in.Unacked() {
			right += "   NOT ACKED"
		} else if st.Behind != "" {
			right += "   behind " + fit(st.Behind, 24)
		}
	}
	room := p.w - p.x
	if right != "" {
		room -= cells(right) + 2
	}
	p.cell(theme.Strong, st.Name, min(room, cells(st.Name)))
	if right != "" {
		p.to(p.w - cells(right) - 1)
		p.text(theme.Plain, right)
	}
}

func (d *detail) body(s *shell, p *pen) {
	d.compose(s, p.w, p.left(), p.th.ASCII)
	d.draw(p)
}

func (d *detail) status(s *shell, p *pen) {
	p.to(1)
	st := stateOf(s.snap, d.name)
	if st == nil {
		return
	}
	right := ""
	if k, n := rankOf(s, st); k > 0 {
		right = "problem " + strconv.Itoa(k) + " of " + strconv.Itoa(n)
	} else if n > 0 {
		right = strconv.Itoa(n) + " problems"
	}
	if d.zoomed {
		right = d.pane + " zoomed, tab shows the next"
	}
	if len(d.lines) > d.shown && d.shown > 0 {
		right = "lines " + strconv.Itoa(d.top+1) + "-" + strconv.Itoa(d.top+d.shown) + " of " + strconv.Itoa(len(d.lines)) + "   " + right
	}
	left := "next check " + nextCheck(s, st)
	if d.err != nil {
		left = "details: " + d.err.Error()
	}
	if p.w < cells(left)+cells(right)+4 && d.err == nil {
		left = "next " + nextCheck(s, st)
	}
	room := p.w - p.x - cells(right) - 3
	if room < 8 {
		right, room = "", p.w-p.x
	}
	p.cell(theme.Plain, left, room)
	p.to(p.w - cells(right) - 1)
	p.text(theme.Plain, right)
}

func nextCheck(s *shell, st *uptime.State) string {
	switch {
	case st.Mode == uptime.Paused:
		return "none: paused"
	case st.Waiting:
		return "due, waiting for its turn"
	case st.Next.IsZero():
		return "-"
	case s.lost:
		return "?"
	}
	if in := st.Next.Sub(s.now); in > 0 {
		return "in " + uptime.Ago(in)
	}
	return "now"
}

// rankOf says which of n problems a monitor is, in the order in which n and N
// go through them; 0: none of them.
func rankOf(s *shell, st *uptime.State) (k, n int) {
	if s.home == nil || s.home.r == nil {
		return 0, 0
	}
	r := s.home.r
	for _, i := range r.flat {
		if r.severity[i] >= problems {
			continue
		}
		n++
		if r.snap.States[i].Name == st.Name {
			k = n
		}
	}
	return k, n
}

// copy gives the answer in a few lines, or the whole page.
func (d *detail) copy(s *shell, what copyWhat) string {
	st := stateOf(s.snap, d.name)
	if st == nil {
		return d.name
	}
	if what == copyCell {
		line := st.Label() + " " + st.Name
		if !st.Since.IsZero() {
			line += " since " + st.Since.In(s.loc).Format("2006-01-02 15:04:05 MST")
		}
		return line + "\n" + strings.Join(d.why(s, st, true), "\n") + "\n" + st.Target
	}
	const width = 120
	var p pen
	page := *d
	page.lines, page.top, page.panes, page.pane, page.zoomed = nil, 0, nil, "", false
	page.compose(s, width, 0, s.th.ASCII)
	p.reset(s.th, width, len(page.lines)+2)
	page.head(s, &p)
	p.end()
	p.end()
	page.draw(&p)
	return plainText(p.screen())
}

// plainText is a drawn screen without its styles and the blanks at the ends of lines.
func plainText(screen string) string {
	lines := strings.Split(ansi.Strip(screen), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n") + "\n"
}
