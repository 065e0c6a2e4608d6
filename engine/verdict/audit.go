package verdict

import (
	"fmt"
	"slices"
	"time"

	"lookout/engine/uptime"
)

// Audit checks the Down of a decision by its evidence alone, as a reader can:
// that it began with a failing check of which it says when, lasted long enough,
// failed at home last, and that either the weights come to the odds, two networks
// agree and a last look saw no success, or nobody was there to contradict and
// home failed in every look of a window. The memory is that after the decision.
// It returns what is missing; nil where nothing is, and for any other decision.
func Audit(p Params, s Scene, m Memory, d Decision, now time.Time) error {
	if !d.Changed || d.To != uptime.Down || d.Incident == "" {
		return nil // no new outage: seen again, or another cause
	}
	a := auditor{s: s, all: d.Evidence}
	first, ok := earliest(d.Evidence)
	switch {
	case !ok:
		return fmt.Errorf("no failing check among %d pieces of evidence", len(d.Evidence))
	case !first.Time.Equal(d.Since):
		return fmt.Errorf("down since %v, but the first failing check began at %v", d.Since, first.Time)
	case a.last(func(e uptime.Evidence) bool { return s.atHome(e.Location) }).Outcome != uptime.OutcomeDown:
		return fmt.Errorf("home did not fail last")
	case p.counted():
		if n := min(max(p.Rule.Failures, 1), maxEvidence); a.atHome(time.Time{}) < n {
			return fmt.Errorf("%d failing checks of %d", a.atHome(time.Time{}), n)
		}
		return nil
	}
	lasted := now.Sub(d.Since)
	dwell := m.dwells(p)
	if lasted < dwell {
		return fmt.Errorf("failed for %v, less than %v", lasted, dwell)
	}
	networks, against := a.networks()
	if len(networks) >= needPlaces {
		return a.several()
	}
	if len(against) > 0 {
		return fmt.Errorf("only %v agree, %v do not", networks, against)
	}
	path := slices.ContainsFunc(d.Evidence, func(e uptime.Evidence) bool {
		return s.atHome(e.Location) && e.Outcome == uptime.OutcomeDown && e.Fault.Side() == uptime.Path
	})
	need := uptime.NeedFor(p.Interval, dwell, path)
	if s.Others && len(networks) == 0 {
		need = max(silentNeed, dwell)
	}
	switch {
	case lasted < need:
		return fmt.Errorf("failed for %v, less than the window of %v", lasted, need)
	case a.atHome(d.Since) < uptime.RuleLooks:
		return fmt.Errorf("%d looks after the first failing check, less than %d", a.atHome(d.Since), uptime.RuleLooks)
	case slices.ContainsFunc(d.Evidence, func(e uptime.Evidence) bool {
		return s.atHome(e.Location) && e.Outcome != uptime.OutcomeDown && e.Time.After(d.Since)
	}):
		return fmt.Errorf("a check of home succeeded, and nobody else can tell")
	}
	return nil
}

// auditor adds up evidence by hand.
type auditor struct {
	s   Scene
	all []uptime.Evidence
}

// several checks what others say: the sum, and the last look.
func (a auditor) several() error {
	sum := oddsPrior
	for _, e := range a.all {
		sum += e.Weight
	}
	if sum < oddsDown-rounding {
		return fmt.Errorf("the weights come to %.2f, less than %v", sum, oddsDown)
	}
	success := time.Time{} // the newest
	for _, e := range a.all {
		if e.Vote && e.Outcome != uptime.OutcomeDown && e.Time.After(success) {
			success = e.Time
		}
	}
	if !slices.ContainsFunc(a.all, func(e uptime.Evidence) bool {
		return a.s.atHome(e.Location) && e.Step == "last" && e.Outcome == uptime.OutcomeDown && e.Time.After(success)
	}) {
		return fmt.Errorf("no last look without a success")
	}
	return nil
}

// last is the newest piece of those that match.
func (a auditor) last(match func(uptime.Evidence) bool) uptime.Evidence {
	var out uptime.Evidence
	for _, e := range a.all {
		if match(e) && !e.Time.Before(out.Time) {
			out = e
		}
	}
	return out
}

// atHome counts the failing checks of home that began after a time.
func (a auditor) atHome(after time.Time) int {
	n := 0
	for _, e := range a.all {
		if a.s.atHome(e.Location) && e.Outcome == uptime.OutcomeDown && e.Time.After(after) {
			n++
		}
	}
	return n
}

// networks are those, beside home's, that said last that it fails, and those
// that said last that it does not.
func (a auditor) networks() (failing, against []string) {
	said := map[string]uptime.Outcome{}
	for _, e := range a.all {
		if e.Vote && !a.s.atHome(e.Location) {
			network := e.Location // of a place that is gone since
			if place, ok := a.s.place(e.Location); ok {
				network = place.Network
			}
			said[network] = e.Outcome
		}
	}
	delete(said, a.s.Network)
	for network, o := range said {
		if o == uptime.OutcomeDown {
			failing = append(failing, network)
		} else {
			against = append(against, network)
		}
	}
	slices.Sort(failing)
	slices.Sort(against)
	return failing, against
}
