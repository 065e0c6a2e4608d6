package report

import (
	"io"
	"strconv"
	"strings"

	"lookout/engine/uptime"
)

// Incidents writes incidents in the order they are given: text, JSON lines or CSV.
func Incidents(w io.Writer, incidents []uptime.Incident, opt Options) error {
	switch opt.Format {
	case Text:
		return incidentsText(w, incidents, opt)
	case JSON:
		return lines(w, incidents)
	case CSV:
		return incidentsCSV(w, incidents, opt)
	}
	return ErrFormat
}

func incidentsText(w io.Writer, incidents []uptime.Incident, opt Options) error {
	t := newText(w, opt)
	width := 0
	for i := range incidents {
		width = max(width, nameWidth(incidents[i].Monitor, opt.ASCII))
	}
	width = min(width, maxNameColumn)
	for i := range incidents {
		in := &incidents[i]
		from := len(t.b)
		t.add(in.Verdict.Label())
		t.pad(from, len("DOWN"))
		from = len(t.b)
		t.b = strconv.AppendUint(append(t.b, '#'), in.Number, 10)
		t.pad(from, len("#4711"))
		t.name(in.Monitor, width, false)
		t.b = t.dates.full(t.b, in.Start)
		t.add("  ")
		from = len(t.b)
		t.b = uptime.AppendAgo(t.b, in.Lasted(opt.Now))
		t.pad(from, len("59m59s"))
		if in.Open() {
			t.add("open")
		} else {
			if in.Ended == "" {
				t.add("up")
			} else {
				t.outside(in.Ended, 80) // it did not recover
			}
			t.b = t.dates.full(append(t.b, ' '), in.End)
		}
		if in.Reopened > 0 {
			t.add("  came back ")
			t.b = strconv.AppendInt(t.b, int64(in.Reopened), 10)
			t.add("x")
		}
		t.endLine()
		t.add("      ")
		t.why(in.Message, in.Fault)
		t.witnesses(in)
		switch {
		case in.Silenced:
			t.add("; in maintenance, nobody was told")
		case in.Ack != nil || in.Open() && in.Behind == "": // of what is behind another nobody has to take note
			t.add("; ")
			t.ack(in.Ack)
		}
		t.endLine()
	}
	return t.flush()
}

func incidentsCSV(w io.Writer, incidents []uptime.Incident, opt Options) error {
	header := []string{"incident", "monitor", "start", "end", "lasted_ms", "verdict", "fault", "message",
		"confirmed_by", "behind", "reopened", "acknowledged_by", "ended", "silenced"}
	return table(w, header, len(incidents), func(i int, f []string) []string {
		in := &incidents[i]
		by := ""
		if in.Ack != nil {
			by = in.Ack.By
		}
		return append(f, csvNumber(in.Number), csvText(in.Monitor), csvTime(in.Start), csvTime(in.End),
			csvMillis(in.Lasted(opt.Now)), in.Verdict.String(), in.Fault.String(), csvText(in.Message),
			csvText(strings.Join(in.ConfirmedBy, " ")), csvText(in.Behind), strconv.Itoa(in.Reopened), csvText(by), csvText(in.Ended), strconv.FormatBool(in.Silenced))
	})
}
