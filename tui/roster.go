package tui

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// order is what the overview is sorted by. The zero value is the worst first.
type order uint8

const (
	bySeverity order = iota
	byName
	byLatency
	byP95
	byAge
	byUptime
	byCert
	byGroup
	byChange
	orders
)

var orderNames = [orders]string{"severity", "name", "latency", "p95", "age", "uptime", "cert", "group", "change"}

func (o order) String() string { return orderNames[o] }

// arrangement is how the rows of the overview are chosen and put in order.
type arrangement struct {
	by      order
	reverse bool
	grouped bool
	folds   map[string]bool // groups that somebody opened (true) or closed; never written to
	query   *query          // nil: all
}

// problems is the severity from which on nobody is needed.
const problems = 4

// roster is the rows of the overview: a snapshot and indexes into it. It is
// made at once and not changed, so it can be made beside the screen.
type roster struct {
	arrangement
	snap   *uptime.Snapshot
	flat   []int32 // indexes of the states that pass the filter, in order, folded ones too
	rows   []int32 // what is listed: an index into snap.States, or ^index into groups
	groups []groupRow

	severity  []uint8  // of all states
	folded    []string // names in lower case, for the filter
	locations []string // all that any state has, this node first
}

// groupRow sums up a group.
type groupRow struct {
	name   string
	counts uptime.Counts
	worst  int32 // index of the state
	day    uptime.Share
	p95    time.Duration // the highest
	open   bool
}

// arrange makes the rows for a snapshot. What did not change since before (may
// be nil) is not looked at again: a state that is the same pointer is the same.
func arrange(before *roster, snap *uptime.Snapshot, a arrangement, now time.Time) *roster {
	r := &roster{arrangement: a, snap: snap}
	r.survey(before)
	r.flat = make([]int32, 0, len(snap.States))
	for i, s := range snap.States {
		if a.query == nil || a.query.match(s, r.folded[i], now) {
			r.flat = append(r.flat, int32(i))
		}
	}
	r.sort()
	if a.grouped {
		r.group()
	} else {
		r.rows = r.flat
	}
	return r
}

// survey reads what the order needs of every state, once for each change.
func (r *roster) survey(before *roster) {
	states := r.snap.States
	r.severity = make([]uint8, len(states))
	same := before != nil && len(before.snap.States) == len(states)
	if before != nil {
		r.locations = slices.Clone(before.locations)
	}
	if same {
		r.folded = before.folded
	} else {
		r.folded = make([]string, len(states))
		r.locations = nil
	}
	shared := same // folded is the one of before and must not be written to
	for i, s := range states {
		if same && before.snap.States[i] == s {
			r.severity[i] = before.severity[i]
			continue
		}
		r.severity[i] = uint8(s.Severity())
		for _, l := range s.Locations {
			if !slices.Contains(r.locations, l.Location) {
				r.locations = append(r.locations, l.Location)
			}
		}
		if same && before.snap.States[i].Name == s.Name {
			continue
		}
		if shared {
			r.folded, shared = slices.Clone(r.folded), false
		}
		r.folded[i] = strings.ToLower(s.Name)
	}
	slices.SortFunc(r.locations, byPlace)
}

// byPlace orders locations: this node first, then by name, whoever was heard first.
func byPlace(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == uptime.Local:
		return -1
	case b == uptime.Local:
		return 1
	}
	return strings.Compare(a, b)
}

// sort puts flat, which is in the order of names, into the order asked for.
// Equals stay in the order of names.
func (r *roster) sort() {
	switch r.by {
	case byName:
		if r.reverse {
			slices.Reverse(r.flat)
		}
		return
	case bySeverity:
		r.sortSeverity()
		if r.reverse {
			slices.Reverse(r.flat)
		}
		return
	case byGroup:
		sort := func(a, b int32) int { return cmp.Compare(r.snap.States[a].Group, r.snap.States[b].Group) }
		if r.reverse {
			slices.SortStableFunc(r.flat, func(a, b int32) int { return sort(b, a) })
		} else {
			slices.SortStableFunc(r.flat, sort)
		}
		return
	}
	type keyed struct {
		key int64
		i   int32
	}
	keys := make([]keyed, len(r.flat))
	for n, i := range r.flat {
		k := r.by.key(r.snap.States[i])
		if r.reverse && k != last {
			k = -k
		}
		keys[n] = keyed{k, i}
	}
	slices.SortFunc(keys, func(a, b keyed) int {
		if c := cmp.Compare(a.key, b.key); c != 0 {
			return c
		}
		return cmp.Compare(a.i, b.i)
	})
	for n, k := range keys {
		r.flat[n] = k.i
	}
}

// last is the key of a state that has nothing to be sorted by: it stays at the end.
const last = int64(1) << 62

// key is what a state is sorted by, the smallest first.
func (o order) key(s *uptime.State) int64 {
	switch o {
	case byLatency:
		if s.Last.IsZero() || s.Total <= 0 {
			return last
		}
		return -int64(s.Total)
	case byP95:
		if s.P95 <= 0 {
			return last
		}
		return -int64(s.P95)
	case byAge:
		if s.Last.IsZero() {
			return last
		}
		return s.Last.UnixMilli()
	case byUptime:
		up, ok := s.Day.Uptime()
		if !ok {
			return last
		}
		return int64(up * 1e12)
	case byCert:
		if s.Cert == nil {
			return last
		}
		return s.Cert.NotAfter.Unix()
	case byChange:
		if s.Since.IsZero() {
			return last
		}
		return -s.Since.UnixMilli()
	}
	return 0
}

// sortSeverity is a counting sort: 180,000 rows in a pass. Among problems those
// that nothing else explains come first, and the newest of them.
func (r *roster) sortSeverity() {
	const kinds = 8
	var start [kinds + 1]int
	for _, i := range r.flat {
		start[r.severity[i]+1]++
	}
	for k := range kinds {
		start[k+1] += start[k]
	}
	out, next := make([]int32, len(r.flat)), start
	for _, i := range r.flat {
		k := r.severity[i]
		out[next[k]] = i
		next[k]++
	}
	slices.SortStableFunc(out[:start[problems]], func(a, b int32) int {
		if c := cmp.Compare(r.severity[a], r.severity[b]); c != 0 {
			return c
		}
		x, y := r.snap.States[a], r.snap.States[b]
		if explained := x.Behind != ""; explained != (y.Behind != "") {
			if explained {
				return 1
			}
			return -1
		}
		return y.Since.Compare(x.Since)
	})
	r.flat = out
}

// group puts flat into the order of groups, the worst first, and lists what is open.
func (r *roster) group() {
	place := map[string]int{}
	members := [][]int32{}
	for _, i := range r.flat {
		s := r.snap.States[i]
		g, ok := place[s.Group]
		if !ok {
			g = len(r.groups)
			place[s.Group] = g
			r.groups = append(r.groups, groupRow{name: s.Group, worst: i})
			members = append(members, nil)
		}
		members[g] = append(members[g], i)
		row := &r.groups[g]
		row.counts.Add(s.Verdict, s.Mode)
		row.day.Add(s.Day)
		row.p95 = max(row.p95, s.P95)
		if r.severity[i] < r.severity[row.worst] {
			row.worst = i
		}
	}
	seq := make([]int, len(r.groups))
	for g := range seq {
		seq[g] = g
	}
	slices.SortFunc(seq, func(a, b int) int {
		x, y := &r.groups[a], &r.groups[b]
		if c := cmp.Compare(r.severity[x.worst], r.severity[y.worst]); c != 0 {
			return c
		}
		return cmp.Compare(x.name, y.name)
	})
	sorted, flat := make([]groupRow, 0, len(seq)), make([]int32, 0, len(r.flat))
	for _, g := range seq {
		row := r.groups[g]
		open, said := r.folds[row.name]
		row.open = said && open || !said && row.counts.Down > 0
		r.rows = append(r.rows, ^int32(len(sorted)))
		sorted = append(sorted, row)
		if row.open {
			r.rows = append(r.rows, members[g]...)
		}
		flat = append(flat, members[g]...)
	}
	r.groups, r.flat = sorted, flat
}

// index finds a monitor by name; states are sorted by it.
func (r *roster) index(name string) (int32, bool) {
	i, ok := slices.BinarySearchFunc(r.snap.States, name, func(s *uptime.State, n string) int { return cmp.Compare(s.Name, n) })
	return int32(i), ok
}

// row finds where a monitor (or a group) is listed; -1: it is not.
func (r *roster) row(name string, isGroup bool) int {
	if isGroup {
		for at, i := range r.rows {
			if i < 0 && r.groups[^i].name == name {
				return at
			}
		}
		return -1
	}
	i, ok := r.index(name)
	if !ok {
		return -1
	}
	return slices.Index(r.rows, i)
}

// problem finds the next state, in direction dir from a place in flat, that a
// person should look at; round the end; -1: none.
func (r *roster) problem(at, dir int) int {
	n := len(r.flat)
	for step := 1; step <= n; step++ {
		i := ((at+dir*step)%n + n) % n
		if r.severity[r.flat[i]] < problems {
			return i
		}
	}
	return -1
}
