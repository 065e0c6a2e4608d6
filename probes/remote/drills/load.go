//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
	"lookout/probes/wire"
)

// The article's: 18,000 users with 10 monitors a minute, split over 36 nodes.
const (
	nodes    = 36
	perNode  = 5000
	perFlush = perNode * int(flush) / int(time.Minute) // results of a node
	cores    = 2
)

// load sends 3,000 results a second through a broker, from 36 probes to one
// engine, and counts what that costs.
func (d *drill) load(ctx context.Context) error {
	d.say("load: %d probes with %d monitors each, %d results a second through one broker; for %v", nodes, perNode, nodes*perNode/60, d.span)
	dir, remove, err := d.temporary()
	if err != nil {
		return err
	}
	defer remove()
	var names []string
	for i := range nodes {
		names = append(names, fmt.Sprintf("fra/%d", i+1))
	}
	s, err := openSite(ctx, filepath.Join(dir, "remote"), nil, names...)
	if err != nil {
		return err
	}
	defer s.close()
	c := newCrew(ctx)
	defer c.close()

	taken := make(chan int, 1000) // rows of each batch: consumer → us; it waits when we are slow
	o, err := s.access("engine", s.plan.Engine.Name, s.plain())
	if err != nil {
		return err
	}
	codec := wire.New()
	o.Consumers = []link.Consumer{{Queue: topology.Results, Prefetch: 50, Alone: true, Take: func(m link.Delivery) {
		b, err := codec.ReadBatch(m.Body)
		m.Done(err == nil)
		taken <- len(b.Rows)
	}}}
	engine := link.New(o)
	c.run(engine.Run)

	begin := make(chan struct{}) // closed when the measuring begins
	var ready sync.WaitGroup     // of the nodes
	flushes := int(d.span / flush)
	for i, p := range s.plan.Probes {
		ready.Add(1)
		if err := s.node(c, p, i, flushes, sync.OnceFunc(ready.Done), begin); err != nil {
			return err
		}
	}
	ready.Wait()
	if err := until(c.ctx, time.Minute, "connection of the engine", func() bool { return engine.State().Connected }); err != nil {
		return err
	}
	idle, err := cpuOf(c.ctx, s.broker.Pid(), flush)
	if err != nil {
		return err
	}
	before, err := spent(s.broker.Pid())
	if err != nil {
		return err
	}
	own := ownCPU()
	began := time.Now()
	close(begin)
	rows, batches, want := 0, 0, flushes*nodes*perFlush
	late := time.After(2*d.span + time.Minute)
	progress := time.NewTicker(flush)
	defer progress.Stop()
	for rows < want {
		select {
		case n := <-taken:
			rows, batches = rows+n, batches+1
		case <-progress.C:
			d.say("load: %d of %d results came", rows, want)
		case <-late:
			return fmt.Errorf("%d of %d results came", rows, want)
		case <-c.ctx.Done():
			return c.pause(0)
		}
	}
	pause(c.ctx, time.Until(began.Add(time.Duration(flushes)*flush)))
	took := time.Since(began)
	after, err := spent(s.broker.Pid())
	if err != nil {
		return err
	}
	share := func(cpu time.Duration) float64 { return 100 * cpu.Seconds() / took.Seconds() / cores }
	d.most("remote_broker_cpu", share(after-before), "%_of_2_cores", 5,
		"%d results/s in %d batches, %d connections; the broker with them idle: %.1f %%; the probes' and the engine's side of the link, coding too: %.1f %%",
		int(float64(rows)/took.Seconds()), batches, 2*nodes+2, 100*idle/cores, share(ownCPU()-own))
	return c.close()
}

// node is a probe that only sends, from when begin is closed: batches of made up
// results, one each flush.
func (s *site) node(c *crew, p topology.Probe, i, flushes int, ready func(), begin <-chan struct{}) error {
	o, err := s.access(topology.Folder(p), p.User.Name, s.plain())
	if err != nil {
		return err
	}
	o.Up = ready
	l := link.New(o)
	c.run(l.Run)
	c.run(func(ctx context.Context) error {
		defer ready()
		select {
		case <-begin:
		case <-ctx.Done():
			return nil
		}
		if !pause(ctx, time.Duration(i)*flush/nodes) {
			return nil
		}
		find, codec := newFinder(true, 0.001), wire.New()
		for n := range flushes {
			next := time.Now().Add(flush)
			b := batch(find, uint64(i+1), n, time.Now())
			frame, err := codec.Batch(b)
			if err != nil {
				return err
			}
			m := link.Message{Exchange: topology.Up, Key: topology.Key(topology.KindResult, p.Location, p.Name), Type: topology.TypeResult, Body: frame, Durable: true}
			l.Publish(m, func(err error) {
				if err != nil {
					c.fail(err)
				}
			})
			if !pause(ctx, time.Until(next)) {
				return nil
			}
		}
		return nil
	})
	return nil
}

// batch are the results of a flush: its part of the monitors of a node.
func batch(find *finder, epoch uint64, n int, now time.Time) wire.Batch {
	b := wire.Batch{Epoch: epoch, From: uint64(n * perFlush), Clock: now}
	for k := range perFlush {
		number := uint32(n*perFlush+k) % perNode
		r := find.find("m" + strconv.Itoa(int(number)))
		r.Time = now.Add(-flush + time.Duration(k)*(flush/time.Duration(perFlush)) - time.Second).UTC().Truncate(time.Millisecond)
		b.Rows = append(b.Rows, wire.Row{Monitor: number, Result: r})
	}
	return b
}

// cpuOf is what a process uses of one core, over a while.
func cpuOf(ctx context.Context, pid int, while time.Duration) (float64, error) {
	before, err := spent(pid)
	if err != nil {
		return 0, err
	}
	if !pause(ctx, while) {
		return 0, context.Cause(ctx)
	}
	after, err := spent(pid)
	return (after - before).Seconds() / while.Seconds(), err
}

// spent is the CPU time of a process, as the kernel has it in hundredths of a second.
func spent(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	user, err := strconv.ParseInt(string(fields[11]), 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(string(fields[12]), 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond, err
}

// ownCPU is the CPU time of this process.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
