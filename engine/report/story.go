package report

import (
	"io"
	"strconv"

	"lookout/engine/uptime"
)

// Incident writes one incident whole: as text its story, who was told (alert
// events, of which those about other incidents are left out) and its evidence
// follow what Incidents writes of it; JSON and CSV have it as they have all.
func Incident(w io.Writer, in *uptime.Incident, told []uptime.Event, opt Options) error {
	if err := Incidents(w, []uptime.Incident{*in}, opt); err != nil || opt.Format != Text {
		return err
	}
	t := newText(w, opt)
	t.story(in)
	t.told(in, told)
	t.evidence(in)
	return t.flush()
}

// story writes when it came to what.
func (t *text) story(in *uptime.Incident) {
	if len(in.Story) == 0 {
		return
	}
	t.add("\n      story")
	t.endLine()
	width := 0
	for _, p := range in.Story {
		width = max(width, len(p.Phase))
	}
	for _, p := range in.Story {
		t.add("      ")
		t.b = t.dates.full(t.b, p.Time)
		t.add("  ")
		from := len(t.b)
		t.outside(p.Phase, 40)
		t.pad(from, width)
		if p.Fault != uptime.NoFault {
			t.why(p.Message, p.Fault)
		} else {
			t.outside(p.Message, maxMessage)
		}
		t.endLine()
	}
}

// told writes which letters about it were taken, refused or given up. A letter
// about several is an event of the first of them.
func (t *text) told(in *uptime.Incident, events []uptime.Event) {
	first := true
	for i := range events {
		e := &events[i]
		if e.Kind != uptime.EventAlert || e.Incident != in.Number {
			continue
		}
		if first {
			t.add("\n      told")
			t.endLine()
			first = false
		}
		t.add("      ")
		t.b = t.dates.full(t.b, e.Time)
		t.add("  ")
		t.outside(e.Message, maxMessage)
		t.endLine()
	}
}

// evidence writes the results that it rests on, so that they can be checked by
// hand: when, where, why it was asked, what it found, and what that weighed.
func (t *text) evidence(in *uptime.Incident) {
	if len(in.Evidence) == 0 {
		return
	}
	t.add("\n      evidence")
	t.endLine()
	place, step, word := 0, 0, 0
	for i := range in.Evidence {
		e := &in.Evidence[i]
		place, step = max(place, nameWidth(e.Location, t.ascii)), max(step, len(e.Step))
		word = max(word, len(e.Outcome.String()))
	}
	for i := range in.Evidence {
		e := &in.Evidence[i]
		t.add("      ")
		t.b = t.dates.full(t.b, e.Time)
		t.add("  ")
		t.name(e.Location, min(place, maxNameColumn), false)
		from := len(t.b)
		t.outside(e.Step, 40)
		t.pad(from, step)
		from = len(t.b)
		t.add(e.Outcome.String())
		t.pad(from, word)
		from = len(t.b)
		switch {
		case !e.Vote:
			t.add("-")
		case e.Weight > 0:
			t.add("+")
			fallthrough
		default:
			t.b = strconv.AppendFloat(t.b, e.Weight, 'f', 1, 64)
		}
		t.pad(from, len("+2.3"))
		if e.Outcome == uptime.OutcomeUp && e.Message == "" {
			t.add("answered in ")
			t.add(uptime.Took(e.Total))
		} else {
			t.why(e.Message, e.Fault)
		}
		if e.Address != "" && e.Outcome == uptime.OutcomeUp {
			t.add(" from ")
			t.outside(e.Address, 100)
		}
		t.endLine()
	}
}
