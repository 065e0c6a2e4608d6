package config

import (
	"fmt"
	"net/netip"
	"slices"

	"lookout/engine/uptime"
)

// maxAnchors is how many addresses tell whether we are online; more prove no more.
const maxAnchors = 16

// anchors reads the addresses of [self_check]. They are literals: whoever has
// to ask for a name first depends on what is to be told apart.
func (l *loader) anchors() []netip.AddrPort {
	const key = "self_check.anchors"
	b, path := l.set[key], []string{"self_check", "anchors"}
	list := uptime.Value[[]string](l.globals, key, nil)
	if len(list) > maxAnchors {
		l.fail(b, path, fmt.Sprintf("anchors has %d addresses; at most %d are possible", len(list), maxAnchors), "Four in three networks are enough")
		return nil
	}
	var out []netip.AddrPort
	for _, s := range list {
		a, err := netip.ParseAddrPort(s)
		a = netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
		switch {
		case err != nil || a.Port() == 0 || a.Addr().Zone() != "":
			l.fail(b, path, fmt.Sprintf("anchors: %q is no address with a port", shown(s)), anchorHint(s))
		case a.Addr().IsUnspecified() || a.Addr().IsMulticast():
			l.fail(b, path, fmt.Sprintf("anchors: %s is no address of another machine", a.Addr()), "")
		case slices.Contains(out, a):
			l.fail(b, path, fmt.Sprintf("anchors has %s twice", a), "")
		default:
			if a.Addr().IsLoopback() {
				l.warn(b, path, fmt.Sprintf("anchors: %s is this machine itself, which tells nothing of its line", a), "")
			}
			out = append(out, a)
		}
	}
	return out
}

// anchorHint says how to write an anchor.
func anchorHint(s string) string {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return fmt.Sprintf("Write it with the port that answers there: %q", netip.AddrPortFrom(a, 443).String())
	}
	return `No name: without a line there is nobody to look it up. Write it like "192.0.2.1:443" or "[2001:db8::1]:443"`
}
