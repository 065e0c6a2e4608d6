package main

import (
	"time"

	"lookout/engine/uptime"
)

// found is what a check finds, and how long that takes. A lost one says nothing.
type found struct {
	fault uptime.Fault
	took  time.Duration
	lost  bool
}

const (
	roundTrip = 40 * time.Millisecond
	nearby    = 0.1 // of the loss on the way to a target is on that to the resolvers
)

// When a question for a name, and a SYN, is sent again (measured).
var (
	stubAt  = []time.Duration{0, 5 * time.Second} // as the resolver of Go and of libc do
	askedAt = []time.Duration{0, 300 * time.Millisecond, 900 * time.Millisecond, 2100 * time.Millisecond, 4500 * time.Millisecond, 9300 * time.Millisecond}
	synAt   = []time.Duration{0, time.Second, 2 * time.Second, 3 * time.Second, 4 * time.Second, 5 * time.Second, 7 * time.Second}
	dataAt  = []time.Duration{0, 200 * time.Millisecond, 600 * time.Millisecond, 1400 * time.Millisecond, 3 * time.Second, 6200 * time.Millisecond}
)

// first says how the first packets of a check fare: of the question for the name,
// of the connection, of the request. The zero value leaves it to chance.
type first struct {
	known bool
	lost  [3]bool
}

// check runs one from a place, at a time of the year.
func (w *world) check(place int, at, timeout time.Duration, packets first) found {
	d := w.dice(place, int64(at), 1)
	loss, name, line := w.loss[place], true, true
	var broken *found
	w.place[place].at(at, func(s *span) {
		switch s.kind {
		case offline:
			line = false
		case brownOut:
			loss += s.share
		case resolver:
			name = false
		case lies:
			broken = &found{fault: uptime.FaultTCPTimeout, took: timeout}
		case mute:
			broken = &found{lost: true}
		}
	})
	if broken != nil {
		return *broken
	}
	w.path[place].at(at, func(*span) { line = false })
	if w.dns.one { // others have a second one
		w.public.at(at, func(*span) { name = false })
	}
	if !name {
		return found{fault: uptime.FaultDNSTimeout, took: timeout}
	}
	if !line || w.blocked[place] {
		return found{fault: uptime.FaultTCPTimeout, took: timeout}
	}
	asked := w.dns.asked
	if asked == nil {
		asked = askedAt
	}
	if packets.known && packets.lost[0] {
		packets.lost[0] = d.less(nearby)
	}
	took, ok := d.send(asked, w.loss[place]*nearby+loss-w.loss[place], packets, 0)
	if !ok || took >= timeout {
		return found{fault: uptime.FaultDNSTimeout, took: timeout}
	}
	var fault uptime.Fault
	late := time.Duration(0)
	w.target.at(at, func(s *span) {
		switch s.kind {
		case targetDown, restart:
			fault = s.fault
		case partial:
			if w.hit[place] < s.share {
				fault = s.fault
			}
		case flaky:
			if d.less(s.share) {
				fault = s.fault
			}
		case slow:
			late = 4 * time.Second
		}
	})
	switch fault {
	case uptime.FaultTCPTimeout:
		return found{fault: fault, took: timeout}
	case uptime.FaultDNSNxdomain:
		return found{fault: fault, took: took}
	}
	more, ok := d.send(synAt, loss, packets, 1)
	if took += more; !ok || took >= timeout {
		return found{fault: uptime.FaultTCPTimeout, took: timeout}
	}
	if fault == uptime.FaultTCPRefused || fault == uptime.FaultTLSExpired {
		return found{fault: fault, took: took}
	}
	more, ok = d.send(dataAt, loss, packets, 2)
	if took += more + late; !ok || took >= timeout {
		return found{fault: uptime.FaultHTTPTimeoutHeaders, took: timeout}
	}
	return found{fault: fault, took: took}
}

// send is how long a packet and its answer need; false when all were lost.
func (d *dice) send(at []time.Duration, loss float64, packets first, phase int) (time.Duration, bool) {
	pass := (1 - loss) * (1 - loss)
	for i, t := range at {
		through := d.less(pass)
		if i == 0 && packets.known {
			through = !packets.lost[phase]
		}
		if through {
			return t + roundTrip, true
		}
	}
	return 0, false
}
