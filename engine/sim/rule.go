package main

import (
	"time"

	"lookout/engine/uptime"
	"lookout/engine/verdict"
)

// epoch is when the year begins, by the rule's clock.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// page is one DOWN that is told.
type page struct {
	at, since time.Duration
}

// told is what a rule did in a year.
type told struct {
	pages   []page
	notices int // of degraded, that are no pages
	home    int // checks at home
	asked   int // checks elsewhere
	down    []span
}

// setup is a monitor as the rule sees it.
type setup struct {
	interval, timeout time.Duration
	remotes           int // 0: standalone
	dwell             time.Duration
	dwellSet          bool
	unproven          bool
	oneNetwork        bool
	silent            bool // remotes never answer
}

// player plays the rule against a world.
type player struct {
	w     *world
	p     verdict.Params
	s     verdict.Scene
	setup setup
	m     verdict.Memory
	out   told

	now     time.Duration
	started time.Duration
	flight  int
	slow    time.Duration // start of the regular check that runs; -1: none
	plan    verdict.Plan
	planned uint32
	queue   []event // few at a time: the first is searched for
	quiet   [3]int  // where in the histories we are
	unluck  float64
}

type event struct {
	at time.Duration
	do func()
}

// play runs the rule for a year.
func play(w *world, s setup) told {
	g := &player{w: w, setup: s, slow: -1, unluck: w.unluck()}
	g.p = verdict.Params{Node: "home", Interval: s.interval, Timeout: s.timeout, P99: 200 * time.Millisecond,
		Rule: uptime.Rule{Dwell: s.dwell, DwellSet: s.dwellSet}}
	g.s = verdict.Scene{Network: "n0", Others: s.remotes > 0 || s.silent}
	for i := 1; i <= s.remotes; i++ {
		n := w.network[i]
		if s.oneNetwork {
			n = 1
		}
		if w.blocked[i] {
			continue // it fails its daily baseline: its vote does not count
		}
		g.s.Places = append(g.s.Places, uptime.Place{Location: locations[i], Network: networks[n]})
	}
	phase := time.Duration(w.rng.Int64N(int64(s.interval)))
	g.at(phase, g.regular)
	for {
		first := 0
		for i := range g.queue {
			if g.queue[i].at < g.queue[first].at {
				first = i
			}
		}
		e := g.queue[first]
		if e.at >= year {
			return g.out
		}
		last := len(g.queue) - 1
		g.queue[first] = g.queue[last]
		g.queue = g.queue[:last]
		g.now = max(e.at, g.now)
		e.do()
	}
}

var (
	locations = [places]string{uptime.Local, "fra", "lon", "nyc", "sfo", "sgp"}
	networks  = [places]string{"n0", "n1", "n2", "n3", "n4", "n5"}
)

func (g *player) at(t time.Duration, do func()) { g.queue = append(g.queue, event{t, do}) }

func (g *player) clock(t time.Duration) time.Time { return epoch.Add(t) }

func (g *player) scene() verdict.Scene {
	s := g.s
	s.Self = verdict.Online
	switch {
	case g.setup.unproven:
		s.Self = verdict.Unproven
	case g.m.Verdict == uptime.Suspect:
		s.Self = g.w.self(g.now)
	}
	return s
}

// regular is a regular check. Where all is well and nothing happens for long,
// it goes straight to the check that something happens to.
func (g *player) regular() {
	g.at(g.now+g.setup.interval, g.regular)
	if g.flight > 0 || g.stands() {
		return
	}
	unlucky := false
	if g.m.Verdict == uptime.Up && g.m.Score == 0 && len(g.queue) == 1 {
		jump := g.untilHit()
		if calm := g.calm() - g.now; calm > g.setup.interval {
			if n := int64(calm / g.setup.interval); jump > n {
				jump = n
			} else {
				unlucky = true
			}
			g.now += time.Duration(jump) * g.setup.interval
			g.out.home += int(jump)
			g.queue[0].at = g.now + g.setup.interval
		}
	}
	g.check(0, unlucky)
}

// untilHit draws how many checks go well before one is unlucky.
func (g *player) untilHit() int64 {
	if g.unluck <= 0 {
		return 1 << 40
	}
	return int64(g.w.rng.ExpFloat64() / g.unluck)
}

// calm is until when nothing happens to a check from home.
func (g *player) calm() time.Duration {
	next := year + time.Hour
	for k, h := range [3]history{g.w.place[0], g.w.path[0], g.w.target} {
		for g.quiet[k] < len(h) && h[g.quiet[k]].to <= g.now {
			g.quiet[k]++ // spans overlap little; one that ends early behind a long one costs only time
		}
		for _, s := range h[g.quiet[k]:] {
			if s.to <= g.now {
				continue
			}
			next = min(next, s.from-g.setup.timeout)
			break
		}
	}
	return next
}

// stands reports whether home's process stands still.
func (g *player) stands() bool {
	still := false
	g.w.place[0].at(g.now, func(s *span) { still = still || s.kind == stalled })
	return still
}

// check runs one at home, within so long; 0 for a regular one.
func (g *player) check(within time.Duration, unlucky bool) {
	g.flight++
	g.out.home++
	began := g.now
	g.started = began
	limit := within
	if limit == 0 || limit > g.setup.timeout {
		limit = g.setup.timeout
	}
	f := g.w.check(0, began, limit, unlucky)
	if soft, ok := verdict.Soft(g.p, g.clock(began)); ok && within == 0 && soft.Before(g.clock(began+f.took)) {
		g.slow = began
		g.at(soft.Sub(epoch), func() {
			if g.slow == began {
				m, d := verdict.Slow(g.p, g.scene(), g.m, g.clock(began), g.clock(g.now))
				g.apply(m, d)
			}
		})
	}
	g.at(began+f.took, func() {
		g.flight--
		if g.slow == began {
			g.slow = -1
		}
		r := g.result(0, f, began)
		if g.stands() {
			r.Outcome, r.Fault = uptime.OutcomeUnknown, uptime.FaultLocalStalled
		}
		m, d := verdict.Step(g.p, g.scene(), g.m, r, g.clock(g.now))
		g.apply(m, d)
	})
}

func (g *player) result(place int, f found, began time.Duration) *uptime.Result {
	return &uptime.Result{Time: g.clock(began), Location: locations[place], Fault: f.fault, Outcome: f.fault.Outcome(), Total: f.took}
}

func (g *player) apply(m verdict.Memory, d verdict.Decision) {
	was := g.m.Verdict
	g.m = m
	switch {
	case d.To == uptime.Down && d.Changed && (d.Incident == uptime.IncidentOpened || d.Incident == uptime.IncidentChanged):
		g.out.pages = append(g.out.pages, page{g.now, d.Since.Sub(epoch)})
	case d.Incident == uptime.IncidentOpened:
		g.out.notices++
	}
	if d.Changed && d.To == uptime.Down {
		g.out.down = append(g.out.down, span{from: d.Since.Sub(epoch), to: year})
	}
	if was == uptime.Down && m.Verdict != uptime.Down && len(g.out.down) > 0 {
		g.out.down[len(g.out.down)-1].to = g.now
	}
	g.replan()
}

func (g *player) replan() {
	plan, ok := verdict.Next(g.p, g.scene(), g.m, g.clock(g.started), g.clock(g.now))
	if ok && plan.At.Equal(g.plan.At) {
		g.plan = plan
		return
	}
	g.planned++
	g.plan = plan
	if !ok {
		return
	}
	token := g.planned
	g.at(plan.At.Sub(epoch), func() {
		if token == g.planned {
			plan := g.plan
			g.plan = verdict.Plan{}
			g.carryOut(plan)
		}
	})
}

func (g *player) carryOut(plan verdict.Plan) {
	if !plan.Looks() {
		m, d := verdict.Weigh(g.p, g.scene(), g.m, g.clock(g.now))
		g.apply(m, d)
		return
	}
	if g.flight >= 2 && len(plan.Ask) == 0 || g.stands() {
		return
	}
	g.m = verdict.Begin(g.m, plan, g.clock(g.now))
	if plan.Home && g.flight < 2 {
		within := plan.Within
		if within == 0 {
			within = g.setup.timeout
		}
		g.check(within, false)
	}
	for _, place := range plan.Ask {
		g.ask(place, plan.Within)
	}
	g.replan()
}

// ask has a check made elsewhere.
func (g *player) ask(place uptime.Place, within time.Duration) {
	g.out.asked++
	if g.setup.silent {
		return
	}
	i := 0
	for locations[i] != place.Location {
		i++
	}
	began := g.now
	cut := func(at time.Duration) bool { // home hears nothing, and the place knows that it is offline
		gone := false
		g.w.place[0].at(at, func(s *span) { gone = gone || s.kind == offline })
		g.w.place[i].at(at, func(s *span) { gone = gone || s.kind == offline })
		return gone
	}
	f := g.w.check(i, began+50*time.Millisecond, within, false)
	if f.lost || cut(began) {
		return
	}
	g.at(began+f.took+100*time.Millisecond, func() {
		if cut(g.now) {
			return
		}
		m, d := verdict.Answer(g.p, g.scene(), g.m, g.result(i, f, began), g.clock(g.now))
		g.apply(m, d)
	})
}
