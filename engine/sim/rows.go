package main

import "time"

// row is a line of the table: a rule, in a world.
type row struct {
	name   string
	figure string // its name in the figures; "" for none
	s      setup
	rival  *rival  // nil: ours
	noise  float64 // multiplies that of the command; 0: 1
	short  bool    // a tenth of the years
}

var (
	five    = []int{1, 2, 3, 4, 5} // of three networks
	three   = []int{1, 2, 3}       // of two
	two     = []int{1, 3}
	sameNet = []int{1, 2}
)

// rows are all that is compared.
func rows() []row {
	base := setup{interval: time.Minute, timeout: 10 * time.Second, remotes: five}
	with := func(change func(*setup)) setup { s := base; change(&s); return s }
	every := func(t time.Duration) setup { return with(func(s *setup) { s.interval = t }) }
	alone := func(t time.Duration) setup {
		return with(func(s *setup) { s.interval, s.remotes = t, nil })
	}
	dwell := func(d time.Duration) setup { return with(func(s *setup) { s.dwell, s.dwellSet = d, true }) }
	among := func(remotes []int) setup { return with(func(s *setup) { s.remotes = remotes }) }
	theirs := alone(time.Minute)
	ours := []row{
		{name: "ours, 5 remotes (recommended)", figure: "sim", s: base},
		{name: "ours, 5 remotes, noise x10", figure: "sim_noise10", s: base, noise: 10, short: true},
		{name: "ours, 5 remotes, T = 10 s", figure: "sim_10s", s: every(10 * time.Second), short: true},
		{name: "ours, 5 remotes, T = 20 s", figure: "sim_20s", s: every(20 * time.Second), short: true},
		{name: "ours, 5 remotes, T = 30 s", figure: "sim_30s", s: every(30 * time.Second), short: true},
		{name: "ours, 5 remotes, T = 300 s", figure: "sim_300s", s: every(300 * time.Second), short: true},
		{name: "ours, 3 remotes (2 networks)", s: among(three), short: true},
		{name: "ours, 2 remotes", s: among(two), short: true},
		{name: "ours, no dwell", s: dwell(0), short: true},
		{name: "ours, dwell 60 s", s: dwell(time.Minute), short: true},
		{name: "ours, self-check unproven", s: with(func(s *setup) { s.unproven = true }), short: true},
		{name: "ours, one network (2 places)", s: among(sameNet), short: true},
		{name: "ours, none answered", s: with(func(s *setup) { s.silent = true }), short: true},
		{name: "ours, standalone, T = 60 s", figure: "sim_alone", s: alone(time.Minute), short: true},
		{name: "ours, standalone, T = 10 s", s: alone(10 * time.Second), short: true},
		{name: "ours, standalone, T = 20 s", s: alone(20 * time.Second), short: true},
		{name: "ours, standalone, T = 300 s", s: alone(300 * time.Second), short: true},
		{name: "ours, standalone, unproven", s: with(func(s *setup) { s.remotes, s.unproven = nil, true }), short: true},
	}
	others := []struct {
		name string
		r    rival
	}{
		{"single check, t = 5 s", rival{timeout: 5 * time.Second}},
		{"single check, t = 10 s", rival{}},
		{"Uptime Kuma default (t = 48 s)", rival{timeout: 48 * time.Second}},
		{"Kuma, 3 retries at 20 s", rival{timeout: 48 * time.Second, repeats: 3, retry: 20 * time.Second}},
		{"Kuma, 3 retries at 60 s", rival{timeout: 48 * time.Second, repeats: 3}},
		{"Gatus default (3 in a row)", rival{repeats: 2}},
		{"retry, then 2 of 3", rival{repeats: 1, retry: time.Second, ask: three, need: 2}},
		{"... local fallback", rival{repeats: 1, retry: time.Second, ask: three, need: 2, fallback: true}},
		{"retry, then 3 of 3", rival{repeats: 1, retry: time.Second, ask: three, need: 3}},
	}
	for _, o := range others {
		r := o.r
		ours = append(ours, row{name: o.name, s: theirs, rival: &r, short: true})
	}
	return ours
}
