package dispatch

import (
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
	"lookout/probes/wire"
)

const (
	maxPending = 16_384          // questions without an answer
	onTheWay   = 2 * time.Second // an answer may come so long after its deadline
	inexact    = 100 * time.Millisecond
)

// question is what a location was asked.
type question struct {
	at       *location
	job      uptime.Job
	number   uint32
	asked    time.Time
	deadline time.Time // nothing is begun after it
	take     func(uptime.Result)
}

// Ask has a job checked once at a place, by whichever of its probes has a hand
// free this moment; it is not begun when within has passed. What is found is
// given to take. Where nobody there can begin it, take hears that, within
// milliseconds: a result without a Time, of outcome unknown, which is no vote. It
// is called once or never, not by Ask itself. Ask does not wait.
func (d *Dispatcher) Ask(job uptime.Job, place uptime.Place, within time.Duration, take func(uptime.Result)) {
	now := time.Now()
	q := &question{job: job, asked: now, deadline: now.Add(within), take: take}
	if !d.box.ask(func(now time.Time) { d.ask(q, place.Location, now) }) {
		d.o.Log.Warn("more questions for other locations than can be asked", "monitor", job.Name)
	}
}

func (d *Dispatcher) ask(q *question, location string, now time.Time) {
	l := d.locations[location]
	if l == nil {
		return
	}
	q.at = l
	switch {
	case !now.Before(q.deadline):
		return
	case !d.line.usable() || l.voters == 0:
		d.refuse(q, "no probe of %s is live", l.Location)
		return
	case q.job.Portable == nil:
		d.refuse(q, "what is checked does not leave this machine")
		return
	case len(d.pending) >= maxPending:
		d.refuse(q, "too many questions have no answer yet")
		return
	}
	body := wire.Request{Timeout: min(q.job.Timeout, q.deadline.Sub(q.asked)), Seal: wire.Seal{
		Place:   wire.Place{Vhost: d.o.Vhost, Location: l.Location},
		Version: l.version, NotAfter: q.deadline.Add(l.slowestClock(now)).Truncate(time.Millisecond), Nonce: nonce()}}
	number, assigned := d.plan.numbers[q.job.Name]
	body.Monitor, q.number = number, number
	if regular, asked := purposes(q.job, l.Location); !assigned || d.plan.paused[q.job.Name] || !regular && !asked ||
		d.plan.monitors[number].Fingerprint != q.job.Fingerprint || !l.knows(number) {
		m := travels(q.number, q.job, false, true)
		body.Full = &m
	}
	frame, err := d.signer.Request(body)
	if err != nil {
		d.refuse(q, "what is checked cannot be sent: %v", err)
		return
	}
	d.pending[body.Nonce] = q
	m := link.Message{Exchange: topology.Ask, Key: l.Location, Type: topology.TypeRequest, ID: body.Nonce.String(), Body: frame, Now: true}
	d.o.Broker.Publish(m, func(err error) {
		if err != nil {
			d.box.put(func(time.Time) { d.unsent(body.Nonce, err) })
		}
	})
}

// knows reports whether all who may take a question work by what a monitor is
// now. Who does not would check what it was, and answer for what it is.
func (l *location) knows(number uint32) bool {
	changed := l.changed[number/wire.MaxMonitors]
	for _, p := range l.probes {
		if p.state == uptime.ProbeLive && p.obeys.Compare(changed) < 0 {
			return false
		}
	}
	return true
}

// slowestClock is how far the clock of the probe that is the furthest behind is
// ahead of ours, at the least: who compares a deadline that was moved by that
// with its own clock begins nothing after it. Whoever may take a question
// counts, and that is not only who may vote.
func (l *location) slowestClock(now time.Time) time.Duration {
	var slowest time.Duration
	first := true
	for _, p := range l.probes {
		if p.state == uptime.ProbeGone {
			continue
		}
		if least, ok := p.clock.floor(now); ok && (first || least < slowest) {
			slowest, first = least, false
		}
	}
	return slowest
}

// unsent takes back a question that did not leave, or that no queue took.
func (d *Dispatcher) unsent(n wire.Nonce, err error) {
	q := d.pending[n]
	if q == nil {
		return
	}
	delete(d.pending, n)
	if errors.Is(err, link.ErrUnroutable) {
		q.at.missing = true
		d.refuse(q, "%s", missing(topology.LocationQueue(q.at.Location)))
		return
	}
	d.refuse(q, "the question did not leave: %v", err)
}

// takeUnrun takes a question that came back: no probe had a hand free, or the
// one that took it could not read it. The queue has only what the broker puts
// there; the message's identity is the nonce.
func (d *Dispatcher) takeUnrun(m link.Delivery) {
	var n wire.Nonce
	raw, err := hex.DecodeString(m.ID)
	m.Done(true)
	if err != nil || len(raw) != len(n) {
		return
	}
	copy(n[:], raw)
	d.arrive(func(time.Time) {
		q := d.pending[n]
		if q == nil || q.at.Location != m.Key {
			return
		}
		delete(d.pending, n)
		q.at.missing = false
		if m.Dead == "rejected" {
			d.refuse(q, "the probe of %s that took it refused it: its own log says why", q.at.Location)
			return
		}
		d.refuse(q, "no probe of %s could begin it", q.at.Location)
	})
}

// takeReply decodes the reply to a question, or the answer to a canary.
func (d *Dispatcher) takeReply(m link.Delivery) {
	kind, at, name, ok := topology.ParseKey(m.Key)
	if !ok || kind != topology.KindReply {
		d.unread(m, at, name)
		return
	}
	switch m.Type {
	case topology.TypeAnswer:
		a, err := d.codec.ReadAnswer(m.Body)
		if err != nil {
			d.unread(m, at, name)
			return
		}
		m.Done(true)
		d.arrive(func(now time.Time) { d.onProbe(at, name, now, func(p *probe) { d.answered(p, a, now) }) })
	case topology.TypeReply:
		r, err := d.codec.ReadReply(m.Body)
		if err != nil {
			d.unread(m, at, name)
			return
		}
		m.Done(true)
		d.arrive(func(now time.Time) { d.onProbe(at, name, now, func(p *probe) { d.replied(p, r, now) }) })
	default:
		d.unread(m, at, name)
	}
}

// onProbe is for what only a probe that said hello can have to say.
func (d *Dispatcher) onProbe(at, name string, now time.Time, f func(*probe)) {
	l := d.locations[at]
	if l == nil || l.probes[name] == nil || l.probes[name].greeted.IsZero() {
		d.counts.strays++
		return
	}
	l.probes[name].heard = now
	f(l.probes[name])
}

// replied takes a reply. The first that has the nonce of a question, from where
// that was asked, settles it; every other one is dropped.
func (d *Dispatcher) replied(p *probe, r wire.Reply, now time.Time) {
	q := d.pending[r.Nonce]
	if q == nil || q.at != p.at {
		d.counts.strays++
		return
	}
	delete(d.pending, r.Nonce)
	q.at.missing = false
	started := p.clock.corrected(r.Row.Result.Time)
	switch {
	case !p.votes(d):
		d.refuse(q, "%s took it, whose vote does not count", p.id())
	case r.Refusal != "":
		d.refuse(q, "%s refuses: %s", p.id(), r.Refusal)
	case r.Row.Monitor != q.number:
		d.refuse(q, "%s answered for another monitor", p.id())
	case started.After(q.deadline.Add(inexact)) || started.Before(q.asked.Add(-inexact-onTheWay)):
		d.refuse(q, "%s did not check in time", p.id())
	default:
		d.counts.replies++
		q.take(d.vote(p, q, r, now))
	}
}

// vote is what a probe found, in the words of the engine.
func (d *Dispatcher) vote(p *probe, q *question, r wire.Reply, now time.Time) uptime.Result {
	res := r.Row.Result
	res.Time = p.clock.corrected(res.Time)
	if res.Time.After(now) {
		res.Time = now
	}
	res.Time = res.Time.UTC().Truncate(time.Millisecond)
	res.Monitor, res.Type, res.Target, res.Location = q.job.Name, q.job.Type, q.job.Target, q.at.Location
	if r.Row.Unhealthy {
		res.Outcome, res.Fault = uptime.OutcomeUnknown, uptime.FaultLocalNodeOffline
		res.Message = uptime.Clean(fmt.Sprintf("%s says that its own uplink is broken", p.id()), 300)
		return res
	}
	if res.Outcome != uptime.OutcomeUnknown {
		d.doubts.hear(q.job.Name, q.at.Location, res.Outcome == uptime.OutcomeDown, now)
	}
	return res
}

// refuse tells the engine that nobody at the place can say anything.
func (d *Dispatcher) refuse(q *question, format string, args ...any) {
	d.counts.refusals++
	q.take(uptime.Result{Monitor: q.job.Name, Type: q.job.Type, Target: q.job.Target, Location: q.at.Location,
		Outcome: uptime.OutcomeUnknown, Fault: uptime.FaultLocalOverload, Message: uptime.Clean(fmt.Sprintf(format, args...), 300)})
}

// expire forgets the questions whose answer would come too late.
func (d *Dispatcher) expire(now time.Time) {
	for n, q := range d.pending {
		if now.After(q.deadline.Add(onTheWay)) {
			delete(d.pending, n)
		}
	}
	d.doubts.end(now, func(location string, alone bool) {
		if l := d.locations[location]; l != nil {
			l.opinions.add(alone, now)
		}
	})
}
