package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"lookout/engine/uptime"
)

// Alone is what an engine made of a page that fails for its own place, and for nobody else.
type Alone struct {
	Verdict uptime.Verdict // as status shows it at the end
	Message string
	Down    int           // verdicts, all the time
	Stalls  int           // of the engine, meanwhile: of each the doubt begins anew
	Doubted time.Duration // from when the page failed until it was in doubt
	Said    time.Duration // … until it was said to be unreachable only from here
}

// OnlyHere has a page that is up fail for the engine's own place alone, until
// the engine says so: after uptime.RuleAlone, since a doubt that nobody shares is
// kept for so long. On a machine where the engine stands still for a second now
// and then it begins anew, so there is time for three.
func (a *Away) OnlyHere(ctx context.Context, f *Field, page string) (Alone, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*uptime.RuleAlone)
	defer cancel()
	began := time.Now()
	f.Fails(page, uptime.Local)
	doubt, err := a.Verdict(ctx, page, uptime.Suspect)
	if err != nil {
		return Alone{}, err
	}
	said, err := a.Verdict(ctx, page, uptime.Degraded)
	if err != nil {
		return Alone{}, err
	}
	out := Alone{Doubted: doubt.Time.Sub(began), Said: said.Time.Sub(began)}
	for out.Verdict != uptime.Degraded { // status is as old as a frame of the screen, an event is not
		if out.Verdict, out.Message, err = a.Shows(page); err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return Alone{}, err
		}
	}
	all, err := a.Events()
	for _, e := range all {
		switch {
		case e.Kind == uptime.EventVerdict && e.Monitor == page && e.To == uptime.Down:
			out.Down++
		case e.Kind == uptime.EventVerdict && e.Monitor == page && e.Fault == uptime.FaultLocalStalled:
			out.Stalls++
		}
	}
	return out, err
}

// Shows is what status says of a monitor.
func (h *Home) Shows(monitor string) (uptime.Verdict, string, error) {
	out, err := h.Run("status", "--format", "json")
	if err != nil {
		return 0, "", err
	}
	var s struct {
		Monitors []struct {
			Monitor, Message string
			Verdict          uptime.Verdict
		}
	}
	if err := json.Unmarshal([]byte(out.Stdout), &s); err != nil {
		return 0, "", fmt.Errorf("lookout status: %w; exit code %d: %s", err, out.Code, out.Stderr)
	}
	for _, m := range s.Monitors {
		if m.Monitor == monitor {
			return m.Verdict, m.Message, nil
		}
	}
	return 0, "", fmt.Errorf("lookout status does not have %s", monitor)
}
