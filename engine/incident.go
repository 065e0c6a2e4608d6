package engine

import (
	"fmt"
	"time"

	"lookout/engine/uptime"
	"lookout/engine/verdict"
)

// flapping tells, once an incident, that it is down again within ten minutes:
// whoever was told of it is not told again.
func (e *Engine) flapping(m *monitor, i *uptime.Incident, d verdict.Decision, now time.Time) {
	text := fmt.Sprintf("#%d flapping: down for the 2nd time in %.0f min", i.Number, uptime.RuleReopen.Minutes())
	i.Tell(uptime.Phase{Time: now.UTC().Round(0), Phase: uptime.IncidentFlapping, Verdict: m.mem.Verdict, Fault: i.Fault, Message: i.Message})
	e.emit(uptime.Event{Time: now, Kind: uptime.EventIncident, Monitor: m.job.Name, Since: d.Since, From: m.mem.Verdict, To: m.mem.Verdict,
		Fault: i.Fault, Message: text, Incident: i.Number, By: byEngine, Note: uptime.IncidentFlapping, Behind: i.Behind, Silenced: i.Silenced})
}

// saidBy is who did something to an incident, and why.
func saidBy(who, note string) string {
	if who == byEngine {
		return "its end has come"
	}
	if note == "" {
		return "by " + who
	}
	return uptime.Clean("by "+who+": "+note, 300)
}
