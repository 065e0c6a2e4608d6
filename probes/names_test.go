package probes

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

// namedList is the addresses of name servers.
func namedList(t testing.TB, servers ...string) []netip.AddrPort {
	t.Helper()
	var list []netip.AddrPort
	for _, s := range servers {
		a, err := uptime.ParseServer(s)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, a)
	}
	return list
}

// named has a monitor name its resolvers.
func named(t testing.TB, servers ...string) keys {
	return keys{"resolvers": namedList(t, servers...)}
}

// validating is a resolver that holds back what fails its DNSSEC check.
func validating(t testing.TB) func(*dns.Msg, bool) *dns.Msg {
	good := zone(t, "shop.test. 60 IN A 127.0.0.1")
	return func(q *dns.Msg, tcp bool) *dns.Msg {
		if q.CheckingDisabled {
			return good(q, tcp)
		}
		m := rcode(dns.RcodeServerFailure)(q, tcp)
		m.SetEdns0(1232, false)
		opt := m.IsEdns0()
		opt.Option = append(opt.Option, &dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeSignatureExpired, ExtraText: "RRSIG \x1b[31mexpired"})
		return m
	}
}

var nameFaults = []produced{
	{uptime.FaultDNSResolversDisagree, "NXDOMAIN from 127.0.0.1:", func(t *testing.T) uptime.Result {
		sys := asking(nameServer(t, false, rcode(dns.RcodeNameError)), nameServer(t, false, zone(t, "shop.test. 60 IN A 127.0.0.9")))
		return once(t, made(t, sys, "tcp", "tcp://shop.test:1", nil, nil))
	}},
	{uptime.FaultDNSDnssec, "told not to validate it answers", func(t *testing.T) uptime.Result {
		return once(t, made(t, testSystem(), "tcp", "tcp://shop.test:1", named(t, nameServer(t, false, validating(t))), nil))
	}},
	{uptime.FaultDNSDnssec, "(error 7, Signature Expired: RRSIG [31mexpired)", func(t *testing.T) uptime.Result {
		return once(t, made(t, testSystem(), "dns", "dns://"+nameServer(t, false, validating(t))+"/shop.test", nil, nil))
	}},
	{uptime.FaultDNSServfail, "SERVFAIL from", func(t *testing.T) uptime.Result { // of a resolver that nobody named it is not asked
		return quickly(t, made(t, asking(nameServer(t, false, validating(t))), "tcp", "tcp://shop.test:1", nil, nil))
	}},
	{uptime.FaultDNSSinkhole, "127.0.0.9 from 127.0.0.1:", func(t *testing.T) uptime.Result {
		sys := asking(nameServer(t, false, zone(t, "shop.test. 60 IN A 127.0.0.9")), nameServer(t, false, zone(t, "shop.test. 60 IN A 203.0.113.9")))
		_, port, _ := net.SplitHostPort(probetest.Closed(t))
		return once(t, made(t, sys, "tcp", "tcp://shop.test:"+port, nil, nil))
	}},
	{uptime.FaultTCPRefused, "TCP connect 127.0.0.9:", func(t *testing.T) uptime.Result { // private, and everybody says so
		same := zone(t, "shop.test. 60 IN A 127.0.0.9")
		_, port, _ := net.SplitHostPort(probetest.Closed(t))
		return once(t, made(t, asking(nameServer(t, false, same), nameServer(t, false, same)), "tcp", "tcp://shop.test:"+port, nil, nil))
	}},
	{uptime.FaultTCPV4OnlyDead, "1 of 2 addresses dead: TCP connect 127.0.0.1:", func(t *testing.T) uptime.Result {
		l, err := net.Listen("tcp", "[::1]:0")
		if err != nil {
			t.Skip("no IPv6 here")
		}
		defer l.Close()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		return once(t, made(t, testSystem(), "tcp", "tcp://twofold.test:"+port, keys{"ip": "each"}, nil))
	}},
	{uptime.FaultTCPV6OnlyDead, "1 of 2 addresses dead: TCP connect [::1]:", func(t *testing.T) uptime.Result {
		return once(t, made(t, testSystem(), "tcp", "tcp://twofold.test:"+onV4(t), keys{"ip": "each"}, nil))
	}},
	{uptime.FaultTCPSomeAddressesDead, "2 of 4 addresses dead: TCP connect 127.0.0.3:", func(t *testing.T) uptime.Result {
		in := []string{"127.0.0.2", "127.0.0.4"}
		port := "0"
		for _, host := range in {
			l, err := net.Listen("tcp", host+":"+port)
			if err != nil {
				t.Skip(err)
			}
			defer l.Close()
			_, port, _ = net.SplitHostPort(l.Addr().String())
		}
		sys := asking(nameServer(t, false, zone(t, "shop.test. 60 IN A 127.0.0.2", "shop.test. 60 IN A 127.0.0.3", "shop.test. 60 IN A 127.0.0.4", "shop.test. 60 IN A 127.0.0.5")))
		r := once(t, made(t, sys, "tcp", "tcp://shop.test:"+port, keys{"ip": "each"}, nil))
		if !slices.Contains([]string{"127.0.0.2:" + port, "127.0.0.4:" + port}, r.Address) || !strings.HasSuffix(r.Message, "refused, 127.0.0.5 refused; 127.0.0.2 answers") {
			t.Errorf("at %s: %s", r.Address, r.Message)
		}
		return r
	}},
	{uptime.FaultLocalConfig, "the source is no address of this machine", func(t *testing.T) uptime.Result {
		return once(t, made(t, testSystem(), "tcp", "tcp://127.0.0.1:1", keys{"source": "192.0.2.77"}, nil))
	}},
	{uptime.FaultLocalConfig, "no interface nosuch0", func(t *testing.T) uptime.Result {
		return once(t, made(t, testSystem(), "http", "http://127.0.0.1:1", keys{"source": "nosuch0"}, nil))
	}},
	{uptime.FaultLocalNoRoute, "the source ::1 is of the other family", func(t *testing.T) uptime.Result {
		return once(t, made(t, testSystem(), "udp", "udp://127.0.0.1:1", keys{"source": "::1", "send": "x"}, keys{"banner": "x"}))
	}},
}

// TestSource has the other side see where a check comes from.
func TestSource(t *testing.T) {
	from := make(chan string, 1) // the server to the test, once a check
	tcp := probetest.Serve(t, func(c net.Conn) {
		from <- c.RemoteAddr().(*net.TCPAddr).IP.String()
		c.Write([]byte("220 hello\r\n"))
	})
	for _, source := range []string{"127.0.0.7", "lo"} {
		want := source
		if source == "lo" {
			want = "127.0.0.1"
		}
		r := once(t, made(t, testSystem(), "tcp", "tcp://"+tcp, keys{"source": source}, keys{"banner": "^220"}))
		if r.Fault != 0 {
			t.Fatalf("%s: %s: %s", source, r.Fault, r.Message)
		}
		if got := <-from; got != want {
			t.Errorf("from %s, want %s", got, want)
		}
	}
}

// TestAbstain counts no address to which this place has no way.
func TestAbstain(t *testing.T) {
	_, port, _ := net.SplitHostPort(probetest.Serve(t, greet))
	r := once(t, made(t, testSystem(), "tcp", "tcp://twofold.test:"+port, keys{"ip": "each", "source": "127.0.0.1"}, nil))
	if r.Fault != 0 || len(r.Steps) < 3 || r.Steps[1].Address[0] != '[' || r.Steps[1].Detail != "not counted: this place has no way there" {
		t.Errorf("%s: %s\n%+v", r.Fault, r.Message, r.Steps)
	}
}

// TestCandidates has ndots decide who is asked for a name, and when.
func TestCandidates(t *testing.T) {
	for _, tt := range []struct {
		host  string
		ndots int
		want  string
	}{
		{"db", 1, "db.a.test db.b.test db"},
		{"db.", 1, "db."},
		{"www.shop", 1, "www.shop"},
		{"www.shop", 5, "www.shop www.shop.a.test www.shop.b.test"},
		{"www.shop.", 5, "www.shop."},
		{"a.b.c.d.e.f", 5, "a.b.c.d.e.f"},
		{"db", 0, "db.a.test db.b.test db"},
	} {
		n := &naming{conf: conf{domains: []string{"a.test", "b.test."}, ndots: tt.ndots}}
		if got := strings.Join(n.candidates(tt.host), " "); got != tt.want {
			t.Errorf("%s with %d: %s, want %s", tt.host, tt.ndots, got, tt.want)
		}
	}
}

// TestNamedResolvers leaves files out where a monitor names its resolvers.
func TestNamedResolvers(t *testing.T) {
	server := nameServer(t, false, zone(t, "twofold.test. 60 IN A 127.0.0.6"))
	job := made(t, testSystem(), "tcp", "tcp://twofold.test:1", named(t, server), nil)
	if r := quickly(t, job); !strings.HasPrefix(r.Address, "127.0.0.6:") {
		t.Errorf("%s: %s", r.Address, r.Message)
	}
	sys := testSystem()
	sys.forced = namedServers(namedList(t, server), anywhere)
	job = made(t, sys, "dns", "dns:twofold.test", named(t, "127.0.0.1:9"), keys{"answers": []string{"127.0.0.6"}})
	if r := once(t, job); r.Fault != 0 {
		t.Errorf("forced: %s: %s", r.Fault, r.Message)
	}
	if addrs, f := sys.resolve(t.Context(), newTrace(), endpoint{host: "localhost", ip: "4"}); f != nil || len(addrs) != 1 {
		t.Errorf("%v, %+v", addrs, f)
	}
}

// TestNoDatagrams asks over TCP at once where resolv.conf says use-vc.
func TestNoDatagrams(t *testing.T) {
	var datagrams atomic.Int32
	good := zone(t, "shop.test. 60 IN A 127.0.0.2")
	sys := asking(nameServer(t, true, func(q *dns.Msg, tcp bool) *dns.Msg {
		if !tcp {
			datagrams.Add(1)
		}
		return good(q, tcp)
	}))
	sys.names.Load().tcp = true
	addrs, f := sys.resolve(t.Context(), newTrace(), endpoint{host: "shop.test", ip: "4"})
	if f != nil || len(addrs) != 1 || datagrams.Load() != 0 {
		t.Errorf("%v, %+v, %d datagrams", addrs, f, datagrams.Load())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	refusing := asking(probetest.Closed(t))
	refusing.names.Load().tcp = true
	if _, f := refusing.resolve(ctx, newTrace(), endpoint{host: "shop.test", ip: "4"}); f == nil || f.fault != uptime.FaultDNSTruncatedNoTCP || !strings.Contains(f.text, "use-vc") {
		t.Errorf("%+v", f)
	}
}

// TestBeforeEDNS asks a server without EDNS that understands nothing else.
func TestBeforeEDNS(t *testing.T) {
	good := zone(t, "shop.test. 60 IN A 127.0.0.2")
	for _, code := range []int{dns.RcodeFormatError, dns.RcodeNotImplemented} {
		sys := asking(nameServer(t, false, func(q *dns.Msg, tcp bool) *dns.Msg {
			if q.IsEdns0() != nil {
				return rcode(code)(q, tcp)
			}
			return good(q, tcp)
		}))
		if addrs, f := sys.resolve(t.Context(), newTrace(), endpoint{host: "shop.test", ip: "4"}); f != nil || len(addrs) != 1 {
			t.Errorf("%v, %+v", addrs, f)
		}
	}
}

// TestPatience leaves time for the zone's server where one resolver fails and another is silent.
func TestPatience(t *testing.T) {
	in := newInternet(t, map[string]answerer{
		"127.0.0.1": func(q *dns.Msg, tcp bool) *dns.Msg {
			if q.Question[0].Name == "www.shop.test." {
				return rcode(dns.RcodeServerFailure)(q, tcp)
			}
			return book(t, false, soaRecord, nsRecord, glue)(q, tcp)
		},
		"127.0.0.2": mute,
		"127.0.0.3": rcode(dns.RcodeRefused),
	})
	job := made(t, in.asking("127.0.0.1", "127.0.0.2"), "tcp", "tcp://www.shop.test:1", nil, nil)
	job.Timeout = 2 * time.Second
	if r := once(t, job); r.Fault != uptime.FaultDNSLame {
		t.Errorf("%s: %s\n%+v", r.Fault, r.Message, r.Steps)
	}
}

// TestDownTheZones follows referrals, and an alias into another zone, to the
// servers that are responsible.
func TestDownTheZones(t *testing.T) {
	referring := func(q *dns.Msg, tcp bool) *dns.Msg { // of the zone above
		m := new(dns.Msg).SetReply(q)
		ns, _ := dns.NewRR("shop.test. 60 IN NS ns.shop.test.")
		a, _ := dns.NewRR("ns.shop.test. 60 IN A 127.0.0.4")
		m.Ns, m.Extra = []dns.RR{ns}, []dns.RR{a}
		return m
	}
	resolver := func(q *dns.Msg, tcp bool) *dns.Msg {
		switch q.Question[0].Name {
		case "www.shop.test.", "shop.test.":
			return rcode(dns.RcodeServerFailure)(q, tcp)
		}
		return book(t, false, "test. 60 IN NS ns.test.", "ns.test. 60 IN A 127.0.0.3",
			"cdn.net. 60 IN NS ns.cdn.net.", "ns.cdn.net. 60 IN A 127.0.0.5", "cdn.net. 60 IN SOA ns.cdn.net. root.cdn.net. 1 60 60 60 60")(q, tcp)
	}
	in := newInternet(t, map[string]answerer{
		"127.0.0.1": resolver,
		"127.0.0.3": referring,
		"127.0.0.4": book(t, true, "www.shop.test. 60 IN CNAME x.cdn.net."),
		"127.0.0.5": book(t, true, "x.cdn.net. 60 IN A 203.0.113.9"),
	})
	r := once(t, made(t, in.asking("127.0.0.1"), "tcp", "tcp://www.shop.test:1", keys{"ip": "4"}, nil))
	last := r.Steps[len(r.Steps)-2]
	if r.Fault != uptime.FaultDNSServfail || last.Step != uptime.StepDNSZone || !strings.HasPrefix(last.Address, "127.0.0.5:") || !strings.Contains(last.Detail, "203.0.113.9") {
		t.Errorf("%s: %s\n%+v", r.Fault, r.Message, r.Steps)
	}
}
