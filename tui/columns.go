package tui

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"lookout/engine/uptime"
	"lookout/tui/theme"
	"lookout/tui/widget"
)

// columns says which columns a width has room for, in cells; 0: not there.
// What needs remote places is not there where there is only one.
type columns struct {
	tiny                                                          bool // no words for states, no head
	name, group, bar, spark, latency, p95, places, age, next, day int
}

const (
	wideFrom = 110 // cells from which everything is shown
	wordFrom = 60  // and from which states have words
)

func layout(w, places int, hourly bool) columns {
	if places < 2 {
		places = 0
	}
	switch {
	case w >= wideFrom:
		c := columns{group: 8, bar: 24, spark: 12, latency: 7, p95: 7, places: places, age: 5, next: 5, day: 5}
		c.name = w - 1 - (nameAt + 1 + c.group + 1 + c.bar + 1 + c.spark + 1 + c.latency + c.p95 + c.age + c.next + 1 + c.day)
		if places > 0 {
			c.name -= places + 1
		}
		if extra := c.name - 40; extra > 0 {
			c.group = min(8+extra/2, 20)
			c.name -= c.group - 8
		}
		return c
	case w >= wordFrom:
		c := columns{bar: max(20-max(80-w, 0), 0), latency: 7, places: places, age: 5, next: 6}
		if hourly {
			c.spark, c.p95, c.bar = min(c.bar, 12), 7, 0
			if c.spark < 6 {
				c.spark = 0
			}
		}
		c.name = w - 1 - (nameAt + 1 + c.latency + c.age + c.next + 1)
		for _, n := range []int{c.bar, c.spark, c.places} {
			if n > 0 {
				c.name -= n + 1
			}
		}
		c.name -= c.p95
		return c
	}
	c := columns{tiny: true, latency: 8, age: 4}
	if w < 30 {
		c.latency, c.age = min(5, max(w-13, 0)), 0
	}
	c.name = w - 4 - c.age
	if c.latency > 0 {
		c.name -= c.latency + 1
	}
	c.name = max(c.name, 0)
	return c
}

// nameAt is the column at which names start.
const nameAt = 8

func (c columns) head(p *pen, r *roster) {
	col := func(s string, width int) {
		if width > 0 {
			p.to(p.x + 1)
			p.cell(theme.Faint, s, width)
		}
	}
	right := func(s string, width int) { p.right(theme.Faint, s, width) }
	p.to(1)
	p.cell(theme.Faint, "STATE", nameAt-1-1)
	col("NAME", c.name)
	col("GROUP", c.group)
	col("LAST "+strconv.Itoa(c.bar)+" CHECKS", c.bar)
	col("LATENCY 1h", c.spark)
	last := "LATENCY"
	if c.spark > 0 {
		last = "LAST"
	}
	p.to(p.x + 1)
	right(last, c.latency)
	if c.p95 > 0 {
		right("P95 1h", c.p95)
	}
	if c.places > 0 {
		p.to(p.x + 1)
		p.text(theme.Faint, letters(r.locations))
	}
	right("AGE", c.age)
	right("NEXT", c.next)
	if c.day > 0 {
		p.to(p.x + 1)
		right("24h%", c.day)
	}
}

// letters are the head of the column of places: of each its first letter that
// is not taken, so that sgp and syd are S and Y.
func letters(places []string) string {
	var out []rune
	for _, l := range places {
		name := []rune(strings.ToUpper(l))
		pick := '?'
		if len(name) > 0 {
			pick = name[0]
		}
		for _, r := range name {
			if !slices.Contains(out, r) {
				pick = r
				break
			}
		}
		out = append(out, pick)
	}
	return string(out)
}

// row writes one monitor.
func (c columns) row(s *shell, p *pen, r *roster, st *uptime.State, cursor, marked bool) {
	gutter(p, cursor, marked)
	look := s.look(st)
	nameStyle := theme.Plain
	if cursor {
		nameStyle = theme.Reverse
	}
	if c.tiny {
		c.tinyRow(s, p, st, look, nameStyle)
		return
	}
	badge(p, look)
	p.to(nameAt)
	n := min(cells(st.Name), c.name)
	p.cell(nameStyle, st.Name, n)
	p.to(nameAt + c.name)
	if c.group > 0 {
		p.to(p.x + 1)
		p.cell(theme.Faint, st.Group, c.group)
	}
	if c.bar > 0 {
		p.to(p.x + 1)
		p.bar(st.Recent[:], c.bar)
	}
	if c.spark > 0 {
		p.to(p.x + 1)
		p.picture(theme.Chart, c.spark, func(dst []byte) []byte { return widget.AppendSpark(dst, st.Spark[:], c.spark, s.th.ASCII) })
	}
	p.to(p.x + 1)
	p.right(theme.Plain, latency(st, c.latency), c.latency)
	if c.p95 > 0 {
		p.right(theme.Plain, uptime.Took(st.P95), c.p95)
	}
	if c.places > 0 {
		p.to(p.x + 1)
		places(p, r.locations, st)
	}
	p.right(theme.Plain, age(st, s.rowTime), c.age)
	flag, style := flagOf(st)
	if s.lost {
		p.right(theme.Plain, "?", c.next)
	} else {
		p.right(theme.Plain, next(st, s.rowTime), c.next)
	}
	if flag == 0 {
		p.to(p.x + 1)
	} else {
		p.glyph(style, flag)
	}
	if c.day > 0 {
		p.right(theme.Plain, dayPercent(st.Day), c.day)
	}
}

// tinyRow is a row without words for states.
func (c columns) tinyRow(s *shell, p *pen, st *uptime.State, look theme.State, name theme.Style) {
	p.glyph(look.Style, look.Glyph)
	p.to(3)
	n := min(cells(st.Name), c.name)
	p.cell(name, st.Name, n)
	p.to(3 + c.name)
	if c.latency > 0 {
		p.to(p.x + 1)
		p.run(theme.Plain, latency(st, max(c.latency, 7)), c.latency)
		p.to(3 + c.name + 1 + c.latency)
	}
	if c.age > 0 {
		p.right(theme.Plain, age(st, s.rowTime), c.age)
	}
}

// bar writes the newest width of some past checks, the newest last: what went
// well is quiet, what did not stands out.
func (p *pen) bar(checks []uptime.Cell, width int) {
	if width > p.w-p.x || p.y >= p.h {
		return
	}
	on := theme.Plain
	for i := len(checks) - width; i < len(checks); i++ {
		cell, st := widget.Cell{Rune: ' '}, on
		if i >= 0 {
			cell = widget.CellOf(checks[i], p.th.ASCII)
		}
		switch {
		case cell.Rune == ' ':
		case cell.Ink == widget.Plain || cell.Ink == widget.Faint:
			st = theme.Faint
		default:
			st = theme.Strong
		}
		if st != on {
			p.close(on)
			p.open(st)
			on = st
		}
		p.rune(cell.Rune)
		p.x++
	}
	p.close(on)
}

// gutter writes column 0: the cursor, which must not be colour alone, or a mark.
func gutter(p *pen, cursor, marked bool) {
	switch {
	case cursor:
		p.glyph(theme.Strong, '>')
	case marked:
		p.glyph(theme.Accent, '*')
	default:
		p.to(1)
	}
}

// badge writes glyph and label; what a person should see is one block of colour.
func badge(p *pen, look theme.State) {
	var b [16]byte
	text := append(b[:0], string(look.Glyph)...)
	text = append(text, ' ')
	text = append(text, look.Label...)
	p.text(look.Style, string(text))
}

// look is how a state is shown now: while nobody answers nothing is up any
// more, and every label is what it was.
func (s *shell) look(st *uptime.State) theme.State {
	look := s.th.State(st.Verdict, st.Mode)
	if s.lost && st.Mode == uptime.Active && st.Verdict != uptime.Pending {
		look.Glyph, look.Style = '?', theme.Plain
		if st.Verdict != uptime.Unknown {
			look.Label = strings.TrimSuffix(strings.ToLower(look.Label), "?")
		}
	}
	return look
}

// latency is what the last check took, or why it failed, in so many cells.
func latency(st *uptime.State, width int) string {
	switch {
	case st.Last.IsZero() || st.Mode == uptime.Paused:
		return "-"
	case st.Outcome == uptime.OutcomeDown && st.Fault == uptime.FaultHTTPStatus && st.Status > 0:
		return strconv.Itoa(st.Status)
	case st.Outcome == uptime.OutcomeDown && st.Fault != uptime.NoFault:
		return faultWord(st.Fault, width)
	case st.Outcome == uptime.OutcomeDown:
		return "failed"
	case st.Outcome == uptime.OutcomeUnknown:
		return "-"
	}
	return uptime.Took(st.Total)
}

func age(st *uptime.State, now time.Time) string {
	if st.Last.IsZero() {
		return "-"
	}
	return coarse(now.Sub(st.Last))
}

// late reports whether a check is due and did not come.
func late(st *uptime.State, now time.Time) bool {
	return !st.Next.IsZero() && (st.Waiting || now.Sub(st.Next) > 5*time.Second)
}

func next(st *uptime.State, now time.Time) string {
	switch {
	case st.Next.IsZero() || st.Mode == uptime.Paused:
		return "-"
	case late(st, now):
		return "late"
	}
	return coarse(st.Next.Sub(now))
}

// flagOf is ! for an outage that nobody acknowledged, a for one that somebody
// did, b for one behind another, u for a check that leaves something unverified.
func flagOf(st *uptime.State) (rune, theme.Style) {
	switch {
	case st.Ack != nil && st.Incident != 0:
		return 'a', theme.Plain
	case st.Behind != "" && st.Verdict == uptime.Down:
		return 'b', theme.Plain
	case st.Incident != 0 && st.Verdict == uptime.Down && st.Mode == uptime.Active:
		return '!', theme.Strong
	case st.Caution != "":
		return 'u', theme.Strong
	}
	return 0, theme.Plain
}

// places writes one letter a location: o ok, x failed, s slow, ? no answer, · not asked.
func places(p *pen, all []string, st *uptime.State) {
	for i, l := range all {
		letter := '·'
		at := i
		if at >= len(st.Locations) || st.Locations[at].Location != l { // a monitor may have other places
			at = -1
			for j := range st.Locations {
				if st.Locations[j].Location == l {
					at = j
				}
			}
		}
		if at >= 0 && st.Locations[at].Asked {
			letter = outcomeLetter(st.Locations[at].Outcome)
		}
		p.glyph(theme.Plain, letter)
	}
}

func outcomeLetter(o uptime.Outcome) rune {
	switch o {
	case uptime.OutcomeUp:
		return 'o'
	case uptime.OutcomeDown:
		return 'x'
	case uptime.OutcomeDegraded:
		return 's'
	}
	return '?'
}
