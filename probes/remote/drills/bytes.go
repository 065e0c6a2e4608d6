//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
	"lookout/probes/remote/worker"
	"lookout/probes/wire"
)

// bytes measures what a result costs at the link of a probe. One check of a
// thousand fails, and is well again a minute later: each of these changes is sent
// at once, with a flush of its own.
func (d *drill) bytes(ctx context.Context) error {
	for _, c := range []struct {
		name   string
		phases bool
		goal   float64
	}{{"five_phases", true, 16}, {"total_only", false, 6}} {
		if err := d.bytesOf(ctx, c.name, c.phases, c.goal); err != nil {
			return err
		}
	}
	return nil
}

const flush = 10 * time.Second // of a probe

func (d *drill) bytesOf(ctx context.Context, name string, phases bool, goal float64) error {
	const count = 1000
	span := 2 * d.span // as many changes as it takes
	d.say("bytes: %d monitors of a minute at one probe, %s; for %v", count, name, span)
	dir, remove, err := d.temporary()
	if err != nil {
		return err
	}
	defer remove()
	s, err := openSite(ctx, filepath.Join(dir, "remote"), nil, "fra/1")
	if err != nil {
		return err
	}
	defer s.close()
	m, err := newMeter(s.broker.TLSAddr())
	if err != nil {
		return err
	}
	defer m.close()
	c := newCrew(ctx)
	defer c.close()
	office, err := s.office(c, &ledger{}, monitors(count, time.Minute, "fra"))
	if err != nil {
		return err
	}
	scale := &scale{meter: m, codec: wire.New()}
	_, err = s.probe(c, s.plan.Probes[0], at{m.addr(), true}, &rare{finder: newFinder(phases, 0)}, func(b worker.Broker) worker.Broker {
		scale.Broker = b
		return scale
	})
	if err != nil {
		return err
	}
	if err := live(c.ctx, office, 1); err != nil {
		return err
	}
	d.say("bytes: %s: until it was told everything, and each has been checked", name)
	if err := c.pause(time.Minute + flush); err != nil {
		return err
	}
	before, err := scale.read(c.ctx)
	if err != nil {
		return err
	}
	for spent := time.Duration(0); spent < span; spent += flush {
		if err := c.pause(min(flush, span-spent)); err != nil {
			return err
		}
		d.say("bytes: %s: measured for %v of %v", name, min(spent+flush, span), span)
	}
	after, err := scale.read(c.ctx)
	if err != nil {
		return err
	}
	w := after.less(before)
	if w.rows == 0 {
		return errors.New("no results")
	}
	d.table(name, w)
	rows, each := float64(w.rows), w.flushes
	d.most("remote_bytes_"+name, float64(w.batches.ethernet())/rows, "B/result", goal,
		"batches and their confirmations, as Ethernet with TLS 1.3 has them: %d results, %d of them failures that are well a minute later, in %d flushes, each a frame of %d B and %d B of AMQP, TLS, TCP and Ethernet in %.1f packets; not counted are hellos, canaries and the heartbeats of both connections, with which it is %.1f B/result",
		w.rows, w.failed, each, w.frames/each, (int(w.batches.ethernet())-w.frames)/each, float64(w.batches.packets)/float64(each), float64(w.all.ethernet())/rows)
	return c.close()
}

// table says where the bytes of a link go.
func (d *drill) table(name string, w weight) {
	heartbeats := w.all.heartbeats * (heartbeat + recordMore + 2*overhead) // each is acknowledged by itself
	rest := w.all.less(w.batches).ethernet() - heartbeats
	for _, line := range []struct {
		bytes int64
		of    string
	}{
		{int64(w.frames), fmt.Sprintf("frames of results, %d", w.flushes)},
		{w.batches.amqp() - int64(w.frames), "AMQP around them, and confirmations"},
		{w.batches.records * recordMore, fmt.Sprintf("TLS around that, %d records", w.batches.records)},
		{w.batches.packets * overhead, fmt.Sprintf("TCP, IP and Ethernet around that, %d packets", w.batches.packets)},
		{heartbeats, fmt.Sprintf("heartbeats, %d of both connections and both ends, their packets too", w.all.heartbeats)},
		{rest, "hellos, canaries and orders, their packets too"},
		{w.all.ethernet(), "all"},
	} {
		d.say("bytes: %s: %6.2f B/result %s", name, float64(line.bytes)/float64(w.rows), line.of)
	}
}

// rare has one check of a thousand fail, at uneven distances: what fails is well
// a minute later, and not when the next one fails.
type rare struct {
	*finder
	n atomic.Int64
}

func (r *rare) Run(ctx context.Context, job uptime.Job) uptime.Result {
	res := r.finder.Run(ctx, job)
	if n := r.n.Add(1) % 2000; n == 300 || n == 1100 {
		fail(&res)
	}
	return res
}

// scale stands between a probe and its link, and weighs what its batches of
// results cost there: from when one is published until its confirmation has been
// acknowledged. Nothing else is on that connection then, but for a heartbeat now and then.
type scale struct {
	worker.Broker
	meter *meter
	codec *wire.Codec

	mu  sync.Mutex
	sum weight
	err error
}

// weight is what some flushes cost.
type weight struct {
	batches traffic // of what publishes, while it does
	all     traffic // of both connections, all the time

	flushes, rows, failed, frames int // frames: their bytes, before AMQP
}

func (w weight) less(o weight) weight {
	return weight{w.batches.less(o.batches), w.all.less(o.all), w.flushes - o.flushes, w.rows - o.rows, w.failed - o.failed, w.frames - o.frames}
}

// The connections of a link, in the order in which it dials them.
const (
	consuming  = 0
	publishing = 1
)

// settle is how long after a confirmation its acknowledgement is waited for: the
// kernel holds it back for up to 40 ms.
const settle = 60 * time.Millisecond

// Publish passes on, and weighs.
func (s *scale) Publish(m link.Message, done func(error)) {
	if !strings.HasPrefix(m.Key, topology.KindResult+".") {
		s.Broker.Publish(m, done)
		return
	}
	batch, wrong := s.codec.ReadBatch(m.Body)
	before, early := s.meter.read(publishing)
	s.Broker.Publish(m, func(err error) {
		done(err)
		time.AfterFunc(settle, func() {
			after, late := s.meter.read(publishing)
			s.mu.Lock()
			defer s.mu.Unlock()
			s.err = errors.Join(s.err, wrong, early, err, late)
			s.sum.batches = s.sum.batches.plus(after.less(before))
			s.sum.flushes++
			s.sum.rows += len(batch.Rows)
			s.sum.frames += len(m.Body)
			for _, r := range batch.Rows {
				if r.Result.Outcome != uptime.OutcomeUp {
					s.sum.failed++
				}
			}
		})
	})
}

// read is what it weighed until after the next flush: so results and bytes are of the same time.
func (s *scale) read(ctx context.Context) (weight, error) {
	count := func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.sum.flushes
	}
	first := count()
	if err := until(ctx, 2*flush, "flush", func() bool { return count() > first }); err != nil {
		return weight{}, err
	}
	in, err := s.meter.read(consuming)
	out, failed := s.meter.read(publishing)
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.sum
	w.all = in.plus(out)
	return w, errors.Join(err, failed, s.err)
}
