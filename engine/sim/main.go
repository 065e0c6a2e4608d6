// Command sim plays the rule of package verdict against invented faults, years
// of them, beside the rules that others have, and prints how often each pages
// for nothing and how late for something.
//
// The faults are invented: this compares rules and finds holes in them, it
// predicts nobody's pager. Their rates are in world.go. What decides is the code
// of an engine: package verdict, and package selfcheck with four anchors and two
// resolvers (line.go), unless a row says that it is unproven. Time in which
// nothing happens is skipped, by drawing when the next packet is lost. Each Down
// of ours is audited by its evidence alone; one that does not hold is a panic with
// the seed of its year.
//
// The figures go to standard output, a line each; the table, the progress and
// the seeds of years with a false page to standard error. It exits 0 whether or
// not a goal is met, also when it is stopped: it says how much it covered.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	c := command{figures: os.Stdout, progress: os.Stderr}
	flag.IntVar(&c.years, "years", 10000, "monitor-years of the recommended rule; the other rows have a tenth")
	flag.Uint64Var(&c.seed, "seed", 1, "of the first year; each has its own")
	flag.Float64Var(&c.noise, "noise", 1, "multiplies the faults that are not the target's")
	flag.StringVar(&c.only, "only", "", "the rows whose name has this in it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := c.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "sim:", err)
		os.Exit(1)
	}
}

type command struct {
	figures  io.Writer
	progress io.Writer
	years    int
	seed     uint64
	noise    float64
	only     string
}

func (c *command) run(ctx context.Context) error {
	if c.years < 1 || !(c.noise > 0) {
		return errors.New("-years and -noise must be more than 0")
	}
	fmt.Fprintf(c.progress, "seeds from %d, noise x%g; %s\n%s\n", c.seed, c.noise, "each row is of the same years", heading)
	covered := 0
	for _, r := range rows() {
		if !strings.Contains(r.name, c.only) {
			continue
		}
		years := c.years
		if r.share > 0 {
			years = max(years/r.share, 1)
		}
		s := c.play(ctx, r, years)
		if s.years == 0 {
			break
		}
		covered++
		fmt.Fprintln(c.progress, s.line(r.name))
		if n := len(s.seeds); n > 0 && r.rival == nil && n <= 10 {
			fmt.Fprintf(c.progress, "  a false page with the seeds %d\n", s.seeds)
		}
		if r.figure == "sim" {
			fmt.Fprintln(c.progress, s.partial())
		}
		c.say(r, s)
		if ctx.Err() != nil {
			break
		}
	}
	if ctx.Err() != nil {
		fmt.Fprintln(c.progress, "stopped: the last row is of the years that it says, and those after it were not played")
	}
	if covered == 0 {
		return errors.New("no row was played")
	}
	return nil
}

// progressEvery is between the lines that say how far a row is.
const progressEvery = 10 * time.Second

// play plays a row, a year to a worker, and says how far it is.
func (c *command) play(ctx context.Context, r row, years int) *score {
	var total score
	var mu sync.Mutex // of total
	var next atomic.Uint64
	var workers sync.WaitGroup
	began := time.Now()
	said := began
	noise := c.noise
	if r.noise > 0 {
		noise *= r.noise
	}
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for ctx.Err() == nil {
				n := next.Add(1) - 1
				if n >= uint64(years) {
					return
				}
				seed := c.seed + n
				w := r.year(seed, noise)
				t := r.play(w)
				mu.Lock()
				total.add(seed, w, t, r.s.interval)
				if now := time.Now(); now.Sub(said) >= progressEvery {
					said = now
					left := time.Duration(float64(now.Sub(began)) / float64(total.years) * float64(years-total.years))
					fmt.Fprintf(c.progress, "  %s: %d of %d years, %v left\n", r.name, total.years, years, left.Round(time.Second))
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	return &total
}

// year draws a year of the row's world.
func (r row) year(seed uint64, noise float64) *world {
	of := standard
	if r.world != nil {
		of = r.world
	}
	w := newWorld(seed, of(noise))
	w.dns = r.dns
	return w
}

func (r row) play(w *world) told {
	if r.rival != nil {
		return r.rival.play(w, r.s)
	}
	return play(w, r.s)
}
