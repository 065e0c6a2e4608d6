//go:build !linux

package engine

import "time"

// sinceBoot is not known here.
func sinceBoot() time.Duration { return 0 }

// ClockSynced reports whether a time service keeps the clock; here that is not known.
func ClockSynced() bool { return false }
