package verdict

import (
	"slices"
	"time"

	"lookout/engine/uptime"
)

// CUSUM of complaints: a complaint that was not confirmed, against a
// success; raised after three in a row, or one in about thirty for long.
const (
	scorePerComplaint = uptime.RuleComplaint
	scorePerSuccess   = -uptime.RuleSuccess
	scoreRaise        = uptime.RuleRaise
	closerAfter       = uptime.RuleCloserFor // after a complaint the checks are closer
	degradedDwell     = uptime.RuleDegradedDwell
	nowAndThen        = "; fails now and then"
)

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

// complained is what the newest complaint was about, as far as it is known.
func (m Memory) complained() (uptime.Fault, string) {
	for _, e := range slices.Backward(m.Evidence) {
		switch e.Outcome {
		case uptime.OutcomeDegraded:
			return e.Fault, e.Message
		case uptime.OutcomeDown:
			return e.Fault, e.Message + nowAndThen
		}
	}
	return uptime.NoFault, "fails now and then"
}

func tooSlow(f uptime.Fault) bool {
	switch f {
	case uptime.FaultHTTPTooSlow, uptime.FaultTCPTooSlow, uptime.FaultTLSTooSlow, uptime.FaultDNSTooSlow,
		uptime.FaultICMPTooSlow, uptime.FaultReplyTooSlow, uptime.FaultExecTooSlow, uptime.FaultDomainTooSlow:
		return true
	}
	return false
}
