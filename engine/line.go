package engine

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"time"

	"lookout/engine/schedule"
	"lookout/engine/selfcheck"
	"lookout/engine/uptime"
	"lookout/engine/verdict"
)

// Outside looks at the line of this machine.
type Outside interface {
	// Around returns the system's resolvers and the subnets of this machine, as
	// they are now. It does not wait.
	Around() (resolvers []netip.AddrPort, own []netip.Prefix)
	// Try asks one anchor, and returns when ctx ends at the latest.
	Try(ctx context.Context, a uptime.Anchor) uptime.Answer
}

// line is what the loop knows of its own line.
type line struct {
	*selfcheck.Line
	settings selfcheck.Settings
	told     selfcheck.State      // what the monitors were last told
	missing  string               // the anchors that do not answer, as last told
	answers  chan anchored        // rounds → loop; they wait until the loop takes them, or ends
	back     time.Time            // when we last came back online; zero: never
	named    map[string]time.Time // when resolvers last answered again, by selfcheck.Servers
	mute     map[string]time.Time // when they were said to answer no more
	stirred  bool                 // something may have changed since selfCheck looked
	next     time.Time            // when it looks again in any case; zero: not
	held     []holding            // results that would be final, and may be ours; oldest first
}

// anchored is what a round has to say: an answer, or what is around.
type anchored struct {
	round  uint64
	index  int
	answer uptime.Answer
	around *selfcheck.Settings // without Anchors; nil for an answer
}

// holding is what is done with a monitor when it is known how our line was.
type holding struct {
	m     *monitor
	epoch uint32
	at    time.Time // when it came in
	do    func(now time.Time)
}

func newLine(o Options, now time.Time) line {
	l := line{settings: selfcheck.Settings{Anchors: o.Anchors}, answers: make(chan anchored), named: map[string]time.Time{}, mute: map[string]time.Time{}}
	l.Line = selfcheck.New(selfcheck.Settings{}, now) // it asks when it knows what is around
	l.told = l.State(now)
	return l
}

// survey has what is around looked up, at the start; what it says begins the first round.
func (e *Engine) survey(ctx context.Context) {
	if e.o.Outside != nil {
		e.line.send(ctx, e.around())
	}
}

func (e *Engine) around() anchored {
	resolvers, own := e.o.Outside.Around()
	return anchored{around: &selfcheck.Settings{Resolvers: resolvers, Own: own}}
}

// ask has all anchors of a round asked at once, outside the loop.
func (e *Engine) ask(ctx context.Context, r selfcheck.Round) {
	within, cancel := context.WithTimeout(ctx, selfcheck.Within)
	defer cancel()
	var asking sync.WaitGroup
	for i, a := range r.Anchors {
		asking.Go(func() { e.line.send(ctx, anchored{round: r.Number, index: i, answer: e.o.Outside.Try(within, a)}) })
	}
	e.line.send(ctx, e.around())
	asking.Wait()
}

func (l *line) send(ctx context.Context, a anchored) {
	select {
	case l.answers <- a:
	case <-ctx.Done():
	}
}

// anchorSaid takes what a round says.
func (e *Engine) anchorSaid(a anchored, now time.Time) {
	l := &e.line
	l.stirred = true
	if a.around != nil {
		l.settings.Resolvers, l.settings.Own = a.around.Resolvers, a.around.Own
		l.Configure(l.settings, now)
		return
	}
	l.Answer(a.round, a.index, a.answer, now)
}

// turned takes what happened to the clock or to this process. Anchors that were
// asked while it stood still have answered, and nobody was there.
func (l *line) turned(t turn) {
	l.stirred = true
	if t.stood > 0 {
		l.Abandon(t.at)
	}
	if t.step != 0 {
		l.back = moved(l.back, t.step)
		for servers, at := range l.named {
			l.named[servers] = moved(at, t.step)
		}
	}
}

// Anchors puts other anchors in force.
func (e *Engine) Anchors(ctx context.Context, anchors []netip.AddrPort) error {
	return e.do(ctx, func(now time.Time) {
		e.line.settings.Anchors, e.line.stirred = anchors, true
		if e.o.Outside != nil {
			e.line.Configure(e.line.settings, now)
		}
	})
}

// selfCheck begins a round where one is due and tells what has become of the
// line. It returns when it has to be called again; zero: not before something happens.
func (e *Engine) selfCheck(now time.Time, start func(selfcheck.Round)) time.Time {
	if e.o.Outside == nil {
		return time.Time{}
	}
	l := &e.line
	if !l.stirred && (l.next.IsZero() || now.Before(l.next)) {
		return l.next
	}
	l.stirred = false
	if r, ok := l.Ask(now); ok {
		start(r)
	}
	e.tell(l.State(now), now)
	e.unhold(now)
	l.next, _ = l.Next(now)
	return l.next
}

// tell carries a change of the line to the monitors and to people.
func (e *Engine) tell(s selfcheck.State, now time.Time) {
	was := e.line.told
	e.line.told, e.self = s, s.Self
	e.dirty = e.dirty || s.Why != was.Why
	offline, before := s.Self == verdict.Offline, was.Self == verdict.Offline
	switch {
	case offline && !before:
		e.emit(uptime.Event{Time: now, Kind: uptime.EventNode, Since: s.Since, Fault: uptime.FaultLocalNodeOffline, By: byEngine,
			Message: "offline: " + s.Why + "; checks that find no way to their targets tell nothing"})
		e.blind(now)
	case before && !offline:
		e.line.back = now
		e.emit(uptime.Event{Time: now, Kind: uptime.EventNode, Since: was.Since, By: byEngine,
			Message: "not offline any more, after " + uptime.Ago(now.Sub(was.Since)) + ": " + s.Why + e.revive(now)})
	}
	e.tellNames(s, was, now)
	e.tellMissing(now)
}

// tellNames says which resolvers are of no use any more, and which are again.
func (e *Engine) tellNames(s, was selfcheck.State, now time.Time) {
	of := func(servers string) string {
		if servers == "" {
			return "name servers"
		}
		return "the name servers " + servers
	}
	for _, x := range s.Silent {
		if was.Down(x.Servers) == "" {
			e.line.mute[x.Servers] = now
			e.emit(uptime.Event{Time: now, Kind: uptime.EventNode, Since: now, Fault: uptime.FaultLocalResolverDown, By: byEngine,
				Message: uptime.Clean(x.Why+"; checks that need one for a name tell nothing", 300)})
			e.blind(now)
		}
	}
	for _, x := range was.Silent {
		if s.Down(x.Servers) == "" && s.Self != verdict.Offline {
			e.line.named[x.Servers] = now
			e.emit(uptime.Event{Time: now, Kind: uptime.EventNode, Since: e.line.mute[x.Servers], By: byEngine,
				Message: uptime.Clean(of(x.Servers)+" answer again", 300) + e.revive(now)})
		}
	}
}

// tellMissing says which anchors do not answer: one of them may have a slip of the pen.
func (e *Engine) tellMissing(now time.Time) {
	if e.self == verdict.Offline {
		return
	}
	var texts []string
	for _, a := range e.line.Missing(now) {
		texts = append(texts, a.String())
	}
	missing := strings.Join(texts, ", ")
	if missing == e.line.missing {
		return
	}
	said := "all anchors answer"
	switch len(texts) {
	case 0:
	case 1:
		said = "the anchor " + missing + " does not answer, and does not count until it does"
	default:
		said = "the anchors " + missing + " do not answer, and do not count until they do"
	}
	e.line.missing = missing
	e.emit(uptime.Event{Time: now, Kind: uptime.EventNode, By: byEngine, Message: uptime.Clean(said, 300)})
}

// nodeFault is what keeps this node from judging; "" when nothing does.
func (e *Engine) nodeFault() string {
	s := &e.line.told
	if s.Self == verdict.Offline {
		return "offline: " + s.Why
	}
	return s.Down("") // those that a monitor names keep only that from being judged
}

// ours says whether what a failing check met is our own line, or our own
// resolver, and which fault of ours that is. A check that started while it was
// is no better than one that ended then.
func (e *Engine) ours(m *monitor, r *uptime.Result, started time.Time) (uptime.Fault, string) {
	l := &e.line
	if r.Outcome != uptime.OutcomeDown || r.Side() != uptime.Path {
		return uptime.NoFault, ""
	}
	if !e.line.Near(r) {
		switch {
		case l.told.Self == verdict.Offline:
			return uptime.FaultLocalNodeOffline, "this machine is offline"
		case started.Before(l.back):
			return uptime.FaultLocalNodeOffline, "this machine was offline"
		}
	}
	if ofNames(r) {
		if why := l.told.Down(m.servers); why != "" {
			return uptime.FaultLocalResolverDown, why
		}
		if started.Before(l.named[m.servers]) {
			return uptime.FaultLocalResolverDown, "no name server answered"
		}
	}
	return uptime.NoFault, ""
}

// ofNames reports whether a resolver is what failed.
func ofNames(r *uptime.Result) bool {
	return r.Fault >= uptime.FaultDNSTimeout && r.Fault <= uptime.FaultDNSDnssec && !r.OfNameServer()
}

// blind ends the doubts that rest on what has turned out to be ours.
func (e *Engine) blind(now time.Time) {
	for _, m := range e.monitors {
		mem, d := verdict.Blind(m.mem, func(ev *uptime.Evidence) (uptime.Fault, string) {
			r := uptime.Result{Type: m.job.Type, Target: m.job.Target, Outcome: ev.Outcome, Fault: ev.Fault, Address: ev.Address}
			if r.Address == "" {
				r.Address = m.last.Address
			}
			return e.ours(m, &r, now)
		})
		if d.Changed {
			m.mem, m.void = mem, true
			e.apply(m, d, now)
			e.replan(m, now)
		}
	}
}

// waits reports whether a monitor's next look is its next regular check, since
// it is we that cannot see.
func (e *Engine) waits(m *monitor) bool {
	s := &e.line.told
	return m.void && (s.Self == verdict.Offline || s.Down(m.servers) != "")
}

// againWithin is the longest that what was void waits for its next check.
const againWithin = 5 * time.Minute

// revive has what was void checked again, each at its own place in its
// interval: no herd. It says so.
func (e *Engine) revive(now time.Time) string {
	n := 0
	for _, m := range e.monitors {
		if !m.void {
			continue
		}
		n++
		m.void = false
		if m.judged != nil {
			e.judge(m, now)
			continue
		}
		if m.mode == uptime.Paused {
			continue
		}
		at := schedule.First(m.job.Name, min(m.job.Interval, againWithin), now)
		if m.regular.IsZero() || at.Before(m.regular) {
			e.extra(m, at, now)
		}
	}
	if n == 0 {
		return ""
	}
	return "; " + counted(n) + " could not be judged and will be checked again within an interval"
}

// heard takes what a result says of this machine and its line.
func (e *Engine) heard(m *monitor, r *uptime.Result, now time.Time) {
	m.heard = now
	e.trouble(m, r, now)
	if e.o.Outside == nil || m.judged != nil {
		return
	}
	if r.Fault == uptime.FaultLocalNoRoute && m.last.Fault == r.Fault {
		return // this machine has no way there, and had none before
	}
	e.line.stirred = e.line.Take(r, now, m.job.Resolvers...) || e.line.stirred
}

// judgeable makes void what is ours of a result, and returns the scene to judge it in.
func (e *Engine) judgeable(m *monitor, r *uptime.Result, started time.Time) verdict.Scene {
	s := e.scene(m)
	if fault, why := e.ours(m, r, started); fault != uptime.NoFault {
		*r = verdict.Void(r, fault, why)
		m.void = true
	} else if r.Outcome != uptime.OutcomeUnknown {
		m.void = false
		if s.Self == verdict.Offline && e.line.Near(r) {
			s.Self = verdict.Unproven // it does not depend on the line
		}
	}
	return s
}

// holds keeps a result that would make its monitor down, and may be ours, until
// a round that began since has said how our line is: three seconds at most. What
// comes in after it waits with it. It reports whether it did.
func (e *Engine) holds(m *monitor, r uptime.Result, started, now time.Time) bool {
	if !m.held {
		if r.Outcome != uptime.OutcomeDown || r.Side() != uptime.Path || e.settled(m, &r, now) {
			return false
		}
		dated := r
		dated.Time = started
		if _, d := verdict.Step(m.params, e.scene(m), m.mem, &dated, now); !d.Changed || d.To != uptime.Down {
			return false
		}
	}
	e.hold(m, now, func(now time.Time) { e.use(m, r, started, now) })
	return true
}

// holdsBack is holds for a decision that follows from what others say, or do not say.
func (e *Engine) holdsBack(m *monitor, d verdict.Decision, now time.Time, again func(time.Time)) bool {
	if !m.held && (!d.Changed || d.To != uptime.Down || !m.mem.Path || e.settled(m, &m.last, now)) {
		return false
	}
	e.hold(m, m.heard, again)
	return true
}

func (e *Engine) settled(m *monitor, r *uptime.Result, now time.Time) bool {
	return e.o.Outside == nil || m.judged != nil || m.away != nil || e.line.Near(r) || e.line.Settled(m.heard, now)
}

func (e *Engine) hold(m *monitor, at time.Time, do func(now time.Time)) {
	m.held = true
	m.holds++
	e.line.held = append(e.line.held, holding{m, m.epoch, at, do})
}

// unhold goes on with what can be judged now.
func (e *Engine) unhold(now time.Time) {
	for len(e.line.held) > 0 && e.line.Settled(e.line.held[0].at, now) {
		h := e.line.held[0]
		if e.line.held = e.line.held[1:]; len(e.line.held) == 0 {
			e.line.held = nil
		}
		h.m.holds--
		h.m.held = false // its turn has come: it does not wait for those behind it, which would wait for it
		if h.epoch == h.m.epoch && h.m.mode != uptime.Paused {
			h.do(now)
		}
		h.m.held = h.m.holds > 0
	}
}
