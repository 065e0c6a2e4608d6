package report

import (
	"io"
	"strconv"

	"lookout/engine/uptime"
)

// Events writes one line an event, in the order they are given: text or JSON.
// A line is whole in itself, so that events can be written as they happen.
func Events(w io.Writer, events []uptime.Event, opt Options) error {
	switch opt.Format {
	case Text:
		t := newText(w, opt)
		for i := range events {
			t.event(&events[i])
		}
		return t.flush()
	case JSON:
		return lines(w, events)
	}
	return ErrFormat
}

// event writes time, number, kind, monitor and a sentence.
func (t *text) event(e *uptime.Event) {
	t.b = t.dates.full(t.b, e.Time)
	t.add("  ")
	from := len(t.b)
	t.b = strconv.AppendUint(t.b, e.ID, 10)
	t.pad(from, len("90210"))
	from = len(t.b)
	t.outside(string(e.Kind), 40)
	t.pad(from, len(uptime.EventMaintenance))
	if e.Monitor == "" {
		t.add("-")
	} else {
		t.outside(e.Monitor, maxMessage)
	}
	t.add("  ")
	t.sentence(e)
	t.endLine()
}

// sentence says what happened.
func (t *text) sentence(e *uptime.Event) {
	switch e.Kind {
	case uptime.EventVerdict:
		t.add(e.From.Label() + " to " + e.To.Label())
		if e.Message != "" || e.Fault != uptime.NoFault {
			t.add(": ")
			t.why(e.Message, e.Fault)
		}
	case uptime.EventAck:
		if e.TakenBack {
			t.add("acknowledgement taken back")
			t.author(e, false)
		} else {
			t.ack(&uptime.Ack{By: e.By, Note: e.Note, Until: e.Until})
		}
	case uptime.EventPause, uptime.EventMaintenance:
		t.add(modeSentence(e))
		t.author(e, true)
	default:
		t.why(e.Message, e.Fault)
		byUs := e.By == "engine" || e.By == ""
		t.author(e, e.Kind != uptime.EventIncident && e.Kind != uptime.EventAlert && !(e.Kind == uptime.EventProbe && byUs)) // then it is a phase, or a state
	}
	if e.Incident != 0 && e.Kind != uptime.EventIncident {
		t.add("; #")
		t.b = strconv.AppendUint(t.b, e.Incident, 10)
	}
}

func modeSentence(e *uptime.Event) string {
	switch e.Mode {
	case uptime.Paused:
		return "paused"
	case uptime.Maintenance:
		return "in maintenance"
	}
	if e.Kind == uptime.EventPause {
		return "resumed"
	}
	return "maintenance ended"
}

// author writes who did it, where that was a person, until when and why.
func (t *text) author(e *uptime.Event, note bool) {
	if e.By != "" && e.By != "engine" {
		if e.Kind == uptime.EventProbe { // its message is a sentence of its own
			t.add(",")
		}
		t.add(" by ")
		t.outside(e.By, 80)
	}
	if !e.Until.IsZero() {
		t.add(" until ")
		t.b = t.dates.until(t.b, e.Until)
	}
	if note && e.Note != "" {
		t.add(": ")
		t.outside(e.Note, maxMessage)
	}
}
