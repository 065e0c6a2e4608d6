package dispatch

import "time"

// clock is how far a probe's clock is ahead of ours: from the answers to
// canaries, of the last few the one that travelled fastest (as NTP filters, RFC
// 5905, section 10). A clock that was only heard is known to be at least so much
// ahead: who knows how long the message took.
type clock struct {
	samples []sample // the newest last
	least   time.Duration
	told    bool // least is known
	was     era
}

// era is how far ahead a clock was before it was set, or the probe was away.
type era struct {
	skew  time.Duration
	until time.Time // it is known to have held; zero: nothing is
}

type sample struct {
	at    time.Time     // when the answer came
	skew  time.Duration // as if both ways took the same time
	least time.Duration // … and if it came back in no time
	most  time.Duration // … and if the canary went there in none
	rtt   time.Duration
}

const (
	maxSamples = 8
	drift      = 5000 // a clock gains or loses at most its 5,000th
)

// answered notes a clock that was read between sent and got; of that, the probe
// was busy with its check for some time. It reports whether that clock, or ours,
// was set since the last one.
func (c *clock) answered(sent, got, clock time.Time, busy time.Duration) (set bool) {
	took := got.Sub(sent)
	busy = min(max(busy, 0), took)
	s := sample{at: got, rtt: took - busy}
	s.least = clock.Sub(got)
	s.most = s.least + took + time.Millisecond // it is cut to one
	s.skew = s.least + s.rtt/2
	if best := c.best(); best != nil {
		off := got.Sub(best.at)/drift + time.Millisecond
		if s.most < best.least-off || s.least > best.most+off {
			c.was = c.era()
			c.samples, c.least, set = nil, s.least, true
		}
	}
	if c.samples = append(c.samples, s); len(c.samples) > maxSamples {
		c.samples = c.samples[1:]
	}
	return set
}

// heard notes a clock that some message brought.
func (c *clock) heard(clock, now time.Time) {
	if least := clock.Sub(now); !clock.IsZero() && (!c.told || least > c.least) {
		c.least, c.told = least, true
	}
}

func (c *clock) best() *sample {
	var best *sample
	for i := range c.samples {
		if s := &c.samples[i]; best == nil || s.rtt <= best.rtt {
			best = s
		}
	}
	return best
}

// known is how far ahead the clock is, and the round trip; false where no
// canary was answered.
func (c *clock) known() (skew, rtt time.Duration, ok bool) {
	s := c.best()
	if s == nil {
		return 0, 0, false
	}
	return s.skew, s.rtt, true
}

// floor is how far ahead the clock is at the least.
func (c *clock) floor(now time.Time) (least time.Duration, ok bool) {
	s := c.best()
	if s == nil {
		return 0, false
	}
	return s.least - now.Sub(s.at)/drift - time.Millisecond, true
}

// guess is the best that is known.
func (c *clock) guess() time.Duration {
	if skew, _, ok := c.known(); ok {
		return skew
	}
	return c.least
}

// latest is the furthest ahead that the clock can be of all that was heard of
// it: an order that is good until then has not expired when it arrives.
func (c *clock) latest() time.Duration { return max(c.guess(), c.least) }

// corrected is a time by that clock in ours. One that was only heard tells
// nothing where it seems to be behind: the message was late.
func (c *clock) corrected(t time.Time) time.Time {
	if skew := c.guess(); len(c.samples) > 0 || skew > warnSkew {
		return t.Add(-skew)
	}
	return t
}

// era is what is known of the clock, for when it is another one.
func (c *clock) era() era {
	if skew, _, ok := c.known(); ok {
		return era{skew, c.samples[len(c.samples)-1].at}
	}
	return c.was
}

// stamped is the time of a result by that clock in ours. One that is of an
// earlier time than the clock was last known to be as it was before, by either
// reckoning, or else of the future, is corrected by what was known then.
func (c *clock) stamped(t, now time.Time) time.Time {
	at := c.corrected(t)
	if was := t.Add(-c.was.skew); was.Before(c.was.until) && (at.Before(c.was.until) || at.After(now)) {
		return was
	}
	return at
}

// warnSkew is how far a clock may be off before people are told.
const warnSkew = 2 * time.Second
