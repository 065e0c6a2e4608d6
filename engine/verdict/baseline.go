package verdict

import (
	"slices"
	"time"

	"lookout/engine/uptime"
)

// Baseline is what a place found when it last checked the target of a monitor
// that was up. Who cannot see it then is no witness of its outages: a firewall
// may keep that place out for ever.
type Baseline struct {
	Location string
	At       time.Time
	Fails    bool
}

const maxBaselines = 64

// TakeBaseline notes what a place found when it checked for a baseline, which its
// probe does when the monitor comes to it and once a day. What it finds while the
// monitor is in doubt, and what tells nothing, is none.
func TakeBaseline(m Memory, r *uptime.Result, now time.Time) Memory {
	if !m.well() || r.Outcome == uptime.OutcomeUnknown {
		return m
	}
	return m.setBaseline(Baseline{r.Location, now, r.Outcome == uptime.OutcomeDown || abstains(r)})
}

func (m Memory) setBaseline(b Baseline) Memory {
	m.Baselines = slices.Clone(m.Baselines)
	if i := m.baseline(b.Location); i >= 0 {
		m.Baselines[i] = b
		return m
	}
	if m.Baselines = append(m.Baselines, b); len(m.Baselines) > maxBaselines { // of places that are gone
		oldest := 0
		for i := range m.Baselines {
			if m.Baselines[i].At.Before(m.Baselines[oldest].At) {
				oldest = i
			}
		}
		m.Baselines = slices.Delete(m.Baselines, oldest, oldest+1)
	}
	return m
}

// well reports whether nothing is in doubt: what a place finds now is its own affair.
func (m *Memory) well() bool {
	return m.Verdict == uptime.Up || m.Verdict == uptime.Degraded && m.Only == ""
}

func (m *Memory) baseline(location string) int {
	return slices.IndexFunc(m.Baselines, func(b Baseline) bool { return b.Location == location })
}

// voters is the scene without the places that fail their baseline.
func (s Scene) voters(m Memory) Scene {
	fails := func(place uptime.Place) bool {
		i := m.baseline(place.Location)
		return i >= 0 && m.Baselines[i].Fails
	}
	if len(m.Baselines) > 0 && slices.ContainsFunc(s.Places, fails) {
		s.Places = slices.DeleteFunc(slices.Clone(s.Places), fails)
	}
	return s
}

// abstains reports whether an answer says nothing about the target: its place
// is offline and knows it, or a wall in front of the target met it.
func abstains(r *uptime.Result) bool {
	return r.Outcome == uptime.OutcomeUnknown || r.Fault == uptime.FaultHTTPChallenged
}
