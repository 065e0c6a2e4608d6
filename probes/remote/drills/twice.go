//go:build linux

package main

import (
	"time"

	"lookout/engine/uptime"
)

// The target answers its checks in turn with another status of those that are
// well, so that a result says which answer it is of. A page is asked once a
// second, by two probes for a moment: the same status comes again after 50 s at
// the earliest, and a result that is applied again has nearly the same time.
const (
	statuses = 100
	apart    = 30 * time.Second
)

// serial is the status of the n-th answer of a page.
func serial(n int) int { return 200 + n%statuses }

// print tells a result from the others of its monitor. Of what got no answer, how
// long it took does, in steps of 10 µs.
type print struct {
	status int
	fault  uptime.Fault
	total  time.Duration
}

// twice counts the results of one monitor, in the order of their times, that are
// there more than once; and those without an answer that took no time, of which
// nobody can tell. What is alike in everything, its time too, is one in the data file.
func twice(rows []uptime.Result) (n, untold int) {
	last := make(map[print]time.Time, statuses)
	for _, r := range rows {
		p := print{status: r.Status}
		if r.Status == 0 {
			p.fault, p.total = r.Fault, r.Total
		}
		at, was := last[p]
		last[p] = r.Time
		switch {
		case !was || r.Time.Sub(at).Abs() >= apart:
		case r.Status == 0 && r.Total == 0:
			untold++
		default:
			n++
		}
	}
	return n, untold
}
