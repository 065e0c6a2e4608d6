package verdict

import (
	"slices"
	"time"
)

// Step is the memory by a wall clock that was set by an amount: every stamp in
// it moves along, and is as long ago as it was. The stamps lose their monotonic
// readings, which cannot be moved apart from them; with an amount of 0 that is
// all that happens, so that the time counts that a machine was suspended.
func (m Memory) Step(by time.Duration) Memory {
	for _, t := range []*time.Time{&m.Since, &m.Judged, &m.Began, &m.Asked, &m.First, &m.Doubt, &m.Outage, &m.Good,
		&m.Complaint, &m.begun, &m.Closed, &m.others.wave, &m.others.last, &m.others.since} {
		move(t, by)
	}
	m.Evidence = slices.Clone(m.Evidence)
	for i := range m.Evidence {
		move(&m.Evidence[i].Time, by)
	}
	m.others.asked = slices.Clone(m.others.asked)
	for i := range m.others.asked {
		move(&m.others.asked[i].at, by)
		move(&m.others.asked[i].first, by)
		move(&m.others.asked[i].deadline, by)
	}
	return m
}

// Waited gives the answers that are out as much more time as nobody was there to take them.
func (m Memory) Waited(for_ time.Duration) Memory {
	m.others.asked = slices.Clone(m.others.asked)
	for i := range m.others.asked {
		if r := &m.others.asked[i]; !r.answered {
			r.deadline = r.deadline.Add(for_)
		}
	}
	return m
}

func move(t *time.Time, by time.Duration) {
	if !t.IsZero() {
		*t = t.Round(0).Add(by)
	}
}
