package main

import "time"

// Work is what a run is to do.
type Work struct {
	Loss      float64 // share of the packets that are lost, each way
	Delay     time.Duration
	Checks    int
	Compare   bool // look names up with Go's resolver too
	BlackHole bool // check addresses that nobody has instead of healthy targets
	Progress  bool // to standard error
}

// Report is what a run found.
type Report struct {
	Checks         int
	Timeout        time.Duration
	Failed         int
	Why            []string // a few of the reasons
	GoFailed       int      // of as many look-ups by Go's resolver
	FDsPeak        int
	FDsLeft        int // more than before, 2 s after the last check
	GoroutinesLeft int
}

// What a child is told by its environment.
const (
	sideEnv = "LOOKOUT_LOSSY_SIDE" // far or near
	workEnv = "LOOKOUT_LOSSY_WORK" // a Work in JSON
)
