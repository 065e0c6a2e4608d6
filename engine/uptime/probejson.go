package uptime

import (
	"encoding/json"
	"time"
)

// Remotes is what an engine knows of its broker and of its probes.
type Remotes struct {
	Time     time.Time
	Instance string
	Node     string // what keeps this node from judging; "" when nothing does
	Broker   Broker
	Probes   []Probe // by location and name; a location without one is there as ProbeUnseen
}

// Remotes is the part of a snapshot that is about other locations.
func (s *Snapshot) Remotes() Remotes {
	return Remotes{Time: s.Time, Instance: s.Instance, Node: s.Node, Broker: s.Broker, Probes: s.Probes}
}

// Trouble is why the broker cannot be reached; "" where it is, or none is configured.
func (b *Broker) Trouble() string {
	switch {
	case b.URL == "" || b.Connected:
		return ""
	case b.Error == "":
		return b.URL
	}
	return b.Error
}

// Votes reports whether a probe's opinion counts now.
func (p *Probe) Votes() bool { return p.State == ProbeLive && p.Excluded == "" }

type probeJSON struct {
	Probe     string     `json:"probe"`
	Location  string     `json:"location"`
	Name      string     `json:"name"`
	Network   string     `json:"network"`
	Place     string     `json:"place,omitempty"`
	State     ProbeState `json:"state"`
	Since     stamp      `json:"since"`
	Votes     bool       `json:"votes"`
	Why       string     `json:"why,omitempty"`
	Excluded  string     `json:"excluded_by,omitempty"`
	Warning   string     `json:"warning,omitempty"`
	Version   string     `json:"lookout"`
	Seen      stamp      `json:"seen"`
	Connected stamp      `json:"connected"`
	RTT       millis     `json:"rtt_ms"`
	Skew      millis     `json:"skew_ms"`
	Lag       millis     `json:"lag_ms"`
	Waiting   int        `json:"waiting"`
	Spool     uint64     `json:"spool"`
	Lost      uint64     `json:"lost"`
	Monitors  int        `json:"monitors"`
	Rate      float64    `json:"checks_per_second"`
	Failing   float64    `json:"failing"`
	Alone     *float64   `json:"alone"` // null: no opinion in the last 24 hours
}

// MarshalJSON writes the probe object of the public interface.
func (p Probe) MarshalJSON() ([]byte, error) {
	j := probeJSON{p.ID(), p.Location, p.Name, p.Network, p.Place, p.State, stamp(p.Since), p.Votes(), p.Why, p.Excluded, p.Warning, p.Version,
		stamp(p.Seen), stamp(p.Connected), millis(p.RTT), millis(p.Skew), millis(p.Lag), p.Waiting, p.Spool, p.Lost, p.Monitors,
		p.Rate, p.Failing, nil}
	if p.Alone >= 0 {
		j.Alone = &p.Alone
	}
	return marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (p *Probe) UnmarshalJSON(b []byte) error {
	var j probeJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*p = Probe{j.Location, j.Name, j.Network, j.Place, j.State, time.Time(j.Since), j.Why, j.Excluded, j.Warning, j.Version,
		time.Time(j.Seen), time.Time(j.Connected), time.Duration(j.RTT), time.Duration(j.Skew), time.Duration(j.Lag), j.Waiting,
		j.Spool, j.Lost, j.Monitors, j.Rate, j.Failing, -1, LagHour{}}
	if j.Alone != nil {
		p.Alone = *j.Alone
	}
	return nil
}

type brokerJSON struct {
	URL       string  `json:"url"`
	Connected bool    `json:"connected"`
	Since     stamp   `json:"since"`
	Error     string  `json:"error,omitempty"`
	Rate      float64 `json:"results_per_second"`
	Batches   float64 `json:"batches_per_second"`
	Dead      uint64  `json:"unreadable"`
}

type remotesJSON struct {
	Version  int         `json:"version"`
	Kind     string      `json:"kind"`
	Time     stamp       `json:"time"`
	Instance string      `json:"instance"`
	Node     string      `json:"node,omitempty"`
	Live     int         `json:"probes_live"`  // of …
	All      int         `json:"probes_total"` // … with this node, which is not in Probes
	Broker   *brokerJSON `json:"broker"`       // null: none is configured
	Probes   []Probe     `json:"probes"`
}

// MarshalJSON writes the probes object of the public interface.
func (r Remotes) MarshalJSON() ([]byte, error) {
	n := CountProbes(r.Node, r.Probes)
	j := remotesJSON{1, "probes", stamp(r.Time), r.Instance, r.Node, n.Live, n.Total(), nil, r.Probes}
	if b := r.Broker; b.URL != "" {
		j.Broker = &brokerJSON{b.URL, b.Connected, stamp(b.Since), b.Error, b.Rate, b.Batches, b.Dead}
	}
	if j.Probes == nil {
		j.Probes = []Probe{}
	}
	return marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *Remotes) UnmarshalJSON(b []byte) error {
	var j remotesJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*r = Remotes{Time: time.Time(j.Time), Instance: j.Instance, Node: j.Node, Probes: j.Probes}
	if b := j.Broker; b != nil {
		r.Broker = Broker{b.URL, b.Connected, time.Time(b.Since), b.Error, b.Rate, b.Batches, b.Dead}
	}
	return nil
}
