package api

import (
	"reflect"
	"slices"
	"time"

	"lookout/engine/uptime"
)

const (
	statesAPart = 256 // about 40 kB
	openAPart   = 64
	maxGone     = 2048 // names that fit into one frame whatever their length
)

// between sends what leads from one snapshot to the next, prev nil for
// everything. More than half of it changed is sent as everything. The part that
// send is given holds until it returns.
func between(prev, next *uptime.Snapshot, now time.Time, send func(*part) error) error {
	if prev == nil {
		return whole(next, now, send)
	}
	d := difference(prev, next)
	if len(d.States) > len(next.States)/2+statesAPart || len(d.Gone) > maxGone {
		return whole(next, now, send)
	}
	states, open := d.States, d.Open
	for first := true; ; first = false {
		p := part{Now: now}
		if first {
			p.Head, p.Remote, p.Outbox, p.Gone, p.Closed = head(next), d.Remote, d.Outbox, d.Gone, d.Closed
		}
		p.States, states = cut(states, statesAPart)
		p.Open, open = cut(open, openAPart)
		p.Last = len(states)+len(open) == 0
		if err := send(&p); err != nil || p.Last {
			return err
		}
	}
}

func cut[T any](s []T, n int) (head, tail []T) {
	n = min(n, len(s))
	return s[:n:n], s[n:]
}

// head is a snapshot without its lists, and without what travels beside it.
func head(s *uptime.Snapshot) *uptime.Snapshot {
	h := *s
	h.States, h.Open, h.Broker, h.Probes = nil, nil, uptime.Broker{}, nil
	h.Lags, h.Outbox = uptime.LagHour{}, uptime.Outbox{}
	return &h
}

// elsewhere is what a snapshot says of other locations; nil where that is what
// the one before said.
func elsewhere(prev, next *uptime.Snapshot) *remote {
	if prev != nil && prev.Broker == next.Broker && prev.Lags == next.Lags && slices.Equal(prev.Probes, next.Probes) {
		return nil
	}
	return &remote{next.Broker, next.Probes, next.Lags}
}

// telling is how telling people stands in a snapshot; nil where that is as it
// was in the one before. It is long while much is told.
func telling(prev, next *uptime.Snapshot) *uptime.Outbox {
	o := next.Outbox
	o.Channels, o.Told = o.Channels[:min(len(o.Channels), uptime.MaxChannels)], o.Told[:min(len(o.Told), uptime.MaxTold)]
	if prev == nil {
		return &o
	}
	p := &prev.Outbox
	if p.Held == o.Held && p.Heartbeat == o.Heartbeat && slices.Equal(p.Channels, next.Outbox.Channels) && slices.Equal(p.Told, next.Outbox.Told) {
		return nil
	}
	return &o
}

// whole sends everything, the problems first.
func whole(s *uptime.Snapshot, now time.Time, send func(*part) error) error {
	p := part{Whole: true, Now: now, Head: head(s), Remote: elsewhere(nil, s), Outbox: telling(nil, s)}
	pass := func(problems bool) error {
		for _, st := range s.States {
			if st.Problem() != problems {
				continue
			}
			p.States = append(p.States, change{"", st})
			if len(p.States) == statesAPart {
				if err := send(&p); err != nil {
					return err
				}
				p = part{Whole: true, Now: now, States: p.States[:0]}
			}
		}
		return nil
	}
	if err := pass(true); err != nil {
		return err
	}
	for open := s.Open; len(open) > 0; {
		p.Open, open = cut(open, openAPart)
		if len(open) > 0 {
			if err := send(&p); err != nil {
				return err
			}
			p = part{Whole: true, Now: now}
		}
	}
	p.Shown = true
	if err := send(&p); err != nil {
		return err
	}
	p = part{Whole: true, Now: now}
	if err := pass(false); err != nil {
		return err
	}
	p.Last = true
	return send(&p)
}

// difference finds what changed. A state that did not is the same pointer, so
// that a walk over 180,000 of them touches only the two lists.
func difference(prev, next *uptime.Snapshot) (d part) {
	d.Remote, d.Outbox = elsewhere(prev, next), telling(prev, next)
	a, b := prev.States, next.States
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(a) > 0 && len(b) > 0 && a[0] == b[0]:
			a, b = a[1:], b[1:]
		case len(b) == 0 || len(a) > 0 && a[0].Name < b[0].Name:
			d.Gone = append(d.Gone, a[0].Name)
			a = a[1:]
		case len(a) == 0 || b[0].Name < a[0].Name:
			d.States = append(d.States, change{"", b[0]})
			b = b[1:]
		default:
			c := change{"", b[0]}
			if a[0].Monitor == b[0].Monitor {
				st := *b[0]
				c.Name, st.Monitor, c.State = b[0].Name, nil, &st
			}
			d.States = append(d.States, c)
			a, b = a[1:], b[1:]
		}
	}
	old := make(map[uint64]*uptime.Incident, len(prev.Open))
	for _, i := range prev.Open {
		old[i.Number] = i
	}
	for _, i := range next.Open {
		if o := old[i.Number]; o == nil || !alike(o, i) {
			d.Open = append(d.Open, i)
		}
		delete(old, i.Number)
	}
	for _, i := range prev.Open {
		if old[i.Number] != nil {
			d.Closed = append(d.Closed, i.Number)
		}
	}
	return d
}

// alike reports whether two incidents are the same as far as can be seen
// without looking into their lists: a copy of one that nobody changed.
func alike(a, b *uptime.Incident) bool {
	if a == b {
		return true
	}
	x, y := reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem()
	for i := range x.NumField() {
		f, g := x.Field(i), y.Field(i)
		switch {
		case f.Kind() == reflect.Slice:
			if f.Len() != g.Len() || f.Pointer() != g.Pointer() {
				return false
			}
		case !f.Equal(g):
			return false
		}
	}
	return true
}

// mirror is the client's side: it puts parts together again.
type mirror struct {
	snap *uptime.Snapshot // the last that is complete; nil before

	// of the change under way
	begun          bool
	whole          bool
	head           *uptime.Snapshot
	problems, rest []*uptime.State
	changed        []*uptime.State
	gone           []string
	open           []*uptime.Incident
	closed         []uint64
	shown          bool
}

// take adds a part. It returns a snapshot when there is one to show: the next
// complete one, or of the very first its problems.
func (m *mirror) take(p *part) (*uptime.Snapshot, error) {
	if !m.begun {
		if p.Head == nil || !p.Whole && m.snap == nil {
			return nil, errFrame
		}
		*m = mirror{snap: m.snap, begun: true, whole: p.Whole, head: p.Head}
		switch {
		case p.Remote != nil:
			m.head.Broker, m.head.Probes, m.head.Lags = p.Remote.Broker, p.Remote.Probes, p.Remote.Lags
		case !p.Whole:
			m.head.Broker, m.head.Probes, m.head.Lags = m.snap.Broker, m.snap.Probes, m.snap.Lags
		}
		switch {
		case p.Outbox != nil:
			m.head.Outbox = *p.Outbox
		case !p.Whole:
			m.head.Outbox = m.snap.Outbox
		default:
			m.head.Outbox = uptime.Outbox{}
		}
	} else if p.Head != nil || p.Remote != nil || p.Outbox != nil || p.Whole != m.whole {
		return nil, errFrame
	}
	if err := m.states(p); err != nil {
		return nil, err
	}
	m.gone = append(m.gone, p.Gone...)
	m.closed = append(m.closed, p.Closed...)
	m.open = append(m.open, p.Open...)
	if p.Last {
		return m.complete()
	}
	if p.Shown {
		m.shown = true
		if m.snap == nil {
			s := *m.head
			s.States, s.Open = slices.Clone(m.problems), slices.Clone(m.open)
			return &s, nil
		}
	}
	return nil, nil
}

func (m *mirror) states(p *part) error {
	if len(m.problems)+len(m.rest)+len(m.changed)+len(p.States) > maxStates {
		return errFrame
	}
	for i := range p.States {
		c := &p.States[i]
		st := c.State
		if st.Monitor == nil {
			if m.whole {
				return errFrame
			}
			old := find(m.snap, c.Name)
			if old == nil {
				return errFrame
			}
			st.Monitor = old.Monitor
		}
		switch {
		case !m.whole:
			m.changed = append(m.changed, st)
		case m.shown:
			m.rest = append(m.rest, st)
		default:
			m.problems = append(m.problems, st)
		}
	}
	return nil
}

// complete makes the next snapshot of the change that has come to its end.
func (m *mirror) complete() (*uptime.Snapshot, error) {
	s := *m.head
	if m.whole {
		s.States, s.Open = merge(m.rest, m.problems, nil), m.open
	} else {
		s.States = merge(m.snap.States, m.changed, m.gone)
		s.Open = mergeOpen(m.snap.Open, m.open, m.closed)
	}
	for i := 1; i < len(s.States); i++ {
		if s.States[i-1].Name >= s.States[i].Name {
			return nil, errFrame
		}
	}
	*m = mirror{snap: &s}
	return &s, nil
}

// merge lays changed states over old ones and leaves out those that are gone.
// All three are by name; runs of what did not change are copied as they are.
func merge(old, changed []*uptime.State, gone []string) []*uptime.State {
	out := make([]*uptime.State, 0, len(old)+len(changed))
	for len(changed) > 0 || len(gone) > 0 {
		remove := len(changed) == 0 || len(gone) > 0 && gone[0] < changed[0].Name
		var name string
		if remove {
			name, gone = gone[0], gone[1:]
		} else {
			name = changed[0].Name
		}
		i, found := slices.BinarySearchFunc(old, name, byName)
		out = append(out, old[:i]...)
		if found {
			i++
		}
		old = old[i:]
		if !remove {
			out = append(out, changed[0])
			changed = changed[1:]
		}
	}
	return append(out, old...)
}

// mergeOpen does the same to incidents, which are by number, the newest first.
func mergeOpen(old, changed []*uptime.Incident, closed []uint64) []*uptime.Incident {
	if len(changed)+len(closed) == 0 {
		return old
	}
	by := make(map[uint64]*uptime.Incident, len(old)+len(changed))
	for _, i := range old {
		by[i.Number] = i
	}
	for _, i := range changed {
		if i != nil {
			by[i.Number] = i
		}
	}
	for _, n := range closed {
		delete(by, n)
	}
	var out []*uptime.Incident
	for _, i := range by {
		out = append(out, i)
	}
	slices.SortFunc(out, func(a, b *uptime.Incident) int {
		if a.Number > b.Number {
			return -1
		}
		return 1
	})
	return out
}

// readPart takes a frame's payload apart.
func readPart(b []byte) (*part, error) {
	p := new(part)
	if err := partCodec().unmarshal(b, p); err != nil {
		return nil, err
	}
	if slices.Contains(p.Open, nil) {
		return nil, errFrame
	}
	if o := p.Outbox; o != nil && (len(o.Told) > uptime.MaxTold || len(o.Channels) > uptime.MaxChannels) {
		return nil, errFrame
	}
	for i := range p.States {
		st := p.States[i].State
		if st == nil || st.Monitor == nil && p.States[i].Name == "" || st.Monitor != nil && st.Name == "" {
			return nil, errFrame
		}
	}
	return p, nil
}
