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

// each asks every address of the server that is watched, by itself. One
// that answers wrongly decides; else the answer is that of the first which
// answers as it should.
func (c dnsCheck) each(ctx context.Context, t *trace, q query, addrs []netip.Addr) *failure {
	d := newDialling(q.door, c.server, addrs)
	var first finding
	for i, a := range d.addrs {
		if d.done(ctx) {
			break
		}
		within, cancel := context.WithTimeout(ctx, d.share(ctx, t, i))
		start := time.Now()
		got := c.ask(within, q, []netip.AddrPort{netip.AddrPortFrom(a, c.server.port)})
		cancel()
		if got.msg == nil {
			got.f = c.blame(got)
		}
		took := t.opine("dns", start, got, "")
		switch {
		case got.f != nil && definite(got.f): // resolvers take its word
			d.wrong = append(d.wrong, deadAddress{a, got.f})
			continue
		case got.f != nil:
			d.dead = append(d.dead, deadAddress{a, got.f})
			continue
		case len(d.good) == 0:
			t.measure(dnsTime, took)
			first = got
		}
		d.good = append(d.good, a)
	}
	if len(d.good) == 0 {
		t.measure(dnsTime, time.Since(t.start))
	}
	if len(d.wrong) > 0 {
		t.res.Address = netip.AddrPortFrom(d.wrong[0].addr, c.server.port).String()
		return d.wrongly()
	}
	if len(d.good) == 0 {
		return worst(d.dead)
	}
	t.res.Address = first.server.String()
	t.complainOf(d)
	return c.more(ctx, t, puzzle{n: namedServers([]netip.AddrPort{first.server}, c.sys.guard), name: c.name, door: q.door, ask: c.ask, first: first})
}

// hints holds the addresses that HTTPS and SVCB records carry against the A
// and AAAA records of their target. A browser goes to a hint while it still
// waits for those, so that one left behind by a move sends people to the wrong
// place: the answer is wrong, and not just less than it could be.
func (c dnsCheck) hints(ctx context.Context, t *trace, p puzzle) *failure {
	type asked struct {
		target string
		v4     bool
	}
	known := map[asked]family{}
	for _, rr := range c.records(p.first.msg) {
		target, hints := dataHints(rr)
		for _, hint := range hints {
			key := asked{strings.ToLower(target), hint.Is4()}
			fam, ok := known[key]
			if !ok {
				if len(known) == 2*maxAliases {
					return nil // enough is enough
				}
				fam = c.hinted(ctx, t, p, key.target, key.v4)
				known[key] = fam
			}
			if fam.f != nil && !definite(fam.f) || slices.Contains(fam.addrs, hint) {
				continue // nobody knows, or it is right
			}
			return fail(uptime.FaultDNSWrongAnswer, "DNS %s %s: its hint %s is no address of %s, which has %s",
				strings.TrimSuffix(c.name, "."), dns.TypeToString[c.qtype], hint, shown(strings.TrimSuffix(target, ".")), addressList(fam.addrs))
		}
	}
	return nil
}

// hinted asks for the addresses of a family that hints are about.
func (c dnsCheck) hinted(ctx context.Context, t *trace, p puzzle, target string, v4 bool) family {
	qtype := dns.TypeAAAA
	if v4 {
		qtype = dns.TypeA
	}
	start := time.Now()
	fam := addressesOf(ctx, query{name: target, tcp: p.n.tcp, door: p.door}, p.n.servers, qtype)
	t.judged("hints", start, fam.detail(), fam.f)
	return fam
}

// serials compares the serials that the servers of a zone show, each asked by
// itself. A silent one is passed over: others look after that.
func (c dnsCheck) serials(ctx context.Context, t *trace, p puzzle) *failure {
	what := "DNS " + strings.TrimSuffix(c.name, ".") + " SOA"
	z := c.sys.ownServers(ctx, p, c.name)
	if z.f != nil {
		return z.f
	}
	seen := map[uint32]string{}
	var order []uint32
	for i, server := range z.servers {
		start := time.Now()
		within, cancel := context.WithTimeout(ctx, left(ctx)/time.Duration(len(z.servers)-i))
		r := exchange(within, query{name: c.name, qtype: dns.TypeSOA, zone: z.name, door: c.sys.toZone(p)}, []netip.AddrPort{server})
		cancel()
		serial, ok := serialOf(r.msg)
		detail := ""
		if ok {
			detail = fmt.Sprintf("serial %d", serial)
		}
		t.opine("serial", start, finding{text: detail, reply: r}, "")
		switch {
		case r.f != nil && slices.Contains(noAuthority, r.f.fault):
			return fail(uptime.FaultDNSLame, "%s: %s, which the zone is delegated to, does not know it (%s)", what, server, r.f.word())
		case ok && seen[serial] == "":
			seen[serial] = server.String()
			order = append(order, serial)
		}
	}
	switch len(order) {
	case 0:
		return fail(uptime.FaultDNSTimeout, "%s: no server of the zone answers", what)
	case 1:
		return nil
	}
	return fail(uptime.FaultDNSWrongAnswer, "%s: serial %d at %s, but %d at %s", what, order[0], seen[order[0]], order[1], seen[order[1]])
}

func serialOf(m *dns.Msg) (uint32, bool) {
	if m != nil {
		for _, rr := range m.Answer {
			if soa, ok := rr.(*dns.SOA); ok {
				return soa.Serial, true
			}
		}
	}
	return 0, false
}

func addressList(addrs []netip.Addr) string {
	if len(addrs) == 0 {
		return "none"
	}
	var all []string
	for _, a := range addrs[:min(len(addrs), 4)] {
		all = append(all, a.String())
	}
	return strings.Join(all, ", ")
}
