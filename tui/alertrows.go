package tui

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

// alertRows are the upper part of the events: what nobody acknowledged, and
// below it what is not sent. With letters all that are known follow one by one.
func (e *events) alertRows(s *shell, letters bool) (rows []eventRow) {
	o := &s.snap.Outbox
	if len(e.unacked) > 0 {
		rows = append(rows, eventRow{head: "ALERTS NOT ACKED"})
		for _, u := range e.unacked {
			rows = append(rows, eventRow{alert: u})
		}
	}
	waiting := len(rows)
	for i := range o.Channels {
		if o.Channels[i].Stuck(s.now) {
			rows = append(rows, eventRow{channel: &o.Channels[i]})
		}
	}
	for i := range o.Told {
		if o.Told[i].State == uptime.ToldLost {
			rows = append(rows, eventRow{told: &o.Told[i]})
		}
	}
	if o.Held > 0 {
		rows = append(rows, eventRow{held: o.Held})
	}
	if len(rows) > waiting {
		rows = append(rows[:waiting:waiting], append([]eventRow{{head: "ALERTS NOT SENT"}}, rows[waiting:]...)...)
	}
	if !letters || len(o.Told) == 0 {
		return rows
	}
	rows = append(rows, eventRow{head: "LETTERS  newest first"})
	for i := range o.Told {
		t := &o.Told[i]
		if len(e.words) == 0 || e.words.match(t.Channel, string(t.State), string(t.Kind), letterAbout(s.snap, t), t.Reply, t.Target) {
			rows = append(rows, eventRow{told: t, letter: true})
		}
	}
	return rows
}

// drawAlertCount writes into line 1 how many alerts wait for somebody, and how many to be sent.
func (e *events) drawAlertCount(s *shell, p *pen) {
	switch n := len(e.unacked); {
	case n > 0 && p.w < 60:
		p.say(fmt.Sprintf("  %d not acked", n))
	case n == 1:
		p.say("  1 alert not acked")
	case n > 1:
		p.say("  ", group3(n), " alerts not acked")
	}
	text, failing := alertsHealth(s.snap, s.now, p.w >= wide)
	if text == "" || p.w < 60 && len(e.unacked) > 0 {
		return
	}
	p.say("  ")
	style := theme.Plain
	if failing {
		style = theme.Warn
	}
	p.text(style, text)
}

// drawAlert writes a row of the upper part.
func (e *events) drawAlert(s *shell, p *pen, r *eventRow, cursor bool) {
	switch {
	case r.alert != nil:
		drawUnacked(s, p, r.alert, cursor)
	case r.channel != nil:
		drawChannel(s, p, r.channel, cursor)
	case r.letter:
		drawLetter(s, p, r.told, cursor)
	case r.told != nil:
		drawLost(s, p, r.told, cursor)
	default:
		drawHeld(s, p, r.held, cursor)
	}
}

func drawUnacked(s *shell, p *pen, u *unacked, cursor bool) {
	pointer(p, cursor)
	when := stamp(u.since(), s.now, s.loc)
	if p.w < 60 {
		when = shortStamp(u.since(), s.now, s.loc)
	}
	p.cell(theme.Plain, when, eventTimeCells(s, p.w))
	p.say(" ")
	look := s.th.State(u.in.Verdict, uptime.Active)
	p.text(look.Style, string(look.Glyph))
	p.say(" ")
	lasted := max(s.now.Sub(u.since()), 0)
	right := "NOT ACKED " + uptime.Ago(lasted)
	if p.w < 60 {
		right = coarse(lasted)
	}
	room := max(p.w-p.x-cells(right)-3, 8)
	title := u.title()
	n := min(cells(title), room)
	told := ""
	if p.w >= 60 {
		told = toldText(s, u.in, u.told, max(room-n-2, room*2/5))
		if told != "" && n > room-cells(told)-2 {
			n = max(room-cells(told)-2, 8)
		}
	}
	p.cell(nameStyle(cursor), title, n)
	left := room - n - 2
	if told != "" {
		left -= cells(told) + 2
	}
	if left > 8 {
		p.say("  ")
		p.cell(theme.Plain, u.why(), left)
	}
	if told != "" {
		style := theme.Plain
		if strings.Contains(told, "FAILS") || strings.Contains(told, "GIVEN UP") {
			style = theme.Strong
		}
		p.to(max(p.w-cells(right)-cells(told)-4, p.x+2))
		p.cell(style, told, min(cells(told), max(p.w-p.x-cells(right)-3, 0)))
	}
	p.to(p.w - cells(right) - 1)
	p.text(theme.Strong, right)
}

// lead writes the pointer, a time and a glyph.
func lead(s *shell, p *pen, when string, glyph rune, style theme.Style, cursor bool) {
	pointer(p, cursor)
	p.cell(theme.Plain, when, eventTimeCells(s, p.w))
	p.say(" ")
	p.text(style, string(glyph))
	p.say(" ")
}

func drawChannel(s *shell, p *pen, c *uptime.ChannelState, cursor bool) {
	at := c.Oldest
	if at.IsZero() {
		at = c.Failing
	}
	glyph, style := 'i', theme.Plain
	if c.Fails() {
		glyph, style = '!', theme.Strong
	}
	lead(s, p, shortStamp(at, s.now, s.loc), glyph, style, cursor)
	p.cell(nameStyle(cursor), c.Name, min(cells(c.Name), max(p.w-p.x-1, 0)))
	text := group3(c.Pending) + " wait"
	if c.Pending == 1 {
		text = "1 waits"
	}
	switch in := c.Next.Sub(s.now); { // the reason may be long
	case !c.Failing.IsZero() && in >= time.Second:
		text += ", next try in " + uptime.Ago(in) + ": " + c.Error
	case !c.Failing.IsZero() && c.Next.IsZero(): // nobody tries
		text += ": " + c.Error
	case !c.Failing.IsZero():
		text += ", trying now: " + c.Error
	case c.Capped > 0:
		text += ": max_per_hour is reached; they become one letter"
	}
	p.say("  ")
	right := uptime.Who(c.Target)
	if p.w < wide || p.x+cells(text)+cells(right)+4 > p.w {
		right = ""
	}
	p.cell(style, text, max(min(cells(text), p.w-p.x-1), 0))
	if right != "" {
		p.to(p.w - cells(right) - 1)
		p.text(theme.Faint, right)
	}
}

func drawHeld(s *shell, p *pen, n int, cursor bool) {
	lead(s, p, "", 'i', theme.Plain, cursor)
	text := fmt.Sprintf("%s alerts held for up to 30 s: others may share their cause", group3(n))
	if n == 1 {
		text = "1 alert held for up to 30 s: others may share its cause"
	}
	p.cell(theme.Plain, text, max(p.w-p.x-1, 0))
}

func drawLost(s *shell, p *pen, t *uptime.Told, cursor bool) {
	lead(s, p, shortStamp(t.Done, s.now, s.loc), '!', theme.Strong, cursor)
	about := letterAbout(s.snap, t)
	p.cell(nameStyle(cursor), about, min(cells(about), max((p.w-p.x)/2, 8)))
	p.say("  ")
	p.cell(theme.Strong, wayOf(s.snap, t, p.w >= wide)+" GIVEN UP: "+t.Reply, max(p.w-p.x-1, 0))
}

// drawLetter writes a letter: when it was decided, what became of it, what it is about.
func drawLetter(s *shell, p *pen, t *uptime.Told, cursor bool) {
	glyph, style := 'i', theme.Plain
	if t.State == uptime.ToldFailing || t.State == uptime.ToldLost {
		glyph, style = '!', theme.Strong
	}
	lead(s, p, shortStamp(t.At, s.now, s.loc), glyph, style, cursor)
	if p.w >= 60 {
		p.cell(theme.Faint, string(t.Kind), 11)
		p.say(" ")
	}
	about := letterAbout(s.snap, t)
	p.cell(nameStyle(cursor), about, min(cells(about), max((p.w-p.x)/2, 8)))
	p.say("  ")
	text := wayOf(s.snap, t, p.w >= wide) + " " + fate(t)
	if t.Reply != "" {
		text += ": " + t.Reply
	}
	p.cell(style, text, max(p.w-p.x-1, 0))
}

// letterAbout is what a letter is about.
func letterAbout(snap *uptime.Snapshot, t *uptime.Told) string {
	if t.Cause.Kind != "" && t.Count > 1 {
		return fmt.Sprintf("%s: %s monitors", t.Cause, group3(t.Count))
	}
	if t.Incident == 0 {
		return string(t.Kind)
	}
	what := "#" + strconv.FormatUint(t.Incident, 10)
	for _, in := range snap.Open {
		if in.Number == t.Incident {
			what = in.Monitor
		}
	}
	switch {
	case t.Cause.Kind != "": // the others were not sure then
		return t.Cause.String() + ": " + what + " and others"
	case t.Count > 1:
		return fmt.Sprintf("%s and %s more", what, group3(t.Count-1))
	}
	return what
}

// alertStatus is the second last line for a row of the upper part.
func alertStatus(s *shell, r *eventRow) string {
	switch {
	case r.alert != nil:
		text := "#" + strconv.FormatUint(r.alert.in.Number, 10) + " " + r.alert.why()
		if told := toldAtLength(s, r.alert.told); len(told) > 0 {
			text = strings.Join(told, "; ")
		}
		return text
	case r.channel != nil:
		text := r.channel.Name + " tells " + uptime.Clean(r.channel.Target, 120)
		switch n := r.channel.Tries; {
		case n == 1:
			text += ", 1 try failed"
		case n > 1:
			text += fmt.Sprintf(", %d tries failed", n)
		}
		return text
	case r.told != nil:
		text := "letter " + strconv.FormatUint(r.told.Number, 10) + " to " + uptime.Clean(r.told.Target, 120)
		if r.told.Reply != "" {
			text += ": " + r.told.Reply
		}
		return text
	}
	return ""
}

// alertCopy is a row of the upper part as text; "" where there is nothing to copy.
func alertCopy(s *shell, r *eventRow) string {
	const layout = "2006-01-02 15:04:05 MST"
	switch {
	case r.alert != nil:
		u := r.alert
		line := fmt.Sprintf("#%d %s %s since %s, not acknowledged", u.in.Number, u.in.Verdict.Label(), u.title(), u.in.Start.In(s.loc).Format(layout))
		if told := toldAtLength(s, u.told); len(told) > 0 {
			line += "; " + strings.Join(told, "; ")
		}
		return line
	case r.channel != nil:
		return r.channel.Says(s.now, s.hhmmss)
	case r.told != nil:
		t := r.told
		return fmt.Sprintf("%s  %s  %s  %s %s %s", t.At.In(s.loc).Format(layout), t.Kind, letterAbout(s.snap, t), wayOf(s.snap, t, true), fate(t), t.Reply)
	}
	return ""
}
