package engine

import (
	"cmp"
	"slices"

	"lookout/engine/uptime"
)

// openList is what snapshots show of the open incidents: copies that they share
// for as long as nothing changes. When everything is down there are as many as
// monitors, and four snapshots a second.
type openList struct {
	list    []*uptime.Incident // newest first; neither it nor they are ever written to
	unacked int
	changed []uint64 // numbers of those that are not as in list; some more than once
}

// change notes that an incident was opened, changed or closed.
func (s *openList) change(number uint64) { s.changed = append(s.changed, number) }

// update makes the list say what open says.
func (s *openList) update(open map[uint64]*uptime.Incident) {
	if len(s.changed) == 0 {
		return
	}
	slices.SortFunc(s.changed, func(a, b uint64) int { return cmp.Compare(b, a) })
	next := make([]*uptime.Incident, 0, len(open))
	rest := s.list
	for _, n := range slices.Compact(s.changed) {
		for len(rest) > 0 && rest[0].Number > n {
			next, rest = append(next, rest[0]), rest[1:]
		}
		if len(rest) > 0 && rest[0].Number == n {
			s.count(rest[0], -1)
			rest = rest[1:]
		}
		if i := open[n]; i != nil {
			c := *i
			s.count(&c, 1)
			next = append(next, &c)
		}
	}
	s.list, s.changed = append(next, rest...), s.changed[:0]
}

func (s *openList) count(i *uptime.Incident, n int) {
	if i.Unacked() {
		s.unacked += n
	}
}
