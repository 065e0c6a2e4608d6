package desk

import (
	"net/netip"
	"slices"

	"golang.org/x/net/publicsuffix"

	"lookout/engine/uptime"
)

// eachCause visits what a monitor may share with others but for this node, the
// widest first: its network, its names, what it depends on, its host. The key is
// valid during the visit.
//
// The name is that of its host and the domain that was registered for it: what
// is wider belongs to others.
func eachCause(st *uptime.State, visit func(kind uptime.CauseKind, key []byte)) {
	var buf [64]byte
	host, addr := st.Where()
	if addr.IsValid() {
		visit(uptime.CauseNetwork, networkOf(addr).AppendTo(buf[:0]))
	}
	if host != "" && len(host) < 254 {
		if domain, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil && domain != host {
			visit(uptime.CauseName, []byte(domain))
		}
		visit(uptime.CauseName, []byte(host))
	}
	if st.Parent != "" {
		visit(uptime.CauseParent, []byte(st.Parent))
	}
	for _, on := range st.DependsOn {
		if on != st.Parent {
			visit(uptime.CauseParent, []byte(on))
		}
	}
	if addr.IsValid() {
		visit(uptime.CauseHost, addr.AppendTo(buf[:0]))
	}
}

// networkOf is the network that an address is taken to be in: its /24 or /48.
func networkOf(a netip.Addr) netip.Prefix {
	bits := 48
	if a.Is4() {
		bits = 24
	}
	p, _ := a.Prefix(bits)
	return p
}

// causesOf are those of a monitor, the widest first.
func causesOf(st *uptime.State, here bool) []uptime.Cause {
	var out []uptime.Cause
	if here && uptime.Speaks(st.Type) {
		out = append(out, uptime.Cause{Kind: uptime.CauseNode})
	}
	eachCause(st, func(kind uptime.CauseKind, key []byte) {
		c := uptime.Cause{Kind: kind, Key: string(key)}
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	})
	return out
}
