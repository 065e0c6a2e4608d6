package probes

import "net/netip"

// Addresses that are no host's on the internet, or that hosts are told secrets
// at: what a check that somebody else ordered has no business with.
var reservedPrefixes = []struct {
	prefix netip.Prefix
	why    string
}{
	{netip.MustParsePrefix("169.254.169.254/32"), "where clouds tell their machines secrets"},
	{netip.MustParsePrefix("169.254.170.0/24"), "where clouds tell their machines secrets"}, // AWS, of containers
	{netip.MustParsePrefix("100.100.100.200/32"), "where clouds tell their machines secrets"},
	{netip.MustParsePrefix("168.63.129.16/32"), "where clouds tell their machines secrets"}, // Azure, a public address
	{netip.MustParsePrefix("192.0.0.192/32"), "where clouds tell their machines secrets"},
	{netip.MustParsePrefix("fd00:ec2::/32"), "where clouds tell their machines secrets"},
	{netip.MustParsePrefix("fd20:ce::254/128"), "where clouds tell their machines secrets"},
	{netip.MustParsePrefix("127.0.0.0/8"), "the loopback"},
	{netip.MustParsePrefix("::1/128"), "the loopback"},
	{netip.MustParsePrefix("0.0.0.0/8"), "an address of this host"},
	{netip.MustParsePrefix("::/128"), "an address of this host"},
	{netip.MustParsePrefix("10.0.0.0/8"), "a private address"},
	{netip.MustParsePrefix("172.16.0.0/12"), "a private address"},
	{netip.MustParsePrefix("192.168.0.0/16"), "a private address"},
	{netip.MustParsePrefix("fc00::/7"), "a private address"},
	{netip.MustParsePrefix("fec0::/10"), "a private address"}, // site-local, of old
	{shared, "an address behind a carrier's NAT"},
	{netip.MustParsePrefix("169.254.0.0/16"), "an address of a link"},
	{netip.MustParsePrefix("fe80::/10"), "an address of a link"},
	{netip.MustParsePrefix("224.0.0.0/4"), "a multicast address"},
	{netip.MustParsePrefix("ff00::/8"), "a multicast address"},
	{netip.MustParsePrefix("192.0.0.0/24"), "a reserved address"},
	{netip.MustParsePrefix("198.18.0.0/15"), "an address for benchmarks of networks"},
	{netip.MustParsePrefix("240.0.0.0/4"), "a reserved address"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "a local translation to IPv4"},
	{netip.MustParsePrefix("2001::/32"), "a Teredo address"},
	{netip.MustParsePrefix("100::/64"), "an address that is discarded"},
}

// reserved says what an address is that is refused by default, "" for others.
func reserved(a netip.Addr) string {
	for _, r := range reservedPrefixes {
		if r.prefix.Contains(a) {
			return r.why
		}
	}
	return ""
}

// Prefixes of IPv6 addresses with an IPv4 address inside, and where it begins.
var translations = []struct {
	prefix netip.Prefix
	at     int
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12},    // NAT64 (RFC 6052)
	{netip.MustParsePrefix("2002::/16"), 2},        // 6to4 (RFC 3056)
	{netip.MustParsePrefix("::ffff:0:0:0/96"), 12}, // SIIT (RFC 2765)
	{netip.MustParsePrefix("::/96"), 12},           // "compatible", of old (RFC 4291)
}

// embedded is the IPv4 address that an IPv6 address stands for.
func embedded(a netip.Addr) (netip.Addr, bool) {
	if !a.Is6() || a.IsUnspecified() || a.IsLoopback() {
		return netip.Addr{}, false
	}
	b := a.As16()
	for _, t := range translations {
		if t.prefix.Contains(a) {
			return netip.AddrFrom4([4]byte(b[t.at : t.at+4])), true
		}
	}
	if b[10] == 0x5e && b[11] == 0xfe && (b[8] == 0 || b[8] == 2) && b[9] == 0 { // ISATAP (RFC 5214)
		return netip.AddrFrom4([4]byte(b[12:16])), true
	}
	return netip.Addr{}, false
}
