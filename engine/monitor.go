package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"lookout/engine/depend"
	"lookout/engine/selfcheck"
	"lookout/engine/uptime"
	"lookout/engine/verdict"
)

// monitor is one monitor with all that is known of it. The loop owns it.
type monitor struct {
	job       uptime.Job
	params    verdict.Params
	mem       verdict.Memory
	mode      uptime.Mode
	until     time.Time // when the mode ends; zero: open
	modeSince time.Time
	windowed  bool      // the mode is a maintenance of the configuration
	out       time.Time // a person took it out of its windows until then
	rota      *rota     // its windows; nil: none
	ack       *uptime.Ack
	number    uint64           // of the open incident; 0: none
	closed    *uptime.Incident // the last one that ended, in case it comes back

	epoch     uint32 // grows when what is queued or in flight no longer counts
	plan      uint32 // grows when another extra check is planned
	inFlight  int
	queued    int            // due, and not started
	started   time.Time      // of the newest check
	regular   time.Time      // when the next regular check is due; zero: none
	extra     time.Time      // when the rule wants the next look; zero: not
	wanted    verdict.Plan   // … and what it wants then
	slow      time.Time      // start of the regular check that runs; zero: none does
	elsewhere seen           // what others last found
	others    []uptime.Place // who could be asked when the rule last wanted to know

	away  *away     // nil: its regular checks run here, perhaps elsewhere too
	since time.Time // when what is checked became another thing; zero: before the start

	judged  *judged     // nil: it is checked
	groups  []*monitor  // whose member it is
	beat    uptime.Beat // of the type beat
	slept   bool        // nothing was found since we stood still for long, or since the start
	learned learned
	dated   uptime.Fault // of the last result whose dates were believed
	servers string       // whom it asks for names, as selfcheck.Servers has it
	void    bool         // its last result was ours: it is checked again when we can see
	heard   time.Time    // when its newest result came in
	held    bool         // a result waits until it is known how our line was
	holds   int          // … and so many wait

	waits  uint8   // 1 + the rank in which its next look waits for its turn; 0: it does not
	staked *staked // what its doubt has claimed; nil: nothing

	needs   *depend.Needs[*monitor] // what it depends on; nil: nothing
	node    *depend.Node[*monitor]  // of those that depend on it; nil: nobody does
	asked   time.Time               // a check that begins after it is waited for by those; zero: not
	doubted time.Time               // until when its doubt counts for them
	freed   time.Time               // since when what its incident is behind no longer explains it; zero: it does
	good    time.Time               // when the newest check began that was no failure; zero: none was

	timeline uptime.Timeline
	history  history
	last     uptime.Result // without its steps and measures; Total is its Latency
	spoke    string        // the newest address that checks of its target spoke to
	cert     *uptime.Certificate

	checked uint64 // results taken
	saved   uint64 // checked when the state record was written
	save    bool   // the next batch takes the state record along
	moved   bool   // the state record does not know of a window
	stored  uint64 // Subject of the state record that was read at the start
	view    *uptime.State
	viewed  bool // view is current
}

func newMonitor(job uptime.Job, node string) *monitor {
	m := &monitor{}
	m.configure(job, node)
	return m
}

// configure gives a monitor its settings, at first and after a reload.
func (m *monitor) configure(job uptime.Job, node string) {
	m.job = job
	m.params = verdict.Params{Node: node, Interval: job.Interval, Timeout: job.Timeout, Rule: job.Rule}
	m.servers = selfcheck.Servers(job.Resolvers)
	switch elsewhere := len(job.Locations) > 0 && !m.checkedAt(uptime.Local); {
	case !elsewhere:
		m.away = nil
	case m.away == nil:
		m.away = &away{}
	}
	if m.away != nil {
		m.params.Flush, m.params.Node, m.void = probeFlush, m.away.home.Location, false
	}
	m.viewed = false
}

// begun notes that a check has started.
func (m *monitor) begun(c check) {
	m.inFlight++
	m.started = c.started
	m.viewed = false
}

// forget drops what is believed of the monitor: another thing is checked now, or it was not watched.
func (m *monitor) forget(now time.Time) {
	m.mem = m.mem.Forget(now)
	m.cert, m.learned = nil, learned{}
	m.counts(now, m.class(), now)
}

// touched has a monitor shown anew, and its state saved.
func (m *monitor) touched() { m.viewed, m.save = false, true }

// state is the monitor as others see it.
func (m *monitor) state(open *uptime.Incident, now time.Time) *uptime.State {
	if m.viewed {
		return m.view
	}
	next := m.regular
	if !m.extra.IsZero() && (next.IsZero() || m.extra.Before(next)) {
		next = m.extra
	}
	s := &uptime.State{
		Monitor: m.job.Monitor,
		Verdict: m.mem.Verdict, Before: m.mem.Before, Since: m.mem.Since,
		Mode: m.mode, Until: m.until,
		Fault: m.mem.Fault, Message: m.mem.Message,
		Incident: m.number, Ack: m.ack,
		Last: m.last.Time, Outcome: m.last.Outcome, Status: m.last.Status, Total: m.last.Latency(), Address: m.spoke,
		Next: next, Waiting: m.queued > 0 || m.waits > 0, Checks: m.checked,
		Recent: m.history.bar(), Spark: m.history.spark(now), P95: m.history.p95(now),
		Day:       m.timeline.Between(now.Add(-24*time.Hour), now),
		Locations: m.shown(now),
		Others:    m.others,
		Cert:      m.cert,
	}
	if open != nil {
		s.Behind = open.Behind
	}
	if s.Verdict == uptime.Down {
		s.Witness = m.mem.Witness
	}
	m.view, m.viewed = s, true
	return s
}

// class is what the running second counts as.
func (m *monitor) class() uptime.Class {
	return m.counting().Counts(m.mode)
}

const (
	keepTimeline = 91 * 24 * time.Hour
	maxChanges   = 4096 // of a timeline: a flapping monitor forgets its past, it does not eat the memory
)

// counts says that class holds from at on.
func (m *monitor) counts(at time.Time, class uptime.Class, now time.Time) {
	// By the wall clock, like what is stored: the monotonic one stands still in a suspended machine.
	m.keepLife(m.timeline.Set(at.Round(0), class), now)
}

// recounts says that class holds from at on, where a verdict counts at all.
func (m *monitor) recounts(at time.Time, class uptime.Class, now time.Time) {
	m.keepLife(m.timeline.Recount(at.Round(0), class), now)
}

func (m *monitor) keepLife(t uptime.Timeline, now time.Time) {
	m.timeline = t.Trim(now.Add(-keepTimeline))
	if n := len(m.timeline) - maxChanges; n > 0 {
		m.timeline = slices.Delete(m.timeline, 0, n)
	}
}

// follows reports whether the results since a monitor's state record say all
// that another record would: they are up, or down, like those before them, and
// nothing is being counted. It is so with nearly all of them nearly always.
func (m *monitor) follows() bool {
	mem := &m.mem
	switch {
	case m.checked == 0 || m.saved == 0 || m.judged != nil || m.mode != uptime.Active:
		return false
	case mem.Unknowns > 0 || mem.Score > 0 || mem.Raised || mem.Only != "" || mem.Quiet:
		return false
	case mem.Verdict == uptime.Up:
		return mem.Fails == 0
	case mem.Verdict == uptime.Down:
		return mem.Goods == 0 && mem.Good.IsZero()
	}
	return false
}

// record is a monitor's state as it is stored, behind a version byte.
type record struct {
	Memory   verdict.Memory
	Mode     uptime.Mode
	Until    time.Time
	ModeFrom time.Time
	Incident *uptime.Incident `json:",omitempty"` // the open one
	Closed   *uptime.Incident `json:",omitempty"` // the last one that ended
	Timeline [][2]int64       // Unix milliseconds, class
	History  storedHistory
	Last     uptime.Result
	Cert     *uptime.Certificate `json:",omitempty"`
	Checked  uint64
	Subject  uint64      `json:",omitempty"` // what all this is about
	Beat     uptime.Beat `json:",omitzero"`
	Learned  learned     `json:",omitzero"`
	Windowed bool        `json:",omitempty"`
	Out      time.Time   `json:",omitzero"`
	Good     time.Time   `json:",omitzero"`
}

const recordVersion = 1

func (m *monitor) encode(open *uptime.Incident) ([]byte, error) {
	r := record{m.mem, m.mode, m.until, m.modeSince, open, m.closed, make([][2]int64, len(m.timeline)), m.history.stored(), m.last, m.cert, m.checked, m.job.Subject, m.beat, m.learned, m.windowed, m.out, m.good}
	for i, c := range m.timeline {
		r.Timeline[i] = [2]int64{c.At.UnixMilli(), int64(c.Class)}
	}
	b, err := json.Marshal(r)
	return append([]byte{recordVersion}, b...), err
}

var errRecord = errors.New("state record of an unknown version")

// decode restores a monitor and returns its open incident.
func (m *monitor) decode(data []byte) (*uptime.Incident, error) {
	if len(data) == 0 || data[0] != recordVersion {
		return nil, errRecord
	}
	var r record
	if err := json.Unmarshal(data[1:], &r); err != nil {
		return nil, fmt.Errorf("state record: %w", err)
	}
	m.mem, m.mode, m.until, m.history, m.last, m.cert, m.checked = r.Memory, r.Mode, r.Until, r.History.history(), r.Last, r.Cert, r.Checked
	m.spoke = m.last.Address
	m.beat, m.learned, m.windowed, m.out, m.good = r.Beat, r.Learned, r.Windowed, r.Out, r.Good
	m.saved, m.closed, m.modeSince, m.stored = m.checked, r.Closed, r.ModeFrom, r.Subject
	for _, c := range r.Timeline {
		m.timeline = m.timeline.Set(time.UnixMilli(c[0]).UTC(), uptime.Class(c[1]))
	}
	for _, i := range []*uptime.Incident{r.Incident, r.Closed} {
		if i != nil { // the monitor may have been renamed while no engine ran
			i.Monitor = m.job.Name
		}
	}
	if r.Incident != nil {
		m.number, m.ack = r.Incident.Number, r.Incident.Ack
	}
	return r.Incident, nil
}

// observe takes a result into the history that screens show.
func (m *monitor) observe(r *uptime.Result) {
	m.checked++
	cell := uptime.CellUnknown
	switch r.Outcome {
	case uptime.OutcomeUp:
		cell = uptime.CellUp
	case uptime.OutcomeDegraded:
		cell = uptime.CellDegraded
	case uptime.OutcomeDown:
		cell = uptime.CellDown
	}
	if m.mode == uptime.Maintenance {
		cell = uptime.CellMaintenance
	}
	if (r.Outcome == uptime.OutcomeUp || r.Outcome == uptime.OutcomeDegraded) && r.Time.After(m.good) {
		m.good = r.Time
	}
	m.history.add(r, cell)
	if r.Address != "" || r.Target != m.last.Target { // one whose name was not found leaves it where it was
		m.spoke = r.Address
	}
	m.last = *r
	m.last.Steps, m.last.Measures, m.last.Cert, m.last.Total = nil, nil, nil, r.Latency()
	if r.Cert != nil {
		m.cert = r.Cert
	}
	m.viewed = false
}
