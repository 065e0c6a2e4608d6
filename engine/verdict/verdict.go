// Package verdict turns results into a verdict: evidence in, verdict out. It
// is pure: it is given the time and the results, and says what changed and
// when it wants to look again.
//
// Where other places can be asked, evidence decides, in log10 odds: a failing
// check at home makes a monitor suspect at once, and so does one that is slow to
// end; waves of second opinions from different networks add to the odds or take
// from them; it is down when the odds are high, two networks agree, the failure
// has lasted for the dwell, and a last look, at home and elsewhere, sees no
// success. What fails at some places only, for long, is degraded and says so.
//
// Where nobody can be asked (standalone), four more looks, spread over a window,
// must all fail, and one success clears the doubt. One network that answers, and
// none of those that were asked, have windows of their own. A window begins with
// the first failing check; where that took more than a quarter of it, when the
// failure was known, or there would be no time left to look again.
//
// Who has nothing to compare its own line with (Unproven) may say down after
// these windows, and says so. The answers of two other networks are something to
// compare with: they came over that line.
//
// One result that tells nothing, of a fault of our own, changes no verdict: it is
// run again. Two in a row make it unknown.
//
// That a node is blind is told by a probe that misses it, or by any peer: what
// cannot see cannot tell. The rule here has no part in it.
//
// Audit checks a Down by its evidence alone, as a reader can. The figures are
// those of a simulation (engine/sim plays the same code).
package verdict

import (
	"time"

	"lookout/engine/uptime"
)

// Params are the settings of one monitor that the rule depends on.
type Params struct {
	Node     string // the name of this node, for sentences
	Interval time.Duration
	Timeout  time.Duration
	P99      time.Duration // of home's good checks; 0: not known
	Flush    time.Duration // a result of home may be on its way here for so long; 0: home is here
	Rule     uptime.Rule
}

// retry is the interval of checks while something is not well.
func (p Params) retry() time.Duration {
	if p.counted() && p.Rule.RetryInterval > 0 {
		return p.Rule.RetryInterval
	}
	return min(p.Interval, uptime.RuleRetry)
}

// counted reports whether failures are just counted.
func (p Params) counted() bool { return p.Rule.Consecutive || p.Rule.Plain }

// Memory is what the rule remembers of a monitor from one result to the next.
// The zero value is a monitor that was never checked. Steps make new values.
type Memory struct {
	Verdict     uptime.Verdict
	Before      uptime.Verdict `json:",omitzero"` // while Suspect or Unknown: what it was
	Since       time.Time      `json:",omitzero"` // of the verdict
	Fault       uptime.Fault   `json:",omitzero"`
	Message     string         `json:",omitzero"`
	Witness     string         `json:",omitzero"`
	ConfirmedBy []string       `json:",omitzero"` // of a Down: the other places that agree

	Judged   time.Time `json:",omitzero"` // when the newest result that told something came in
	Began    time.Time `json:",omitzero"` // when the newest check of those began
	Asked    time.Time `json:",omitzero"` // when the newest result of any kind came in
	Fails    int       `json:",omitzero"` // of home, in a row
	Goods    int       `json:",omitzero"` // in a row
	Unknowns int       `json:",omitzero"` // in a row

	First    time.Time         `json:",omitzero"` // of a doubt: the start of its first failing check
	Doubt    time.Time         `json:",omitzero"` // when it began
	Looks    int               `json:",omitzero"` // failing checks of home beside the first
	Path     bool              `json:",omitzero"` // one of them was a fault of the path
	Evidence []uptime.Evidence `json:",omitzero"` // of the doubt, and of the outage it became

	Outage    time.Time `json:",omitzero"` // when the running outage began: a moment without sight does not end it
	Good      time.Time `json:",omitzero"` // of a recovery: the start of its first success
	Score     float64   `json:",omitzero"` // CUSUM of complaints
	Raised    bool      `json:",omitzero"` // degraded because of the score
	Complaint time.Time `json:",omitzero"` // the newest one

	Only   string    `json:",omitzero"` // degraded because it fails at these places and nowhere else
	others opinions  // of the doubt, and of a recovery
	begun  time.Time // when the newest plan was
	step   string    // … and what for

	Open    bool      `json:",omitzero"` // an incident is open
	Flapped bool      `json:",omitzero"` // it was told that this one, or the last, came back
	Closed  time.Time `json:",omitzero"` // when the last outage ended
	Quiet   bool      `json:",omitzero"` // restored: coming back to Before is no news

	Baselines []Baseline `json:",omitempty"`
}

// Decision is what a step changed. The zero value is nothing.
type Decision struct {
	Changed  bool // the verdict did
	From, To uptime.Verdict
	Since    time.Time // from when it holds
	Quiet    bool      // it is no news: the same as before a restart
	Incident string    // "" or a phase of uptime: opened, reopened, changed, closed
	Again    bool      // down within ten minutes of an outage: the same one, it pages nobody
	Flapping bool      // … and that is to be told now, once an incident
	Evidence []uptime.Evidence
	clear    bool // the doubt is over; the verdict is still to be set
}

// Step takes one result, which came in at now: of a check at home, or of a
// regular one at another place.
func Step(p Params, s Scene, m Memory, r *uptime.Result, now time.Time) (Memory, Decision) {
	s = s.voters(m)
	if r.Location != "" && r.Location != s.home() {
		place, counts := s.place(r.Location)
		if !counts {
			return m, Decision{}
		}
		return elsewhere(p, s, m, place, "", r, now)
	}
	if s.Self == Offline && r.Side() == uptime.Path && r.Outcome == uptime.OutcomeDown {
		void := *r
		void.Outcome, void.Fault, void.Message = uptime.OutcomeUnknown, uptime.FaultLocalNodeOffline, "this machine is offline; "+r.Message
		r = &void
	}
	m.Asked = now
	if m.Verdict == uptime.Suspect && r.Time.Equal(m.First) { // it was slow, and has ended
		m.Evidence = ended(m.Evidence, r)
		if r.Outcome != uptime.OutcomeDown {
			first, _ := earliest(m.Evidence)
			m.First = first.Time
			if first.Outcome == uptime.OutcomeDown && s.atHome(first.Location) {
				m.Looks = max(m.Looks-1, 0) // it is the first now, and no look after it
			}
		}
	}
	if r.Outcome == uptime.OutcomeUnknown {
		if m.Verdict == uptime.Suspect && r.Fault == uptime.FaultLocalNodeOffline {
			m = m.voided(s, now)
		}
		return unjudged(m, r)
	}
	if r.Time.Before(m.Began) && (r.Outcome == uptime.OutcomeDown) != (m.Fails > 0) {
		return m, Decision{} // two overlapped, and the one that began later has said how it is now
	}
	if r.Time.After(m.Began) {
		m.Began = r.Time
	}
	if r.Outcome == uptime.OutcomeDown {
		m.Judged, m.Unknowns, m.Goods = now, 0, 0
		if !m.Good.IsZero() { // of a recovery that was none: who confirmed it confirms nothing now
			m.Good = time.Time{}
			if m.wasDown() {
				m.others = opinions{}
			}
		}
		m.Fails++
		return failed(p, s, m, r, now)
	}
	m.Judged, m.Unknowns, m.Fails = now, 0, 0
	m.Goods++
	return succeeded(p, s, m, r, now)
}

// Answer takes what another place found when a Plan asked it. The result's Time
// is that at which the plan was begun, by the clock of home. An answer that
// comes too late, or after the doubt, counts for nothing.
func Answer(p Params, s Scene, m Memory, r *uptime.Result, now time.Time) (Memory, Decision) {
	s = s.voters(m)
	o, asked := m.others.answer(r, now)
	if asked == nil {
		return m, Decision{}
	}
	m.others = o
	return elsewhere(p, s, m, asked.Place, asked.step, r, now)
}

// Stale tells whether a monitor has been without a result for too long, and
// then makes it unknown from the moment at which its last result was used up.
func Stale(p Params, m Memory, now time.Time) (Memory, Decision) {
	if m.Verdict == uptime.Pending || m.Verdict == uptime.Unknown {
		return m, Decision{}
	}
	if now.Sub(m.Judged) <= uptime.RuleStale*p.Interval+p.Timeout+p.Flush {
		return m, Decision{}
	}
	for_ := now.Sub(m.Judged)
	m, d := m.blind(m.Judged.Add(uptime.RuleStale * p.Interval))
	m.Fault, m.Message = uptime.NoFault, "no result for "+uptime.Ago(for_)
	return m, d
}

// Resume prepares what was remembered for going on after a restart: a doubt
// starts over, so does what fails at some places only, of which nobody knows any
// more which those were, and what is too old is unknown without being news.
func Resume(p Params, m Memory, now time.Time) Memory {
	if m.Verdict == uptime.Suspect {
		m.Verdict = m.Before
		m = m.settle()
	}
	if m.Only != "" && m.others.raiser == "" {
		m = m.settle()
	}
	m.Good, m.Began = time.Time{}, time.Time{}
	if m.Verdict != uptime.Down && m.Verdict != uptime.Degraded && m.Verdict != uptime.Unknown {
		m.Fault, m.Message = uptime.NoFault, ""
	}
	if stale, d := Stale(p, m, now); d.Changed {
		m = stale
		m.Quiet = true
	}
	return m
}

// Forget keeps what happened and drops what is believed: the next result
// decides anew, as after a pause or another configuration. An open incident stays.
func (m Memory) Forget(now time.Time) Memory {
	if m.Verdict == uptime.Pending {
		return m
	}
	before := m.Verdict
	if before == uptime.Suspect || before == uptime.Unknown {
		before = m.Before
	}
	m = m.settle()
	m.Fails, m.Goods, m.Unknowns, m.Score, m.Raised = 0, 0, 0, 0, false
	m.Verdict, m.Before, m.Since, m.Quiet = uptime.Unknown, before, now, true
	m.Fault, m.Message = uptime.NoFault, "not checked since it was resumed or changed"
	return m
}

// said is the verdict that was last told: a restart that made it unknown told nobody.
func (m Memory) said() uptime.Verdict {
	if m.Quiet {
		return m.Before
	}
	return m.Verdict
}

// wasDown reports whether the monitor is down, or was before we lost sight of it.
func (m Memory) wasDown() bool {
	return m.Verdict == uptime.Down || m.Verdict == uptime.Unknown && m.Before == uptime.Down
}

// unjudged takes a result that tells nothing about the target.
func unjudged(m Memory, r *uptime.Result) (Memory, Decision) {
	m.Unknowns++
	if m.Verdict == uptime.Unknown {
		m.Fault, m.Message = r.Fault, r.Message
		return m, Decision{}
	}
	if m.Verdict != uptime.Pending && m.Unknowns < uptime.RuleStale {
		return m, Decision{}
	}
	m, d := m.blind(r.Time)
	m.Fault, m.Message = r.Fault, r.Message
	return m, d
}

// blind makes the verdict unknown.
func (m Memory) blind(since time.Time) (Memory, Decision) {
	from, before := m.Verdict, m.Verdict
	if m.Verdict == uptime.Suspect {
		before = m.Before
	}
	m = m.settle()
	m.Before, m.Quiet, m.Fails = before, false, 0
	return m.to(uptime.Unknown, from, since)
}

// settle ends a doubt.
func (m Memory) settle() Memory {
	m.First, m.Doubt, m.Looks, m.Path, m.Good = time.Time{}, time.Time{}, 0, false, time.Time{}
	m.others, m.Only = opinions{}, ""
	if !m.Open {
		m.Evidence = nil
	}
	return m
}

func (m Memory) to(v, from uptime.Verdict, since time.Time) (Memory, Decision) {
	m.Verdict, m.Since = v, since
	return m, Decision{Changed: v != from, From: from, To: v, Since: since, Evidence: m.Evidence}
}
