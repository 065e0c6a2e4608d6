package worker

import (
	"encoding/json"
	"time"
)

// counts are sums over all runs of the probe, and never go back: they are stored
// before they are sent.
type counts struct {
	Scheduled uint64 `json:"scheduled"` // = Finished + Skipped + those that wait or run
	Finished  uint64 `json:"finished"`
	Late      uint64 `json:"late"`
	Skipped   uint64 `json:"skipped"`

	// FreshUntil is when all baselines of what was newly assigned are taken, in Unix ms.
	FreshUntil int64 `json:"fresh_until"`
}

func (c *counts) save(f files) error {
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return f.write(f.path(fileCounts), b, false)
}

// readCounts goes on counting. What ran when the probe was killed did not finish.
func readCounts(f files, now time.Time) counts {
	b, err := f.read(f.path(fileCounts))
	if err != nil {
		return counts{}
	}
	return parseCounts(b, now)
}

func parseCounts(b []byte, now time.Time) counts {
	const most = 1 << 62 // far from where a sum wraps
	var c counts
	if json.Unmarshal(b, &c) != nil || max(c.Scheduled, c.Finished, c.Late, c.Skipped) > most || c.Finished+c.Skipped > c.Scheduled {
		return counts{}
	}
	c.Skipped = c.Scheduled - c.Finished
	c.FreshUntil = min(c.FreshUntil, now.Add(freshSpread).UnixMilli()) // the clock may have been set back
	return c
}
