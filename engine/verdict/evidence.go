package verdict

import (
	"math"
	"slices"
	"time"

	"lookout/engine/uptime"
)

// maxEvidence is what five waves with their checks of home, those spread
// through the dwell, the first and the last look come to, and some.
const maxEvidence = 36

func evidence(r *uptime.Result, step string, weight float64) uptime.Evidence {
	return uptime.Evidence{Time: r.Time, Location: r.Location, Step: step, Outcome: r.Outcome, Fault: r.Fault,
		Message: r.Message, Address: r.Address, Status: r.Status, Total: r.Total, Measures: r.Measures,
		Weight: weight, Vote: r.Outcome != uptime.OutcomeUnknown}
}

// keep appends to a copy, and drops from the middle what is too much, that
// which weighs least: how it began, how it ended and what it was decided by is
// what people ask for.
func keep(all []uptime.Evidence, e uptime.Evidence) []uptime.Evidence {
	all = append(append(make([]uptime.Evidence, 0, len(all)+1), all...), e)
	if len(all) <= maxEvidence {
		return all
	}
	first, least := 0, -1
	for i := range all {
		if fails(all[i]) && (!fails(all[first]) || all[i].Time.Before(all[first].Time)) {
			first = i
		}
	}
	worth := func(i int) float64 {
		e := &all[i]
		of := func(x uptime.Evidence) bool { return x.Location == e.Location && x.Outcome == e.Outcome }
		repeated := slices.ContainsFunc(all[i+1:], of)
		switch {
		case repeated && e.Weight == 0:
			return 0
		case repeated && e.Outcome != uptime.OutcomeDown:
			return 0.1
		}
		return 1 + math.Abs(e.Weight)
	}
	for i := 1; i < len(all)-keepLast; i++ {
		if i != first && (least < 0 || worth(i) < worth(least)) {
			least = i
		}
	}
	return slices.Delete(all, least, least+1)
}

// keepLast is how much of the end of the evidence stays whatever it weighs: a last look.
const keepLast = 1 + 2*lastPlaces

// running is the evidence of a check of home that is slow to end: none yet.
func running(location string, started time.Time, message string) uptime.Evidence {
	return uptime.Evidence{Time: started, Location: location, Step: "check", Message: message}
}

// ended takes that out again: the check has a result.
func ended(all []uptime.Evidence, r *uptime.Result) []uptime.Evidence {
	return slices.DeleteFunc(slices.Clone(all), func(e uptime.Evidence) bool { return !e.Vote && e.Time.Equal(r.Time) })
}

// fails reports whether a piece of evidence is of a check that failed, or that still has no answer.
func fails(e uptime.Evidence) bool { return e.Outcome == uptime.OutcomeDown || !e.Vote }

// earliest is the first check in the evidence that fails; false for none.
func earliest(all []uptime.Evidence) (first uptime.Evidence, ok bool) {
	for _, e := range all {
		if fails(e) && (!ok || e.Time.Before(first.Time)) {
			first, ok = e, true
		}
	}
	return first, ok
}
