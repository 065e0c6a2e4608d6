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
//
// and, with the real binary, on machines of their own that a cable connects:
//
//	uplink  1,000 monitors behind one uplink that goes: how many letters, with a
//	        parent, without, and where there is nothing to compare with
//	rack    40 monitors behind a parent that dies
//	host    300 sites on a host that dies, among 1,000 on others
//
//	single  42 of 1,000 that go down alone: from the event to the mail that was taken
//	burst   10,000 jobs that fail at once, and a mail server that takes none for a
//	        while: what that does to checks and to what is shown
//
// Uplink, rack and host happen at the same time.
package main

import (
	"cmp"
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
	only := flag.String("only", "", "the drills to run, separated by commas: kills, pace, storm, uplink, rack, host, single, burst; default all")
	flag.IntVar(&d.kills, "kills", 500, "kill -9")
	flag.IntVar(&d.alerts, "alerts", 200, "of pace")
	flag.IntVar(&d.letters, "letters", 10_000, "of storm and burst")
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
	parts := []part{{"pace", d.pace}, {"storm", d.storm}, {"uplink", nil}, {"rack", nil}, {"host", nil}, {"single", d.single}, {"burst", d.burst}, {"kills", d.killing}}
	if only != "" {
		var some []part
		for name := range strings.SplitSeq(only, ",") {
			i := slices.IndexFunc(parts, func(p part) bool { return p.name == name })
			if i < 0 {
				return fmt.Errorf("-only %s: there are kills, pace, storm, uplink, rack, host, single and burst", name)
			}
			some = append(some, parts[i])
		}
		parts = some
	}
	var causes, covered []string
	for _, p := range parts {
		if p.run == nil {
			causes = append(causes, p.name)
		}
	}
	for _, p := range parts {
		switch {
		case p.run != nil:
		case p.name == causes[0]:
			p.name = strings.Join(causes, ", ")
			p.run = func(ctx context.Context) error { return d.causes(ctx, causes...) }
		default: // with the first
			continue
		}
		switch err := p.run(ctx); {
		case err != nil && ctx.Err() != nil:
			return fmt.Errorf("stopped in %s; covered before: %s", p.name, cmp.Or(strings.Join(covered, ", "), "nothing"))
		case err != nil:
			return fmt.Errorf("%s: %w", p.name, err)
		}
		covered = append(covered, p.name)
	}
	return nil
}

func (d *drill) say(format string, args ...any) { fmt.Fprintf(d.progress, format+"\n", args...) }
