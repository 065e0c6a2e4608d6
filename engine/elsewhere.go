package engine

import (
	"slices"

	"lookout/engine/uptime"
)

// Probes says what is known of the broker and of the probes behind it, by
// location and name. It returns at once; what it returns is not changed afterwards.
type Probes func() (uptime.Broker, []uptime.Probe)

// elsewhere puts into a snapshot who checks at other locations. A probe whose
// vote does not count checks nothing.
func (e *Engine) elsewhere(s *uptime.Snapshot) {
	s.Network = e.o.Network
	if e.o.Probes == nil {
		return
	}
	broker, probes := e.o.Probes()
	s.Broker, s.Probes = broker, slices.Clone(probes)
	s.Health.Probes += len(s.Probes)
	for i := range s.Probes {
		e.ledger(&s.Probes[i])
		if s.Probes[i].Votes() {
			s.Health.ProbesLive++
		}
	}
}
