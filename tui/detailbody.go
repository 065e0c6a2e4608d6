package tui

import (
	"fmt"
	"strconv"
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
		d.lines = append(d.lines, p.lines...)
		if p.chart != nil {
			for _, l := range p.chart(chart) {
				d.add(func(p *pen) { p.to(1); p.line(l) })
			}
		}
	}
}

// wide is the width from which on the columns of 120 fit.
const wide = 110

// part is a block of the page, with a picture under it that can be as high as there is room.
type part struct {
	sheet
	chart func(h int) widget.Grid
}

func (d *detail) parts(s *shell, st *uptime.State, w, h int, ascii bool) []*part {
	out := []*part{d.whyPart(s, st, w, w >= wide || h == 0 || h > 30), d.evidencePart(s, st, w, h), d.phasesPart(w, ascii), d.latencyPart(s, w, ascii),
		d.uptimePart(s, st, w, ascii), d.pastPart(s, st, w)}
	kept := out[:0]
	for _, p := range out {
		if p != nil && (len(p.lines) > 0 || p.chart != nil) {
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
	facts := checkFacts(st)
	text := strings.Join(facts, ", ")
	if !atLength {
		text = joined(facts, w-in)
	}
	p.para(label("CHECK"), text, in, w)
	p.para(label("RULE"), rule(st, atLength), in, w)
	if st.Note != "" {
		p.para(label("NOTE"), st.Note, in, w)
	}
	return p
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
				p.text(theme.Faint, " phases")
			}
			p.to(indent(w))
			p.line(widget.PhaseLine(phases, p.w-p.x-1, ascii))
		})
		return p
	}
	const left = 22
	bars := widget.PhaseChart(phases, min(w-left-10, 80), ascii)
	p.add(func(p *pen) {
		p.text(theme.Accent, " PHASES")
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
	label := " LATENCY "
	if p.w < 40 {
		label = " "
	}
	p.text(theme.Accent, label)
	p.text(theme.Strong, spanName(d.span))
	missing := d.got == nil || d.gotSpan != d.span
	switch {
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

// shares are the uptimes that are known: from the snapshot only that of the day.
func (d *detail) shares(st *uptime.State) []uptime.SpanShare {
	if d.got != nil && len(d.got.Uptime) > 0 {
		return d.got.Uptime
	}
	return []uptime.SpanShare{{Span: day, Share: st.Day}}
}

// objective is the uptime that a budget is counted from.
const objective = 0.999

func (d *detail) uptimePart(s *shell, st *uptime.State, w int, ascii bool) *part {
	p, shares := &part{}, d.shares(st)
	column, end := 14, budget(shares)
	if end != "" && w >= wide {
		column, end = 22, "of 99.9% in 30d "+end
	} else if end != "" {
		end = "budget " + end
	}
	row := func(label string, value func(uptime.SpanShare) string, end string) {
		p.add(func(p *pen) {
			in := indent(p.w)
			if in > 1 {
				p.text(theme.Accent, " "+label)
			} else {
				p.text(theme.Accent, " "+label[:2])
				in = 4
			}
			p.to(in)
			for _, sh := range shares {
				if p.x+column > p.w && p.x > in {
					break
				}
				x := p.x
				p.text(theme.Faint, spanName(sh.Span)+" ")
				p.say(value(sh))
				p.to(max(x+column, p.x+2))
			}
			if p.x+cells(end)+1 <= p.w {
				p.say(end)
			}
		})
	}
	row("UPTIME", func(sh uptime.SpanShare) string {
		up, ok := sh.Uptime()
		if !ok {
			return "-"
		}
		if w >= wide && sh.Down > 0 {
			return uptime.Percent(up) + " (" + uptime.Ago(sh.Down) + ")"
		}
		return uptime.Percent(up)
	}, end)
	row("COVER", func(sh uptime.SpanShare) string { return uptime.Percent(sh.Coverage()) }, "")
	if d.got != nil && len(d.got.Days) > 0 && w >= wide {
		p.add(func(p *pen) { d.drawDays(s, p, ascii) })
	}
	if c := d.certificate(st); c != nil {
		p.add(func(p *pen) { drawCert(s, p, c) })
	}
	return p
}

// budget says how much of the allowed downtime of 30 days is left.
func budget(shares []uptime.SpanShare) string {
	for _, sh := range shares {
		if sh.Span != 30*day || sh.Up+sh.Down == 0 {
			continue
		}
		allowed := time.Duration(float64(sh.Span) * (1 - objective))
		if left := allowed - sh.Down; left >= 0 {
			return coarse(left) + " left"
		}
		return coarse(sh.Down-allowed) + " over"
	}
	return ""
}

func (d *detail) drawDays(s *shell, p *pen, ascii bool) {
	days := d.got.Days
	p.text(theme.Accent, " "+strconv.Itoa(len(days))+" DAYS")
	p.to(10)
	p.line(widget.Days(days, min(len(days), p.w-11), ascii))
	worst, low := 0, 2.0
	for i, sh := range days {
		if up, ok := sh.Uptime(); ok && up <= low && up < 1 {
			worst, low = i, up
		}
	}
	if low < 2 {
		when := s.now.In(s.loc).AddDate(0, 0, worst-len(days)+1)
		p.text(theme.Faint, "  worst ")
		p.say(when.Format("01-02"))
	}
}

func (d *detail) certificate(st *uptime.State) *uptime.Certificate {
	if st.Cert != nil || d.got == nil || d.got.LastGood == nil {
		return st.Cert
	}
	return d.got.LastGood.Cert
}

func drawCert(s *shell, p *pen, c *uptime.Certificate) {
	name := "no name"
	if len(c.Names) > 0 {
		name = c.Names[0]
	}
	if len(c.Names) > 1 {
		name += " +" + strconv.Itoa(len(c.Names)-1)
	}
	left := c.NotAfter.Sub(s.now)
	expires := "expires " + c.NotAfter.In(s.loc).Format("2006-01-02") + " (" + strconv.Itoa(int(left/day)) + " d)"
	style := theme.Plain
	if left <= 0 {
		expires = "EXPIRED " + c.NotAfter.In(s.loc).Format("2006-01-02")
	}
	if left < 14*day {
		style = theme.Strong
	}
	if p.w < 40 {
		p.to(1)
		p.text(style, expires)
		return
	}
	p.text(theme.Accent, " CERT")
	p.to(indent(p.w))
	// The date is what is looked for: the names give way.
	chain := ""
	if c.Chain != "" {
		chain = "  chain " + c.Chain
	}
	if c.Version != "" && p.w >= wide {
		chain += "  TLS " + c.Version
	}
	room := max(p.w-p.x-cells(expires)-cells(chain)-5, 0)
	issuer := min(cells(c.Issuer), room/2)
	p.cell(theme.Plain, name, min(cells(name), room-issuer))
	p.say("  ")
	p.cell(theme.Plain, c.Issuer, issuer)
	p.say("  ")
	p.text(style, expires)
	p.say(chain)
}

func (d *detail) pastPart(s *shell, st *uptime.State, w int) *part {
	p := &part{}
	var all []string
	if in := d.openIncident(s, st); in != nil {
		all = append(all, stamp(in.Start, s.now, s.loc)+" "+coarse(in.Lasted(s.now))+"+ "+faultName(in.Fault))
	}
	if d.got == nil {
		return p
	}
	for i := range d.got.Past {
		in := &d.got.Past[i]
		all = append(all, in.Start.In(s.loc).Format("01-02")+" "+coarse(in.Lasted(s.now))+" "+faultName(in.Fault))
	}
	text := "no incident in its history"
	if n := len(all); n > 0 {
		text = strconv.Itoa(n)
		if n == 50 {
			text = "over 50"
		}
		text += ": "
	}
	p.add(func(p *pen) {
		in := indent(p.w)
		if in > 1 {
			p.text(theme.Accent, " PAST")
		}
		p.to(in)
		p.say(text)
		for i, a := range all {
			if p.x+cells(a)+2 > p.w {
				if i < len(all) {
					p.say("…")
				}
				break
			}
			p.say(a, "  ")
		}
	})
	return p
}

// faultName is a fault's word without its group, which the place says.
func faultName(f uptime.Fault) string {
	group, class, ok := strings.Cut(f.String(), ".")
	if !ok {
		return group
	}
	if group == "dns" || group == "tls" || group == "icmp" {
		return group + " " + class
	}
	return class
}
