//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/brokertest"
	"lookout/probes/remote/dispatch"
	"lookout/probes/remote/worker"
)

// ask measures second opinions: what asking costs beside the check, how fast it
// is known that nobody can run one, and whether one is ever begun too late.
func (d *drill) ask(ctx context.Context) error {
	dir, remove, err := d.temporary()
	if err != nil {
		return err
	}
	defer remove()
	s, err := openSite(ctx, filepath.Join(dir, "remote"), nil, "fra/1", "nyc/1")
	if err != nil {
		return err
	}
	defer s.close()
	proxy, err := brokertest.NewProxy(s.broker.Addr())
	if err != nil {
		return err
	}
	defer proxy.Close()
	c := newCrew(ctx)
	defer c.close()
	office, err := s.office(c, &ledger{}, nil)
	if err != nil {
		return err
	}
	same := func(b worker.Broker) worker.Broker { return b }
	clock := &punctual{deadlines: map[string]time.Time{}}
	cut, err := s.probe(c, s.plan.Probes[0], s.plain(), clock, same)
	if err != nil {
		return err
	}
	if _, err := s.probe(c, s.plan.Probes[1], at{proxy.Addr(), false}, clock, same); err != nil {
		return err
	}
	d.say("ask: two probes join")
	if err := live(c.ctx, office, 2); err != nil {
		return err
	}
	if err := d.overhead(c, office); err != nil {
		return err
	}
	cut()
	if err := d.nobody(c, office); err != nil {
		return err
	}
	if err := d.punctuality(c, s, office, proxy, clock); err != nil {
		return err
	}
	return c.close()
}

// opinion is what came of a question.
type opinion struct {
	took time.Duration
	r    uptime.Result
}

// one is a monitor that a probe was not told of: everything that it needs
// travels with the question.
func one(name string) uptime.Job {
	j := monitors(1, time.Minute, "local")[0]
	j.Name, j.Dest, j.ConfirmFrom = name, name, nil
	return j
}

// series asks n questions, one each pace, and returns what came within a second each.
func series(c *crew, office *dispatch.Dispatcher, location string, n int, pace time.Duration) ([]opinion, error) {
	answers := make(chan opinion, n)
	for i := range n {
		asked := time.Now()
		office.Ask(one("s"+strconv.Itoa(i)), uptime.Place{Location: location}, time.Second, func(r uptime.Result) {
			answers <- opinion{time.Since(asked), r}
		})
		if err := c.pause(time.Until(asked.Add(pace))); err != nil {
			return nil, err
		}
	}
	if err := c.pause(time.Second); err != nil {
		return nil, err
	}
	out := make([]opinion, 0, n)
	for range len(answers) {
		out = append(out, <-answers)
	}
	return out, nil
}

// overhead is the time from a question to its answer where the check takes none.
func (d *drill) overhead(c *crew, office *dispatch.Dispatcher) error {
	const n = 2000
	d.say("ask: %d questions to one location", n)
	answers, err := series(c, office, "fra", n, 5*time.Millisecond)
	if err != nil {
		return err
	}
	var took []time.Duration
	said := map[string]int{}
	for _, a := range answers {
		if a.r.Outcome == uptime.OutcomeUp {
			took = append(took, a.took)
		} else {
			said[a.r.Message]++
		}
	}
	if len(took) < n {
		return fmt.Errorf("%d of %d questions were answered, %v", len(took), n, said)
	}
	d.most("remote_confirmation_overhead_p99", millis(quantile(took, 0.99)), "ms", 10,
		"%d questions over the broker, signed, each whole with its monitor; p50 %s ms, the slowest %s ms", n, number(millis(quantile(took, 0.5))), number(millis(quantile(took, 1))))
	return nil
}

// nobody asks a location whose only probe has just lost its line, and still is
// taken for live.
func (d *drill) nobody(c *crew, office *dispatch.Dispatcher) error {
	const n = 200
	d.say("ask: %d questions to a location whose probe is cut off", n)
	answers, err := series(c, office, "fra", n, 20*time.Millisecond)
	if err != nil {
		return err
	}
	var took []time.Duration
	said := map[string]int{}
	for _, a := range answers {
		if a.r.Time.IsZero() {
			took = append(took, a.took)
			said[a.r.Message]++
		}
	}
	if len(took) < n {
		return fmt.Errorf("%d of %d questions came back: %v", len(took), n, said)
	}
	d.most("remote_nobody_known_p99", millis(quantile(took, 0.99)), "ms", 50, "%d questions that came back from the queue of the location; p50 %s ms, the slowest %s ms; said: %v", n,
		number(millis(quantile(took, 0.5))), number(millis(quantile(took, 1))), said)
	return nil
}

// punctual is a runner that knows until when each check may begin.
type punctual struct {
	mu        sync.Mutex
	deadlines map[string]time.Time
	begun     int
	late      int
	worst     time.Duration
}

// Run takes 0.1 s for the checks that have a deadline.
func (p *punctual) Run(ctx context.Context, job uptime.Job) uptime.Result {
	now := time.Now()
	p.mu.Lock()
	deadline, ok := p.deadlines[job.Name]
	if ok {
		p.begun++
		if by := now.Sub(deadline); by > 0 {
			p.late++
			p.worst = max(p.worst, by)
		}
	}
	p.mu.Unlock()
	if ok {
		pause(ctx, 100*time.Millisecond)
	}
	return uptime.Result{Time: now.UTC().Truncate(time.Millisecond), Outcome: uptime.OutcomeUp}
}

// punctuality asks many questions with deadlines of 20 ms to 10 s, while the
// line of the probe stands still for a while, and the broker is away.
func (d *drill) punctuality(c *crew, s *site, office *dispatch.Dispatcher, proxy *brokertest.Proxy, clock *punctual) error {
	const pace = 10 * time.Millisecond
	d.say("ask: %d questions with deadlines, in %v; the line stands still after a tenth of them, the broker is killed for %v after a third", d.asks, time.Duration(d.asks)*pace, d.outage)
	chance := rand.New(rand.NewPCG(3, 4))
	var votes, refused atomic.Int64
	troubles := map[int]func() error{
		d.asks / 10:     func() error { proxy.Stall(); return nil },
		d.asks * 3 / 20: func() error { proxy.Pass(); return nil },
		d.asks / 3:      s.broker.Kill9,
	}
	restarted := make(chan error, 1)
	for i := range d.asks {
		if f := troubles[i]; f != nil {
			if err := f(); err != nil {
				return err
			}
		}
		if i == d.asks/3 {
			c.run(func(ctx context.Context) error {
				if pause(ctx, d.outage) {
					restarted <- s.broker.Restart(ctx)
				}
				return nil
			})
		}
		asked := time.Now()
		within := 20*time.Millisecond + time.Duration(chance.ExpFloat64()*float64(time.Second))
		within = min(within, 10*time.Second)
		name := "d" + strconv.Itoa(i)
		clock.mu.Lock()
		clock.deadlines[name] = asked.Add(within)
		clock.mu.Unlock()
		office.Ask(one(name), uptime.Place{Location: "nyc"}, within, func(r uptime.Result) {
			if r.Time.IsZero() {
				refused.Add(1)
			} else {
				votes.Add(1)
			}
		})
		if err := c.pause(time.Until(asked.Add(pace))); err != nil {
			return err
		}
	}
	select {
	case err := <-restarted:
		if err != nil {
			return err
		}
	case <-c.ctx.Done():
		return c.pause(0)
	}
	if err := c.pause(15 * time.Second); err != nil {
		return err
	}
	clock.mu.Lock()
	defer clock.mu.Unlock()
	if clock.begun < d.asks/10 {
		return fmt.Errorf("only %d of %d checks were begun", clock.begun, d.asks)
	}
	d.most("remote_begun_after_deadline", float64(clock.late), "requests", 0,
		"of %d with 20 ms to 10 s, %d begun, %d votes, %d known at once to run nowhere; through a stalled line and %v without a broker; the latest by %v", d.asks, clock.begun, votes.Load(), refused.Load(), d.outage, clock.worst)
	return nil
}
