package tui

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

// probes lists who checks: this node, and the probes of other locations, how
// they do and whose vote counts.
type probes struct {
	list
	rows []probeRow
	id   string         // of the selected one
	lack map[string]int // monitors that would ask a location where no probe is live
	seen lackKey        // what lack was counted for
}

// probeRow is a line of the table: a probe, or this node.
type probeRow struct {
	*uptime.Probe // nil: this node
}

// id names a row: LOCATION/NAME, or local.
func (r probeRow) id() string {
	if r.Probe == nil {
		return uptime.Local
	}
	return r.Probe.ID()
}

// excluded reports whether somebody took the vote of a row's probe away.
func (r probeRow) excluded() bool { return r.Probe != nil && r.Excluded != "" }

// lackKey says whether the monitors have to be counted again.
type lackKey struct {
	dead     string // the locations
	monitors int
	config   int64 // when it was loaded
}

func newProbes() *probes { return &probes{} }

func (l *probes) title() string { return "probes" }

func (l *probes) keys() []binding {
	table := []binding{
		{keys: []string{"enter"}, group: groupMove, help: "all about it", hint: "detail", run: l.enter},
		{keys: []string{"l"}, group: groupSee, help: "its events", hint: "log", rank: 1, verb: "events of the probe", run: l.events},
	}
	table = append(table, voteKeys(l.row().excluded(), func(*shell) (probeRow, bool) { return l.row(), len(l.rows) > 0 })...)
	for _, b := range l.list.keys() {
		b.run = l.moved
		table = append(table, b)
	}
	return table
}

func (l *probes) row() probeRow {
	if l.cur < len(l.rows) {
		return l.rows[l.cur]
	}
	return probeRow{}
}

func (l *probes) moved(s *shell, key string) tea.Cmd {
	cmd := l.list.move(s, key)
	l.id = l.row().id()
	return cmd
}

func (l *probes) enter(s *shell, _ string) tea.Cmd { return s.open(newProbePage(l.row().id())) }

func (l *probes) events(s *shell, _ string) tea.Cmd { return openProbeEvents(s, l.row().id()) }

// openProbeEvents shows what happened to a probe; of this node, its log.
func openProbeEvents(s *shell, id string) tea.Cmd {
	if id != uptime.Local {
		return openEventsOf(s, id)
	}
	if s.log != nil {
		return s.openLog("")
	}
	return openEventsOf(s, string(uptime.EventNode))
}

// openEventsOf shows the events with a word in them.
func openEventsOf(s *shell, word string) tea.Cmd {
	e := newEvents()
	e.words, e.zoomed = words{word}, zoomedLog
	return s.open(e)
}

func (l *probes) refresh(s *shell) tea.Cmd {
	if s.snap == nil {
		return nil
	}
	l.rows = append(l.rows[:0], probeRow{})
	for i := range s.snap.Probes {
		l.rows = append(l.rows, probeRow{&s.snap.Probes[i]})
	}
	l.setLen(len(l.rows), func(int) bool { return true })
	if at := slices.IndexFunc(l.rows, func(r probeRow) bool { return r.id() == l.id }); at >= 0 {
		l.cur = at
	}
	l.id = l.row().id()
	l.count(s)
	return nil
}

// count counts the monitors that have to do without a location.
func (l *probes) count(s *shell) {
	dead := deadLocations(s.snap.Probes)
	key := lackKey{strings.Join(dead, " "), len(s.snap.States), s.snap.Config.Loaded.UnixNano()}
	if key == l.seen {
		return
	}
	l.seen, l.lack = key, map[string]int{}
	for _, st := range s.snap.States {
		for _, d := range dead {
			if !st.Rule.Plain && st.Asks(d) {
				l.lack[d]++
			}
		}
	}
}

// deadLocations are those where no probe is live.
func deadLocations(all []uptime.Probe) []string {
	var dead []string
	for _, p := range all { // by location
		if !slices.Contains(dead, p.Location) {
			dead = append(dead, p.Location)
		}
	}
	return slices.DeleteFunc(dead, func(d string) bool {
		return slices.ContainsFunc(all, func(p uptime.Probe) bool { return p.Location == d && p.Votes() })
	})
}

func (l *probes) receive(*shell, tea.Msg) tea.Cmd { return nil }

func (l *probes) head(s *shell, p *pen) {
	p.to(1)
	p.text(theme.Strong, "PROBES")
	if s.snap == nil || s.past != nil {
		return
	}
	if len(s.snap.Probes) == 0 && s.snap.Broker.URL == "" {
		p.say("  this node alone")
		return
	}
	n := uptime.CountProbes(s.snap.Node, s.snap.Probes)
	for i, c := range [...]struct {
		n    int
		word string
	}{{n.Live, "live"}, {n.Blind, "blind"}, {n.Joining, "joining"}, {n.Lagging, "lagging"}, {n.Gone, "gone"}, {n.Unseen, "unseen"}, {n.Excluded, "excluded"}} {
		text := fmt.Sprintf("%d %s", c.n, c.word)
		if (c.n > 0 || i == 0) && p.x+2+cells(text) <= p.w {
			p.say("  ", text)
		}
	}
	voting, style := votingNetworks(s.snap)
	for _, text := range [...]string{fmt.Sprintf("%s can vote, %d needed", times(voting, "network"), uptime.RuleNetworks), fmt.Sprintf("%s, %d needed", times(voting, "network"), uptime.RuleNetworks)} {
		if p.x+5+cells(text) <= p.w {
			p.to(p.x + 5)
			p.text(style, text)
			return
		}
	}
}

// votingNetworks is how many networks can witness, and how that looks.
func votingNetworks(snap *uptime.Snapshot) (int, theme.Style) {
	var networks []string
	for i := range snap.Probes {
		n := networkOf(&snap.Probes[i])
		if snap.Probes[i].Votes() && n != snap.Network && !slices.Contains(networks, n) {
			networks = append(networks, n)
		}
	}
	style := theme.Plain
	if len(networks) < uptime.RuleNetworks {
		style = theme.Strong
	}
	return len(networks), style
}

// networkOf is the network of a probe: without a configured one, its location is one of its own.
func networkOf(p *uptime.Probe) string {
	if p.Network == "" {
		return p.Location
	}
	return p.Network
}

// networkWord says it in a sentence.
func networkWord(p *uptime.Probe) string {
	if n := networkOf(p); n != p.Location {
		return "network " + n
	}
	return "a network of its own"
}

func (l *probes) status(s *shell, p *pen) {
	p.to(1)
	if s.snap == nil || len(l.rows) == 0 {
		return
	}
	right := ""
	if l.n > l.height && l.height > 0 {
		right = fmt.Sprintf("rows %d-%d of %d", l.top+1, min(l.top+l.height, l.n), l.n)
	}
	p.cell(theme.Plain, l.row().brief(s), max(p.w-p.x-cells(right)-3, 0))
	p.to(p.w - 1 - cells(right))
	p.say(right)
}

// brief is who a row is, in a line.
func (r probeRow) brief(s *shell) string {
	if r.Probe == nil {
		text := "local is this node"
		if s.snap.Network != "" {
			text += ", network " + s.snap.Network
		}
		return text + ", " + times(len(s.snap.States), "monitor")
	}
	text := r.id() + ", " + networkWord(r.Probe)
	if !r.Since.IsZero() {
		text += ", " + r.State.String() + " since " + stamp(r.Since, s.now, s.loc)
	}
	if r.Monitors > 0 {
		text += ", " + strings.Replace(times(r.Monitors, "monitor"), fmt.Sprint(r.Monitors), group3(r.Monitors), 1)
	}
	return text
}

// copy gives the selected line, or the page.
func (l *probes) copy(s *shell, what copyWhat) string {
	if s.snap == nil {
		return ""
	}
	r := l.row()
	switch what {
	case copyCell:
		return r.id()
	case copyRow:
		text := r.id() + "  " + probeLook(s, r).Label
		for _, c := range probeColumns() {
			if c.key != 0 {
				text += "  " + c.head + " " + c.text(s, r)
			}
		}
		return strings.Join(append([]string{text}, l.notesOf(s, r)...), "\n")
	}
	const width = 120
	page := *l
	var p pen
	p.reset(s.th, width, len(l.rows)+60)
	page.head(s, &p)
	p.end()
	page.body(s, &p)
	return plainText(p.screen())
}
