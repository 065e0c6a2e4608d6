package probes

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

// testSystem is a machine with a hosts file and no resolver.
func testSystem() *system { return newSystem("testdata/resolv.conf", "testdata/hosts") }

// asking is a machine that asks these servers.
func asking(servers ...string) *system {
	n := &naming{read: time.Now().Add(time.Hour), hosts: parseHosts(""), conf: conf{ndots: 1}}
	for _, s := range servers {
		n.servers = append(n.servers, netip.MustParseAddrPort(s))
	}
	sys := testSystem()
	sys.names.Store(n)
	return sys
}

// typeOf is a type of the registry.
func typeOf(t testing.TB, sys *system, name string) uptime.CheckType {
	t.Helper()
	types := typesOf(sys)
	i := slices.IndexFunc(types, func(ct uptime.CheckType) bool { return ct.Name == name })
	if i < 0 {
		t.Fatalf("no type %s", name)
	}
	return types[i]
}

// keys is what a configuration sets.
type keys = map[string]any

// made is a check as a configuration makes it, with a time-out of 5 s.
func made(t testing.TB, sys *system, typ, target string, values, expect keys) uptime.Job {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	ip, _ := values["ip"].(string)
	resolvers, _ := values["resolvers"].([]netip.AddrPort)
	source, _ := values["source"].(string)
	c, mistakes := typeOf(t, sys, typ).New(uptime.Settings{URL: u, IP: ip, Resolvers: resolvers, Source: source, Timeout: 5 * time.Second, Values: values, Expect: expect})
	if c.Checker == nil {
		t.Fatal(mistakes)
	}
	return uptime.Job{Monitor: &uptime.Monitor{Name: "m", Type: typ, Target: c.Target, Timeout: 5 * time.Second}, Checker: c.Checker}
}

// mistaken is what is wrong with settings.
func mistaken(t testing.TB, typ, target string, values, expect keys) []uptime.Mistake {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	ip, _ := values["ip"].(string)
	c, mistakes := typeOf(t, testSystem(), typ).New(uptime.Settings{URL: u, IP: ip, Values: values, Expect: expect})
	if len(mistakes) > 0 && c.Checker != nil {
		t.Errorf("a checker in spite of %v", mistakes)
	}
	return mistakes
}

// soon is the same job with a time-out in which nothing that answers fails.
func soon(job uptime.Job) uptime.Job {
	m := *job.Monitor
	m.Timeout = 500 * time.Millisecond
	return uptime.Job{Monitor: &m, Checker: job.Checker}
}

// patiently runs a check that has to find something out within its time-out:
// a short one where the machine is as quick as it should be, else a longer one.
func patiently(t testing.TB, job uptime.Job) (r uptime.Result) {
	t.Helper()
	m := *job.Monitor
	for m.Timeout = 500 * time.Millisecond; m.Timeout < 10*time.Second; m.Timeout *= 4 {
		r = once(t, uptime.Job{Monitor: &m, Checker: job.Checker})
		if !strings.HasSuffix(r.Fault.String(), ".timeout") {
			break
		}
	}
	return r
}

// quickly runs a check with a short time-out, for one that may well run into it.
// Where it does while this process was kept from running, that says nothing, and
// it is tried with a longer one.
func quickly(t testing.TB, job uptime.Job) (r uptime.Result) {
	t.Helper()
	m := *job.Monitor
	for m.Timeout = 500 * time.Millisecond; m.Timeout < 10*time.Second; m.Timeout *= 4 {
		end := stalls()
		r = once(t, uptime.Job{Monitor: &m, Checker: job.Checker})
		if held := end(); held < m.Timeout/10 || !strings.HasSuffix(r.Fault.String(), "timeout") {
			break
		}
	}
	return r
}

// stalls watches this process until its answer is called: the longest for which
// a timer of five milliseconds was late.
func stalls() (end func() time.Duration) {
	stop, worst := make(chan struct{}), make(chan time.Duration) // closed; one answer
	go func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		longest, last := time.Duration(0), time.Now()
		for {
			select {
			case <-tick.C:
				now := time.Now()
				longest, last = max(longest, now.Sub(last)-5*time.Millisecond), now
			case <-stop:
				worst <- max(longest, time.Since(last))
				return
			}
		}
	}()
	return func() time.Duration { close(stop); return <-worst }
}

// once runs one check.
func once(t testing.TB, job uptime.Job) uptime.Result {
	t.Helper()
	return new(Runner).Run(t.Context(), job)
}

// checker is a check that a test makes up.
type checker func(context.Context) uptime.Result

func (c checker) Check(ctx context.Context) uptime.Result { return c(ctx) }

// nameServer answers DNS questions over UDP and, if wanted, TCP; a nil answer is silence.
func nameServer(t testing.TB, overTCP bool, answer func(q *dns.Msg, tcp bool) *dns.Msg) string {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	handler := func(tcp bool) dns.Handler {
		return dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
			if m := answer(q, tcp); m != nil {
				w.WriteMsg(m)
			}
		})
	}
	servers := []*dns.Server{{PacketConn: pc, Handler: handler(false)}}
	if overTCP {
		l, err := net.Listen("tcp", pc.LocalAddr().String())
		if err != nil {
			t.Skip("the port is taken for TCP")
		}
		servers = append(servers, &dns.Server{Listener: l, Handler: handler(true)})
	}
	var up, wg sync.WaitGroup
	for _, s := range servers {
		up.Add(1)
		s.NotifyStartedFunc = up.Done
		wg.Go(func() { s.ActivateAndServe() })
	}
	up.Wait()
	t.Cleanup(func() {
		for _, s := range servers {
			s.Shutdown()
		}
		wg.Wait()
	})
	return pc.LocalAddr().String()
}

// zone answers with these records, in the text form of a zone file, those of
// the type that was asked for and every CNAME; NODATA for others.
func zone(t testing.TB, records ...string) func(*dns.Msg, bool) *dns.Msg {
	t.Helper()
	var rrs []dns.RR
	for _, text := range records {
		rr, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		rrs = append(rrs, rr)
	}
	return func(q *dns.Msg, _ bool) *dns.Msg {
		m := new(dns.Msg).SetReply(q)
		m.RecursionAvailable = true
		for _, rr := range rrs {
			if rr.Header().Rrtype == q.Question[0].Qtype || rr.Header().Rrtype == dns.TypeCNAME {
				m.Answer = append(m.Answer, rr)
			}
		}
		return m
	}
}

// rcode answers everything with a response code.
func rcode(code int, more ...func(*dns.Msg)) func(*dns.Msg, bool) *dns.Msg {
	return func(q *dns.Msg, _ bool) *dns.Msg {
		m := new(dns.Msg).SetRcode(q, code)
		for _, f := range more {
			f(m)
		}
		return m
	}
}

// authority is a CA of a test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

var serials struct {
	sync.Mutex
	n int64
}

func template(name string) *x509.Certificate {
	serials.Lock()
	defer serials.Unlock()
	serials.n++
	return &x509.Certificate{
		SerialNumber: big.NewInt(serials.n), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-30 * 24 * time.Hour), NotAfter: time.Now().Add(60 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newCA makes a CA below another, or a root with nil.
func newCA(t testing.TB, name string, above *authority, change ...func(*x509.Certificate)) *authority {
	t.Helper()
	c := template(name)
	c.IsCA, c.BasicConstraintsValid = true, true
	c.KeyUsage, c.ExtKeyUsage = x509.KeyUsageCertSign, nil
	c.NotAfter = c.NotAfter.Add(365 * 24 * time.Hour)
	c.MaxPathLen = -1
	for _, f := range change {
		f(c)
	}
	a := &authority{key: newKey(t)}
	parent, signer := c, a.key
	if above != nil {
		parent, signer = above.cert, above.key
	}
	a.cert = sign(t, c, parent, &a.key.PublicKey, signer)
	return a
}

func sign(t testing.TB, c, parent *x509.Certificate, public, signer any) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, parent, public, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// pem is the CA's certificate as a ca_file holds it.
func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// issue makes a server's certificate for 127.0.0.1 and good.test. With it the
// server sends the certificates that are named.
func (a *authority) issue(t testing.TB, change func(*x509.Certificate), along ...*authority) tls.Certificate {
	t.Helper()
	c := template("a server")
	c.DNSNames, c.IPAddresses = []string{"good.test"}, []net.IP{net.IPv4(127, 0, 0, 1)}
	if change != nil {
		change(c)
	}
	key := newKey(t)
	cert := sign(t, c, a.cert, &key.PublicKey, a.key)
	pair := tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
	for _, other := range along {
		pair.Certificate = append(pair.Certificate, other.cert.Raw)
	}
	return pair
}

// tlsServer shakes hands with everybody and then waits.
func tlsServer(t testing.TB, config *tls.Config) string {
	t.Helper()
	return probetest.Serve(t, func(c net.Conn) {
		s := tls.Server(c, config)
		if s.Handshake() == nil {
			s.Read(make([]byte, 1))
		}
		s.Close()
	})
}

// webServer serves HTTP over TLS with a certificate of its own CA.
func webServer(t testing.TB, h http.HandlerFunc) (*httptest.Server, *authority) {
	t.Helper()
	ca := newCA(t, "test root", nil)
	srv := httptest.NewUnstartedServer(h)
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{ca.issue(t, nil)}}
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv, ca
}

// fault holds a result against what is wanted of it.
func wantFault(t *testing.T, r uptime.Result, fault uptime.Fault, message string) {
	t.Helper()
	if r.Fault != fault || r.Message != message || r.Outcome != fault.Outcome() {
		t.Errorf("%s, %q: %s\nwant %q: %s", r.Outcome, r.Fault, r.Message, fault, message)
	}
}

// pemPair is a certificate and its key as files hold them.
func pemPair(t testing.TB, c tls.Certificate) (cert, key []byte) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}
