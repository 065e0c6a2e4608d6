package probes

import (
	"context"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"lookout/engine/uptime"
)

// Bounds on the way to the servers of a name's zone: what others publish leads it.
const (
	maxLabels    = 20 // of a name, on the way up to its zone
	maxReferrals = 4  // down from there
	maxAliases   = 4  // from zone to zone
	maxHosts     = 4  // servers of a zone that are looked up
	maxServers   = 4  // their addresses that are asked
)

// atZone asks the servers of a name's own zone, and where an alias leads into
// another zone, those of that one.
func (s *system) atZone(ctx context.Context, p puzzle) finding {
	got := finding{}
	name := p.name
	for range maxAliases {
		z := s.ownServers(ctx, p, name)
		if z.f != nil {
			return finding{reply: reply{server: z.asked, f: z.f}}
		}
		got = p.ask(ctx, query{name: name, zone: z.name, door: s.toZone(p)}, z.servers)
		if got.f == nil || got.end == "" || strings.EqualFold(got.end, dns.Fqdn(name)) {
			break
		}
		name = got.end
	}
	return got
}

// toZone is the way to servers that a zone names: whoever is asked for names,
// these are where others lead to.
func (s *system) toZone(p puzzle) door { return s.door(p.door.via) }

// zoneOf is a zone and the servers that it is delegated to.
type zoneOf struct {
	name    string
	hosts   []string
	servers []netip.AddrPort
	asked   netip.AddrPort // one that was asked and failed; invalid: none was
	f       *failure
}

// ownServers finds the servers of the zone that a name is in: up from the name
// until the resolvers know servers, then down again by what these say, for
// resolvers know nothing of a zone whose servers are lame.
func (s *system) ownServers(ctx context.Context, p puzzle, name string) zoneOf {
	z, glue := s.delegation(ctx, p, dns.Fqdn(strings.ToLower(name)))
	for range maxReferrals {
		if z.f != nil {
			return z
		}
		if z.servers = s.serversOf(ctx, p, z.hosts, glue); len(z.servers) == 0 {
			z.f = fail(uptime.FaultDNSTimeout, "DNS %s: no address of the servers of its zone %s is known", shown(name), shown(z.name))
			return z
		}
		r := exchange(ctx, query{name: name, qtype: dns.TypeA, zone: z.name, door: s.toZone(p)}, z.servers)
		if r.f != nil {
			z.asked, z.f = r.server, r.f
			return z
		}
		below := referral(r.msg, z.name, name)
		if below == "" {
			return z
		}
		z.name, z.hosts, glue = below, hostsOf(r.msg.Ns, below), r.msg.Extra
	}
	z.f = fail(uptime.FaultDNSTimeout, "DNS %s: its zone is not found within %d referrals", shown(name), maxReferrals)
	return z
}

// delegation asks the resolvers for the servers of the next zone at or above a name.
func (s *system) delegation(ctx context.Context, p puzzle, at string) (zoneOf, []dns.RR) {
	name := at
	for range maxLabels {
		if at == "." || ctx.Err() != nil {
			break
		}
		r := exchange(ctx, query{name: at, qtype: dns.TypeNS, tcp: p.n.tcp, door: p.door}, p.n.servers)
		up := parent(at)
		if r.f == nil {
			if hosts := hostsOf(r.msg.Answer, at); len(hosts) > 0 {
				return zoneOf{name: at, hosts: hosts}, r.msg.Extra
			}
			for _, rr := range r.msg.Ns { // the start of the zone saves the way up to it
				apex := strings.ToLower(rr.Header().Name)
				if rr.Header().Rrtype == dns.TypeSOA && dns.IsSubDomain(apex, up) {
					up = apex
				}
			}
		}
		at = up
	}
	return zoneOf{f: fail(uptime.FaultDNSTimeout, "DNS %s: the servers of its zone are not known", shown(strings.TrimSuffix(name, ".")))}, nil
}

// parent is the name above a fully qualified one.
func parent(name string) string {
	i, end := dns.NextLabel(name, 0)
	if end {
		return "."
	}
	return name[i:]
}

// hostsOf are the names of a zone's servers in a section of a message, sorted.
func hostsOf(section []dns.RR, zone string) []string {
	var hosts []string
	for _, rr := range section {
		if ns, ok := rr.(*dns.NS); ok && strings.EqualFold(ns.Hdr.Name, zone) {
			hosts = append(hosts, strings.ToLower(ns.Ns))
		}
	}
	slices.Sort(hosts)
	hosts = slices.Compact(hosts)
	return hosts[:min(len(hosts), maxHosts)]
}

// serversOf are the addresses of a zone's servers: those that came along, else
// what the resolvers say. IPv4 comes first here: nobody waits for a server
// that this machine has no way to.
func (s *system) serversOf(ctx context.Context, p puzzle, hosts []string, glue []dns.RR) []netip.AddrPort {
	var servers []netip.AddrPort
	for _, host := range hosts {
		addrs := addressesIn(glue, host)
		if len(addrs) == 0 && len(servers) < maxServers {
			addrs = lookup(ctx, query{name: host, tcp: p.n.tcp, door: p.door}, p.n.servers, "any").addrs
		}
		for _, a := range addrs {
			if !a.IsUnspecified() && !a.IsMulticast() {
				servers = append(servers, netip.AddrPortFrom(a, s.zonePort))
			}
		}
	}
	slices.SortStableFunc(servers, func(a, b netip.AddrPort) int {
		switch {
		case a.Addr().Is4() == b.Addr().Is4():
			return 0
		case a.Addr().Is4():
			return -1
		}
		return 1
	})
	servers = slices.Compact(servers)
	return servers[:min(len(servers), maxServers)]
}

// addressesIn are the addresses of a host in a section of a message.
func addressesIn(section []dns.RR, host string) []netip.Addr {
	var addrs []netip.Addr
	for _, a := range addressRecords(section, host) {
		addrs = append(addrs, a)
	}
	return addrs
}

// addressRecords yields the addresses of a host in a section of a message, of
// both families, each with the header of its record.
func addressRecords(section []dns.RR, host string) iter.Seq2[*dns.RR_Header, netip.Addr] {
	return func(yield func(*dns.RR_Header, netip.Addr) bool) {
		for _, rr := range section {
			if !strings.EqualFold(rr.Header().Name, host) {
				continue
			}
			var a netip.Addr
			switch rr := rr.(type) {
			case *dns.A:
				a, _ = netip.AddrFromSlice(rr.A.To4())
			case *dns.AAAA:
				a, _ = netip.AddrFromSlice(rr.AAAA.To16())
			}
			if a.IsValid() && !yield(rr.Header(), a) {
				return
			}
		}
	}
}
