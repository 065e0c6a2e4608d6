// Command lossy runs checks of healthy targets, by name, over a link that loses
// packets, and checks of addresses that swallow everything. Each check that
// fails on the lossy link is a false alarm of our own making; each descriptor
// and goroutine that is left after the black hole is a leak.
//
// The link is a pair of tun devices in two network namespaces of their own, in
// two processes that hand each other the packets, drop some and delay the rest:
//
//	this process ── starts ──► far: tun, DNS, HTTP, TCP servers ◄── socket pair ──► near: tun, the checks
//
// It needs Linux, root and the ip command. Standard output has one line a
// figure; it exits 1 when it could not measure.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// How far away the targets are.
const delay = 20 * time.Millisecond

func main() {
	if side := os.Getenv(sideEnv); side != "" {
		os.Exit(code(runSide(side)))
	}
	checks := flag.Int("checks", 10_000, "checks of each kind")
	compare := flag.Bool("compare", true, "look the same names up with Go's resolver too")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	os.Exit(code(measure(ctx, *checks, *compare)))
}

func code(err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, "lossy:", err)
		return 1
	}
	return 0
}

// measure prints the figures.
func measure(ctx context.Context, checks int, compare bool) error {
	for _, loss := range []float64{0.001, 0.01} {
		r, err := Run(ctx, Work{Loss: loss, Delay: delay, Checks: checks, Compare: compare, Progress: true})
		if err != nil {
			return err
		}
		note := fmt.Sprintf("of %d by name at a time-out of %s", r.Checks, r.Timeout)
		if compare {
			note += fmt.Sprintf("; Go's resolver failed %d", r.GoFailed)
		}
		figure(fmt.Sprintf("lossy_failed_%gpct", loss*100), r.Failed, "checks", note)
		for _, why := range r.Why {
			fmt.Fprintln(os.Stderr, "lossy:", why)
		}
	}
	r, err := Run(ctx, Work{Delay: delay, Checks: checks, BlackHole: true, Progress: true})
	if err != nil {
		return err
	}
	figure("black_hole_fds_left", r.FDsLeft, "descriptors", fmt.Sprintf("2 s after %d checks, with %d at once", r.Checks, r.FDsPeak))
	figure("black_hole_goroutines_left", r.GoroutinesLeft, "goroutines", "as above")
	return nil
}

// figure prints what has to be nothing, and what it was counted of.
func figure(name string, value int, unit, note string) {
	verdict := "ok"
	if value > 0 {
		verdict = "MISS"
	}
	fmt.Printf("figure %s %d %s goal<=0 %s (%s)\n", name, value, unit, verdict, note)
}
