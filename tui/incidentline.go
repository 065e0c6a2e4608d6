package tui

import (
	"strconv"
	"strings"
	"time"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

// columnsOfIncident are the cells of the columns for a width; 0: not shown.
type columnsOfIncident struct{ number, start, lasted, monitor, cause, vote, status int }

func incidentForm(w int) columnsOfIncident {
	switch {
	case w < 40:
		return columnsOfIncident{monitor: max(w-9, 1), lasted: 6}
	case w < 60:
		return columnsOfIncident{lasted: 7, monitor: w - 27, cause: 15}
	case w < 76:
		return columnsOfIncident{start: 8, lasted: 7, monitor: w - 39, cause: 16}
	case w < wide:
		return columnsOfIncident{start: 8, lasted: 7, monitor: w - 55, cause: 13, vote: 4, status: 16}
	}
	more := max(w-120, 0) * 3 / 4 // most of what a wider screen has is for the cause
	return columnsOfIncident{number: 6, start: 14, lasted: 8, monitor: w - 94 - more, cause: 22 + more, vote: 17, status: 16}
}

func (c columnsOfIncident) each(number, start, lasted, monitor, cause, vote, status func(width int)) {
	for _, col := range []struct {
		width int
		draw  func(width int)
	}{{c.number, number}, {c.start, start}, {c.lasted, lasted}, {c.monitor, monitor}, {c.cause, cause}, {c.vote, vote}, {c.status, status}} {
		if col.width > 0 {
			col.draw(col.width)
		}
	}
}

func (c columnsOfIncident) head(p *pen) {
	name := func(text string) func(int) {
		return func(width int) { p.cell(theme.Faint, text, width); p.say(" ") }
	}
	p.to(3)
	c.each(name("#"), name("START"), func(width int) { p.right(theme.Faint, "LASTED", width); p.say("  ") },
		name("MONITOR"), name("CAUSE"), name("VOTE"), name("STATUS"))
}

func (c columnsOfIncident) row(s *shell, p *pen, in *uptime.Incident, cursor bool) {
	pointer(p, cursor)
	look := s.th.State(in.Verdict, uptime.Active)
	style := look.Style
	if !in.Open() {
		style = theme.Plain
	}
	p.text(style, string(look.Glyph))
	p.say(" ")
	name := theme.Plain
	if cursor {
		name = theme.Reverse
	}
	cell := func(st theme.Style, text string) func(int) {
		return func(width int) { p.cell(st, text, width); p.say(" ") }
	}
	lasted := uptime.Ago(in.Lasted(s.now))
	if in.Open() {
		lasted += "+"
	}
	c.each(cell(theme.Plain, "#"+strconv.FormatUint(in.Number, 10)),
		func(width int) {
			text := in.Start.In(s.loc).Format("01-02 15:04:05")
			if width < 14 {
				text = shortStamp(in.Start, s.now, s.loc)
			}
			cell(theme.Plain, text)(width)
		},
		func(width int) { p.right(theme.Plain, lasted, width); p.say("  ") },
		func(width int) {
			n := min(cells(in.Monitor), width)
			p.cell(name, in.Monitor, n)
			p.to(p.x + width - n + 1)
		},
		func(width int) {
			text := in.Fault.String()
			if cells(text) > width {
				text = faultName(in.Fault)
			}
			if cells(text) > width {
				text = faultWord(in.Fault, width)
			}
			if width > 20 && in.Message != "" {
				text += " " + in.Message
			}
			cell(theme.Plain, text)(width)
		},
		func(width int) { cell(theme.Plain, voted(in, width))(width) },
		func(width int) {
			text, st := incidentStatus(in, s)
			cell(st, text)(width)
		})
}

// shortStamp is a moment in eight cells: the time of day, or the date and the hour.
func shortStamp(t, now time.Time, loc *time.Location) string {
	t, now = t.In(loc), now.In(loc)
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04:05")
	}
	return t.Format("01-02 15h")
}

func incidentStatus(in *uptime.Incident, s *shell) (string, theme.Style) {
	switch {
	case in.Behind != "":
		return "behind " + in.Behind, theme.Plain
	case in.Silenced:
		return "maintenance", theme.Plain
	case onlyFrom(in) != "":
		return "only from " + onlyFrom(in), theme.Plain
	case in.Silenced:
		return "maintenance", theme.Plain
	case in.Ended == uptime.EndedUnwatched:
		return "unwatched", theme.Plain
	case in.Ended != "":
		return in.Ended, theme.Plain
	case !in.Open():
		return "up " + shortStamp(in.End, s.now, s.loc), theme.Plain
	case in.Ack != nil && in.Ack.Until.IsZero():
		return "ack " + in.Ack.By, theme.Plain
	case in.Ack != nil:
		return "ack " + in.Ack.By + " " + in.Ack.Until.In(s.loc).Format("15:04"), theme.Plain
	case in.Unacked():
		return "NOT ACKED", theme.Strong
	}
	return "-", theme.Plain
}

// onlyFrom is the place that alone sees an incident fail; "" where it is another kind.
func onlyFrom(in *uptime.Incident) string {
	rest, ok := strings.CutPrefix(in.Message, "unreachable only from ")
	if !ok || in.Verdict != uptime.Degraded {
		return ""
	}
	place, _, _ := strings.Cut(rest, ":")
	return place
}

// about says of an incident what its row has no room for.
func about(in *uptime.Incident) string {
	parts := []string{in.Message}
	if in.Witness != "" {
		parts = append(parts, in.Witness)
	} else if n := len(in.ConfirmedBy); n > 0 {
		parts = append(parts, enumerate(in.ConfirmedBy)+map[bool]string{true: " agrees", false: " agree"}[n == 1])
	}
	if in.Behind != "" {
		parts = append(parts, "behind "+in.Behind)
	}
	if in.Reopened > 0 {
		parts = append(parts, "came back "+times(in.Reopened, "time"))
	}
	return strings.Join(parts, "; ")
}
