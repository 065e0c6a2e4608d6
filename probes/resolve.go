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
	qtype uint16
	addrs []netip.Addr
	ttl   uint32
	end   string // without an address: where its aliases lead to; "" for none
	reply
}

// finding is what servers said about a name.
type finding struct {
	addrs []netip.Addr // IPv6 first, if addresses were asked for
	text  string       // what they found, for people
	end   string       // they found nothing because an alias leads to this name, which may not be theirs
	reply              // f is nil where they found what was wanted
}

// asker asks servers about a name, and says whether they know what is wanted of it.
type asker func(ctx context.Context, q query, servers []netip.AddrPort) finding

// resolve returns the addresses of a host in the order to try them: IPv6
// first, and sorted, so that each check of a monitor meets the same one first.
// A literal is its own address; the hosts file comes before DNS. Where a name
// fails, others are asked about it. Those that a policy refuses are left out.
func (s *system) resolve(ctx context.Context, t *trace, e endpoint) ([]netip.Addr, *failure) {
	addrs, f := s.addresses(ctx, t, e)
	if f != nil {
		return nil, f
	}
	return s.guard.permitted(e.host, addrs)
}

// addresses is resolve under no policy.
func (s *system) addresses(ctx context.Context, t *trace, e endpoint) ([]netip.Addr, *failure) {
	if e.at.IsValid() {
		return []netip.Addr{e.at}, nil
	}
	if a, err := netip.ParseAddr(e.host); err == nil {
		return []netip.Addr{a}, nil
	}
	ip := e.ip
	if ip == "each" {
		ip = "any"
	}
	start := time.Now()
	n := s.namesFor(e.via)
	name := strings.ToLower(strings.TrimSuffix(e.host, "."))
	if known := ofFamily(n.hosts[name], ip); len(known) > 0 {
		t.measure(dnsTime, t.step("dns", start, "", nil, "from "+s.hosts))
		return known, nil
	}
	ask := func(ctx context.Context, q query, servers []netip.AddrPort) finding {
		return lookup(ctx, q, servers, ip)
	}
	got, asked := n.search(ctx, e, ask)
	t.measure(dnsTime, time.Since(start))
	t.judged("dns", start, got.text, got.f)
	p := puzzle{n: n, name: asked, door: n.way(e.via), ask: ask, first: got}
	if got.f != nil {
		return nil, s.consult(ctx, t, p)
	}
	if !slices.ContainsFunc(got.addrs, public) {
		t.doubt = &p
	}
	return got.addrs, nil
}

// search asks for a host and, where it is short, in the domains of the search
// list. It returns the name whose answer it is.
func (n *naming) search(ctx context.Context, e endpoint, ask asker) (finding, string) {
	var first finding
	names := n.candidates(e.host)
	for i, name := range names {
		got := ask(ctx, query{name: name, tcp: n.tcp, door: n.way(e.via)}, n.servers)
		if got.f == nil || !slices.Contains(nothing, got.f.fault) {
			return got, name
		}
		if i == 0 {
			first = got
		}
	}
	if len(names) > 1 {
		first.f = fail(first.f.fault, "%s; also tried %s", first.f.text, strings.Join(names[1:], ", "))
	}
	return first, names[0]
}

// way is how questions to these servers go: the system's resolvers are asked
// the system's way, wherever a check leaves from.
func (n *naming) way(v *via) door {
	if n.named {
		return door{v, n.guard}
	}
	return ourDoor
}

// nothing are the answers after which the next domain of the search list has its turn.
var nothing = []uptime.Fault{uptime.FaultDNSNxdomain, uptime.FaultDNSNodata, uptime.FaultDNSNoA, uptime.FaultDNSNoAAAA}

// candidates are the names to ask for. A name without a dot is tried in the
// domains of the search list first. One with dots, but fewer than ndots, is
// tried there last: a domain of ours does not answer for somebody else's name
// that is there, and where ndots is 1, as it is by default, not even for one that is gone.
func (n *naming) candidates(host string) []string {
	var names []string
	dots := strings.Count(host, ".")
	if dots < max(n.ndots, 1) && !strings.HasSuffix(host, ".") {
		for _, domain := range n.domains {
			names = append(names, host+"."+strings.Trim(domain, "."))
		}
	}
	if dots == 0 {
		return append(names, host)
	}
	return append([]string{host}, names...)
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
func lookup(ctx context.Context, q query, servers []netip.AddrPort, ip string) finding {
	switch ip {
	case "4":
		return addressesOf(ctx, q, servers, dns.TypeA).only(uptime.FaultDNSNoA)
	case "6":
		return addressesOf(ctx, q, servers, dns.TypeAAAA).only(uptime.FaultDNSNoAAAA)
	}
	asked, cancel := context.WithCancel(ctx)
	defer cancel()
	families := make(chan family, 2) // lookups to here, one each, so that none waits
	for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		go func() {
			var fam family
			defer func() {
				if p := recover(); p != nil {
					fam = family{qtype: qtype, reply: reply{f: panicked(q.what(), p)}}
				}
				families <- fam
			}()
			fam = addressesOf(asked, q, servers, qtype)
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
		second.f = fail(uptime.FaultDNSTimeout, "%s %s: no answer within %s", q.what(), dns.TypeToString[second.qtype], uptime.Took(secondFamily))
	}
	v4, v6 := first, second
	if v4.qtype == dns.TypeAAAA {
		v4, v6 = v6, v4
	}
	got := finding{addrs: sorted(append(v6.addrs, v4.addrs...)), text: v4.detail() + "; " + v6.detail(), reply: v4.reply}
	switch {
	case len(got.addrs) > 0:
		got.f = nil
	case v4.f.fault == uptime.FaultDNSNodata: // then the other family says more, or the same
		got.reply = v6.reply
	}
	if got.end = v4.end; got.end == "" {
		got.end = v6.end
	}
	return got
}

// addressesOf asks for the addresses of one family. Without one there is a failure.
func addressesOf(ctx context.Context, q query, servers []netip.AddrPort, qtype uint16) family {
	q.qtype = qtype
	fam := family{qtype: qtype, reply: exchange(ctx, q, servers)}
	if fam.f != nil {
		return fam
	}
	what, msg := q.what(), fam.msg
	end, f := canonical(what, msg, dns.Fqdn(q.name))
	if f != nil {
		fam.f = f
		return fam
	}
	for h, a := range addressRecords(msg.Answer, end) {
		if h.Rrtype == qtype {
			fam.addrs, fam.ttl = append(fam.addrs, a), h.Ttl
		}
	}
	alias := !strings.EqualFold(end, dns.Fqdn(q.name))
	switch {
	case msg.Rcode == dns.RcodeNameError && alias:
		fam.f = fail(uptime.FaultDNSCNAMEDangling, "%s: its alias %s does not exist (NXDOMAIN from %s)", what, shown(strings.TrimSuffix(end, ".")), fam.server)
	case msg.Rcode == dns.RcodeNameError:
		fam.f = fail(uptime.FaultDNSNxdomain, "%s: NXDOMAIN from %s", what, fam.server)
	case len(fam.addrs) == 0:
		fam.f = fail(uptime.FaultDNSNodata, "%s: no address (NODATA from %s)", what, fam.server)
		if alias {
			fam.end = end
		}
	case slices.ContainsFunc(fam.addrs, netip.Addr.IsUnspecified):
		fam.f = fail(uptime.FaultDNSSinkhole, "%s: %s from %s, a sinkhole's answer", what, fam.addrs[0], fam.server)
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

// only is what a family comes to where no other was asked for.
func (fam family) only(missing uptime.Fault) finding {
	got := finding{addrs: sorted(fam.addrs), text: fam.detail(), end: fam.end, reply: fam.reply}
	if fam.f != nil && fam.f.fault == uptime.FaultDNSNodata {
		got.f = fail(missing, "%s", strings.Replace(fam.f.text, "no address", "no "+dns.TypeToString[fam.qtype]+" record", 1))
	}
	return got
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
