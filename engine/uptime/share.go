package uptime

import (
	"slices"
	"time"
)

// Share is how a span of time was spent. What is in none of Up, Down and Off is not known.
type Share struct {
	Up, Down time.Duration
	Off      time.Duration // it counts for nothing: paused, or in maintenance
	Span     time.Duration
}

// Unknown is what is not known of the span: neither up nor down.
func (s Share) Unknown() time.Duration { return max(s.Span-s.Up-s.Down-s.Off, 0) }

// Add takes another share to this one, as of another monitor.
func (s *Share) Add(other Share) {
	s.Up += other.Up
	s.Down += other.Down
	s.Off += other.Off
	s.Span += other.Span
}

// Uptime is up ÷ (up + down); false when nothing at all is known.
func (s Share) Uptime() (float64, bool) {
	if known := s.Up + s.Down; known > 0 {
		return float64(s.Up) / float64(known), true
	}
	return 0, false
}

// Coverage is (up + down) ÷ span, 0 for no span.
func (s Share) Coverage() float64 {
	if s.Span <= 0 {
		return 0
	}
	return float64(s.Up+s.Down) / float64(s.Span)
}

// wellKnown is the coverage from which an uptime speaks for the whole span.
const wellKnown = 0.99

// Bounds are the uptimes that the span would have if all that is not known of it
// were down, and if all of it were up; doubtful where so much is not known that
// an uptime is not to be shown without them: it does not speak for the span.
func (s Share) Bounds() (low, high float64, doubtful bool) {
	counts := s.Span - s.Off
	if counts <= 0 {
		return 0, 1, false
	}
	low, high = float64(s.Up)/float64(counts), float64(counts-s.Down)/float64(counts)
	return low, high, s.Unknown() > 0 && s.Coverage() < wellKnown
}

// Class is what a second counts as. The zero value is ClassNone.
type Class uint8

// The classes of time.
const (
	ClassNone Class = iota // unknown, pending, or lookout did not run
	ClassUp
	ClassDown
	ClassOff // paused, or in maintenance
)

// Counts is the class of a verdict in a mode; of a suspect pass what it was before.
func (v Verdict) Counts(m Mode) Class {
	if m != Active {
		return ClassOff
	}
	switch v {
	case Up, Degraded:
		return ClassUp
	case Down:
		return ClassDown
	}
	return ClassNone
}

// Change is a moment from which another class holds.
type Change struct {
	At    time.Time
	Class Class
}

// Timeline is a monitor's life as the moments at which its class changed,
// oldest first, with no two neighbours alike. Before the first change nothing
// is known; the last one holds on. It is what uptime is computed from.
type Timeline []Change

// Set says that class holds from at on. A time before the newest changes
// recounts the past: whatever began at or after it is replaced, as when a
// confirmed outage starts with its first failing check.
func (t Timeline) Set(at time.Time, class Class) Timeline {
	for len(t) > 0 && !t[len(t)-1].At.Before(at) {
		t = t[:len(t)-1]
	}
	if t.Now() == class {
		return t
	}
	return append(t, Change{at, class})
}

// Recount says that class holds from at on, but for what counts for nothing:
// an outage that is confirmed in a maintenance began before it, and what was
// paused or in maintenance stays so.
func (t Timeline) Recount(at time.Time, class Class) Timeline {
	i := len(t)
	for i > 0 && !t[i-1].At.Before(at) {
		i--
	}
	later := slices.Clone(t[i:])
	if t[:i].Now() != ClassOff {
		t = t[:i].Set(at, class)
	} else {
		t = t[:i]
	}
	for _, c := range later {
		if c.Class != ClassOff {
			c.Class = class
		}
		t = t.Set(c.At, c.Class)
	}
	return t
}

// Now is the class that holds at the end.
func (t Timeline) Now() Class {
	if len(t) == 0 {
		return ClassNone
	}
	return t[len(t)-1].Class
}

// Trim forgets what was before from, but not what held then.
func (t Timeline) Trim(from time.Time) Timeline {
	i := 0
	for i+1 < len(t) && !t[i+1].At.After(from) {
		i++
	}
	return slices.Delete(t, 0, i)
}

// Between sums up the span [from, to).
func (t Timeline) Between(from, to time.Time) Share {
	s := Share{Span: max(to.Sub(from), 0)}
	for i, c := range t {
		begin, end := c.At, to
		if i+1 < len(t) && t[i+1].At.Before(to) {
			end = t[i+1].At
		}
		if begin.Before(from) {
			begin = from
		}
		d := end.Sub(begin)
		if d <= 0 {
			continue
		}
		switch c.Class {
		case ClassUp:
			s.Up += d
		case ClassDown:
			s.Down += d
		case ClassOff:
			s.Off += d
		}
	}
	return s
}
