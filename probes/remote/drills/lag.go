//go:build linux

package main

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"lookout/engine/uptime"
)

// lag stops a probe that works, and sees until when its vote counts: the
// broker still takes it for connected.
func (d *drill) lag(ctx context.Context) error {
	web, stop, err := newTargets()
	if err != nil {
		return err
	}
	defer stop()
	w, err := d.newWorld(ctx, fmt.Sprintf("[[monitor]]\nname = \"page\"\nurl = %q\ninterval = \"1s\"\nlocations = [\"fra\"]\n", web.url), "fra/1")
	if err != nil {
		return err
	}
	defer w.close()
	if err := w.allLive(ctx, time.Minute); err != nil {
		return err
	}
	const tries = 3
	var worst, back time.Duration
	for i := range tries {
		d.say("lag: stopping the probe, %d of %d", i+1, tries)
		if err := w.posts[0].p.Signal(syscall.SIGSTOP); err != nil {
			return err
		}
		began := time.Now()
		if err := until(ctx, 2*time.Minute, "lagging probe", func() bool { return w.probes()["fra/1"].State != uptime.ProbeLive }); err != nil {
			return err
		}
		worst = max(worst, time.Since(began))
		if err := w.posts[0].p.Signal(syscall.SIGCONT); err != nil {
			return err
		}
		began = time.Now()
		if err := w.allLive(ctx, 3*time.Minute); err != nil {
			return err
		}
		back = max(back, time.Since(began))
	}
	d.most("remote_lagging_known", worst.Seconds(), "s", 30, "the slowest of %d SIGSTOP of a probe, asked five times a second; it was live again %.0f s after SIGCONT at the latest, by a hello and three canaries", tries, back.Seconds())
	return nil
}
