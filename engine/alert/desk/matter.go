package desk

import (
	"slices"
	"strconv"
	"time"

	"lookout/engine/uptime"
)

// stage is how far a matter is.
type stage string

const (
	held    stage = "held"    // for others of the same cause
	delayed stage = "delayed" // until it has lasted, its monitor is active, or we can see
	told    stage = "told"    // it is a member of a thread
)

// matter is an incident that somebody is told of, or will be.
type matter struct {
	Number  uint64
	Monitor string
	Event   uint64         // the newest that is about it
	Since   time.Time      // the first failing check
	Began   time.Time      // when it became a matter
	Verdict uptime.Verdict // now
	Down    bool           `json:",omitempty"` // it is told as down; else as degraded
	Fault   uptime.Fault   `json:",omitempty"`
	Here    bool           `json:",omitempty"` // judged from this machine alone
	Stage   stage
	Whom    Whom
	Knew    []string  `json:",omitempty"` // channels that were told that it was degraded, and hear what has become of it
	Live    bool      `json:",omitempty"` // it lasts
	Ended   time.Time `json:",omitzero"`  // when it did not any more
	Behind  bool      `json:",omitempty"` // another explains it by now
	Acked   bool      `json:",omitempty"`
	Parked  bool      `json:",omitempty"` // it waits for its monitor to be active
	Due     time.Time `json:",omitzero"`  // while held or delayed: when it is looked at again
	Late    bool      `json:",omitempty"` // it was over when it became a matter
	Shares  []uint64  `json:",omitempty"` // while held: the groups that it may be of, the widest first
	Group   uint64    `json:",omitempty"` // that it is told with
	Thread  *thread   `json:",omitempty"` // … or its own
	Was     *past     `json:",omitempty"` // until it is told as down: what it was told with as degraded
}

// past is what a matter was told with before.
type past struct {
	Group  uint64  `json:",omitempty"`
	Thread *thread `json:",omitempty"`
	Whom   Whom
}

func (m *matter) key() string { return keyTold + strconv.FormatUint(m.Number, 10) }

// lasting is until when it has to last to be told.
func (m *matter) lasting() time.Time { return m.Since.Add(m.Whom.Delay) }

// thread is what a matter is told with; nil while it is not.
func (d *Desk) thread(m *matter) *thread {
	if g := d.groups[m.Group]; g != nil {
		return &g.Thread
	}
	return m.Thread
}

// keep has a matter stored, and looked at when it has to be.
func (d *Desk) keep(m *matter) {
	d.matters[m.Number] = m
	d.save(m.key(), m)
	d.wakeFor(m)
}

// wakeFor sets the alarm of a matter.
func (d *Desk) wakeFor(m *matter) {
	if m.Stage != told {
		d.alarms.set(m.key(), m.Due)
		return
	}
	due := time.Time{}
	if t := m.Thread; t != nil {
		due = t.due()
	}
	if !m.Live && (m.Thread == nil || m.Thread.done()) {
		due = sooner(due, m.forgotten())
	}
	d.alarms.set(m.key(), due)
}

// forgotten is when what is over can be forgotten: nobody hears of it any more
// unless it is back, which it cannot be after that.
func (m *matter) forgotten() time.Time {
	at := m.Ended
	if m.Thread != nil {
		for _, l := range m.Thread.Legs {
			if l.Over.After(at) {
				at = l.Over
			}
		}
	}
	return at.Add(forgetAfter)
}

// forget drops a matter.
func (d *Desk) forget(m *matter) {
	d.unheld(m)
	if m.Was != nil {
		m.Group, m.Thread = m.Was.Group, m.Was.Thread
	}
	if t := d.thread(m); t != nil {
		delete(t.members, m.Number)
	}
	if m.Thread != nil {
		d.unlisted(m.Thread)
	}
	delete(d.matters, m.Number)
	if g := d.groups[m.Group]; g != nil {
		d.alarms.set(g.key(), g.due())
	}
	d.alarms.set(m.key(), time.Time{})
	d.save(m.key(), nil)
}

// unheld takes a matter out of whatever it waits for.
func (d *Desk) unheld(m *matter) {
	delete(d.parked, m.Number)
	delete(d.holding, m.Number)
	if g := d.groups[m.Group]; g != nil && m.Stage != told {
		delete(g.waiting, m.Number)
		d.alarms.set(g.key(), g.due())
	}
}

// untold takes that nobody is to be told of a matter, or not as what it is now:
// then it stays what people were told before.
func (d *Desk) untold(m *matter, now time.Time) {
	if m.Was == nil {
		d.forget(m)
		return
	}
	d.unheld(m)
	m.Stage, m.Down, m.Parked, m.Due, m.Shares = told, false, false, time.Time{}, nil
	m.Group, m.Thread, m.Whom, m.Was = m.Was.Group, m.Was.Thread, m.Was.Whom, nil
	if !m.Live {
		d.leave(d.thread(m), m, m.Event, now)
	}
	d.keep(m)
}

// incident takes what becomes of one.
func (d *Desk) incident(ev *uptime.Event, s *uptime.Snapshot, now time.Time) {
	m := d.matters[ev.Incident]
	switch ev.Note {
	case uptime.IncidentFlapping: // it is re-opened, too, and that says it
		return
	case uptime.IncidentClosed:
		if m != nil {
			d.closed(m, ev.ID, now)
		}
		return
	}
	if ev.To != uptime.Down && ev.To != uptime.Degraded {
		return
	}
	silent := ev.Behind != "" || ev.Silenced
	if nearEnd(ev) {
		d.certificate(ev, s, now)
		silent = silent || m == nil // it is told once, and its end is no news
	}
	if m == nil {
		if !silent {
			since := ev.Since
			if in := open(s, ev.Incident); in != nil && ev.Note == uptime.IncidentReopened {
				since = in.Start // it is one outage, however often it was up for a moment
			}
			d.opened(ev.Incident, ev.Monitor, ev.To, ev.Fault, since, ev.ID, s, now)
		}
		return
	}
	m.Verdict, m.Fault, m.Event, m.Behind = ev.To, ev.Fault, ev.ID, silent
	switch {
	case silent && m.Stage != told:
		d.untold(m, now)
		return
	case silent:
	case !m.Live:
		d.again(m, ev, s, now)
		return
	case ev.To == uptime.Down && !m.Down:
		d.worse(m, s, now)
		return
	}
	d.keep(m)
}

// opened takes an incident that nobody was told of.
func (d *Desk) opened(number uint64, monitor string, v uptime.Verdict, f uptime.Fault, since time.Time, event uint64, s *uptime.Snapshot, now time.Time) {
	w := Who(&d.o, named(s, monitor), v, f, now)
	if len(w.Channels) == 0 {
		return
	}
	m := &matter{Number: number, Monitor: monitor, Event: event, Since: stamp(since), Began: now, Verdict: v, Down: v == uptime.Down,
		Fault: f, Whom: w, Live: true}
	if since.IsZero() {
		m.Since = now
	}
	d.matters[number] = m
	d.hold(m, s, now)
}

// named is a monitor as it is configured; one that is no longer has its name alone.
func named(s *uptime.Snapshot, name string) *uptime.Monitor {
	if st := find(s, name); st != nil {
		return st.Monitor
	}
	return &uptime.Monitor{Name: name}
}

// worse takes that what was told as degraded, or is about to be, is down.
func (d *Desk) worse(m *matter, s *uptime.Snapshot, now time.Time) {
	w := Who(&d.o, named(s, m.Monitor), uptime.Down, m.Fault, now)
	if m.Stage == told {
		m.Knew, m.Was = m.Whom.Channels, &past{m.Group, m.Thread, m.Whom}
		m.Group, m.Thread = 0, nil
	}
	d.unheld(m)
	m.Whom, m.Down, m.Group, m.Began = w.and(m.Knew), true, 0, now
	if len(m.Whom.Channels) == 0 {
		d.forget(m)
		return
	}
	d.hold(m, s, now)
}

// and adds channels that are told in any case.
func (w Whom) and(channels []string) Whom {
	for _, c := range channels {
		if !slices.Contains(w.Channels, c) {
			w.Channels = append(slices.Clip(w.Channels), c)
		}
	}
	return w
}

// closed takes that an incident is over. Of one that was not told yet, and
// would have been by now, people hear that it came and went.
func (d *Desk) closed(m *matter, event uint64, now time.Time) {
	if !m.Live {
		return
	}
	m.Live, m.Ended, m.Event = false, now, event
	switch {
	case m.Stage == delayed && (m.Parked || now.Before(m.lasting())):
		d.untold(m, now)
		return
	case m.Stage == told:
		d.leave(d.thread(m), m, event, now)
	}
	d.keep(m)
}

// again takes that an incident is back within ten minutes.
func (d *Desk) again(m *matter, ev *uptime.Event, s *uptime.Snapshot, now time.Time) {
	m.Live, m.Ended, m.Acked, m.Down = true, time.Time{}, false, m.Down || ev.To == uptime.Down
	if m.Stage != told {
		d.keep(m)
		return
	}
	t := d.thread(m)
	if !slices.ContainsFunc(t.Legs, func(l *leg) bool { return l.has(m) }) { // whoever knew of it is gone
		d.forget(m)
		d.opened(m.Number, m.Monitor, ev.To, ev.Fault, ev.Since, ev.ID, s, now)
		return
	}
	for _, l := range t.Legs {
		if l.has(m) {
			l.name(m.Number)
			l.Grown = l.Grown || stamp(ev.Since).After(l.At)
			d.rise(t, l, ev.ID, now)
		}
	}
	d.elsewhere(m, s, now)
	d.keepThread(t)
	d.keep(m)
}

// tell tells of a matter that is held no more, unless it has to wait for
// something else.
func (d *Desk) tell(m *matter, s *uptime.Snapshot, now time.Time) {
	delete(d.holding, m.Number)
	delete(d.parked, m.Number)
	m.Shares = nil
	switch {
	case !m.Live && m.Ended.Before(m.lasting()):
		d.untold(m, now)
		return
	case !m.Live:
	case !active(s, m.Monitor):
		m.Stage, m.Parked, m.Due = delayed, true, time.Time{}
		d.parked[m.Number] = m
		d.keep(m)
		return
	case now.Before(m.lasting()):
		m.Stage, m.Due = delayed, m.lasting()
		d.keep(m)
		return
	case m.Here && s.Node != "": // nobody else says so, and we cannot see
		m.Stage, m.Due = delayed, now.Add(lookAgain)
		d.keep(m)
		return
	}
	m.Parked, m.Due = false, time.Time{}
	t := d.thread(m)
	if t == nil {
		m.Thread = &thread{of: m, members: map[uint64]*matter{}}
		t = m.Thread
	}
	d.enlist(t, m, now)
	if was := m.Was; was != nil {
		m.Was = nil
		d.quit(was, m, now)
	}
	d.keep(m)
}

// lookAgain is between two looks at whether we can see.
const lookAgain = 5 * time.Second

// active reports whether a monitor is; one that is no longer watched is.
func active(s *uptime.Snapshot, monitor string) bool {
	st := find(s, monitor)
	return st == nil || st.Mode == uptime.Active
}

// unpark goes on with what waited for its monitor to be active.
func (d *Desk) unpark(monitor string, s *uptime.Snapshot, now time.Time) {
	for _, m := range sorted(d.parked) {
		if m.Monitor == monitor {
			d.tell(m, s, now)
		}
	}
}

// acknowledged takes that somebody takes note of an incident, or no longer.
func (d *Desk) acknowledged(ev *uptime.Event, now time.Time) {
	m := d.matters[ev.Incident]
	if m == nil || m.Acked == !ev.TakenBack {
		return
	}
	m.Acked = !ev.TakenBack
	if t := d.thread(m); t != nil && !m.Acked {
		t.Next = time.Time{}
		if !t.Escalated {
			t.Escalate = time.Time{}
		}
		d.watch(t, now)
		d.keepThread(t)
	}
	d.keep(m)
}

// ringMatter looks at a matter whose time has come.
func (d *Desk) ringMatter(m *matter, s *uptime.Snapshot, now time.Time) {
	switch {
	case m.Stage == held:
		d.decide(m, s, now)
		return
	case m.Stage == delayed:
		d.tell(m, s, now)
		return
	case m.Thread != nil:
		d.ringThread(m.Thread, s, now)
	}
	if !m.Live && !now.Before(m.forgotten()) && (m.Thread == nil || m.Thread.done()) {
		d.forget(m)
		return
	}
	d.keep(m)
}
