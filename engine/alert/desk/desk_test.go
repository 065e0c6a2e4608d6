package desk

import (
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

var script = []struct {
	name   string
	routes []uptime.Route
	script string
	want   string
}{
	{name: "down and up again", script: `
		a down
		+14m
		a up`, want: `
		0s ops opened #1
		14m0s ops recovered #1`},
	{name: "degraded is told to nobody", script: `
		a degraded
		+1h
		a up`},
	{name: "degraded where it is asked for, and then down", routes: []uptime.Route{{Verdicts: []uptime.Verdict{uptime.Down, uptime.Degraded}, Channels: []string{"ops"}}}, script: `
		a degraded
		+1m
		a down
		+1m
		a degraded
		+1m
		a up`, want: `
		0s ops opened #1
		1m0s ops opened #1
		3m0s ops recovered #1`},
	{name: "behind, and then not", script: `
		a behind b
		a down
		+1m
		a free
		+1m
		a up`, want: `
		1m0s ops opened #1
		2m0s ops recovered #1`},
	{name: "behind to its end", script: `
		a behind b
		a down
		+1m
		a up`},
	{name: "told, and then behind", script: `
		a down
		+1m
		a behind b
		+1m
		a up`, want: `
		0s ops opened #1
		2m0s ops recovered #1`},
	{name: "in maintenance", script: `
		a maintained
		a down
		+1m
		a up
		a active`},
	{name: "in maintenance, and longer", script: `
		a maintained
		a down
		+1m
		a active
		+1m
		a up`, want: `
		1m0s ops opened #1
		2m0s ops recovered #1`},
	{name: "maintenance while it is down", script: `
		a down
		+1m
		a maintained
		+1m
		a up
		+1m
		a active`, want: `
		0s ops opened #1
		2m0s ops recovered #1`},
	{name: "after a delay", routes: []uptime.Route{{Delay: 5 * time.Minute, Channels: []string{"ops"}}}, script: `
		a down
		b down
		+2m
		b up
		+10m
		a up`, want: `
		4m0s ops opened #1
		12m0s ops recovered #1`},
	{name: "a maintenance comes before the delay is over", routes: []uptime.Route{{Delay: 5 * time.Minute, Channels: []string{"ops"}}}, script: `
		a down
		+2m
		a maintained
		+10m
		a active
		+1m
		a up`, want: `
		12m0s ops opened #1
		13m0s ops recovered #1`},
	{name: "flapping for an hour", script: strings.Repeat("a down\n+3m\na up\n+3m\n", 10) + "+20m", want: `
		0s ops opened #1
		3m0s ops recovered #1
		6m0s ops flapping #1
		1h7m0s ops recovered #1`},
	{name: "it comes back, and nobody was told", routes: []uptime.Route{{Delay: 5 * time.Minute, Channels: []string{"ops"}}}, script: `
		a down
		+1m
		a up
		+1m
		a down
		+5m
		a up`, want: `
		6m0s ops opened #1
		7m0s ops recovered #1`},
	{name: "another after ten minutes", script: `
		a down
		+1m
		a up
		+15m
		a down`, want: `
		0s ops opened #1
		1m0s ops recovered #1
		16m0s ops opened #2`},
	{name: "reminders", routes: []uptime.Route{{Remind: 30 * time.Minute, Channels: []string{"ops"}}}, script: `
		a down
		+65m
		a acked
		+65m
		a unacked
		+65m
		a up
		+65m`, want: `
		0s ops opened #1
		30m0s ops reminder #1
		1h0m0s ops reminder #1
		2h40m0s ops reminder #1
		3h10m0s ops reminder #1
		3h15m0s ops recovered #1`},
	{name: "escalated", routes: []uptime.Route{{EscalateTo: []string{"pager"}, Channels: []string{"ops"}}}, script: `
		a down
		b down
		+14m
		b acked
		+1h
		a up`, want: `
		0s ops opened #1
		0s ops opened #2
		15m0s pager escalated #1
		15m0s pager escalated #2
		1h14m0s ops recovered #1
		1h14m0s pager recovered #1`},
	{name: "a new channel", script: `
		a down
		+1m
		channels ops pager web
		+1m
		a up`, want: `
		0s ops opened #1
		0s pager opened #1
		1m0s web opened #1
		2m0s ops recovered #1
		2m0s pager recovered #1
		2m0s web recovered #1`},
	{name: "a channel is removed, and comes back", script: `
		channels ops
		a down
		+1m
		channels pager
		+1m
		channels pager ops
		+1m
		a up`, want: `
		0s ops opened #1
		1m0s pager opened #1
		2m0s ops opened #1
		3m0s pager recovered #1
		3m0s ops recovered #1`},
}

// TestScripts plays each script as it is, with a desk that is made anew after
// every step, and with one whose every step is lost once before it is stored.
func TestScripts(t *testing.T) {
	for _, tc := range script {
		for _, way := range []string{"", "restarted", "lost"} {
			t.Run(strings.TrimSpace(tc.name+" "+way), func(t *testing.T) {
				o := Options{Instance: "web-1", Channels: []string{"ops", "pager"}, Routes: tc.routes}
				if tc.routes == nil && !strings.Contains(tc.script, "channels") {
					o.Channels = o.Channels[:1]
				}
				w := newWorld(t, o, plain("a", "b")...).begin()
				w.restart, w.lose = way != "", way == "lost"
				w.play(tc.script)
				if got, want := w.told(), lines(tc.want); got != want {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
			})
		}
	}
}
