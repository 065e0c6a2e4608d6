package uptime

import "time"

// Step follows the wall clock when it is set by an amount. What is in the line
// from began on was written by that clock, and moves along; what is older moves
// by its own amount, which is chosen so that it does not come after. The hole
// that a step forward leaves between them belongs to nobody.
func (t Timeline) Step(began time.Time, older, by time.Duration) Timeline {
	i := 0
	for i < len(t) && t[i].At.Before(began) {
		i++
	}
	out := make(Timeline, 0, len(t)+2)
	for _, c := range t[:i] {
		out = append(out, Change{c.At.Add(older), c.Class})
	}
	held := out.Now()
	out = out.Set(began.Add(older), ClassNone)
	out = out.Set(began.Add(by), held)
	for _, c := range t[i:] {
		out = out.Set(c.At.Add(by), c.Class)
	}
	return out
}

// Gap is a stretch of time of which nobody knows whether a job called in, or a
// step of the clock.
type Gap struct {
	From, To time.Time // by the wall clock
	Asleep   bool      `json:",omitempty"` // the job may have stood still as well, as on a machine that was suspended
	Set      bool      `json:",omitempty"` // the clock was set from From to To, which may be before it
}

// maxGaps bounds what is remembered between two beats; what comes after makes the last one longer.
const maxGaps = 16

// After adds a gap. A job that never called in has none.
func (b Beat) After(g Gap) Beat {
	if b.Ended.IsZero() && b.Started.IsZero() || g.From.Equal(g.To) {
		return b
	}
	g.From, g.To = g.From.UTC().Round(0), g.To.UTC().Round(0)
	b.Gaps = append([]Gap(nil), b.Gaps...)
	if n := len(b.Gaps); n >= maxGaps {
		b.Gaps[n-1].To = b.Gaps[n-1].To.Add(g.To.Sub(g.From))
		return b
	}
	b.Gaps = append(b.Gaps, g)
	return b
}

// SetBy is what the clock was set by since the last beat.
func (b Beat) SetBy() (by time.Duration) {
	for _, g := range b.Gaps {
		if g.Set {
			by += g.To.Sub(g.From)
		}
	}
	return by
}
