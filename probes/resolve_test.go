package probes

import (
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"

	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

// resolving makes a check that resolves shop.test at a name server.
func resolving(overTCP bool, values keys, answer func(t testing.TB) func(*dns.Msg, bool) *dns.Msg) func(*testing.T) uptime.Result {
	return func(t *testing.T) uptime.Result {
		sys := asking(nameServer(t, overTCP, answer(t)))
		return quickly(t, made(t, sys, "tcp", "tcp://shop.test:1", values, nil))
	}
}

func always(answer func(*dns.Msg, bool) *dns.Msg) func(testing.TB) func(*dns.Msg, bool) *dns.Msg {
	return func(testing.TB) func(*dns.Msg, bool) *dns.Msg { return answer }
}

func records(rrs ...string) func(testing.TB) func(*dns.Msg, bool) *dns.Msg {
	return func(t testing.TB) func(*dns.Msg, bool) *dns.Msg { return zone(t, rrs...) }
}

func truncated(m *dns.Msg) { m.Truncated = true }

var dnsFaults = []produced{
	{uptime.FaultDNSTimeout, "DNS shop.test: no answer from 127.0.0.1:", resolving(false, nil, always(func(*dns.Msg, bool) *dns.Msg { return nil }))},
	{uptime.FaultDNSServfail, "DNS shop.test: SERVFAIL from 127.0.0.1:", resolving(false, nil, always(rcode(dns.RcodeServerFailure)))},
	{uptime.FaultDNSRefused, "REFUSED from", resolving(false, nil, always(rcode(dns.RcodeRefused)))},
	{uptime.FaultDNSFormerr, "FORMERR from", resolving(false, nil, always(rcode(dns.RcodeFormatError)))},
	{uptime.FaultDNSNotimp, "NOTIMP from", resolving(false, nil, always(rcode(dns.RcodeNotImplemented)))},
	{uptime.FaultDNSMalformed, "malformed answer from", func(t *testing.T) uptime.Result {
		to := probetest.ServeUDP(func(q []byte) [][]byte {
			return [][]byte{append([]byte{q[0], q[1], 0x81, 0x80}, "garbage"...), append([]byte{q[0], q[1], 0x81, 0x80}, "long garbage"...)}
		})(t)
		return quickly(t, made(t, asking(to), "tcp", "tcp://shop.test:1", nil, nil))
	}},
	{uptime.FaultDNSMalformed, "YXDOMAIN from", resolving(false, nil, always(rcode(dns.RcodeYXDomain)))},
	{uptime.FaultDNSMalformed, "answers to another question", resolving(false, nil, always(func(q *dns.Msg, _ bool) *dns.Msg {
		m := new(dns.Msg).SetReply(q)
		m.Id++
		return m
	}))},
	{uptime.FaultDNSMalformed, "answers to another question", resolving(false, nil, always(func(q *dns.Msg, _ bool) *dns.Msg {
		m := new(dns.Msg).SetReply(q)
		m.Question[0].Name = "other.test."
		return m
	}))},
	{uptime.FaultDNSTruncatedNoTCP, "TCP fails: connection refused", resolving(false, nil, always(rcode(dns.RcodeSuccess, truncated)))},
	{uptime.FaultDNSSinkhole, "0.0.0.0 from", resolving(false, nil, records("shop.test. 60 IN A 0.0.0.0"))},
	{uptime.FaultDNSNxdomain, "DNS shop.test: NXDOMAIN from 127.0.0.1:", resolving(false, nil, always(rcode(dns.RcodeNameError)))},
	{uptime.FaultDNSNodata, "DNS shop.test: no address (NODATA from 127.0.0.1:", resolving(false, nil, records())},
	{uptime.FaultDNSNoA, "no A record (NODATA from", resolving(false, keys{"ip": "4"}, records("shop.test. 60 IN AAAA ::1"))},
	{uptime.FaultDNSNoAAAA, "no AAAA record (NODATA from", resolving(false, keys{"ip": "6"}, records("shop.test. 60 IN A 127.0.0.1"))},
	{uptime.FaultDNSLame, "lame delegation", resolving(false, nil, always(rcode(dns.RcodeSuccess)))},
	{uptime.FaultDNSCNAMELoop, "circle", resolving(false, nil, records("shop.test. 60 IN CNAME a.test.", "a.test. 60 IN CNAME shop.test."))},
	{uptime.FaultDNSCNAMEDangling, "its alias gone.test does not exist", resolving(false, nil, always(func(q *dns.Msg, _ bool) *dns.Msg {
		m := new(dns.Msg).SetRcode(q, dns.RcodeNameError)
		rr, _ := dns.NewRR("shop.test. 60 IN CNAME gone.test.")
		m.Answer = []dns.RR{rr}
		return m
	}))},
	{uptime.FaultDNSWrongAnswer, "DNS shop.test MX: 10 mx2.test. from", func(t *testing.T) uptime.Result {
		to := nameServer(t, false, zone(t, "shop.test. 60 IN MX 10 mx2.test."))
		return once(t, made(t, testSystem(), "dns", "dns://"+to+"/shop.test?type=MX", nil, keys{"answers": []string{"mx1.test"}}))
	}},
}

func TestResolve(t *testing.T) {
	long := make([]string, 60)
	for i := range long {
		long[i] = "shop.test. 60 IN A 127.0.0." + netip.AddrFrom4([4]byte{0, 0, 0, byte(i + 1)}).String()[6:]
	}
	tests := []struct {
		name    string
		answer  func(*dns.Msg, bool) *dns.Msg
		tcp     bool
		ip      string
		want    string // the first
		count   int
		servers []string // asked before the good one
	}{
		{name: "A", answer: zone(t, "shop.test. 60 IN A 127.0.0.2"), want: "127.0.0.2", count: 1},
		{name: "IPv6 first", answer: zone(t, "shop.test. 60 IN A 127.0.0.2", "shop.test. 60 IN AAAA ::1"), want: "::1", count: 2},
		{name: "only IPv4", ip: "4", answer: zone(t, "shop.test. 60 IN A 127.0.0.2", "shop.test. 60 IN AAAA ::1"), want: "127.0.0.2", count: 1},
		{name: "sorted, each once", answer: zone(t, "shop.test. 60 IN A 127.0.0.3", "shop.test. 60 IN A 127.0.0.2", "SHOP.test. 61 IN A 127.0.0.2"), want: "127.0.0.2", count: 2},
		{name: "alias", answer: zone(t, "shop.test. 60 IN CNAME b.test.", "b.test. 60 IN CNAME c.test.", "c.test. 60 IN A 127.0.0.4", "other.test. 60 IN A 127.0.0.1"), want: "127.0.0.4", count: 1},
		{name: "over TCP", tcp: true, want: "127.0.0.1", count: 60, answer: func(q *dns.Msg, tcp bool) *dns.Msg {
			m := zone(t, long...)(q, tcp)
			if !tcp && len(m.Answer) > 0 {
				m.Answer, m.Truncated = m.Answer[:20], true
			}
			return m
		}},
		{name: "AAAA fails", want: "127.0.0.2", count: 1, answer: func(q *dns.Msg, tcp bool) *dns.Msg {
			if q.Question[0].Qtype == dns.TypeAAAA {
				return rcode(dns.RcodeServerFailure)(q, tcp)
			}
			return zone(t, "shop.test. 60 IN A 127.0.0.2")(q, tcp)
		}},
		{name: "AAAA silent", want: "127.0.0.2", count: 1, answer: func(q *dns.Msg, tcp bool) *dns.Msg {
			if q.Question[0].Qtype == dns.TypeAAAA {
				return nil
			}
			return zone(t, "shop.test. 60 IN A 127.0.0.2")(q, tcp)
		}},
		{name: "second server", want: "127.0.0.2", count: 1, answer: zone(t, "shop.test. 60 IN A 127.0.0.2"),
			servers: []string{nameServer(t, false, rcode(dns.RcodeServerFailure))}},
		{name: "third, as the others are closed or silent", want: "127.0.0.2", count: 1, answer: zone(t, "shop.test. 60 IN A 127.0.0.2"),
			servers: []string{probetest.Closed(t), nameServer(t, false, func(*dns.Msg, bool) *dns.Msg { return nil })}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sys := asking(append(tt.servers, nameServer(t, tt.tcp, tt.answer))...)
			ip := tt.ip
			if ip == "" {
				ip = "any"
			}
			base := probetest.Count()
			addrs, f := sys.resolve(t.Context(), newTrace(), endpoint{host: "Shop.test", ip: ip})
			probetest.Settled(t, base)
			if f != nil || len(addrs) != tt.count || addrs[0].String() != tt.want {
				t.Errorf("%v, %+v; want %d, the first %s", addrs, f, tt.count, tt.want)
			}
		})
	}
}

// TestRetransmit loses the first packet of a question.
func TestRetransmit(t *testing.T) {
	var lost atomic.Bool
	good := zone(t, "shop.test. 60 IN A 127.0.0.2", "shop.test. 60 IN AAAA ::1")
	sys := asking(nameServer(t, false, func(q *dns.Msg, tcp bool) *dns.Msg {
		if !lost.Swap(true) {
			return nil
		}
		return good(q, tcp)
	}))
	tr := newTrace()
	addrs, f := sys.resolve(t.Context(), tr, endpoint{host: "shop.test", ip: "4"})
	if f != nil || len(addrs) != 1 {
		t.Fatalf("%v, %+v", addrs, f)
	}
	if took := tr.took[dnsTime]; took < retransmit[1] || took > retransmit[2] {
		t.Errorf("took %s", took)
	}
}

func TestSearchAndHosts(t *testing.T) {
	asked := make(chan string, 16) // the name server to the test; more than it is asked
	sys := asking(nameServer(t, false, func(q *dns.Msg, tcp bool) *dns.Msg {
		asked <- q.Question[0].Name
		if q.Question[0].Name == "db.corp.test." {
			return zone(t, "db.corp.test. 60 IN A 127.0.0.2")(q, tcp)
		}
		if q.Question[0].Name == "db.lab.test." { // it has the other family only
			return zone(t)(q, tcp)
		}
		return rcode(dns.RcodeNameError)(q, tcp)
	}))
	n := *sys.names.Load()
	n.domains = []string{"lab.test", "corp.test"}
	n.hosts = parseHosts("127.0.0.9 Box box.test # ours\n::1 box\nbad line\n")
	sys.names.Store(&n)
	if addrs, f := sys.resolve(t.Context(), newTrace(), endpoint{host: "db", ip: "4"}); f != nil || addrs[0].String() != "127.0.0.2" {
		t.Errorf("%v, %+v", addrs, f)
	}
	if a, b := <-asked, <-asked; a != "db.lab.test." || b != "db.corp.test." {
		t.Errorf("asked for %s, then %s", a, b)
	}
	for _, name := range []string{"BOX.test.", "box"} {
		if addrs, f := sys.resolve(t.Context(), newTrace(), endpoint{host: name, ip: "4"}); f != nil || addrs[0].String() != "127.0.0.9" {
			t.Errorf("%v, %+v", addrs, f)
		}
	}
	if addrs, _ := sys.resolve(t.Context(), newTrace(), endpoint{host: "localhost", ip: "any"}); len(addrs) != 2 {
		t.Errorf("localhost is %v", addrs)
	}
	if addrs, _ := sys.resolve(t.Context(), newTrace(), endpoint{host: "2001:db8::1", ip: "any"}); len(addrs) != 1 {
		t.Errorf("a literal is %v", addrs)
	}
}
