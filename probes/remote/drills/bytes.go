//go:build linux

package main

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"time"

	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
	"lookout/probes/remote/worker"
	"lookout/probes/wire"
)

// bytes measures what a result costs at the link of a probe, in quiet times. A
// change is sent at once, with a flush of its own, which is what the note says of one.
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
	d.say("bytes: %d monitors of a minute at one probe, %s; for %v", count, name, d.span)
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
	_, err = s.probe(c, s.plan.Probes[0], at{m.addr(), true}, newFinder(phases, 0), func(b worker.Broker) worker.Broker {
		scale.Broker = b
		return scale
	})
	if err != nil {
		return err
	}
	if err := live(c.ctx, office, 1); err != nil {
		return err
	}
	if err := c.pause(time.Minute + flush); err != nil { // until it was told everything, and each has been checked
		return err
	}
	scale.start()
	began := time.Now()
	all, err := m.read(0)
	if err != nil {
		return err
	}
	if err := c.pause(d.span); err != nil {
		return err
	}
	now, err := m.read(0)
	if err != nil {
		return err
	}
	took := time.Since(began)
	sum, err := scale.stop()
	if err != nil {
		return err
	}
	rows, each := float64(max(1, sum.rows)), max(1, sum.flushes)
	d.most("remote_bytes_"+name, float64(sum.cost.ethernet())/rows, "B/result", goal,
		"Ethernet with TLS 1.3: %d results in %d flushes, each a frame of %d B and %d B of AMQP, TLS, TCP and Ethernet in %.1f packets, confirmed; a change of a monitor costs one more; all that the link carried in these %.0f s, hellos, canaries and heartbeats too: %.1f B/result",
		sum.rows, sum.flushes, sum.frames/each, (int(sum.cost.ethernet())-sum.frames)/each, float64(sum.cost.packets)/float64(each), took.Seconds(), float64(now.less(all).ethernet())/rows)
	return c.close()
}

// scale stands between a probe and its link, and weighs what its batches of
// results cost there: from when one is published until its confirmation has been
// acknowledged. Nothing else is on the link then, but for a heartbeat now and then.
type scale struct {
	worker.Broker
	meter *meter

	codec *wire.Codec

	mu   sync.Mutex
	on   bool
	sum  weight
	work sync.WaitGroup
	err  error
}

// weight is what some flushes cost.
type weight struct {
	cost                  traffic
	flushes, rows, frames int // frames: their bytes, before AMQP
}

// publishing is the connection of a link that publishes: it dials the other one
// first. That one's heartbeats come with the batches, since the clocks of both
// began together.
const publishing = 1

// settle is how long after a confirmation its acknowledgement is waited for: the
// kernel holds it back for up to 40 ms.
const settle = 60 * time.Millisecond

// Publish passes on, and weighs.
func (s *scale) Publish(m link.Message, done func(error)) {
	s.mu.Lock()
	weigh := s.on && m.Type == topology.TypeResult
	if weigh {
		s.work.Add(1)
	}
	s.mu.Unlock()
	if !weigh {
		s.Broker.Publish(m, done)
		return
	}
	batch, wrong := s.codec.ReadBatch(m.Body)
	before, early := s.meter.read(publishing)
	s.Broker.Publish(m, func(err error) {
		done(err)
		time.AfterFunc(settle, func() {
			defer s.work.Done()
			after, late := s.meter.read(publishing)
			s.mu.Lock()
			defer s.mu.Unlock()
			s.err = errors.Join(s.err, wrong, early, err, late)
			more := after.less(before)
			s.sum.cost.bytes += more.bytes
			s.sum.cost.packets += more.packets
			s.sum.flushes++
			s.sum.rows += len(batch.Rows)
			s.sum.frames += len(m.Body)
		})
	})
}

func (s *scale) start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.on = true
}

// stop returns what the flushes since start cost.
func (s *scale) stop() (weight, error) {
	s.mu.Lock()
	s.on = false
	s.mu.Unlock()
	s.work.Wait()
	return s.sum, s.err
}
