package alert

import "time"

// limit lets through at most so many things in any hour, and never nothing for
// long: most of them at once, the others one by one over the hour. It is the
// generic cell rate algorithm of ATM (ITU-T I.371), whose whole state is a time.
type limit struct {
	burst int
	every time.Duration
	full  time.Time // when all of the burst is there again
}

const defaultHourly = 60

// newLimit makes one for so many an hour; 0: 60.
func newLimit(hourly int) limit {
	if hourly <= 0 {
		hourly = defaultHourly
	}
	paced := max(hourly/4, 1) // with a burst at its beginning, an hour sees one less
	return limit{burst: hourly + 1 - paced, every: time.Hour / time.Duration(paced)}
}

// anew is another limit, by which as much was let through.
func (l *limit) anew(hourly int, now time.Time) limit {
	n := newLimit(hourly)
	if took := l.full.Sub(now); took > 0 && l.every > 0 {
		n.full = now.Add(time.Duration(float64(took) / float64(l.every) * float64(n.every)))
	}
	return n
}

// at is when the next may go; not after now: it may.
func (l *limit) at(now time.Time) time.Time {
	l.steady(now)
	return l.full.Add(-time.Duration(l.burst-1) * l.every)
}

// take counts one.
func (l *limit) take(now time.Time) {
	l.steady(now)
	if l.full.Before(now) {
		l.full = now
	}
	l.full = l.full.Add(l.every)
}

// steady bounds what a clock that was set back does.
func (l *limit) steady(now time.Time) {
	if most := now.Add(time.Duration(l.burst) * l.every); l.full.After(most) {
		l.full = most
	}
}
