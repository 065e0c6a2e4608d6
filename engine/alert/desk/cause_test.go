package desk

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// estate are eight monitors: a to d on one host, e to h on four others of its
// network, and i to l elsewhere.
func estate() []*uptime.Monitor {
	out := plain("a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l")
	for i, m := range out {
		switch {
		case i < 4:
			m.Dest = "192.0.2.7:443"
		case i < 8:
			m.Dest = fmt.Sprintf("192.0.2.%d:443", 10+i)
		default:
			m.Dest = fmt.Sprintf("203.0.%d.9:443", i)
		}
	}
	return out
}

var causeScripts = []struct {
	name   string
	routes []uptime.Route
	script string
	want   string
}{
	{name: "a host", script: `
		dead a b c d
		a down
		+5s
		b down
		+10s
		c down
		+1m
		d down
		+10m
		a up
		b up
		c up
		d up`, want: `
		10s ops opened host 192.0.2.7 #1 #2
		10m10s ops joined host 192.0.2.7 #1 #2 #3 #4
		11m15s ops recovered host 192.0.2.7 #1 #2 #3 #4`},
	{name: "a network", script: `
		dead a b c d e f g h
		a down
		+20s
		e down
		f down
		+2m
		a up
		e up
		f up`, want: `
		10s ops opened network 192.0.2.0/24 #1
		2m20s ops recovered network 192.0.2.0/24 #1 #2 #3`},
	{name: "two at once, and each for itself", script: `
		dead a e
		a down
		e down
		+1m
		a up
		e up`, want: `
		250ms ops opened #1
		250ms ops opened #2
		1m0s ops recovered #1
		1m0s ops recovered #2`},
	{name: "it came and went while it was held", script: `
		dead a b c d e f g h
		a down
		+5s
		a up
		+1m`, want: `
		10s ops collapsed network 192.0.2.0/24 #1`},
	{name: "its parent turns out to be down", script: `
		dead a b c d
		a down
		+2s
		a behind x
		+1m
		a up`},
	{name: "most of a cause are back, and one is not", script: `
		dead a b c d
		a down
		b down
		c down
		d down
		+15s
		a up
		b up
		c up
		+1h
		d up`, want: `
		250ms ops opened host 192.0.2.7 #1 #2 #3 #4
		10m0.25s ops joined host 192.0.2.7 #1 #2 #3 #4 3 over
		1h0m15s ops recovered host 192.0.2.7 #1 #2 #3 #4`},
	{name: "a later one of a cause that is long over for the others", script: `
		dead a b c d
		a down
		b down
		c down
		+15s
		alive a b c
		a up
		b up
		a well
		b well
		+30m
		d down
		+5s`, want: `
		250ms ops opened host 192.0.2.7 #1 #2 #3
		10m0.25s ops joined host 192.0.2.7 #1 #2 #3 2 over
		30m15.25s ops opened #4`},
	{name: "hours later another of a host that has been told, and one that was up again", script: `
		dead a b c d
		a down
		b down
		c down
		+5s
		alive c
		c up
		+3h
		d down
		+10s
		+1h
		dead c
		c down
		+1h
		a up
		b up
		c up
		d up`, want: `
		250ms ops opened host 192.0.2.7 #1 #2 #3
		10m0.25s ops joined host 192.0.2.7 #1 #2 #3 1 over
		3h0m5.25s ops opened #4
		4h0m15.25s ops opened #5
		5h0m15s ops recovered host 192.0.2.7 #1 #2 #3
		5h0m15s ops recovered #5
		5h0m15s ops recovered #4`},
	{name: "hours later the rest of a host", script: `
		dead a b c d
		a down
		b down
		+3h
		c down
		d down
		+1h
		c up
		d up
		+20m
		a up
		b up`, want: `
		10s ops opened host 192.0.2.7 #1 #2
		3h0m0.25s ops opened host 192.0.2.7 #3 #4
		4h0m0s ops recovered host 192.0.2.7 #3 #4
		4h20m0s ops recovered host 192.0.2.7 #1 #2`},
	{name: "one that is looked at every hour", script: `
		dead a b c hourly
		a down
		b down
		c down
		+50m
		hourly down
		+1m`, want: `
		250ms ops opened host 192.0.2.7 #1 #2 #3
		50m0.251s ops joined host 192.0.2.7 #1 #2 #3 #4`},
	{name: "a host that comes and goes", script: `
		dead a b c d
		a down
		b down
		+1m
		a up
		b up
		+3m
		a down
		b down
		+3m
		a up
		b up
		+3m
		b down
		+3m
		b up
		+15m`, want: `
		10s ops opened host 192.0.2.7 #1 #2
		1m0s ops recovered host 192.0.2.7 #1 #2
		4m0s ops flapping host 192.0.2.7 #1 #2 1 over
		23m0s ops recovered host 192.0.2.7 #1 #2`},
	{name: "reminders of a cause, of which one is acknowledged, and then the other", routes: []uptime.Route{{Channels: []string{"ops"}, Remind: 30 * time.Minute}}, script: `
		dead a b c d
		a down
		b down
		+20m
		a acked
		+20m
		b acked
		+2h
		a up
		b up`, want: `
		10s ops opened host 192.0.2.7 #1 #2
		30m10s ops reminder host 192.0.2.7 #1 #2
		2h40m0s ops recovered host 192.0.2.7 #1 #2`},
	{name: "two teams", routes: []uptime.Route{{Names: []string{"a", "b"}, Channels: []string{"ops"}}, {Channels: []string{"pager"}, Delay: 5 * time.Minute}}, script: `
		dead a b c d
		a down
		b down
		c down
		+10m
		d down
		+1m
		a up
		b up
		+1m
		c up
		d up`, want: `
		250ms ops opened host 192.0.2.7 #1 #2
		4m0s pager opened host 192.0.2.7 #3
		11m0s ops recovered host 192.0.2.7 #1 #2
		12m0s pager recovered host 192.0.2.7 #3`},
	{name: "escalated", routes: []uptime.Route{{Channels: []string{"ops"}, EscalateTo: []string{"pager"}, EscalateAfter: 5 * time.Minute}}, script: `
		dead a b c d
		a down
		b down
		+10m
		a up
		b up`, want: `
		10s ops opened host 192.0.2.7 #1 #2
		5m10s pager escalated host 192.0.2.7 #1 #2
		10m0s ops recovered host 192.0.2.7 #1 #2
		10m0s pager recovered host 192.0.2.7 #1 #2`},
	{name: "a new channel", script: `
		dead a b c d
		a down
		b down
		+1m
		channels ops pager
		+1m
		a up
		b up`, want: `
		10s ops opened host 192.0.2.7 #1 #2
		1m0s pager opened host 192.0.2.7 #1 #2
		2m0s ops recovered host 192.0.2.7 #1 #2
		2m0s pager recovered host 192.0.2.7 #1 #2`},
	{name: "told as degraded, and then all of it is down", routes: []uptime.Route{{Verdicts: []uptime.Verdict{uptime.Down, uptime.Degraded}, Channels: []string{"ops"}}}, script: `
		a degraded
		+1m
		b degraded
		+1m
		dead a b c d
		a down
		+20s
		b down
		+1m
		a up
		b up`, want: `
		250ms ops opened #1
		1m0.25s ops opened #2
		2m10s ops opened host 192.0.2.7 #1
		3m20s ops recovered host 192.0.2.7 #1 #2`},
}

// TestCauses plays scripts of what monitors share, as TestScripts does.
func TestCauses(t *testing.T) {
	for _, tc := range causeScripts {
		for _, way := range []string{"", "restarted", "lost"} {
			t.Run(strings.TrimSpace(tc.name+" "+way), func(t *testing.T) {
				o := Options{Instance: "web-1", Channels: []string{"ops", "pager"}, Routes: tc.routes}
				if tc.routes == nil {
					o.Channels = o.Channels[:1]
				}
				all := estate()
				if strings.Contains(tc.script, "hourly") {
					all[3].Name, all[3].Interval = "hourly", time.Hour
				}
				w := newWorld(t, o, all...).begin()
				w.restart, w.lose = way != "", way == "lost"
				w.play(tc.script)
				if got, want := w.told(), lines(tc.want); got != want {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
			})
		}
	}
}
