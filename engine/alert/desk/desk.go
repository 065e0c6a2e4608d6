// Package desk decides who is told what, and when. It is pure: it is given the
// events of the log in their order, snapshots and times, and hands out parcels
// (decisions to tell), records to be stored with them, and the names of monitors
// that should be looked at. The same input makes the same output, so a desk that
// is made anew from its records goes on as the one before would have.
//
//	event ──► matter (one open incident that somebody is, or may be, told of)
//	             │ shares a cause with others? held, at most 30 s, for a sample of them
//	             ▼
//	          thread (what channels are told of: one incident, or all of one cause)
//	             │ a leg for each channel: opened, flapping, recovered, reminders
//	             ▼
//	          parcels, records
//
// An incident that nobody is to be told of (behind another, in a maintenance,
// only degraded where no route asks for that) has no matter, and costs nothing.
package desk

import (
	"slices"
	"time"

	"lookout/engine/uptime"
)

// Options is what a configuration says of telling people.
type Options struct {
	Instance string
	Zone     *time.Location // of the hours of routes; nil: UTC
	Channels []string
	Routes   []uptime.Route
}

// Step is what is to be done after events and ticks.
type Step struct {
	Records []uptime.OutboxRecord // to be stored, by key; Data nil deletes
	Parcels []uptime.Parcel       // by number; to be stored in the same transaction
	Look    []string              // monitors to be checked now
}

// Desk decides. Make it with New; it belongs to one goroutine.
type Desk struct {
	o        Options
	kept     state
	begun    bool
	matters  map[uint64]*matter // by incident
	groups   map[uint64]*group
	sharing  map[sharedBy]*group  // the newest of each cause
	parked   map[uint64]*matter   // that wait for their monitor to be active
	holding  map[uint64]*matter   // that are held
	looking  map[uint64]*group    // that are looked into
	letters  map[uint64][]*thread // by the number of a parcel that opened them
	channels map[string]bool      // that are known
	certs    certificates
	node     node
	probes   probes
	index    index

	alarms  alarms
	opening []*thread      // with legs that are to be told
	review  uint64         // the event that has to be taken before what is open is gone through
	due     bool           // … which is to be done
	changed map[string]any // records, by key; nil deletes
	out     Step
}

// state is the record desk/state.
type state struct {
	Cursor  uint64 // the newest event that was taken
	Parcels uint64 // the newest number
	Groups  uint64
	Now     time.Time `json:",omitzero"`  // when it was written
	Singly  []single  `json:",omitempty"` // what is seen from here alone and was told one by one lately
}

// New makes a desk of what it had stored, which is all records that begin with
// Prefix. It fails on one of a version that it does not know.
func New(o Options, saved []uptime.OutboxRecord) (*Desk, error) {
	d := &Desk{
		o: o, matters: map[uint64]*matter{}, groups: map[uint64]*group{}, sharing: map[sharedBy]*group{},
		parked: map[uint64]*matter{}, holding: map[uint64]*matter{}, looking: map[uint64]*group{}, letters: map[uint64][]*thread{}, channels: map[string]bool{},
		changed: map[string]any{}, certs: certificates{told: map[string]time.Time{}},
	}
	if err := d.load(saved); err != nil {
		return nil, err
	}
	return d, nil
}

// Begin is called once, after New, with the newest event of the log and a
// snapshot that is as new. A desk without records begins there; one that has
// records goes on from its cursor, and looks for channels that are new.
func (d *Desk) Begin(newest uint64, s *uptime.Snapshot, now time.Time) {
	now = d.step(now)
	if d.begun && d.kept.Cursor > newest { // the log is another one: it was restored, or begun anew
		d.disown(s, now)
	}
	if !d.begun || d.kept.Cursor > newest {
		d.kept.Cursor = newest
	}
	d.begun = true
	if len(d.looking) > 0 {
		d.alarms.set(keyLook, nextLook(now))
	}
	d.save(keyState, &d.kept)
	d.Configure(d.o, s, now)
}

// Configure puts other channels and routes in force. A channel that was not
// there is told what is open. It does not wait for the events between the cursor
// and the snapshot: that is done when they were taken.
func (d *Desk) Configure(o Options, s *uptime.Snapshot, now time.Time) {
	now = d.step(now)
	d.o = o
	d.dismiss()
	d.due, d.review = true, s.Events
	d.goThrough(s, now)
	d.flush(s, now)
}

// Cursor is the newest event that was taken.
func (d *Desk) Cursor() uint64 { return d.kept.Cursor }

// Held is how many alerts wait for others of the same cause.
func (d *Desk) Held() int { return len(d.holding) }

// Take takes the next event. The snapshot is at least as new; events that were
// taken already are passed over.
func (d *Desk) Take(ev *uptime.Event, s *uptime.Snapshot, now time.Time) {
	if ev.ID <= d.kept.Cursor {
		return
	}
	now = d.step(now)
	d.kept.Cursor = ev.ID
	d.save(keyState, &d.kept)
	switch ev.Kind {
	case uptime.EventVerdict:
		if m := d.matters[ev.Incident]; m != nil && m.Verdict != ev.To {
			m.Verdict = ev.To
			d.keep(m)
		}
	case uptime.EventIncident:
		d.incident(ev, s, now)
	case uptime.EventAck:
		d.acknowledged(ev, now)
	case uptime.EventPause, uptime.EventMaintenance:
		if ev.Mode == uptime.Active {
			d.unpark(ev.Monitor, s, now)
		}
	case uptime.EventCertificate:
		d.another(ev, s, now)
	case uptime.EventNode:
		d.ofNode(ev, now)
	case uptime.EventProbe:
		d.ofProbe(ev, now)
	}
	d.goThrough(s, now)
	d.flush(s, now)
}

// Tick does what is due: the ends of holds and delays, reminders, escalations, digests.
func (d *Desk) Tick(s *uptime.Snapshot, now time.Time) {
	now = d.step(now)
	d.alarms.now = now
	d.sample(s, now)
	for _, key := range d.alarms.due(now) {
		d.ring(key, s, now)
	}
	d.goThrough(s, now)
	d.flush(s, now)
	d.alarms.now = time.Time{}
}

// Wake is when Tick has something to do; zero: not before another event.
func (d *Desk) Wake() time.Time {
	return d.alarms.next()
}

// Sent takes that a channel has taken a parcel: whom its route escalates to need
// not be told that nobody could be.
func (d *Desk) Sent(number uint64, at time.Time) {
	for _, t := range d.letters[number] {
		for _, l := range t.Legs {
			if l.Opened == number && !l.Sent {
				l.Sent = true
				d.keepThread(t)
			}
		}
	}
}

// Out hands out what is to be done, and forgets it.
func (d *Desk) Out() Step {
	d.out.Records = d.records()
	slices.Sort(d.out.Look)
	d.out.Look = slices.Compact(d.out.Look)
	out := d.out
	d.out = Step{}
	return out
}

// stamp leaves of a time what a record keeps of it.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// find is what is known of a monitor; nil: it is not watched.
func find(s *uptime.Snapshot, name string) *uptime.State {
	i, ok := slices.BinarySearchFunc(s.States, name, func(st *uptime.State, name string) int {
		switch {
		case st.Name < name:
			return -1
		case st.Name > name:
			return 1
		}
		return 0
	})
	if !ok {
		return nil
	}
	return s.States[i]
}

// open finds an open incident; nil: it is closed by now.
func open(s *uptime.Snapshot, number uint64) *uptime.Incident {
	i, ok := slices.BinarySearchFunc(s.Open, number, func(in *uptime.Incident, number uint64) int {
		switch {
		case in.Number > number:
			return -1
		case in.Number < number:
			return 1
		}
		return 0
	})
	if !ok {
		return nil
	}
	return s.Open[i]
}
