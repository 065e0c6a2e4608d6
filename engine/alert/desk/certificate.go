package desk

import (
	"time"

	"lookout/engine/uptime"
)

type certificates struct{ Told map[string]time.Time }

func (c *certificates) due() time.Time { return time.Time{} }

// nearEnd reports whether an event is that a certificate is near its end.
func nearEnd(ev *uptime.Event) bool { return ev.To == uptime.Degraded && ofCertificate(ev.Fault) }

func ofCertificate(f uptime.Fault) bool {
	return f == uptime.FaultTLSExpiresSoon || f == uptime.FaultTLSRenewalOverdue
}

func (d *Desk) certificate(ev *uptime.Event, s *uptime.Snapshot, now time.Time) {}
func (d *Desk) ringCerts(now time.Time)                                         {}
