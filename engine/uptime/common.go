package uptime

import (
	"cmp"
	"slices"
)

// Common knows which open incidents people were told of in one letter: those of
// one cause. It holds for the snapshot that it was made from.
type Common struct {
	states []*State
	alone  map[uint64]bool // that a letter without a cause began with
	causes []Cause         // that letters are about, the newest first
}

// Common is what people were told that outages have in common.
func (s *Snapshot) Common() Common {
	c := Common{states: s.States}
	for i := range s.Outbox.Told {
		switch t := &s.Outbox.Told[i]; {
		case t.Cause.Kind == "" && t.Incident != 0:
			if c.alone == nil {
				c.alone = map[uint64]bool{}
			}
			c.alone[t.Incident] = true
		case t.Cause.Kind != "" && !slices.Contains(c.causes, t.Cause):
			c.causes = append(c.causes, t.Cause)
		}
	}
	return c
}

// Of is the cause that an open incident was told with; zero: it is alone.
func (c Common) Of(in *Incident) Cause {
	if len(c.causes) == 0 || c.alone[in.Number] {
		return Cause{}
	}
	var st *State
	if i, ok := slices.BinarySearchFunc(c.states, in.Monitor, func(st *State, name string) int { return cmp.Compare(st.Name, name) }); ok {
		st = c.states[i]
	}
	for _, cause := range c.causes {
		if cause.Covers(in, st) {
			return cause
		}
	}
	return Cause{}
}

// Together are the open incidents that people were told of in one letter with
// this one, which may be over; nil: it was told alone, or nobody was told.
func (s *Snapshot) Together(number uint64) (out []*Incident) {
	common := s.Common()
	cause := common.begun(number, s.Outbox.Told)
	if i := slices.IndexFunc(s.Open, func(in *Incident) bool { return in.Number == number }); i >= 0 {
		cause = common.Of(s.Open[i])
	}
	if cause.Kind == "" {
		return nil
	}
	for _, in := range s.Open {
		if in.Number == number || common.Of(in) == cause {
			out = append(out, in)
		}
	}
	return out
}

// begun is the cause of the newest letter that began with an incident.
func (c Common) begun(number uint64, told []Told) Cause {
	for i := range told {
		if t := &told[i]; t.About(number) && !c.alone[number] {
			return t.Cause
		}
	}
	return Cause{}
}
