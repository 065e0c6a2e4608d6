package uptime

import (
	"net/netip"
	"time"
)

// ProbeState is how far a probe is trusted. The zero value is ProbeGone.
type ProbeState uint8

// The states of a probe.
const (
	ProbeGone    ProbeState = iota // nothing heard for three minutes, or it said goodbye
	ProbeJoining                   // it said hello, and has not proved yet that it works
	ProbeLive                      // it works, and its vote counts
	ProbeLagging                   // no proof of work: it is sent nothing, and has no vote
	ProbeUnseen                    // none of the location has said hello since the engine began; it has no Name
)

var probeWords = [...]string{"gone", "joining", "live", "lagging", "unseen"}

// String returns the word used in JSON.
func (s ProbeState) String() string { return word(probeWords[:], uint8(s)) }

// MarshalText writes the word of String.
func (s ProbeState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word of String.
func (s *ProbeState) UnmarshalText(b []byte) error {
	i, err := unword("state of a probe", probeWords[:], b)
	*s = ProbeState(i)
	return err
}

// Probe is what an engine knows of a process at another location.
type Probe struct {
	Location string
	Name     string // without its location
	Network  string // of the location, as configured
	Place    string // what people call the location, "Frankfurt"; "": nothing else
	State    ProbeState
	Since    time.Time // when State began
	Why      string    // one sentence where it is not live; else ""
	Excluded string    // who said that its vote does not count; "": nobody
	Warning  string    // what is wrong although it works: its clock, its version, what its spool gave up; else ""

	Version   string    // of its lookout
	Seen      time.Time // when something of it came last; zero: never
	Connected time.Time // when its first hello came after it was gone; zero: it is gone
	RTT       time.Duration
	Skew      time.Duration // how far its clock is ahead of ours
	Lag       time.Duration // how old its newest proof of work is
	Waiting   int           // questions that it, or its location, has not answered
	Spool     uint64        // results that it has not got rid of
	Lost      uint64        // … that it gave up, since it began to count
	Monitors  int           // that it checks regularly
	Rate      float64       // checks a second
	Failing   float64       // share of them that were not up, 0 to 1
	Alone     float64       // share of its opinions of the last 24 h that said down where nobody else did; below 0: none
	Lags      LagHour       // of Lag
}

// ID is LOCATION/NAME; of a location without a probe, LOCATION.
func (p *Probe) ID() string {
	if p.Name == "" {
		return p.Location
	}
	return p.Location + "/" + p.Name
}

// ProbeCounts is how many probes there are of each kind, in the one way that they
// are counted everywhere: this node is one of them, and a location of the
// configuration from which none came is one that is missing.
type ProbeCounts struct {
	Live     int // whose vote counts; this node where it can judge
	Blind    int // this node, where it cannot
	Joining  int
	Lagging  int
	Gone     int
	Unseen   int
	Excluded int // that would be live
}

// CountProbes counts the probes of other locations, and this node; node is what
// keeps it from judging, "" for nothing.
func CountProbes(node string, probes []Probe) ProbeCounts {
	n := ProbeCounts{Live: 1}
	if node != "" {
		n = ProbeCounts{Blind: 1}
	}
	for i := range probes {
		switch p := &probes[i]; {
		case p.Votes():
			n.Live++
		case p.State == ProbeLive:
			n.Excluded++
		case p.State == ProbeJoining:
			n.Joining++
		case p.State == ProbeLagging:
			n.Lagging++
		case p.State == ProbeUnseen:
			n.Unseen++
		default:
			n.Gone++
		}
	}
	return n
}

// Total is the number of probes counted.
func (n ProbeCounts) Total() int {
	return n.Live + n.Blind + n.Joining + n.Lagging + n.Gone + n.Unseen + n.Excluded
}

// Broker is what an engine knows of the broker between it and its probes.
type Broker struct {
	URL       string // without secrets; "": none is configured
	Connected bool
	Since     time.Time // of Connected
	Error     string    // why it is not connected, or sends nothing; one sentence for people
	Rate      float64   // results a second
	Batches   float64   // … and the batches that they came in
	Dead      uint64    // messages that nobody could read, since the start
}

// Interval is a run of results of one epoch of a probe, by number: From is in it, To is not.
type Interval struct{ From, To uint64 }

// Delivery is a run of results that a probe sent.
type Delivery struct {
	Probe    string // LOCATION/NAME
	Location string
	Epoch    uint64 // of its spool: the numbers are of it
	Interval        // the numbers of Found
	Late     bool   // back-fill: history that raises no alert
	Lost     []Interval
	Found    []Found // the one with number From first
}

// Found is one result of a Delivery.
type Found struct {
	Result    Result // Monitor is "" where nobody knows any more whose it is
	Baseline  bool   // no regular check: taken so that the location's vote counts
	Unhealthy bool   // the probe failed its own check then: it says nothing about the target
	Outdated  bool   // its monitor was changed since: history that raises no alert
}

// Portable is a monitor's check as it travels to other locations: with
// ${secret:NAME} where a secret belongs, which is looked up where the check runs.
type Portable struct {
	URL       string
	IP        string // "any", "4", "6" or "each"
	Zone      string // IANA name of the zone of times that people write; "" is UTC
	Source    string // as Settings has it
	Resolvers []netip.AddrPort
	Values    map[string]any // as Settings has them
	Expect    map[string]any
}
