package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"lookout/engine/figure"
	"lookout/tui/cli/e2e"
)

// outage is something that many monitors have at once.
type outage struct {
	drill, name string // its part; its figures
	config      string
	networks    []string
	n           int // monitors
	prepare     func(*e2e.Cable)
	begin, end  func(*e2e.Cable) error
	bad         func(status) bool // it is as bad as it gets
	kill        bool              // -9, as soon as one is down, and started again
	lasts       time.Duration     // from then on
	most        int               // letters until it ends
	more        int               // letters of its end
	says        string            // the first letter's subject
}

// anchored is the part of a configuration that says how the engine knows that it
// is online.
const anchored = "[self_check]\nanchors = [\"192.0.2.1:80\", \"198.51.100.1:80\", \"203.0.113.1:80\", \"203.0.114.1:80\"]\n"

// spread is an address of its own, a few of which are in a network.
func spread(i int) string { return fmt.Sprintf("10.%d.%d.%d", 64+i/250%60, i%250/4+i/15000, 10+i%4) }

// outages are all that there are.
func outages() []outage {
	anchors := []string{"192.0.2.0/24", "203.0.113.0/24", "203.0.114.0/24"}
	many := []string{"10.64.0.0/10"}
	plain := func(i int) (string, string, string) { return fmt.Sprintf("m%d", i), spread(i), "" }
	child := func(i int) (string, string, string) {
		return fmt.Sprintf("m%d", i), spread(i), "parent = \"uplink\"\n"
	}
	uplink := "[[monitor]]\nname = \"uplink\"\nurl = \"tcp://10.9.1.1:80\"\n"
	everywhere := slices.Concat(anchors, many, []string{"10.9.1.0/24"})
	everything := append([]string{"198.51.100.0/24"}, everywhere...)
	lose := func(networks ...string) func(*e2e.Cable) error {
		return func(c *e2e.Cable) error { return c.Lose(networks...) }
	}
	reach := func(networks ...string) func(*e2e.Cable) error {
		return func(c *e2e.Cable) error { return c.Reach(networks...) }
	}
	blind := func(st status) bool { return st.Node != "" && st.Counts["up"] == 0 }
	gone := func(n int) func(status) bool { // whatever is made of it
		return func(st status) bool {
			return st.Counts["up"] == 0 && st.Counts["suspect"] == 0 || st.Counts["down"] >= n
		}
	}
	all := []outage{
		{drill: "uplink", name: "uplink_cut", config: anchored + monitors(1000, plain), n: 1000,
			begin: (*e2e.Cable).Unplug, end: (*e2e.Cable).Plug, bad: blind, lasts: 75 * time.Second, most: 2, more: 2},
		{drill: "uplink", name: "uplink_silent", config: anchored + monitors(1000, plain), n: 1000,
			begin: lose(everything...), end: reach(everything...), bad: blind, lasts: 75 * time.Second, most: 2, more: 2},
		{drill: "uplink", name: "uplink_silent_parent", config: anchored + uplink + monitors(1000, child), n: 1001,
			begin: lose(everything...), end: reach(everything...), bad: blind, lasts: 75 * time.Second, most: 2, more: 2},
		{drill: "uplink", name: "uplink_silent_no_anchors", config: monitors(1000, plain), n: 1000,
			begin: lose(everything...), end: reach(everything...), bad: gone(1000), lasts: 75 * time.Second, most: 2, more: 2},
		{drill: "uplink", name: "uplink_silent_no_anchors_parent", config: uplink + monitors(1000, child), n: 1001,
			begin: lose(everything...), end: reach(everything...), bad: gone(1001), lasts: 75 * time.Second, most: 2, more: 2},
		{drill: "uplink", name: "far_uplink", config: anchored + monitors(1000, plain), n: 1000,
			begin: lose(many...), end: reach(many...), bad: down(1000), lasts: 5 * time.Second, most: 2, more: 2},
		{drill: "uplink", name: "far_uplink_parent", config: anchored + uplink + monitors(1000, child), n: 1001,
			begin: lose(append(many, "10.9.1.0/24")...), end: reach(append(many, "10.9.1.0/24")...), bad: down(1001), lasts: 5 * time.Second, most: 2, more: 2, says: "uplink"},
	}
	all = append(all,
		outage{drill: "uplink", name: "far_uplink_killed", config: anchored + monitors(1000, plain), n: 1000, kill: true,
			begin: lose(many...), end: reach(many...), bad: down(1000), lasts: 5 * time.Second, most: 2, more: 2},
		outage{drill: "uplink", name: "far_uplink_of_a_quarter", config: anchored + monitors(1000, plain), n: 1000,
			begin: swallow("10.64.0.0/16"), end: release("10.64.0.0/16"), bad: down(250), lasts: 5 * time.Second, most: 11, more: 11})
	rack := monitors(40, func(i int) (string, string, string) {
		return fmt.Sprintf("rack%d", i), fmt.Sprintf("10.70.%d.%d", i/8, 10+i%8), "parent = \"switch\"\n"
	})
	all = append(all, outage{drill: "rack", name: "rack", config: anchored + "[[monitor]]\nname = \"switch\"\nurl = \"tcp://10.70.8.1:80\"\n" + rack +
		monitors(300, plain), n: 341, begin: swallow("10.70.0.0/16"), end: release("10.70.0.0/16"), bad: down(41), lasts: 5 * time.Second, most: 1, more: 1, says: "switch"})
	const sites = 300
	site := func(i int) (string, string, string) {
		host := fmt.Sprintf("www.site%d.example", i)
		return host, host, ""
	}
	all = append(all, outage{drill: "host", name: "host", config: anchored + monitors(1300, site), n: 1300,
		prepare: func(c *e2e.Cable) {
			for i := range 1300 {
				a := "10.70.0.7"
				switch {
				case i >= sites+50:
					a = spread(i)
				case i >= sites: // its neighbours
					a = fmt.Sprintf("10.70.0.%d", 10+i-sites)
				}
				_, host, _ := site(i)
				c.Name(host, netip.MustParseAddr(a))
			}
		},
		begin: swallow("10.70.0.7"), end: release("10.70.0.7"), bad: down(sites), lasts: 5 * time.Second, most: 1, more: 1, says: "10.70.0.7"})
	for i := range all {
		all[i].networks = everywhere
	}
	return all
}

func down(n int) func(status) bool {
	return func(st status) bool { return st.Counts["down"] >= n }
}

func swallow(network string) func(*e2e.Cable) error {
	return func(c *e2e.Cable) error { return c.Swallow(network) }
}

func release(network string) func(*e2e.Cable) error {
	return func(c *e2e.Cable) error { return c.Release(network) }
}

// causes has the outages of some parts happen, each on machines of its own, all
// at the same time.
func (d *drill) causes(ctx context.Context, parts ...string) error {
	binary, clean, err := build()
	if err != nil {
		return err
	}
	defer clean()
	var of []outage
	for _, o := range outages() {
		if slices.Contains(parts, o.drill) {
			of = append(of, o)
		}
	}
	errs := make([]error, len(of))
	came := make([]letters, len(of))
	var running sync.WaitGroup
	for i := range of {
		running.Go(func() {
			if came[i], errs[i] = d.happens(ctx, binary, &of[i]); errs[i] != nil {
				errs[i] = fmt.Errorf("%s: %w", of[i].name, errs[i])
			}
		})
	}
	running.Wait()
	for i := range of {
		if errs[i] == nil {
			came[i].print(d, &of[i])
		}
	}
	return errors.Join(errs...)
}

// letters are those of an outage.
type letters struct {
	begun, ended []mailed
}

func (l *letters) print(d *drill, o *outage) {
	note := fmt.Sprintf("of %d monitors", o.n)
	if len(l.begun) > 0 {
		note += ": " + l.begun[0].subject
	}
	figure.Most(d.figures, o.name+"_letters", float64(len(l.begun)), "letters", float64(o.most), note)
	note = ""
	if len(l.ended) > 0 {
		note = l.ended[0].subject
	}
	figure.Most(d.figures, o.name+"_over_letters", float64(len(l.ended)), "letters", float64(o.more), note)
	told := 0
	if len(l.begun) > 0 && len(l.ended) > 0 && strings.Contains(l.begun[0].subject, o.says) {
		told = 1
	}
	figure.Least(d.figures, o.name+"_told", float64(told), "outages", 1, "by a letter that names it, and one that it is over")
}

// happens has one outage happen.
func (d *drill) happens(ctx context.Context, binary string, o *outage) (l letters, err error) {
	s, err := newScene(binary, o.networks, o.config)
	if err != nil {
		return l, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if o.prepare != nil {
		o.prepare(s.Cable)
	}
	d.say("%s: %d monitors", o.name, o.n)
	if err := s.start(ctx, o.n); err != nil {
		return l, err
	}
	d.say("%s: all are up; it begins", o.name)
	if err := o.begin(s.Cable); err != nil {
		return l, err
	}
	if o.kill {
		if _, err := s.until(ctx, "one that is down", 4*time.Minute, down(1)); err != nil {
			return l, err
		}
		s.engine.Kill()
		d.say("%s: killed", o.name)
		if s.engine, err = s.home.EngineIn(s.Near.Enter()...); err != nil {
			return l, err
		}
	}
	if _, err := s.until(ctx, "its worst", 4*time.Minute, o.bad); err != nil {
		d.say("%s: %v: %v", o.name, err, s.post.since(0))
		return l, err
	}
	if err := pause(ctx, o.lasts); err != nil {
		return l, err
	}
	l.begun = s.post.since(0)
	d.say("%s: it ends; told so far: %v", o.name, l.begun)
	if err := o.end(s.Cable); err != nil {
		return l, err
	}
	if _, err := s.until(ctx, "that all are up again", 4*time.Minute, func(st status) bool { return st.Counts["up"] == o.n && st.Node == "" }); err != nil {
		return l, err
	}
	if err := pause(ctx, 5*time.Second); err != nil {
		return l, err
	}
	l.ended = s.post.since(len(l.begun))
	d.say("%s: it is over; told of that: %v", o.name, l.ended)
	return l, nil
}

func (m mailed) String() string { return m.at.Format("15:04:05 ") + m.kind + " " + m.subject }
