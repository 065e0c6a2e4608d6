// Package selfcheck says whether we are online: whether a check that finds no
// way to its target says something about the target, or about our own line. It
// is pure: it is given the time, what checks found and what anchors answered,
// asks nobody itself, and every sentence that it says can be checked by hand.
//
// Anchors are the addresses of [self_check] and the system's resolvers, which
// are used anyway. A line that many monitors are seen through has more: each
// distinct network (/24, /48) of which a check came back in the last ten seconds
// is an anchor that costs nothing. A Line weighs them:
//
//   - Online: of at least four anchors in at least three networks at least half
//     answer. Where so many are not known, the networks of the monitors are
//     counted with them.
//   - Offline: fewer do; or what is on our own link is silent (a gateway, which
//     proves nothing by its answer) while the paths to targets fail.
//   - Unproven: there is too little to compare with.
//
// An anchor counts from its first answer on, so that one with a slip of the pen
// in it never speaks. One that falls silent speaks against the line for half an
// hour and is then forgotten until it answers; sooner where the monitors show
// that it is wrong: as many of their networks answer after it was asked as fail.
// Loopback resolvers say nothing about a line, anchors in our own subnets only
// by their silence. Where nothing has answered since the start, anchors are
// silent and checks fail, as on a machine that starts before its network does,
// we are offline as well, for that half hour at most.
//
// # How to drive it
//
// In any time, event by event; a Line has no clock and needs no goroutine:
//
//	l := selfcheck.New(selfcheck.Settings{Anchors: …, Resolvers: …, Own: …}, now)
//	l.Take(&result, now)     // each result of a check at home, good or bad; with the resolvers that its monitor names
//	l.Doubt(now)             // something hangs, and has not failed yet
//	at, ok := l.Next(now)    // when Ask is to be called next; ask again after each call of the others
//	round, ok := l.Ask(now)  // at that time: whom to ask now, all at once
//	l.Answer(round.Number, i, uptime.AnswerGood, now) // what round.Anchors[i] said, in any order, or never
//	l.State(now)             // the verdict, why, and which resolvers are of no use
//	l.Settled(at, now)       // false: a failure that came in at that time may be ours; decide nothing final yet
//
// Whoever drives it and stands still for longer than a Round takes calls Abandon.
// Next also tells when a round's time is up or a state ends by itself: Ask then
// returns false and State has moved. A line that a simulator plays has no more
// to it than that.
package selfcheck

import (
	"net/netip"
	"slices"
	"time"

	"lookout/engine/uptime"
	"lookout/engine/verdict"
)

// The figures, and why.
const (
	// Within is how long an anchor has to answer: two SYNs, three questions of DNS.
	Within = 2 * time.Second

	needAnchors  = 4 // one provider's trouble is no proof …
	needNetworks = 3 // … and neither is that of one network

	roundEvery    = time.Second      // at most, while something fails
	blindEvery    = 2 * time.Second  // while we are offline, to see the end of it
	baselineEvery = 10 * time.Minute // while all is well: who would answer if it were not?
	fresh         = 10 * time.Second // of what was heard: as long as a check may take to fail

	// forgetAfter is how long a silent anchor speaks against a line that others
	// prove: far longer than a fault of ours grows from some anchors to all.
	forgetAfter = 30 * time.Minute
	// missingAfter is how long an anchor that has answered must be silent to be
	// told of: on a line that loses packets they come and go.
	missingAfter = time.Minute
	// refuted is how many rounds the monitors have to prove an anchor wrong. Where
	// more than one of them, and more than one in wrongShare, fails, it may be the
	// line that loses packets.
	refuted    = 3
	wrongShare = 8

	// backAfter is between the two good readings that end an offline time, as
	// between the two successes of a recovery: a line that loses half of its
	// packets is not online once a second.
	backAfter = 5 * time.Second
	// Offline again within againAfter, it takes twice as long, up to holdMost: a
	// line that loses 40 % is one trouble of some minutes, and not ten.
	againAfter = time.Minute
	holdMost   = 40 * time.Second
	// namesEvery is between rounds that look for the end of our resolvers' silence.
	namesEvery = 10 * time.Second

	// spreadFor is how long the failing networks of the monitors alone make us
	// offline. Where all that is watched is at one hoster, its outage looks the
	// same, and must not be kept from people for ever.
	spreadFor = 30 * time.Minute
)

// Settings are what a Line has to know of where it is.
type Settings struct {
	Anchors   []netip.AddrPort // of [self_check]
	Resolvers []netip.AddrPort // the system's
	Own       []netip.Prefix   // the subnets of this machine's interfaces
}

// State is what a node knows of its own line.
type State struct {
	Self  verdict.Self
	Since time.Time // when Self became so
	Why   string    // one sentence; "" before anything is known

	Silent []Silent // resolvers that are of no use, while the line is not known to be down
}

// Line is what is known of a node's own line. Make it with New; it belongs to
// one goroutine.
type Line struct {
	own     []netip.Prefix
	anchors []*anchor
	spread  spread

	round    round
	number   uint64
	wanted   bool      // something fails: another round
	baseline time.Time // when the next is due in any case

	state    State
	by       basis          // of the state
	facts    facts          // … and what it says
	worded   facts          // what its sentence says
	good     reading        // while offline: the first of those that may end it
	goodAt   time.Time      // … and when that was
	hold     time.Duration  // … for how long no bad one may come
	backAt   time.Time      // when we last came back online
	tired    bool           // the monitors alone have made us offline for long enough
	seen     bool           // something beyond our own link has answered once
	networks []netip.Prefix // those of the newest poll
	struck   uint64         // the round in which they last proved anchors wrong

	names []*resolvers // the first is the system's
}

// anchor is one address with what it said.
type anchor struct {
	uptime.Anchor
	reach   reach
	network netip.Prefix

	known    bool      // it has answered, and is not forgotten
	useful   bool      // of a resolver: it has given a good answer
	spoke    bool      // it has answered, ever
	silent   time.Time // since when it is; zero: it is not
	refuted  int       // rounds in which the monitors proved it wrong
	said     uptime.Answer
	in       uint64 // the round that it said it in, or was silent in
	answered bool   // in that round
}

// reach is how far an address is away.
type reach uint8

const (
	here    reach = iota // this machine
	link                 // our own subnets
	private              // beyond them, in somebody's private network
	public
)

// New makes a Line that asks all its anchors at once, for a baseline.
func New(s Settings, now time.Time) *Line {
	l := &Line{baseline: now, state: State{Since: now}, names: []*resolvers{{}}}
	l.Configure(s, now)
	return l
}

// Configure puts other settings in force: a reload, another network. What is
// known of an anchor that stays is kept; new ones are asked soon.
func (l *Line) Configure(s Settings, now time.Time) {
	if !slices.Equal(l.own, s.Own) {
		l.own = slices.Clone(s.Own)
		l.spread = spread{}
	}
	var all []*anchor
	add := func(a netip.AddrPort, resolver bool) {
		a = netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
		if slices.ContainsFunc(all, func(x *anchor) bool { return x.Address == a }) {
			return
		}
		next := &anchor{Anchor: uptime.Anchor{Address: a, Resolver: resolver}}
		if i := slices.IndexFunc(l.anchors, func(x *anchor) bool { return x.Anchor == next.Anchor }); i >= 0 {
			next = l.anchors[i]
		} else {
			l.baseline = now
		}
		next.reach, next.network = l.reachOf(a.Addr()), networkOf(a.Addr())
		all = append(all, next)
	}
	for _, a := range s.Resolvers {
		add(a, true)
	}
	for _, a := range s.Anchors { // one that is a resolver too is asked as one
		add(a, false)
	}
	l.anchors = all
	system := l.names[0]
	system.anchors = nil
	for _, a := range all {
		if a.Resolver {
			system.anchors = append(system.anchors, a)
		}
	}
}

// Near reports whether a check spoke to something on our own link: this machine,
// or one of its subnets. The way to it does not depend on the line.
func (l *Line) Near(r *uptime.Result) bool {
	a, ok := spokenTo(r)
	return ok && l.reachOf(a) <= link
}

// spokenTo is the address of a result: with a port, or of a ping without.
func spokenTo(r *uptime.Result) (netip.Addr, bool) {
	if to, err := netip.ParseAddrPort(r.Address); err == nil {
		return to.Addr(), true
	}
	a, err := netip.ParseAddr(r.Address)
	return a, err == nil
}

// State is what is known at a time.
func (l *Line) State(now time.Time) State {
	l.read(now)
	if s := &l.state; l.facts != l.worded || l.facts.alone {
		s.Why, l.worded = l.sentence(l.facts), l.facts
	}
	return l.state
}

// Missing are the configured anchors that do not count, because they do not
// answer: none ever did, or not for a while; nil while it is our line that does
// not let them.
func (l *Line) Missing(now time.Time) []netip.AddrPort {
	var out []netip.AddrPort
	for _, a := range l.anchors {
		if !l.offline() && !a.Resolver && !a.known && !a.silent.IsZero() && (!a.spoke || now.Sub(a.silent) >= missingAfter) {
			out = append(out, a.Address)
		}
	}
	return out
}

// Known is how many anchors count for the line, of how many.
func (l *Line) Known() (known, all int) {
	for _, a := range l.anchors {
		if a.reach > link {
			all++
			if a.known {
				known++
			}
		}
	}
	return known, all
}

func (l *Line) reachOf(a netip.Addr) reach {
	a = a.Unmap().WithZone("")
	switch {
	case a.IsLoopback(), a.IsUnspecified():
		return here
	case a.IsLinkLocalUnicast(), a.IsMulticast(), slices.ContainsFunc(l.own, func(p netip.Prefix) bool { return p.Contains(a) }):
		return link
	case a.IsPrivate(), carrier.Contains(a):
		return private
	}
	return public
}

// carrier is the address space behind a carrier's NAT (RFC 6598).
var carrier = netip.MustParsePrefix("100.64.0.0/10")

// networkOf is what counts as one network.
func networkOf(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 48
	if a.Is4() {
		bits = 24
	}
	p, _ := a.Prefix(bits)
	return p
}
