package dispatch

import (
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/topology"
	"lookout/probes/wire"
)

const (
	canaries       = 3 // in a row that make a joining probe live
	canaryJoining  = 5 * time.Second
	canaryEvery    = time.Minute
	canaryAnswered = 10 * time.Second // within that
	// A canary is good for a minute longer: until it has been answered once, it is
	// not known how old the clock was that a hello brought.
	canaryGood = canaryAnswered + time.Minute
)

// canary is a check of its own that a probe is asked for, to prove that it works.
type canary struct {
	nonce  wire.Nonce
	sent   time.Time // zero: none is out
	next   time.Time
	streak int // that were answered in a row
}

// sing sends a probe the canary that is due, and notes which was not answered.
func (d *Dispatcher) sing(p *probe, now time.Time) {
	c := &p.canary
	if !c.sent.IsZero() {
		if now.Sub(c.sent) <= canaryAnswered {
			return
		}
		c.sent, c.streak = time.Time{}, 0
		switch p.state {
		case uptime.ProbeLive:
			d.fall(p, "it has not answered a canary for 10 s", now)
			return
		case uptime.ProbeJoining:
			p.why = "it does not answer canaries"
			d.drop(p, now)
		}
	}
	if !p.listens() || now.Before(c.next) {
		return
	}
	seal := d.seal(p, now.Add(canaryGood))
	frame, err := d.signer.Canary(wire.Canary{Seal: seal})
	if err != nil {
		d.o.Log.Error("a canary cannot be written", "probe", p.id(), "error", err)
		return
	}
	c.nonce, c.sent = seal.Nonce, now
	c.next = now.Add(canaryJoining)
	if p.state == uptime.ProbeLive {
		c.next = now.Add(canaryEvery)
	}
	d.tell(p, topology.TypeCanary, frame, func() { // it never left: that is not the probe's fault
		if p.canary.nonce == seal.Nonce {
			p.canary.sent, p.canary.next = time.Time{}, now.Add(canaryJoining)
		}
	})
}

// answered takes the answer to a canary. One to another canary, or of another
// probe, is none: it may be an old one that somebody plays again.
func (d *Dispatcher) answered(p *probe, a wire.Answer, now time.Time) {
	c := &p.canary
	if c.sent.IsZero() || a.Nonce != c.nonce {
		d.counts.strays++
		return
	}
	sent := c.sent
	c.sent = time.Time{}
	p.obeys = a.Obeyed
	if p.clock.answered(sent, now, a.Clock, a.Total) {
		p.work.clock = time.Time{} // by which its batches are in order
	}
	if a.Outcome != uptime.OutcomeUp && a.Outcome != uptime.OutcomeDegraded {
		why := "its own check failed, so it is its uplink that is broken"
		if a.Message != "" {
			why += ": " + a.Message
		}
		if c.streak = 0; p.state == uptime.ProbeLive {
			d.doubt(p, why, now)
		} else {
			p.why = why
			d.drop(p, now)
		}
		return
	}
	p.proof = now
	if c.streak++; p.state == uptime.ProbeJoining {
		p.why = ""
		if p.ready(now) {
			d.become(p, uptime.ProbeLive, "", now)
		}
	}
}
