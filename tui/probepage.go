package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

// probePage is all that is known of one probe, or of this node, and what
// happened to it.
type probePage struct {
	sheet
	id      string
	log     []uptime.Event // about it, newest first
	readFor uint64         // the newest event when that was read
	loading bool
	err     error

	excluded bool // it is, as last seen
}

// probeEvents is how many events are read, to find those about one probe.
const probeEvents = 500

func newProbePage(id string) *probePage { return &probePage{id: id} }

// probeLogMsg is what happened to probes.
type probeLogMsg struct {
	log  []uptime.Event
	upTo uint64
	err  error
}

func (d *probePage) title() string { return "probe" }

func (d *probePage) keys() []binding {
	table := append([]binding{
		{keys: []string{"l"}, group: groupSee, help: "its events", hint: "log", rank: 1, verb: "events of the probe",
			run: func(s *shell, _ string) tea.Cmd { return openProbeEvents(s, d.id) }},
	}, voteKeys(d.excluded, d.row)...)
	return append(table, d.sheet.keys()...)
}

// row finds it in the newest snapshot; false where it is no longer known.
func (d *probePage) row(s *shell) (probeRow, bool) {
	if d.id == uptime.Local {
		return probeRow{}, true
	}
	if s.snap == nil {
		return probeRow{}, false
	}
	for i := range s.snap.Probes {
		if s.snap.Probes[i].ID() == d.id {
			return probeRow{&s.snap.Probes[i]}, true
		}
	}
	return probeRow{}, false
}

func (d *probePage) refresh(s *shell) tea.Cmd {
	r, _ := d.row(s)
	d.excluded = r.excluded()
	if s.snap == nil || d.loading || s.lost || d.readFor == s.snap.Events && d.readFor > 0 {
		return nil
	}
	d.loading = true
	kinds := []uptime.EventKind{uptime.EventProbe}
	if d.id == uptime.Local {
		kinds = []uptime.EventKind{uptime.EventNode, uptime.EventClock, uptime.EventStore}
	}
	source, upTo, id := s.source, s.snap.Events, d.id
	return s.load(d, func(ctx context.Context) tea.Msg {
		got, err := source.Events(ctx, uptime.EventQuery{Before: upTo + 1, Kinds: kinds, Limit: probeEvents})
		got = slices.DeleteFunc(slices.Clone(got), func(e uptime.Event) bool { return id != uptime.Local && !mentions(e.Message, id) })
		return probeLogMsg{got, upTo, err}
	})
}

func (d *probePage) receive(s *shell, m tea.Msg) tea.Cmd {
	if msg, ok := m.(probeLogMsg); ok {
		d.loading, d.err, d.readFor = false, msg.err, msg.upTo
		if msg.err == nil {
			d.log = msg.log
		}
	}
	return nil
}

// mentions reports whether a text names a probe: fra/1 is not in fra/10.
func mentions(text, id string) bool {
	part := func(b byte) bool { return b == '-' || b == '/' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' }
	for from := 0; ; {
		at := strings.Index(text[from:], id)
		if at < 0 {
			return false
		}
		at += from
		end := at + len(id)
		if (at == 0 || !part(text[at-1])) && (end == len(text) || !part(text[end])) {
			return true
		}
		from = at + 1
	}
}

func (d *probePage) head(s *shell, p *pen) {
	p.to(1)
	p.text(theme.Strong, "PROBE")
	p.say("  ")
	p.cell(theme.Strong, d.id, min(cells(d.id), max(p.w-p.x, 0)))
	if s.snap == nil || s.past != nil {
		return
	}
	r, ok := d.row(s)
	if !ok {
		return
	}
	if look := probeLook(s, r); p.x+4+len(look.Label) < p.w {
		p.to(p.x + 2)
		badge(p, look)
	}
	if r.Probe != nil && !r.Since.IsZero() && p.x+10 < p.w {
		p.say(" ", uptime.Ago(s.now.Sub(r.Since)))
	}
}

func (d *probePage) body(s *shell, p *pen) {
	d.compose(s, p.w)
	d.draw(p)
}

func (d *probePage) compose(s *shell, w int) {
	d.reset()
	if s.past != nil || s.snap == nil {
		d.para("", "Not told of the past.", 1, w)
		return
	}
	r, ok := d.row(s)
	if !ok {
		d.para("", "This probe is no longer known. esc goes back.", 1, w)
		return
	}
	in := indent(w)
	if w >= 60 {
		d.blank()
	}
	l := &probes{}
	for i := range s.snap.Probes {
		l.rows = append(l.rows, probeRow{&s.snap.Probes[i]})
	}
	l.count(s)
	if notes := l.notesOf(s, r); len(notes) > 0 {
		d.para("WHY", strings.Join(notes, " "), in, w)
	}
	if r.Probe == nil {
		d.local(s, in, w)
	} else {
		for _, f := range probeFacts(s, r.Probe) {
			d.para(f[0], f[1], in, w)
		}
	}
	if w >= 60 {
		d.blank()
	}
	d.happened(s)
}

// local is what this node knows of itself.
func (d *probePage) local(s *shell, in, w int) {
	d.para("WHERE", probeRow{}.brief(s), in, w)
	healthLines(&d.sheet, s, w)
}

// probeFacts are lines of a label and what it is about.
func probeFacts(s *shell, p *uptime.Probe) [][2]string {
	where := "location " + p.Location + ", " + networkWord(p)
	if networkOf(p) == s.snap.Network {
		where += ", which is this node's: it is no witness"
	}
	if p.Place != "" {
		where = p.Place + ", " + where
	}
	if p.State == uptime.ProbeUnseen {
		return [][2]string{{"WHERE", where}}
	}
	n := 0
	for i := range s.snap.Probes {
		if s.snap.Probes[i].Location == p.Location {
			n++
		}
	}
	if n > 1 {
		where += fmt.Sprintf(", one of %d probes there, which share the work and have one vote", n)
	}
	state := p.State.String()
	if !p.Since.IsZero() {
		state += " since " + stamp(p.Since, s.now, s.loc)
	}
	if !p.Connected.IsZero() {
		state += ", connected since " + stamp(p.Connected, s.now, s.loc)
	}
	state += ", heard of " + ago(p.Seen, s.now)
	out := [][2]string{{"WHERE", where}, {"STATE", state}}
	if p.State != uptime.ProbeGone {
		clock := "its clock is right"
		if by := strings.TrimRight(strings.TrimLeft(skew(p.Skew), "+-"), "!"); by != "0ms" {
			clock = "its clock is " + by + map[bool]string{true: " behind", false: " ahead"}[p.Skew < 0] + ", its times are corrected by that"
		}
		out = append(out, [2]string{"LINK", "round trip " + uptime.Took(p.RTT) + ", newest proof of work " + lagText(p.Lag) + " old, " +
			group3(p.Waiting) + " questions not answered, " + clock},
			[2]string{"WORK", fmt.Sprintf("%s, %.1f checks/s, %.1f%% of them not up", monitorsWord(p.Monitors), p.Rate, 100*p.Failing)})
	}
	spool := group3(int(p.Spool)) + " results to be sent"
	if p.State == uptime.ProbeGone {
		spool += ", as last known"
	}
	if p.Lost > 0 {
		spool += ", " + group3(int(p.Lost)) + " given up for lack of room"
	}
	alone := "no opinion in the last 24 h"
	if p.Alone >= 0 {
		alone = "said DOWN where nobody else did in " + aloneText(p.Alone) + " of its opinions of the last 24 h"
	}
	version := "lookout " + dash(p.Version)
	if older(p.Version, s.version) {
		version += ", and this engine is " + s.version
	}
	return append(out, [2]string{"SPOOL", spool}, [2]string{"ALONE", alone}, [2]string{"RUNS", version})
}

func monitorsWord(n int) string {
	if n == 1 {
		return "1 monitor"
	}
	return group3(n) + " monitors"
}

// happened are the events about it.
func (d *probePage) happened(s *shell) {
	d.add(func(p *pen) {
		p.to(1)
		p.text(theme.Accent, "EVENTS")
		switch {
		case d.err != nil:
			p.say("  not known: ", d.err.Error())
		case d.loading && len(d.log) == 0:
			p.text(theme.Faint, "  reading …")
		case len(d.log) == 0:
			p.text(theme.Faint, "  none")
		}
	})
	for i := range d.log {
		d.add(func(p *pen) { drawEvent(s, p, &d.log[i], false) })
	}
}

func (d *probePage) status(s *shell, p *pen) {
	p.to(1)
	if len(d.lines) > d.shown && d.shown > 0 {
		p.say(fmt.Sprintf("lines %d-%d of %d", d.top+1, d.top+d.shown, len(d.lines)))
	}
}

// copy gives its name, or the page.
func (d *probePage) copy(s *shell, what copyWhat) string {
	if what == copyCell || s.snap == nil {
		return d.id
	}
	const width = 120
	page := *d
	page.lines, page.top = nil, 0
	page.compose(s, width)
	var p pen
	p.reset(s.th, width, len(page.lines)+1)
	page.head(s, &p)
	p.end()
	page.draw(&p)
	return plainText(p.screen())
}
