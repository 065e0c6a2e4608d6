//go:build linux

package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/dispatch"
	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
	"lookout/probes/remote/worker"
	"lookout/probes/spool"
	"lookout/probes/wire"
)

// crew are the parts of a drill that run in this process, and end together.
type crew struct {
	ctx  context.Context
	end  context.CancelFunc
	work sync.WaitGroup
	mu   sync.Mutex
	err  error
}

func newCrew(ctx context.Context) *crew {
	c := &crew{}
	c.ctx, c.end = context.WithCancel(ctx)
	return c
}

// run has f run until the crew ends; an error of it ends all.
func (c *crew) run(f func(context.Context) error) {
	c.work.Go(func() {
		if err := f(c.ctx); err != nil && c.ctx.Err() == nil {
			c.fail(err)
		}
	})
}

// fail ends the crew for an error.
func (c *crew) fail(err error) {
	c.mu.Lock()
	c.err = errors.Join(c.err, err)
	c.mu.Unlock()
	c.end()
}

// pause waits, and says why it could not.
func (c *crew) pause(d time.Duration) error {
	if pause(c.ctx, d) {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return errors.Join(context.Cause(c.ctx), c.err)
}

// close ends the crew and returns what went wrong in it.
func (c *crew) close() error {
	c.end()
	c.work.Wait()
	return c.err
}

// ledger is an engine that stores nothing, and counts.
type ledger struct {
	rows, batches atomic.Int64
}

func (l *ledger) Deliver(_ context.Context, d uptime.Delivery, done func(error)) error {
	l.rows.Add(int64(len(d.Found)))
	l.batches.Add(1)
	go done(nil)
	return nil
}

func (l *ledger) Note(context.Context, uptime.Event) error { return nil }

// office starts the engine's side in this process.
func (s *site) office(c *crew, e dispatch.Engine, jobs []uptime.Job) (*dispatch.Dispatcher, error) {
	o, err := s.access("engine", s.plan.Engine.Name, s.plain())
	if err != nil {
		return nil, err
	}
	l := link.New(o)
	var places []uptime.Place
	for _, name := range s.plan.Locations() {
		places = append(places, uptime.Place{Location: name})
	}
	d := dispatch.New(dispatch.Options{Vhost: vhost, Software: "drill", Key: s.key, Locations: places, Broker: l})
	d.Serve(e)
	var as []dispatch.Assignment
	for i, j := range jobs {
		as = append(as, dispatch.Assignment{Number: uint32(i + 1), Job: j})
	}
	d.Assign(as)
	c.run(l.Run)
	c.run(d.Run)
	return d, nil
}

// probe starts a probe in this process. What it checks is found by runner; what
// wrap returns stands between it and its link, which cut ends.
func (s *site) probe(c *crew, p topology.Probe, where at, runner worker.Runner, wrap func(worker.Broker) worker.Broker) (cut func(), err error) {
	folder := topology.Folder(p)
	o, err := s.access(folder, p.User.Name, where)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(s.dir, folder, "data")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	kept, err := spool.Open(filepath.Join(dir, "spool"), spool.Options{})
	if err != nil {
		return nil, err
	}
	var w *worker.Worker // before the link runs
	o.Up = func() { w.Up() }
	l := link.New(o)
	w, err = worker.New(worker.Options{
		Place:  wire.Place{Vhost: vhost, Location: p.Location, Probe: p.Name},
		Key:    s.key.Public().(ed25519.PublicKey),
		Dir:    dir,
		Broker: wrap(l), Spool: kept, Build: build, Runner: runner,
		Outside: online{}, Anchors: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:443")},
		Software: "drill", Types: []string{"http"},
	})
	if err != nil {
		return nil, errors.Join(err, kept.Close())
	}
	linked, cut := context.WithCancel(context.WithoutCancel(c.ctx))
	c.run(func(context.Context) error { return l.Run(linked) })
	spooled := make(chan struct{}) // closed when the spool does nothing by itself any more
	c.run(func(ctx context.Context) error {
		defer close(spooled)
		kept.Run(ctx)
		return nil
	})
	c.run(func(ctx context.Context) error {
		err := w.Run(ctx)
		cut()
		<-spooled
		return errors.Join(err, kept.Close())
	})
	return cut, nil
}

// online is an anchor that always answers.
type online struct{}

func (online) Try(context.Context, uptime.Anchor) uptime.Answer { return uptime.AnswerGood }

// build makes a check of anything: the runner knows what it finds.
func build(name, checkType string, p uptime.Portable, interval, timeout, degradedAbove time.Duration) (uptime.Job, []uptime.Mistake) {
	return uptime.Job{Checker: nothing{}, Monitor: &uptime.Monitor{
		Name: name, Type: checkType, Target: p.URL, Dest: name, Interval: interval, Timeout: timeout, DegradedAbove: degradedAbove,
	}}, nil
}

// nothing is a checker that no runner of a drill calls.
type nothing struct{}

func (nothing) Check(context.Context) uptime.Result { return uptime.Result{} }

// monitors are n of them, checked each minute from a location, in the order of their phases.
func monitors(n int, every time.Duration, location string) []uptime.Job {
	jobs := make([]uptime.Job, n)
	for i := range jobs {
		name := "m" + number(float64(i))
		jobs[i] = uptime.Job{
			Monitor: &uptime.Monitor{Name: name, Type: "http", Target: "https://" + name + ".test/", Dest: name + ".test", Interval: every,
				Timeout: 10 * time.Second, Locations: []string{location}, ConfirmFrom: []string{}},
			Portable: &uptime.Portable{URL: "https://" + name + ".test/"},
		}
	}
	byPhase(jobs)
	return jobs
}

// live waits until a dispatcher finds all of n probes live.
func live(ctx context.Context, d *dispatch.Dispatcher, n int) error {
	return until(ctx, 2*time.Minute, "live probes", func() bool {
		_, probes := d.Status()
		count := 0
		for _, p := range probes {
			if p.State == uptime.ProbeLive {
				count++
			}
		}
		return count == n
	})
}
