package probes

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

func TestContract(t *testing.T) {
	sys := testSystem()
	web := func(t testing.TB) string {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("hello")) }))
		t.Cleanup(srv.Close)
		return srv.URL
	}
	hostile := strings.ReplaceAll(probetest.Hostile, "\x00", "")
	suites := []probetest.Suite{
		{Type: typeOf(t, sys, "http"), Network: "tcp", Good: web,
			URL: func(a string) string { return "http://" + a + "/" }, Expect: keys{"body_contains": []string{"hello"}}},
		{Type: typeOf(t, sys, "http"), Network: "tcp", Good: web,
			URL: func(a string) string { return "https://" + a + "/" }},
		{Type: typeOf(t, sys, "tcp"), Network: "tcp",
			Good: func(t testing.TB) string { return "tcp://" + probetest.Serve(t, greet) },
			URL:  func(a string) string { return "tcp://" + a }, Expect: keys{"banner": "^220 hello"}},
		{Type: typeOf(t, sys, "tls"), Network: "tcp",
			Good: func(t testing.TB) string {
				ca := newCA(t, "root", nil)
				return "tls://" + tlsServer(t, &tls.Config{Certificates: []tls.Certificate{ca.issue(t, nil)}})
			},
			Values: keys{"verify": "none"},
			URL:    func(a string) string { return "tls://" + a }},
		{Type: typeOf(t, sys, "dns"), Network: "udp",
			Good: func(t testing.TB) string {
				return "dns://" + nameServer(t, false, zone(t, "good.test. 60 IN A 192.0.2.1")) + "/good.test"
			},
			URL: func(a string) string { return "dns://" + a + "/good.test?type=A" }},
		{Type: typeOf(t, sys, "icmp"), Values: keys{"count": int64(1)}, Good: func(t testing.TB) string {
			mayPing(t)
			return "icmp://127.0.0.1"
		}},
		{Type: typeOf(t, sys, "websocket"), Network: "tcp",
			Good: func(t testing.TB) string { return socketServer(t, echoes) },
			URL:  func(a string) string { return "ws://" + a + "/" }, Expect: keys{"banner": "news"}},
		{Type: typeOf(t, sys, "grpc"), Network: "tcp",
			Good: func(t testing.TB) string { return grpcServer(t, health(serving1, "0", "")) },
			URL:  func(a string) string { return "grpc://" + a }},
		{Type: typeOf(t, sys, "ssh"), Network: "tcp",
			Good: func(t testing.TB) string { return "ssh://" + sshServer(t, nil, signer(t, nil)) },
			URL:  func(a string) string { return "ssh://" + a }},
		{Type: typeOf(t, sys, "exec"), Values: keys{"command": "echo", "args": []string{hostile + "|" + hostile + "=1"}},
			Good: func(testing.TB) string { return "exec:echo" }},
		{Type: typeOf(t, sys, "domain"), Network: "tcp", Values: keys{"server": registry(t, 200, registered("shop.test", 300*day, `,"a\u001b[31m\u202eb"`))},
			Good: func(testing.TB) string { return "domain:shop.test" },
			URL:  func(string) string { return "domain:other.test" }, // whose date no registry told before
			At:   func(a string) keys { return keys{"server": "http://" + a} }},
		{Type: typeOf(t, sys, "redis"), Network: "tcp",
			Good: func(t testing.TB) string { return "redis://" + probetest.Serve(t, redisServer(pongs)) },
			URL:  func(a string) string { return "redis://" + a }},
		{Type: typeOf(t, sys, "mysql"), Network: "tcp",
			Good: func(t testing.TB) string {
				return "mysql://" + probetest.Serve(t, mysqlServer(nil, mysqlGreeting("8.4.0"), mysqlRefuses(2, 1045, denied)))
			},
			URL: func(a string) string { return "mysql://" + a }},
		{Type: typeOf(t, sys, "udp"), Network: "udp", Values: keys{"send": "PING"}, Expect: keys{"banner": "^PONG"},
			Good: func(t testing.TB) string { return "udp://" + probetest.ServeUDP(pong("PONG"))(t) },
			URL:  func(a string) string { return "udp://" + a }},
		{Type: typeOf(t, sys, "ntp"), Network: "udp",
			Good: func(t testing.TB) string { return "ntp://" + probetest.ServeUDP(timeServer(0, nil))(t) },
			URL:  func(a string) string { return "ntp://" + a }},
	}
	for _, p := range protocols {
		for _, security := range []string{"", "+starttls"} {
			if security != "" && p.name != "smtp" { // the way to TLS is the same for all
				continue
			}
			suites = append(suites, probetest.Suite{
				Type: typeOf(t, sys, p.name), Network: "tcp", Values: keys{"verify": "none"}, Bad: badServices[p.name],
				Good: func(t testing.TB) string {
					target, _ := started(t, p.name+security, p.server, nil)
					return target
				},
				URL: func(a string) string { return p.name + security + "://" + a },
			})
		}
	}
	for _, s := range suites {
		s.Run = new(Runner).Run
		t.Run(s.Type.Name, func(t *testing.T) { probetest.Run(t, s) })
	}
}

// TestTypes holds what the registry says against what a configuration needs.
func TestTypes(t *testing.T) {
	seen := map[string]bool{}
	for _, ct := range Types() {
		if ct.Name == "" || ct.Summary == "" || ct.New == nil || len(ct.Schemes) == 0 || seen[ct.Name] {
			t.Errorf("%s: not whole, or twice", ct.Name)
		}
		for _, s := range append([]string{ct.Name}, ct.Schemes...) {
			if s != ct.Name && seen[s] {
				t.Errorf("scheme %s twice", s)
			}
			seen[s] = true
		}
		for _, table := range [][]uptime.Key{ct.Keys, ct.Expect} {
			names := map[string]bool{}
			for _, k := range table {
				if k.Name == "" || k.Doc == "" || k.Example == "" || names[k.Name] {
					t.Errorf("%s: key %q needs a doc and an example, once", ct.Name, k.Name)
				}
				names[k.Name] = true
			}
		}
		if len(ct.Measures) == 0 || len(ct.Measures) > uptime.MaxMeasures {
			t.Errorf("%s: %d measures", ct.Name, len(ct.Measures))
		}
		if _, err := uptime.ParseFault(tooSlow(ct.Name).String()); err != nil {
			t.Error(err)
		}
	}
}
