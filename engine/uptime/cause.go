package uptime

import (
	"net"
	"net/netip"
	"slices"
	"strings"
)

// Covers reports whether an incident has this in common with others. What is known
// of its monitor may be nil: it is no longer watched.
func (c Cause) Covers(in *Incident, st *State) bool {
	switch {
	case c.Kind == CauseNode:
		return in.Alone() && (st == nil || Speaks(st.Type))
	case st == nil:
		return false
	case c.Kind == CauseParent: // it is told with those behind it
		return c.Key != "" && (st.Parent == c.Key || st.Name == c.Key || slices.Contains(st.DependsOn, c.Key))
	}
	host, at := st.Where()
	switch c.Kind {
	case CauseHost:
		addr, err := netip.ParseAddr(c.Key)
		return err == nil && at == addr.Unmap()
	case CauseNetwork:
		network, err := netip.ParsePrefix(c.Key)
		return err == nil && network.Contains(at)
	case CauseName:
		key := strings.ToLower(c.Key)
		return key != "" && (host == key || strings.HasSuffix(host, "."+key))
	}
	return false
}

// Speaks reports whether checks of a type speak to their target themselves, and
// may be made at any time.
func Speaks(checkType string) bool {
	switch checkType {
	case "group", "beat", "domain", "exec":
		return false
	}
	return true
}

// Where is where the checks of a monitor go: its host in small letters, "" for one
// that is an address, and the address that the newest check spoke to, or that is
// its host. Of a type that does not speak to its target, both are zero.
func (s *State) Where() (host string, addr netip.Addr) {
	if !Speaks(s.Type) {
		return "", netip.Addr{}
	}
	host = s.Dest
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	addr, err := netip.ParseAddr(host)
	if err == nil {
		host = ""
	}
	if at, err := netip.ParseAddrPort(s.Address); err == nil {
		addr = at.Addr()
	} else if a, err := netip.ParseAddr(s.Address); err == nil {
		addr = a
	}
	return strings.ToLower(strings.TrimSuffix(host, ".")), addr.Unmap().WithZone("")
}

// Alone reports whether an incident was judged from this machine alone.
func (i *Incident) Alone() bool {
	if len(i.ConfirmedBy) > 0 {
		return false
	}
	for k := range i.Evidence {
		if e := &i.Evidence[k]; e.Outcome == OutcomeDown && e.Location != "" && e.Location != Local {
			return false
		}
	}
	return true
}
