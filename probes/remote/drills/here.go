//go:build linux

package main

import (
	"context"
	"strings"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/brokertest"
	"lookout/tui/cli/e2e"
)

// here has a page fail for the engine's own place, and for none of three real
// probes, and sees what the real program makes of it.
func (d *drill) here(ctx context.Context) error {
	dir, remove, err := d.temporary()
	if err != nil {
		return err
	}
	defer remove()
	d.say("here: building the binary")
	binary, err := e2e.Build(dir)
	if err != nil {
		return err
	}
	b, err := brokertest.Launch(ctx, brokertest.Options{})
	if err != nil {
		return err
	}
	defer b.Close()
	f, err := e2e.NewField()
	if err != nil {
		return err
	}
	defer f.Close()
	const page = "page"
	a, err := e2e.NewAway(ctx, binary, dir, b, b.Addr(), vhost, "[defaults]\ninterval = \"2s\"\n"+f.Monitor(page, ""), "fra/1", "nyc/1", "sgp/1")
	if err != nil {
		return err
	}
	defer a.Close()
	d.say("here: three probes join")
	if err := a.Live(ctx); err != nil {
		return err
	}
	err = until(ctx, time.Minute, "page that is up", func() bool {
		is, _, err := a.Shows(page)
		return err == nil && is == uptime.Up
	})
	if err != nil {
		return err
	}
	d.say("here: a page fails for the engine's own place alone; it keeps its doubt for %v", uptime.RuleAlone)
	r, err := a.OnlyHere(ctx, f, page)
	if err != nil {
		return err
	}
	d.most("remote_only_here_down", float64(r.Down), "verdicts", 0, "of a page checked each 2 s that answers 503 to the engine, and 200 to probes at fra, nyc and sgp, in the real program")
	said := 0
	if r.Verdict == uptime.Degraded && strings.HasPrefix(r.Message, "unreachable only from "+uptime.Local) {
		said = 1
	}
	d.least("remote_only_here_said", float64(said), "sentences", 1, "%s: %q %.0f s after it began to fail, in doubt after %.1f s; it stood still, and began anew to doubt, %d times", r.Verdict.Label(), r.Message, r.Said.Seconds(), r.Doubted.Seconds(), r.Stalls)
	return nil
}
