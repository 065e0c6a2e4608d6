package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"lookout/engine/uptime"
	"lookout/tui/theme"
	"lookout/tui/widget"
)

// body is the table, and below it what should be known of the probes in
// sentences, with blank lines where there is room. Where there is none for all of
// that, the selected one's come first.
func (l *probes) body(s *shell, p *pen) {
	if s.snap == nil || s.past != nil {
		p.to(1)
		if s.past != nil {
			p.text(theme.Faint, "not told of the past")
		}
		p.end()
		return
	}
	if len(l.rows) == 0 { // opened before the first snapshot
		l.refresh(s)
	}
	room := p.left()
	above := 1 + len(l.rows)
	text := l.text(s, p.w, l.rows, p.w >= 60)
	if above+len(text.lines) > room {
		text = l.text(s, p.w, l.rows, false)
	}
	if above+len(text.lines) > room {
		text = l.text(s, p.w, l.selectedFirst(), false)
		above = min(above, max(room-len(text.lines), room/2, 2))
	}
	t := l.tableFor(p.w)
	t.head(p)
	p.end()
	l.shown(min(above-1, p.left()))
	for i := l.top; i < len(l.rows) && i < l.top+l.height; i++ {
		t.row(s, p, l.rows[i], i == l.cur)
		p.end()
	}
	text.draw(p)
}

// selectedFirst is the rows with the selected one before the others.
func (l *probes) selectedFirst() []probeRow {
	return slices.Concat(l.rows[l.cur:l.cur+1], l.rows[:l.cur], l.rows[l.cur+1:])
}

// text is all below the table: notes about the rows, in their order, and what else there is.
func (l *probes) text(s *shell, w int, rows []probeRow, gaps bool) *sheet {
	out := &sheet{}
	gapped := -1 // how many lines there were after the last gap
	gap := func() {
		if gaps && len(out.lines) != gapped { // what was to follow it may not be there
			out.blank()
			gapped = len(out.lines)
		}
	}
	gap()
	if s.snap.Broker.URL == "" && len(s.snap.Probes) == 0 {
		explainProbes(out, w)
		return out
	}
	broker := func() {
		out.add(func(p *pen) { drawBroker(s, p) })
		if text := s.snap.Broker.Error; text != "" {
			out.para("", sentence(first(text)), min(8, max(w-30, 1)), w)
		}
	}
	if !s.snap.Broker.Connected { // it explains the rest
		broker()
		gap()
	}
	if len(s.snap.Probes) == 0 {
		out.para("", "No probe has said hello yet: lookout probe starts one on its machine, with the probe.toml that lookout remote init wrote for it.", 1, w)
		gap()
	}
	if len(s.snap.Probes) > 0 && w >= wide {
		lagLines(out, s, w)
		gap()
	}
	if l.notes(out, s, rows, w) {
		gap()
	}
	if s.snap.Broker.Connected {
		broker()
	}
	if seen := slices.DeleteFunc(slices.Clone(s.snap.Probes), func(p uptime.Probe) bool { return p.State == uptime.ProbeUnseen }); len(seen) > 0 && w >= 40 {
		gap()
		aloneLines(out, seen, w)
	}
	if w >= wide {
		gap()
		out.para("RULE", fmt.Sprintf("DOWN: evidence %+d, %d remote networks agree, failing for %s, no success in a last look; see lookout explain rule",
			uptime.RuleOdds, uptime.RuleNetworks, uptime.Span(uptime.Dwell(day))), 8, w)
	}
	gap()
	healthLines(out, s, w)
	return out
}

// notes adds what is not as it should be, and reports whether anything is.
func (l *probes) notes(out *sheet, s *shell, rows []probeRow, w int) bool {
	in := 1
	for _, r := range rows {
		if w >= 60 && len(l.notesOf(s, r)) > 0 {
			in = min(max(in, 3+cells(r.id())), 20)
		}
	}
	before := len(out.lines)
	for _, r := range rows {
		if notes := l.notesOf(s, r); len(notes) > 0 {
			out.para(r.id(), strings.Join(notes, " "), in, w)
		}
	}
	return len(out.lines) > before
}

// explainProbes says what a probe is, and how to get one.
func explainProbes(out *sheet, w int) {
	out.para("", "A probe is lookout on another machine: it checks from there, and is asked for a second opinion before anything is said to be DOWN. "+
		"Without one, DOWN says that nobody else was asked.", 1, w)
	if w >= 60 {
		out.blank()
	}
	for _, way := range [][2]string{
		{"lookout remote init", "writes keys, a probe.toml for each probe, and what a RabbitMQ needs"},
		{"[[location]] [broker]", "in the configuration say where probes are, and the way to them"},
		{"lookout probe", "on the other machine, with its probe.toml: it dials out, and shows here"},
	} {
		if w >= 60 {
			out.para(way[0], way[1], 24, w)
			continue
		}
		out.add(func(p *pen) { p.to(1); p.text(theme.Accent, way[0]) })
		out.para("", way[1], 3, w)
	}
}

// notesOf are sentences about what is not as it should be with a row; none where all is.
func (l *probes) notesOf(s *shell, r probeRow) []string {
	if r.Probe == nil {
		if s.snap.Node == "" {
			return nil
		}
		return []string{"This node cannot judge: " + sentence(s.snap.Node)}
	}
	out := probeNotes(s, r.Probe)
	if n := l.lack[r.Location]; n > 0 {
		who := group3(n) + " monitors are"
		if n == 1 {
			who = "1 monitor is"
		}
		out = append(out, who+" confirmed without "+r.Location+".")
	}
	return out
}

func probeNotes(s *shell, p *uptime.Probe) (out []string) {
	add := func(text string) {
		if text != "" {
			out = append(out, sentence(first(text)))
		}
	}
	if p.State != uptime.ProbeLive {
		add(p.Why)
	}
	switch p.State {
	case uptime.ProbeLive, uptime.ProbeUnseen:
	case uptime.ProbeJoining:
		if p.Why == "" {
			add("it said hello; its vote counts when it has proved that it works")
		}
	case uptime.ProbeLagging:
		if p.Why == "" {
			add("no proof of work for " + uptime.Ago(p.Lag))
		}
		if !strings.Contains(p.Why, "vote") {
			add("its vote does not count")
		}
	default:
		switch {
		case p.Seen.IsZero():
			add("it was never heard of")
		case !strings.Contains(p.Why, "since"):
			add("last heard of at " + stamp(p.Seen, s.now, s.loc))
		}
		if p.Spool > 0 {
			add(fmt.Sprintf("it keeps its results and sends them when it is back (last known %s)", group3(int(p.Spool))))
		}
	}
	if p.Excluded != "" {
		add("excluded by " + p.Excluded + ": it checks nothing, and its vote does not count")
	}
	add(p.Warning)
	return out
}

// drawBroker is the way to the probes.
func drawBroker(s *shell, p *pen) {
	b := &s.snap.Broker
	p.to(1)
	p.text(theme.Accent, "BROKER")
	p.say(" ")
	if b.URL == "" {
		p.say("none is configured: no probe can be reached")
		return
	}
	where := brokerName(b.URL, p.w >= wide)
	p.cell(theme.Plain, where, min(cells(where), max(p.w/2-8, 8)))
	p.say(" ")
	glyph := s.th.State(uptime.Up, uptime.Active)
	if s.th.ASCII {
		glyph.Glyph = '*'
	}
	word := "connected"
	switch {
	case s.lost:
		glyph.Glyph = '?'
	case !b.Connected:
		glyph = s.th.State(uptime.Down, uptime.Active)
		word = "NOT CONNECTED"
	}
	p.text(glyph.Style, string(glyph.Glyph)+" "+word)
	if !b.Since.IsZero() {
		p.say(" ", coarse(s.now.Sub(b.Since)))
	}
	var facts []string
	if b.Connected {
		facts = append(facts, fmt.Sprintf("%.1f results/s in %.1f batches/s", b.Rate, b.Batches))
	}
	if b.Dead > 0 {
		facts = append(facts, group3(int(b.Dead))+" messages that nobody could read")
	}
	for _, f := range facts {
		if p.x+4 < p.w {
			p.say("  ")
			p.cell(theme.Plain, f, min(cells(f), p.w-1-p.x))
		}
	}
}

// brokerName is a URL as it is said, with its vhost where there is room.
func brokerName(url string, vhost bool) string {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok {
		return url
	}
	host, path, _ := strings.Cut(rest, "/")
	if vhost && path != "" {
		return scheme + " " + host + " vhost " + path
	}
	return scheme + " " + host
}

const (
	aloneCells = 8    // of a bar
	aloneTop   = 0.02 // the share that fills it
)

// aloneLines say who said DOWN where nobody else did: a liar, or a bad line.
func aloneLines(out *sheet, all []uptime.Probe, w int) {
	in := 8
	if w < 60 {
		in = 1
	}
	out.add(func(p *pen) {
		p.to(1)
		p.text(theme.Accent, "ALONE")
		p.to(8)
		p.text(theme.Faint, "said DOWN where nobody else did, in 24h, of its opinions")
	})
	if most := 12; len(all) > most { // the loudest
		all = slices.Clone(all)
		slices.SortStableFunc(all, func(a, b uptime.Probe) int { return cmp.Compare(b.Alone, a.Alone) })
		all = all[:most]
	}
	name := 0
	for i := range all {
		name = max(name, cells(all[i].ID()))
	}
	name = min(name, 24)
	each := name + 1 + aloneCells + 8 + 2
	across := max((w-in)/each, 1)
	for at := 0; at < len(all); at += across {
		line := all[at:min(at+across, len(all))]
		out.add(func(p *pen) {
			for i := range line {
				p.to(in + i*each)
				p.cell(theme.Plain, line[i].ID(), name)
				p.to(p.x + 1)
				drawAlone(p, line[i].Alone)
			}
		})
	}
}

// drawAlone is a bar and its figure right behind it.
func drawAlone(p *pen, share float64) {
	if share > 0 {
		bar := widget.Meter(share/aloneTop, aloneCells, widget.Plain, p.th.ASCII)
		for len(bar) > 0 && bar[len(bar)-1].Rune == 0 {
			bar = bar[:len(bar)-1]
		}
		p.line(bar)
	}
	p.say(aloneText(share))
}

// healthLines say how lookout itself does.
func healthLines(out *sheet, s *shell, w int) {
	h := &s.snap.Health
	facts := []string{"lag " + lag(h.Lag), fmt.Sprintf("%.1f chk/s", h.Rate), fmt.Sprintf("%s of %s in flight", group3(h.InFlight), group3(h.Capacity)),
		group3(h.Waiting) + " wait", group3(int(h.Late)) + " late", group3(int(h.Skipped)) + " skipped"}
	if h.Shed > 0 {
		facts = append(facts, group3(int(h.Shed))+" second looks left out")
	}
	if h.StoreLatency > 0 {
		facts = append(facts, "store "+uptime.Took(h.StoreLatency))
	}
	if h.Unstored > 0 {
		facts = append(facts, group3(h.Unstored)+" not stored yet")
	}
	if h.Dropped > 0 {
		facts = append(facts, group3(int(h.Dropped))+" results lost")
	}
	in := 8
	if w < 60 {
		in = 1
	}
	out.para("LOCAL", strings.Join(facts, ", "), in, w)
}
