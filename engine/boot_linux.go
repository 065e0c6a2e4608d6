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
