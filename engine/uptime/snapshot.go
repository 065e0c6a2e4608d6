package uptime

import (
	"time"
)

// Snapshot is the state of an instance at a moment. It is immutable: whoever
// holds one may keep it and read it without a lock.
type Snapshot struct {
	Seq      uint64    // grows with every snapshot of one engine
	Time     time.Time // when it was taken: the age of this truth
	Instance string
	Timezone string // IANA name for what people read; "" for the reader's own
	Started  time.Time
	Config   ConfigState
	Node     string   // what keeps the node from judging; "" when nothing does
	States   []*State // by name; a State that did not change is the same pointer in the next snapshot
	Counts   Counts
	Open     []*Incident // by number, newest first
	Planned  []Planned   // maintenance windows of the configuration that open within a week, the next first
	Events   uint64      // the ID of the newest event that is stored
	Unacked  int         // open incidents that are Unacked
	Health   Health
	Network  string  // of this node: another place in it is no witness; "": its own
	Place    string  // what people call where it is; "": nothing
	Lags     LagHour // of this node: Health.Lag
	Broker   Broker
	Probes   []Probe // of other locations, by location and name; one without any is there as ProbeUnseen
	Outbox   Outbox  // how telling people stands
}

// Planned is the next opening of a maintenance window.
type Planned struct {
	Of       []string // NAME, tag:T or group:G, as it was written
	Monitors int      // that these are
	From, To time.Time
	Every    string // "Sun 03:00"; "": it opens once
	Note     string
}

// ConfigState says which configuration is in force.
type ConfigState struct {
	Path   string // "" without a file
	Loaded time.Time
	Error  string // why a later version was not taken; "" when it was
}

// Health is how lookout itself is doing.
type Health struct {
	Rate         float64       // checks a second, over the last minute
	Lag          time.Duration // the most that a check of the last minute started late
	InFlight     int
	Capacity     int    // of checks in flight
	Waiting      int    // due, and held by a cap
	Late         uint64 // checks that started over 1 s late, since the start
	Skipped      uint64 // checks that never ran because the one before had not ended, since the start
	Shed         uint64 // second looks at checks that were slow to end, for which there was no time, since the start
	Anchors      string // of [self_check], that do not answer and so do not count; "" when all do
	ProbesLive   int    // of ProbeCounts
	Probes       int    // … of so many
	StoreBytes   int64
	StoreError   string        // why nothing is being stored; "" when it is
	StoreLatency time.Duration // of the last transaction
	Unstored     int           // results that wait for the store
	Dropped      uint64        // results given up because the store would not take them
}

// Counts is how many monitors there are of each kind; a mode hides the verdict.
type Counts struct {
	Up, Suspect, Degraded, Down, Unknown, Pending int
	Maintenance, Paused                           int
}

// Add counts one monitor.
func (c *Counts) Add(v Verdict, m Mode) {
	switch m {
	case Maintenance:
		c.Maintenance++
		return
	case Paused:
		c.Paused++
		return
	}
	switch v {
	case Up:
		c.Up++
	case Suspect:
		c.Suspect++
	case Degraded:
		c.Degraded++
	case Down:
		c.Down++
	case Unknown:
		c.Unknown++
	default:
		c.Pending++
	}
}

// Total is the number of monitors counted.
func (c Counts) Total() int {
	return c.Up + c.Suspect + c.Degraded + c.Down + c.Unknown + c.Pending + c.Maintenance + c.Paused
}

// RecentCells is how many past checks a State remembers.
const RecentCells = 24

// SparkCells is how many five-minute cells of latency a State remembers.
const SparkCells = 12

// Cell is one past check in the bar of recent checks.
type Cell uint8

// The cells of a bar. CellNone is the zero value.
const (
	CellNone        Cell = iota // no check
	CellUp                      // ok
	CellDegraded                // slow, or with another complaint
	CellDown                    // failed
	CellMaintenance             // whatever it found, in maintenance
	CellUnknown                 // it told nothing
)

// Spark is one five-minute cell of latency.
type Spark struct {
	Median time.Duration // of the good checks; 0: none
	Failed bool          // there were failed checks
}

// State is what is known of one monitor. It is immutable.
type State struct {
	*Monitor
	Verdict  Verdict
	Before   Verdict // while Suspect: what it counts as
	Mode     Mode
	Until    time.Time // when the mode ends; zero: open
	Since    time.Time // when the verdict began: its first failing check, its first success
	Fault    Fault
	Message  string // why, in one sentence; "" when nothing is wrong
	Witness  string // of a Down: who else says so, "fra and nyc agree"; see Incident
	Incident uint64 // the open one; 0: none
	Behind   string // what explains that incident; see there
	Ack      *Ack   // of that incident; nil: not acknowledged

	Last    time.Time     // start of the newest check; zero: none yet
	Outcome Outcome       // of it
	Status  int           // of it
	Total   time.Duration // of it: Result.Latency
	Address string        // the newest that checks spoke to: "192.0.2.7:443"; "": none
	Next    time.Time     // when the next regular check or re-check is due; zero: none
	Waiting bool          // due, and not started

	Checks    uint64            // how many checks Recent has seen: the phase of the ring
	Recent    [RecentCells]Cell // oldest first, the newest is the last
	Spark     [SparkCells]Spark // oldest first, the last is the running five minutes
	P95       time.Duration     // of good checks, over the last hour; 0: none
	Day       Share             // the last 24 hours
	Locations []LocationState   // in the order of the configuration; local first
	Others    []Place           // in other networks that could be asked for a second opinion when it was last checked; nil: none
	Cert      *Certificate      // as last seen; nil: none
}

// LocationState is what one place last said of a monitor.
type LocationState struct {
	Location string
	Outcome  Outcome
	Asked    bool // false: it does not check this monitor now
}

// Witnesses are who can be asked for a second opinion about the monitor.
func (s *State) Witnesses() Witnesses { return Witnesses{Places: s.Others, Alone: s.Alone} }

// Seen is the verdict that counts: of a suspect what it was before.
func (s *State) Seen() Verdict {
	if s.Verdict == Suspect {
		return s.Before
	}
	return s.Verdict
}

// Label is the short form that people read, with the mode hiding the verdict.
func (s *State) Label() string {
	if s.Mode != Active {
		return modeLabels[s.Mode]
	}
	return s.Verdict.Label()
}

// Severity orders states for people, the worst first (0): down, suspect,
// degraded, unknown, maintenance, paused, pending, up.
func (s *State) Severity() int {
	switch s.Mode {
	case Maintenance:
		return 4
	case Paused:
		return 5
	}
	switch s.Verdict {
	case Down:
		return 0
	case Suspect:
		return 1
	case Degraded:
		return 2
	case Unknown:
		return 3
	case Pending:
		return 6
	}
	return 7
}

// Problem reports whether a state is one that a person should look at: in
// mode active and not up or new.
func (s *State) Problem() bool { return s.Severity() < 4 }

// Detail is one monitor in depth, made on request.
type Detail struct {
	State    *State
	Span     time.Duration // that Latency covers, up to now
	Recent   []Result      // the newest results, newest first, at most 50
	LastGood *Result       // the newest success; nil: none found
	Places   []Result      // the newest result of each other location, in the order of State.Locations
	Incident *Incident     // the open one
	Past     []Incident    // ended ones, newest first, at most 50
	Latency  []Bucket      // oldest first, of equal width
	P50      time.Duration // of the good checks in Span
	P95      time.Duration
	P99      time.Duration
	Max      time.Duration
	Uptime   []SpanShare // 24 h, 7 d, 30 d, 90 d
	Days     []Share     // the last 90 days in the instance's time zone, oldest first, today last
}

// SpanShare is the uptime of the span that ends now.
type SpanShare struct {
	Span time.Duration
	Share
}

// Bucket sums up the checks of a stretch of time.
type Bucket struct {
	Start  time.Time
	Checks int
	Failed int
	P50    time.Duration // of the good ones; 0: none
	P95    time.Duration
	Max    time.Duration
}

// Status is what a status export says: the whole of a snapshot, or a page of it.
type Status struct {
	Snapshot *Snapshot // States narrowed to the page, Counts to match
	Page     string    // "" for all
	Stale    bool      // read from a file: no engine answers
	Bare     bool      // the engine says nothing of itself: Config and Health are not known
}

type shareJSON struct {
	Up       *float64 `json:"up"`
	Coverage float64  `json:"coverage"`
	Low      *float64 `json:"up_min,omitempty"` // with a coverage below 0.99: if what is not known was down …
	High     *float64 `json:"up_max,omitempty"` // … and if it was up
}

func (s Share) json() shareJSON {
	j := shareJSON{Coverage: s.Coverage()}
	if up, ok := s.Uptime(); ok {
		j.Up = &up
	}
	if low, high, doubtful := s.Bounds(); doubtful {
		j.Low, j.High = &low, &high
	}
	return j
}

type stateJSON struct {
	Monitor   string               `json:"monitor"`
	Type      string               `json:"type"`
	Target    string               `json:"target"`
	Verdict   Verdict              `json:"verdict"`
	Mode      Mode                 `json:"mode"`
	Since     stamp                `json:"since"`
	Fault     Fault                `json:"fault"`
	Message   string               `json:"message"`
	Witness   string               `json:"witness,omitempty"`
	LastCheck stamp                `json:"last_check"`
	Total     millis               `json:"total_ms"`
	Uptime    map[string]shareJSON `json:"uptime"`
	Group     string               `json:"group"`
	Tags      []string             `json:"tags"`
	Incident  uint64               `json:"incident,omitempty"`
	Ack       *ackJSON             `json:"ack,omitempty"`
	Before    *Verdict             `json:"before,omitempty"`
	Interval  millis               `json:"interval_ms"`
	Next      *stamp               `json:"next_check,omitempty"`
	Until     *stamp               `json:"until,omitempty"`
	Caution   string               `json:"caution,omitempty"`
	Behind    string               `json:"behind,omitempty"`
}

// MarshalJSON writes a monitor of the public interface's status object.
func (s *State) MarshalJSON() ([]byte, error) { return marshal(s.json()) }

func (s *State) json() stateJSON {
	j := stateJSON{s.Name, s.Type, s.Target, s.Verdict, s.Mode, stamp(s.Since), s.Fault, s.Message, s.Witness, stamp(s.Last),
		millis(s.Total), map[string]shareJSON{"24h": s.Day.json()}, s.Group, s.Tags, s.Incident, ackOut(s.Ack), nil,
		millis(s.Interval), optional(s.Next), optional(s.Until), s.Caution, s.Behind}
	if s.Verdict == Suspect {
		j.Before = &s.Before
	}
	if j.Tags == nil {
		j.Tags = []string{}
	}
	return j
}

type statusJSON struct {
	Version  int            `json:"version"`
	Kind     string         `json:"kind"`
	Time     stamp          `json:"time"`
	Instance string         `json:"instance"`
	Page     string         `json:"page,omitempty"`
	Stale    bool           `json:"stale,omitempty"`
	Node     string         `json:"node,omitempty"`
	Counts   map[string]int `json:"counts"`
	Alerts   *alertsJSON    `json:"alerts,omitempty"`
	Monitors []*State       `json:"monitors"`
}

// MarshalJSON writes the status object of the public interface.
func (s Status) MarshalJSON() ([]byte, error) { return marshal(s.json()) }

func (s Status) json() statusJSON {
	c := s.Snapshot.Counts
	j := statusJSON{1, "status", stamp(s.Snapshot.Time), s.Snapshot.Instance, s.Page, s.Stale, s.Snapshot.Node,
		map[string]int{"up": c.Up, "suspect": c.Suspect, "degraded": c.Degraded, "down": c.Down, "unknown": c.Unknown,
			"pending": c.Pending, "maintenance": c.Maintenance, "paused": c.Paused}, s.alertsOut(), s.Snapshot.States}
	if j.Monitors == nil {
		j.Monitors = []*State{}
	}
	return j
}

// Link is how a console is joined to its engine. The zero value is an engine in the same process.
type Link struct {
	Attached bool
	Where    string    // the socket or host, for people
	Lost     time.Time // since when it does not answer; zero: it does
	Reason   string    // why not, in a few words
	Refused  bool      // it answers, but is of a version that does not speak to this console
	Tries    int       // to reach it again
	NextTry  time.Time // zero: one is under way
	ReadOnly bool
}
