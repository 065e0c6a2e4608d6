package probes

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// pool listens on one port of 127.0.0.2 and the addresses after it, and does
// what is said with each: nil closes it. It returns who knows their name,
// pool.test, and the port.
func pool(t testing.TB, serve ...func(net.Listener)) (sys *system, port string) {
	t.Helper()
	var records []string
	port = "0"
	var dead []net.Listener
	for i, do := range serve {
		host := "127.0.0." + strconv.Itoa(2+i)
		records = append(records, "pool.test. 60 IN A "+host)
		l, err := net.Listen("tcp", host+":"+port)
		if err != nil {
			t.Skip(err)
		}
		_, port, _ = net.SplitHostPort(l.Addr().String())
		if do == nil {
			dead = append(dead, l)
			continue
		}
		do(l)
	}
	for _, l := range dead {
		l.Close()
	}
	return asking(nameServer(t, false, zone(t, records...))), port
}

// web serves HTTP, within TLS where there is a certificate.
func web(t testing.TB, cert *tls.Certificate, h http.HandlerFunc) func(net.Listener) {
	return func(l net.Listener) {
		srv := httptest.NewUnstartedServer(h)
		srv.Listener.Close()
		srv.Listener = l
		if cert == nil {
			srv.Start()
		} else {
			srv.TLS = &tls.Config{Certificates: []tls.Certificate{*cert}}
			srv.StartTLS()
		}
		t.Cleanup(srv.Close)
	}
}

// wordless takes connections and says nothing.
func wordless(t testing.TB) func(net.Listener) {
	return func(l net.Listener) { t.Cleanup(func() { l.Close() }) }
}

func gives(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

// TestEach has every address of a pool checked to the end.
func TestEach(t *testing.T) {
	ca := newCA(t, "test root", nil)
	named := func(c *x509.Certificate) { c.DNSNames = []string{"pool.test"} }
	good := ca.issue(t, named)
	expired := ca.issue(t, func(c *x509.Certificate) {
		named(c)
		c.NotBefore, c.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)
	})
	soonOver := ca.issue(t, func(c *x509.Certificate) { named(c); c.NotAfter = time.Now().Add(24 * time.Hour) })
	misnamed := ca.issue(t, func(c *x509.Certificate) { c.DNSNames, c.NotAfter = []string{"old.test"}, c.NotAfter.Add(time.Hour) })
	ok, bad := gives(200), gives(503)
	plain := func(h http.HandlerFunc) func(net.Listener) { return web(t, nil, h) }
	secure := func(c *tls.Certificate) func(net.Listener) { return web(t, c, ok) }
	for _, tt := range []struct {
		name, typ, scheme string
		pool              []func(net.Listener)
		want              uptime.Fault
		says              string // PORT stands for it
		at                string
	}{
		{"all good", "http", "http", []func(net.Listener){plain(ok), plain(ok), plain(ok)}, 0, "", ""},
		{"one answers 503", "http", "http", []func(net.Listener){plain(ok), plain(bad), plain(ok)}, uptime.FaultHTTPStatus,
			"1 of 3 addresses fails: 127.0.0.3: HTTP status 503, expected 200-299; 127.0.0.2 is good", "127.0.0.3"},
		{"one answers 503, one is dead", "http", "http", []func(net.Listener){plain(ok), nil, plain(bad)}, uptime.FaultHTTPStatus,
			"2 of 3 addresses fail: 127.0.0.4: HTTP status 503, expected 200-299, 127.0.0.3 refused; 127.0.0.2 is good", "127.0.0.4"},
		{"all answer 503", "http", "http", []func(net.Listener){plain(bad), plain(bad)}, uptime.FaultHTTPStatus,
			"2 of 2 addresses fail: 127.0.0.2: HTTP status 503, expected 200-299, 127.0.0.3 http.status", "127.0.0.2"},
		{"one is dead", "http", "http", []func(net.Listener){nil, plain(ok)}, uptime.FaultTCPSomeAddressesDead,
			"1 of 2 addresses dead: TCP connect 127.0.0.2:PORT refused; 127.0.0.3 answers", "127.0.0.3"},
		{"all are dead", "http", "http", []func(net.Listener){nil, nil}, uptime.FaultTCPRefused,
			"TCP connect 127.0.0.2:PORT refused; its other address failed too", "127.0.0.2"},
		{"one says nothing", "http", "http", []func(net.Listener){wordless(t), plain(ok)}, uptime.FaultHTTPTimeoutHeaders,
			"1 of 2 addresses fails: no HTTP answer from 127.0.0.2:PORT within ", "127.0.0.2"},
		{"one of one", "http", "http", []func(net.Listener){plain(bad)}, uptime.FaultHTTPStatus, "HTTP status 503, expected 200-299", "127.0.0.2"},
		{"one certificate is over", "tls", "tls", []func(net.Listener){secure(&good), secure(&good), secure(&expired)}, uptime.FaultTLSExpired,
			"1 of 3 addresses fails: 127.0.0.4: certificate", "127.0.0.4"},
		{"one certificate is over, of a site", "http", "https", []func(net.Listener){secure(&good), secure(&expired)}, uptime.FaultTLSExpired,
			"1 of 2 addresses fails: 127.0.0.3: certificate", "127.0.0.3"},
		{"one certificate is another's", "tls", "tls", []func(net.Listener){secure(&misnamed), secure(&good)}, uptime.FaultTLSHostname,
			"1 of 2 addresses fails: 127.0.0.2: certificate is for old.test", "127.0.0.2"},
		{"one certificate is over soon", "tls", "tls", []func(net.Listener){secure(&soonOver), secure(&good)}, uptime.FaultTLSExpiresSoon,
			"1 of 2 addresses: 127.0.0.2: ", "127.0.0.2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sys, port := pool(t, tt.pool...)
			values := keys{"ip": "each", "ca_file": ca.pem()}
			if tt.scheme == "http" {
				delete(values, "ca_file")
			}
			job := made(t, sys, tt.typ, tt.scheme+"://pool.test:"+port, values, nil)
			if strings.HasSuffix(tt.want.String(), "timeout_headers") {
				job.Timeout = 3 * time.Second
			}
			r := once(t, job)
			says := strings.ReplaceAll(tt.says, "PORT", port)
			if r.Fault != tt.want || !strings.HasPrefix(r.Message, says) || !strings.HasPrefix(r.Address, tt.at) || r.Outcome != tt.want.Outcome() {
				t.Errorf("%s %s at %s: %s\nwant %s: %s", r.Outcome, r.Fault, r.Address, r.Message, tt.want, says)
			}
			connects := 0
			for _, s := range r.Steps {
				if s.Step == "connect" {
					connects++
				}
			}
			if connects != len(tt.pool) {
				t.Errorf("%d connections to %d addresses: %+v", connects, len(tt.pool), r.Steps)
			}
			if last := r.Steps[len(r.Steps)-1]; tt.want.Outcome() == uptime.OutcomeDown && last.Error == "" {
				t.Errorf("the last step is not the one that failed: %+v", r.Steps)
			}
			if tt.want == uptime.FaultTLSHostname && r.Cert.Names[0] != "old.test" {
				t.Errorf("the certificate is %+v", r.Cert)
			}
			if tt.want == 0 && (r.Total == 0 || len(r.Measures) != 3) {
				t.Errorf("%s, %v", r.Total, r.Measures)
			}
		})
	}
}

// TestEachRedirect has a redirect to the same host stay at the address.
func TestEachRedirect(t *testing.T) {
	ca := newCA(t, "test root", nil)
	cert := ca.issue(t, func(c *x509.Certificate) { c.DNSNames = []string{"pool.test"} })
	moves := func(status int) func(net.Listener) {
		return web(t, &cert, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				http.Redirect(w, r, "/in", http.StatusFound)
				return
			}
			w.WriteHeader(status)
		})
	}
	sys, port := pool(t, moves(200), moves(500), moves(200))
	r := once(t, made(t, sys, "http", "https://pool.test:"+port, keys{"ip": "each", "ca_file": ca.pem()}, nil))
	if r.Fault != uptime.FaultHTTPStatus || !strings.HasPrefix(r.Message, "1 of 3 addresses fails: 127.0.0.3: HTTP status 500 from https://pool.test:"+port+"/in") {
		t.Errorf("%s: %s\n%+v", r.Fault, r.Message, r.Steps)
	}
}

// TestEachConnectTo has connect_to name the pool.
func TestEachConnectTo(t *testing.T) {
	sys, port := pool(t, web(t, nil, gives(200)), web(t, nil, gives(503)))
	r := once(t, made(t, sys, "http", "http://shop.test", keys{"ip": "each", "connect_to": "pool.test:" + port}, nil))
	if r.Fault != uptime.FaultHTTPStatus || !strings.HasPrefix(r.Message, "1 of 2 addresses fails: 127.0.0.3: ") {
		t.Errorf("%s: %s\n%+v", r.Fault, r.Message, r.Steps)
	}
}

// TestEachDatagram has one of two time servers give no time.
func TestEachDatagram(t *testing.T) {
	port := "0"
	for i, answer := range []func([]byte) [][]byte{timeServer(0, nil), timeServer(0, kissed("DENY"))} {
		c, err := net.ListenPacket("udp", "127.0.0."+strconv.Itoa(2+i)+":"+port)
		if err != nil {
			t.Skip(err)
		}
		_, port, _ = net.SplitHostPort(c.LocalAddr().String())
		var wg sync.WaitGroup
		wg.Go(func() {
			b := make([]byte, 512)
			for {
				n, from, err := c.ReadFrom(b)
				if err != nil {
					return
				}
				for _, packet := range answer(b[:n]) {
					c.WriteTo(packet, from)
				}
			}
		})
		t.Cleanup(func() { c.Close(); wg.Wait() })
	}
	sys := asking(nameServer(t, false, zone(t, "pool.test. 60 IN A 127.0.0.2", "pool.test. 60 IN A 127.0.0.3")))
	r := once(t, made(t, sys, "ntp", "ntp://pool.test:"+port, keys{"ip": "each"}, nil))
	if r.Fault != uptime.FaultReplyUnexpected || !strings.HasPrefix(r.Message, "1 of 2 addresses fails: ") || r.Address != "127.0.0.3:"+port {
		t.Errorf("%s at %s: %s\n%+v", r.Fault, r.Address, r.Message, r.Steps)
	}
}

// TestEachPanics: a bug over one address is ours, and takes no other along.
func TestEachPanics(t *testing.T) {
	sys := asking(nameServer(t, false, zone(t, "pool.test. 60 IN A 127.0.0.2", "pool.test. 60 IN A 127.0.0.3")))
	r := sys.each(t.Context(), endpoint{host: "pool.test", ip: "each"}, func(_ context.Context, t *trace, at endpoint) *failure {
		t.reached = true
		if at.at.String() == "127.0.0.3" {
			panic("oops")
		}
		return nil
	})
	if r.Fault != uptime.FaultLocalBug || r.Outcome != uptime.OutcomeUnknown || !strings.Contains(r.Message, "127.0.0.3 panicked: oops") {
		t.Errorf("%s: %s", r.Fault, r.Message)
	}
}
