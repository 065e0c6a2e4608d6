package uptime

import "time"

// The figures of the rule "evidence" that people are told. They stand here
// because every screen says the rule from them; package verdict judges by them.
const (
	RuleSoft        = 3 * time.Second  // a check without an answer for so long is a doubt …
	RuleSoftFactor  = 4                // … or for so many times what is usual (p99), if that is longer
	RuleLooks       = 4                // standalone, further checks: at a quarter, half, three quarters of the window, and the last one
	RuleRecoveryGap = 5 * time.Second  // between the two successes of a recovery
	RuleRetry       = 20 * time.Second // at most, between checks of what is not well
	RuleReopen      = 10 * time.Minute // down again within it is the same incident
	RuleStale       = 2                // intervals without a result are unknown

	RuleWaves      = 5                // of second opinions in a doubt, at most
	RuleWaveEvery  = 10 * time.Second // from one to the next
	RuleWavePlaces = 3                // asked in one
	RuleLastPlaces = 2                // asked in the last look
	RuleNetworks   = 2                // other than home's that have to agree
	RuleOddsPrior  = -4.6             // log10, that it is down before there is evidence: an outage a month at a check a minute
	RuleOdds       = 3                // … that the evidence has to come to
	RuleOddsClear  = -5.6             // … at which a doubt may end
	RuleSilent     = 60 * time.Second // of failure where others were asked and none answered
	RuleAlone      = 5 * time.Minute  // of failure at one place only: undecided

	RuleComplaint     = 1.52             // CUSUM: a complaint that was not confirmed adds
	RuleSuccess       = 0.044            // … and a success takes away
	RuleRaise         = 4.5              // … and from here on it is degraded
	RuleCloser        = 4                // after a complaint the checks come so many times as often …
	RuleCloserFor     = 10 * time.Minute // … for so long
	RuleDegradedDwell = 60 * time.Second // of failure of what is degraded
)

// Window is W: how long a fault of the path must last at an interval before it is down.
func Window(interval time.Duration) time.Duration {
	return min(max(interval, 10*time.Second), 60*time.Second)
}

// The sensitivities of the rule "evidence": how long a failure must last.
const (
	Fast     = "fast"     // not at all
	Balanced = "balanced" // Dwell
	Quiet    = "quiet"    // RuleQuiet
)

// RuleQuiet is the dwell of the sensitivity Quiet.
const RuleQuiet = 60 * time.Second

// DwellAt is the least time for which a failure must last, at an interval.
func (r Rule) DwellAt(interval time.Duration) time.Duration {
	switch {
	case r.DwellSet:
		return r.Dwell
	case r.Sensitivity == Fast:
		return 0
	case r.Sensitivity == Quiet:
		return RuleQuiet
	}
	return Dwell(interval)
}

// Dwell is DwellAt of the sensitivity Balanced.
func Dwell(interval time.Duration) time.Duration {
	return min(20*time.Second, Window(interval))
}

// NeedAt is how long failures must last before they are down, where nobody or
// one network can be asked: less where the target answers, and wrongly, than
// where nothing comes back.
func (r Rule) NeedAt(interval time.Duration, path bool) time.Duration {
	return NeedFor(interval, r.DwellAt(interval), path)
}

// NeedFor is NeedAt with a dwell.
func NeedFor(interval, dwell time.Duration, path bool) time.Duration {
	if path {
		return max(dwell, Window(interval))
	}
	return max(dwell, Window(interval)/3)
}
