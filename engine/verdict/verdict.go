// Package verdict turns results into a verdict: evidence in, verdict out. It
// is pure: it is given the time and the results, and says what changed and
// when it wants to look again.
//
// Where other places can be asked, evidence decides, in log10 odds: a failing
// check at home makes a monitor suspect at once, and so does one that is slow to
// end; waves of second opinions from different networks add to the odds or take
// from them; it is down when the odds are high, two networks agree, the failure
// has lasted for the dwell, and a last look, at home and elsewhere, sees no
// success. What fails at one place only, for long, is degraded and says so.
//
// Where nobody can be asked (standalone), four more looks, spread over a window,
// must all fail, and one success clears the doubt. The window starts when the
// failure is known, not when its check began: after a time-out as long as the
// window there would be no time left to look again. One network that answers,
// and none of those that were asked, have windows of their own.
//
// The figures are those of a simulation (engine/sim plays the same code).
package verdict

import (
	"fmt"
	"slices"
	"time"

	"lookout/engine/uptime"
)

const (
	maxEvidence = 12

	// CUSUM of complaints: a complaint that was not confirmed, against a
	// success; raised after three in a row, or one in about thirty for long.
	scorePerComplaint = uptime.RuleComplaint
	scorePerSuccess   = -uptime.RuleSuccess
	scoreRaise        = uptime.RuleRaise
	closerAfter       = uptime.RuleCloserFor
	degradedDwell     = uptime.RuleDegradedDwell
)

// Params are the settings of one monitor that the rule depends on.
type Params struct {
	Node     string // the name of this node, for sentences
	Interval time.Duration
	Timeout  time.Duration
	P99      time.Duration // of home's good checks; 0: not known
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
	Before      uptime.Verdict // while Suspect or Unknown: what it was
	Since       time.Time      // of the verdict
	Fault       uptime.Fault
	Message     string
	Witness     string
	ConfirmedBy []string // of a Down: the other places that agree

	Judged   time.Time // when the newest result that told something came in
	Began    time.Time // when the newest check of those began
	Asked    time.Time // when the newest result of any kind came in
	Fails    int       // in a row
	Goods    int       // in a row
	Unknowns int       // in a row

	First    time.Time         // of a doubt: the start of its first failing check
	Doubt    time.Time         // when it began
	Looks    int               // failing checks since the first
	Path     bool              // one of them was a fault of the path
	Evidence []uptime.Evidence // of the doubt, and of the outage it became

	Outage    time.Time // when the running outage began: a moment without sight does not end it
	Good      time.Time // of a recovery: the start of its first success
	Score     float64   // CUSUM of complaints
	Raised    bool      // degraded because of the score
	Complaint time.Time // the newest one

	Only   string    // degraded because it fails at this place and nowhere else
	others opinions  // of the doubt, and of a recovery
	begun  time.Time // when the newest plan was
	step   string    // … and what for

	Open    bool      // an incident is open
	Flapped bool      // it was told that this one, or the last, came back
	Closed  time.Time // when the last outage ended
	Quiet   bool      // restored: coming back to Before is no news
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
	if r.Location != "" && r.Location != uptime.Local {
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
	if r.Outcome == uptime.OutcomeUnknown {
		return unjudged(m, r)
	}
	if r.Time.Before(m.Began) && (r.Outcome == uptime.OutcomeDown) != (m.Fails > 0) {
		return m, Decision{} // two overlapped, and the one that began later has said how it is now
	}
	if r.Time.After(m.Began) {
		m.Began = r.Time
	}
	if r.Outcome == uptime.OutcomeDown {
		m.Judged, m.Unknowns, m.Goods, m.Good = now, 0, 0, time.Time{}
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
	o, asked := m.others.answer(r.Location, r.Time, now)
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
	if now.Sub(m.Judged) <= uptime.RuleStale*p.Interval+p.Timeout {
		return m, Decision{}
	}
	for_ := now.Sub(m.Judged)
	m, d := m.blind(m.Judged.Add(uptime.RuleStale * p.Interval))
	m.Fault, m.Message = uptime.NoFault, "no result for "+uptime.Ago(for_)
	return m, d
}

// Resume prepares what was remembered for going on after a restart: a doubt
// starts over, and what is too old is unknown without being news.
func Resume(p Params, m Memory, now time.Time) Memory {
	if m.Verdict == uptime.Suspect {
		m.Verdict = m.Before
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

// need is the window of the running doubt.
func (m Memory) need(p Params) time.Duration {
	need := uptime.NeedFor(p.Interval, p.dwell(), m.Path)
	if m.Raised {
		need = max(need, degradedDwell)
	}
	return need
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

func failed(p Params, s Scene, m Memory, r *uptime.Result, now time.Time) (Memory, Decision) {
	var w float64
	switch {
	case m.Verdict == uptime.Down:
		d := Decision{}
		if m.Fault != r.Fault {
			m.Evidence = keep(m.Evidence, evidence(r, "check", 0))
			d = Decision{Incident: uptime.IncidentChanged, Since: r.Time, Evidence: m.Evidence}
		}
		m.Fault, m.Message = r.Fault, r.Message
		return m, d

	case m.wasDown(): // it still is, now that we see again
		quiet := m.Quiet
		m.Quiet = false
		m.Fault, m.Message = r.Fault, r.Message
		m.Evidence = keep(m.Evidence, evidence(r, "check", weight(r)))
		m, d := m.to(uptime.Down, m.Verdict, r.Time)
		d.Quiet = quiet
		if !m.Outage.IsZero() {
			m.Since = m.Outage
		}
		return m, d

	case m.Only != "": // known, and nobody else sees it
		m.Fault, m.Message = r.Fault, "unreachable only from "+m.others.raiser+": "+r.Message
		return m, Decision{}

	case m.Verdict != uptime.Suspect:
		from := m.said()
		m = m.doubt(s, uptime.Local, r.Time, now)
		m.Path = r.Side() == uptime.Path
		m, w = m.homeFailed(r, now)
		m.Evidence = []uptime.Evidence{evidence(r, "check", w)}
		m.Fault, m.Message = r.Fault, r.Message
		if !p.counted() || m.Fails < max(p.Rule.Failures, 1) {
			return m.to(uptime.Suspect, from, r.Time)
		}

	default:
		m.Looks++
		m.Path = m.Path || r.Side() == uptime.Path
		m, w = m.homeFailed(r, now)
		m.Evidence = keep(m.Evidence, evidence(r, m.stepOf(p, s, r), w))
		m.Fault, m.Message = r.Fault, r.Message
		if s.Others && !p.counted() {
			return m.decide(p, s, now)
		}
		if !m.confirmed(p, r) {
			return m, Decision{}
		}
	}
	return m.down(p, s, now)
}

// stepOf says what a check of home was for, in a doubt.
func (m Memory) stepOf(p Params, s Scene, r *uptime.Result) string {
	o := &m.others
	switch {
	case !s.Others && !r.Time.Before(m.Doubt.Add(m.need(p))), !o.last.IsZero() && !r.Time.Before(o.last):
		return "last"
	case o.waves > 0 && !r.Time.Before(o.wave) && !o.watching && r.Time.Sub(o.wave) < time.Second:
		return fmt.Sprintf("wave %d", o.waves)
	}
	return "dwell"
}

// confirmed reports whether the doubt has become certain with this failing result.
func (m Memory) confirmed(p Params, r *uptime.Result) bool {
	if p.counted() {
		return m.Fails >= max(p.Rule.Failures, 1)
	}
	return m.Looks >= uptime.RuleLooks && !r.Time.Before(m.Doubt.Add(m.need(p)))
}

func (m Memory) down(p Params, s Scene, now time.Time) (Memory, Decision) {
	m.Witness = witness(p, m)
	if s.Others && !p.counted() {
		m.Witness = m.witnesses(p, s, now)
		_, m.ConfirmedBy = m.others.failing(s)
	}
	m.others = opinions{}
	again := !m.Closed.IsZero() && now.Sub(m.Closed) <= uptime.RuleReopen
	phase := uptime.IncidentOpened
	switch {
	case m.Open: // degraded before, and perhaps down before that
		phase = uptime.IncidentChanged
	case again:
		phase = uptime.IncidentReopened
	}
	flapping := again && !m.Flapped
	m.Open, m.Outage, m.Flapped = true, m.First, again
	m, d := m.to(uptime.Down, m.Verdict, m.First)
	d.Incident, d.Again, d.Flapping, d.Evidence = phase, again, flapping, m.Evidence
	return m, d
}

// witness says who else was asked: here, nobody.
func witness(p Params, m Memory) string {
	const alone = "; nobody else was asked, there is nothing to compare with"
	switch {
	case p.Rule.Plain:
		return "only " + p.Node + " can tell"
	case p.counted() && p.Rule.Failures > 1:
		return fmt.Sprintf("%d failures in a row from %s%s", m.Fails, p.Node, alone)
	case m.Path:
		return "unreachable from " + p.Node + alone
	}
	return "failing from " + p.Node + alone
}

func succeeded(p Params, s Scene, m Memory, r *uptime.Result, now time.Time) (Memory, Decision) {
	switch {
	case m.wasDown():
		return recovering(p, s, m, r, now)
	case m.Only != "" && m.others.raiser == uptime.Local:
		return m.undoubted(p, r, now)
	case m.Only != "":
		return m, Decision{} // it is another place that fails
	case m.Verdict == uptime.Suspect && s.Others && !p.counted():
		m = m.homeSucceeded()
		m.Evidence = keep(m.Evidence, evidence(r, m.stepOf(p, s, r), oddsSuccess))
		if m, d := m.decide(p, s, now); !d.clear {
			return m, d
		}
	}
	return m.clear(p, r, now)
}

// clear sets the verdict after a success: a plain one, or one that ends a doubt.
func (m Memory) clear(p Params, r *uptime.Result, now time.Time) (Memory, Decision) {
	from, said := m.Verdict, m.said()
	if from == uptime.Suspect { // not confirmed
		if m.Fault.Side() == uptime.Target {
			m = m.complain(now)
			m.Message += "; fails now and then"
		}
	}
	m, to := m.judge(r, now)
	if to == from {
		if to == uptime.Up {
			m.Fault, m.Message = uptime.NoFault, ""
		}
		return m, Decision{}
	}
	quiet := m.Quiet && to == m.Before
	since := r.Time
	evid := keep(m.Evidence, evidence(r, "check", -3))
	m = m.settle()
	if to != uptime.Degraded {
		m.Fault, m.Message = uptime.NoFault, ""
	}
	m, d := m.to(to, said, since)
	d.Changed, d.Quiet, d.Evidence = true, quiet, evid
	m.Quiet = false
	switch {
	case to == uptime.Degraded && !m.Open:
		m.Open, m.Evidence = true, evid
		d.Incident = uptime.IncidentOpened
	case to == uptime.Up && m.Open:
		m.Open = false
		d.Incident = uptime.IncidentClosed
	}
	return m, d
}

// recovering takes a success of what is down.
func recovering(p Params, s Scene, m Memory, r *uptime.Result, now time.Time) (Memory, Decision) {
	if m.Good.IsZero() {
		m.Good = r.Time
	}
	if p.counted() && m.Goods < max(p.Rule.Recoveries, 1) || !p.counted() && !m.stays(s, r.Time) {
		return m, Decision{}
	}
	return m.recovered(r, now)
}

// stays reports whether what is up at home since Good is so at a time: two
// successes a while apart, and somebody else's, if one can be had. Who never
// has that may be shut out by the target.
func (m Memory) stays(s Scene, at time.Time) bool {
	up := at.Sub(m.Good)
	return up >= uptime.RuleRecoveryGap && (!s.Others || len(s.Places) == 0 || m.others.cleared || up >= aloneFor)
}

// recovered ends an outage.
func (m Memory) recovered(r *uptime.Result, now time.Time) (Memory, Decision) {
	from, since := m.said(), m.Good
	m, to := m.judge(r, now)
	m = m.settle()
	if to == uptime.Up {
		m.Fault, m.Message = uptime.NoFault, ""
	}
	m.Quiet, m.Witness, m.ConfirmedBy = false, "", nil
	m, d := m.to(to, from, since)
	d.Evidence = []uptime.Evidence{evidence(r, "check", oddsSuccess)}
	m.Closed = now
	if to == uptime.Up {
		m.Open = false
		d.Incident = uptime.IncidentClosed
	} else {
		d.Incident = uptime.IncidentChanged
	}
	return m, d
}

// judge says whether a success is a plain one, and keeps the score of complaints.
func (m Memory) judge(r *uptime.Result, now time.Time) (Memory, uptime.Verdict) {
	stands := false
	switch {
	case r.Outcome == uptime.OutcomeDegraded && tooSlow(r.Fault):
		m = m.complain(now)
	case r.Outcome == uptime.OutcomeDegraded:
		stands = true
	default:
		m.Score = max(m.Score+scorePerSuccess, 0)
	}
	if m.Score >= scoreRaise {
		m.Raised = true
	} else if m.Score == 0 {
		m.Raised = false
	}
	if r.Outcome == uptime.OutcomeDegraded && (stands || m.Raised) {
		m.Fault, m.Message = r.Fault, r.Message
	}
	if stands || m.Raised {
		return m, uptime.Degraded
	}
	return m, uptime.Up
}

// complain adds one complaint to the score, which has a ceiling so that a
// long bad time is over within two hours of good checks a minute.
func (m Memory) complain(now time.Time) Memory {
	m.Score = min(m.Score+scorePerComplaint, 1.5*scoreRaise)
	m.Complaint = now
	return m
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

func evidence(r *uptime.Result, step string, weight float64) uptime.Evidence {
	return uptime.Evidence{Time: r.Time, Location: r.Location, Step: step, Outcome: r.Outcome, Fault: r.Fault,
		Message: r.Message, Address: r.Address, Status: r.Status, Total: r.Total, Measures: r.Measures,
		Weight: weight, Vote: r.Outcome != uptime.OutcomeUnknown}
}

// keep appends to a copy, and drops from the middle what is too much: how it
// began and how it ended is what people ask for.
func keep(all []uptime.Evidence, e uptime.Evidence) []uptime.Evidence {
	all = append(slices.Clone(all), e)
	if len(all) > maxEvidence {
		all = slices.Delete(all, maxEvidence/2, maxEvidence/2+1)
	}
	return all
}

func tooSlow(f uptime.Fault) bool {
	switch f {
	case uptime.FaultHTTPTooSlow, uptime.FaultTCPTooSlow, uptime.FaultTLSTooSlow, uptime.FaultDNSTooSlow,
		uptime.FaultICMPTooSlow, uptime.FaultReplyTooSlow, uptime.FaultExecTooSlow, uptime.FaultDomainTooSlow:
		return true
	}
	return false
}
