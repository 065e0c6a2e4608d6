package desk

import (
	"time"

	"lookout/engine/uptime"
)

// Told is Who of whatever an incident is about: of a certificate near its end
// people are told whatever verdicts a route takes.
func Told(o *Options, m *uptime.Monitor, in *uptime.Incident, at time.Time) Whom {
	if in.Verdict == uptime.Degraded && (in.Fault == uptime.FaultTLSExpiresSoon || in.Fault == uptime.FaultTLSRenewalOverdue) {
		return whoCertificate(o, m, in.Fault, at)
	}
	return Who(o, m, in.Verdict, in.Fault, at)
}
