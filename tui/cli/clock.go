//go:build !stepclock

package cli

import "lookout/engine"

// clock is what an engine tells the time by.
func (c *call) clock() func() engine.Reading { return engine.MachineClock }

// synced reports whether a time service keeps that clock.
func (c *call) synced() bool { return engine.ClockSynced() }
