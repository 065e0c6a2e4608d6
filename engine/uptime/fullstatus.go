package uptime

import (
	"encoding/json"
	"math"
	"strconv"
	"time"
)

// FullStatus is a Status as another process reads it to write it like this one
// does: the public object, with what lookout knows of itself, who agrees on an
// incident, and the exact shares of the day. Programs of different versions can
// read each other's: what one does not say is left as it is not known.
type FullStatus Status

type fullStatusJSON struct {
	statusJSON
	Monitors  []fullStateJSON `json:"monitors"`
	Incidents []witnessesJSON `json:"incidents,omitempty"`
	Lookout   *selfJSON       `json:"lookout"`
}

type fullStateJSON struct {
	stateJSON
	Fault   string   `json:"fault"` // as a word: that of a newer version is none of ours
	Outcome *Outcome `json:"outcome"`
	Day     *dayJSON `json:"day"`
}

// dayJSON is a Share to the nanosecond.
type dayJSON struct {
	Up   exactMillis `json:"up_ms"`
	Down exactMillis `json:"down_ms"`
	Off  exactMillis `json:"off_ms,omitzero"`
	Span exactMillis `json:"span_ms"`
}

// witnessesJSON is who agrees on an open incident, and what explains it.
type witnessesJSON struct {
	Incident    uint64   `json:"incident"`
	Witness     string   `json:"witness,omitempty"`
	ConfirmedBy []string `json:"confirmed_by,omitempty"`
	Behind      string   `json:"behind,omitempty"`
}

// selfJSON is what lookout knows of itself.
type selfJSON struct {
	Timezone    string  `json:"timezone,omitempty"`
	Config      string  `json:"config,omitempty"`
	Loaded      stamp   `json:"config_loaded"`
	ConfigError string  `json:"config_error,omitempty"`
	Rate        float64 `json:"checks_per_second"`
	Lag         millis  `json:"lag_ms"`
	ProbesLive  int     `json:"probes_live"`
	Probes      int     `json:"probes"`
	StoreError  string  `json:"store_error,omitempty"`
	Anchors     string  `json:"anchors_silent,omitempty"`
	Broker      string  `json:"broker_error,omitempty"`
}

// exactMillis is a duration of at most some weeks, exact to the nanosecond.
type exactMillis time.Duration

func (m exactMillis) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(m)/1e6, 'f', -1, 64), nil
}

func (m *exactMillis) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(string(b), 64)
	*m = exactMillis(math.Round(f * 1e6))
	return err
}

// MarshalJSON writes the status object with what FullStatus adds.
func (s FullStatus) MarshalJSON() ([]byte, error) {
	snap, c, h := s.Snapshot, s.Snapshot.Config, s.Snapshot.Health
	j := fullStatusJSON{statusJSON: Status(s).json(), Monitors: make([]fullStateJSON, len(snap.States)),
		Lookout: &selfJSON{snap.Timezone, c.Path, stamp(c.Loaded), c.Error, h.Rate, millis(h.Lag), h.ProbesLive, h.Probes, h.StoreError, h.Anchors, snap.Broker.Trouble()}}
	for i, st := range snap.States {
		d := st.Day
		j.Monitors[i] = fullStateJSON{st.json(), st.Fault.String(), &st.Outcome, &dayJSON{exactMillis(d.Up), exactMillis(d.Down), exactMillis(d.Off), exactMillis(d.Span)}}
	}
	for _, in := range snap.Open {
		j.Incidents = append(j.Incidents, witnessesJSON{in.Number, in.Witness, in.ConfirmedBy, in.Behind})
	}
	return marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes, and what a Status writes.
func (s *FullStatus) UnmarshalJSON(b []byte) error {
	var j fullStatusJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	n := j.Counts
	snap := &Snapshot{Time: time.Time(j.Time), Instance: j.Instance, Node: j.Node, Outbox: j.Alerts.outbox(), States: make([]*State, len(j.Monitors)),
		Counts: Counts{n["up"], n["suspect"], n["degraded"], n["down"], n["unknown"], n["pending"], n["maintenance"], n["paused"]}}
	for i := range j.Monitors {
		snap.States[i] = j.Monitors[i].state()
	}
	for _, w := range j.Incidents {
		snap.Open = append(snap.Open, &Incident{Number: w.Incident, Witness: w.Witness, ConfirmedBy: w.ConfirmedBy, Behind: w.Behind})
	}
	*s = FullStatus{Snapshot: snap, Page: j.Page, Stale: j.Stale, Bare: j.Lookout == nil}
	if l := j.Lookout; l != nil {
		snap.Timezone = l.Timezone
		snap.Config = ConfigState{l.Config, time.Time(l.Loaded), l.ConfigError}
		snap.Health = Health{Rate: l.Rate, Lag: time.Duration(l.Lag), ProbesLive: l.ProbesLive, Probes: l.Probes, StoreError: l.StoreError, Anchors: l.Anchors}
		snap.Broker = Broker{URL: l.Broker, Error: l.Broker}
	}
	return nil
}

func (j *fullStateJSON) state() *State {
	s := &State{Monitor: &Monitor{Name: j.Monitor, Type: j.Type, Target: j.Target, Group: j.Group, Tags: j.Tags,
		Interval: time.Duration(j.Interval), Caution: j.Caution},
		Verdict: j.Verdict, Mode: j.Mode, Since: time.Time(j.Since), Message: j.Message, Witness: j.Witness, Behind: j.Behind, Incident: j.Incident,
		Last: time.Time(j.LastCheck), Total: time.Duration(j.Total), Next: required(j.Next), Until: required(j.Until)}
	var err error
	if s.Fault, err = ParseFault(j.Fault); err != nil && j.Fault != "" { // of a newer version
		s.Message = Clean(s.Message+" ("+j.Fault+")", 512)
	}
	if j.Before != nil {
		s.Before = *j.Before
	}
	if j.Ack != nil {
		s.Ack = &Ack{j.Ack.By, j.Ack.Note, time.Time(j.Ack.Until)}
	}
	if d := j.Day; d != nil {
		s.Day = Share{time.Duration(d.Up), time.Duration(d.Down), time.Duration(d.Off), time.Duration(d.Span)}
	} else {
		s.Day = j.Uptime["24h"].share(24 * time.Hour)
	}
	switch {
	case j.Outcome != nil:
		s.Outcome = *j.Outcome
	case s.Verdict == Up: // what the newest check of a good one was
		s.Outcome = OutcomeUp
	case s.Verdict == Degraded:
		s.Outcome = OutcomeDegraded
	default:
		s.Outcome = OutcomeUnknown
	}
	return s
}

// share is what is said of a span, as near as that goes.
func (j shareJSON) share(span time.Duration) Share {
	s := Share{Span: span}
	if j.Up != nil {
		known := j.Coverage * float64(span)
		s.Up = time.Duration(math.Round(*j.Up * known))
		s.Down = time.Duration(math.Round(known)) - s.Up
	}
	return s
}
