package uptime

import (
	"slices"
	"time"
)

// Phase is one entry of the story of an incident: that it was opened, that its
// cause is another, that it was closed and came back.
type Phase struct {
	Time    time.Time
	Phase   string // as the Note of an EventIncident, or acknowledged, unacknowledged
	Verdict Verdict
	Fault   Fault
	Message string // the cause from then on, or who did it and why
}

// Of the story of an incident, beside the phases of its events.
const (
	PhaseAcknowledged   = "acknowledged"
	PhaseUnacknowledged = "unacknowledged"
)

// maxPhases bounds the story of an incident whose cause changes all the time:
// what is dropped is from its middle.
const maxPhases = 32

// Tell adds to the story; published copies of the incident keep theirs.
func (i *Incident) Tell(p Phase) {
	i.Story = append(slices.Clone(i.Story), p)
	if len(i.Story) > maxPhases {
		i.Story = slices.Delete(i.Story, maxPhases/2, maxPhases/2+1)
	}
}

type phaseJSON struct {
	Time    stamp   `json:"time"`
	Phase   string  `json:"phase"`
	Verdict Verdict `json:"verdict"`
	Fault   Fault   `json:"fault"`
	Message string  `json:"message"`
}

func storyOut(in []Phase) []phaseJSON {
	out := make([]phaseJSON, len(in))
	for k, p := range in {
		out[k] = phaseJSON{stamp(p.Time), p.Phase, p.Verdict, p.Fault, p.Message}
	}
	return out
}

func storyIn(in []phaseJSON) []Phase {
	if len(in) == 0 {
		return nil
	}
	out := make([]Phase, len(in))
	for k, p := range in {
		out[k] = Phase{time.Time(p.Time), p.Phase, p.Verdict, p.Fault, p.Message}
	}
	return out
}
