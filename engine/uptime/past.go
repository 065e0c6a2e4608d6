package uptime

import (
	"cmp"
	"slices"
	"time"
)

// PastKinds are the events from which a past state is told.
func PastKinds() []EventKind {
	return []EventKind{EventVerdict, EventPause, EventMaintenance, EventAck}
}

// At is the state at a moment before that of the snapshot, as far as the event
// log tells it: verdicts, modes, open incidents and acknowledgements, of the
// monitors that there are now. What single checks found is not in it.
//
// Later are all events of PastKinds after the moment, and earlier some at or
// before it, both newest first; they tell since when and why, and the newest of
// them is the snapshot's Events. Incidents are those that may have been open.
func (s *Snapshot) At(t time.Time, later, earlier []Event, incidents []Incident) *Snapshot {
	out := &Snapshot{Time: t, Instance: s.Instance, Timezone: s.Timezone, Started: s.Started, Config: s.Config,
		States: make([]*State, len(s.States))}
	for i := range earlier {
		out.Events = max(out.Events, earlier[i].ID)
	}
	was := firstOf(later, EventVerdict)
	mode := firstOf(later, EventPause, EventMaintenance)
	ack := firstOf(later, EventAck)
	told := newestOf(earlier, EventVerdict)
	open := make(map[string]*Incident)
	for i := range incidents {
		in := incidents[i]
		if in.Start.After(t) || !in.End.IsZero() && !in.End.After(t) {
			continue
		}
		in.End, in.Ended = time.Time{}, ""
		if e := ack[in.Monitor]; e != nil {
			in.Ack = nil
			if e.TakenBack {
				in.Ack = &Ack{By: "somebody"}
			}
		}
		in.until(t)
		if known := open[in.Monitor]; known == nil || known.Number < in.Number {
			open[in.Monitor] = &in
		}
	}
	for i, st := range s.States {
		p := &State{Monitor: st.Monitor, Verdict: st.Verdict, Before: st.Before, Mode: st.Mode, Until: st.Until, Since: st.Since,
			Fault: st.Fault, Message: st.Message, Witness: st.Witness, Others: st.Others}
		if e := was[st.Name]; e != nil {
			p.Verdict, p.Before, p.Since = e.From, Up, time.Time{}
			p.Fault, p.Message, p.Witness = NoFault, "", ""
		}
		if e := mode[st.Name]; e != nil {
			p.Mode, p.Until = e.modeBefore(), time.Time{}
		}
		p.tell(told[st.Name])
		if in := open[st.Name]; in != nil && (p.Verdict == Down || p.Verdict == Degraded) {
			p.Incident, p.Ack, p.Fault, p.Message, p.Witness = in.Number, in.Ack, in.Fault, in.Message, in.Witness
			p.Since = in.Start
			out.Open = append(out.Open, in)
			if in.Unacked() {
				out.Unacked++
			}
		}
		out.States[i] = p
		out.Counts.Add(p.Verdict, p.Mode)
	}
	slices.SortFunc(out.Open, func(a, b *Incident) int { return cmp.Compare(b.Number, a.Number) })
	return out
}

// until leaves out what became of an incident later.
func (i *Incident) until(t time.Time) {
	n := len(i.Story)
	for n > 0 && i.Story[n-1].Time.After(t) {
		n--
	}
	i.Story = i.Story[:n:n]
	for _, p := range i.Story {
		if p.Fault != NoFault {
			i.Fault, i.Message = p.Fault, p.Message
		}
	}
}

// tell takes since when and why from the event that led to the verdict.
func (s *State) tell(e *Event) {
	if e == nil || e.To != s.Verdict {
		return
	}
	s.Since, s.Fault, s.Message = e.Since, e.Fault, e.Message
	if s.Since.IsZero() {
		s.Since = e.Time
	}
	if s.Verdict == Suspect {
		s.Before = e.From
	}
	if s.Verdict == Up {
		s.Message = ""
	}
}

// modeBefore is the mode that an event of one ended.
func (e *Event) modeBefore() Mode {
	switch {
	case e.Mode != Active:
		return Active
	case e.Kind == EventPause:
		return Paused
	}
	return Maintenance
}

// firstOf is each monitor's oldest event of some kinds.
func firstOf(newestFirst []Event, kinds ...EventKind) map[string]*Event {
	out := make(map[string]*Event)
	for i := range newestFirst {
		if e := &newestFirst[i]; is(e, kinds) {
			out[e.Monitor] = e
		}
	}
	return out
}

// newestOf is each monitor's newest event of some kinds.
func newestOf(newestFirst []Event, kinds ...EventKind) map[string]*Event {
	out := make(map[string]*Event)
	for i := range newestFirst {
		if e := &newestFirst[i]; is(e, kinds) && out[e.Monitor] == nil {
			out[e.Monitor] = e
		}
	}
	return out
}

func is(e *Event, kinds []EventKind) bool {
	return slices.Contains(kinds, e.Kind)
}
