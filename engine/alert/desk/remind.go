package desk

import (
	"time"

	"lookout/engine/uptime"
)

// due is when a thread is looked at again; zero: not before something happens.
func (t *thread) due() time.Time {
	due := sooner(t.Next, t.Escalate)
	for _, l := range t.Legs {
		if l.Flaps && !l.Over.IsZero() {
			due = sooner(due, l.Over.Add(steadyAfter))
		}
		if l.Flaps && l.Over.IsZero() && !l.Stood {
			due = sooner(due, l.Rose.Add(steadyAfter))
		}
	}
	return due
}

// done reports whether nobody is to hear of a thread any more, unless it is back.
func (t *thread) done() bool {
	for _, l := range t.Legs {
		if l.Over.IsZero() || l.Flaps {
			return false
		}
	}
	return t.Escalate.IsZero()
}

// ringThread does what is due of a thread.
func (d *Desk) ringThread(t *thread, s *uptime.Snapshot, now time.Time) {
	for _, l := range t.Legs {
		if l.Flaps && !l.Over.IsZero() && !now.Before(l.Over.Add(steadyAfter)) {
			l.Flaps = false
			d.end(t, l, now)
		}
		if l.Flaps && l.Over.IsZero() && !l.Stood && !now.Before(l.Rose.Add(steadyAfter)) {
			d.stays(t, l, s, now)
		}
	}
	if !t.Next.IsZero() && !now.Before(t.Next) {
		d.remind(t, s, now)
	}
	if !t.Escalate.IsZero() && !now.Before(t.Escalate) {
		d.escalate(t, s, now)
	}
}

// stays tells, once, that what came and went lasts by now.
func (d *Desk) stays(t *thread, l *leg, s *uptime.Snapshot, now time.Time) {
	l.Stood = true
	if wanted, _ := t.wanting(s); wanted {
		d.relist(t, l, d.parcel(t, l, uptime.AlertOpened, now).Number)
	}
}

// remind tells again of what lasts and nobody took note of.
func (d *Desk) remind(t *thread, s *uptime.Snapshot, now time.Time) {
	t.Next = time.Time{}
	wanted, lasts := t.wanting(s)
	if !lasts {
		return
	}
	t.Next = now.Add(t.Remind)
	if !wanted {
		return
	}
	for _, l := range t.Legs {
		if l.Open > 0 && l.Opened != 0 {
			d.parcel(t, l, uptime.AlertReminder, now)
		}
	}
}

// escalate tells others when nobody took note, or nobody could be told.
func (d *Desk) escalate(t *thread, s *uptime.Snapshot, now time.Time) {
	t.Escalate = time.Time{}
	wanted, lasts := t.wanting(s)
	if !wanted && t.sent() {
		if lasts && !t.acked() {
			t.Escalate = now.Add(time.Minute)
		}
		return
	}
	t.Escalated = true
	for _, c := range t.EscalateTo {
		if t.leg(c) != nil {
			continue
		}
		l := &leg{Channel: c, Why: t.why(), Whole: true}
		for _, m := range sorted(t.members) {
			l.Count++
			l.name(m.Number)
			l.Event = max(l.Event, m.Event)
			if m.Live {
				l.Open++
			}
		}
		t.Legs = append(t.Legs, l)
		d.opening = append(d.opening, t)
	}
}

// why is by which rule it is escalated, and what did not happen.
func (t *thread) why() string {
	why := "nobody acknowledged it for "
	if !t.sent() {
		why = "nobody could be told for "
	}
	why += uptime.Ago(t.EscalateAfter)
	for _, l := range t.Legs {
		return l.Why + ": " + why
	}
	return why
}

// wanting reports whether somebody should take note of a thread, and whether
// it lasts at all.
func (t *thread) wanting(s *uptime.Snapshot) (wanted, lasts bool) {
	for _, m := range t.members {
		if !m.Live {
			continue
		}
		lasts = true
		if !m.Acked && !m.Behind && (m.Verdict == uptime.Down || !m.Down && m.Verdict == uptime.Degraded) && active(s, m.Monitor) {
			return true, true
		}
	}
	return false, lasts
}

// acked reports whether somebody took note of all that lasts.
func (t *thread) acked() bool {
	for _, m := range t.members {
		if m.Live && !m.Acked {
			return false
		}
	}
	return true
}

// sent reports whether a channel has taken what the thread tells.
func (t *thread) sent() bool {
	for _, l := range t.Legs {
		if l.Sent {
			return true
		}
	}
	return false
}

// sooner is the earlier of two times, of which zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
