package engine

import (
	"time"

	"lookout/engine/uptime"
	"lookout/engine/verdict"
)

// baseline has the places that may confirm a monitor check it, once when they
// come to it and once a day: who cannot see it while it is up is no witness. As
// long as doubts wait for their turn these wait for the next round.
func (e *Engine) baseline(m *monitor, now time.Time) {
	if e.o.Remote == nil || m.judged != nil || m.mode != uptime.Active || e.self == verdict.Offline || e.budget.waiting > 0 {
		return
	}
	for _, place := range verdict.DueBaselines(m.params, e.scene(m), m.mem, now) {
		m.mem = verdict.AskBaseline(m.mem, place.Location, now)
		e.askAt(m, place, m.job.Timeout, true, now)
	}
}
