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
	clock := newPunctual()
	cut, err := s.probe(c, s.plan.Probes[0], s.plain(), clock, direct)
	if err != nil {
		return err
	}
	if _, err := s.probe(c, s.plan.Probes[1], at{proxy.Addr(), false}, clock, direct); err != nil {
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
	if err := c.close(); err != nil {
		return err
	}
	return d.across(ctx)
}

// direct is nothing between a probe and its link.
func direct(b worker.Broker) worker.Broker { return b }

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

// series asks n questions, one each pace, and returns what came within a second
// each, and how late the machine woke us up meanwhile: what it is busy with
// beside is in the figures too.
func series(c *crew, office *dispatch.Dispatcher, location string, n int, pace time.Duration) ([]opinion, []time.Duration, error) {
	answers := make(chan opinion, n)
	late := make([]time.Duration, 0, n)
	for i := range n {
		asked := time.Now()
		office.Ask(one("s"+strconv.Itoa(i)), uptime.Place{Location: location}, time.Second, func(r uptime.Result) {
			answers <- opinion{time.Since(asked), r}
		})
		if err := c.pause(time.Until(asked.Add(pace))); err != nil {
			return nil, nil, err
		}
		late = append(late, time.Since(asked)-pace)
	}
	if err := c.pause(time.Second); err != nil {
		return nil, nil, err
	}
	out := make([]opinion, 0, n)
	for range len(answers) {
		out = append(out, <-answers)
	}
	return out, late, nil
}

// overhead is the time from a question to its answer where the check takes none.
func (d *drill) overhead(c *crew, office *dispatch.Dispatcher) error {
	const n = 2000
	d.say("ask: %d questions to one location", n)
	answers, late, err := series(c, office, "fra", n, 5*time.Millisecond)
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
	if len(took) < n*9/10 {
		return fmt.Errorf("%d of %d questions were answered, %v", len(took), n, said)
	}
	d.most("remote_confirmation_overhead_p99", millis(quantile(took, 0.99)), "ms", 10,
		"%d of %d questions over the broker, signed, each whole with its monitor, and answered; p50 %s ms, the slowest %s ms; a timer of this machine then was late by p99 %s ms", len(took), n,
		number(millis(quantile(took, 0.5))), number(millis(quantile(took, 1))), number(millis(quantile(late, 0.99))))
	return nil
}

// nobody asks a location whose only probe has just lost its line, and still is
// taken for live.
func (d *drill) nobody(c *crew, office *dispatch.Dispatcher) error {
	const n = 200
	d.say("ask: %d questions to a location whose probe is cut off", n)
	answers, late, err := series(c, office, "fra", n, 20*time.Millisecond)
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
	d.most("remote_nobody_known_p99", millis(quantile(took, 0.99)), "ms", 50, "%d questions that came back from the queue of the location; p50 %s ms, the slowest %s ms; a timer of this machine then was late by p99 %s ms", n,
		number(millis(quantile(took, 0.5))), number(millis(quantile(took, 1))), number(millis(quantile(late, 0.99))))
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

func newPunctual() *punctual { return &punctual{deadlines: map[string]time.Time{}} }

func (p *punctual) expect(name string, by time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deadlines[name] = by
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

// trouble is something that happens before a question.
type trouble struct {
	at   int
	make func() error
}

// pace is the time between two questions with a deadline.
const pace = 10 * time.Millisecond

// ply asks n questions with deadlines of 20 ms to 10 s while there is trouble,
// and says what came of them.
func (d *drill) ply(c *crew, office *dispatch.Dispatcher, location string, n int, clock *punctual, troubles ...trouble) (votes, refused int64, err error) {
	chance := rand.New(rand.NewPCG(3, 4))
	var voted, nobody atomic.Int64
	for i := range n {
		if i > 0 && i%1000 == 0 {
			d.say("ask: %d of %d questions with deadlines to %s", i, n, location)
		}
		for _, t := range troubles {
			if t.at == i {
				if err := t.make(); err != nil {
					return 0, 0, err
				}
			}
		}
		asked := time.Now()
		within := min(20*time.Millisecond+time.Duration(chance.ExpFloat64()*float64(time.Second)), 10*time.Second)
		name := location + strconv.Itoa(i)
		clock.expect(name, asked.Add(within))
		office.Ask(one(name), uptime.Place{Location: location}, within, func(r uptime.Result) {
			if r.Time.IsZero() {
				nobody.Add(1)
			} else {
				voted.Add(1)
			}
		})
		if err := c.pause(time.Until(asked.Add(pace))); err != nil {
			return 0, 0, err
		}
	}
	if err := c.pause(15 * time.Second); err != nil { // longer than the last deadline
		return 0, 0, err
	}
	return voted.Load(), nobody.Load(), nil
}

// late prints how many checks were begun after their deadline.
func (d *drill) late(name string, n int, clock *punctual, votes, refused int64, through string) error {
	clock.mu.Lock()
	defer clock.mu.Unlock()
	if clock.begun < n/10 {
		return fmt.Errorf("only %d of %d checks were begun", clock.begun, n)
	}
	d.most(name, float64(clock.late), "requests", 0, "of %d with 20 ms to 10 s, %s; %d begun, %d votes, %d known to run nowhere; the latest by %v",
		n, through, clock.begun, votes, refused, clock.worst)
	return nil
}

// punctuality has the line of the probe stand still for a while, and the broker away.
func (d *drill) punctuality(c *crew, s *site, office *dispatch.Dispatcher, proxy *brokertest.Proxy, clock *punctual) error {
	d.say("ask: %d questions with deadlines, in %v; the line stands still after a tenth of them, the broker is killed for %v after a third", d.asks, time.Duration(d.asks)*pace, d.outage)
	restarted := make(chan error, 1)
	votes, refused, err := d.ply(c, office, "nyc", d.asks, clock,
		trouble{d.asks / 10, func() error { proxy.Stall(); return nil }},
		trouble{d.asks * 3 / 20, func() error { proxy.Pass(); return nil }},
		trouble{d.asks / 3, func() error {
			c.run(func(ctx context.Context) error {
				pause(ctx, d.outage)
				restarted <- s.broker.Restart(ctx)
				return nil
			})
			return s.broker.Kill9()
		}})
	if err != nil {
		return err
	}
	if err := <-restarted; err != nil {
		return err
	}
	return d.late("remote_begun_after_deadline", d.asks, clock, votes, refused, fmt.Sprintf("through a line that stood still for %v and %v without a broker", time.Duration(d.asks/20)*pace, d.outage))
}

// across asks a location behind a broker of its own, whose shovels are cut off for a while.
func (d *drill) across(ctx context.Context) error {
	n := d.asks / 5
	dir, remove, err := d.temporary()
	if err != nil {
		return err
	}
	defer remove()
	t, err := openTwain(ctx, filepath.Join(dir, "remote"), "syd/1")
	if err != nil {
		return err
	}
	defer t.close()
	c := newCrew(ctx)
	defer c.close()
	office, err := t.office(c, &ledger{}, nil)
	if err != nil {
		return err
	}
	clock := newPunctual()
	if _, err := t.probe(c, t.plan.Probes[0], at{t.far.Addr(), false}, clock, direct); err != nil {
		return err
	}
	d.say("ask: a probe joins through a shovel; then %d questions with deadlines, and the shovel's line stands still for a quarter of them", n)
	if err := live(c.ctx, office, 1); err != nil {
		return err
	}
	votes, refused, err := d.ply(c, office, "syd", n, clock,
		trouble{n / 4, func() error { t.way.Stall(); return nil }},
		trouble{n / 2, func() error { t.way.Pass(); return nil }})
	if err != nil {
		return err
	}
	if err := d.late("remote_begun_after_deadline_shovel", n, clock, votes, refused, fmt.Sprintf("through two brokers and a shovel that stood still for %v", time.Duration(n/4)*pace)); err != nil {
		return err
	}
	return c.close()
}
