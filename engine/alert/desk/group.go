package desk

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"lookout/engine/uptime"
)

const (
	digestAfter = 10 * time.Minute // between two letters about who has joined a cause
	settledFor  = 2 * time.Minute  // how long nobody of a cause has recovered when it is said how many have
	commonFor   = time.Minute      // how long it is known that a cause is common, or …
	apartFor    = 5 * time.Second  // … that it is not, before it is looked into again
)

// sharedBy is a cause, of what is down or of what is degraded.
type sharedBy struct {
	cause uptime.Cause
	down  bool
}

// finding is what the sample of a cause says.
type finding string

const (
	unknown finding = ""
	common  finding = "common" // most of the sample fails
	apart   finding = "apart"  // it does not
)

// group is a cause that monitors may share: looked into, and told if they do.
type group struct {
	Number uint64
	Cause  uptime.Cause
	Down   bool
	Said   finding   `json:",omitempty"`
	Since  time.Time // when it was looked into last
	Known  time.Time `json:",omitzero"`  // when Said was
	Told   time.Time `json:",omitzero"`  // when people heard of it first
	Past   bool      `json:",omitempty"` // what fails now by the same cause is another group
	Sample []string  `json:",omitempty"`
	Few    bool      `json:",omitempty"` // so few could be looked at that nearer ones have to fail, too
	Crowd  bool      `json:",omitempty"` // some joined it for want of room: they are named soon
	Thread thread    // of those that share it

	waiting map[uint64]bool // matters that will be members
}

func (g *group) key() string { return keyGroup + strconv.FormatUint(g.Number, 10) }

func (g *group) by() sharedBy { return sharedBy{g.Cause, g.Down} }

// due is when a group is looked at again.
func (g *group) due() time.Time {
	due := g.Thread.due()
	for _, l := range g.Thread.Legs {
		due = sooner(due, l.digest(g.rest()))
	}
	if g.empty() {
		due = sooner(due, g.idle())
	}
	return due
}

// empty reports whether nobody is told of a group any more, unless it is back.
func (g *group) empty() bool { return len(g.Thread.members)+len(g.waiting) == 0 && g.Thread.done() }

// over reports whether a channel of a matter was told that the group is over.
func (g *group) over(m *matter) bool {
	return slices.ContainsFunc(g.Thread.Legs, func(l *leg) bool { return l.has(m) && !l.Over.IsZero() })
}

// rest is between two letters about who has joined: what nobody looked into is
// named as soon as there is room again.
func (g *group) rest() time.Duration {
	if g.Crowd {
		return crowdIn
	}
	return digestAfter
}

// ended reports whether people were told of a group, and that it is over.
func (g *group) ended() bool {
	return len(g.Thread.Legs) > 0 && !slices.ContainsFunc(g.Thread.Legs, func(l *leg) bool { return l.Over.IsZero() })
}

// digest is when a channel hears what has become of a cause since the last
// letter, after some rest; zero: nothing has.
func (l *leg) digest(rest time.Duration) time.Time {
	var at time.Time
	if l.Opened == 0 || l.Flaps || !l.Over.IsZero() {
		return at
	}
	if l.Grown {
		at = l.At.Add(rest)
	}
	if l.Count-l.Open > l.Told {
		settled := l.Moved.Add(settledFor)
		if least := l.At.Add(digestAfter); settled.Before(least) {
			settled = least
		}
		at = sooner(at, settled)
	}
	return at
}

// keepGroup has a group stored, and looked at when it has to be.
func (d *Desk) keepGroup(g *group) {
	d.groups[g.Number] = g
	d.save(g.key(), g)
	d.alarms.set(g.key(), g.due())
}

// newGroup begins to look into a cause.
func (d *Desk) newGroup(by sharedBy) *group {
	if was := d.sharing[by]; was != nil {
		was.Past = true
		d.keepGroup(was)
	}
	d.kept.Groups++
	d.save(keyState, &d.kept)
	g := &group{Number: d.kept.Groups, Cause: by.cause, Down: by.down, Thread: thread{Cause: by.cause}}
	g.linked()
	d.groups[g.Number], d.sharing[by] = g, g
	return g
}

// past reports whether a group was told so long ago that what fails now is no
// part of that outage: people have seen to it, or sleep, and have to hear of more
// by a letter of its own, which is urgent, and not by a digest. A monitor that is
// looked at every hour may have failed long before that was seen.
func (g *group) past(m *matter, s *uptime.Snapshot) bool {
	return !g.Told.IsZero() && m.Since.After(g.Told.Add(together+named(s, m.Monitor).Interval))
}

// linked makes what is not stored.
func (g *group) linked() {
	g.Thread.of, g.Thread.members, g.waiting = g, map[uint64]*matter{}, map[uint64]bool{}
}

// ringGroup looks at a group whose time has come.
func (d *Desk) ringGroup(g *group, s *uptime.Snapshot, now time.Time) {
	t := &g.Thread
	d.ringThread(t, s, now)
	named := false
	for _, l := range t.Legs {
		if at := l.digest(g.rest()); !at.IsZero() && !now.Before(at) {
			d.parcel(t, l, uptime.AlertJoined, now)
			named = true
		}
	}
	g.Crowd = g.Crowd && !named
	if g.empty() && !now.Before(g.idle()) {
		d.dissolve(g)
		return
	}
	d.keepGroup(g)
}

// idle is from when on a group that nobody is a member of is no more.
func (g *group) idle() time.Time {
	at := g.Since.Add(2 * holdMost)
	for _, l := range g.Thread.Legs {
		if over := l.Over.Add(forgetAfter); over.After(at) {
			at = over
		}
	}
	return at
}

// dissolve drops a group.
func (d *Desk) dissolve(g *group) {
	d.unlisted(&g.Thread)
	delete(d.groups, g.Number)
	delete(d.looking, g.Number)
	if d.sharing[g.by()] == g {
		delete(d.sharing, g.by())
	}
	d.alarms.set(g.key(), time.Time{})
	d.save(g.key(), nil)
}

// join makes a matter one of a cause that is common.
func (d *Desk) join(g *group, m *matter, s *uptime.Snapshot, now time.Time) {
	m.Group = g.Number
	g.waiting[m.Number] = true
	d.keepGroup(g)
	d.tell(m, s, now)
}

// failing is how many monitors with the cause of a group fail, too, and are not
// members of it: without those that people have a letter of, or get none on purpose.
func (d *Desk) failing(g *group, s *uptime.Snapshot, now time.Time) int {
	d.index.update(s, now)
	n := 0
	known := make(map[string]bool, len(g.Thread.members))
	for _, m := range g.Thread.members {
		known[m.Monitor] = true
	}
	of := d.index.sharers(g.Cause)
	for i := range of.len() {
		st := find(s, of.at(i))
		if st == nil || st.Mode != uptime.Active || st.Behind != "" || known[st.Name] {
			continue
		}
		m := d.matters[st.Incident]
		if m != nil && m.Stage == told && m.Down == g.Down || m == nil && d.dropped(st, g.Down, now) {
			continue
		}
		if st.Verdict == uptime.Suspect || st.Verdict == uptime.Down && g.Down || st.Verdict == uptime.Degraded && !g.Down {
			n++
		}
	}
	return n
}

// dropped reports whether no route tells anybody of a monitor that fails.
func (d *Desk) dropped(st *uptime.State, down bool, now time.Time) bool {
	return len(d.o.Routes) > 0 && len(Who(&d.o, st.Monitor, verdictOf(down), st.Fault, now).Channels) == 0
}

// groupsInOrder are all of them, by number.
func groupsInOrder(in map[uint64]*group) []*group {
	out := make([]*group, 0, len(in))
	for _, n := range slices.Sorted(maps.Keys(in)) {
		out = append(out, in[n])
	}
	return out
}
