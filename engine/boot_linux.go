package engine

import (
	"time"

	"golang.org/x/sys/unix"
)

// sinceBoot is how long ago the machine was started, suspended or not; 0 where it cannot be told.
func sinceBoot() time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts) != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}

// ClockSynced reports whether the kernel knows of a time service that keeps the
// clock. Who sets the clock by hand takes that away until the service has seen it.
func ClockSynced() bool {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	return err == nil && state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0
}
