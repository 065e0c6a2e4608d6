package dispatch

import (
	"context"
	"errors"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
	"lookout/probes/wire"
)

const (
	resultsAtOnce = 64 // batches that are delivered and not settled
	othersAtOnce  = 256
	maxHeld       = 16   // of them may be another engine's
	written       = 2026 // the year of this; a clock that shows an earlier one is not set
	retryAfter    = time.Second
	retryMost     = 30 * time.Second
	complainEvery = 10 * time.Second // that what probes send is of no use
)

// parcel is a batch on its way to the engine.
type parcel struct {
	p        *probe // nil where too many are known
	at, name string
	batch    wire.Batch
	delivery uptime.Delivery
	done     func(taken bool)
	tries    int
}

type retry struct {
	at time.Time
	b  *parcel
}

// consumers are the queues that an engine reads. It keeps out of the way of
// another one on all of them.
func (d *Dispatcher) consumers() []link.Consumer {
	return []link.Consumer{
		{Queue: topology.Results, Prefetch: resultsAtOnce, Alone: true, Take: d.takeBatch},
		{Queue: topology.Hellos, Prefetch: othersAtOnce, Alone: true, Take: d.takeHello},
		{Queue: topology.Replies, Prefetch: othersAtOnce, Alone: true, Take: d.takeReply},
		{Queue: topology.NoRun, Prefetch: othersAtOnce, Alone: true, Take: d.takeUnrun},
	}
}

// arrive gives the loop what came. It waits for it, and with it the broker.
func (d *Dispatcher) arrive(f func(now time.Time)) {
	select {
	case d.arrivals <- f:
	case <-d.done:
	}
}

// settlement is what is to be said to the broker of a batch.
type settlement struct {
	done  func(taken bool)
	taken bool
}

// settle tells the broker what became of a batch, in time: that may take a
// while, and neither the engine nor the loop waits for it.
func (d *Dispatcher) settle(b *parcel, taken bool) {
	select {
	case d.acks <- settlement{b.done, taken}:
	case <-d.done:
		b.done(taken)
	}
}

// settleAll settles what was left when the loop ended.
func (d *Dispatcher) settleAll() {
	for {
		select {
		case s := <-d.acks:
			s.done(s.taken)
		default:
			return
		}
	}
}

// unread makes a message that nobody can read a dead letter. One by which
// somebody looks whether it arrives has nothing to be read.
func (d *Dispatcher) unread(m link.Delivery, at, name string) {
	if m.Type == topology.TypeCheck && len(m.Body) == 0 {
		m.Done(true)
		return
	}
	m.Done(false)
	d.arrive(func(now time.Time) {
		d.bad(at, name)
		d.complain(now, "a message of a probe cannot be read", "key", uptime.Clean(m.Key, 200), "type", uptime.Clean(m.Type, 100))
	})
}

// complain has the log say what a probe sent that is of no use. It may send any
// number of such, so not each is told; the probe's own count says how many.
func (d *Dispatcher) complain(now time.Time, what string, args ...any) {
	if !d.told.IsZero() && now.Sub(d.told) < complainEvery {
		d.unsaid++
		return
	}
	d.o.Log.Warn(what, append(args, "others since the last", d.unsaid)...)
	d.told, d.unsaid = now, 0
}

// bad counts a message that nobody can read.
func (d *Dispatcher) bad(at, name string) {
	d.counts.dead++
	if l := d.locations[at]; l != nil && l.probes[name] != nil {
		l.probes[name].unreadable++
	}
}

// takeBatch decodes a batch of results. Its frame says what it is and of which
// version; the type of the message is of no use, and only older probes give one.
func (d *Dispatcher) takeBatch(m link.Delivery) {
	kind, at, name, ok := topology.ParseKey(m.Key)
	b, err := d.codec.ReadBatch(m.Body)
	if !ok || kind != topology.KindResult || m.Type != "" && m.Type != topology.TypeResult || err != nil {
		d.unread(m, at, name)
		return
	}
	d.arrive(func(now time.Time) { d.found(&parcel{at: at, name: name, batch: b, done: m.Done}, now) })
}

// found takes a batch of results.
func (d *Dispatcher) found(b *parcel, now time.Time) {
	d.counts.batches++
	d.counts.results += uint64(len(b.batch.Rows))
	l := d.locations[b.at]
	if l == nil { // it was configured once; what it found is history
		d.post(b, true, now)
		return
	}
	if b.p = d.known(l, b.name, now); b.p == nil {
		d.post(b, true, now)
		return
	}
	p := b.p
	if d.foreign(b.batch.Obeyed) {
		d.hold(b, now)
		return
	}
	if b.batch.Obeyed.Compare(p.obeys) > 0 { // else its rows are of before
		p.obeys = b.batch.Obeyed
	}
	fresh := d.proves(p, &b.batch, now)
	p.work.found(b.batch.Rows)
	if (p.listens() || p.greeted.IsZero()) && p.obeys != l.version && now.Sub(p.toldAt) > staleAfter {
		d.brief(p, now) // … and who has not heard of this engine yet says hello to it
	}
	d.post(b, b.batch.Late || !fresh || !p.votes(d), now)
}

// outdated reports whether a monitor was changed since the version that a probe
// obeyed when it checked it.
func (l *location) outdated(obeyed wire.Version, number uint32) bool {
	if obeyed == l.version || obeyed.Compare(l.changed[number/wire.MaxMonitors]) >= 0 {
		return false
	}
	return obeyed.Compare(l.begun) < 0 || obeyed.Compare(l.edited[number]) < 0
}

// proves judges a batch as proof of work, and reports whether it is of now.
func (d *Dispatcher) proves(p *probe, b *wire.Batch, now time.Time) bool {
	p.clock.heard(b.Clock, now)
	age := now.Sub(p.clock.corrected(b.Clock))
	if b.Late {
		return false
	}
	if len(p.clock.samples) > 0 && (age > proofWithin/2 || age < -warnSkew) && p.canary.sent.IsZero() {
		p.canary.next = now // is it late, or was its clock set?
	}
	wrong, newer := p.work.take(b, p.at.set.slowest, now)
	switch {
	case wrong != "" && p.state == uptime.ProbeLive:
		d.fall(p, wrong, now)
		return false
	case wrong != "" && p.state == uptime.ProbeJoining:
		p.canary.streak, p.why = 0, wrong
		return false
	case age > proofWithin:
		return false
	}
	if at := now.Add(-max(age, 0)); newer && wrong == "" && at.After(p.proof) {
		p.proof = at
	}
	return true
}

// hold keeps a batch of a probe that obeys another engine, whose numbers may be
// of other monitors: it is neither taken nor refused before the probe is told to
// obey us, and comes again to whoever reads the queue then. Where many wait, as
// after a start with a clock that was behind, all probes are told as soon as may
// be. What obeys an engine of another day is a lie, unless it is our clock that
// is wrong: then the queue waits until that is set.
func (d *Dispatcher) hold(b *parcel, now time.Time) {
	d.dirty = true
	for i, h := range d.held { // it comes again after a connection has ended
		if h.p == b.p && h.batch.Epoch == b.batch.Epoch && h.batch.From == b.batch.From && len(h.batch.Rows) == len(b.batch.Rows) {
			d.held[i] = b
			return
		}
	}
	switch {
	case len(d.held) < maxHeld:
		d.held = append(d.held, b)
	case d.outdo(b.p, b.batch.Obeyed, now):
		d.found(b, now)
	case len(d.held) < resultsAtOnce && d.patient(b, now):
		d.held = append(d.held, b)
	default: // one probe must not keep the others' results out
		d.bad(b.at, b.name)
		d.settle(b, false)
	}
}

// patient reports whether a batch may wait although many do: until our clock is
// set, or for the second after which its probe is told. One that was told within
// the minute, and obeys another engine again, keeps few.
func (d *Dispatcher) patient(b *parcel, now time.Time) bool {
	if d.future(b.batch.Obeyed, now) {
		return now.Year() < written
	}
	return now.Sub(b.p.outdone) >= outdoProbeGap || len(d.held) < resultsAtOnce/2 && d.holds(b.p) < maxHeld
}

// holds is how many batches of a probe are held.
func (d *Dispatcher) holds(p *probe) (n int) {
	for _, b := range d.held {
		if b.p == p {
			n++
		}
	}
	return n
}

// reconsider outdoes another engine of which many batches are held, as soon as it may.
func (d *Dispatcher) reconsider(now time.Time) {
	if len(d.held) < maxHeld {
		return
	}
	for _, b := range d.held {
		if d.outdo(b.p, b.batch.Obeyed, now) {
			return
		}
	}
}

// release takes what was held, since our version is newer now.
func (d *Dispatcher) release(now time.Time) {
	held := d.held
	d.held = nil
	for _, b := range held {
		d.found(b, now)
	}
}

// post has a batch handed to the engine.
func (d *Dispatcher) post(b *parcel, late bool, now time.Time) {
	if len(b.batch.Rows) == 0 && len(b.batch.Lost) == 0 {
		d.settle(b, true)
		return
	}
	b.delivery = d.delivery(b, late, now)
	b.batch.Rows = nil
	d.send(b)
}

// send puts a batch in line for the engine. Of too many the oldest are dropped,
// which are of connections that have ended: they came again.
func (d *Dispatcher) send(b *parcel) {
	d.unsettled.Add(1)
	if d.outgoing = append(d.outgoing, b); len(d.outgoing) > 4*resultsAtOnce {
		d.outgoing = d.outgoing[1:]
		d.unsettled.Add(-1)
	}
}

// clogged reports whether the broker gives us no more batches because the engine
// has not stored those that we have: that none come is no fault of the probes.
func (d *Dispatcher) clogged() bool {
	return int(d.unsettled.Load())+len(d.retries)+len(d.held) >= resultsAtOnce
}

// delivery is a batch in the words of the engine.
func (d *Dispatcher) delivery(b *parcel, late bool, now time.Time) uptime.Delivery {
	out := uptime.Delivery{Probe: b.at + "/" + b.name, Location: b.at, Epoch: b.batch.Epoch, Interval: uptime.Interval(b.batch.Interval()), Late: late}
	for _, i := range b.batch.Lost {
		out.Lost = append(out.Lost, uptime.Interval(i))
	}
	out.Found = make([]uptime.Found, len(b.batch.Rows))
	for i, row := range b.batch.Rows {
		r := row.Result
		if b.p != nil {
			r.Time = b.p.clock.stamped(r.Time, now)
		}
		if r.Time.After(now) {
			r.Time = now
		}
		r.Time = r.Time.UTC().Truncate(time.Millisecond)
		r.Location = b.at
		if m := d.plan.monitors[row.Monitor]; m != nil {
			r.Monitor, r.Type, r.Target = m.Name, m.Type, m.Target
		}
		out.Found[i] = uptime.Found{Result: r, Baseline: row.Baseline, Unhealthy: row.Unhealthy,
			Outdated: b.p != nil && b.p.at.outdated(b.batch.Obeyed, row.Monitor)}
	}
	return out
}

// hand gives a batch to the engine, and settles it when the engine has.
func (d *Dispatcher) hand(ctx context.Context, b *parcel) {
	settle := func(err error) {
		d.unsettled.Add(-1)
		switch {
		case err == nil:
			d.settle(b, true)
			return
		case errors.Is(err, uptime.ErrInvalid): // nor will it be valid later
			d.settle(b, false)
			d.box.put(func(now time.Time) {
				d.bad(b.at, b.name)
				d.complain(now, "a probe sent results that make no sense", "probe", b.delivery.Probe, "error", err)
			})
			return
		}
		d.box.put(func(now time.Time) {
			d.o.Log.Warn("the engine could not take results; they are given to it again", "probe", b.delivery.Probe, "error", err)
			wait := min(retryAfter<<min(b.tries, 8), retryMost)
			b.tries++
			if d.retries = append(d.retries, retry{now.Add(wait), b}); len(d.retries) > 4*resultsAtOnce {
				d.retries = d.retries[1:]
			}
		})
	}
	if err := d.engine.Deliver(ctx, b.delivery, settle); err != nil {
		settle(err)
	}
}

// retry gives the engine again what it could not take.
func (d *Dispatcher) retry(now time.Time) {
	rest := d.retries[:0]
	for _, r := range d.retries {
		if now.Before(r.at) {
			rest = append(rest, r)
		} else {
			d.send(r.b)
		}
	}
	clear(d.retries[len(rest):])
	d.retries = rest
}
