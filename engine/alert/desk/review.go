package desk

import (
	"maps"
	"slices"
	"time"

	"lookout/engine/uptime"
)

// dismiss forgets the channels that are no longer configured. One that comes
// back is new.
func (d *Desk) dismiss() {
	gone := func(name string) bool { return !slices.Contains(d.o.Channels, name) }
	any := false
	for _, name := range slices.Sorted(maps.Keys(d.channels)) {
		if gone(name) {
			any = true
			delete(d.channels, name)
			d.save(channelKey(name), nil)
		}
	}
	if !any {
		return
	}
	strip := func(t *thread) {
		t.Legs = slices.DeleteFunc(t.Legs, func(l *leg) bool {
			if gone(l.Channel) {
				d.unlist(t, l)
				return true
			}
			return false
		})
		t.EscalateTo = without(t.EscalateTo, gone)
		d.keepThread(t)
	}
	for _, m := range sorted(d.matters) {
		m.Whom.Channels, m.Whom.EscalateTo, m.Knew = without(m.Whom.Channels, gone), without(m.Whom.EscalateTo, gone), without(m.Knew, gone)
		if m.Thread != nil {
			strip(m.Thread)
		}
		if m.Was != nil {
			m.Was.Whom.Channels = without(m.Was.Whom.Channels, gone)
			if m.Was.Thread != nil {
				strip(m.Was.Thread)
			}
		}
		d.keep(m)
	}
	for _, n := range slices.Sorted(maps.Keys(d.groups)) {
		strip(&d.groups[n].Thread)
	}
	d.node.strip(gone)
	d.probes.strip(gone)
	d.save(keyNode, &d.node)
	d.save(keyProbes, &d.probes)
}

// disown forgets the incidents that the log does not know: their numbers will be
// those of others.
func (d *Desk) disown(s *uptime.Snapshot, now time.Time) {
	for _, m := range sorted(d.matters) {
		if in := open(s, m.Number); in != nil && in.Monitor == m.Monitor && m.Live {
			continue
		}
		if m.Stage == told && m.Live {
			d.quit(&past{m.Group, m.Thread, m.Whom}, m, now)
		}
		d.forget(m)
	}
}

// without makes a new list, as a route's own may be shared.
func without[T any](names []T, gone func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(names), gone)
}

// goThrough goes through the open incidents, once all that led to them was
// taken: channels that are new are told of them, what nobody was told of and a
// route takes now is told, and monitors that have another name are known by it.
func (d *Desk) goThrough(s *uptime.Snapshot, now time.Time) {
	if !d.due || d.kept.Cursor < max(d.review, s.Events) {
		return
	}
	d.due = false
	fresh := map[string]bool{}
	for _, c := range d.o.Channels {
		if !d.channels[c] {
			fresh[c], d.channels[c] = true, true
			d.save(channelKey(c), c)
		}
	}
	var news []*matter
	for _, in := range slices.Backward(s.Open) {
		m := d.matters[in.Number]
		if m == nil {
			if m = d.overlooked(in, s, now); m != nil {
				news = append(news, m)
			}
			continue
		}
		if m.Monitor != in.Monitor {
			m.Monitor = in.Monitor
			d.keep(m)
		}
	}
	for _, m := range sorted(d.matters) {
		d.rerouted(m, fresh, s, now)
	}
	var g *group
	if len(news) > fewThreads { // told together, and so is their end
		g = d.newGroup(sharedBy{})
		g.Since, g.Said, g.Known = now, common, now
	}
	for _, m := range news {
		if g != nil {
			d.join(g, m, s, now)
		} else {
			d.tell(m, s, now)
		}
	}
	d.atOnce(uptime.AlertOpened, now)
}

// overlooked is an open incident that nobody was told of, and is to be; nil where
// it is not.
func (d *Desk) overlooked(in *uptime.Incident, s *uptime.Snapshot, now time.Time) *matter {
	v := in.Verdict
	st := find(s, in.Monitor)
	if st != nil && st.Verdict == uptime.Degraded {
		v = uptime.Degraded
	}
	if in.Behind != "" || in.Silenced || v == uptime.Degraded && ofCertificate(in.Fault) {
		return nil
	}
	w := Who(&d.o, named(s, in.Monitor), v, in.Fault, now)
	if len(w.Channels) == 0 {
		return nil
	}
	return &matter{Number: in.Number, Monitor: in.Monitor, Since: stamp(in.Start), Began: now, Verdict: v, Down: v == uptime.Down,
		Fault: in.Fault, Whom: w, Live: true, Acked: in.Ack != nil, Stage: delayed, Here: in.Alone()}
}

// elsewhere tells the channels of the route that takes now what is back, where
// none of them knows of it: the configuration was another one.
func (d *Desk) elsewhere(m *matter, s *uptime.Snapshot, now time.Time) {
	fresh := map[string]bool{}
	for _, c := range d.whom(m, s).Channels {
		if slices.Contains(m.Whom.Channels, c) {
			return
		}
		fresh[c] = true
	}
	if len(fresh) > 0 || len(m.Whom.Channels) == 0 {
		d.rerouted(m, fresh, s, now)
	}
}

// whom is whom the routes say now that a matter is told to.
func (d *Desk) whom(m *matter, s *uptime.Snapshot) Whom {
	return Who(&d.o, named(s, m.Monitor), verdictOf(m.Down), m.Fault, m.Began)
}

// verdictOf is what it is told as.
func verdictOf(down bool) uptime.Verdict {
	if down {
		return uptime.Down
	}
	return uptime.Degraded
}

// rerouted takes what the routes say now of an incident that people know of:
// new channels are told, reminders come as it says.
func (d *Desk) rerouted(m *matter, fresh map[string]bool, s *uptime.Snapshot, now time.Time) {
	w := d.whom(m, s).and(m.Knew)
	if m.Stage != told {
		was := m.Whom.Delay
		if m.Whom = w; len(w.Channels) == 0 {
			d.forget(m)
			return
		}
		if m.Stage == delayed && !m.Parked && was != w.Delay {
			m.Due = m.lasting()
		}
		d.keep(m)
		return
	}
	t := d.thread(m)
	for _, c := range w.Channels {
		if !m.Live || slices.Contains(m.Whom.Channels, c) || !fresh[c] && len(m.Whom.Channels) > 0 {
			continue
		}
		m.Whom.Channels = append(slices.Clip(m.Whom.Channels), c)
		l := t.leg(c)
		if l == nil {
			l = &leg{Channel: c, Why: w.Why}
			t.Legs = append(t.Legs, l)
		}
		if !l.Whole {
			l.Count, l.Open = l.Count+1, l.Open+1
			l.name(m.Number)
			l.Event = max(l.Event, m.Event)
		}
		d.opening = append(d.opening, t)
	}
	if !slices.ContainsFunc(t.Legs, func(l *leg) bool { return l.has(m) }) { // whoever was told is gone
		d.forget(m)
		return
	}
	m.Whom.Remind, m.Whom.EscalateTo, m.Whom.EscalateAfter = w.Remind, w.EscalateTo, w.EscalateAfter
	if m.Thread != nil || t.Remind == 0 {
		d.resettle(t, w, now)
	}
	d.keepThread(t)
	d.keep(m)
}

// resettle takes how a thread is reminded of and escalated from now on.
func (d *Desk) resettle(t *thread, w Whom, now time.Time) {
	if t.Remind != w.Remind {
		t.Remind, t.Next = w.Remind, time.Time{}
	}
	if !slices.Equal(t.EscalateTo, w.EscalateTo) || t.EscalateAfter != w.EscalateAfter {
		t.EscalateTo, t.EscalateAfter, t.Escalate = w.EscalateTo, w.EscalateAfter, time.Time{}
	}
	if !t.done() {
		d.watch(t, now)
	}
}
