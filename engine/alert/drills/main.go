// Command drills puts telling people to the test, with the real data file, the
// real office and real mail over loopback to a server of its own, and prints one
// line a figure:
//
//	figure NAME VALUE UNIT goal<=GOAL ok
//
// and nothing else on standard output; what it is doing goes to standard error.
// It exits 0 whether or not a goal is met, and 1 when it could not measure. Ctrl-C
// stops it; the kills so far are counted out.
//
//	kills   500 random kill -9 of a process that opens and closes incidents, and
//	        tells 16 channels of them while the mail server refuses a fifth of all
//	        mails for now: what was lost, what came twice
//	pace    the real engine: from the event that somebody is down to the mail that was taken
//	storm   10,000 letters that wait: what they do to checks, screens and the store
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	if dir := os.Getenv(victimEnv); dir != "" {
		if err := victim(dir, os.Getenv(serverEnv), os.Getenv(drainEnv) != ""); err != nil {
			fmt.Fprintln(os.Stderr, "victim:", err)
			os.Exit(1)
		}
		return
	}
	d := &drill{figures: os.Stdout, progress: os.Stderr}
	only := flag.String("only", "", "the drills to run, separated by commas: kills, pace, storm; default all")
	flag.IntVar(&d.kills, "kills", 500, "kill -9")
	flag.IntVar(&d.alerts, "alerts", 200, "of pace")
	flag.IntVar(&d.letters, "letters", 10_000, "of storm")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, func() { time.AfterFunc(time.Second, stop) }) // a second signal ends us at once
	err := d.run(ctx, *only)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "drills:", err)
		os.Exit(1)
	}
}

// drill is what to do, and where to say it.
type drill struct {
	figures, progress      io.Writer
	kills, alerts, letters int
}

func (d *drill) run(ctx context.Context, only string) error {
	type part struct {
		name string
		run  func(context.Context) error
	}
	parts := []part{{"pace", d.pace}, {"storm", d.storm}, {"kills", d.killing}}
	if only != "" {
		var some []part
		for name := range strings.SplitSeq(only, ",") {
			i := slices.IndexFunc(parts, func(p part) bool { return p.name == name })
			if i < 0 {
				return fmt.Errorf("-only %s: there are kills, pace and storm", name)
			}
			some = append(some, parts[i])
		}
		parts = some
	}
	for _, p := range parts {
		if err := p.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

func (d *drill) say(format string, args ...any) { fmt.Fprintf(d.progress, format+"\n", args...) }
