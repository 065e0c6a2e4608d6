package desk

import (
	"net"
	"net/netip"
	"slices"
	"strings"

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
	var addr netip.Addr
	if speaks(st.Type) {
		host := st.Dest
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		addr, _ = netip.ParseAddr(host)
		named := !addr.IsValid()
		if at, err := netip.ParseAddrPort(st.Address); err == nil {
			addr = at.Addr()
		} else if a, err := netip.ParseAddr(st.Address); err == nil {
			addr = a
		}
		addr = addr.Unmap().WithZone("")
		if addr.IsValid() {
			visit(uptime.CauseNetwork, networkOf(addr).AppendTo(buf[:0]))
		}
		if host = strings.TrimSuffix(host, "."); named && host != "" && len(host) < 254 {
			host = strings.ToLower(host)
			if domain, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil && domain != host {
				visit(uptime.CauseName, []byte(domain))
			}
			visit(uptime.CauseName, []byte(host))
		}
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

// speaks reports whether checks of a type speak to their target themselves, and
// may be made at any time.
func speaks(checkType string) bool {
	switch checkType {
	case "group", "beat", "domain", "exec":
		return false
	}
	return true
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
	if here && speaks(st.Type) {
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

// here reports whether an incident was judged from this machine alone.
func here(in *uptime.Incident) bool {
	if len(in.ConfirmedBy) > 0 {
		return false
	}
	for i := range in.Evidence {
		if e := &in.Evidence[i]; e.Outcome == uptime.OutcomeDown && e.Location != "" && e.Location != uptime.Local {
			return false
		}
	}
	return true
}
