//go:build linux

// Command drills puts the links between an engine and its probes to the test,
// over a RabbitMQ of its own, and prints one line a figure:
//
//	figure NAME VALUE UNIT goal<=GOAL ok
//
// and nothing else on standard output; what it is doing goes to standard error.
// It exits 0 whether or not a goal is met, and 1 when it could not measure. Ctrl-C
// stops it, and it says what it covered: the kills and resets so far are counted
// out. A second one ends it at once.
//
//	kills   the real engine and three real probes, and 100 random kill -9 over these
//	        and the broker; 20 resets of all connections; 60 s of a network that
//	        swallows everything. Each result is then looked for in the data file
//	lag     a real probe that is stopped: how long its vote counts
//	line    a broker's start; a line that swallows everything: when the link knows, and
//	        whether it ends
//	bytes   a probe with 1,000 monitors, and every byte of its link with TLS as Ethernet has it
//	load    3,000 results a second through one broker
//	ask     second opinions: what asking costs, and none begun after its deadline
//	here    the real engine and three real probes, and a page that fails for the engine
//	        alone: it is never down, and said to be unreachable only from there
//
// Line, bytes, load and ask run in this process, with the real dispatcher, worker, spool
// and link, and checks that only say what a check could have found.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	d := &drill{figures: os.Stdout, progress: os.Stderr}
	only := flag.String("only", "", "the drills to run, separated by commas: kills, lag, line, bytes, load, ask, here; default all")
	flag.IntVar(&d.kills, "kills", 100, "kill -9 over probes, engine and broker")
	flag.IntVar(&d.resets, "resets", 20, "of all connections")
	flag.DurationVar(&d.stall, "stall", time.Minute, "that the network swallows everything")
	flag.IntVar(&d.asks, "asks", 10_000, "requests with a deadline")
	flag.DurationVar(&d.outage, "outage", 30*time.Second, "of the broker, while they are asked")
	flag.DurationVar(&d.span, "span", time.Minute, "of bytes and load")
	flag.BoolVar(&d.keep, "keep", false, "leave the files, and say where")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	// A second signal ends us at once. Some send the first one twice, to us and to our group.
	context.AfterFunc(ctx, func() { time.AfterFunc(time.Second, stop) })
	err := d.run(ctx, *only)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "drills:", err)
		os.Exit(1)
	}
}

// run runs the named drills, one after the other.
func (d *drill) run(ctx context.Context, only string) error {
	type part struct {
		name string
		run  func(context.Context) error
	}
	parts := []part{{"bytes", d.bytes}, {"load", d.load}, {"ask", d.ask}, {"line", d.line}, {"lag", d.lag}, {"here", d.here}, {"kills", d.killing}}
	if only != "" {
		var some []part
		for name := range strings.SplitSeq(only, ",") {
			i := slices.IndexFunc(parts, func(p part) bool { return p.name == name })
			if i < 0 {
				return fmt.Errorf("-only %s: there are kills, lag, line, bytes, load, ask and here", name)
			}
			some = append(some, parts[i])
		}
		parts = some
	}
	var covered []string
	for _, p := range parts {
		err := p.run(ctx)
		switch {
		case err != nil && ctx.Err() != nil:
			return fmt.Errorf("stopped at %q; covered before, of %d drills: %s", d.doing, len(parts), cmp.Or(strings.Join(covered, ", "), "none"))
		case err != nil:
			return fmt.Errorf("%s: %w", p.name, err)
		case ctx.Err() != nil: // it made do with what there was
			return fmt.Errorf("stopped; covered of %d drills: %s", len(parts), strings.Join(append(covered, "a part of "+p.name), ", "))
		}
		covered = append(covered, p.name)
	}
	return nil
}
