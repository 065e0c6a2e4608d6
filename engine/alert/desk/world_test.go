package desk

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// world plays an engine to a desk, and an office that stores what it hands out.
// It is told what happens in lines of words:
//
//	shop down             confirmed, after having failed for a minute
//	shop down dns.timeout … by a fault
//	shop degraded, shop up
//	shop suspect, shop well  nothing that is an event
//	shop behind uplink, shop free
//	shop maintained, shop paused, shop active
//	shop acked, shop unacked
//	dead shop, alive shop  what checks that are asked for find
//	+5m                   time passes, and the desk is woken whenever it wants to be
//	shop ends 4711        its certificate, which has that serial
//	shop shows 4712       another one, which is as near its end if the one before was
//	node offline, node online, node mute, node unmute, node started
//	probe fra/1 gone      or lagging, live
//	sent 3                a channel has taken that parcel
//	channels ops pager    another configuration
type world struct {
	t       *testing.T
	now     time.Time
	o       Options
	d       *Desk
	saved   map[string][]byte
	states  map[string]*uptime.State
	names   []string // of them
	open    map[uint64]*uptime.Incident
	closed  map[string]*uptime.Incident // the last of each monitor
	node    string
	gone    map[string]bool // channels that were not configured at a time
	blind   time.Time       // since when
	mute    time.Time       // since when no name server answers
	events  []uptime.Event
	number  uint64
	snap    *uptime.Snapshot
	parcels []uptime.Parcel
	looked  []string
	alone   bool            // nobody else confirms what is down
	dead    map[string]bool // what does not answer
	ahead   []event         // what will happen, the next first
	restart bool            // the desk is made anew after every step
	later   bool            // events are taken together, later
	lose    bool            // … and what it does is lost once before it is stored
	ticks   int
}

// event is something that will happen.
type event struct {
	at time.Time
	do func()
}

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func newWorld(t *testing.T, o Options, monitors ...*uptime.Monitor) *world {
	w := &world{t: t, now: noon, o: o, saved: map[string][]byte{}, states: map[string]*uptime.State{}, open: map[uint64]*uptime.Incident{},
		closed: map[string]*uptime.Incident{}, dead: map[string]bool{}, gone: map[string]bool{}}
	for _, m := range monitors {
		w.states[m.Name] = &uptime.State{Monitor: m, Verdict: uptime.Up, Since: noon.Add(-time.Hour), Last: noon.Add(-time.Second), Outcome: uptime.OutcomeUp, Address: m.Dest}
		w.names = append(w.names, m.Name)
	}
	slices.Sort(w.names)
	return w
}

// begin makes the desk.
func (w *world) begin() *world {
	w.d = w.fresh()
	w.d.Begin(uint64(len(w.events)), w.snapshot(), w.now)
	w.store()
	return w
}

// fresh is a desk of what is stored.
func (w *world) fresh() *Desk {
	w.t.Helper()
	var saved []uptime.OutboxRecord
	for _, key := range slices.Sorted(maps.Keys(w.saved)) {
		saved = append(saved, uptime.OutboxRecord{Key: key, Data: w.saved[key]})
	}
	d, err := New(w.o, saved)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

// store does what the office does with a step.
func (w *world) store() {
	w.t.Helper()
	step := w.d.Out()
	for _, r := range step.Records {
		if r.Data == nil {
			delete(w.saved, r.Key)
		} else {
			w.saved[r.Key] = r.Data
		}
	}
	for _, p := range step.Parcels {
		if p.Number != uint64(len(w.parcels))+1 {
			w.t.Fatalf("parcel %d comes after %d", p.Number, len(w.parcels))
		}
		w.parcels = append(w.parcels, p)
	}
	for _, name := range step.Look {
		w.looked = append(w.looked, name)
		w.check(name)
	}
}

// check has a monitor be looked at: what is dead fails after ten seconds.
func (w *world) check(name string) {
	begun := w.now.Add(time.Millisecond)
	if w.dead[name] {
		w.in(10*time.Second, func() {
			w.change(name, func(s *uptime.State) {
				s.Last, s.Outcome = begun, uptime.OutcomeDown
				if s.Verdict == uptime.Up {
					s.Before, s.Verdict, s.Since = s.Verdict, uptime.Suspect, begun
				}
			})
		})
		return
	}
	w.in(100*time.Millisecond, func() {
		w.change(name, func(s *uptime.State) {
			s.Last, s.Outcome = begun, uptime.OutcomeUp
			if s.Verdict == uptime.Suspect {
				s.Verdict = uptime.Up
			}
		})
	})
}

// in has something happen after a while.
func (w *world) in(d time.Duration, do func()) {
	e := event{w.now.Add(d), do}
	i, _ := slices.BinarySearchFunc(w.ahead, e, func(a, b event) int {
		if a.at.After(b.at) {
			return 1
		}
		return -1
	})
	w.ahead = slices.Insert(w.ahead, i, e)
}

// dies has monitors fail at their next check, and be confirmed a minute later.
func (w *world) dies(names ...string) {
	for i, name := range names {
		w.dead[name] = true
		every := w.states[name].Interval
		first := time.Duration(i*7919%1000) * every / 1000
		w.in(first+10*time.Second, func() {
			if w.states[name].Verdict == uptime.Up {
				w.change(name, func(s *uptime.State) {
					s.Before, s.Verdict, s.Since, s.Last, s.Outcome = s.Verdict, uptime.Suspect, noon.Add(first), w.now, uptime.OutcomeDown
				})
			}
		})
		w.in(first+70*time.Second, func() { w.fails(name, uptime.Down, uptime.FaultTCPTimeout) })
	}
}

// revives has them recover, each within an interval.
func (w *world) revives(names ...string) {
	for i, name := range names {
		delete(w.dead, name)
		w.in(time.Duration(i*7919%1000)*20*time.Second/1000, func() { w.recovers(name) })
	}
}

// do has the desk do something, and its office store it; a world that restarts
// does it with another desk each time.
func (w *world) do(what func(d *Desk)) {
	w.t.Helper()
	if w.lose {
		d := w.fresh()
		d.Begin(uint64(len(w.events)), w.snapshot(), w.now)
		what(d)
		d.Out()
	}
	if w.restart {
		w.d = w.fresh()
		w.d.Begin(uint64(len(w.events)), w.snapshot(), w.now)
	}
	what(w.d)
	w.store()
}

// emit writes events and has the desk take them.
// together has the desk take at once what a function makes happen.
func (w *world) together(happens func()) {
	from := len(w.events)
	w.later = true
	happens()
	w.later = false
	w.do(func(d *Desk) {
		for i := range w.events[from:] {
			d.Take(&w.events[from+i], w.snapshot(), w.now)
		}
	})
}

func (w *world) emit(events ...uptime.Event) {
	w.t.Helper()
	for i := range events {
		ev := &events[i]
		ev.ID, ev.Time, ev.By = uint64(len(w.events))+1, w.now, "engine"
		w.events = append(w.events, *ev)
	}
	w.snap = nil
	if w.later {
		return
	}
	s := w.snapshot()
	for i := range events {
		w.do(func(d *Desk) { d.Take(&events[i], s, w.now) })
	}
}

func (w *world) snapshot() *uptime.Snapshot {
	if w.snap == nil {
		w.snap = &uptime.Snapshot{Time: w.now, Events: uint64(len(w.events)), Node: w.node}
		for _, name := range w.names {
			w.snap.States = append(w.snap.States, w.states[name])
		}
		for _, n := range slices.Backward(slices.Sorted(maps.Keys(w.open))) {
			w.snap.Open = append(w.snap.Open, w.open[n])
		}
	}
	return w.snap
}

// change makes another State of a monitor.
func (w *world) change(name string, f func(s *uptime.State)) {
	s := *w.states[name]
	f(&s)
	w.states[name] = &s
	w.snap = nil
}

// pass lets time pass.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	end := w.now.Add(d)
	for {
		next := w.d.Wake()
		if len(w.ahead) > 0 && (next.IsZero() || !next.Before(w.ahead[0].at)) && !w.ahead[0].at.After(end) {
			e := w.ahead[0]
			w.ahead = w.ahead[1:]
			w.now = later(e.at, w.now)
			w.snap = nil
			e.do()
			continue
		}
		if next.IsZero() || next.After(end) {
			break
		}
		w.now = later(next, w.now) // one that was made anew may be late
		if w.ticks++; w.ticks > 20_000 {
			w.t.Fatalf("it is woken without end: %v %v", w.now, w.d.alarms.at)
		}
		w.snap = nil
		s := w.snapshot()
		w.do(func(d *Desk) { d.Tick(s, w.now) })
		if next := w.d.Wake(); !next.IsZero() && !next.After(w.now) {
			w.t.Fatalf("woken at %v, it wants to be at %v", w.now, next)
		}
	}
	w.now = end
	w.snap = nil
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// play does what lines say.
func (w *world) play(script string) {
	w.t.Helper()
	for line := range strings.Lines(script) {
		if f := strings.Fields(line); len(f) > 0 {
			w.line(f)
		}
	}
}

func (w *world) line(f []string) {
	w.t.Helper()
	switch {
	case f[0][0] == '+':
		d, err := time.ParseDuration(f[0][1:])
		if err != nil {
			w.t.Fatal(err)
		}
		w.pass(d)
		return
	case f[0] == "dead", f[0] == "alive": // how checks that are asked for go
		for _, name := range f[1:] {
			w.dead[name] = f[0] == "dead"
		}
		return
	case f[0] == "node":
		w.ofNode(f[1])
		return
	case f[0] == "probe":
		w.emit(uptime.Event{Kind: uptime.EventProbe, Message: f[1] + " " + f[2] + ": so it is", Note: f[2]})
		return
	case f[0] == "sent":
		n, err := strconv.ParseUint(f[1], 10, 64)
		if err != nil {
			w.t.Fatal(err)
		}
		w.do(func(d *Desk) { d.Sent(n, w.now) })
		return
	case f[0] == "begin": // again, where the log is another one
		w.d, w.saved = nil, map[string][]byte{}
		w.begin()
		return
	case f[0] == "channels":
		w.o.Channels = f[1:]
		w.configure()
		return
	}
	name, what := f[0], f[1]
	switch what {
	case "down", "degraded":
		to, fault := uptime.Down, uptime.FaultTCPTimeout
		if what == "degraded" {
			to, fault = uptime.Degraded, uptime.FaultTCPTooSlow
		}
		if len(f) > 2 {
			var err error
			if fault, err = uptime.ParseFault(f[2]); err != nil {
				w.t.Fatal(err)
			}
		}
		w.fails(name, to, fault)
	case "up":
		w.recovers(name)
	case "ends": // its certificate, of a serial
		w.change(name, func(s *uptime.State) {
			s.Cert = &uptime.Certificate{Serial: f[2], NotAfter: w.now.Add(14 * 24 * time.Hour)}
		})
		w.fails(name, uptime.Degraded, uptime.FaultTLSExpiresSoon)
	case "shows": // another certificate, while nothing else changes
		w.change(name, func(s *uptime.State) {
			s.Cert = &uptime.Certificate{Serial: f[2], NotAfter: w.now.Add(14 * 24 * time.Hour)}
		})
		w.emit(uptime.Event{Kind: uptime.EventCertificate, Monitor: name, Message: "certificate changed: serial " + f[2]})
	case "suspect":
		w.change(name, func(s *uptime.State) {
			s.Before, s.Verdict, s.Last, s.Outcome = s.Verdict, uptime.Suspect, w.now, uptime.OutcomeDown
		})
	case "well":
		w.change(name, func(s *uptime.State) { s.Verdict, s.Last, s.Outcome = uptime.Up, w.now, uptime.OutcomeUp })
	case "behind":
		w.behind(name, f[2])
	case "free":
		w.behind(name, "")
	case "maintained", "paused", "active":
		w.mode(name, map[string]uptime.Mode{"maintained": uptime.Maintenance, "paused": uptime.Paused, "active": uptime.Active}[what])
	case "acked", "unacked":
		in := w.open[w.states[name].Incident]
		in = w.edit(in, func(in *uptime.Incident) { in.Ack = nil })
		w.emit(uptime.Event{Kind: uptime.EventAck, Monitor: name, Incident: in.Number, TakenBack: what == "unacked"})
	default:
		w.t.Fatalf("what is %q?", strings.Join(f, " "))
	}
}

// ofNode has this machine be offline, online, started anew, or without a way to something.
func (w *world) ofNode(what string) {
	w.t.Helper()
	switch what {
	case "offline":
		w.blind, w.node = w.now, "offline"
		w.emit(uptime.Event{Kind: uptime.EventNode, Since: w.blind, Fault: uptime.FaultLocalNodeOffline, Message: "offline: no anchor answers"})
	case "online":
		w.node = ""
		w.emit(uptime.Event{Kind: uptime.EventNode, Since: w.blind, Message: "not offline any more"})
	case "mute":
		w.mute = w.now
		w.emit(uptime.Event{Kind: uptime.EventNode, Since: w.mute, Fault: uptime.FaultLocalResolverDown, Message: "no name server answers"})
	case "unmute":
		w.emit(uptime.Event{Kind: uptime.EventNode, Since: w.mute, Message: "name servers answer again"})
	case "started":
		w.node = ""
		w.emit(uptime.Event{Kind: uptime.EventNode, Message: "started with 2 monitors"})
	}
}

func (w *world) configure() {
	w.t.Helper()
	for _, c := range []string{"ops", "pager", "web"} {
		w.gone[c] = w.gone[c] || !slices.Contains(w.o.Channels, c)
	}
	w.snap = nil
	s := w.snapshot()
	w.do(func(d *Desk) { d.Configure(w.o, s, w.now) })
}

// edit makes another version of an incident.
func (w *world) edit(in *uptime.Incident, f func(in *uptime.Incident)) *uptime.Incident {
	c := *in
	f(&c)
	w.open[c.Number] = &c
	w.snap = nil
	return &c
}

// fails has a monitor be down, or degraded: a new incident, one that comes back, or another cause of it.
func (w *world) fails(name string, to uptime.Verdict, fault uptime.Fault) {
	w.t.Helper()
	st := w.states[name]
	note := uptime.IncidentChanged
	since := w.now.Add(-time.Minute)
	in := w.open[st.Incident]
	last := w.closed[name]
	switch {
	case in != nil:
		in = w.edit(in, func(*uptime.Incident) {})
	case last != nil && last.Verdict == uptime.Down && to == uptime.Down && w.now.Sub(last.End) <= uptime.RuleReopen && (!last.Silenced || st.Mode != uptime.Active):
		note = uptime.IncidentReopened
		c := *last
		c.End, c.Ack = time.Time{}, nil
		c.Reopened++
		in = &c
	default:
		note = uptime.IncidentOpened
		w.number++
		in = &uptime.Incident{Number: w.number, Monitor: name, Start: since}
	}
	if st.Mode == uptime.Maintenance {
		in.Silenced = true
	}
	in.Fault, in.Message = fault, fault.String()
	if in.Verdict != uptime.Down {
		in.Verdict = to
	}
	if in.Behind == "" && st.Behind != "" {
		in.Behind = st.Behind
	}
	in.Evidence = []uptime.Evidence{{Location: uptime.Local, Outcome: uptime.OutcomeDown}}
	if in.ConfirmedBy = nil; !w.alone {
		in.ConfirmedBy = []string{"fra", "nyc"}
	}
	w.open[in.Number] = in
	outcome := uptime.OutcomeDown
	if to == uptime.Degraded {
		outcome = uptime.OutcomeDegraded
	}
	from := st.Verdict
	w.change(name, func(s *uptime.State) {
		s.Verdict, s.Since, s.Incident, s.Last, s.Outcome, s.Fault = to, since, in.Number, w.now, outcome, fault
	})
	events := []uptime.Event{
		{Kind: uptime.EventVerdict, Monitor: name, Since: since, From: from, To: to, Fault: fault, Incident: in.Number, Behind: in.Behind},
		{Kind: uptime.EventIncident, Monitor: name, Since: since, From: from, To: to, Fault: fault, Incident: in.Number, Note: note,
			Behind: in.Behind, Silenced: in.Silenced}}
	if note == uptime.IncidentReopened && in.Reopened == 1 {
		events = append(events, uptime.Event{Kind: uptime.EventIncident, Monitor: name, Since: since, From: to, To: to, Fault: fault, Incident: in.Number,
			Note: uptime.IncidentFlapping, Behind: in.Behind, Silenced: in.Silenced})
	}
	w.emit(events...)
}

func (w *world) recovers(name string) {
	w.t.Helper()
	st := w.states[name]
	in := w.open[st.Incident]
	if in == nil {
		w.t.Fatalf("%s is not down", name)
	}
	delete(w.open, in.Number)
	c := *in
	c.End = w.now
	w.closed[name] = &c
	w.change(name, func(s *uptime.State) {
		s.Verdict, s.Since, s.Incident, s.Last, s.Outcome, s.Fault, s.Behind = uptime.Up, w.now, 0, w.now, uptime.OutcomeUp, 0, ""
	})
	w.emit(uptime.Event{Kind: uptime.EventVerdict, Monitor: name, From: st.Verdict, To: uptime.Up, Incident: in.Number},
		uptime.Event{Kind: uptime.EventIncident, Monitor: name, From: st.Verdict, To: uptime.Up, Fault: in.Fault, Incident: in.Number, Note: uptime.IncidentClosed,
			Behind: in.Behind, Silenced: in.Silenced})
}

// behind has a monitor be explained by another, now or when it fails.
func (w *world) behind(name, by string) {
	w.t.Helper()
	w.change(name, func(s *uptime.State) { s.Behind = by })
	st := w.states[name]
	if in := w.open[st.Incident]; in != nil {
		in = w.edit(in, func(in *uptime.Incident) { in.Behind = by })
		w.emit(uptime.Event{Kind: uptime.EventIncident, Monitor: name, Since: in.Start, From: st.Verdict, To: st.Verdict, Fault: in.Fault,
			Incident: in.Number, Note: uptime.IncidentChanged, Behind: by, Silenced: in.Silenced})
	}
}

func (w *world) mode(name string, m uptime.Mode) {
	w.t.Helper()
	kind := uptime.EventMaintenance
	if m == uptime.Paused || w.states[name].Mode == uptime.Paused {
		kind = uptime.EventPause
	}
	w.change(name, func(s *uptime.State) { s.Mode = m })
	st := w.states[name]
	w.emit(uptime.Event{Kind: kind, Monitor: name, Mode: m})
	if in := w.open[st.Incident]; in != nil && in.Silenced && m == uptime.Active {
		w.edit(in, func(in *uptime.Incident) { in.Silenced = false })
		w.emit(uptime.Event{Kind: uptime.EventIncident, Monitor: name, Since: in.Start, From: st.Verdict, To: st.Verdict, Fault: in.Fault,
			Incident: in.Number, Note: uptime.IncidentOutlasted, Behind: in.Behind})
	}
}

// told is what was told, a line each: when (since noon), to whom, what.
func (w *world) told() string {
	var out []string
	for i := range w.parcels {
		p := &w.parcels[i]
		line := fmt.Sprintf("%v %s %s", p.At.Sub(noon), p.Channel, p.Kind)
		if p.Cause.Kind != "" {
			line += " " + p.Cause.String()
		}
		for _, n := range p.Incidents {
			line += fmt.Sprintf(" #%d", n)
		}
		if p.Count > len(p.Incidents) {
			line += fmt.Sprintf(" of %d", p.Count)
		}
		if p.Over > 0 && p.Over < p.Count {
			line += fmt.Sprintf(" %d over", p.Over)
		}
		if p.Says != "" {
			line += " " + p.Says
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

// plain are monitors that share nothing.
func plain(names ...string) []*uptime.Monitor {
	var out []*uptime.Monitor
	for i, n := range names {
		out = append(out, &uptime.Monitor{Name: n, Type: "tcp", Dest: fmt.Sprintf("192.0.%d.9:443", i), Tags: []string{"prod"}, Interval: time.Minute})
	}
	return out
}

// lines leaves the lines of a text that say something.
func lines(text string) string {
	var out []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}
