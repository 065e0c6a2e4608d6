package desk

import (
	"cmp"
	"slices"
	"time"

	"lookout/engine/uptime"
)

const (
	// holdMost is how long an alert is held at most.
	holdMost = 30 * time.Second
	// lateFor is how long that is of one that is over by now: its end is on the way.
	lateFor = 2 * time.Second
	// lookEvery is between two looks at what samples have answered.
	lookEvery = 250 * time.Millisecond
	// sampled is how many others that share a cause are checked.
	sampled = 5
	// tried is how many are considered for that.
	tried = 64
	// mostLooked is how many causes are looked into at a time: what fails beyond
	// has to be one of those, or is told alone.
	mostLooked = 64
	// together is within which time monitors that are down became so by one cause.
	together = 15 * time.Minute
)

// hold keeps a matter from being told while it may turn out to be one of many:
// until others that share a cause with it were looked at. One that shares none
// is told at once.
func (d *Desk) hold(m *matter, s *uptime.Snapshot, now time.Time) {
	m.Stage, m.Due, m.Shares = held, now.Add(holdMost), nil
	in, st := open(s, m.Number), find(s, m.Monitor)
	switch {
	case in == nil: // it is over already, which we will hear: there was nobody to tell of it in time
		m.Late, m.Due = true, now.Add(lateFor)
		d.holding[m.Number] = m
		d.keep(m)
		return
	case st == nil:
		d.tell(m, s, now)
		return
	}
	m.Here = in.Alone()
	if g := d.known(m, s); g != nil {
		d.join(g, m, s, now)
		return
	}
	d.index.update(s, now)
	causes := causesOf(st, m.Here)
	for i, c := range causes {
		g := d.lookInto(sharedBy{c, m.Down}, causes[i+1:], m, s, now)
		if g == nil {
			continue
		}
		m.Shares = append(m.Shares, g.Number)
		if g.Said == common && len(m.Shares) == 1 && !g.Few {
			break
		}
	}
	d.holding[m.Number] = m
	d.keep(m)
	d.decide(m, s, now)
}

// beneath is the group of those that are reached through the monitor of a matter.
func (d *Desk) beneath(m *matter) *group {
	return d.sharing[sharedBy{uptime.Cause{Kind: uptime.CauseParent, Key: m.Monitor}, m.Down}]
}

// known is the group of those that are told, or about to be, to be behind the
// monitor of a matter, while that lasts; nil: there is none. What was confirmed
// later than they were is no news.
func (d *Desk) known(m *matter, s *uptime.Snapshot) *group {
	g := d.beneath(m)
	if g == nil || g.past(m, s) || !slices.ContainsFunc(g.Thread.Legs, func(l *leg) bool { return l.Over.IsZero() }) {
		return nil
	}
	return g
}

// decide tells of a held matter as soon as it is known whether it is alone: the
// widest cause that is common is the one that is named.
func (d *Desk) decide(m *matter, s *uptime.Snapshot, now time.Time) {
	last := !now.Before(m.Due)
	if m.Late && !last {
		return
	}
	for i, n := range m.Shares {
		g := d.groups[n]
		if g == nil {
			continue
		}
		said := g.Said
		if said == unknown && last {
			said = g.says(s, true)
		}
		if said == common && g.Few {
			if said = d.nearer(m.Shares[i+1:], last); said == apart && g.untold() {
				g.Said, g.Known = apart, now
				d.keepGroup(g)
			}
		}
		switch said {
		case common:
			if m.Live || !g.over(m) {
				if g.untold() {
					g = cmp.Or(d.crowd(m, s, now), g)
				}
				d.join(g, m, s, now)
				return
			}
			// it came and went, and so did the cause: people heard of the end of that
		case unknown:
			return
		}
	}
	if g := d.known(m, s); g != nil && m.Live {
		d.join(g, m, s, now)
		return
	}
	if g := d.beneath(m); g != nil && d.looking[g.Number] != nil && !last {
		return
	}
	if g := d.crowd(m, s, now); g != nil {
		d.join(g, m, s, now)
		return
	}
	d.tell(m, s, now)
}

// nearer is what those say that share something narrower with a matter, where a
// cause of few is common: it is not, if they answer.
func (d *Desk) nearer(groups []uint64, last bool) finding {
	for _, n := range groups {
		g := d.groups[n]
		switch {
		case g == nil:
		case g.Said == apart:
			return apart
		case g.Said == unknown && !last:
			return unknown
		}
	}
	return common
}

// fewOthers is how many others of a cause may fail by chance.
const fewOthers = 2

// lookInto is the group of a cause that a matter may be of; nil where no other
// monitor shares it, or none that does not share something narrower, too: then
// that explains as much.
func (d *Desk) lookInto(by sharedBy, narrower []uptime.Cause, m *matter, s *uptime.Snapshot, now time.Time) *group {
	g := d.sharing[by]
	if g != nil && g.past(m, s) {
		g = nil
	}
	if g != nil {
		age := now.Sub(g.Known)
		switch {
		case g.Said == unknown, g.Said == common && age < commonFor && !g.ended(), g.Said == apart && age < apartFor:
			return g
		}
	}
	if len(d.looking) >= mostLooked {
		return nil
	}
	sample, failing, others := d.pick(by, narrower, m, g, s)
	if failing+others == 0 {
		return nil
	}
	if g == nil {
		g = d.newGroup(by)
	}
	g.Since, g.Sample, g.Said, g.Known = now, sample, unknown, time.Time{}
	g.Few = by.cause.Kind == uptime.CauseNode && failing+others <= fewOthers
	if failing > others {
		g.Said, g.Known = common, now
	} else {
		d.looking[g.Number] = g
		d.out.Look = append(d.out.Look, sample...)
		if by.cause.Kind == uptime.CauseParent && find(s, by.cause.Key) != nil {
			d.out.Look = append(d.out.Look, by.cause.Key)
		}
		d.alarms.set(keyLook, nextLook(now))
	}
	d.keepGroup(g)
	return g
}

// pick chooses which others that share a cause are looked at. They share nothing
// narrower with the matter, and are not explained by it. It counts those that are
// known to have failed with it, and those that are not down.
func (d *Desk) pick(by sharedBy, narrower []uptime.Cause, m *matter, g *group, s *uptime.Snapshot) (sample []string, failing, others int) {
	of := d.index.sharers(by.cause)
	n := of.len()
	tries := min(n, tried)
	if tries == 0 {
		return nil, 0, 0
	}
	from := int((hash(by.cause.Kind, []byte(by.cause.Key)) ^ m.Number*0x9e3779b97f4a7c15) % uint64(n))
	for k := range tries {
		name := of.at((from + k*(n/tries)) % n)
		st := find(s, name)
		if st == nil || name == m.Monitor || st.Mode != uptime.Active || !uptime.Speaks(st.Type) || st.Behind != "" || d.shares(st, narrower) || leadsTo(s, st, m.Monitor) {
			continue
		}
		switch v := st.Verdict; {
		case v == uptime.Pending, v == uptime.Unknown:
		case v == uptime.Down && by.down, v == uptime.Degraded && !by.down:
			if !st.Since.Before(m.Since.Add(-together)) || g != nil && g.Thread.members[st.Incident] != nil {
				failing++
			}
		case v == uptime.Down:
		default:
			if others++; len(sample) < sampled {
				sample = append(sample, name)
			}
		}
	}
	return sample, failing, others
}

// shares reports whether a monitor has one of some causes.
func (d *Desk) shares(st *uptime.State, causes []uptime.Cause) bool {
	found := false
	if len(causes) > 0 {
		eachCause(st, func(kind uptime.CauseKind, key []byte) {
			found = found || slices.ContainsFunc(causes, func(c uptime.Cause) bool { return c.Kind == kind && c.Key == string(key) })
		})
	}
	return found
}

// mostParents bounds a walk from parent to parent.
const mostParents = 8

// leadsTo reports whether a monitor is reached through another, or depends on it.
func leadsTo(s *uptime.Snapshot, st *uptime.State, name string) bool {
	for range mostParents {
		if st.Parent == name || slices.Contains(st.DependsOn, name) {
			return true
		}
		if st.Parent == "" {
			return false
		}
		if st = find(s, st.Parent); st == nil {
			return false
		}
	}
	return false
}

// sample looks at what those that were asked have answered.
func (d *Desk) sample(s *uptime.Snapshot, now time.Time) {
	news := false
	for _, g := range groupsInOrder(d.looking) {
		said := g.says(s, !now.Before(g.Since.Add(holdMost)))
		if said == unknown {
			continue
		}
		news = true
		g.Said, g.Known = said, now
		delete(d.looking, g.Number)
		d.keepGroup(g)
	}
	if news {
		held := sorted(d.holding)
		through := func(m *matter) bool { return d.beneath(m) != nil } // these come after those behind them
		for _, m := range slices.Concat(without(held, through), without(held, func(m *matter) bool { return !through(m) })) {
			d.decide(m, s, now)
		}
	}
	next := time.Time{}
	if len(d.looking) > 0 {
		next = nextLook(now)
	} else if len(d.holding) == 0 && now.Sub(d.index.made) > indexFor {
		d.index.drop()
	}
	d.alarms.set(keyLook, next)
}

// nextLook is when samples are looked at next: by the clock, so that a desk that
// was made anew looks when the one before would have.
func nextLook(now time.Time) time.Time { return now.Truncate(lookEvery).Add(lookEvery) }

// says is what the sample of a group has answered: common, where most of it
// fails in checks that began since. At last, those that are in doubt count as
// failing, and those that told nothing as well.
func (g *group) says(s *uptime.Snapshot, last bool) finding {
	asked, good, bad, doubted := 0, 0, 0, 0
	for _, name := range g.Sample {
		st := find(s, name)
		if st == nil || st.Mode != uptime.Active {
			continue
		}
		asked++
		fails := st.Outcome == uptime.OutcomeDown || !g.Down && st.Outcome == uptime.OutcomeDegraded
		switch since := !st.Last.Before(g.Since); { // both are of whole milliseconds
		case since && (st.Outcome == uptime.OutcomeUp || st.Outcome == uptime.OutcomeDegraded) && !fails:
			good++
		case since && fails, st.Verdict == uptime.Down:
			bad++
		case st.Verdict == uptime.Suspect:
			doubted++
		}
	}
	switch {
	case bad*2 > asked, last && (bad+doubted)*2 > asked:
		return common
	case good*2 >= asked, last:
		return apart
	}
	return unknown
}
