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

// single is something that was told for itself: when, and how it fails.
type single struct {
	At   time.Time
	Like uptime.Fault `json:",omitempty"` // none: it was not reached, in whatever way
}

// crowd is the group of all that is seen from here alone, where a matter that was
// about to be told for itself should be told with it; nil: it should not. It goes
// by what was told one by one, so that after a minute some are again.
//
// Who fails in another way is none of a crowd: a line that is cut refuses no
// connection and answers with no status. One that cannot be reached while its
// neighbours can is probably none, and has room of its own. Only what nothing
// tells from the crowd waits for its digest.
func (d *Desk) crowd(m *matter, s *uptime.Snapshot, now time.Time) *group {
	g := d.sharing[sharedBy{uptime.Cause{Kind: uptime.CauseNode}, m.Down}]
	if !m.Here || !m.Live || now.Before(m.lasting()) || g == nil || !slices.Contains(m.Shares, g.Number) {
		return nil
	}
	d.kept.Singly = slices.DeleteFunc(d.kept.Singly, func(o single) bool {
		age := now.Sub(o.At)
		return age >= crowdIn || age < 0 // the clock was set back
	})
	d.save(keyState, &d.kept)
	one, room := single{now, m.like()}, crowdOf
	if d.among(m, s) {
		room *= 2
	}
	for _, o := range d.kept.Singly {
		if o.Like == one.Like {
			room--
		}
	}
	if room > 0 {
		d.kept.Singly = append(d.kept.Singly, one)
		return nil
	}
	if g.ended() {
		g = d.newGroup(g.by()) // the one before is over, and had others in it
		g.Since, g.Said, g.Known = now, apart, now
	}
	g.Crowd = true
	return g
}

// like is how a matter fails, as far as crowds go.
func (m *matter) like() uptime.Fault {
	if m.Fault.Side() == uptime.Path {
		return uptime.NoFault
	}
	return m.Fault
}

// among reports whether a matter is in the midst of others that answer: those of
// its network, its name, its parent or its host.
func (d *Desk) among(m *matter, s *uptime.Snapshot) bool {
	return slices.ContainsFunc(m.Shares, func(n uint64) bool {
		g := d.groups[n]
		return g != nil && g.Cause.Kind != uptime.CauseNode && g.Said == apart && g.says(s, false) == apart
	})
}

// untold reports whether nobody was told of a group, or is about to be.
func (g *group) untold() bool { return len(g.Thread.Legs)+len(g.waiting) == 0 }
