package letter

import (
	"slices"
	"sort"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// Alert is what the templates subject and body of a [[channel]] see. Its names
// are part of the configuration: they grow and do not change. All of its texts are clean.
type Alert struct {
	ID       string
	Thread   string
	Kind     string // opened, joined, reminder, escalated, flapping, recovered, collapsed, more, certificate, node, probe, blind, test
	Word     string // DOWN, WARN, up again …: what the subject begins with
	Instance string
	Channel  string
	Subject  string // the usual one, for templates that add to it
	Text     string // … and the usual text
	Time     time.Time
	Urgent   bool
	Over     bool
	Cause    string // "host 192.0.2.7"; "": none
	Count    int    // incidents in all
	Back     int    // … that are over, of a digest
	Failing  int    // monitors with this cause that fail too, and are not confirmed yet
	Monitors []string
	Also     []string // who else is told: "ops (ops@example.com)"
	Why      string   // it is told here

	// Of the first incident; zero where there is none.
	Incident uint64
	Monitor  string
	Target   string
	Type     string
	Group    string
	Tags     []string
	Note     string // of the monitor
	Verdict  string // down or degraded
	Fault    string // tcp.refused
	Message  string
	Witness  string // "fra and nyc agree"
	Since    time.Time
	Ended    time.Time // zero: it lasts
	Lasted   string    // 4m12s

	Incidents []uptime.Incident
	Evidence  []uptime.Evidence

	says  string
	cause uptime.Cause
	event uint64
	now   time.Time
	late  string // how long it could not be told
}

// newAlert gathers what there is to say, and writes the usual subject and text.
func newAlert(p *uptime.Parcel, f *Facts) *Alert {
	zone := f.Zone
	if zone == nil {
		zone = time.UTC
	}
	a := &Alert{
		ID: id(p, f.Instance), Thread: thread(p, f.Incidents, f.Instance),
		Kind: string(p.Kind), Instance: uptime.Clean(f.Instance, maxName), Channel: uptime.Clean(p.Channel, maxName),
		Time: p.At.In(zone), Cause: uptime.Clean(p.Cause.String(), maxName), Count: max(p.Count, len(p.Incidents)), Back: p.Over, Failing: p.Failing,
		Why: uptime.Clean(p.Why, maxSays), says: uptime.Clean(p.Says, maxSays), cause: p.Cause, event: p.Event, now: f.Now.In(zone),
	}
	for _, c := range p.Also {
		name := uptime.Clean(c, maxName)
		var more []string
		if t := f.Targets[c]; t != "" {
			more = append(more, uptime.Clean(t, maxName))
		}
		if failing(f.Snapshot, c) { // for all, or only for some of its recipients
			more = append(more, "letters wait")
		}
		if len(more) > 0 {
			name += " (" + strings.Join(more, "; ") + ")"
		}
		a.Also = append(a.Also, name)
	}
	for i := range f.Incidents {
		in := cleaned(&f.Incidents[i], zone)
		a.Incidents = append(a.Incidents, in)
		if !slices.Contains(a.Monitors, in.Monitor) {
			a.Monitors = append(a.Monitors, in.Monitor)
		}
	}
	if len(a.Incidents) > 0 {
		a.first(&a.Incidents[0], f.Snapshot)
		if p.Kind == uptime.AlertCertificate && a.Count == 1 && a.says != "" {
			a.Message, a.says = a.says, ""
		}
	}
	a.Evidence = evidence(f.Evidence, zone)
	if len(a.Evidence) == 0 && len(a.Incidents) > 0 && p.Kind != uptime.AlertRecovered {
		a.Evidence = a.Incidents[0].Evidence
	}
	if f.Failed > 0 && !f.First.IsZero() {
		a.late = uptime.Ago(f.Now.Sub(f.First))
	}
	a.judge(p)
	a.Subject = a.subject()
	a.Text = a.text()
	return a
}

// first takes the facts of the incident that the others follow.
func (a *Alert) first(in *uptime.Incident, s *uptime.Snapshot) {
	a.Incident, a.Monitor = in.Number, in.Monitor
	a.Verdict, a.Fault, a.Message, a.Witness = in.Verdict.String(), in.Fault.String(), in.Message, in.Witness
	a.Since, a.Ended, a.Lasted = in.Start, in.End, uptime.Ago(in.Lasted(a.now))
	m := find(s, in.Monitor)
	if m == nil {
		return
	}
	a.Target, a.Type = uptime.Clean(m.Target, maxSays), m.Type
	if in.Open() && m.Incident == in.Number && m.Verdict == in.Verdict && m.Since.After(in.Start) { // it was degraded before, or up for a moment
		a.Since, a.Lasted = m.Since.In(in.Start.Location()), uptime.Ago(max(a.now.Sub(m.Since), 0))
	}
	a.Group, a.Note = uptime.Clean(m.Group, maxName), uptime.Clean(m.Monitor.Note, maxSays)
	for _, t := range m.Tags {
		a.Tags = append(a.Tags, uptime.Clean(t, maxName))
	}
}

// find is a monitor by its name; nil: it is not watched.
func find(s *uptime.Snapshot, name string) *uptime.State {
	if s == nil {
		return nil
	}
	i := sort.Search(len(s.States), func(i int) bool { return s.States[i].Name >= name })
	if i < len(s.States) && s.States[i].Name == name {
		return s.States[i]
	}
	return nil
}

// failing reports whether letters to a channel wait as it does not take them.
func failing(s *uptime.Snapshot, channel string) bool {
	return s != nil && slices.ContainsFunc(s.Outbox.Channels, func(c uptime.ChannelState) bool { return c.Name == channel && c.Fails() })
}

// judge says what kind of news it is.
func (a *Alert) judge(p *uptime.Parcel) {
	kind := p.Kind
	down := a.Verdict == uptime.Down.String()
	a.Word = "WARN"
	if down {
		a.Word = "DOWN"
	}
	if (kind == uptime.AlertRecovered || kind == uptime.AlertCollapsed) && a.unwatched() {
		a.Word, a.Over = "no longer watched", true
		return
	}
	switch kind {
	case uptime.AlertOpened, uptime.AlertJoined, uptime.AlertReminder, uptime.AlertEscalated:
		a.Urgent = down && kind != uptime.AlertJoined
	case uptime.AlertFlapping:
		a.Urgent = down
	case uptime.AlertRecovered:
		a.Word, a.Over = "up again", true
	case uptime.AlertCollapsed:
		a.Word, a.Over = "was down", true
		if !down {
			a.Word = "was degraded"
		}
	case uptime.AlertMore:
		a.Word = "more alerts"
		for i := range a.Incidents {
			a.Urgent = a.Urgent || a.Incidents[i].Open() && a.Incidents[i].Verdict == uptime.Down
		}
	case uptime.AlertCertificate:
		a.Word = "certificate"
	case uptime.AlertNode:
		a.Word = "lookout"
	case uptime.AlertProbe:
		a.Word = "probe"
	case uptime.AlertBlind:
		a.Word, a.Urgent = "BLIND", true
		if p.Ends > 0 {
			a.Word, a.Urgent = "no longer blind", false
		}
	case uptime.AlertTest:
		a.Word = "test"
	}
	a.Over = a.Over || p.Ends > 0
}

// unwatched reports whether none of the incidents ended in a recovery: the
// monitors were taken out of the configuration as they were.
func (a *Alert) unwatched() bool {
	for i := range a.Incidents {
		if a.Incidents[i].Ended != uptime.EndedUnwatched {
			return false
		}
	}
	return len(a.Incidents) > 0
}

// cleaned is an incident whose texts are, and whose times people can read.
func cleaned(in *uptime.Incident, zone *time.Location) uptime.Incident {
	out := *in
	out.Monitor, out.Message = uptime.Clean(in.Monitor, maxName), uptime.Clean(in.Message, maxSays)
	out.Witness, out.Behind, out.Ended = uptime.Clean(in.Witness, maxSays), uptime.Clean(in.Behind, maxName), uptime.Clean(in.Ended, maxName)
	out.Start, out.End = in.Start.In(zone), in.End
	if !in.End.IsZero() {
		out.End = in.End.In(zone)
	}
	out.ConfirmedBy = slices.Clone(in.ConfirmedBy)
	for i, by := range out.ConfirmedBy {
		out.ConfirmedBy[i] = uptime.Clean(by, maxName)
	}
	if in.Ack != nil {
		out.Ack = &uptime.Ack{By: uptime.Clean(in.Ack.By, maxName), Note: uptime.Clean(in.Ack.Note, maxSays), Until: in.Ack.Until}
	}
	out.Evidence = evidence(in.Evidence, zone)
	out.Story = slices.Clone(in.Story)
	for i := range out.Story {
		out.Story[i].Message, out.Story[i].Phase = uptime.Clean(out.Story[i].Message, maxSays), uptime.Clean(out.Story[i].Phase, maxName)
	}
	return out
}

func evidence(in []uptime.Evidence, zone *time.Location) []uptime.Evidence {
	out := slices.Clone(in)
	for i := range out {
		e := &out[i]
		e.Time = e.Time.In(zone)
		e.Location, e.Step = uptime.Clean(e.Location, maxName), uptime.Clean(e.Step, maxName)
		e.Message, e.Address = uptime.Clean(e.Message, maxSays), uptime.Clean(e.Address, maxName)
	}
	return out
}

// named is "shop, mail and 298 more".
func named(names []string, count, most int) string {
	if len(names) > most {
		names = names[:most]
	}
	list := strings.Join(names, ", ")
	if n := count - len(names); n > 0 && len(names) > 0 {
		return list + more(n)
	}
	return list
}
