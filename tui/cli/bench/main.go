// Command bench measures the real binary on this machine and prints one line a
// figure:
//
//	figure NAME VALUE UNIT goal<=GOAL ok
//
// and nothing else on standard output; what it is doing goes to standard
// error. It exits 0 whether or not a goal is met, and 1 when it could not
// measure. Run it on a quiet machine.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"lookout/engine/figure"
	"lookout/tui/cli/e2e"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == "targets" {
		os.Exit(code(serveTargets(os.Stdin, os.Stdout)))
	}
	if len(os.Args) == 2 && os.Args[1] == "web" {
		os.Exit(code(serveWeb(os.Stdin, os.Stdout)))
	}
	span := flag.Duration("span", time.Minute, "of the load")
	monitors := flag.Int("monitors", 1000, "of the load")
	starts := flag.Int("starts", 20, "of the console")
	only := flag.String("only", "", "measure this alone: path")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	b := &bench{figures: os.Stdout, progress: os.Stderr, span: *span, monitors: *monitors, starts: *starts, only: *only}
	os.Exit(code(b.run(ctx)))
}

func code(err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

type bench struct {
	figures  io.Writer
	progress io.Writer
	span     time.Duration
	monitors int
	starts   int
	only     string
}

func (b *bench) run(ctx context.Context) error {
	switch b.only {
	case "":
	case "path":
		return b.path(ctx)
	default:
		return fmt.Errorf("-only %s: there is path", b.only)
	}
	if err := b.status(); err != nil {
		return err
	}
	if err := b.path(ctx); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "lookout-bench-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b.say("building the binary")
	binary, err := e2e.Build(dir)
	if err != nil {
		return err
	}
	return b.load(ctx, binary, dir)
}

func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.progress, format+"\n", args...) }

// figure prints a value that should be at most the goal.
func (b *bench) figure(name string, value float64, unit string, goal float64) {
	figure.Most(b.figures, name, value, unit, goal, "")
}

// quantile is the value below which a share of the sorted durations lies.
func quantile(sorted []time.Duration, share float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]
}

func millis(d time.Duration) float64 { return float64(d) / 1e6 }

// median runs f n times and returns the median of what it took.
func median(n int, f func() error) (time.Duration, error) {
	took := make([]time.Duration, n)
	for i := range took {
		start := time.Now()
		if err := f(); err != nil {
			return 0, err
		}
		took[i] = time.Since(start)
	}
	slices.Sort(took)
	return quantile(took, 0.5), nil
}
