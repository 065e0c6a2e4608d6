package probes

import (
	"context"
	"net"
	"slices"

	"lookout/engine/uptime"
)

// tcpType connects and, if wanted, holds a dialogue.
func tcpType(sys *system) uptime.CheckType {
	values, expect := dialogueKeys("connected")
	return uptime.CheckType{
		Name:     "tcp",
		Schemes:  []string{"tcp"},
		Summary:  "connects to a TCP port; can send text and look at what comes back",
		Measures: []string{"dns", "connect", "ttfb"},
		Keys:     values,
		Expect:   expect,
		New: func(s uptime.Settings) (uptime.Check, []uptime.Mistake) {
			f := form{Settings: s}
			c := tcpCheck{sys: sys, to: f.endpoint(0), turns: slices.Concat(f.sending(), f.banner(), f.dialogue())}
			f.noPath()
			return f.done(uptime.Check{Checker: c, Dest: c.to.String(), Expect: expected(c.turns)})
		},
	}
}

type tcpCheck struct {
	sys   *system
	to    endpoint
	turns []turn
}

// Check connects and goes through the dialogue.
func (c tcpCheck) Check(ctx context.Context) uptime.Result {
	return c.sys.speak(ctx, c.to, func(t *trace, conn net.Conn) *failure {
		k := talk{conn: conn, t: t}
		return k.run(ctx, c.turns)
	})
}
