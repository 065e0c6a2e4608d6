package tui

import (
	"fmt"
	"strings"
	"time"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

// head is the verdict: how many monitors there are of each kind.
func (o *overview) head(s *shell, p *pen) {
	if p.w >= 48 {
		p.to(1)
	}
	switch {
	case s.snap == nil && s.lost:
		p.text(theme.Unknown, "? nothing is known")
		return
	case s.watchesNothing():
		text := "nothing is watched yet"
		if p.w < cells(text) {
			text = "no monitors"
		}
		p.text(theme.Strong, text)
		return
	case s.snap == nil:
		p.say("waiting for the first results")
		return
	case s.lost:
		p.text(theme.Unknown, "?"+group3(s.snap.Counts.Total())+" unknown")
		if p.w >= 40 {
			p.say("   last known ", s.hhmmss(s.since()), " (", uptime.Ago(s.now.Sub(s.since())), " ago)")
		}
		return
	}
	wide := p.w >= 100
	drawCounts(p, s.th, s.snap.Counts, p.w >= 58, wide)
	if !wide {
		return
	}
	h := s.snap.Health
	var tail []string
	if s.past == nil {
		tail = append(tail, "lag "+lag(h.Lag))
	}
	if h.Probes > 1 {
		tail = append(tail, fmt.Sprintf("probes %d/%d", h.ProbesLive, h.Probes))
	}
	if s.snap.Unacked > 0 {
		tail = append(tail, group3(s.snap.Unacked)+" unacked")
	}
	for _, t := range tail {
		if p.x+2+len(t) <= p.w {
			p.say("  ", t)
		}
	}
}

func lag(d time.Duration) string { return fmt.Sprintf("%.1fs", d.Seconds()) }

// body writes the head of the columns and the visible rows.
func (o *overview) body(s *shell, p *pen) {
	if s.watchesNothing() {
		o.height = 0
		s.drawNothing(p)
		return
	}
	if o.r == nil {
		o.height = 0
		return
	}
	c := layout(p.w, len(o.r.locations), o.wider)
	if !c.tiny && p.left() > 5 {
		if o.r.grouped {
			o.groupHead(p)
		} else {
			c.head(p, o.r)
		}
		p.end()
	}
	o.height, o.line = p.left(), p.y
	o.scroll()
	if len(o.r.rows) == 0 && p.left() > 0 {
		p.to(1)
		text := "nothing matches the filter"
		if p.w <= cells(text)+1 {
			text = "no match"
		}
		p.say(text)
		p.end()
		return
	}
	for at := o.top; at < len(o.r.rows) && p.left() > 0; at++ {
		if i := o.r.rows[at]; i < 0 {
			o.groupRow(s, p, &o.r.groups[^i], at == o.pos)
		} else {
			st := o.r.snap.States[i]
			c.row(s, p, o.r, st, at == o.pos, len(o.marks) > 0 && o.marks[st.Name])
		}
		p.end()
	}
}

// groupColumns are the widths of a group's row; worst 0: there is no room for it.
func groupColumns(w int) (name, states, worst int) {
	if w < wordFrom {
		return max(w-3-14, 4), 13, 0
	}
	name = 8
	if w >= wideFrom {
		name = 20
	}
	return name, 13, w - 1 - 3 - name - 1 - 13 - 1 - 12 - 7
}

func (o *overview) groupHead(p *pen) {
	name, states, worst := groupColumns(p.w)
	p.to(1)
	p.cell(theme.Faint, "GROUP", name+2)
	p.to(p.x + 1)
	p.cell(theme.Faint, "STATES", states)
	p.to(p.x + 1)
	p.cell(theme.Faint, "WORST", worst)
	p.right(theme.Faint, "UPTIME 24h", 12)
	p.right(theme.Faint, "P95", 7)
}

func (o *overview) groupRow(s *shell, p *pen, g *groupRow, cursor bool) {
	name, states, worst := groupColumns(p.w)
	gutter(p, cursor, false)
	if g.open {
		p.glyph(theme.Accent, '▾')
	} else {
		p.glyph(theme.Accent, '▸')
	}
	p.to(3)
	style := theme.Strong
	if cursor {
		style = theme.Reverse
	}
	title := g.name
	if title == "" {
		title = "(none)"
	}
	p.cell(style, title, min(cells(title), name))
	p.to(3 + name + 1)
	end, w := p.x+states, p.w
	p.w = min(end, w)
	if s.lost {
		p.text(theme.Unknown, "?"+group3(g.counts.Total()))
	} else {
		drawCounts(p, s.th, g.counts, false, false)
	}
	p.w = w
	p.to(end)
	if worst <= 0 {
		return
	}
	p.to(p.x + 1)
	first := o.r.snap.States[g.worst]
	switch {
	case first.Problem():
		p.cell(theme.Plain, "worst "+first.Name, worst)
	case g.counts.Up == g.counts.Total() && !s.lost:
		p.cell(theme.Faint, "all up", worst)
	default:
		p.cell(theme.Faint, "", worst)
	}
	up := "-"
	if share, ok := g.day.Uptime(); ok {
		up = uptime.Percent(share)
	}
	p.right(theme.Plain, up, 12)
	p.right(theme.Plain, uptime.Took(g.p95), 7)
}

// status is what is listed, and how lookout itself is doing.
func (o *overview) status(s *shell, p *pen) {
	if s.lost {
		s.drawLost(p)
		return
	}
	if s.snap == nil || o.r == nil || len(o.r.rows) == 0 && o.r.query == nil {
		return
	}
	first, end := min(o.top+1, len(o.r.rows)), min(o.top+o.height, len(o.r.rows))
	shown, _ := o.counts()
	if p.w < wordFrom {
		p.say(fmt.Sprintf("%d-%d of %s %s", first, end, group3(shown), o.want.by))
		return
	}
	p.to(1)
	parts := o.statusParts(first, end, p.w >= wideFrom)
	right, alarm := s.healthLine(p.w >= wideFrom)
	gap := "  "
	if p.w >= wideFrom {
		gap = "   "
	}
	left := strings.Join(parts, gap)
	room := p.w - 1 - p.x
	for alarm == theme.Plain && right != "" && cells(left)+2+cells(right) > room {
		_, right, _ = strings.Cut(right, "  ") // what is left out first is the rate
	}
	if right != "" {
		room -= 2 + cells(right)
	}
	p.cell(theme.Plain, left, max(min(cells(left), room), 0))
	if right != "" {
		p.to(p.w - 1 - cells(right))
		p.text(alarm, right)
	}
}

// statusParts say how many rows there are, and which ones and how are shown.
func (o *overview) statusParts(first, end int, wide bool) []string {
	shown, all := o.counts()
	what := monitorsWord(all)
	if o.r.query != nil {
		what = group3(shown) + " of " + what
	}
	if o.r.grouped {
		what += fmt.Sprintf(" in %d groups", len(o.r.groups))
	}
	by := "sort:" + o.r.by.String()
	if o.r.reverse {
		by += " reversed"
	}
	parts := []string{what, by}
	if o.r.query != nil {
		parts = append(parts, "filter:"+o.r.query.text)
	}
	if n := len(o.marks); n > 0 {
		parts = append(parts, group3(n)+" marked")
	}
	if wide && o.r.query == nil && !o.r.grouped && len(o.marks) == 0 {
		parts = append(parts, "group:all")
	}
	if wide {
		parts = append(parts, "window 1h")
	}
	return append(parts, fmt.Sprintf("rows %d-%d", first, end))
}

// brokerGrace is how long a broker may take to answer before anybody has to look.
const brokerGrace = 5 * time.Second

// healthLine is how lookout itself is doing, and whether that needs a look.
func (s *shell) healthLine(wide bool) (string, theme.Style) {
	h, style := s.snap.Health, theme.Plain
	if s.past != nil {
		return "as of " + s.past.at.In(s.loc).Format("2006-01-02 15:04:05"), style
	}
	parts := []string{fmt.Sprintf("%.1f chk/s", h.Rate)}
	if s.snap.Config.Error != "" {
		parts, style = append(parts, "config ERROR"), theme.Warn
	} else if wide && !s.snap.Config.Loaded.IsZero() {
		parts = append(parts, "config ok "+s.snap.Config.Loaded.In(s.loc).Format("15:04"))
	}
	if b := &s.snap.Broker; b.Trouble() != "" && s.now.Sub(b.Since) > brokerGrace {
		parts, style = append(parts, "broker LOST"), theme.Warn
	}
	if text, failing := alertsHealth(s.snap, s.now, wide); failing {
		parts, style = append(parts, text), theme.Warn
	} else if text != "" {
		parts = append(parts, text)
	}
	if s.snap.Outbox.Heartbeat.Error != "" {
		parts, style = append(parts, "heartbeat LOST"), theme.Warn
	}
	if h.Dropped > 0 {
		parts, style = append(parts, group3(int(h.Dropped))+" results lost"), theme.Warn
	}
	if wide {
		if h.StoreBytes > 0 {
			parts = append(parts, "store "+size3(h.StoreBytes))
		}
		parts = append(parts, "up "+coarse(s.snap.Time.Sub(s.snap.Started)))
		return strings.Join(parts, "  "), style
	}
	parts = append(parts, "lag "+lag(h.Lag))
	if h.Probes > 1 {
		parts = append(parts, fmt.Sprintf("probes %d/%d", h.ProbesLive, h.Probes))
	}
	return strings.Join(parts, "  "), style
}
