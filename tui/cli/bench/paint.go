package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"lookout/tui/cli/e2e"
)

// paint starts consoles on the running engine and measures from exec until a
// monitor that is down stands on the screen.
func (b *bench) paint(ctx context.Context, home *e2e.Home) error {
	soon, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	b.say("waiting until something is down")
	if err := e2e.Poll(soon, "a monitor that is down", func() bool {
		a, err := home.Run("status", "--problems")
		return err == nil && strings.Contains(a.Stdout, "\nDOWN")
	}); err != nil {
		return err
	}
	b.say("starting the console %d times", b.starts)
	var took []time.Duration
	for range b.starts {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		d, err := firstPaint(home)
		if err != nil {
			return err
		}
		took = append(took, d)
	}
	slices.Sort(took)
	b.figure(fmt.Sprintf("first_paint_%d_p50", b.monitors), millis(quantile(took, 0.5)), "ms", 60)
	b.figure(fmt.Sprintf("first_paint_%d_p95", b.monitors), millis(quantile(took, 0.95)), "ms", 120)
	return nil
}

func firstPaint(home *e2e.Home) (took time.Duration, err error) {
	start := time.Now()
	t, err := e2e.OpenTerminal(home.Command(), 120, 40)
	if err != nil {
		return 0, err
	}
	defer func() {
		t.Kill()
		_ = t.Hangup() // nothing is read from it any more
	}()
	err = t.Until("monitor that is down", 10*time.Second, func(s string) bool {
		return strings.Contains(s, "DOWN host-")
	})
	took = time.Since(start)
	if err != nil {
		return 0, err
	}
	if err := t.Keys("q"); err != nil {
		return 0, err
	}
	if _, err := t.Wait(5 * time.Second); err != nil {
		return 0, fmt.Errorf("leave the console: %w", err)
	}
	return took, nil
}
