package probes

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"

	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

// internet is a small one: name servers at loopback addresses that share a
// port, which is that of every zone's servers. Its resolvers answer from what
// tests tell them.
type internet struct {
	port  uint16
	asked map[string]*atomic.Int32 // questions, by address
}

// answerer says what a server answers; nil is silence.
type answerer = func(*dns.Msg, bool) *dns.Msg

// newInternet starts a server at each of the addresses.
func newInternet(t testing.TB, servers map[string]answerer) *internet {
	t.Helper()
	for range 20 {
		in := &internet{asked: map[string]*atomic.Int32{}}
		var conns []net.PacketConn
		ok := true
		for host := range servers {
			c, err := net.ListenPacket("udp", net.JoinHostPort(host, strconv.Itoa(int(in.port))))
			if err != nil {
				ok = false // the port is taken there
				break
			}
			in.port = c.LocalAddr().(*net.UDPAddr).AddrPort().Port()
			in.asked[host] = new(atomic.Int32)
			conns = append(conns, c)
		}
		if !ok {
			for _, c := range conns {
				c.Close()
			}
			continue
		}
		var up, done sync.WaitGroup
		var running []*dns.Server
		for _, c := range conns {
			host := c.LocalAddr().(*net.UDPAddr).IP.String()
			n, answer := in.asked[host], servers[host]
			up.Add(1)
			s := &dns.Server{PacketConn: c, NotifyStartedFunc: up.Done, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
				n.Add(1)
				if m := answer(q, false); m != nil {
					w.WriteMsg(m)
				}
			})}
			done.Go(func() { s.ActivateAndServe() })
			running = append(running, s)
		}
		up.Wait()
		t.Cleanup(func() {
			for _, s := range running {
				s.Shutdown()
			}
			done.Wait()
		})
		return in
	}
	t.Skip("no port is free at all these loopback addresses")
	return nil
}

// asking is a machine of this internet with these resolvers.
func (in *internet) asking(hosts ...string) *system {
	var servers []string
	for _, h := range hosts {
		servers = append(servers, in.at(h).String())
	}
	sys := asking(servers...)
	sys.zonePort = in.port
	return sys
}

func (in *internet) at(host string) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr(host), in.port)
}

// plain is a message without the port.
func (in *internet) plain(message string) string {
	return strings.ReplaceAll(message, ":"+strconv.Itoa(int(in.port)), "")
}

// book answers names from a zone file: those that are not in it do not exist.
// With authority it is a zone's own server, else a resolver.
func book(t testing.TB, authority bool, records ...string) answerer {
	t.Helper()
	byName := map[string][]dns.RR{}
	var soa dns.RR
	for _, text := range records {
		rr, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.ToLower(rr.Header().Name)
		byName[name] = append(byName[name], rr)
		if rr.Header().Rrtype == dns.TypeSOA {
			soa = rr
		}
	}
	return func(q *dns.Msg, _ bool) *dns.Msg {
		m := new(dns.Msg).SetReply(q)
		m.Authoritative, m.RecursionAvailable = authority, !authority
		name := strings.ToLower(q.Question[0].Name)
		for range 8 {
			alias := ""
			for _, rr := range byName[name] {
				switch rr := rr.(type) {
				case *dns.CNAME:
					m.Answer, alias = append(m.Answer, rr), strings.ToLower(rr.Target)
				default:
					if rr.Header().Rrtype == q.Question[0].Qtype {
						m.Answer = append(m.Answer, rr)
					}
				}
			}
			if len(byName[name]) == 0 && !strings.HasSuffix(name, ".net.") { // .net. is elsewhere
				m.Rcode = dns.RcodeNameError
			}
			if alias == "" {
				break
			}
			name = alias
		}
		if len(m.Answer) == 0 && soa != nil {
			m.Ns = []dns.RR{soa}
		}
		return m
	}
}

func mute(*dns.Msg, bool) *dns.Msg { return nil }

const (
	soaRecord = "shop.test. 60 IN SOA ns.shop.test. root.shop.test. 1 60 60 60 60"
	nsRecord  = "shop.test. 60 IN NS ns.shop.test."
	glue      = "ns.shop.test. 60 IN A 127.0.0.3"
	addressRR = "www.shop.test. 60 IN A 127.0.0.9"
)

// TestSecondOpinion has a name fail at the first resolver, 127.0.0.1, and asks
// the second, 127.0.0.2, and the zone's own server, 127.0.0.3.
func TestSecondOpinion(t *testing.T) {
	zoneRecords := []string{soaRecord, nsRecord, glue}
	full := append(zoneRecords[:3:3], addressRR)
	gone, good := book(t, false, zoneRecords...), book(t, false, full...)
	ownGone, ownGood := book(t, true, zoneRecords...), book(t, true, full...)
	// fails is a resolver that fails over the name itself only.
	fails := func(code int) answerer {
		return func(q *dns.Msg, tcp bool) *dns.Msg {
			if q.Question[0].Name == "www.shop.test." {
				return rcode(code)(q, tcp)
			}
			return gone(q, tcp)
		}
	}
	tests := []struct {
		name               string
		first, second, own answerer
		fault              uptime.Fault
		says               string
		steps              string // of those who were asked, with what their detail begins
		agreed             bool
	}{
		{"all agree", gone, gone, ownGone, uptime.FaultDNSNxdomain, "NXDOMAIN from 127.0.0.1; 127.0.0.2 and its zone's own server 127.0.0.3 agree", "dns second agrees, dns zone agrees", true},
		{"only the first does not know it", gone, good, ownGood, uptime.FaultDNSResolversDisagree, "NXDOMAIN from 127.0.0.1, but 127.0.0.9 from 127.0.0.2 and its zone's own server 127.0.0.3", "dns second disagrees, dns zone disagrees", false},
		{"both are behind their zone", gone, gone, ownGood, uptime.FaultDNSResolversDisagree, "but 127.0.0.9 from its zone's own server 127.0.0.3", "dns second agrees, dns zone disagrees", false},
		{"the second is ahead", gone, good, ownGone, uptime.FaultDNSResolversDisagree, "but 127.0.0.9 from 127.0.0.2", "dns second disagrees, dns zone agrees", false},
		{"the others are silent", gone, mute, mute, uptime.FaultDNSNxdomain, "NXDOMAIN from 127.0.0.1", "dns second, dns zone", false},
		{"only the zone answers", gone, mute, ownGone, uptime.FaultDNSNxdomain, "; its zone's own server 127.0.0.3 agrees", "dns second, dns zone agrees", true},
		{"both fail, and the zone is well", fails(dns.RcodeServerFailure), fails(dns.RcodeServerFailure), ownGood, uptime.FaultDNSServfail,
			"SERVFAIL from 127.0.0.1; 127.0.0.9 from its zone's own server 127.0.0.3", "dns second, dns zone", false},
		{"both fail, and the zone has no such name", fails(dns.RcodeServerFailure), fails(dns.RcodeRefused), ownGone, uptime.FaultDNSServfail,
			"SERVFAIL from 127.0.0.1; NXDOMAIN from its zone's own server 127.0.0.3", "dns second, dns zone", false},
		{"the zone's server does not know it", fails(dns.RcodeServerFailure), fails(dns.RcodeServerFailure), rcode(dns.RcodeRefused), uptime.FaultDNSLame,
			"SERVFAIL from 127.0.0.1; its zone is delegated to 127.0.0.3, which does not know it (REFUSED)", "dns second, dns zone", false},
		{"the zone's server has no authority", fails(dns.RcodeServerFailure), fails(dns.RcodeServerFailure), rcode(dns.RcodeSuccess), uptime.FaultDNSLame,
			"delegated to 127.0.0.3, which does not know it (LAME)", "dns second, dns zone", false},
		{"a network answers in place of the zone's server", fails(dns.RcodeServerFailure), fails(dns.RcodeServerFailure), good, uptime.FaultDNSServfail,
			"SERVFAIL from 127.0.0.1", "dns second, dns zone", false},
		{"and says that there is no such name", gone, gone, gone, uptime.FaultDNSNxdomain, "NXDOMAIN from 127.0.0.1; 127.0.0.2 agrees", "dns second agrees, dns zone", false},
		{"a sinkhole", book(t, false, append(full[:3:3], "www.shop.test. 60 IN A 0.0.0.0")...), good, ownGood, uptime.FaultDNSSinkhole,
			"0.0.0.0 from 127.0.0.1, a sinkhole's answer; 127.0.0.9 from 127.0.0.2 and its zone's own server", "dns second disagrees, dns zone disagrees", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := newInternet(t, map[string]answerer{"127.0.0.1": tt.first, "127.0.0.2": tt.second, "127.0.0.3": tt.own})
			job := made(t, in.asking("127.0.0.1", "127.0.0.2"), "tcp", "tcp://www.shop.test:1", keys{"ip": "4"}, nil)
			if strings.Contains(tt.name, "silent") {
				job = soon(job)
			}
			r := once(t, job)
			message := in.plain(r.Message)
			var steps []string
			for _, s := range r.Steps[1:] {
				if s.Step == "dns verdict" {
					continue
				}
				word := s.Step
				for _, detail := range []string{uptime.DetailAgrees, uptime.DetailDisagrees} {
					if strings.HasPrefix(s.Detail, detail) {
						word += " " + detail
					}
				}
				steps = append(steps, word)
			}
			if r.Fault != tt.fault || !strings.Contains(message, tt.says) {
				t.Errorf("%s: %s\nwant %s: … %s", r.Fault, message, tt.fault, tt.says)
			}
			if got := strings.Join(steps, ", "); got != tt.steps {
				t.Errorf("steps %s, want %s\n%+v", got, tt.steps, r.Steps)
			}
			if r.NameAgreed() != tt.agreed {
				t.Errorf("agreed %t\n%+v", r.NameAgreed(), r.Steps)
			}
		})
	}
}

// TestGoodNameIsCheap asks nobody else where a name resolves, and the address answers.
func TestGoodNameIsCheap(t *testing.T) {
	in := newInternet(t, map[string]answerer{"127.0.0.1": book(t, false, "www.shop.test. 60 IN A 127.0.0.1"), "127.0.0.2": mute, "127.0.0.3": mute})
	_, port, _ := net.SplitHostPort(probetest.Serve(t, greet))
	r := once(t, made(t, in.asking("127.0.0.1", "127.0.0.2"), "tcp", "tcp://www.shop.test:"+port, nil, nil))
	if r.Fault != 0 || len(r.Steps) != 2 {
		t.Errorf("%s: %s\n%+v", r.Fault, r.Message, r.Steps)
	}
	if a, b := in.asked["127.0.0.1"].Load(), in.asked["127.0.0.2"].Load(); a != 2 || b != 0 {
		t.Errorf("%d and %d questions", a, b)
	}
}
