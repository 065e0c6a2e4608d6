package engine

import (
	"slices"

	"lookout/engine/uptime"
)

// Probes says what is known of the broker and of the probes behind it, by
// location and name. It returns at once; what it returns is not changed afterwards.
type Probes func() (uptime.Broker, []uptime.Probe)

// detailPlaces is how many other locations a Detail has a result of.
const detailPlaces = 16

// heardFrom is the newest result of each location of a monitor but the one
// that its history is of.
func (e *Engine) heardFrom(st *uptime.State, home string) ([]uptime.Result, error) {
	var out []uptime.Result
	for _, l := range st.Locations {
		if l.Location == home || len(out) == detailPlaces {
			continue
		}
		rs, err := e.o.Store.Results(uptime.ResultQuery{Monitor: st.Name, Location: l.Location, Limit: 1})
		if err != nil {
			return nil, err
		}
		out = append(out, rs...)
	}
	return out, nil
}

// elsewhere puts into a snapshot who checks at other locations. A probe whose
// vote does not count checks nothing.
func (e *Engine) elsewhere(s *uptime.Snapshot) {
	s.Network, s.Place = e.o.Network, e.o.Place
	if e.o.Probes != nil {
		broker, probes := e.o.Probes()
		s.Broker, s.Probes = broker, slices.Clone(probes)
	}
	for i := range s.Probes {
		e.ledger(&s.Probes[i])
	}
	e.lags.sample(s, s.Time.Sub(e.started))
	n := uptime.CountProbes(s.Node, s.Probes)
	s.Health.ProbesLive, s.Health.Probes = n.Live, n.Total()
}
