//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"
	"time"

	"lookout/engine/figure"
)

// drill is what was asked for.
type drill struct {
	figures, progress io.Writer

	kills, resets, asks int
	stall, outage, span time.Duration
	keep                bool

	doing string // what was said last
}

// say says what is being done.
func (d *drill) say(format string, args ...any) {
	d.doing = fmt.Sprintf(format, args...)
	fmt.Fprintln(d.progress, time.Now().Format("15:04:05"), d.doing)
}

// most prints a value that should be at most the goal, and of what it is.
func (d *drill) most(name string, value float64, unit string, goal float64, format string, args ...any) {
	figure.Most(d.figures, name, value, unit, goal, fmt.Sprintf(format, args...))
}

// least prints a value that should be at least the goal, and of what it is.
func (d *drill) least(name string, value float64, unit string, goal float64, format string, args ...any) {
	figure.Least(d.figures, name, value, unit, goal, fmt.Sprintf(format, args...))
}

func number(v float64) string { return figure.Number(v) }

// quantile is the value below which a share of the durations lies.
func quantile(all []time.Duration, share float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]
}

func millis(d time.Duration) float64 { return float64(d) / 1e6 }
