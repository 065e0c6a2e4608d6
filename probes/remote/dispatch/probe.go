package dispatch

import (
	"fmt"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/wire"
)

// maxProbes is how many probes of one location may be known.
const maxProbes = wire.MaxLive

// probe is what is known of one.
type probe struct {
	at   *location
	name string

	state uptime.ProbeState
	since time.Time
	why   string // of lagging and gone, and of joining where it does not get on

	hello     wire.Hello
	greeted   time.Time // when its newest hello came; zero: none has
	connected time.Time // when the first one came after it was gone
	heard     time.Time // when anything came
	obeys     wire.Version
	rose      bool      // it was live once
	carries   bool      // it goes on with its share of the work while it proves itself
	ahead     bool      // it obeys an engine of a future day
	outdone   time.Time // when we outdid the engine that it obeyed

	// What it was told.
	told    wire.Version
	toldAt  time.Time
	has     map[wire.Hash]bool // chunks
	briefs  float64            // briefings that it may have now
	briefed time.Time
	due     bool // one is due as soon as it may
	missing bool // the broker has no queue for it

	canary canary
	clock  clock
	work   work
	proof  time.Time // of the newest work that it proved
	flaps  int       // how often it fell soon after it had risen
	calm   calm
	twins  twins

	unreadable uint64 // messages
}

func (p *probe) id() string { return p.at.Location + "/" + p.name }

// known is the probe of a name at a location, new where there was none; nil
// where too many are known.
func (d *Dispatcher) known(l *location, name string, now time.Time) *probe {
	if p := l.probes[name]; p != nil {
		p.heard = now
		return p
	}
	if len(l.probes) >= maxProbes && !l.forget(now) {
		return nil
	}
	p := &probe{at: l, name: name, since: now, heard: now, why: "it has not said hello yet", has: make(map[wire.Hash]bool), briefs: briefings, briefed: now}
	p.calm.fill(now)
	l.probes[name] = p
	return p
}

// forget makes room: of those that are of no use the one that has been so for the
// longest is not known any more, and first those that never were of any.
func (l *location) forget(now time.Time) bool {
	var worst *probe
	for _, p := range l.probes {
		idle := p.state == uptime.ProbeJoining && !p.rose && p.canary.streak == 0 && now.Sub(p.since) > time.Minute
		if p.state != uptime.ProbeGone && !idle {
			continue
		}
		if worst == nil || worst.rose && !p.rose || worst.rose == p.rose && p.since.Before(worst.since) {
			worst = p
		}
	}
	if worst != nil {
		delete(l.probes, worst.name)
	}
	return worst != nil
}

// votes reports whether a probe's opinion counts, and whether it shares the work.
func (p *probe) votes(d *Dispatcher) bool {
	return p.state == uptime.ProbeLive && d.excluded[p.id()] == ""
}

// listens reports whether it makes sense to tell a probe anything.
func (p *probe) listens() bool {
	return (p.state == uptime.ProbeLive || p.state == uptime.ProbeJoining) && p.speaks()
}

// speaks reports whether it reads the frames that we write.
func (p *probe) speaks() bool {
	for _, major := range p.hello.Majors {
		if major == wire.Major {
			return true
		}
	}
	return len(p.hello.Majors) == 0
}

// become puts a probe into another state, and says so; why is a sentence
// without its subject.
func (d *Dispatcher) become(p *probe, s uptime.ProbeState, why string, now time.Time) {
	was := p.state
	d.dirty = true
	p.state, p.since, p.why = s, now, why
	p.carries = s == uptime.ProbeJoining && p.carriesOn(d, was, now)
	p.canary = canary{}
	switch s {
	case uptime.ProbeLive:
		p.why, p.proof, p.rose = "", now, true
		p.canary.next = now.Add(canaryEvery)
	case uptime.ProbeJoining:
		p.canary.next = now
	case uptime.ProbeGone:
		p.connected = time.Time{}
		clear(p.has)
	}
	d.announce(p, was, now)
	d.share(p.at, now)
}

// carriesOn reports whether a probe that joins does so because the engine, or
// the connection to the broker, is new: it worked until now, and if all had to
// stop until they have proved themselves, as many checks would be missed.
func (p *probe) carriesOn(d *Dispatcher, was uptime.ProbeState, now time.Time) bool {
	return was != uptime.ProbeLive && p.hello.Obeyed != (wire.Version{}) && d.line.usable() && d.line.since(now) < carryFor
}

// drop takes from a joining probe what it went on with.
func (d *Dispatcher) drop(p *probe, now time.Time) {
	if p.carries {
		p.carries = false
		d.share(p.at, now)
	}
}

// slow says why a probe that proves itself does not get on; "" where it does.
func (p *probe) slow() string {
	switch {
	case !p.speaks():
		return fmt.Sprintf("it speaks version %d of the frames and this engine %d: bring both to the same version", p.hello.Majors[0], wire.Major)
	case p.missing:
		return missing(probeQueue(p))
	case p.ahead:
		return fmt.Sprintf("it obeys an engine that began on %s, and here it is %s: set the clock that is wrong; if that was the probe's, remove its data folder too",
			time.UnixMilli(int64(min(p.obeys.Engine, 1<<47))).UTC().Format(time.DateOnly), p.heard.UTC().Format(time.DateOnly))
	case p.state == uptime.ProbeJoining && p.canary.streak >= canaries && p.obeys != p.at.version:
		return "it works, and has not taken its assignments yet"
	}
	return ""
}
