package verdict

import (
	"slices"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// TestBaselines has places say what they find while all is well: those that
// cannot see what is up have no vote.
func TestBaselines(t *testing.T) {
	p, s := params(time.Minute), Scene{Others: true, Places: five}
	said := func(m Memory, location string, f uptime.Fault, now time.Time) Memory {
		return TakeBaseline(m, &uptime.Result{Location: location, Fault: f, Outcome: f.Outcome()}, now)
	}
	m := Memory{}
	if m = said(m, "fra", uptime.FaultTCPTimeout, start); len(m.Baselines) > 0 {
		t.Error("a baseline of what was never seen up")
	}
	m, _ = Step(p, s, m, &uptime.Result{Time: start, Outcome: uptime.OutcomeUp}, start)
	if n := len(s.voters(m).Places); n != 5 {
		t.Errorf("%d votes before the first answer, want 5", n)
	}
	m = said(m, "fra", uptime.FaultTCPTimeout, start)
	m = said(m, "nyc", uptime.FaultHTTPChallenged, start)
	m = said(m, "sgp", uptime.NoFault, start)
	m = said(m, "lon", uptime.FaultLocalNodeOffline, start) // tells nothing
	var vote []string
	for _, place := range s.voters(m).Places {
		vote = append(vote, place.Location)
	}
	if want := []string{"sgp", "lon", "syd"}; !slices.Equal(vote, want) {
		t.Errorf("%v vote, want %v", vote, want)
	}
	m = said(m, "fra", uptime.NoFault, start.Add(24*time.Hour))
	if n := len(s.voters(m).Places); n != 4 {
		t.Errorf("%d votes after one can see it again, want 4", n)
	}
	down := start.Add(25 * time.Hour)
	m, _ = Step(p, s, m, &uptime.Result{Time: down, Fault: uptime.FaultTCPRefused, Outcome: uptime.OutcomeDown}, down)
	if m = said(m, "fra", uptime.FaultTCPRefused, down); len(s.voters(m).Places) != 4 {
		t.Error("what a place finds in a doubt was taken for its baseline")
	}
	m, _ = Step(p, s, Memory{}, &uptime.Result{Time: start, Outcome: uptime.OutcomeUp}, start)
	for i := range 2 * maxBaselines {
		m = said(m, string(rune('a'+i)), uptime.NoFault, down)
	}
	if len(m.Baselines) != maxBaselines {
		t.Errorf("%d are kept", len(m.Baselines))
	}
}
