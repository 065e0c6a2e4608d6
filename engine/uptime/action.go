package uptime

import (
	"strconv"
	"strings"
	"time"
)

// Verb is what a person does to monitors.
type Verb string

// The verbs, as in the control API.
const (
	VerbCheck      Verb = "check" // now, beside the regular checks
	VerbPause      Verb = "pause"
	VerbResume     Verb = "resume"
	VerbAck        Verb = "ack"
	VerbUnack      Verb = "unack"
	VerbMaintain   Verb = "maintain"
	VerbUnmaintain Verb = "unmaintain"
	VerbBeat       Verb = "beat" // a job calls in
)

// Verbs lists them all.
func Verbs() []Verb {
	return []Verb{VerbCheck, VerbPause, VerbResume, VerbAck, VerbUnack, VerbMaintain, VerbUnmaintain, VerbBeat}
}

// Action is one thing that a person does to some monitors.
type Action struct {
	Verb    Verb
	Targets []string  // each NAME, tag:T, group:G or #N
	Until   time.Time // when it ends by itself; zero: when somebody ends it
	Signal  Signal    // of VerbBeat
	Note    string
	By      string
}

// Selector is one parsed target of an Action.
type Selector struct {
	Name, Tag, Group string
	Incident         uint64
}

// ParseSelector reads NAME, tag:T, group:G or #N.
func ParseSelector(s string) (Selector, error) {
	if n, ok := strings.CutPrefix(s, "#"); ok {
		i, err := strconv.ParseUint(n, 10, 64)
		if err != nil || i == 0 {
			return Selector{}, Invalid("%q is no incident number", Clean(s, 80))
		}
		return Selector{Incident: i}, nil
	}
	if t, ok := strings.CutPrefix(s, "tag:"); ok {
		return Selector{Tag: t}, nil
	}
	if g, ok := strings.CutPrefix(s, "group:"); ok {
		return Selector{Group: g}, nil
	}
	if s == "" {
		return Selector{}, Invalid("an empty name")
	}
	return Selector{Name: s}, nil
}

// Matches reports whether a monitor with this open incident (0: none) is meant.
func (s Selector) Matches(m *Monitor, incident uint64) bool {
	switch {
	case s.Incident != 0:
		return s.Incident == incident
	case s.Tag != "":
		for _, t := range m.Tags {
			if t == s.Tag {
				return true
			}
		}
		return false
	case s.Group != "":
		return m.Group == s.Group
	}
	return m.Name == s.Name
}

// EventQuery asks for events by growing number.
type EventQuery struct {
	After   uint64 // those with a larger ID, oldest first …
	Before  uint64 // … or, if set, those with a smaller one, newest first
	Monitor string // "": all
	Kinds   []EventKind
	Since   time.Time // not before it; zero: no bound
	Until   time.Time // before it; zero: no bound
	Limit   int       // 0: 1,000
}

// IncidentQuery asks for incidents, newest first.
type IncidentQuery struct {
	Number  uint64 // this one only
	Monitor string // "": all
	Since   time.Time
	Until   time.Time
	Limit   int // 0: 1,000
}

// ResultQuery asks for the results of one monitor, oldest first.
type ResultQuery struct {
	Monitor  string
	Location string // "": all
	Since    time.Time
	Until    time.Time // zero: now
	Limit    int       // of the newest; 0: 1,000
}

// Batch is what an engine stores at one tick, in one transaction.
type Batch struct {
	Time      time.Time     // of the tick: when the engine was last alive
	Results   []Result      // in order of arrival
	Events    []Event       // with their IDs, growing by one
	Incidents []Incident    // those that changed, as they are now
	States    []StateRecord // those that changed, or whose turn it is
	Probes    []ProbeRecord // of those whose results are in it, or that were excluded
}

// ProbeRecord is what an engine has to know of a probe so that no result of it
// counts twice, in the engine's own encoding; no data takes it away.
type ProbeRecord struct {
	Probe string // LOCATION/NAME
	Data  []byte
}

// StateRecord is what an engine has to know of a monitor to go on after a
// restart, in the engine's own encoding.
type StateRecord struct {
	Monitor string
	Data    []byte
}
