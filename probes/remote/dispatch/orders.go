package dispatch

import (
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
	"lookout/probes/wire"
)

const (
	manifestGood = 7 * 24 * time.Hour     // a probe that hears nothing goes on that long
	perBriefing  = 16                     // messages: a manifest and its chunks; the queue holds 64
	briefings    = 100                    // at once of one probe that says hello again and again …
	briefingGap  = 100 * time.Millisecond // … and then one in that time
	staleAfter   = 10 * time.Second       // a probe that works by an older manifest is told again
	maxAhead     = 24 * time.Hour         // that a version may lie in the future

	outdoGap      = time.Second // between two times that we outdo another engine …
	outdoProbeGap = time.Minute // … on the word of one probe
)

// share settles who shares the work of a location: who is live, and who goes on
// with what it did for the engine before.
func (d *Dispatcher) share(l *location, now time.Time) {
	var live []string
	l.voters = 0
	for name, p := range l.probes {
		if p.votes(d) {
			l.voters++
		}
		if p.votes(d) || p.carries && d.excluded[p.id()] == "" {
			live = append(live, name)
		}
	}
	d.openPlaces()
	slices.Sort(live)
	if len(live) > wire.MaxLive {
		live = live[:wire.MaxLive]
	}
	if slices.Equal(live, l.live) {
		return
	}
	l.live = live
	d.divide(l)
	d.renew(l, now)
}

// divide reckons how many monitors each probe of a location checks regularly.
func (d *Dispatcher) divide(l *location) {
	l.shares = make(map[string]int, len(l.live))
	if len(l.live) == 1 {
		l.shares[l.live[0]] = len(l.set.regular)
		return
	}
	for _, n := range l.set.regular {
		l.shares[wire.Owner(n, l.live)]++
	}
}

// renew gives a location's assignments another version and tells its probes.
func (d *Dispatcher) renew(l *location, now time.Time) {
	d.version.Counter++
	l.version, l.renewed = d.version, now
	for _, p := range l.probes {
		if p.listens() {
			d.brief(p, now)
		}
	}
}

// outdo makes our version newer than one that a probe obeys: that of an engine
// whose data was restored since, or whose clock was wrong. It reports whether
// ours is newer now: a version of another day is nobody's whose place we may
// take, and all probes have to follow, so no probe has that done again and again.
func (d *Dispatcher) outdo(p *probe, v wire.Version, now time.Time) bool {
	if !d.foreign(v) {
		return true
	}
	if d.future(v, now) || now.Sub(d.outdid) < outdoGap || now.Sub(p.outdone) < outdoProbeGap {
		return false
	}
	d.outdid, p.outdone = now, now
	d.o.Log.Info("a probe obeys a newer engine than this one; it is told to obey this one", "probe", p.id(), "version", v.Engine)
	d.version.Engine = v.Engine + 1
	for _, l := range d.order {
		d.renew(l, now)
	}
	d.release(now)
	return true
}

// future reports whether a version is of an engine that began on another day, in the future.
func (d *Dispatcher) future(v wire.Version, now time.Time) bool {
	return v.Engine > uint64(now.Add(maxAhead).UnixMilli())
}

// foreign reports whether a version is of an engine that began to count later than we did.
func (d *Dispatcher) foreign(v wire.Version) bool {
	return v.Engine > d.version.Engine || v.Engine == d.version.Engine && v.Counter > d.version.Counter
}

// brief tells a probe what it has to do: its manifest, and chunks that it
// lacks. It says hello when it has taken them, and then gets more.
func (d *Dispatcher) brief(p *probe, now time.Time) {
	if p.due = !d.line.usable(); p.due {
		return
	}
	p.briefs = min(p.briefs+float64(now.Sub(p.briefed))/float64(briefingGap), briefings)
	p.briefed = now
	if p.due = p.briefs < 1; p.due {
		return
	}
	p.briefs--
	l := p.at
	frame, err := d.signer.Manifest(wire.Manifest{Seal: d.seal(p, now.Add(manifestGood)), Major: wire.Major, Chunks: l.set.hashes, Live: l.live})
	if err != nil {
		d.o.Log.Error("a manifest cannot be written", "probe", p.id(), "error", err)
		return
	}
	p.told, p.toldAt = l.version, now
	d.tell(p, topology.TypeManifest, frame, nil)
	if p.state == uptime.ProbeGone {
		return // it is not known yet what it lacks
	}
	maps.DeleteFunc(p.has, func(h wire.Hash, _ bool) bool { return !l.set.known[h] }) // it need not keep what is not in force
	sent := 1
	for _, c := range l.set.chunks {
		if p.has[c.hash] {
			continue
		}
		if sent++; sent > perBriefing {
			return
		}
		p.has[c.hash] = true
		d.tell(p, topology.TypeChunk, c.frame, func() { delete(p.has, c.hash) })
	}
}

// seal is that of an order to one probe; until is by the probe's own clock.
func (d *Dispatcher) seal(p *probe, until time.Time) wire.Seal {
	return wire.Seal{
		Place:    wire.Place{Vhost: d.o.Vhost, Location: p.at.Location, Probe: p.name},
		Version:  p.at.version,
		NotAfter: until.Add(p.clock.latest()),
		Nonce:    nonce(),
	}
}

// nonce draws one that nobody can guess.
func nonce() (n wire.Nonce) {
	rand.Read(n[:]) // never fails
	return n
}

// tell sends something to one probe; failed is called by the loop where it did not arrive.
func (d *Dispatcher) tell(p *probe, typ string, frame []byte, failed func()) {
	m := link.Message{Exchange: topology.Down, Key: topology.Address(p.at.Location, p.name), Type: typ, Body: frame}
	d.o.Broker.Publish(m, func(err error) {
		if err == nil {
			return
		}
		d.box.put(func(time.Time) {
			p.missing = errors.Is(err, link.ErrUnroutable)
			if failed != nil {
				failed()
			}
		})
	})
}

// missing says what a broker lacks.
func missing(queue string) string {
	return fmt.Sprintf("the broker has no queue %s: import the definitions that lookout remote init wrote", queue)
}
