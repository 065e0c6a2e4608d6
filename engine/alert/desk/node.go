package desk

import (
	"slices"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// blindFor is how long a trouble of this machine must last to be told.
const blindFor = time.Minute

// node is what keeps this machine from judging, or kept it from that lately.
type node struct {
	Troubles []trouble `json:",omitempty"` // in the order in which they came
}

// trouble is one of them: told when it has lasted, and when it is over. One that
// is back within ten minutes is told once more, and then when it is over for good.
type trouble struct {
	Fault  uptime.Fault
	Since  time.Time // by which its end is known
	Event  uint64    // the newest
	Says   string
	Over   time.Time `json:",omitzero"`  // zero: it lasts
	Known  bool      `json:",omitempty"` // channels were told that it lasts
	Again  bool      `json:",omitempty"` // it was back
	Opened []opened  `json:",omitempty"` // by which parcels
	Due    time.Time // when it is told, or forgotten
}

func (n *node) due() time.Time {
	due := time.Time{}
	for i := range n.Troubles {
		due = sooner(due, n.Troubles[i].Due)
	}
	return due
}

func (n *node) strip(gone func(string) bool) {
	for i := range n.Troubles {
		n.Troubles[i].Opened = slices.DeleteFunc(slices.Clone(n.Troubles[i].Opened), func(o opened) bool { return gone(o.Channel) })
	}
}

// ofNode takes what has become of this machine.
func (d *Desk) ofNode(ev *uptime.Event, now time.Time) {
	since := stamp(ev.Since)
	switch {
	case ev.Fault != uptime.NoFault:
		if ev.Since.IsZero() {
			since = now
		}
		d.begins(ev, since, now)
	case strings.HasPrefix(ev.Message, "started with "): // what lasts will be said again
		for i := range d.node.Troubles {
			if t := &d.node.Troubles[i]; t.Over.IsZero() {
				t.ends(ev.ID, "it is not seen any more since lookout was started again: "+t.Says, now)
				t.Due = now.Add(blindFor)
			}
		}
	case !ev.Since.IsZero():
		i := slices.IndexFunc(d.node.Troubles, func(t trouble) bool { return t.Over.IsZero() && t.Since.Equal(since) })
		if i < 0 {
			return
		}
		d.node.Troubles[i].ends(ev.ID, ev.Message, now)
	default:
		return
	}
	d.keepNode()
}

// begins takes that there is a trouble.
func (d *Desk) begins(ev *uptime.Event, since, now time.Time) {
	n := &d.node
	if ev.Fault == uptime.FaultLocalNodeOffline { // whoever is offline has no name servers, either, and is told of one thing
		for i := range n.Troubles {
			if t := &n.Troubles[i]; t.Fault == uptime.FaultLocalResolverDown && t.Over.IsZero() {
				t.ends(ev.ID, ev.Message, now)
			}
		}
	}
	i := slices.IndexFunc(n.Troubles, func(t trouble) bool { return t.Fault == ev.Fault && !t.Over.IsZero() })
	if i < 0 {
		n.Troubles = append(n.Troubles, trouble{Fault: ev.Fault})
		i = len(n.Troubles) - 1
	}
	t := &n.Troubles[i]
	t.Since, t.Event, t.Says, t.Over, t.Due = since, ev.ID, ev.Message, time.Time{}, since.Add(blindFor)
	if t.Known {
		t.Due = time.Time{}
	}
	if !t.Due.IsZero() && !t.Due.After(now) {
		t.Due = now.Add(time.Millisecond) // with what else comes now
	}
}

// ends takes that it is over. Nobody hears of one that was short.
func (t *trouble) ends(event uint64, says string, now time.Time) {
	t.Over, t.Event, t.Due = now, event, now.Add(time.Millisecond)
	if t.Known {
		t.Says = says
	}
	if t.Known && t.Again {
		t.Due = now.Add(steadyAfter)
	}
}

func (d *Desk) keepNode() {
	d.save(keyNode, &d.node)
	d.alarms.set(keyNode, d.node.due())
}

// ringNode tells of the troubles whose time has come, and forgets those that are over.
func (d *Desk) ringNode(now time.Time) {
	for i := range d.node.Troubles {
		t := &d.node.Troubles[i]
		switch {
		case t.Due.IsZero() || t.Due.After(now):
		case t.Over.IsZero():
			t.Again = len(t.Opened) > 0
			t.Opened = nil
			d.sayNode(t, now, func(p *uptime.Parcel) { t.Opened = append(t.Opened, opened{p.Channel, p.Number}) })
			t.Known, t.Due = true, time.Time{}
		case t.Known:
			d.sayNode(t, now, func(p *uptime.Parcel) { p.Ends = endOf(t.Opened, p.Channel) })
			t.Known, t.Due = false, t.Over.Add(forgetAfter)
			if !t.Due.After(now) {
				t.Due = now.Add(time.Millisecond)
			}
		case now.Before(t.Over.Add(forgetAfter)) && len(t.Opened) > 0: // it may be back, and it is known that it was told
			t.Due = t.Over.Add(forgetAfter)
		default:
			t.Says = "" // forgotten
		}
	}
	d.node.Troubles = slices.DeleteFunc(d.node.Troubles, func(t trouble) bool { return t.Says == "" })
	d.keepNode()
}

// sayNode tells every channel what it says of a trouble.
func (d *Desk) sayNode(t *trouble, now time.Time, also func(p *uptime.Parcel)) {
	w := whoNode(&d.o)
	for _, c := range w.Channels {
		says := t.Says
		if t.Again && t.Over.IsZero() {
			says += "; it comes and goes, and nothing more is told before it was well for " + uptime.Span(steadyAfter)
		}
		also(d.post(uptime.Parcel{Channel: c, Kind: uptime.AlertNode, At: now, Event: t.Event, Why: w.Why, Also: others(w.Channels, c), Says: uptime.Clean(says, 600)}))
	}
}
