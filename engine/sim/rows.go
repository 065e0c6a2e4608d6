package main

import (
	"slices"
	"time"
)

// row is a line of the table: a rule, in a world.
type row struct {
	name   string
	figure string // its name in the figures; "" for none
	s      setup
	rival  rule                      // nil: ours
	noise  float64                   // multiplies that of the command; 0: 1
	world  func(noise float64) rates // nil: the standard one
	dns    dns                       // of everybody
	share  int                       // of the years: one in so many; 0: all of them
}

// rule is one that others have.
type rule interface {
	play(w *world, s setup) told
}

const (
	tenth   = 10
	fiftyth = 50
)

var (
	five    = []int{1, 2, 3, 4, 5} // of three networks
	four    = []int{1, 3, 5, 2}
	three   = []int{1, 2, 3} // of two
	two     = []int{1, 3}
	one     = []int{3}
	sameNet = []int{1, 2}
)

// rows are all that is compared.
func rows() []row { return slices.Concat(ours(), faults(), theirs()) }

var standardSetup = setup{interval: time.Minute, timeout: 10 * time.Second, remotes: five}

// ours are rows of the rule of package verdict.
func ours() []row {
	with := func(change func(*setup)) setup { s := standardSetup; change(&s); return s }
	every := func(t time.Duration) setup { return with(func(s *setup) { s.interval = t }) }
	alone := func(t time.Duration) setup {
		return with(func(s *setup) { s.interval, s.remotes = t, nil })
	}
	dwell := func(d time.Duration) setup { return with(func(s *setup) { s.dwell, s.dwellSet = d, true }) }
	among := func(remotes []int) setup { return with(func(s *setup) { s.remotes = remotes }) }
	unproven := func(remotes []int) setup {
		return with(func(s *setup) { s.remotes, s.unproven = remotes, true })
	}
	return []row{
		{name: "ours, 5 remotes (recommended)", figure: "sim", s: standardSetup},
		{name: "ours, 5 remotes, noise x10", figure: "sim_noise10", s: standardSetup, noise: 10, share: tenth},
		{name: "ours, 5 remotes, noise x60", figure: "sim_noise60", s: standardSetup, noise: 60, share: fiftyth},
		{name: "ours, 5 remotes, T = 10 s", figure: "sim_10s", s: every(10 * time.Second), share: tenth},
		{name: "ours, 5 remotes, T = 20 s", figure: "sim_20s", s: every(20 * time.Second), share: tenth},
		{name: "ours, 5 remotes, T = 30 s", figure: "sim_30s", s: every(30 * time.Second), share: tenth},
		{name: "ours, 5 remotes, T = 300 s", figure: "sim_300s", s: every(300 * time.Second), share: tenth},
		{name: "ours, 3 remotes (2 networks)", s: among(three), share: tenth},
		{name: "ours, 2 remotes", s: among(two), share: tenth},
		{name: "ours, fast (no dwell)", s: dwell(0), share: tenth},
		{name: "ours, quiet (dwell 60 s)", s: dwell(time.Minute), share: tenth},
		{name: "ours, self-check unproven", s: unproven(five), share: tenth},
		{name: "ours, one network (2 places)", s: among(sameNet), share: tenth},
		{name: "ours, none answered", s: with(func(s *setup) { s.silent = true }), share: tenth},
		{name: "ours, standalone, T = 60 s", figure: "sim_alone", s: alone(time.Minute), share: tenth},
		{name: "ours, standalone, T = 10 s", s: alone(10 * time.Second), share: tenth},
		{name: "ours, standalone, T = 20 s", s: alone(20 * time.Second), share: tenth},
		{name: "ours, standalone, T = 300 s", s: alone(300 * time.Second), share: tenth},
		{name: "ours, standalone, unproven", s: unproven(nil), share: tenth},
	}
}

// faults are worlds in which nothing is wrong but one thing, and that often.
func faults() []row {
	only := func(name, figure string, r rates) row {
		return row{name: "only " + name, figure: "sim_only_" + figure, s: standardSetup, share: fiftyth,
			world: func(noise float64) rates { return r }}
	}
	all := []row{
		only("our line is cut", "uplink", rates{offline: 1200}),
		only("our resolvers fail", "resolver", rates{resolver: 1200}),
		only("our process stands still", "stalled", rates{stalled: 1200}),
		only("a probe lies", "probe_lies", rates{lies: 90}),
		only("a probe is silent", "probe_silent", rates{mute: 210}),
		only("two of a network lie together", "two_lie", rates{lieTogether: 300, blips: 1000}),
		only("a resolver that all share", "shared_resolver", rates{public: 400}),
	}
	all[len(all)-1].dns.one = true
	return all
}

// theirs are rows of the rules of others. Programs that leave names to the
// system ask twice, five seconds apart; services that ask from many places are
// taken to do as we do.
func theirs() []row {
	alone := standardSetup
	alone.remotes = nil
	var out []row
	add := func(name string, r rule, d dns) {
		out = append(out, row{name: name, s: alone, rival: r, dns: d, share: tenth})
	}
	stub := dns{asked: stubAt}
	const kuma = 48 * time.Second
	add("updo (single check, t = 5 s)", rival{timeout: 5 * time.Second}, stub)
	add("single check, t = 10 s", rival{}, stub)
	add("Uptime Kuma default (t = 48 s)", rival{timeout: kuma}, stub)
	add("Kuma, 3 retries at 20 s", rival{timeout: kuma, repeats: 3, retry: 20 * time.Second}, stub)
	add("Kuma, 3 retries at 60 s", rival{timeout: kuma, repeats: 3}, stub)
	add("Gatus default (3 in a row)", rival{repeats: 2}, stub)
	add("Nagios-like, 4 tries at 60 s", rival{repeats: 3}, stub)
	add("Pingdom-like (1 second opinion)", rival{ask: one, need: 1}, dns{})
	add("updown.io-like (2 x 2)", rival{repeats: 1, ask: one, need: 1}, dns{})
	add("Jetmon-like (30 s, then 3 of 4)", rival{repeats: 2, retry: 30 * time.Second, ask: four, need: 3}, dns{})
	add("retry, then 2 of 3", rival{repeats: 1, retry: time.Second, ask: three, need: 2}, dns{})
	add("... local fallback", rival{repeats: 1, retry: time.Second, ask: three, need: 2, fallback: true}, dns{})
	add("retry, then 3 of 3", rival{repeats: 1, retry: time.Second, ask: three, need: 3}, dns{})
	add("Google-like (2 of 6 at once)", crowd{checkers: places, inRow: 1, need: 2}, dns{})
	add("Cloudflare-like (3 x 3)", crowd{checkers: 9, inRow: 1, need: 6}, dns{})
	add("Route 53-like (16 x 30 s x 3)", crowd{checkers: 16, every: 30 * time.Second, inRow: 3, need: 14}, dns{})
	shared := dns{one: true}
	add("retry, then 3 of 3, one resolver", rival{repeats: 1, retry: time.Second, ask: three, need: 3}, shared)
	add("Jetmon-like, one resolver", rival{repeats: 2, retry: 30 * time.Second, ask: four, need: 3}, shared)
	add("Route 53-like, one resolver", crowd{checkers: 16, every: 30 * time.Second, inRow: 3, need: 14}, shared)
	return out
}
