package uptime

import "time"

// LagCells is how many cells of LagCell an hour of lag has.
const (
	LagCells = 24
	LagCell  = time.Hour / LagCells
)

// LagGone marks a cell of a LagHour in which a probe was gone all the time.
const LagGone time.Duration = -1

// LagHour is the longest lag of each LagCell of the last hour, the oldest first,
// the running one last; 0 where it is not known, or LagGone.
type LagHour [LagCells]time.Duration
