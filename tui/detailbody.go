package tui

import (
	"fmt"
	"strings"
	"time"

	"lookout/engine/uptime"
	"lookout/tui/theme"
	"lookout/tui/widget"
)

// compose lays the page out for a screen of w cells and h lines below the
// head: all of it, with a larger chart and blank lines between the parts where
// there is room for them, and to be scrolled where there is not.
func (d *detail) compose(s *shell, w, h int, ascii bool) {
	d.reset()
	st := stateOf(s.snap, d.name)
	if st == nil {
		text := "There is no monitor of this name any more; the configuration was changed. esc goes back."
		if s.snap == nil {
			text = "Waiting for the engine."
		}
		d.para("", text, 1, w)
		return
	}
	parts := d.parts(s, st, w, h, ascii)
	d.panes = d.panes[:0]
	for _, p := range parts {
		d.panes = append(d.panes, p.name)
	}
	if d.zoomed {
		for _, p := range d.parts(s, st, w, 0, ascii) { // as at length as it can be
			if p.name == d.pane {
				d.place(p, h-len(p.lines))
				return
			}
		}
	}
	d.layOut(parts, w, h)
}

// layOut puts all parts below each other.
func (d *detail) layOut(parts []*part, w, h int) {
	lines, charts := 0, 0
	for _, p := range parts {
		lines += len(p.lines)
		if p.chart != nil {
			charts++
		}
	}
	least := 3
	if w >= 60 {
		least = 4
	}
	spare := h - lines - charts*least
	if h == 0 {
		spare = len(parts) + 8 // as text: as it looks best
	}
	gaps := 0
	if spare >= len(parts) || spare >= 2 && w < wide {
		gaps = min(spare, len(parts))
	}
	chart := least
	if charts > 0 && w >= 40 {
		chart = max(min(least+spare-gaps, 9), least)
	}
	for i, p := range parts {
		// The first gaps are those that help most: under the head, then from the top on.
		if i < gaps && (i > 0 || h > 12 || h == 0) {
			d.blank()
		}
		d.place(p, chart)
	}
	if d.reveal { // the pane that was chosen comes to the screen
		d.reveal = false
		if at := d.chosen; at < d.top || h > 0 && at >= d.top+h-1 {
			d.top = at
		}
	}
}

// place puts a part below what is there, with its picture in so many lines,
// and a mark where it was chosen.
func (d *detail) place(p *part, chart int) {
	at := len(d.lines)
	d.lines = append(d.lines, p.lines...)
	if p.chart != nil {
		for _, l := range p.chart(max(chart, 3)) {
			d.add(func(p *pen) { p.to(1); p.line(l) })
		}
	}
	if p.name == d.pane && at < len(d.lines) {
		d.chosen = at
		first := d.lines[at]
		d.lines[at] = func(p *pen) {
			pointer(p, true)
			first(p)
		}
	}
}

// wide is the width from which on the columns of 120 fit.
const wide = 110

// part is a block of the page, with a picture under it that can be as high as there is room.
type part struct {
	sheet
	name  string // of the pane
	chart func(h int) widget.Grid
}

// paneNames are the parts in their order, as tab goes through them.
var paneNames = [...]string{"why", "evidence", "story", "phases", "latency", "uptime", "past"}

func (d *detail) parts(s *shell, st *uptime.State, w, h int, ascii bool) []*part {
	out := []*part{d.whyPart(s, st, w, w >= wide || h == 0 || h > 30), d.evidencePart(s, st, w, h), d.storyPart(s, st, w, h), d.phasesPart(w, ascii), d.latencyPart(s, w, ascii),
		d.uptimePart(s, st, w, ascii), d.pastPart(s, st, w)}
	kept := out[:0]
	for i, p := range out {
		if p != nil && (len(p.lines) > 0 || p.chart != nil) {
			p.name = paneNames[i]
			kept = append(kept, p)
		}
	}
	return kept
}

// indent is where the text after a label begins.
func indent(w int) int {
	switch {
	case w < 60:
		return 1
	case w < wide:
		return 8
	}
	return 10
}

func (d *detail) whyPart(s *shell, st *uptime.State, w int, atLength bool) *part {
	p, in := &part{}, indent(w)
	label := func(l string) string {
		if w < 30 {
			return ""
		}
		return l
	}
	p.para(label("WHY"), strings.Join(d.why(s, st, atLength), " "), in, w)
	if st.Ack != nil {
		text := "by " + st.Ack.By
		if st.Ack.Note != "" {
			text += " \"" + st.Ack.Note + "\""
		}
		if st.Ack.Until.IsZero() {
			text += " until it is up"
		} else {
			text += " until " + stamp(st.Ack.Until, s.now, s.loc)
		}
		p.para(label("ACK"), text, in, w)
	}
	d.toldLines(p, s, st, label("TOLD"), atLength, in, w)
	facts := checkFacts(st)
	text := strings.Join(facts, ", ")
	if !atLength {
		text = joined(facts, w-in)
	}
	p.para(label("CHECK"), text, in, w)
	d.ruleLines(p, st, label("RULE"), in, w)
	told := d.told(s, st)
	if facts := placeFacts(st, w >= 60); len(facts) > 0 && (atLength || told == nil || len(told.Evidence) == 0) { // else the evidence says it
		text := strings.Join(facts, ", ")
		if !atLength {
			text = joined(facts, w-in)
		}
		p.para(label("PLACES"), text, in, w)
	}
	if st.Note != "" {
		p.para(label("NOTE"), st.Note, in, w)
	}
	return p
}

// toldLines say who was told of the open incident, when, and what became of it.
func (d *detail) toldLines(p *part, s *shell, st *uptime.State, label string, atLength bool, in, w int) {
	inc := d.openIncident(s, st)
	if inc == nil || len(s.snap.Outbox.Channels) == 0 || s.past != nil {
		return
	}
	told := lettersAbout(s.snap, inc)
	facts := toldAtLength(s, told)
	switch {
	case len(facts) > 0 && (atLength || cells(strings.Join(facts, "; ")) < w-in):
		p.para(label, strings.Join(facts, "; "), in, w)
	case len(facts) > 0:
		p.para(label, toldText(s, inc, told, w-in-1), in, w)
	case inc.Unacked() && len(s.snap.Outbox.Told) < uptime.MaxTold:
		p.para(label, "nobody", in, w)
	}
}

// ruleLines say the rule in force: on a line, and in sentences where the pane
// has the whole screen.
func (d *detail) ruleLines(p *part, st *uptime.State, label string, in, w int) {
	if !d.zoomed || d.pane != paneNames[0] {
		text := st.Rule.Brief(st.Interval, st.Witnesses())
		if w >= wide {
			text += "; z says it in full"
		}
		p.para(label, text, in, w)
		return
	}
	for i, said := range st.Explain(st.Witnesses()) {
		if i > 0 {
			label = ""
		}
		p.para(label, said, in, w)
	}
}

// phaseNames are the measures that follow each other in a check, and how they are called.
var phaseNames = []struct{ measure, name string }{{"dns", "dns"}, {"connect", "tcp"}, {"tls", "tls"}, {"ttfb", "ttfb"}, {"body", "body"}}

func phasesOf(r *uptime.Result) []widget.Phase {
	var out []widget.Phase
	for _, n := range phaseNames {
		if m, ok := r.Measured(n.measure); ok && m.Value > 0 {
			out = append(out, widget.Phase{Name: n.name, Took: m.Duration()})
		}
	}
	return out
}

func (d *detail) phasesPart(w int, ascii bool) *part {
	if d.got == nil || d.got.LastGood == nil {
		return nil
	}
	phases := phasesOf(d.got.LastGood)
	if len(phases) < 2 {
		return nil
	}
	p := &part{}
	if w < wide {
		p.add(func(p *pen) {
			if w >= 60 {
				p.to(1)
				p.text(theme.Faint, "phases")
			}
			p.to(indent(w))
			p.line(widget.PhaseLine(phases, p.w-p.x-1, ascii))
		})
		return p
	}
	const left = 22
	bars := widget.PhaseChart(phases, min(w-left-10, 80), ascii)
	p.add(func(p *pen) {
		p.to(1)
		p.text(theme.Accent, "PHASES")
		p.to(10)
		p.text(theme.Faint, "of the last good check")
	})
	for i, ph := range phases {
		p.add(func(p *pen) {
			p.to(10)
			p.cell(theme.Plain, ph.Name, 5)
			p.right(theme.Plain, uptime.Took(ph.Took), 6)
			p.to(left + 1)
			p.line(bars[i])
		})
	}
	return p
}

func (d *detail) latencyPart(s *shell, w int, ascii bool) *part {
	p := &part{}
	p.add(func(p *pen) { d.latencyHead(s, p) })
	if d.got == nil || len(d.got.Latency) == 0 || d.gotSpan != d.span {
		return p
	}
	to := s.now
	if d.for_ != nil && d.asked.Before(to) {
		to = d.asked
	}
	band := widget.Band{Buckets: d.got.Latency, From: to.Add(-d.span).In(s.loc), To: to.In(s.loc), ASCII: ascii}
	p.chart = func(h int) widget.Grid { return band.Draw(w-2, h) }
	return p
}

func (d *detail) latencyHead(s *shell, p *pen) {
	p.to(1)
	if p.w >= 40 {
		p.text(theme.Accent, "LATENCY ")
	}
	p.text(theme.Strong, spanName(d.span))
	missing := d.got == nil || d.gotSpan != d.span
	switch {
	case s.past != nil:
		p.text(theme.Faint, "  not told of the past")
	case missing && d.err != nil:
		p.say("  not known: ", d.err.Error())
	case missing && s.lost:
		p.say("  not known: the engine does not answer")
	case missing:
		p.text(theme.Faint, "  reading …")
	case len(d.got.Latency) == 0:
		p.text(theme.Faint, "  no checks in this range")
	case d.got.P50 <= 0:
		p.text(theme.Faint, "  no good check in this range")
	default:
		for _, f := range [...]struct {
			name string
			v    time.Duration
		}{{"p50", d.got.P50}, {"p95", d.got.P95}, {"p99", d.got.P99}, {"max", d.got.Max}} {
			p.text(theme.Faint, "  "+f.name+" ")
			p.say(uptime.Took(f.v))
		}
		failed := string(widget.Failed(p.th.ASCII)) + " = failed"
		if p.w >= wide {
			failed = "band = p50..p95, " + failed
		}
		ranges := ""
		if p.w >= wide {
			ranges = "     " + spanMenu(d.span)
		}
		if x := p.w - 1 - cells(failed+ranges); x > p.x+1 {
			p.to(x)
			p.text(theme.Faint, failed+ranges)
		}
	}
}

func spanName(d time.Duration) string {
	if d < 2*day {
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dd", d/day)
}

func spanMenu(now time.Duration) string {
	text := "t:"
	for _, d := range spans {
		text += " " + spanName(d)
		if d == now {
			text += "*"
		}
	}
	return text
}
