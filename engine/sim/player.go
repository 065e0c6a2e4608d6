package main

import (
	"fmt"
	"slices"
	"time"

	"lookout/engine/uptime"
	"lookout/engine/verdict"
)

// epoch is when the year begins, by the rule's clock.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

var (
	locations = [places]string{uptime.Local, "fra", "lon", "nyc", "sfo", "sgp"}
	networks  = [places]string{"n0", "n1", "n2", "n3", "n4", "n5"}
)

// setup is a monitor and who can be asked about it.
type setup struct {
	interval, timeout time.Duration
	remotes           []int // places that can be asked; none: standalone
	silent            bool  // … and never answer
	dwell             time.Duration
	dwellSet          bool
	unproven          bool          // home has nothing to compare its own line with
	real              *real         // keep to the clock of an engine, and make each check
	span              time.Duration // of the year; 0: all of it
}

// noteKind is what a rule tells people.
type noteKind uint8

const (
	paged    noteKind = iota // DOWN
	degraded                 // no page
	flapping                 // down again within ten minutes: no page, told once
)

type note struct {
	at, since time.Duration
	kind      noteKind
}

// told is what a rule did in a year.
type told struct {
	notes []note
	home  int // checks at home
	asked int // checks elsewhere
	down  []span
	steps []step // changes of the verdict, where every check was made
}

// player plays the rule against a world, as an engine does.
type player struct {
	w     *world
	p     verdict.Params
	s     verdict.Scene
	setup setup
	m     verdict.Memory
	out   told
	idle  *idle

	now     time.Duration
	started time.Duration         // of the newest check of home
	flight  int                   // checks of home
	slow    time.Duration         // start of the regular check that runs; -1: none
	line    line                  // what home knows of its own
	phase   time.Duration         // of the regular checks
	based   [places]time.Duration // when the newest baseline of each place was
	plan    verdict.Plan
	planned uint32
	busy    int           // events at one instant
	queue   []event       // few at a time: the first is searched for
	turn    time.Duration // when the newest regular check was to be
}

type event struct {
	at time.Duration
	do func()
}

// play runs the rule for a year.
func play(w *world, s setup) told {
	g := &player{w: w, setup: s, slow: -1, idle: newIdle(w, s.timeout), line: newLine(s.unproven)}
	g.p = verdict.Params{Node: "home", Interval: s.interval, Timeout: s.timeout, P99: 200 * time.Millisecond,
		Rule: uptime.Rule{Dwell: s.dwell, DwellSet: s.dwellSet}}
	g.s = verdict.Scene{Network: networks[0], Others: len(s.remotes) > 0, Places: w.witnesses(s)}
	g.out.asked = baselines(s)
	end := s.span
	if end == 0 {
		end = year
	}
	g.phase = w.phase(s.interval)
	if s.real != nil {
		g.phase = s.real.phase
	}
	g.regularAt(g.phase)
	if s.real != nil {
		g.wants(verdict.Plan{At: g.clock(s.real.fresh), Home: true, Step: "check"})
	}
	for {
		first := 0
		for i := range g.queue {
			if g.queue[i].at < g.queue[first].at {
				first = i
			}
		}
		e := g.queue[first]
		if e.at >= end {
			return g.out
		}
		g.queue = slices.Delete(g.queue, first, first+1)
		if g.busy++; e.at > g.now {
			g.now, g.busy = e.at, 0
		}
		if g.busy > 1000 {
			panic(fmt.Sprintf("seed %d, %v: it spins, %v, planning %+v", w.seed, g.now, g.m.Verdict, g.plan))
		}
		e.do()
		g.selfCheck()
	}
}

// witnesses are the places that can be asked. Beside a real engine those are left
// out at once that the target always blocks: baselines come at other times there.
func (w *world) witnesses(s setup) []uptime.Place {
	var out []uptime.Place
	for _, i := range s.remotes {
		if s.real == nil || !w.blocked[i] {
			out = append(out, uptime.Place{Location: locations[i], Network: networks[w.network[i]]})
		}
	}
	return out
}

// daily takes the newest baseline of each place into account, before a check
// that may fail.
func (g *player) daily() {
	if g.setup.real != nil || g.setup.silent || !g.calm() {
		return
	}
	const day = 24 * time.Hour
	for _, i := range g.setup.remotes {
		phase := time.Duration(i) * day / places
		at := (g.now-phase)/day*day + phase
		if at <= g.based[i] || at >= g.now {
			continue
		}
		g.based[i] = at
		if g.w.check(0, at, g.setup.timeout, first{}).fault != 0 {
			continue // it is none: it was not up then
		}
		if r, _ := g.w.elsewhere(i, at, g.setup.timeout); r != nil {
			g.m = verdict.TakeBaseline(g.m, r, g.clock(at))
		}
	}
}

// baselines are the checks that those who may be asked make once a day.
func baselines(s setup) int {
	span := s.span
	if span == 0 {
		span = year
	}
	return len(s.remotes) * int(span/(24*time.Hour))
}

// phase is the place of a monitor in its interval.
func (w *world) phase(interval time.Duration) time.Duration {
	d := w.dice(0, 0, 4)
	return time.Duration(d.next() % uint64(interval)).Truncate(time.Millisecond)
}

func (g *player) at(t time.Duration, do func()) { g.queue = append(g.queue, event{t, do}) }

// due has something done when it is, which an engine's wheel says a little later.
func (g *player) due(t time.Duration, do func()) { g.at(g.setup.real.fires(t), do) }

func (g *player) regularAt(t time.Duration) {
	g.due(t, func() {
		g.turn = t
		g.regular()
	})
}

func (g *player) clock(t time.Duration) time.Time { return epoch.Add(t) }

// scene is what home knows.
func (g *player) scene() verdict.Scene {
	s := g.s
	s.Self = g.line.told.Self
	return s
}

// regular is a regular check. Where all is well it goes straight to the next
// one that something may happen to.
func (g *player) regular() {
	packets := first{}
	if g.m.Verdict == uptime.Up && g.m.Score == 0 && len(g.queue) == 0 && g.calm() && g.setup.real == nil {
		soft, _ := verdict.Soft(g.p, epoch)
		to, n, p := g.idle.skip(g.now, g.setup.interval, min(soft.Sub(epoch), g.setup.timeout))
		if n > 0 {
			g.m.Judged = g.clock(to - g.setup.interval + roundTrip)
		}
		g.now, g.turn, packets = to, to, p
		g.out.home += n
	}
	g.regularAt(g.turn + g.setup.interval)
	if g.w.stands(g.now) {
		return
	}
	busy := g.flight > 0 && (g.m.Verdict == uptime.Suspect || g.m.Verdict == uptime.Down)
	if m, d := verdict.Stale(g.p, g.m, g.clock(g.now)); d.Changed && !busy {
		g.apply(m, d)
	}
	if g.flight == 0 {
		g.check(0, packets)
	}
}

// stands reports whether home's process stands still.
func (w *world) stands(at time.Duration) bool {
	still := false
	w.place[0].at(at, func(s *span) { still = still || s.kind == stalled })
	return still
}

// check makes one at home, within so long; 0 for a regular one.
func (g *player) check(within time.Duration, packets first) {
	g.catchUp()
	g.daily()
	g.flight++
	g.out.home++
	began := g.now
	g.started = began
	limit := within
	if limit == 0 || limit > g.setup.timeout {
		limit = g.setup.timeout
	}
	r, took := g.w.atHome(began, limit, packets)
	if soft, ok := verdict.Soft(g.p, g.clock(began)); ok && within == 0 && soft.Before(g.clock(began+took)) {
		g.slow = began
		g.due(soft.Sub(epoch), func() {
			if g.slow == began {
				g.line.Doubt(g.clock(g.now))
				if g.line.told.Self == verdict.Offline {
					return
				}
				m, d := verdict.Slow(g.p, g.scene(), g.m, g.clock(began), g.clock(g.now))
				g.apply(m, d)
				g.replan()
			}
		})
	}
	g.at(g.setup.real.ends(began+took, 0, limit < g.setup.timeout), func() {
		g.flight--
		if g.slow == began {
			g.slow = -1
		}
		g.found(r)
	})
}

// atHome is the result of a check of home, and when it is known. It is void when
// the process stood still.
func (w *world) atHome(began, limit time.Duration, packets first) (*uptime.Result, time.Duration) {
	f := w.check(0, began, limit, packets)
	if w.stands(began + f.took) {
		f.fault = uptime.FaultLocalStalled
	}
	r := w.result(0, began, f.fault, f.took)
	if f.fault != uptime.FaultDNSTimeout && f.fault != uptime.FaultLocalStalled {
		r.Steps = resolved
		if f.fault != uptime.FaultDNSNxdomain {
			r.Address = targetAddress
		}
	}
	return r, f.took
}

// resolved are the steps of a check that has an address, or has been told that there is none.
var resolved = []uptime.Step{{Step: "dns", Detail: targetAddress}}

func (w *world) result(place int, began time.Duration, fault uptime.Fault, took time.Duration) *uptime.Result {
	return &uptime.Result{Time: epoch.Add(began), Location: locations[place], Fault: fault, Outcome: fault.Outcome(),
		Message: fault.String(), Total: took}
}

// elsewhere is what a place answers that is asked at a time, and when that
// arrives; nil for never: it may not be reached, or know that it is offline.
func (w *world) elsewhere(i int, asked, within time.Duration) (*uptime.Result, time.Duration) {
	cut := func(at time.Duration) bool {
		gone := false
		for _, h := range []history{w.place[0], w.place[i]} {
			h.at(at, func(s *span) { gone = gone || s.kind == offline })
		}
		return gone
	}
	if cut(asked) {
		return nil, 0
	}
	f := w.check(i, asked+there, within, first{})
	arrives := f.took + there + back
	if f.lost || cut(asked+arrives) {
		return nil, 0
	}
	return w.result(i, asked, f.fault, f.took), arrives
}

const (
	there = 50 * time.Millisecond // a question to another place
	back  = 50 * time.Millisecond // … and its answer
)

func (g *player) apply(m verdict.Memory, d verdict.Decision) {
	was := g.m.Verdict
	g.m = m
	if err := verdict.Audit(g.p, g.s, m, d, g.clock(g.now)); err != nil {
		panic(fmt.Sprintf("seed %d, %v: down without the evidence for it: %v", g.w.seed, g.now, err))
	}
	since := d.Since.Sub(epoch)
	switch {
	case d.Again && d.Flapping:
		g.out.notes = append(g.out.notes, note{g.now, since, flapping})
	case d.Again:
	case d.To == uptime.Down && d.Changed && d.Incident != "":
		g.out.notes = append(g.out.notes, note{g.now, since, paged})
	case d.Incident == uptime.IncidentOpened:
		g.out.notes = append(g.out.notes, note{g.now, since, degraded})
	}
	if d.Changed && d.To == uptime.Down {
		g.out.down = append(g.out.down, span{from: since, to: year})
	}
	if was == uptime.Down && m.Verdict != uptime.Down && len(g.out.down) > 0 {
		g.out.down[len(g.out.down)-1].to = g.now
	}
	if g.setup.real != nil && d.Changed && !d.Quiet {
		g.out.steps = append(g.out.steps, step{g.now, d.To, since})
	}
}

func (g *player) replan() {
	plan, ok := verdict.Next(g.p, g.scene(), g.m, g.clock(g.started), g.clock(g.now))
	ok = ok && !(g.line.void && (g.line.told.Self == verdict.Offline || g.line.told.Down("") != ""))
	if ok && plan.At.Equal(g.plan.At) {
		g.plan = plan
		return
	}
	if !ok {
		g.planned++
		g.plan = verdict.Plan{}
		return
	}
	g.wants(plan)
}

// wants has a plan carried out in the place of any other.
func (g *player) wants(plan verdict.Plan) {
	g.planned++
	g.plan = plan
	token := g.planned
	g.due(plan.At.Sub(epoch), func() {
		if token == g.planned {
			plan := g.plan
			g.plan = verdict.Plan{}
			g.carryOut(plan)
		}
	})
}

func (g *player) carryOut(plan verdict.Plan) {
	if g.w.stands(g.now) {
		return
	}
	if !plan.Looks() {
		g.decide(func(now time.Time) (verdict.Memory, verdict.Decision) { return verdict.Weigh(g.p, g.scene(), g.m, now) })
		return
	}
	busy := g.flight >= 2
	if busy && len(plan.Ask) == 0 {
		return // their results plan the next
	}
	g.m = verdict.Begin(g.m, plan, g.clock(g.now))
	if plan.Home && !busy {
		g.check(g.within(plan), first{})
	}
	for _, place := range plan.Ask {
		g.ask(place, plan.Within)
	}
	g.replan()
}

func (g *player) within(plan verdict.Plan) time.Duration {
	if plan.Within == 0 {
		return g.setup.timeout
	}
	return plan.Within
}

// ask has a check made elsewhere.
func (g *player) ask(place uptime.Place, within time.Duration) {
	g.out.asked++
	if g.setup.silent {
		return
	}
	i := slices.Index(locations[:], place.Location)
	r, arrives := g.w.elsewhere(i, g.now, within)
	if r == nil {
		return
	}
	g.at(g.setup.real.ends(g.now+arrives, i, true), func() {
		g.decide(func(now time.Time) (verdict.Memory, verdict.Decision) {
			return verdict.Answer(g.p, g.scene(), g.m, r, now)
		})
	})
}
