package uptime

import "time"

// The figures of the rule "evidence" for a node that has nobody to ask. They
// stand here because every screen says the rule from them; package verdict
// judges by them.
const (
	RuleLooks       = 4                // further checks: at a quarter, half, three quarters of the window, and the last one
	RuleRecoveryGap = 5 * time.Second  // between the two successes of a recovery
	RuleRetry       = 20 * time.Second // at most, between checks of what is not well
	RuleReopen      = 10 * time.Minute // down again within it is the same incident
	RuleStale       = 2                // intervals without a result are unknown
)

// Window is W: how long a fault of the path must last at an interval before it is down.
func Window(interval time.Duration) time.Duration {
	return min(max(interval, 10*time.Second), 60*time.Second)
}

// Dwell is the least time for which any failure must last.
func Dwell(interval time.Duration) time.Duration {
	return min(20*time.Second, Window(interval))
}

// Need is how long failures must last before they are down: less where the
// target answers, and wrongly, than where nothing comes back.
func Need(interval time.Duration, path bool) time.Duration {
	if path {
		return max(Dwell(interval), Window(interval))
	}
	return max(Dwell(interval), Window(interval)/3)
}
