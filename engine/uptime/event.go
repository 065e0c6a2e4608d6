package uptime

import (
	"encoding/json"
	"time"
)

// Kind of an event, as in JSON's "event".
type EventKind string

// The kinds of events.
const (
	EventVerdict     EventKind = "verdict"     // a verdict changed
	EventIncident    EventKind = "incident"    // an incident was opened, re-opened, changed its cause or closed (Note says which)
	EventAck         EventKind = "ack"         // acknowledged (Until zero: until it is up), or TakenBack
	EventPause       EventKind = "pause"       // Mode says what it is from now on
	EventMaintenance EventKind = "maintenance" // Mode says what it is from now on
	EventAlert       EventKind = "alert"
	EventProbe       EventKind = "probe"
	EventNode        EventKind = "node" // started, stopped, stalled, blind
	EventClock       EventKind = "clock"
	EventConfig      EventKind = "config"
	EventCertificate EventKind = "certificate"
	EventContent     EventKind = "content"
	EventStore       EventKind = "store"
)

// Phase of an incident, the Note of an EventIncident.
const (
	IncidentOpened   = "opened"
	IncidentReopened = "reopened"
	IncidentChanged  = "changed"  // another cause
	IncidentFlapping = "flapping" // it is down again within ten minutes, and nobody is told again
	IncidentClosed   = "closed"
	// IncidentOutlasted is of one that came in a maintenance, so that nobody was told
	// of it, and is still there at its end: it is news from then on.
	IncidentOutlasted = "outlasted"
)

// Event is one entry of the event log, the memory of an instance. It is stored
// in the transaction of the result that caused it and never changed.
type Event struct {
	ID       uint64 // from 1, growing by one
	Time     time.Time
	Kind     EventKind
	Monitor  string    // "" where it is about the node
	Since    time.Time // from when it holds: the first failing check, the first success; zero: Time
	From, To Verdict   // of verdict and incident events
	Mode     Mode      // of pause and maintenance events
	Fault    Fault
	Message  string // one sentence
	Incident uint64 // its number; 0: none
	By       string // who did it: "engine", or a person
	Note     string // what that person wrote, or the phase of an incident
	Until    time.Time
	Evidence []Evidence
	Behind   string // of verdict and incident events: Incident.Behind from now on; nobody is told of it
	Silenced bool   // of incident events: Incident.Silenced from now on; nobody is told of it
	// TakenBack is of an ack event that ends an acknowledgement. It is no word in
	// Note, which is what people write.
	TakenBack bool
	Channel   string // of an alert event; Note says how far the letter is, as a ToldState
}

// Evidence is one result that a verdict rests on.
type Evidence struct {
	Time     time.Time // the start of the check
	Location string
	Step     string // check, wave N, dwell, last
	Outcome  Outcome
	Fault    Fault
	Message  string
	Address  string
	Status   int
	Total    time.Duration
	Measures []Measure
	Weight   float64 // log10 odds that it added
	Vote     bool    // it counted
}

// Ack is who acknowledged an incident, and until when; a zero Until lasts as long as the incident.
type Ack struct {
	By    string
	Note  string
	Until time.Time
}

// Incident is a stretch of down or degraded with its evidence.
type Incident struct {
	Number      uint64 // from 1, shown as #4711
	Monitor     string
	Start       time.Time // the first failing check
	End         time.Time // the first success of the recovery; zero: still open
	Ended       string    // why it ended where it did not recover: EndedUnwatched; "" with a recovery
	Verdict     Verdict   // the worst it came to: Down or Degraded
	Fault       Fault
	Message     string   // the cause, in one sentence
	Witness     string   // who else says so, in one: "unreachable from web-1; nobody else was asked"
	ConfirmedBy []string // other locations that agreed; empty: nobody else was asked
	Behind      string   // what it depends on and explains it, the topmost that is down; "": nothing
	Reopened    int      // how often it came back within ten minutes
	Silenced    bool     // it came in a maintenance: nobody was told of it, and nobody is before it has outlasted that
	Ack         *Ack
	Evidence    []Evidence
	Story       []Phase // the oldest first
}

// EndedUnwatched is why the incident of a monitor that was taken out of the configuration ended.
const EndedUnwatched = "no longer watched"

// Open reports whether the incident lasts.
func (i *Incident) Open() bool { return i.End.IsZero() }

// Unacked reports whether somebody should take note of the incident: an outage
// that lasts, that no other one explains, and that nobody acknowledged. Nobody
// is told of what is only degraded, of what is behind something, nor of what came
// in a maintenance.
func (i *Incident) Unacked() bool {
	return i.Open() && i.Verdict == Down && i.Behind == "" && i.Ack == nil && !i.Silenced
}

// Lasted is how long the incident lasted, up to now while it is open; 0 at the
// least, whatever was done to the clock.
func (i *Incident) Lasted(now time.Time) time.Duration {
	if i.Open() {
		return max(now.Sub(i.Start), 0)
	}
	return max(i.End.Sub(i.Start), 0)
}

type evidenceJSON struct {
	Time     stamp       `json:"time"`
	Location string      `json:"location"`
	Step     string      `json:"step"`
	Outcome  Outcome     `json:"outcome"`
	Fault    Fault       `json:"fault"`
	Message  string      `json:"message"`
	Address  string      `json:"address"`
	Status   int         `json:"status,omitempty"`
	Total    millis      `json:"total_ms"`
	Measures measureJSON `json:"measures,omitempty"`
	Weight   float64     `json:"weight"`
	Vote     bool        `json:"vote"`
}

func evidenceOut(in []Evidence) []evidenceJSON {
	out := make([]evidenceJSON, len(in))
	for i, e := range in {
		out[i] = evidenceJSON{stamp(e.Time), e.Location, e.Step, e.Outcome, e.Fault, e.Message, e.Address, e.Status,
			millis(e.Total), e.Measures, e.Weight, e.Vote}
	}
	return out
}

func evidenceIn(in []evidenceJSON) []Evidence {
	if len(in) == 0 {
		return nil
	}
	out := make([]Evidence, len(in))
	for i, e := range in {
		out[i] = Evidence{time.Time(e.Time), e.Location, e.Step, e.Outcome, e.Fault, e.Message, e.Address, e.Status,
			time.Duration(e.Total), e.Measures, e.Weight, e.Vote}
	}
	return out
}

type eventJSON struct {
	Version  int            `json:"version"`
	Kind     string         `json:"kind"`
	ID       uint64         `json:"id"`
	Time     stamp          `json:"time"`
	Event    EventKind      `json:"event"`
	Monitor  string         `json:"monitor,omitempty"`
	Since    *stamp         `json:"since,omitempty"`
	From     *Verdict       `json:"from,omitempty"`
	To       *Verdict       `json:"to,omitempty"`
	Mode     *Mode          `json:"mode,omitempty"`
	Fault    Fault          `json:"fault,omitempty"`
	Message  string         `json:"message"`
	Incident uint64         `json:"incident,omitempty"`
	By       string         `json:"by"`
	Note     string         `json:"note,omitempty"`
	Until    *stamp         `json:"until,omitempty"`
	Evidence []evidenceJSON `json:"evidence,omitempty"`
	Back     bool           `json:"taken_back,omitempty"`
	Behind   string         `json:"behind,omitempty"`
	Silenced bool           `json:"silenced,omitempty"`
	Channel  string         `json:"channel,omitempty"`
}

// MarshalJSON writes the event object of the public interface.
func (e Event) MarshalJSON() ([]byte, error) {
	j := eventJSON{Version: 1, Kind: "event", ID: e.ID, Time: stamp(e.Time), Event: e.Kind, Monitor: e.Monitor,
		Since: optional(e.Since), Fault: e.Fault, Message: e.Message, Incident: e.Incident, By: e.By, Note: e.Note,
		Until: optional(e.Until), Evidence: evidenceOut(e.Evidence), Back: e.TakenBack, Behind: e.Behind, Silenced: e.Silenced, Channel: e.Channel}
	switch e.Kind {
	case EventVerdict, EventIncident:
		j.From, j.To = &e.From, &e.To
	case EventPause, EventMaintenance:
		j.Mode = &e.Mode
	}
	return marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (e *Event) UnmarshalJSON(b []byte) error {
	var j eventJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*e = Event{ID: j.ID, Time: time.Time(j.Time), Kind: j.Event, Monitor: j.Monitor, Since: required(j.Since),
		Fault: j.Fault, Message: j.Message, Incident: j.Incident, By: j.By, Note: j.Note, Until: required(j.Until),
		Evidence: evidenceIn(j.Evidence), TakenBack: j.Back, Behind: j.Behind, Silenced: j.Silenced, Channel: j.Channel}
	if j.From != nil {
		e.From = *j.From
	}
	if j.To != nil {
		e.To = *j.To
	}
	if j.Mode != nil {
		e.Mode = *j.Mode
	}
	return nil
}

type ackJSON struct {
	By    string `json:"by"`
	Note  string `json:"note"`
	Until stamp  `json:"until"`
}

func ackOut(a *Ack) *ackJSON {
	if a == nil {
		return nil
	}
	return &ackJSON{a.By, a.Note, stamp(a.Until)}
}

type incidentJSON struct {
	Version     int            `json:"version"`
	Kind        string         `json:"kind"`
	Incident    uint64         `json:"incident"`
	Monitor     string         `json:"monitor"`
	Start       stamp          `json:"start"`
	End         stamp          `json:"end"`
	Ended       string         `json:"ended,omitempty"`
	Verdict     Verdict        `json:"verdict"`
	Fault       Fault          `json:"fault"`
	Message     string         `json:"message"`
	Witness     string         `json:"witness,omitempty"`
	ConfirmedBy []string       `json:"confirmed_by"`
	Behind      *string        `json:"behind"`
	Reopened    int            `json:"reopened,omitempty"`
	Silenced    bool           `json:"silenced,omitempty"`
	Ack         *ackJSON       `json:"ack"`
	Evidence    []evidenceJSON `json:"evidence"`
	Story       []phaseJSON    `json:"story,omitempty"`
}

// MarshalJSON writes the incident object of the public interface.
func (i Incident) MarshalJSON() ([]byte, error) {
	j := incidentJSON{1, "incident", i.Number, i.Monitor, stamp(i.Start), stamp(i.End), i.Ended, i.Verdict, i.Fault, i.Message,
		i.Witness, i.ConfirmedBy, nil, i.Reopened, i.Silenced, ackOut(i.Ack), evidenceOut(i.Evidence), storyOut(i.Story)}
	if j.ConfirmedBy == nil {
		j.ConfirmedBy = []string{}
	}
	if i.Behind != "" {
		j.Behind = &i.Behind
	}
	return marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (i *Incident) UnmarshalJSON(b []byte) error {
	var j incidentJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*i = Incident{j.Incident, j.Monitor, time.Time(j.Start), time.Time(j.End), j.Ended, j.Verdict, j.Fault, j.Message,
		j.Witness, j.ConfirmedBy, "", j.Reopened, j.Silenced, nil, evidenceIn(j.Evidence), storyIn(j.Story)}
	if len(i.ConfirmedBy) == 0 {
		i.ConfirmedBy = nil
	}
	if j.Behind != nil {
		i.Behind = *j.Behind
	}
	if j.Ack != nil {
		i.Ack = &Ack{j.Ack.By, j.Ack.Note, time.Time(j.Ack.Until)}
	}
	return nil
}
