package desk

import (
	"time"
)

// stepAfter is by how much a clock is set back before that counts: less comes
// from keeping it right.
const stepAfter = 2 * time.Second

// step begins whatever the desk does. Where the clock was set back, all that
// waits moves with it: five minutes are five minutes. The engine writes an event
// when that happens, so it is seen at once. Set forward, it comes
// early, which nobody misses.
func (d *Desk) step(t time.Time) time.Time {
	now := stamp(t)
	if back := d.kept.Now.Sub(now); !d.kept.Now.IsZero() && back > stepAfter {
		d.shift(-back)
	}
	d.kept.Now = now
	return now
}

// shift moves all times that something is counted from.
func (d *Desk) shift(by time.Duration) {
	move := func(times ...*time.Time) {
		for _, t := range times {
			if !t.IsZero() {
				*t = t.Add(by)
			}
		}
	}
	thread := func(t *thread) {
		move(&t.Next, &t.Escalate)
		for _, l := range t.Legs {
			move(&l.At, &l.Moved, &l.Over, &l.Rose)
		}
	}
	d.alarms = alarms{}
	d.index.drop()
	for _, m := range d.matters {
		move(&m.Since, &m.Began, &m.Ended, &m.Due)
		if m.Thread != nil {
			thread(m.Thread)
		}
		if m.Was != nil && m.Was.Thread != nil {
			thread(m.Was.Thread)
		}
	}
	for _, g := range d.groups {
		move(&g.Since, &g.Known, &g.Told)
		thread(&g.Thread)
	}
	for i := range d.node.Troubles { // their beginning is what their end is known by
		move(&d.node.Troubles[i].Over, &d.node.Troubles[i].Due)
	}
	for i := range d.probes.Missed {
		move(&d.probes.Missed[i].At, &d.probes.Missed[i].Due)
	}
	move(&d.certs.Since)
	for _, m := range sorted(d.matters) {
		d.keep(m)
	}
	for _, g := range groupsInOrder(d.groups) {
		d.keepGroup(g)
	}
	d.keepNode()
	d.keepProbes()
	d.keepCerts()
	if len(d.looking) > 0 {
		d.alarms.set(keyLook, d.kept.Now.Add(by))
	}
}
