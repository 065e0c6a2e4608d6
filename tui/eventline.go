package tui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

func nameStyle(cursor bool) theme.Style {
	if cursor {
		return theme.Reverse
	}
	return theme.Plain
}

// eventTimeCells is the width of the column of times.
func eventTimeCells(s *shell, w int) int {
	if w < 60 {
		return 8
	}
	return 11
}

func drawEvent(s *shell, p *pen, ev *uptime.Event, cursor bool) {
	pointer(p, cursor)
	when := stamp(ev.Time, s.now, s.loc)
	if p.w < 60 {
		when = shortStamp(ev.Time, s.now, s.loc)
	}
	p.cell(theme.Plain, when, eventTimeCells(s, p.w))
	p.say(" ")
	glyph, style := eventGlyph(s.th, ev)
	p.text(style, string(glyph))
	p.say(" ")
	if p.w >= 60 {
		width, kind := 8, string(ev.Kind)
		switch {
		case p.w >= wide:
			width = 11
		case ev.Kind == uptime.EventMaintenance:
			kind = "maint"
		case ev.Kind == uptime.EventCertificate:
			kind = "cert"
		}
		p.cell(theme.Faint, kind, width)
		p.say(" ")
	}
	text := eventText(ev, s.now, s.loc)
	if name, rest, ok := strings.Cut(text, ev.Monitor); ok && name == "" && ev.Monitor != "" {
		p.cell(nameStyle(cursor), ev.Monitor, min(cells(ev.Monitor), max(p.w-p.x-1, 0)))
		text = rest
	}
	p.cell(theme.Plain, text, max(p.w-p.x-1, 0))
}

// eventGlyph is what an event looks like: a verdict as the state that it
// brought, trouble of ours with a !, the rest with what was done.
func eventGlyph(th *theme.Theme, ev *uptime.Event) (rune, theme.Style) {
	switch ev.Kind {
	case uptime.EventVerdict:
		// Colours are for what needs a person now; this is the past.
		if ev.To == uptime.Down {
			return th.State(ev.To, uptime.Active).Glyph, theme.Strong
		}
		return th.State(ev.To, uptime.Active).Glyph, theme.Plain
	case uptime.EventPause, uptime.EventMaintenance:
		if ev.Mode == uptime.Active {
			return 'i', theme.Plain
		}
		return th.State(uptime.Up, ev.Mode).Glyph, theme.Plain
	case uptime.EventAck:
		return 'a', theme.Plain
	case uptime.EventAlert:
		if ev.Note == string(uptime.ToldFailing) || ev.Note == string(uptime.ToldLost) {
			return '!', theme.Strong
		}
	case uptime.EventProbe:
		if ev.Note == uptime.ProbeGone.String() || ev.Note == uptime.ProbeLagging.String() {
			return '!', theme.Strong
		}
	case uptime.EventNode, uptime.EventClock:
		return '!', theme.Strong
	}
	return 'i', theme.Plain
}

// eventText is an event in one sentence, with the monitor first.
func eventText(ev *uptime.Event, now time.Time, loc *time.Location) string {
	var b strings.Builder
	if rest, ok := strings.CutPrefix(ev.Message, ev.Monitor); ev.Monitor != "" && (!ok || rest != "" && rest[0] != ' ') {
		b.WriteString(ev.Monitor)
		if ev.Kind == uptime.EventAlert { // its message is a sentence of its own
			b.WriteByte(':')
		}
		b.WriteByte(' ')
	}
	note := ev.Note
	switch ev.Kind {
	case uptime.EventAlert: // the note is how far the letter is
		note = ""
	case uptime.EventVerdict:
		fmt.Fprintf(&b, "%s → %s", ev.From.Label(), ev.To.Label())
		if places := witnessesOf(ev.Evidence); len(places) > 1 && ev.To == uptime.Down {
			b.WriteString(" (" + strings.Join(places, " ") + ")")
		}
		if ev.Message == ev.To.String() { // it says so already
			return b.String()
		}
		if ev.Message != "" {
			b.WriteString(", ")
		}
	case uptime.EventIncident: // the note is the phase
		if note != "" && !strings.Contains(ev.Message, "#") {
			fmt.Fprintf(&b, "#%d %s: ", ev.Incident, note)
		}
		note = ""
	case uptime.EventProbe:
		if ev.By == "engine" { // the note is the state
			note = ""
		}
	}
	b.WriteString(ev.Message)
	if word := ev.Fault.String(); ev.Kind == uptime.EventVerdict && word != "" && ev.To != uptime.Up && !strings.Contains(ev.Message, word) {
		b.WriteString(" (" + word + ")")
	}
	if !ev.Until.IsZero() {
		b.WriteString(" until " + stamp(ev.Until, now, loc))
	}
	if ev.By != "" && ev.By != "engine" && !strings.Contains(ev.Message, ev.By) {
		if ev.Kind == uptime.EventProbe { // its message is a sentence of its own
			b.WriteByte(',')
		}
		b.WriteString(" by " + ev.By)
	}
	if note != "" && !strings.Contains(ev.Message, note) {
		b.WriteString(" \"" + note + "\"")
	}
	return b.String()
}

// witnessesOf lists the places whose failing results counted.
func witnessesOf(all []uptime.Evidence) (places []string) {
	for _, e := range all {
		if e.Vote && e.Outcome == uptime.OutcomeDown && !slices.Contains(places, e.Location) {
			places = append(places, e.Location)
		}
	}
	return places
}
