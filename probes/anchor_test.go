package probes

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

// TestOutside asks anchors of every kind, each within its time.
func TestOutside(t *testing.T) {
	answer := func(rcode int) func([]byte) [][]byte {
		return func(q []byte) [][]byte {
			m := new(dns.Msg)
			if m.Unpack(q) != nil {
				return nil
			}
			if m.Question[0].Name != "." || m.Question[0].Qtype != dns.TypeNS {
				t.Errorf("asked for %v: a resolver's other question tells somebody something", m.Question)
			}
			r := new(dns.Msg).SetRcode(m, rcode)
			r.RecursionAvailable = true
			if rcode == dns.RcodeSuccess {
				rr, _ := dns.NewRR(". 60 IN NS a.root-servers.net.")
				r.Answer = []dns.RR{rr}
			}
			b, _ := r.Pack()
			return [][]byte{b}
		}
	}
	silence := func([]byte) [][]byte { return nil }
	for _, tc := range []struct {
		name     string
		address  string
		resolver bool
		want     uptime.Answer
	}{
		{"a port that answers", probetest.Serve(t, func(net.Conn) {}), false, uptime.AnswerGood},
		{"one that refuses is there", probetest.Closed(t), false, uptime.AnswerGood},
		{"a resolver", probetest.ServeUDP(answer(dns.RcodeSuccess))(t), true, uptime.AnswerGood},
		{"one that cannot", probetest.ServeUDP(answer(dns.RcodeServerFailure))(t), true, uptime.AnswerPoor},
		{"one that will not", probetest.ServeUDP(answer(dns.RcodeRefused))(t), true, uptime.AnswerPoor},
		{"one that is silent", probetest.ServeUDP(silence)(t), true, uptime.AnswerNone},
		{"one that babbles", probetest.ServeUDP(func([]byte) [][]byte { return [][]byte{[]byte("no message of DNS at all")} })(t), true, uptime.AnswerNone},
		{"none there", probetest.Closed(t), true, uptime.AnswerNone},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := &Outside{asking("127.0.0.1:1")}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			a := uptime.Anchor{Address: netip.MustParseAddrPort(tc.address), Resolver: tc.resolver}
			if tc.want == uptime.AnswerNone {
				var stop context.CancelFunc
				ctx, stop = context.WithTimeout(ctx, 300*time.Millisecond)
				defer stop()
			}
			if got := o.Try(ctx, a); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestAround(t *testing.T) {
	o := &Outside{asking("127.0.0.53:53", "192.0.2.53:53")}
	resolvers, own := o.Around()
	if len(resolvers) != 2 {
		t.Errorf("resolvers %v", resolvers)
	}
	loopback := false
	for _, p := range own {
		loopback = loopback || p.Contains(netip.MustParseAddr("127.0.0.1"))
		if p != p.Masked() {
			t.Errorf("%v is no subnet", p)
		}
	}
	if !loopback {
		t.Errorf("of the subnets %v none has the loopback in it", own)
	}
}
