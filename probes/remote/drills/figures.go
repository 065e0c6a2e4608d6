//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"
)

// drill is what was asked for.
type drill struct {
	figures, progress io.Writer

	kills, resets, asks int
	stall, outage, span time.Duration
	keep                bool
}

func (d *drill) say(format string, args ...any) {
	fmt.Fprintf(d.progress, time.Now().Format("15:04:05 ")+format+"\n", args...)
}

// most prints a value that should be at most the goal, and of what it is.
func (d *drill) most(name string, value float64, unit string, goal float64, format string, args ...any) {
	verdict := "ok"
	if !(value <= goal) {
		verdict = "MISS"
	}
	fmt.Fprintf(d.figures, "figure %s %s %s goal<=%s %s (%s)\n", name, number(value), unit, number(goal), verdict, fmt.Sprintf(format, args...))
}

// number writes a value with three digits that matter.
func number(v float64) string {
	digits := 2
	switch {
	case v == float64(int64(v)) || v >= 100:
		digits = 0
	case v >= 10:
		digits = 1
	}
	return strconv.FormatFloat(v, 'f', digits, 64)
}

// quantile is the value below which a share of the durations lies.
func quantile(all []time.Duration, share float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]
}

func millis(d time.Duration) float64 { return float64(d) / 1e6 }
