package tui

import (
	"slices"
	"strconv"
	"time"

	"lookout/engine/uptime"
	"lookout/tui/theme"
	"lookout/tui/widget"
)

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
	if s.past != nil {
		return nil // it is of now
	}
	p, shares := &part{}, d.shares(st)
	column, end := 14, budget(shares)
	if end != "" && w >= wide {
		column, end = 20, "budget 30d at 99.9%: "+end
	} else if end != "" {
		end = "budget " + end
	}
	row := func(label string, value func(uptime.SpanShare) string, end string) {
		p.add(func(p *pen) {
			in := indent(p.w)
			p.to(1)
			if in > 1 {
				p.text(theme.Accent, label)
			} else {
				p.text(theme.Accent, label[:2])
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
			return uptime.Percent(up) + " (" + lost(sh) + ")"
		}
		return uptime.Percent(up)
	}, end)
	row("COVER", func(sh uptime.SpanShare) string { return uptime.Percent(sh.Coverage()) }, "")
	doubtful := func(sh uptime.SpanShare) bool { _, _, is := sh.Bounds(); return is }
	if slices.ContainsFunc(shares, doubtful) { // an uptime that does not speak for its span
		row("BOUNDS", func(sh uptime.SpanShare) string {
			if !doubtful(sh) {
				return "-"
			}
			low, high, _ := sh.Bounds()
			return uptime.Between(low, high)
		}, "")
	}
	if d.got != nil && len(d.got.Days) > 0 && w >= wide {
		p.add(func(p *pen) { d.drawDays(s, p, ascii) })
	}
	if c := d.certificate(st); c != nil {
		p.add(func(p *pen) { drawCert(s, p, c) })
	}
	return p
}

// lost is how long a span was down: of one longer than a day only as exactly as is of use.
func lost(sh uptime.SpanShare) string {
	if sh.Span > day && sh.Down >= time.Minute {
		return coarse(sh.Down)
	}
	return uptime.Ago(sh.Down)
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
	p.to(1)
	p.text(theme.Accent, strconv.Itoa(len(days))+" DAYS")
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
	p.to(1)
	p.text(theme.Accent, "CERT")
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
			p.to(1)
			p.text(theme.Accent, "PAST")
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
