package desk

import (
	"slices"
	"time"

	"lookout/engine/uptime"
)

const (
	// crowdOf is how many things that nobody else has seen are told one by one
	// within crowdIn. So many do not fail by chance: what comes beyond has a cause
	// in common, even if most of what is watched from here answers, as behind one
	// of two providers.
	crowdOf = 10
	crowdIn = time.Minute
)

// crowd is the group of all that is seen from here alone, where a matter that was
// about to be told for itself should be told with it; nil: it should not. It goes
// by what was told one by one, so that after a minute some are again.
func (d *Desk) crowd(m *matter, now time.Time) *group {
	g := d.sharing[sharedBy{uptime.Cause{Kind: uptime.CauseNode}, m.Down}]
	if !m.Here || !m.Live || now.Before(m.lasting()) || g == nil || !slices.Contains(m.Shares, g.Number) {
		return nil
	}
	d.kept.Lately = slices.DeleteFunc(d.kept.Lately, func(at time.Time) bool {
		age := now.Sub(at)
		return age >= crowdIn || age < 0 // the clock was set back
	})
	d.save(keyState, &d.kept)
	if len(d.kept.Lately) < crowdOf {
		d.kept.Lately = append(d.kept.Lately, now)
		return nil
	}
	return g
}

// untold reports whether nobody was told of a group, or is about to be.
func (g *group) untold() bool { return len(g.Thread.Legs)+len(g.waiting) == 0 }
