//go:build linux

package main

import (
	"testing"
	"time"

	"lookout/engine/uptime"
)

func TestTwice(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	up := func(n int, at time.Duration) uptime.Result {
		return uptime.Result{Time: now.Add(at), Outcome: uptime.OutcomeUp, Status: serial(n), Total: 20 * time.Millisecond}
	}
	failed := func(f uptime.Fault, took, at time.Duration) uptime.Result {
		return uptime.Result{Time: now.Add(at), Outcome: f.Outcome(), Fault: f, Total: took}
	}
	const stalled, reset, s = uptime.FaultLocalStalled, uptime.FaultTCPReset, time.Second
	for _, tc := range []struct {
		name      string
		rows      []uptime.Result
		n, untold int
	}{
		{"one after the other", []uptime.Result{up(1, 0), up(2, s), up(3, 2*s)}, 0, 0},
		{"two answers in one millisecond", []uptime.Result{up(1, 0), up(2, 0)}, 0, 0},
		{"the same again", []uptime.Result{up(1, 0), up(1, 0), up(2, s)}, 1, 0},
		{"the same, at a time that was corrected otherwise", []uptime.Result{up(1, 0), up(1, 7*time.Millisecond)}, 1, 0},
		{"the same, between others", []uptime.Result{up(1, 0), up(2, s), up(1, s), up(1, 2*s)}, 2, 0},
		{"all statuses once more", []uptime.Result{up(1, 0), up(1+statuses, 100*s)}, 0, 0},
		{"three alike that found nothing", []uptime.Result{failed(stalled, 0, 0), failed(stalled, 0, s), failed(stalled, 0, 2*s)}, 0, 2},
		{"failed, and took as long", []uptime.Result{failed(reset, 1230*time.Microsecond, 0), failed(reset, 1230*time.Microsecond, 0)}, 1, 0},
		{"failed alike", []uptime.Result{failed(reset, 1230*time.Microsecond, 0), failed(reset, 1240*time.Microsecond, 0)}, 0, 0},
	} {
		if n, untold := twice(tc.rows); n != tc.n || untold != tc.untold {
			t.Errorf("%s: %d twice, %d untold", tc.name, n, untold)
		}
	}
}

// TestRounds: each victim has its turn before another has a second one.
func TestRounds(t *testing.T) {
	next := rounds(5)
	for range 20 {
		seen := make(map[int]bool)
		for range 5 {
			seen[next()] = true
		}
		if len(seen) != 5 {
			t.Fatalf("of five victims %d were killed in a round", len(seen))
		}
	}
}
