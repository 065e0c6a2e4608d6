package selfcheck

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"lookout/engine/uptime"
	"lookout/engine/verdict"
)

// basis is what a reading rests on.
type basis uint8

const (
	byNothing basis = iota // there is nothing to read
	byAnchors              // enough of them are known
	bySpread               // the networks of the monitors have a say
	byGateway              // what is on our own link is silent
	byStart                // nothing has answered yet
)

// reading is what the evidence says at a moment.
type reading struct {
	self  verdict.Self
	by    basis
	round uint64
	facts facts
}

// facts are what a reading says in words, when somebody asks for them.
type facts struct {
	known, answer int // anchors
	ok, failing   int // networks of the monitors
	gateway       netip.AddrPort
	never, alone  bool          // nothing has answered since the start; there is nothing to compare with
	returns       bool          // it has been better for a moment
	lasted        time.Duration // … and that long nothing has answered
}

func (l *Line) offline() bool { return l.state.Self == verdict.Offline }

// read brings the state up to a time.
func (l *Line) read(now time.Time) {
	if r := &l.round; r.number > 0 && !r.decided && !now.Before(r.deadline()) {
		l.decide()
	}
	l.spread.expire(now)
	l.forget(now)
	if ok, _, _ := l.spread.counts(false); ok > 0 {
		l.tired = false
	}
	l.move(l.weigh(now), now)
	l.lookups(now)
}

// forget drops anchors that have been silent for long on a line that is up.
func (l *Line) forget(now time.Time) {
	for _, a := range l.anchors {
		if !l.offline() && !a.silent.IsZero() && now.Sub(a.silent) >= forgetAfter {
			a.known = false
		}
	}
}

// move takes a reading into the state.
func (l *Line) move(r reading, now time.Time) {
	s := &l.state
	to := func(self verdict.Self) {
		switch {
		case s.Self == self:
		case self == verdict.Offline && now.Sub(l.backAt) < againAfter && !l.backAt.IsZero():
			l.hold = min(2*l.hold, holdMost)
		case self == verdict.Offline:
			l.hold = backAfter
		case s.Self == verdict.Offline:
			l.backAt = now
		}
		if s.Self != self {
			s.Self, s.Since = self, now
		}
		l.facts, l.by, l.good = r.facts, r.by, reading{}
	}
	switch {
	case r.by == byNothing:
	case !l.offline():
		to(r.self)
	case r.self == verdict.Offline:
		l.facts, l.by, l.good = r.facts, r.by, reading{}
	case l.good.by == byNothing:
		l.good, l.goodAt, l.facts = r, now, r.facts
		l.facts.returns = true
	case now.Sub(l.goodAt) >= l.hold && (r.round != l.good.round || r.by != byAnchors):
		l.silentAnew(now)
		to(r.self)
	}
	if end, ok := l.expires(); ok && !now.Before(end) {
		l.tired = true
		r.facts = l.facts
		r.facts.lasted, r.facts.returns = now.Sub(s.Since), false
		to(verdict.Unproven)
	}
}

// expires is when an offline time that no anchors prove ends by itself.
func (l *Line) expires() (time.Time, bool) {
	return l.state.Since.Add(spreadFor), l.offline() && l.by != byAnchors
}

// silentAnew has the silence of anchors count from now: it was ours.
func (l *Line) silentAnew(now time.Time) {
	for _, a := range l.anchors {
		if !a.silent.IsZero() {
			a.silent = now
		}
	}
}

// poll is what the far anchors said in the newest round.
type poll struct {
	known, answer int
	networks      []netip.Prefix // of the known ones
	public        bool           // one of them is
	silent        []*anchor
}

func (l *Line) poll() poll {
	p := poll{networks: l.networks[:0]}
	defer func() { l.networks = p.networks }() // for the next one to use
	for _, a := range l.anchors {
		if !a.known || a.reach <= link || a.in == l.round.number && a.said == uptime.AnswerVoid {
			continue
		}
		p.known++
		p.public = p.public || a.reach == public
		if !slices.Contains(p.networks, a.network) {
			p.networks = append(p.networks, a.network)
		}
		if a.in == l.round.number && a.said != uptime.AnswerNone {
			p.answer++
		} else if a.in == l.round.number {
			p.silent = append(p.silent, a)
		}
	}
	return p
}

func enough(anchors, networks int) bool { return anchors >= needAnchors && networks >= needNetworks }

// weigh reads the evidence of a moment.
func (l *Line) weigh(now time.Time) reading {
	p, r := l.poll(), &l.round
	recent := r.number > 0 && now.Sub(r.began) <= fresh
	said := recent && r.decided
	_, publicFails, _ := l.spread.counts(true)
	ok, failing, since := l.spread.counts(p.public || publicFails > 0)
	out := reading{round: r.number, facts: facts{ok: ok, failing: failing}}
	if recent {
		out.facts.known, out.facts.answer = p.known, p.answer
	}
	half := 2*p.answer >= p.known

	if enough(p.known, len(p.networks)) {
		switch {
		case recent && half:
			r.early = true
			out.self, out.by = verdict.Online, byAnchors
		case said && since >= failing && since > 0 && (failing <= 1 || wrongShare*failing <= ok+failing): // the anchors are wrong
			l.refute(p)
			out.self, out.by = verdict.Online, byAnchors
		case said:
			out.self, out.by = verdict.Offline, byAnchors
		}
		return out
	}

	gateway := l.gateway(said)
	if !said { // too few anchors, and they have not said anything lately
		p = poll{}
	}
	all, answer := p.known+ok+failing, p.answer+ok
	networks := len(p.networks) + l.spread.beside(p.networks, p.public || publicFails > 0)
	switch {
	case r.number > 0 && !r.decided:
		return out // wait for it
	case enough(all, networks) && 2*answer >= all, l.offline() && ok > 0 && ok >= failing:
		out.self, out.by = verdict.Online, bySpread
	case l.tired: // this was believed for long enough
	case enough(all, networks):
		out.self, out.by = verdict.Offline, bySpread
	case gateway != nil && failing > 0 && ok == 0:
		out.self, out.by = verdict.Offline, byGateway
		out.facts.gateway = gateway.Address
	case said && !l.seen && failing > 0 && l.reaches():
		out.self, out.by = verdict.Offline, byStart
		out.facts.never = true
	case l.offline() && said && (l.by == byGateway && gateway == nil || l.by == byStart && l.seen):
		out.self, out.by, out.facts = verdict.Unproven, l.by, facts{alone: true}
	case l.offline() && l.by != byAnchors: // nothing new
	case said, all > 0, l.offline():
		out.self, out.by, out.facts = verdict.Unproven, bySpread, facts{alone: true}
	}
	return out
}

// reaches reports whether there are anchors beyond our own link.
func (l *Line) reaches() bool {
	return slices.ContainsFunc(l.anchors, func(a *anchor) bool { return a.reach > link })
}

// refute notes, once a round, that the monitors have proved silent anchors wrong.
func (l *Line) refute(p poll) {
	if l.struck == l.round.number {
		return
	}
	l.struck = l.round.number
	for _, a := range p.silent {
		if a.refuted++; a.refuted >= refuted {
			a.known = false
		}
	}
}

// gateway is something on our own link that used to answer, and did not in the
// newest round.
func (l *Line) gateway(said bool) *anchor {
	for _, a := range l.anchors {
		if said && a.reach == link && a.known && a.in == l.round.number && a.said == uptime.AnswerNone {
			return a
		}
	}
	return nil
}

// sentence says what the evidence is.
func (l *Line) sentence(f facts) string {
	if f.alone && !f.returns {
		return "nothing to compare with: " + l.lacks()
	}
	var parts []string
	if f.returns {
		parts = append(parts, "the line is coming back")
	}
	if f.gateway.IsValid() {
		parts = append(parts, f.gateway.String()+" on our own link is silent")
	}
	if f.never {
		parts = append(parts, "no anchor has answered since the start")
	}
	if f.known > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d anchors answer", f.answer, f.known))
	}
	if f.ok+f.failing > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d networks fail", f.failing, f.ok+f.failing))
	}
	text := strings.Join(parts, "; ")
	if f.lasted > 0 {
		text += ", for " + uptime.Ago(f.lasted) + ", and there are too few anchors to tell whether it is us"
	}
	return text
}

// lacks says why there is no proof.
func (l *Line) lacks() string {
	known, all := l.Known()
	switch {
	case all == 0:
		return "no anchor is configured"
	case known == 0:
		return "no anchor answers"
	case known < needAnchors:
		return fmt.Sprintf("of the anchors %d answer, and it takes %d", known, needAnchors)
	}
	return fmt.Sprintf("the anchors are in fewer than %d networks", needNetworks)
}
