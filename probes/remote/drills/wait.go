//go:build linux

package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"lookout/engine/schedule"
	"lookout/engine/uptime"
)

// until asks every 20 ms until ok, for so long.
func until(ctx context.Context, most time.Duration, what string, ok func() bool) error {
	late := time.Now().Add(most)
	for !ok() {
		if time.Now().After(late) {
			return fmt.Errorf("no %s within %v", what, most)
		}
		if !pause(ctx, 20*time.Millisecond) {
			return context.Cause(ctx)
		}
	}
	return nil
}

// pause waits, and reports whether it was for all of d.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// byPhase sorts monitors as an engine numbers them.
func byPhase(jobs []uptime.Job) {
	slices.SortFunc(jobs, func(a, b uptime.Job) int {
		return cmp.Compare(schedule.Phase(a.Name, a.Interval), schedule.Phase(b.Name, b.Interval))
	})
}
