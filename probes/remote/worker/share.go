package worker

import (
	"cmp"
	"slices"
	"time"

	"lookout/engine/schedule"
	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
	"lookout/probes/wire"
)

// due is what the wheel holds: of each monitor one of a kind at most. One that
// falls to another probe stays there until its time, so that a share which
// comes and goes leaves nothing behind.
type due struct {
	m    *monitor
	what dueKind
}

type dueKind uint8

const (
	dueRegular dueKind = iota
	dueBaseline
)

const (
	day         = 24 * time.Hour
	freshSpread = 10 * time.Minute // over which the baselines of what was assigned are spread
	aloneAfter  = 10 * time.Second // after a start, what was ordered before is done without hearing of the engine
	putOff      = time.Minute      // of a baseline whose monitor is being checked
)

// apply brings what is done in line with what is ordered: which monitors there
// are, which of them are this probe's, and whether its location's requests are.
//
// A share moves at once. Who has a monitor and who gets it know its phase, so
// that between the two no check is doubled and none is skipped but one that is
// due in the moment between the two hearing of it.
func (w *Worker) apply(now time.Time) {
	o := &w.orders
	w.serving = o.force != nil && now.Before(o.until) && slices.Contains(o.live, w.o.Place.Probe) && (o.heard || !now.Before(w.alone))
	if o.force != nil && !slices.Equal(w.applied, o.force.Chunks) {
		w.replace(o.force.Chunks)
	}
	mine := w.share()
	for _, m := range w.monitors {
		if m.mine != m.own {
			w.move(m, m.mine, now)
		}
	}
	w.askable()
	if is := (standing{w.serving, mine, len(w.monitors)}); is != w.stands {
		w.stands = is
		w.log.Info("what is assigned has changed", "live", is.serving, "checks by itself", is.mine, "of", is.all, "version", o.obeyed())
	}
}

// replace puts chunks into force in the place of others.
func (w *Worker) replace(chunks []wire.Hash) {
	gone := w.monitors
	w.monitors = make(map[uint32]*monitor, len(gone))
	for _, h := range chunks {
		w.adopt(w.orders.chunks[h], gone)
	}
	w.applied = slices.Clone(chunks)
}

// standing is what the log says of the assignments.
type standing struct {
	serving   bool
	mine, all int
}

// adopt puts the monitors of a chunk into force. Those that were there already, and
// are checked as before, stay what they are.
func (w *Worker) adopt(c *held, before map[uint32]*monitor) {
	for i, m := range c.monitors {
		if w.monitors[m.Number] != nil {
			continue // two chunks have it: one engine does not do that
		}
		if old := before[m.Number]; old != nil && old.same(m) {
			c.monitors[i], m = old, old
		} else if old != nil {
			m.inherit(old)
		}
		w.monitors[m.Number] = m
	}
}

// share says which monitors this probe checks by itself, as far as its limit goes, and how many.
func (w *Worker) share() (n int) {
	most := w.o.Limits.MaxMonitors
	var sorted []*monitor
	for _, m := range w.monitors {
		m.over = false
		m.mine = w.serving && (m.Regular || m.Asked) && wire.Owner(m.Number, w.orders.live) == w.o.Place.Probe
		if m.mine {
			n++
		}
		if m.mine && most > 0 {
			sorted = append(sorted, m)
		}
	}
	if most <= 0 || n <= most {
		return n
	}
	slices.SortFunc(sorted, func(a, b *monitor) int { return cmp.Compare(a.Number, b.Number) })
	for _, m := range sorted[most:] {
		m.over = true
	}
	w.quiet.say("max_monitors", time.Now(), func(int) {
		w.log.Error("more monitors are assigned than this probe takes; the others are refused", "assigned", n, "max_monitors", most)
	})
	return n
}

// move takes a monitor over or gives it away.
func (w *Worker) move(m *monitor, own bool, now time.Time) {
	m.own = own
	switch {
	case !own && !m.next.IsZero() && !m.next.After(now):
		w.regular(m, m.next, now) // it was due while it was ours, and is not handed out yet
	case !own:
	default:
		if m.Regular && m.next.IsZero() {
			m.next = schedule.First(m.Name, m.Interval, now)
			w.wheel.Add(m.next, due{m, dueRegular})
		}
		if m.Asked && !m.lined {
			m.lined = true
			w.wheel.Add(w.baseline(m, now), due{m, dueBaseline})
		}
	}
}

// baseline is when a monitor is checked so that the location's vote counts: soon
// after it was assigned, then once a day.
func (w *Worker) baseline(m *monitor, now time.Time) time.Time {
	if m.fresh {
		w.counts.FreshUntil = now.Add(freshSpread).UnixMilli()
		return now.Add(schedule.Phase(m.Name, freshSpread))
	}
	return schedule.First(m.Name, day, now)
}

// askable begins or ends taking the requests of the location.
func (w *Worker) askable() {
	if !w.serving {
		w.stopAsking()
		return
	}
	if w.unasked == nil {
		w.unasked = w.consume(link.Consumer{Queue: topology.LocationQueue(w.o.Place.Location), Prefetch: asksAhead}, true)
	}
}

func (w *Worker) stopAsking() {
	if w.unasked != nil {
		w.unasked()
		w.unasked = nil
	}
}

// expire stops what was ordered when its time is over; and it begins what was
// ordered before a restart, when nobody has said what has changed since: others
// may have this probe's share meanwhile.
func (w *Worker) expire(now time.Time) {
	if !w.serving && !w.orders.heard && !w.alone.IsZero() && !now.Before(w.alone) {
		w.alone = time.Time{}
		w.apply(now)
	}
	if !w.serving || now.Before(w.orders.until) {
		return
	}
	w.log.Error("what the engine ordered is no longer in force: nothing of it was heard for days, and nothing is checked until it is",
		"until", w.orders.until)
	w.apply(now)
}

// fire takes what the wheel hands out.
func (w *Worker) fire(at time.Time, d due, now time.Time) {
	m := d.m
	switch {
	case w.monitors[m.Number] != m: // gone, or changed
	case !m.own && d.what == dueRegular:
		m.next = time.Time{}
	case !m.own:
		m.lined = false
	case d.what == dueRegular:
		if m.next = at.Add(m.Interval); !m.next.After(now) {
			m.next = schedule.First(m.Name, m.Interval, now)
		}
		w.wheel.Add(m.next, d)
		w.regular(m, at, now)
	default:
		w.fireBaseline(d, at, now)
	}
}

// regular has a regular check made, unless the one before still runs, or the
// whole process stood still: then all that is overdue has its next turn at its
// own place in the interval, which spreads it.
func (w *Worker) regular(m *monitor, at, now time.Time) {
	w.counts.Scheduled++
	if m.busy || now.Sub(at) > stallAfter && w.pulse.stalledSince(at) {
		w.counts.Skipped++
		return
	}
	w.want(check{m: m, due: at}, now)
}

func (w *Worker) fireBaseline(d due, at, now time.Time) {
	m := d.m
	if m.busy {
		w.wheel.Add(now.Add(putOff), d)
		return
	}
	m.fresh = false
	w.wheel.Add(schedule.First(m.Name, day, now), d)
	w.counts.Scheduled++
	w.want(check{m: m, due: at, baseline: true}, now)
}
