package probes

import (
	"context"
	"net"
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"lookout/engine/uptime"
)

// Outside looks at the line of this machine, for a check of ourselves: who is
// around it, and who answers. It may be used by any number at once.
type Outside struct{ sys *system }

// NewOutside makes one that asks the resolvers of resolv.conf.
func NewOutside() *Outside { return &Outside{newSystem("/etc/resolv.conf", "/etc/hosts")} }

// Around returns the system's resolvers, as they are now, and the subnets of
// the interfaces of this machine.
func (o *Outside) Around() (resolvers []netip.AddrPort, own []netip.Prefix) {
	addrs, _ := net.InterfaceAddrs() // without them nothing counts as near
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		ip, ok := netip.AddrFromSlice(n.IP)
		if ones, _ := n.Mask.Size(); ok {
			if p, err := ip.Unmap().Prefix(ones); err == nil && !slices.Contains(own, p) {
				own = append(own, p)
			}
		}
	}
	slices.SortFunc(own, netip.Prefix.Compare)
	return o.sys.naming().servers, own
}

// Try asks one anchor within ctx's deadline: a TCP connection that is closed at
// once, or the question of DNS that tells nobody anything, for the root's servers.
func (o *Outside) Try(ctx context.Context, a uptime.Anchor) uptime.Answer {
	if a.Resolver {
		return o.question(ctx, a.Address)
	}
	c, err := ourDoor.dial(ctx, "tcp", a.Address)
	if err == nil {
		c.Close()
		return uptime.AnswerGood
	}
	switch f := ourDoor.via.connectFailure(a.Address, err, 0); {
	case f.fault == uptime.FaultTCPRefused, f.fault == uptime.FaultTCPReset: // somebody there said so
		return uptime.AnswerGood
	case starved(f.fault):
		return uptime.AnswerVoid
	}
	return uptime.AnswerNone
}

func (o *Outside) question(ctx context.Context, server netip.AddrPort) uptime.Answer {
	q := query{name: ".", qtype: dns.TypeNS, tcp: o.sys.naming().tcp, door: ourDoor}
	r := exchange(ctx, q, []netip.AddrPort{server})
	switch {
	case r.f == nil:
		return uptime.AnswerGood
	case starved(r.f.fault):
		return uptime.AnswerVoid
	case slices.Contains(unhelpful, r.f.fault):
		return uptime.AnswerPoor
	}
	return uptime.AnswerNone
}

// unhelpful are the answers of a resolver that is there and cannot look a name up.
var unhelpful = []uptime.Fault{uptime.FaultDNSServfail, uptime.FaultDNSRefused, uptime.FaultDNSFormerr, uptime.FaultDNSNotimp,
	uptime.FaultDNSLame, uptime.FaultDNSTruncatedNoTCP}

// starved reports whether we lack what it takes to ask.
func starved(f uptime.Fault) bool {
	switch f {
	case uptime.FaultLocalFDLimit, uptime.FaultLocalPortExhausted, uptime.FaultLocalNoMemory:
		return true
	}
	return false
}
