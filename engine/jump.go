package engine

import (
	"fmt"
	"time"

	"lookout/engine/uptime"
)

// jump is what the wall clock was set by, while nothing confirms it: the dates
// of certificates alone are judged by that clock. Zero: nothing is in doubt.
//
// It is confirmed by a time service that keeps the clock, by being set back, or
// when as much time has gone by as it was set by: then the clock as it ran
// before agrees, for a step forward. Until then a date counts where both clocks
// say the same of it.
type jump struct {
	by time.Duration
	at time.Time
}

// doubt adds a step of the clock.
func (j *jump) doubt(by time.Duration, now time.Time) {
	j.by, j.at = j.by+by, now
	if j.by.Abs() <= stepLeast {
		*j = jump{}
	}
}

// confirm ends the doubt where it can, once a second.
func (j *jump) confirm(synced func() bool, now time.Time) {
	if j.by != 0 && (now.Sub(j.at) >= j.by.Abs() || synced != nil && synced()) {
		*j = jump{}
	}
}

// undated takes from a result what it says of the dates of certificates, if only
// the step of the clock makes it say so: an outage that begins with it, or ends.
func (e *Engine) undated(m *monitor, r *uptime.Result, now time.Time) {
	if e.jump.by == 0 || !e.jump.decides(m, r, now) {
		if r.Outcome != uptime.OutcomeUnknown {
			m.dated = r.Fault
		}
		return
	}
	was := r.Message
	if was == "" {
		was = "the certificate is valid"
	}
	dir := "forward"
	if e.jump.by < 0 {
		dir = "back"
	}
	r.Message = uptime.Clean(fmt.Sprintf("by a clock that was set %s %s, which nothing confirms yet: %s", dir, uptime.Ago(e.jump.by.Abs()), was), 300)
	r.Outcome, r.Fault = uptime.OutcomeUnknown, uptime.FaultLocalClockJump
}

// decides reports whether a result would be another one by the clock as it ran before.
func (j jump) decides(m *monitor, r *uptime.Result, now time.Time) bool {
	c, before := r.Cert, now.Add(-j.by)
	valid := func(at time.Time) bool { return !at.Before(c.NotBefore) && !at.After(c.NotAfter) }
	known := m.dated
	switch r.Fault {
	case uptime.FaultTLSExpired, uptime.FaultTLSNotYetValid:
		return c == nil || valid(before)
	case uptime.FaultTLSIntermediateExpired: // whose dates are not known here
		return known != r.Fault
	case uptime.FaultTLSExpiresSoon:
		return j.by > 0 && known != r.Fault && (c == nil || !m.learned.warned(c))
	case uptime.NoFault:
		switch known {
		case uptime.FaultTLSExpired, uptime.FaultTLSNotYetValid:
			return c != nil && !valid(before)
		case uptime.FaultTLSIntermediateExpired:
			return true
		case uptime.FaultTLSExpiresSoon:
			return j.by < 0 && c != nil && m.learned.warned(c)
		}
	}
	return false
}

// warned reports whether a check has said that this very certificate expires soon.
func (l *learned) warned(c *uptime.Certificate) bool {
	for _, s := range l.Certs {
		if s.Serial == c.Serial && s.Issuer == c.Issuer {
			return !s.Warned.IsZero()
		}
	}
	return false
}
