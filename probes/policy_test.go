package probes

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"go/ast"
	"go/parser"
	source "go/token"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"lookout/engine/uptime"
)

func TestRefuses(t *testing.T) {
	g := &guard{Policy: Policy{Allow: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd12::/16"), netip.MustParsePrefix("169.254.7.7/32")}}}
	for want, addrs := range map[string]string{
		"": "8.8.8.8 203.0.113.9 2606:4700::1111 10.1.255.255 fd12::1 169.254.7.7 172.32.0.1 100.128.0.1 2002:808:808::1 64:ff9b::808:808 64:ff9b::10.1.2.3 ::ffff:10.1.2.3 ::ffff:8.8.8.8",
		"the loopback": "127.0.0.1 127.255.0.9 ::1 ::ffff:127.0.0.1 64:ff9b::127.0.0.1 2002:7f00:1::1 ::127.0.0.1 ::ffff:0:127.0.0.1 2001:db8::5efe:127.0.0.1 " +
			"2001:db8::200:5efe:127.0.0.1",
		"a private address": "10.0.0.1 10.2.0.1 172.16.0.1 172.31.255.255 192.168.0.1 fc00::1 fdff::1 fec0::1 64:ff9b::10.2.0.1 2002:a02:1::",
		"of a link":         "169.254.0.1 169.254.7.8 fe80::1 fe80::1%eth0 fe80::5efe:8.8.8.8",
		"secrets":           "169.254.169.254 169.254.170.2 fd00:ec2::254 100.100.100.200 168.63.129.16 192.0.0.192 64:ff9b::169.254.169.254 ::ffff:169.254.169.254 fd20:ce::254",
		"carrier":           "100.64.0.1 100.127.255.255",
		"multicast":         "224.0.0.1 239.1.1.1 ff02::1",
		"this host":         "0.0.0.0 0.1.2.3 ::",
		"reserved":          "255.255.255.255 240.0.0.1 192.0.0.8",
		"Teredo":            "2001::1",
		"translation":       "64:ff9b:1::7f00:1",
	} {
		for a := range strings.FieldsSeq(addrs) {
			r := g.refuses(netip.MustParseAddr(a))
			if (r == nil) != (want == "") || r != nil && !strings.Contains(r.Error(), want) {
				t.Errorf("%s: %v, want %q", a, r, want)
			}
		}
	}
	if r := (*guard)(nil).refuses(netip.MustParseAddr("8.8.8.8")); r == nil {
		t.Error("a door without a guard is open")
	}
	if r := anywhere.refuses(netip.MustParseAddr("127.0.0.1")); r != nil {
		t.Error(r)
	}
}

// The machine's own addresses are refused, whatever they are.
func TestRefusesOwn(t *testing.T) {
	g := &guard{}
	own := netip.MustParseAddr("8.8.4.4")
	g.own.Store(&interfaces{time.Now().Add(time.Hour), []netip.Addr{own}})
	if r := g.refuses(own); r == nil || !strings.Contains(r.Error(), "its own machine") {
		t.Errorf("%v", r)
	}
	if (&guard{}).ownAddrs() == nil {
		t.Error("no interface has an address")
	}
}

// trap listens at an address, and counts whatever comes.
type trap struct {
	addr string
	came atomic.Int32
}

func newTrap(t testing.TB, host string) *trap {
	t.Helper()
	var trap trap
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Skip(err)
	}
	p, err := net.ListenPacket("udp", l.Addr().String())
	if err != nil {
		l.Close()
		t.Skip(err)
	}
	trap.addr = l.Addr().String()
	t.Cleanup(func() { l.Close(); p.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			trap.came.Add(1)
			c.Close()
		}
	}()
	go func() {
		for b := make([]byte, 2048); ; {
			if _, _, err := p.ReadFrom(b); err != nil {
				return
			}
			trap.came.Add(1)
		}
	}()
	return &trap
}

// under makes a check of a type under a policy, and runs it.
func under(t testing.TB, sys *system, p Policy, typ, target string, values, expect keys) uptime.Result {
	t.Helper()
	types := typesUnder(sys, p)
	i := slices.IndexFunc(types, func(ct uptime.CheckType) bool { return ct.Name == typ })
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	ip, _ := values["ip"].(string)
	resolvers, _ := values["resolvers"].([]netip.AddrPort)
	c, mistakes := types[i].New(uptime.Settings{URL: u, IP: ip, Resolvers: resolvers, Timeout: 5 * time.Second, Values: values, Expect: expect})
	if c.Checker == nil {
		t.Fatal(mistakes)
	}
	return new(Runner).Run(t.Context(), uptime.Job{Monitor: &uptime.Monitor{Name: "m", Type: typ, Target: c.Target, Timeout: 5 * time.Second}, Checker: c.Checker})
}

func isRefused(t *testing.T, r uptime.Result) {
	t.Helper()
	if r.Fault != uptime.FaultLocalBlocked || r.Outcome != uptime.OutcomeUnknown || !strings.Contains(r.Message, "policy of this probe") {
		t.Errorf("%s %s: %s", r.Outcome, r.Fault, r.Message)
	}
}

// Every type that is registered is refused what the policy refuses, by whatever
// name, and nothing of it arrives there.
func TestPolicyOfEveryType(t *testing.T) {
	p := Policy{MaxBody: 100, Commands: []string{"mine"}}
	settings := map[string]keys{"udp": {"send": "PING"}, "exec": {"command": "true"}}
	expected := map[string]keys{"udp": {"banner": ""}}
	targets := map[string]string{"dns": "dns://HOST/shop.test", "icmp": "icmp://NAME", "websocket": "ws://HOST/", "domain": "domain:shop.test"}
	for _, ct := range typesUnder(testSystem(), p) {
		t.Run(ct.Name, func(t *testing.T) {
			if ct.Name == "exec" {
				if _, wrong := ct.New(uptime.Settings{URL: &url.URL{Scheme: "exec", Opaque: "theirs"}, Values: settings["exec"]}); wrong == nil {
					t.Error("runs what another ordered")
				}
				if c, wrong := ct.New(uptime.Settings{URL: &url.URL{Scheme: "exec", Opaque: "mine"}, Values: settings["exec"]}); c.Checker == nil {
					t.Errorf("does not run its own: %v", wrong)
				}
				return
			}
			for _, host := range []string{"127.0.0.1", "127.0.0.2", "localhost", "good.test", "[::1]", "[::ffff:127.0.0.1]"} {
				for _, ip := range []string{"any", "each"} {
					trap := newTrap(t, "127.0.0.1")
					_, port, _ := net.SplitHostPort(trap.addr)
					target, ok := targets[ct.Name]
					if !ok {
						target = ct.Schemes[0] + "://HOST"
					}
					target = strings.NewReplacer("HOST", host+":"+port, "NAME", host).Replace(target)
					values := keys{"ip": ip}
					for k, v := range settings[ct.Name] {
						values[k] = v
					}
					if ct.Name == "domain" {
						values["server"] = "http://" + host + ":" + port
					}
					r := under(t, testSystem(), p, ct.Name, target, values, expected[ct.Name])
					if ct.Name == "domain" { // says why it knows no date
						if r.Fault != uptime.FaultLocalBlocked && r.Fault != uptime.FaultDomainUnavailable || r.Outcome != uptime.OutcomeUnknown || !strings.Contains(r.Message, "policy") {
							t.Errorf("%s: %s: %s", target, r.Fault, r.Message)
						}
					} else {
						isRefused(t, r)
					}
					if n := trap.came.Load(); n > 0 {
						t.Errorf("%s, ip %s: %d came", target, ip, n)
					}
				}
			}
		})
	}
}

// loopback lets a test go to 127.0.0.1, and nowhere else.
var loopback = Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}

// What the list allows is checked as anywhere.
func TestPolicyAllows(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("hello")) }))
	defer srv.Close()
	for _, target := range []string{srv.URL, strings.Replace(srv.URL, "127.0.0.1", "good.test", 1)} {
		if r := under(t, testSystem(), loopback, "http", target, nil, keys{"body_contains": []string{"hello"}}); r.Outcome != uptime.OutcomeUp {
			t.Errorf("%s: %s: %s", target, r.Fault, r.Message)
		}
	}
	name := nameServer(t, false, zone(t, "shop.test. 60 IN A 192.0.2.1"))
	if r := under(t, testSystem(), loopback, "dns", "dns://"+name+"/shop.test", nil, nil); r.Outcome != uptime.OutcomeUp {
		t.Errorf("%s: %s", r.Fault, r.Message)
	}
}

// A host that is allowed leads nobody to one that is not.
func TestPolicyOfRedirects(t *testing.T) {
	for _, to := range []string{"http://127.0.0.2:PORT/", "http://[::ffff:127.0.0.2]:PORT/", "http://far.test:PORT/", "//127.0.0.2:PORT/x"} {
		trap := newTrap(t, "127.0.0.2")
		_, port, _ := net.SplitHostPort(trap.addr)
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", strings.Replace(to, "PORT", port, 1))
			w.WriteHeader(http.StatusFound)
		}))
		defer srv.Close()
		sys := asking(nameServer(t, false, zone(t, "far.test. 60 IN A 127.0.0.2")))
		r := under(t, sys, loopback, "http", srv.URL, nil, nil)
		isRefused(t, r)
		if trap.came.Load() > 0 {
			t.Errorf("%s: somebody came", to)
		}
	}
}

// The address that is dialled is the one that was looked at: a name that leads
// somewhere else each time, or to several places, leads nobody past the policy.
func TestPolicyOfRebinding(t *testing.T) {
	trap := newTrap(t, "127.0.0.2")
	_, port, _ := net.SplitHostPort(trap.addr)
	l, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Skip(err)
	}
	var served atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if served.Add(1); r.URL.Path == "/" {
			w.Header().Set("Location", "/again")
			w.WriteHeader(http.StatusFound)
		}
	}))
	srv.Listener.Close()
	srv.Listener = l
	srv.Start()
	defer srv.Close()
	answers := []struct {
		name   string
		addrs  [][]string // of the first question for A, of the second …
		served int32
		up     bool
	}{
		{"good", [][]string{{"127.0.0.1"}}, 2, true},
		{"good first", [][]string{{"127.0.0.1"}, {"127.0.0.2"}}, 1, false},
		{"bad first", [][]string{{"127.0.0.2"}, {"127.0.0.1"}}, 0, false},
		{"both", [][]string{{"127.0.0.2", "127.0.0.1"}}, 2, true},
	}
	for _, a := range answers {
		t.Run(a.name, func(t *testing.T) {
			served.Store(0)
			trap.came.Store(0)
			var asked atomic.Int32
			sys := asking(nameServer(t, false, func(q *dns.Msg, _ bool) *dns.Msg {
				m := new(dns.Msg).SetReply(q)
				m.RecursionAvailable = true
				if q.Question[0].Qtype != dns.TypeA {
					return m
				}
				n := min(int(asked.Add(1))-1, len(a.addrs)-1)
				for _, addr := range a.addrs[n] {
					rr, err := dns.NewRR("shop.test. 0 IN A " + addr)
					if err != nil {
						return nil
					}
					m.Answer = append(m.Answer, rr)
				}
				return m
			}))
			r := under(t, sys, loopback, "http", "http://shop.test:"+port+"/", nil, nil)
			if a.up {
				if r.Outcome != uptime.OutcomeUp {
					t.Errorf("%s: %s", r.Fault, r.Message)
				}
			} else {
				isRefused(t, r)
			}
			if n := served.Load(); n != a.served || trap.came.Load() != 0 {
				t.Errorf("served %d times, want %d; %d came to the other", n, a.served, trap.came.Load())
			}
		})
	}
}

// Whatever else a check opens is under the policy: the address that a monitor
// connects to instead, its proxy and what is behind it, its resolvers, the
// servers of a zone, a revocation list.
func TestPolicyOfTheRest(t *testing.T) {
	trap := newTrap(t, "127.0.0.2")
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	bad := netip.MustParseAddrPort(trap.addr)
	for name, values := range map[string]keys{
		"connect_to": {"connect_to": trap.addr},
		"proxy":      {"proxy": uptime.Secret("http://" + trap.addr)},
		"resolvers":  {"resolvers": []netip.AddrPort{bad}},
	} {
		t.Run(name, func(t *testing.T) {
			isRefused(t, under(t, testSystem(), loopback, "http", "http://shop.test/", values, nil))
		})
	}
	t.Run("behind a proxy", func(t *testing.T) {
		isRefused(t, under(t, testSystem(), loopback, "http", "http://169.254.169.254/", keys{"proxy": uptime.Secret(srv.URL)}, nil))
	})
	t.Run("servers of a zone", func(t *testing.T) {
		sys := asking(nameServer(t, false, func(q *dns.Msg, _ bool) *dns.Msg {
			m := new(dns.Msg).SetRcode(q, dns.RcodeServerFailure)
			if q.Question[0].Qtype == dns.TypeNS {
				m.Rcode = dns.RcodeSuccess
				ns, _ := dns.NewRR("shop.test. 60 IN NS ns.shop.test.")
				glue, _ := dns.NewRR("ns.shop.test. 60 IN A 127.0.0.2")
				m.Answer, m.Extra = []dns.RR{ns}, []dns.RR{glue}
			}
			return m
		}))
		sys.zonePort = bad.Port()
		if r := under(t, sys, loopback, "http", "http://shop.test/", nil, nil); r.Fault != uptime.FaultDNSServfail {
			t.Errorf("%s: %s", r.Fault, r.Message)
		}
	})
	t.Run("revocation list", func(t *testing.T) {
		root := newCA(t, "root", nil, signsLists)
		cert := root.issue(t, func(c *x509.Certificate) {
			c.CRLDistributionPoints, c.SerialNumber = []string{"http://" + trap.addr + "/a.crl"}, big.NewInt(7)
		})
		to := tlsServer(t, &tls.Config{Certificates: []tls.Certificate{cert}})
		r := under(t, testSystem(), loopback, "tls", "tls://"+to, keys{"ca_file": root.pem(), "server_name": "good.test", "check_revocation": "crl"}, nil)
		if r.Cert == nil {
			t.Errorf("%s: %s", r.Fault, r.Message)
		}
	})
	if n := trap.came.Load(); n > 0 {
		t.Errorf("%d came", n)
	}
}

// What goes out is bounded before any socket is made.
func TestPolicyForbids(t *testing.T) {
	tests := []struct {
		name   string
		p      Policy
		typ    string
		values keys
		expect keys
		want   string // "": nothing is wrong
	}{
		{"GET", Policy{}, "http", nil, nil, ""},
		{"head", Policy{}, "http", keys{"method": "head"}, nil, ""},
		{"POST", Policy{}, "http", keys{"method": "post"}, nil, `sends no "POST"`},
		{"POST allowed", Policy{Methods: []string{"POST"}}, "http", keys{"method": "POST"}, nil, ""},
		{"GET not", Policy{Methods: []string{"HEAD"}}, "http", nil, nil, `sends no "GET"`},
		{"body", Policy{}, "http", keys{"body": "x"}, nil, "would send 1 bytes"},
		{"body from a file", Policy{MaxBody: 3}, "http", keys{"body_file": []byte("four")}, nil, "would send 4 bytes"},
		{"small body", Policy{MaxBody: 3}, "http", keys{"body": "abc"}, nil, ""},
		{"send", Policy{}, "tcp", keys{"send": "EHLO"}, nil, "would send 4 bytes"},
		{"dialogue", Policy{MaxBody: 2}, "tcp", nil, keys{"dialogue": []map[string]string{{"send": "ab"}, {"expect": "x", "send": "c"}}}, "would send 3 bytes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			i := slices.IndexFunc(Types(), func(ct uptime.CheckType) bool { return ct.Name == test.typ })
			wrong := test.p.forbids(Types()[i], uptime.Settings{URL: &url.URL{Scheme: test.typ, Host: "shop.test:1"}, Values: test.values, Expect: test.expect})
			if len(wrong) > 1 || (len(wrong) == 1) != (test.want != "") || len(wrong) == 1 && !strings.Contains(wrong[0].Message, test.want) {
				t.Errorf("%v, want %q", wrong, test.want)
			}
		})
	}
}

// Sockets are made in door.go and by what it alone calls, and commands are run
// in exec.go: no other way leads out of here.
func TestDoors(t *testing.T) {
	makers := map[string][]string{
		"net.Dial": nil, "net.DialTimeout": nil, "net.DialTCP": nil, "net.DialIP": nil, "net.DialUnix": nil, "net.DialUDP": {"door.go"}, "net.Dialer": {"door.go", "source.go", "source_linux.go", "source_other.go"},
		"net.ListenPacket": nil, "net.ListenUDP": nil, "net.ListenIP": nil, "net.Listen": nil, "net.ListenTCP": nil, "net.ListenConfig": nil, "net.Resolver": nil, "net.DefaultResolver": nil,
		"net.LookupHost": nil, "net.LookupIP": nil, "net.LookupAddr": nil, "net.LookupCNAME": nil, "net.LookupTXT": nil, "net.LookupMX": nil, "net.LookupNS": nil, "net.LookupSRV": nil,
		"unix.Socket": {"icmpsocket.go"}, "unix.Connect": {"icmpsocket.go"}, "syscall.Socket": nil, "net.FileConn": {"icmpsocket.go"},
		"icmp.ListenPacket": nil, "tls.Dial": nil, "tls.Dialer": nil, "http.Get": nil, "http.Client": {"websocket.go"}, "http.DefaultClient": nil, "http.DefaultTransport": nil,
		"dns.Client": nil, "dns.Dial": nil, "dns.Exchange": nil, "ssh.Dial": nil, "websocket.Dial": {"websocket.go"}, // over a connection that it is handed
		"exec.Command": nil, "exec.CommandContext": {"exec.go"}, "os.StartProcess": nil, "syscall.ForkExec": nil,
		"openPing": {"door.go", "icmpsocket.go"}, "socket": {"door.go", "icmpsocket.go", "dial.go"}, // dial.go asks the routing table, and sends nothing
	}
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 50 {
		t.Fatal(len(files), err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		set := source.NewFileSet()
		f, err := parser.ParseFile(set, name, src, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			used := ""
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok {
					used = x.Name + "." + n.Sel.Name
				}
				if n.Sel.Name == "socket" {
					used = "socket"
				}
			case *ast.Ident:
				used = n.Name
			}
			if in, ok := makers[used]; ok && !slices.Contains(in, name) {
				t.Errorf("%s: %s is for door.go alone", set.Position(n.Pos()), used)
			}
			return true
		})
	}
}

// A door that nobody made is shut.
func TestShutDoor(t *testing.T) {
	trap := newTrap(t, "127.0.0.1")
	to := netip.MustParseAddrPort(trap.addr)
	if c, err := (door{}).dial(context.Background(), "tcp", to); err == nil {
		c.Close()
		t.Error("tcp")
	}
	if c, err := (door{}).datagram(to); err == nil {
		c.Close()
		t.Error("udp")
	}
	if c, _, err := (door{}).ping(to.Addr()); err == nil {
		c.Close()
		t.Error("ping")
	}
}
