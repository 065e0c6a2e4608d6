package engine

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
)

// gone is a name that its own zone's server does not know either.
type gone struct{ *targets }

func (g gone) Run(ctx context.Context, job uptime.Job) uptime.Result {
	r := g.targets.Run(ctx, job)
	r.Steps = []uptime.Step{{Step: "dns"}, {Step: uptime.StepDNSZone, Detail: uptime.DetailAgrees}}
	return r
}

// TestRuleSeesSteps has the rule weigh what others say of a name.
func TestRuleSeesSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tg := newMemory(), newTargets()
		tg.set("a", uptime.FaultDNSNxdomain)
		e := start(t, s, gone{tg}, job("a", time.Minute))
		time.Sleep(2 * time.Minute)
		e.stop()
		if i := s.inc[1]; len(i.Evidence) == 0 || i.Evidence[0].Weight != 3.5 {
			t.Errorf("%+v", i.Evidence)
		}
	})
}
