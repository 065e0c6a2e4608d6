package desk

import (
	"cmp"
	"slices"
	"time"

	"lookout/engine/uptime"
)

const (
	// steadyAfter is how long what comes and goes must be well before it is over.
	steadyAfter = uptime.RuleReopen
	// forgetAfter is how long it is known who was told of what is over: it may come back.
	forgetAfter = uptime.RuleReopen + time.Minute
)

// thread is what channels are told of together: one incident, or all those of a
// cause, with its end.
type thread struct {
	Cause uptime.Cause `json:",omitzero"`
	Legs  []*leg

	Remind        time.Duration `json:",omitzero"` // the shortest of its members
	Next          time.Time     `json:",omitzero"` // reminder; zero: none
	EscalateTo    []string      `json:",omitempty"`
	EscalateAfter time.Duration `json:",omitzero"`
	Escalate      time.Time     `json:",omitzero"` // when; zero: not
	Escalated     bool          `json:",omitempty"`

	of      owner
	members map[uint64]*matter // not forgotten
}

// owner is what a thread is stored with.
type owner interface{ key() string }

// leg is what one channel was told of a thread.
type leg struct {
	Channel string
	Why     string
	Whole   bool      `json:",omitempty"` // of all members, whomever their routes tell: it was escalated to
	Opened  uint64    `json:",omitempty"` // the newest parcel that told it; 0: it is to be told
	Joint   bool      `json:",omitempty"` // … and that one told of other threads, too
	Sent    bool      `json:",omitempty"` // that one was taken
	At      time.Time `json:",omitzero"`  // of the newest letter
	First   uint64    // incident: the thread of parcels
	Newest  []uint64  `json:",omitempty"` // incidents, without the first
	Event   uint64    `json:",omitempty"` // the newest that changed something
	Count   int       // incidents in all
	Open    int       // … that last
	Told    int       `json:",omitempty"` // … that were over by the newest letter
	Grown   bool      `json:",omitempty"` // by one that began after the newest letter
	Moved   time.Time `json:",omitzero"`  // when one was over last
	Over    time.Time `json:",omitzero"`  // since when all are; zero: they are not
	Flaps   bool      `json:",omitempty"` // its end is told when it is steady
	Rose    time.Time `json:",omitzero"`  // … since when it is back
	Stood   bool      `json:",omitempty"` // … and it was told that it stays
}

func (t *thread) leg(channel string) *leg {
	for _, l := range t.Legs {
		if l.Channel == channel {
			return l
		}
	}
	return nil
}

// has reports whether a leg is about a member.
func (l *leg) has(m *matter) bool { return l.Whole || slices.Contains(m.Whom.Channels, l.Channel) }

// name notes an incident of a leg.
func (l *leg) name(number uint64) {
	if l.First == 0 {
		l.First = number
	}
	if l.First == number || slices.Contains(l.Newest, number) {
		return
	}
	if l.Newest = append(l.Newest, number); len(l.Newest) > uptime.MaxNamed-1 {
		l.Newest = slices.Delete(l.Newest, 0, 1)
	}
}

// enlist makes a matter a member of a thread. Channels that were told of it
// already hear of that in a digest.
func (d *Desk) enlist(t *thread, m *matter, now time.Time) {
	m.Stage = told
	t.members[m.Number] = m
	crowd := false
	if g := d.groups[m.Group]; g != nil {
		delete(g.waiting, m.Number)
		crowd = g.Crowd
	}
	if r := m.Whom.Remind; r > 0 && (t.Remind == 0 || r < t.Remind) {
		t.Remind = r
	}
	if len(t.EscalateTo) == 0 {
		t.EscalateTo, t.EscalateAfter = m.Whom.EscalateTo, m.Whom.EscalateAfter
	}
	for _, c := range m.Whom.Channels {
		if t.leg(c) == nil {
			t.Legs = append(t.Legs, &leg{Channel: c, Why: m.Whom.Why})
		}
	}
	for _, l := range t.Legs {
		if !l.has(m) {
			continue
		}
		l.Count++
		l.name(m.Number)
		l.Event = max(l.Event, m.Event)
		if m.Live {
			l.Grown = l.Grown || crowd || m.Since.After(l.At)
			d.rise(t, l, m.Event, now)
		}
	}
	d.opening = append(d.opening, t)
}

// rise takes that one more member of a leg lasts. Where all were over, it flaps.
func (d *Desk) rise(t *thread, l *leg, event uint64, now time.Time) {
	l.Open++
	if l.Over.IsZero() {
		return
	}
	l.Over, l.Event, l.Rose = time.Time{}, event, now
	if !l.Flaps {
		l.Flaps = true
		p := d.parcel(t, l, uptime.AlertFlapping, now)
		l.Stood = false
		d.relist(t, l, p.Number)
	}
	d.watch(t, now)
}

// relist notes that another parcel tells what a leg is about.
func (d *Desk) relist(t *thread, l *leg, number uint64) {
	d.unlist(t, l)
	l.Opened, l.Sent, l.Joint = number, false, false
	d.letters[number] = append(d.letters[number], t)
}

// fall takes that one member fewer of a leg lasts, and tells the end of the last.
func (d *Desk) fall(t *thread, l *leg, event uint64, now time.Time) {
	l.Open--
	l.Event, l.Moved = event, now
	if l.Open > 0 || l.Opened == 0 {
		return
	}
	l.Over = now
	if !l.Flaps {
		d.end(t, l, now)
	}
}

// end tells a channel that a thread is over.
func (d *Desk) end(t *thread, l *leg, now time.Time) {
	p := d.parcel(t, l, uptime.AlertRecovered, now)
	if !l.Joint {
		p.Ends = l.Opened
	}
}

// leave takes a member out of those that last.
func (d *Desk) leave(t *thread, m *matter, event uint64, now time.Time) {
	for _, l := range t.Legs {
		if l.has(m) {
			d.fall(t, l, event, now)
		}
	}
	d.keepThread(t)
}

// quit takes a matter that is told of anew out of what it was told with before:
// nobody hears of an end.
func (d *Desk) quit(from *past, m *matter, now time.Time) {
	t := from.Thread
	if g := d.groups[from.Group]; g != nil {
		t = &g.Thread
	}
	if t == nil {
		return
	}
	for _, l := range t.Legs {
		if l.Whole || slices.Contains(from.Whom.Channels, l.Channel) {
			if l.Open--; l.Open == 0 {
				l.Over = now
			}
		}
	}
	delete(t.members, m.Number)
	if from.Thread != nil {
		d.unlisted(t)
		return
	}
	d.keepThread(t)
}

// flush tells the channels that have not been told yet.
func (d *Desk) flush(s *uptime.Snapshot, now time.Time) {
	d.atOnce(uptime.AlertCollapsed, now)
	for _, t := range d.opening {
		for _, l := range t.Legs {
			if l.Opened != 0 {
				d.amend(l)
				continue
			}
			kind := uptime.AlertOpened
			switch {
			case l.Open == 0:
				kind, l.Over = uptime.AlertCollapsed, now
			case l.Whole:
				kind = uptime.AlertEscalated
			}
			p := d.parcel(t, l, kind, now)
			g, ok := t.of.(*group)
			if ok && kind == uptime.AlertOpened {
				p.Failing = d.failing(g, s, now)
			}
			if ok && g.Told.IsZero() {
				g.Told = now
			}
			l.Opened = p.Number
			d.letters[p.Number] = append(d.letters[p.Number], t)
			d.watch(t, now)
		}
		d.keepThread(t)
	}
	d.opening = d.opening[:0]
}

// amend has the letter that opened a leg name who has joined since, as long as
// it was not handed out: what is taken together is told together.
func (d *Desk) amend(l *leg) {
	i, found := slices.BinarySearchFunc(d.out.Parcels, l.Opened, func(p uptime.Parcel, n uint64) int { return cmp.Compare(p.Number, n) })
	if !found || d.out.Parcels[i].Kind != uptime.AlertOpened || l.Joint {
		return
	}
	p := &d.out.Parcels[i]
	if joined := l.Count - p.Count; joined > 0 {
		p.Event, p.Incidents, p.Count, p.Failing = l.Event, slices.Concat([]uint64{l.First}, l.Newest), l.Count, max(p.Failing-joined, 0)
		l.Grown, l.Told = false, l.Count-l.Open
		p.Over = l.Told
	}
}

// watch begins to wait for somebody to take note of what they were told.
func (d *Desk) watch(t *thread, now time.Time) {
	if t.Remind > 0 && t.Next.IsZero() {
		t.Next = now.Add(t.Remind)
	}
	if len(t.EscalateTo) > 0 && !t.Escalated && t.Escalate.IsZero() {
		t.Escalate = now.Add(t.EscalateAfter)
	}
}

// parcel adds one to what is handed out. It may be changed until the next.
func (d *Desk) parcel(t *thread, l *leg, kind uptime.AlertKind, now time.Time) *uptime.Parcel {
	l.At, l.Grown, l.Told = now, false, l.Count-l.Open
	p := uptime.Parcel{Channel: l.Channel, Kind: kind, At: now, Event: l.Event, Incidents: slices.Concat([]uint64{l.First}, l.Newest),
		Count: l.Count, Thread: l.First, Over: l.Told, Cause: t.Cause, Why: l.Why}
	for _, other := range t.Legs {
		if other != l {
			p.Also = append(p.Also, other.Channel)
		}
	}
	return d.post(p)
}

// post numbers a parcel.
func (d *Desk) post(p uptime.Parcel) *uptime.Parcel {
	d.kept.Parcels++
	d.save(keyState, &d.kept)
	p.Number = d.kept.Parcels
	d.out.Parcels = append(d.out.Parcels, p)
	return &d.out.Parcels[len(d.out.Parcels)-1]
}
