// Command sim plays the rule against invented faults, years of them, and
// prints how often it pages for nothing and how late for something.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	years := flag.Int("years", 200, "monitor-years of each row")
	seed := flag.Uint64("seed", 1, "of the first year")
	noise := flag.Float64("noise", 1, "multiplies the faults that are not the target's")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	base := setup{interval: time.Minute, timeout: 10 * time.Second, remotes: 5}
	alone := base
	alone.remotes = 0
	one := base
	one.oneNetwork = true
	silent := base
	silent.silent = true
	three := base
	three.remotes = 3
	for _, row := range []struct {
		name string
		s    setup
	}{{"evidence, 5 remotes", base}, {"evidence, 3 remotes", three}, {"standalone", alone}, {"one network", one}, {"none answered", silent}} {
		began := time.Now()
		s := run(ctx, row.s, *years, *seed, *noise)
		y := float64(max(s.years, 1))
		fmt.Printf("%-22s %d my  false %.3f /my  restart %.2f  part %.2f  p50 %.0f s  p99 %.0f s  missed %d of %d  checks %.4f  notices %.2f  (%.1f s)\n", row.name, s.years,
			float64(s.falsePages)/y, float64(s.restartPages)/y, float64(s.partPages)/y, s.quantile(0.5).Seconds(), s.quantile(0.99).Seconds(),
			s.missed, s.outages, float64(s.checks+s.asked)/float64(max(s.expected, 1)), float64(s.notices)/y, time.Since(began).Seconds())
		if len(s.seeds) > 0 {
			fmt.Fprintln(os.Stderr, "  false in", s.seeds[:min(10, len(s.seeds))])
		}
	}
}

func run(ctx context.Context, s setup, years int, seed uint64, noise float64) *score {
	var total score
	var mu sync.Mutex // of total
	var next atomic.Uint64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for ctx.Err() == nil {
				n := next.Add(1) - 1
				if n >= uint64(years) {
					return
				}
				w := newWorld(seed+n, noise)
				t := play(w, s)
				mu.Lock()
				total.add(seed+n, w, t, s.interval)
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	return &total
}
