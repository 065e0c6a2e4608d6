//go:build stepclock

package cli

import (
	"os"
	"strings"
	"time"

	"lookout/engine"
	"lookout/engine/clocktest"
)

// clock is what an engine tells the time by in a binary that was built for a
// test: the machine's clock, set by what the file says whose name is in
// LOOKOUT_CLOCK. A test must not set the clock of the machine that it runs on.
func (c *call) clock() func() engine.Reading {
	machine, set, path := clocktest.New(), time.Duration(0), c.getenv("LOOKOUT_CLOCK")
	return func() engine.Reading { // called under a mutex
		text, err := os.ReadFile(path)
		if by, bad := time.ParseDuration(strings.TrimSpace(string(text))); err == nil && bad == nil {
			machine.Set(by - set)
			set = by
		}
		now, boot := machine.Read()
		return engine.Reading{Now: now, Boot: boot}
	}
}

// synced is false: the time service of this machine keeps another clock.
func (c *call) synced() bool { return false }
