package probes

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"lookout/engine/uptime"
)

// secondFamily is how long a name's other family of addresses is waited for
// once one is there: a server that drops AAAA questions delays a check and
// does not fail it.
const secondFamily = time.Second

// family is what a name has of one family of addresses.
type family struct {
	qtype  uint16
	addrs  []netip.Addr
	ttl    uint32
	server netip.AddrPort
	f      *failure
}

// resolve returns the addresses of a host in the order to try them: IPv6
// first, and sorted, so that each check of a monitor meets the same one first.
// A literal is its own address; the hosts file comes before DNS.
func (s *system) resolve(ctx context.Context, t *trace, e endpoint) ([]netip.Addr, *failure) {
	host, ip := e.host, e.ip
	if ip == "each" {
		ip = "any"
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	start := time.Now()
	n := s.naming()
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if known := ofFamily(n.hosts[name], ip); len(known) > 0 {
		t.measure(dnsTime, t.step("dns", start, "", nil, "from "+s.hosts))
		return known, nil
	}
	var addrs []netip.Addr
	var detail string
	var f *failure
	for _, candidate := range candidates(host, n.search) {
		addrs, detail, f = lookup(ctx, n.servers, candidate, ip)
		if f == nil || !slices.Contains(nothing, f.fault) {
			break
		}
	}
	t.measure(dnsTime, time.Since(start))
	t.judged("dns", start, detail, f)
	return addrs, f
}

// nothing are the answers after which the next domain of the search list has its turn.
var nothing = []uptime.Fault{uptime.FaultDNSNxdomain, uptime.FaultDNSNodata, uptime.FaultDNSNoA, uptime.FaultDNSNoAAAA}

// candidates are the names to ask for: a name without a dot is tried in the
// domains of the search list first.
func candidates(host string, search []string) []string {
	var names []string
	if !strings.Contains(host, ".") {
		for _, domain := range search {
			names = append(names, host+"."+strings.Trim(domain, "."))
		}
	}
	return append(names, host)
}

func ofFamily(addrs []netip.Addr, ip string) []netip.Addr {
	var of []netip.Addr
	for _, a := range addrs {
		if ip == "any" || (ip == "4") == a.Unmap().Is4() {
			of = append(of, a)
		}
	}
	return sorted(of)
}

// sorted puts IPv6 first, then the smaller address, each once.
func sorted(addrs []netip.Addr) []netip.Addr {
	slices.SortFunc(addrs, func(a, b netip.Addr) int {
		if a.Is4() != b.Is4() {
			if b.Is4() {
				return -1
			}
			return 1
		}
		return a.Compare(b)
	})
	return slices.Compact(addrs)
}

// lookup asks for the addresses of a name, each family by itself.
func lookup(ctx context.Context, servers []netip.AddrPort, name, ip string) ([]netip.Addr, string, *failure) {
	switch ip {
	case "4":
		v4 := addressesOf(ctx, servers, name, dns.TypeA)
		return v4.addrs, v4.detail(), v4.only(uptime.FaultDNSNoA)
	case "6":
		v6 := addressesOf(ctx, servers, name, dns.TypeAAAA)
		return v6.addrs, v6.detail(), v6.only(uptime.FaultDNSNoAAAA)
	}
	asked, cancel := context.WithCancel(ctx)
	defer cancel()
	families := make(chan family, 2) // lookups to here, one each, so that none waits
	for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		go func() {
			var fam family
			defer func() {
				if p := recover(); p != nil {
					fam = family{qtype: qtype, f: panicked("DNS "+name, p)}
				}
				families <- fam
			}()
			fam = addressesOf(asked, servers, name, qtype)
		}()
	}
	first := <-families
	grace := time.Hour
	if len(first.addrs) > 0 {
		grace = secondFamily
	}
	timer := time.AfterFunc(grace, cancel)
	second := <-families
	if late := !timer.Stop(); late && second.f != nil {
		second.f = fail(uptime.FaultDNSTimeout, "DNS %s %s: no answer within %s", name, dns.TypeToString[second.qtype], uptime.Took(secondFamily))
	}
	v4, v6 := first, second
	if v4.qtype == dns.TypeAAAA {
		v4, v6 = v6, v4
	}
	addrs := sorted(append(v6.addrs, v4.addrs...))
	detail := v4.detail() + "; " + v6.detail()
	if len(addrs) > 0 {
		return addrs, detail, nil
	}
	if v4.f.fault == uptime.FaultDNSNodata { // then the other family says more, or the same
		return nil, detail, v6.f
	}
	return nil, detail, v4.f
}

// addressesOf asks for the addresses of one family. Without one there is a failure.
func addressesOf(ctx context.Context, servers []netip.AddrPort, name string, qtype uint16) family {
	msg, server, f := exchange(ctx, servers, name, qtype)
	fam := family{qtype: qtype, server: server, f: f}
	if f != nil {
		return fam
	}
	what := "DNS " + strings.TrimSuffix(name, ".")
	end, f := canonical(what, msg, dns.Fqdn(name))
	if f != nil {
		fam.f = f
		return fam
	}
	for _, rr := range msg.Answer {
		if !strings.EqualFold(rr.Header().Name, end) {
			continue
		}
		var a netip.Addr
		switch rr := rr.(type) {
		case *dns.A:
			a, _ = netip.AddrFromSlice(rr.A.To4())
		case *dns.AAAA:
			a, _ = netip.AddrFromSlice(rr.AAAA.To16())
		}
		if rr.Header().Rrtype == qtype && a.IsValid() {
			fam.addrs, fam.ttl = append(fam.addrs, a), rr.Header().Ttl
		}
	}
	alias := !strings.EqualFold(end, dns.Fqdn(name))
	switch {
	case msg.Rcode == dns.RcodeNameError && alias:
		fam.f = fail(uptime.FaultDNSCNAMEDangling, "%s: its alias %s does not exist (NXDOMAIN from %s)", what, strings.TrimSuffix(end, "."), server)
	case msg.Rcode == dns.RcodeNameError:
		fam.f = fail(uptime.FaultDNSNxdomain, "%s: NXDOMAIN from %s", what, server)
	case len(fam.addrs) == 0:
		fam.f = fail(uptime.FaultDNSNodata, "%s: no address (NODATA from %s)", what, server)
	case slices.ContainsFunc(fam.addrs, netip.Addr.IsUnspecified):
		fam.f = fail(uptime.FaultDNSSinkhole, "%s: %s from %s, a sinkhole's answer", what, fam.addrs[0], server)
		fam.addrs = nil
	}
	return fam
}

// canonical follows the aliases in an answer from name to where they end.
func canonical(what string, msg *dns.Msg, name string) (string, *failure) {
	for range len(msg.Answer) + 1 {
		next := ""
		for _, rr := range msg.Answer {
			if c, ok := rr.(*dns.CNAME); ok && strings.EqualFold(c.Hdr.Name, name) {
				next = c.Target
			}
		}
		if next == "" {
			return name, nil
		}
		name = next
	}
	return "", fail(uptime.FaultDNSCNAMELoop, "%s: its aliases run in a circle", what)
}

// only is the failure of a family where no other was asked for.
func (fam family) only(missing uptime.Fault) *failure {
	if fam.f != nil && fam.f.fault == uptime.FaultDNSNodata {
		return fail(missing, "%s", strings.Replace(fam.f.text, "no address", "no "+dns.TypeToString[fam.qtype]+" record", 1))
	}
	return fam.f
}

// detail says for people what a family came to.
func (fam family) detail() string {
	kind := dns.TypeToString[fam.qtype]
	switch {
	case fam.f != nil:
		return kind + ": " + fam.f.fault.String()
	case len(fam.addrs) == 1:
		return fmt.Sprintf("%s %s ttl %d from %s", kind, fam.addrs[0], fam.ttl, fam.server)
	}
	return fmt.Sprintf("%s %s and %d more ttl %d from %s", kind, fam.addrs[0], len(fam.addrs)-1, fam.ttl, fam.server)
}
