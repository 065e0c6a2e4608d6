package uptime

import (
	"fmt"
	"net/netip"
)

// ParseServer reads the address of a name server: 192.0.2.53, 192.0.2.53:5353,
// 2001:db8::1 or [2001:db8::1]:53. The port is 53 where none is written.
func ParseServer(s string) (netip.AddrPort, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.AddrPortFrom(a, 53), nil
	}
	if n := len(s); n > 2 && s[0] == '[' && s[n-1] == ']' {
		if a, err := netip.ParseAddr(s[1 : n-1]); err == nil {
			return netip.AddrPortFrom(a, 53), nil
		}
	}
	if a, err := netip.ParseAddrPort(s); err == nil && a.Port() != 0 {
		return a, nil
	}
	return netip.AddrPort{}, fmt.Errorf("%q is no address of a name server", Clean(s, 60))
}
