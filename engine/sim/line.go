package main

import (
	"net/netip"
	"time"

	"lookout/engine/selfcheck"
	"lookout/engine/uptime"
	"lookout/engine/verdict"
)

// line is what home knows of its own line: package selfcheck, driven by the
// events of a year as an engine drives it. Of the rounds that it makes while all
// is well only the newest before a check that may fail is played.
type line struct {
	*selfcheck.Line
	told  selfcheck.State
	back  time.Time     // when we last came back online; zero: never
	named time.Time     // … and when the resolvers last did
	turn  bool          // one of those that were held is decided
	held  []holding     // results that would be final, and may be ours; oldest first
	asked time.Duration // when the newest round began
	timer time.Duration // when it is to be looked at next
	void  bool          // the last result was ours: the next check is when we can see
	heard time.Time     // when the newest result of home came in
	last  uptime.Result
}

// holding is what is done when it is known how the line was.
type holding struct {
	at time.Time
	do func()
}

// Who is asked whether home is online: four anchors and two resolvers. The
// target is elsewhere.
var (
	askAnchors   = addresses("192.0.2.1:443", "198.51.100.1:443", "203.0.113.1:443", "192.88.99.1:443")
	askResolvers = addresses("9.9.9.1:53", "8.8.4.1:53")
)

const targetAddress = "93.184.216.34:443"

func addresses(all ...string) []netip.AddrPort {
	var out []netip.AddrPort
	for _, a := range all {
		out = append(out, netip.MustParseAddrPort(a))
	}
	return out
}

// newLine is of a home that has been up for long: its anchors have answered.
func newLine(unproven bool) line {
	s := selfcheck.Settings{Anchors: askAnchors, Resolvers: askResolvers}
	if unproven {
		s = selfcheck.Settings{}
	}
	began := epoch.Add(-baseline)
	l := line{Line: selfcheck.New(s, began), asked: -baseline}
	if r, ok := l.Ask(began); ok {
		for i := range r.Anchors {
			l.Answer(r.Number, i, uptime.AnswerGood, began)
		}
	}
	l.told = l.State(began)
	return l
}

// says is what an anchor answers that is asked at a time, and how long that takes.
func (w *world) says(i int, of uptime.Anchor, at time.Duration) (uptime.Answer, time.Duration) {
	d := w.dice(0, int64(at), 16+uint64(i))
	up, loss := true, 0.0
	w.place[0].at(at, func(s *span) {
		switch s.kind {
		case offline:
			up = false
		case brownOut:
			loss += s.share
		case resolver:
			up = up && !of.Resolver
		}
	})
	w.anchor[i].at(at, func(*span) { up = false })
	if w.dns.one && of.Resolver {
		w.public.at(at, func(*span) { up = false })
	}
	if !up {
		return uptime.AnswerNone, 0
	}
	sent := synAt[:2] // within selfcheck.Within
	if of.Resolver {
		sent = askedAt[:3]
	}
	took, ok := d.send(sent, loss, first{}, 0)
	if !ok {
		return uptime.AnswerNone, 0
	}
	return uptime.AnswerGood, took
}

// calm reports whether nothing has to be known of the line.
func (g *player) calm() bool {
	return g.m.Verdict == uptime.Up && g.m.Unknowns == 0 && g.line.told.Self != verdict.Offline && g.line.told.Down("") == "" && len(g.line.held) == 0
}

// baseline is between the rounds that are made while all is well, and a little.
const baseline = 10*time.Minute + time.Second

// catchUp makes the newest of these.
func (g *player) catchUp() {
	l := &g.line
	if !g.calm() {
		return
	}
	at := l.asked + (g.now-selfcheck.Within-l.asked)/baseline*baseline
	if at <= l.asked || g.w.stands(at) {
		return
	}
	r, ok := l.Ask(g.clock(at))
	if !ok {
		return
	}
	l.asked = at
	slowest := selfcheck.Within
	for i := range r.Anchors {
		if said, took := g.w.says(i, r.Anchors[i], at); said != uptime.AnswerNone {
			l.Answer(r.Number, i, said, g.clock(at+min(took, slowest-time.Millisecond)))
		}
	}
	l.State(g.clock(at + slowest))
}

// selfCheck is done after each event: it begins a round where one is due, and
// tells what has become of the line.
func (g *player) selfCheck() {
	if g.calm() {
		return
	}
	l, now := &g.line, g.clock(g.now)
	at, ok := l.Next(now)
	if ok && !at.After(now) && !g.w.stands(g.now) {
		if r, asks := l.Ask(now); asks {
			g.asks(r)
		}
		at, ok = l.Next(now)
	}
	g.tell(l.State(now), now)
	for len(l.held) > 0 && l.Settled(l.held[0].at, now) {
		h := l.held[0]
		l.held = l.held[1:]
		l.turn = true // it does not wait for those behind it
		h.do()
		l.turn = false
	}
	if when := max(at.Sub(epoch), g.now+time.Millisecond); ok && (l.timer <= g.now || when < l.timer) {
		l.timer = when
		g.at(when, func() {}) // selfCheck comes after it
	}
}

// asks has all anchors of a round asked.
func (g *player) asks(r selfcheck.Round) {
	l := &g.line
	l.asked = g.now
	soon := make([]int, 0, anchors) // those that answer to the first packet
	for i := range r.Anchors {
		said, took := g.w.says(i, r.Anchors[i], g.now)
		switch {
		case said == uptime.AnswerNone:
		case took == roundTrip:
			soon = append(soon, i)
		default:
			g.at(g.now+took, func() { l.Answer(r.Number, i, said, g.clock(g.now)) })
		}
	}
	if len(soon) > 0 {
		g.at(g.now+roundTrip, func() {
			for _, i := range soon {
				l.Answer(r.Number, i, uptime.AnswerGood, g.clock(g.now))
			}
		})
	}
}

// tell carries a change of the line to the monitor.
func (g *player) tell(s selfcheck.State, now time.Time) {
	l := &g.line
	was := l.told
	l.told = s
	offline, before := s.Self == verdict.Offline, was.Self == verdict.Offline
	switch {
	case offline && !before:
		g.blind(now)
	case before && !offline:
		l.back = now
		g.revive()
	}
	switch down, before := s.Down("") != "", was.Down("") != ""; {
	case down && !before:
		g.blind(now)
	case before && !down && !offline:
		l.named = now
		g.revive()
	}
}

// ours says whether what a failing check of home met is our own line, or our
// own resolvers.
func (l *line) ours(r *uptime.Result, started time.Time) (uptime.Fault, string) {
	if r.Outcome != uptime.OutcomeDown || r.Side() != uptime.Path {
		return uptime.NoFault, ""
	}
	switch {
	case l.told.Self == verdict.Offline, started.Before(l.back):
		return uptime.FaultLocalNodeOffline, "this machine is offline"
	case r.Fault == uptime.FaultDNSTimeout && (l.told.Down("") != "" || started.Before(l.named)):
		return uptime.FaultLocalResolverDown, "no name server answers"
	}
	return uptime.NoFault, ""
}

// blind ends a doubt that rests on what has turned out to be ours.
func (g *player) blind(now time.Time) {
	m, d := verdict.Blind(g.m, func(e *uptime.Evidence) (uptime.Fault, string) {
		return g.line.ours(&uptime.Result{Outcome: e.Outcome, Fault: e.Fault}, now)
	})
	if d.Changed {
		g.line.void = true
		g.apply(m, d)
		g.replan()
	}
}

// revive has what was void checked again, at its own place in its interval.
func (g *player) revive() {
	if !g.line.void {
		return
	}
	g.line.void = false
	every := min(g.setup.interval, 5*time.Minute)
	if again := g.now - (g.now-g.phase)%every + every; again < g.turn+g.setup.interval {
		g.wants(verdict.Plan{At: g.clock(again), Home: true, Step: "check"})
	}
}

// found takes the result of a check of home.
func (g *player) found(r *uptime.Result) {
	l, now := &g.line, g.clock(g.now)
	l.heard, l.last = now, *r
	l.Take(r, now)
	if len(l.held) == 0 {
		if r.Outcome != uptime.OutcomeDown || r.Side() != uptime.Path || l.Settled(now, now) {
			g.use(r)
			return
		}
		if _, d := verdict.Step(g.p, g.scene(), g.m, r, now); !d.Changed || d.To != uptime.Down {
			g.use(r)
			return
		}
	}
	l.held = append(l.held, holding{now, func() { g.use(r) }})
}

// use judges a result, once it is known how the line was.
func (g *player) use(r *uptime.Result) {
	if fault, why := g.line.ours(r, r.Time); fault != uptime.NoFault {
		void := verdict.Void(r, fault, why)
		r, g.line.void = &void, true
	} else if r.Outcome != uptime.OutcomeUnknown {
		g.line.void = false
	}
	m, d := verdict.Step(g.p, g.scene(), g.m, r, g.clock(g.now))
	g.apply(m, d)
	g.replan()
}

// decide takes what follows without a new result of home: it waits where that
// is final, and may be ours.
func (g *player) decide(step func(now time.Time) (verdict.Memory, verdict.Decision)) {
	l, now := &g.line, g.clock(g.now)
	m, d := step(now)
	if len(l.held) > 0 && !l.turn || d.Changed && d.To == uptime.Down && g.m.Path && !l.Settled(l.heard, now) {
		l.held = append(l.held, holding{l.heard, func() { g.decide(step) }})
		return
	}
	g.apply(m, d)
	g.replan()
}
