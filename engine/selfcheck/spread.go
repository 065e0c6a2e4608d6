package selfcheck

import (
	"net/netip"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// Take takes what a check at home found: of our own line, not of its target.
// Resolvers are those that its monitor names; none for the system's. It reports
// whether the state may change by it: a good result where all is well does not.
func (l *Line) Take(r *uptime.Result, now time.Time, resolvers ...netip.AddrPort) bool {
	if r.Location != "" && r.Location != uptime.Local {
		return false
	}
	l.take(r, now, resolvers)
	if _, failing, _ := l.spread.counts(false); !l.wanted && failing == 0 && !l.offline() && l.resolving() && l.round.decided {
		return false
	}
	l.read(now)
	return true
}

func (l *Line) take(r *uptime.Result, now time.Time, resolvers []netip.AddrPort) {
	side := r.Side()
	if failed := ofNames(r.Fault) && !r.OfNameServer(); failed || lookedUp(r) {
		n := l.resolversOf(resolvers, now)
		switch {
		case n == nil:
		case failed && side == uptime.Path:
			n.needed, l.wanted = now, true
		default:
			n.heard = now
		}
		if failed {
			return // it says nothing of the way to its target
		}
	}
	to, ok := spokenTo(r)
	far := l.reachOf(to)
	if !ok || far <= link {
		return
	}
	failing := r.Outcome == uptime.OutcomeDown && side == uptime.Path || r.Fault == uptime.FaultLocalNoRoute
	switch {
	case failing:
	case r.Outcome == uptime.OutcomeUnknown:
		return
	case r.Fault == uptime.FaultTCPRefused || r.Fault == uptime.FaultTCPReset:
		return // a router without a line may say so in its place
	}
	l.wanted, l.seen = l.wanted || failing, l.seen || !failing
	l.spread.take(networkOf(to), far, failing, l.number, now)
}

func ofNames(f uptime.Fault) bool { return f >= uptime.FaultDNSTimeout && f <= uptime.FaultDNSDnssec }

// lookedUp reports whether a check got an address out of a resolver.
func lookedUp(r *uptime.Result) bool {
	for i := range r.Steps {
		if s := &r.Steps[i]; s.Step == "dns" {
			return s.Error == "" && s.Detail != "" && !strings.HasPrefix(s.Detail, "from ") // … a hosts file
		}
	}
	return false
}

// spread is what the distinct networks of the monitors said in the last ten
// seconds, each its newest word.
type spread struct {
	nets  map[netip.Prefix]heard
	order []moment  // oldest first; one whose network has spoken since is stale
	count [2][2]int // of private and of public ones, those that answer and those that fail
	since [2]int    // … and that answered since the newest round was asked
}

type heard struct {
	at      time.Time
	wide    int // 1: public
	failing bool
	round   uint64 // since which it has answered
}

type moment struct {
	network netip.Prefix
	at      time.Time
}

// maxNetworks bounds what is remembered; more add nothing to what they prove.
const maxNetworks = 1 << 14

func (s *spread) take(n netip.Prefix, far reach, failing bool, round uint64, now time.Time) {
	s.expire(now)
	was, known := s.nets[n]
	if !known {
		if len(s.nets) >= maxNetworks {
			return
		}
		if s.nets == nil {
			s.nets = map[netip.Prefix]heard{}
		}
	} else {
		s.count[was.wide][index(was.failing)]--
	}
	next := heard{at: now, failing: failing, round: was.round}
	if far == public {
		next.wide = 1
	}
	if !failing && next.round != round+1 {
		next.round = round + 1 // 0 is none
		s.since[next.wide]++
	}
	s.count[next.wide][index(failing)]++
	s.nets[n] = next
	if !known || now.Sub(was.at) >= time.Second || len(s.order) == 0 {
		s.order = append(s.order, moment{n, now})
	} else { // a network that is heard many times a second need not stand in line for each
		next.at = was.at
		s.nets[n] = next
	}
}

// mark begins to count who answers since a round was asked.
func (s *spread) mark() { s.since = [2]int{} }

// expire forgets what is too old to say how it is now.
func (s *spread) expire(now time.Time) {
	n := 0
	for n < len(s.order) && now.Sub(s.order[n].at) > fresh {
		m := s.order[n]
		if h, ok := s.nets[m.network]; ok && h.at.Equal(m.at) {
			s.count[h.wide][index(h.failing)]--
			delete(s.nets, m.network)
		}
		n++
	}
	if s.order = s.order[n:]; len(s.order) == 0 {
		s.order = nil
	}
}

// counts are the networks that answer, that fail, and that answered since the
// newest round was asked; only the public ones where that is wanted.
func (s *spread) counts(onlyPublic bool) (ok, failing, since int) {
	ok, failing, since = s.count[1][0], s.count[1][1], s.since[1]
	if !onlyPublic {
		ok, failing, since = ok+s.count[0][0], failing+s.count[0][1], since+s.since[0]
	}
	return ok, failing, since
}

// beside is how many networks there are that are not among some.
func (s *spread) beside(some []netip.Prefix, onlyPublic bool) int {
	ok, failing, _ := s.counts(onlyPublic)
	n := ok + failing
	for _, p := range some {
		if h, known := s.nets[p]; known && (h.wide == 1 || !onlyPublic) {
			n--
		}
	}
	return n
}

func index(failing bool) int {
	if failing {
		return 1
	}
	return 0
}
