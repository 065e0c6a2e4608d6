// Package depend finds what explains a fault: who is reached through whom, and
// the topmost of those that is down. It is pure: it is told how each monitor
// stands, and says whose explanation that changes.
//
// Monitors that name the same others share one Needs, and a tag that is named
// is one source, however many have it: a change costs what it reaches and not
// children times parents, and a leaf costs a pointer.
//
//	monitor ──has──► Needs ──of──► source (a name, a tag) ──has──► Node (a monitor that is named)
//	                   ▲                                             │
//	                   └────────────── a Node has Needs, too ◄───────┘
package depend

import (
	"strings"
	"time"
)

// Standing is how a monitor stands, as far as those behind it are concerned.
type Standing uint8

// The ways to stand.
const (
	Blank   Standing = iota // nothing is known of it: what is above it may explain what is below
	Well                    // it was reached at State.At
	Doubted                 // it may be down; whether it is will be known soon
	Down
)

// State is how a monitor stands, and since when.
type State struct {
	Standing Standing
	At       time.Time // Well: start of its newest success; Doubted, Down: when it had failed for the first time
	Reached  time.Time // Doubted, Down: start of its newest success before; zero: not known
	Path     bool      // Down: by a fault of the path, which what is above it may explain
}

// Cause is what explains a fault. The zero value is nothing.
type Cause[M comparable] struct {
	Of   M
	Sure bool // it is down; else it may be
	at   time.Time
}

// None reports whether there is no cause.
func (c Cause[M]) None() bool {
	var zero M
	return c.Of == zero
}

func (c Cause[M]) same(d Cause[M]) bool { return c.Of == d.Of && c.Sure == d.Sure }

// better reports whether a cause is one where d is none, or a sure one where d is not.
func (c Cause[M]) better(d Cause[M]) bool {
	return !c.None() && (d.None() || c.Sure && !d.Sure)
}

// Node is a monitor that others depend on.
type Node[M comparable] struct {
	Of    M
	state State
	needs *Needs[M]    // nil: it depends on nobody
	in    []*source[M] // that it is one of
	cause Cause[M]     // what explains faults behind it
	busy  bool
}

// source is a name or a tag that monitors depend on: any one of its nodes is enough.
type source[M comparable] struct {
	nodes  []*Node[M]
	usedBy []*Needs[M]
	by     *Node[M] // whose cause is …
	cause  Cause[M]
	looked time.Time
}

// Needs is what some monitors depend on, the same for all of them.
type Needs[M comparable] struct {
	Heirs   []M // the monitors that do
	sources []*source[M]
	nodes   []*Node[M] // those of the heirs that others depend on
	cause   Cause[M]
}

// Cause is what explains a fault of the path of these monitors now. A nil Needs has none.
func (n *Needs[M]) Cause() Cause[M] {
	if n == nil {
		return Cause[M]{}
	}
	return n.cause
}

// CauseFor is the Cause for one that was itself reached in a check that began at
// a time: what was down by then is not in its way. Zero: it never was.
func (n *Needs[M]) CauseFor(reached time.Time) Cause[M] {
	c := n.Cause()
	if c.None() || reached.IsZero() || !reached.After(c.at) {
		return c
	}
	c = Cause[M]{}
	for _, s := range n.sources {
		for _, node := range s.nodes {
			if node.cause.better(c) && !reached.After(node.cause.at) {
				c = node.cause
			}
		}
	}
	return c
}

// Web is who depends on whom. Make it with New, Add everyone who depends on
// others, then call Join.
type Web[M comparable] struct {
	find    func(string) []M
	sources map[string]*source[M]
	needs   map[string]*Needs[M]
	nodes   map[M]*Node[M]
}

// New makes a Web, in which find says whose the names and tags are.
func New[M comparable](find func(string) []M) *Web[M] {
	return &Web[M]{find, map[string]*source[M]{}, map[string]*Needs[M]{}, map[M]*Node[M]{}}
}

// Add notes that a monitor depends on others, the likeliest first, and returns
// that; nil where there are none of these.
func (w *Web[M]) Add(m M, on []string) *Needs[M] {
	id := strings.Join(on, "\x00")
	n, known := w.needs[id]
	if !known {
		n = &Needs[M]{}
		for _, to := range on {
			if s := w.source(to); len(s.nodes) > 0 {
				n.sources = append(n.sources, s)
				s.usedBy = append(s.usedBy, n)
			}
		}
		w.needs[id] = n
	}
	if len(n.sources) == 0 {
		return nil
	}
	n.Heirs = append(n.Heirs, m)
	return n
}

func (w *Web[M]) source(to string) *source[M] {
	s := w.sources[to]
	if s != nil {
		return s
	}
	s = &source[M]{}
	w.sources[to] = s
	for _, m := range w.find(to) {
		node := w.nodes[m]
		if node == nil {
			node = &Node[M]{Of: m}
			w.nodes[m] = node
		}
		node.in = append(node.in, s)
		s.nodes = append(s.nodes, node)
	}
	return s
}

// Join ends what Add began, and returns those that others depend on.
func (w *Web[M]) Join() map[M]*Node[M] {
	for _, n := range w.needs {
		for _, m := range n.Heirs {
			if node := w.nodes[m]; node != nil {
				node.needs = n
				n.nodes = append(n.nodes, node)
			}
		}
	}
	return w.nodes
}

// Set says how a node stands from now on, and returns those whose Cause that changes.
func (n *Node[M]) Set(s State) []*Needs[M] {
	n.state = s
	var changed []*Needs[M]
	n.renew(&changed)
	return changed
}

// Standing is how it stands.
func (n *Node[M]) Standing() Standing { return n.state.Standing }

// renew works out again what explains faults behind a node, and goes on with
// those behind it where that is another one.
func (n *Node[M]) renew(changed *[]*Needs[M]) {
	if n.busy {
		return // a circle, which a configuration refuses
	}
	c := n.explains()
	if c.same(n.cause) {
		n.cause = c
		return
	}
	n.cause, n.busy = c, true
	for _, s := range n.in {
		if s.renew(n) {
			for _, needs := range s.usedBy {
				needs.renew(changed)
			}
		}
	}
	n.busy = false
}

// explains is the topmost that is down, and explains what is behind this node.
func (n *Node[M]) explains() Cause[M] {
	above := n.needs.Cause()
	switch s := n.state; s.Standing {
	case Down:
		if above = n.needs.CauseFor(s.Reached); s.Path && above.Sure {
			return above
		}
		return Cause[M]{n.Of, true, s.At}
	case Doubted:
		if above = n.needs.CauseFor(s.Reached); above.Sure {
			return above
		}
		return Cause[M]{n.Of, false, s.At}
	case Well:
		if above.None() || s.At.After(above.at) {
			return Cause[M]{} // it was reached since: what is above it is in nobody's way
		}
		return above
	}
	return above
}

// renew takes what one of the nodes says now, and reports whether that changes
// anything. One that explains enough stays until it does no longer.
func (s *source[M]) renew(n *Node[M]) bool {
	was := s.cause
	switch {
	case s.by == n:
		s.by, s.cause = n, n.cause
		if n.cause.Sure {
			break
		}
		for _, other := range s.nodes {
			if other.cause.better(s.cause) {
				s.by, s.cause = other, other.cause
			}
		}
	case n.cause.better(s.cause):
		s.by, s.cause = n, n.cause
	}
	return !s.cause.same(was)
}

func (n *Needs[M]) renew(changed *[]*Needs[M]) {
	var c Cause[M]
	for _, s := range n.sources {
		if s.cause.better(c) {
			c = s.cause
		}
	}
	if c.same(n.cause) {
		n.cause = c
		return
	}
	n.cause = c
	*changed = append(*changed, n)
	for _, node := range n.nodes {
		node.renew(changed)
	}
}

// Ask lists those to look at because one that has these Needs has failed since
// a time: the nodes that were not asked for by others since then, nor a gap
// ago, and those above them; at most so many of each name or tag.
func (n *Needs[M]) Ask(since, now time.Time, gap time.Duration, most int) []M {
	if n == nil {
		return nil
	}
	var out []M
	for _, s := range n.sources {
		if s.looked.After(since) || !s.looked.IsZero() && now.Sub(s.looked) < gap {
			continue
		}
		s.looked = now
		for _, node := range s.nodes[:min(len(s.nodes), most)] {
			out = append(append(out, node.needs.Ask(since, now, gap, most)...), node.Of)
		}
	}
	return out
}
