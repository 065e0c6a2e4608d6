package verdict

import (
	"time"

	"lookout/engine/uptime"
)

// recovering takes a success of what is down.
func recovering(p Params, s Scene, m Memory, r *uptime.Result, now time.Time) (Memory, Decision) {
	if m.Good.IsZero() {
		m.Good = r.Time
	}
	if p.counted() && m.Goods < max(p.Rule.Recoveries, 1) || !p.counted() && !m.stays(s, r.Time, now) {
		return m, Decision{}
	}
	return m.recovered(r, now)
}

// stays reports whether what is up at home since Good is so at a time: two
// successes a while apart, and somebody else's, if one can be had. Who is asked
// and never has that may be shut out by the target.
func (m Memory) stays(s Scene, at, now time.Time) bool {
	up := at.Sub(m.Good)
	return up >= uptime.RuleRecoveryGap && (!s.Others || len(s.Places) == 0 || m.others.cleared || m.others.unheard(now) || up >= aloneFor)
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

// seen ends an outage where no new check of home has to be waited for: another
// place sees it too, or nobody who was asked has answered.
func (m Memory) seen(s Scene, r *uptime.Result, now time.Time) (Memory, Decision) {
	if !m.wasDown() || m.Good.IsZero() || m.Fails > 0 || !m.stays(s, m.Began, now) {
		return m, Decision{}
	}
	return m.recovered(r, now)
}
