package dispatch

import (
	"fmt"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
	"lookout/probes/wire"
)

// The rules of who is trusted. Proof is work that was done: batches whose
// counters add up, and answers to canaries.
const (
	goneAfter   = 3 * time.Minute  // without a hello
	proofWithin = 25 * time.Second // of a live probe: two flushes and some
	flapWithin  = 10 * time.Minute // of having become live: who falls then proves itself for twice as long
	maxFlaps    = 6
	proveFor    = 15 * time.Second // doubled with each flap
	carryFor    = 2 * time.Minute  // after a start: two hellos
)

// takeHello decodes a hello.
func (d *Dispatcher) takeHello(m link.Delivery) {
	_, at, name, ok := topology.ParseKey(m.Key)
	h, err := d.codec.ReadHello(m.Body)
	if !ok || m.Type != topology.TypeHello || err != nil {
		d.unread(m, at, name)
		return
	}
	m.Done(true)
	d.arrive(func(now time.Time) { d.greet(at, name, h, now) })
}

// greet answers a hello.
func (d *Dispatcher) greet(at, name string, h wire.Hello, now time.Time) {
	d.watch(now) // it may be the first thing to come of a new connection
	l := d.locations[at]
	if l == nil {
		d.stranger(at, name)
		return
	}
	p := d.known(l, name, now)
	if p == nil {
		d.strange("too many", fmt.Sprintf("%s has more than %d probes: %s is not heard", at, maxProbes, name))
		return
	}
	if p.connected.IsZero() { // it may be another machine by now
		was := p.clock.era()
		if p.clock = (clock{}); p.hello.Epoch == h.Epoch {
			p.clock.was = was // of which it may still have results
		}
	}
	p.twins.hear(&p.hello, &h, now)
	p.hello, p.greeted, p.obeys, p.missing = h, now, h.Obeyed, false
	p.clock.heard(h.Clock, now)
	if h.Goodbye {
		if p.state != uptime.ProbeGone {
			d.become(p, uptime.ProbeGone, "it said goodbye", now)
		}
		return
	}
	if p.connected.IsZero() {
		p.connected = now
	}
	clear(p.has)
	for _, hash := range h.Chunks {
		p.has[hash] = true
	}
	p.ahead = !d.outdo(p, h.Obeyed, now) && d.future(h.Obeyed, now) // else its next hello may have it done
	if p.state == uptime.ProbeGone || p.state == uptime.ProbeLagging {
		d.become(p, uptime.ProbeJoining, "", now)
	}
	if p.listens() {
		d.brief(p, now)
	}
}

// stranger notes a hello from a location that is not configured.
func (d *Dispatcher) stranger(at, name string) {
	d.strange(at, fmt.Sprintf("%s/%s said hello, and no [[location]] is called %s: add one, or stop that probe", at, name, at))
}

// strange notes something once, and not everything that anybody thinks of.
func (d *Dispatcher) strange(key, message string) {
	if d.strangers[key] || len(d.strangers) >= 32 {
		return
	}
	d.strangers[key] = true
	d.note(message, "")
}

// judge looks at what a probe has and has not done.
func (d *Dispatcher) judge(p *probe, now time.Time) {
	if p.state == uptime.ProbeGone {
		return
	}
	if now.Sub(p.greeted) > goneAfter && d.line.since(now) > goneAfter {
		d.become(p, uptime.ProbeGone, "nothing was heard of it for 3 minutes", now)
		return
	}
	if d.line.usable() {
		d.sing(p, now)
	}
	switch {
	case p.state == uptime.ProbeLive && now.Sub(d.line.from) > proofWithin && !d.line.usable(): // that is not its fault
		d.become(p, uptime.ProbeLagging, "nothing can be heard of it: "+d.line.error(), now)
	case p.state == uptime.ProbeLive && now.Sub(p.proof) > proofWithin && d.line.since(now) > proofWithin && !d.clogged():
		d.fall(p, "no proof of work for 25 s", now)
	case p.state == uptime.ProbeJoining && p.ready(now):
		d.become(p, uptime.ProbeLive, "", now)
	case now.Sub(p.since) > time.Minute:
		d.drop(p, now)
	}
	if p.due && p.listens() && d.line.usable() {
		d.brief(p, now)
	}
	d.settled(p, now)
}

// ready reports whether a joining probe has proved itself.
func (p *probe) ready(now time.Time) bool {
	return p.canary.streak >= canaries && p.obeys == p.at.version && now.Sub(p.since) >= p.proves()
}

// proves is how long a probe has to prove itself at least; three canaries take
// their time anyway.
func (p *probe) proves() time.Duration {
	if p.flaps == 0 {
		return 0
	}
	return proveFor << min(p.flaps, maxFlaps)
}

// fall has a live probe lag: nothing is sent to it, and it has no vote, until
// it says hello again and has proved itself.
func (d *Dispatcher) fall(p *probe, why string, now time.Time) {
	p.stumble(now)
	d.become(p, uptime.ProbeLagging, why, now)
}

// doubt has a live probe prove itself anew: it works, and cannot be relied upon.
func (d *Dispatcher) doubt(p *probe, why string, now time.Time) {
	p.stumble(now)
	d.become(p, uptime.ProbeJoining, why, now)
}

func (p *probe) stumble(now time.Time) {
	if now.Sub(p.since) < flapWithin {
		p.flaps++
	} else {
		p.flaps = 0
	}
}
