//go:build !linux

package engine

import "time"

// sinceBoot is not known here.
func sinceBoot() time.Duration { return 0 }
