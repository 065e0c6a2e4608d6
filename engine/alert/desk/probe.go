package desk

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lookout/engine/uptime"
)

const (
	// lagsFor is how long a probe must lag to be missed; one that is gone is at once.
	lagsFor = 2 * time.Minute
	// probesFor is how long a probe waits for others: they come and go together.
	probesFor = 30 * time.Second
	// mostProbes bounds those that are known to be missed.
	mostProbes = 1000
)

// probes are those that are missed, and since when: those that people were told
// of, or will be in the next letter.
type probes struct {
	Missed []missed `json:",omitempty"` // by ID
}

// missed is a probe that does not work, or has come back and nobody knows yet.
type missed struct {
	ID     string
	State  string    // live, lagging, gone
	Says   string    // of the newest event
	Event  uint64    // that one
	At     time.Time // of State
	Told   bool      `json:",omitempty"` // that it is missed
	Opened []opened  `json:",omitempty"` // by which parcels
	Due    time.Time `json:",omitzero"`  // when it is told what it is now
}

// opened is what a channel was told by which parcel.
type opened struct {
	Channel string
	Parcel  uint64
}

func (p *probes) due() time.Time {
	due := time.Time{}
	for i := range p.Missed {
		due = sooner(due, p.Missed[i].Due)
	}
	return due
}

func (p *probes) strip(gone func(string) bool) {
	for i := range p.Missed {
		p.Missed[i].Opened = slices.DeleteFunc(slices.Clone(p.Missed[i].Opened), func(o opened) bool { return gone(o.Channel) })
	}
}

// stateOf reads an event of a probe: LOCATION/NAME STATE: why. Others are about
// something that was done to it.
func stateOf(ev *uptime.Event) (id, state, says string, ok bool) {
	switch ev.Note {
	case "joining", "live", "lagging", "gone":
	default:
		return "", "", "", false
	}
	i := strings.Index(ev.Message, " "+ev.Note+": ")
	if i <= 0 || !strings.Contains(ev.Message[:i], "/") {
		return "", "", "", false
	}
	return ev.Message[:i], ev.Note, ev.Message[i+1:], true
}

// ofProbe takes what has become of a probe.
func (d *Desk) ofProbe(ev *uptime.Event, now time.Time) {
	id, state, says, ok := stateOf(ev)
	if !ok || state == "joining" {
		return
	}
	i, known := slices.BinarySearchFunc(d.probes.Missed, id, func(m missed, id string) int { return strings.Compare(m.ID, id) })
	if !known {
		if state == "live" || len(d.probes.Missed) >= mostProbes {
			return
		}
		d.probes.Missed = slices.Insert(d.probes.Missed, i, missed{ID: id})
	}
	m := &d.probes.Missed[i]
	if m.State == state {
		return
	}
	m.State, m.Says, m.Event, m.At, m.Due = state, says, ev.ID, now, time.Time{}
	switch {
	case state == "live" && !m.Told: // nobody knew
		d.probes.Missed = slices.Delete(d.probes.Missed, i, i+1)
	case state == "live", state == "gone" && !m.Told:
		m.Due = now.Add(probesFor)
	case !m.Told:
		m.Due = now.Add(lagsFor)
	}
	d.keepProbes()
}

func (d *Desk) keepProbes() {
	d.save(keyProbes, &d.probes)
	d.alarms.set(keyProbes, d.probes.due())
}

// ringProbes tells of the probes whose time has come, and with them of those
// that would be told soon.
func (d *Desk) ringProbes(now time.Time) {
	var gone, back []*missed
	for i := range d.probes.Missed {
		m := &d.probes.Missed[i]
		switch {
		case m.Due.IsZero() || m.Due.After(now.Add(probesFor)):
		case m.State == "live":
			back = append(back, m)
		default:
			gone = append(gone, m)
		}
	}
	w := whoNode(&d.o)
	for _, of := range [][]*missed{gone, back} {
		if len(of) == 0 {
			continue
		}
		for _, c := range w.Channels {
			p := d.post(uptime.Parcel{Channel: c, Kind: uptime.AlertProbe, At: now, Event: of[len(of)-1].Event, Why: w.Why, Says: sayProbes(of), Also: others(w.Channels, c)})
			for _, m := range of {
				if m.State != "live" {
					m.Opened = append(m.Opened, opened{c, p.Number})
				}
			}
			if len(of) == 1 && of[0].State == "live" {
				p.Ends = endOf(of[0].Opened, c)
			}
		}
		for _, m := range of {
			m.Told, m.Due = true, time.Time{}
		}
	}
	d.probes.Missed = slices.DeleteFunc(d.probes.Missed, func(m missed) bool { return m.State == "live" && m.Due.IsZero() })
	d.keepProbes()
}

// sayProbes is one sentence about some probes.
func sayProbes(of []*missed) string {
	if len(of) == 1 {
		return uptime.Clean("probe "+of[0].ID+" is "+of[0].Says, 300)
	}
	ids := make([]string, 0, len(of))
	for _, m := range of {
		ids = append(ids, m.ID)
	}
	what := "missed"
	if of[0].State == "live" {
		what = "live again"
	}
	return uptime.Clean(fmt.Sprintf("%d probes are %s: %s", len(of), what, strings.Join(ids, ", ")), 600)
}

// endOf is the parcel that told a channel what is over now.
func endOf(of []opened, channel string) uint64 {
	for _, o := range of {
		if o.Channel == channel {
			return o.Parcel
		}
	}
	return 0
}

// others are the channels but one.
func others(channels []string, but string) []string {
	return slices.DeleteFunc(slices.Clone(channels), func(c string) bool { return c == but })
}
