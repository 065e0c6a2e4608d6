// Package clocktest has a clock that a test sets, suspends and stops. Nothing
// of it is in a shipped binary.
//
// The wall clock of a machine is the machine's: a test must not set it, and no
// time.Time can be made that says another wall clock and the same monotonic
// one. This package writes into one, and sees that it came out as it should.
package clocktest

import (
	"fmt"
	"sync"
	"time"
	"unsafe"
)

// Clock is the machine's clock, with what a test did to it. Its zero value is
// not usable; see New.
type Clock struct {
	start time.Time

	mu    sync.Mutex
	stood time.Duration // all clocks ran on, and nobody looked
	slept time.Duration // the monotonic clock stood, the others ran on
	set   time.Duration // of the wall clock alone
}

// New makes a clock that is right.
func New() *Clock { return &Clock{start: time.Now()} }

// Stop is a process that was stopped for d and goes on now.
func (c *Clock) Stop(d time.Duration) { c.change(&c.stood, d) }

// Suspend is a machine that was suspended for d and wakes up now.
func (c *Clock) Suspend(d time.Duration) { c.change(&c.slept, d) }

// Set sets the wall clock by d.
func (c *Clock) Set(d time.Duration) { c.change(&c.set, d) }

func (c *Clock) change(what *time.Duration, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*what += d
}

// Read is the time, and how long ago the machine was started.
func (c *Clock) Read() (now time.Time, boot time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := time.Now()
	lived := t.Sub(c.start) + c.stood
	return Make(t.Round(0).Add(c.stood+c.slept+c.set), monotonic(t, c.start)+c.stood), time.Hour + lived + c.slept
}

// clock is a time.Time with a monotonic reading: a bit that says so, 33 bits of
// seconds since 1885 and 30 bits of nanoseconds; then the monotonic clock.
type clock struct {
	wall uint64
	ext  int64
	loc  *time.Location
}

const (
	hasMonotonic = 1 << 63
	nanosBits    = 30
)

// Make is a time by two clocks.
func Make(wall time.Time, mono time.Duration) time.Time {
	begin := time.Date(1885, 1, 1, 0, 0, 0, 0, time.UTC)
	secs := uint64(wall.Unix() - begin.Unix())
	out := wall.Round(0)
	p := (*clock)(unsafe.Pointer(&out))
	p.wall, p.ext = hasMonotonic|secs<<nanosBits|uint64(wall.Nanosecond()), int64(mono)
	if !out.Round(0).Equal(wall) || out == out.Round(0) {
		panic(fmt.Sprintf("this Go keeps its times otherwise: %v became %v", wall, out))
	}
	return out
}

// monotonic is the monotonic reading of a time; one in a bubble of
// testing/synctest has none, and gets what has gone by since the start.
func monotonic(t, start time.Time) time.Duration {
	if t == t.Round(0) {
		return t.Sub(start) + 1
	}
	return time.Duration((*clock)(unsafe.Pointer(&t)).ext)
}
