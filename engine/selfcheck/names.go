package selfcheck

import (
	"net/netip"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// Silent are resolvers of which none is of any use.
type Silent struct {
	Servers string // as Servers names them; "" for the system's
	Why     string // one sentence
}

// Servers names a list of resolvers: "" for none, which are the system's.
func Servers(list []netip.AddrPort) string {
	texts := make([]string, len(list))
	for i, a := range list {
		texts[i] = a.String()
	}
	return strings.Join(texts, ", ")
}

// resolvers are those of the system, or those that a monitor names.
type resolvers struct {
	servers string
	anchors []*anchor
	needed  time.Time // when a check last had no answer to a question for a name
	heard   time.Time // … and when one had
	why     string    // they are of no use; "": they are, as far as is known
}

const (
	maxResolvers = 32        // lists of them that are looked at, beside the system's
	idleAfter    = time.Hour // a list that nobody needed for so long is not looked at
)

// resolversOf are those of a list; nil where there are too many lists.
func (l *Line) resolversOf(list []netip.AddrPort, now time.Time) *resolvers {
	servers := Servers(list)
	for _, n := range l.names {
		if n.servers == servers {
			return n
		}
	}
	kept := l.names[:0]
	for _, n := range l.names {
		if n.servers == "" || n.why != "" || now.Sub(later(n.needed, n.heard)) < idleAfter {
			kept = append(kept, n)
		}
	}
	if l.names = kept; len(l.names) > maxResolvers {
		return nil
	}
	n := &resolvers{servers: servers}
	for _, a := range list {
		n.anchors = append(n.anchors, &anchor{Anchor: uptime.Anchor{Address: a, Resolver: true}})
	}
	l.names = append(l.names, n)
	return n
}

// doubted are the resolvers beside the system's that the next round asks.
func (l *Line) doubted(now time.Time) []*anchor {
	var out []*anchor
	for _, n := range l.names {
		if n.servers != "" && (n.why != "" || !n.needed.IsZero() && now.Sub(n.needed) <= fresh) {
			out = append(out, n.anchors...)
		}
	}
	return out
}

// lookups finds out which resolvers are of use.
func (l *Line) lookups(now time.Time) {
	was := len(l.state.Silent)
	var silent []Silent
	for _, n := range l.names {
		if n.why = l.useless(n, now); n.why != "" {
			silent = append(silent, Silent{n.servers, n.why})
		}
	}
	if was > 0 || len(silent) > 0 {
		l.state.Silent = silent
	}
}

// useless says why none of some resolvers is of use; "" where one may be.
func (l *Line) useless(n *resolvers, now time.Time) string {
	r := &l.round
	switch {
	case l.offline(), len(n.anchors) == 0, !n.heard.IsZero() && !n.heard.Before(r.began):
		return ""
	case !r.decided, n.why == "" && (n.needed.IsZero() || now.Sub(n.needed) > fresh || now.Sub(r.began) > fresh):
		return n.why
	}
	usable := n.heard.IsZero()
	var silent []string
	for _, a := range n.anchors {
		switch {
		case a.in != r.number, a.said == uptime.AnswerVoid:
			return n.why // it was not asked
		case a.said == uptime.AnswerGood, a.said == uptime.AnswerPoor && !a.useful:
			return ""
		case a.said == uptime.AnswerPoor:
			silent = append(silent, a.Address.String()+" cannot look anything up")
		default:
			silent = append(silent, a.Address.String()+" is silent")
		}
		usable = usable || a.spoke
	}
	if !usable {
		return "" // none ever took a question of ours, but those of checks
	}
	return "no name server answers: " + strings.Join(silent, ", ")
}

// resolving reports whether some resolvers are of no use.
func (l *Line) resolving() bool { return len(l.state.Silent) == 0 }

// Down says why the resolvers that Servers names are of no use; "" where they may be.
func (s *State) Down(servers string) string {
	for _, x := range s.Silent {
		if x.Servers == servers {
			return x.Why
		}
	}
	return ""
}
