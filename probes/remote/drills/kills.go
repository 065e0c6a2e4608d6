//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"lookout/engine/uptime"
	"lookout/storage"
	"lookout/tui/cli/e2e"
)

// pages is how many monitors the world of the kills has, each checked once a second from one location and from nowhere else.
const pages = 80

// dead is one more monitor, where nobody listens. It has a location of its own,
// whose results are not counted: second opinions are stored beside them.
const dead = "nobody listens"

func location(page int) string { return []string{"fra", "nyc"}[page%2] }

// killing kills probes, engine and broker at random, cuts and stalls all
// connections, and looks for each result afterwards.
func (d *drill) killing(ctx context.Context) error {
	web, stop, err := newTargets()
	if err != nil {
		return err
	}
	defer stop()
	var config strings.Builder
	for i := range pages {
		fmt.Fprintf(&config, "[[monitor]]\nname = \"page %d\"\nurl = \"%s/%d\"\ninterval = \"1s\"\nlocations = [%q]\nconfirm_from = []\n", i, web.url, i, location(i))
	}
	fmt.Fprintf(&config, "[[monitor]]\nname = %q\nurl = \"http://127.0.0.1:1/\"\ninterval = \"1s\"\nlocations = [\"sgp\"]\nconfirm_from = []\n", dead)
	w, err := d.newWorld(ctx, config.String(), "fra/1", "fra/2", "nyc/1", "sgp/1")
	if err != nil {
		return err
	}
	defer w.close()
	if err := w.allLive(ctx, time.Minute); err != nil {
		return err
	}
	did, err := d.disturb(ctx, w)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		d.say("kills: stopped after %s, which are counted out", did)
		ctx = context.WithoutCancel(ctx)
	}
	d.say("kills: waiting until all probes are live and have sent what they had")
	if err := w.allLive(ctx, 5*time.Minute); err != nil {
		return err
	}
	audit, err := d.audit(ctx, w, web)
	if err != nil {
		return err
	}
	if err := audit.adds(did.kills); err != nil {
		return err
	}
	note := fmt.Sprintf("%s; %d checks, %d of them under way at a kill, %d results sent, %d in the data file", did, audit.served, audit.served-audit.sent, audit.sent, audit.stored)
	d.most("remote_lost", float64(max(0, audit.sent-(audit.stored-audit.twice))), "results", 0, "%s", note)
	d.most("remote_applied_twice", float64(audit.twice), "results", 0, "of the same, told by the answer that each is of; %d got none and cannot be told apart", audit.untold)
	d.most("remote_given_up", float64(audit.lost), "results", 0, "of the same")
	d.most("remote_false_verdicts", float64(audit.verdicts), "verdicts", 0, "of %d monitors that were always well: down or WARN; of one that never was: up", pages)
	return nil
}

// trials are what the results had to survive.
type trials struct {
	kills, resets int
	stall         time.Duration
}

func (t trials) String() string {
	return fmt.Sprintf("%d kill -9 over three probes, engine and broker, %d resets of all connections, %v of stall", t.kills, t.resets, t.stall)
}

// disturb tries what the results have to survive. Where it is stopped it leaves
// everything running, and says how far it came.
func (d *drill) disturb(ctx context.Context, w *world) (did trials, err error) {
	chance := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	victims := []struct {
		name string
		kill func() error
	}{
		{"fra/1", w.again("fra/1")}, {"fra/2", w.again("fra/2")}, {"nyc/1", w.again("nyc/1")},
		{"engine", func() error {
			if err := kill(w.engine); err != nil {
				return err
			}
			var err error
			w.engine, err = w.home.Engine()
			return err
		}},
		{"broker", func() error {
			return errors.Join(w.site.broker.Kill9(), w.site.broker.Restart(context.WithoutCancel(ctx)))
		}},
	}
	next := rounds(len(victims))
	for i := range d.kills {
		if !pause(ctx, time.Duration(chance.Int64N(int64(3*time.Second)))) {
			return did, nil
		}
		v := victims[next()]
		d.say("kills: %d of %d: %s", i+1, d.kills, v.name)
		if err := v.kill(); err != nil {
			return did, fmt.Errorf("kill %s: %w", v.name, err)
		}
		did.kills++
	}
	for i := range d.resets {
		d.say("kills: reset %d of %d of all connections", i+1, d.resets)
		for _, g := range w.gates {
			g.Reset()
		}
		did.resets++
		if !pause(ctx, time.Duration(chance.Int64N(int64(2*time.Second)))) {
			return did, nil
		}
	}
	if d.stall > 0 {
		d.say("kills: the network swallows everything for %v", d.stall)
		for _, g := range w.gates {
			g.Stall()
		}
		began := time.Now()
		pause(ctx, d.stall)
		for _, g := range w.gates {
			g.Pass()
		}
		did.stall = time.Since(began).Round(time.Second)
	}
	return did, nil
}

// rounds draws numbers below n, each once before any comes again: every kind of
// victim is among a few kills.
func rounds(n int) func() int {
	var left []int
	return func() int {
		if len(left) == 0 {
			left = rand.Perm(n)
		}
		i := left[0]
		left = left[1:]
		return i
	}
}

// again kills a probe and starts it again.
func (w *world) again(id string) func() error {
	i := slices.IndexFunc(w.posts, func(p *post) bool { return p.ID() == id })
	return func() error { return errors.Join(kill(w.posts[i].p), w.posts[i].start()) }
}

// audit is what became of all results.
type audit struct {
	served   int // checks that the target saw
	sent     int // results that probes counted and got rid of
	stored   int
	twice    int // of these, that were stored already; or more than were sent
	untold   int // that got no answer and took no time: nobody can tell one from the next
	lost     int // given up by a probe or by the engine
	verdicts int // that are false
}

// audit ends everything in good order and counts.
func (d *drill) audit(ctx context.Context, w *world, web *targets) (audit, error) {
	var a audit
	for _, s := range w.probes() {
		a.lost += int(s.Lost)
	}
	for _, p := range w.posts {
		if err := stop(p.p); err != nil {
			return a, err
		}
		if p.Location == "sgp" {
			continue
		}
		kept, err := a.count(p)
		if err != nil {
			return a, err
		}
		d.say("kills: %s counted %s", p.ID(), kept)
	}
	err := until(ctx, time.Minute, "empty queue of results", func() bool {
		out, err := w.site.broker.Ctl(ctx, "-q", "list_queues", "-p", vhost, "name", "messages")
		return err == nil && strings.Contains(out, "lookout.results\t0")
	})
	if err != nil {
		return a, err
	}
	if err := stop(w.engine); err != nil {
		return a, err
	}
	err = a.read(w, web)
	a.twice = max(a.twice, a.stored-a.sent)
	return a, err
}

// count adds what a probe counted, and says it.
func (a *audit) count(p *post) (said string, err error) {
	kept, err := p.spool()
	if err != nil {
		return "", err
	}
	if kept.Epoch() != p.epoch { // what it counted before nobody knows
		return "", errors.Join(fmt.Errorf("the spool of %s was damaged: it began another epoch", p.ID()), kept.Close())
	}
	a.sent += int(kept.Next()) - int(kept.Depth())
	a.lost += int(kept.Dropped())
	return fmt.Sprintf("%d results, %d of them not sent, %d given up", kept.Next(), kept.Depth(), kept.Dropped()), kept.Close()
}

// adds says where the probes cannot have counted as many results as they say.
// A kill, and the end, cost the monitors of one location a check each at most.
func (a *audit) adds(kills int) error {
	if most := pages / 2 * (kills + 2); a.sent > a.served || a.served-a.sent > most {
		return fmt.Errorf("the target saw %d checks, and the probes sent %d results: it should be 0 to %d fewer", a.served, a.sent, most)
	}
	return nil
}

func stop(p *e2e.Process) error {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	_, err := p.Wait(time.Minute)
	return err
}

// read counts what is in the data file.
func (a *audit) read(w *world, web *targets) error {
	store, err := storage.Open(filepath.Join(w.home.Data, "lookout.db"), storage.Options{})
	if err != nil {
		return err
	}
	defer store.Close()
	for i := range pages {
		rows, err := store.Results(uptime.ResultQuery{Monitor: fmt.Sprintf("page %d", i), Location: location(i), Limit: 1_000_000})
		if err != nil {
			return err
		}
		slices.SortStableFunc(rows, func(x, y uptime.Result) int { return x.Time.Compare(y.Time) })
		n, untold := twice(rows)
		a.twice, a.untold = a.twice+n, a.untold+untold
		served := web.served(fmt.Sprintf("/%d", i))
		a.stored += len(rows)
		a.served += served
	}
	events, err := store.Events(uptime.EventQuery{Kinds: []uptime.EventKind{uptime.EventVerdict}, Limit: 1_000_000})
	if err != nil {
		return err
	}
	for _, e := range events {
		switch {
		case e.Monitor == dead && e.To != uptime.Up:
		case e.Monitor == dead, e.To == uptime.Down, e.To == uptime.Degraded:
			a.verdicts++
		}
	}
	return nil
}
