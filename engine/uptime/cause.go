package uptime

import (
	"net"
	"net/netip"
	"strings"
)

// Covers reports whether a monitor has this in common with others. Of the node,
// which all share, it says nothing: that is a matter of who confirmed an outage.
func (c Cause) Covers(st *State) bool {
	switch c.Kind {
	case CauseHost:
		addr, err := netip.ParseAddr(c.Key)
		return err == nil && st.addr() == addr.Unmap()
	case CauseNetwork:
		network, err := netip.ParsePrefix(c.Key)
		return err == nil && network.Contains(st.addr())
	case CauseName:
		host, key := strings.ToLower(strings.TrimSuffix(st.host(), ".")), strings.ToLower(c.Key)
		return key != "" && (host == key || strings.HasSuffix(host, "."+key))
	case CauseParent:
		if c.Key != "" && (st.Parent == c.Key || st.Name == c.Key) { // it is told with those behind it
			return true
		}
		for _, on := range st.DependsOn {
			if on == c.Key {
				return true
			}
		}
	}
	return false
}

// host is where a monitor's checks go, without its port.
func (s *State) host() string {
	if h, _, err := net.SplitHostPort(s.Dest); err == nil {
		return h
	}
	return s.Dest
}

// addr is the address that the newest check spoke to, or that is its host.
func (s *State) addr() netip.Addr {
	addr, err := netip.ParseAddr(s.host())
	if at, e := netip.ParseAddrPort(s.Address); e == nil {
		addr, err = at.Addr(), nil
	} else if a, e := netip.ParseAddr(s.Address); e == nil {
		addr, err = a, nil
	}
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}
