package probes

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// listOf is a CA's list of the certificates that it revoked.
func listOf(t testing.TB, ca *authority, change func(*x509.RevocationList), serials ...*big.Int) []byte {
	t.Helper()
	l := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: days(3)}
	for _, n := range serials {
		l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: n, RevocationTime: days(-2), ReasonCode: 4})
	}
	if change != nil {
		change(l)
	}
	issuer := *ca.cert
	issuer.KeyUsage |= x509.KeyUsageCRLSign
	der, err := x509.CreateRevocationList(rand.Reader, l, &issuer, ca.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// signsLists makes a CA that may sign lists.
func signsLists(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageCRLSign }

// published serves a list and counts who asks for it.
func published(t testing.TB, answer http.HandlerFunc) (url string, asked *atomic.Int32) {
	t.Helper()
	asked = new(atomic.Int32)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		answer(w, r)
	}))
	t.Cleanup(srv.Close)
	return srv.URL + "/a.crl", asked
}

func publishing(b []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { w.Write(b) }
}

// listing makes checks of a server whose certificate names this list, by one system.
func listing(t testing.TB, root *authority, url string, serial *big.Int) uptime.Job {
	t.Helper()
	cert := root.issue(t, func(c *x509.Certificate) {
		c.CRLDistributionPoints, c.SerialNumber = []string{url}, serial
	})
	to := tlsServer(t, &tls.Config{Certificates: []tls.Certificate{cert}})
	return made(t, testSystem(), "tls", "tls://"+to, keys{"ca_file": root.pem(), "server_name": "good.test", "check_revocation": "crl"}, nil)
}

func TestRevocationList(t *testing.T) {
	root := newCA(t, "root", nil, signsLists)
	stranger := &authority{root.cert, newKey(t)}
	serial := big.NewInt(4711)
	point := func(flags ...byte) func(*x509.RevocationList) {
		return func(l *x509.RevocationList) {
			l.ExtraExtensions = []pkix.Extension{{Id: distributionPoint, Critical: true, Value: append([]byte{0x30, byte(len(flags))}, flags...)}}
		}
	}
	good := listOf(t, root, nil, big.NewInt(1), big.NewInt(2))
	tests := []struct {
		name  string
		list  http.HandlerFunc
		fault uptime.Fault
		says  string
	}{
		{"not on it", publishing(good), uptime.NoFault, "revocation list: not on it, until " + date(days(3))},
		{"not on it, in PEM", publishing(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: good})), uptime.NoFault, "not on it"},
		{"on it", publishing(listOf(t, root, nil, big.NewInt(1), serial)), uptime.FaultTLSRevoked,
			"certificate of good.test was revoked " + date(days(-2)) + " (superseded), by the list of root"},
		{"a part of it, for servers", publishing(listOf(t, root, point(0x81, 1, 0xff), serial)), uptime.FaultTLSRevoked, "was revoked"},
		{"for CAs only", publishing(listOf(t, root, point(0x82, 1, 0xff), serial)), uptime.NoFault, "revocation unknown: the list at http://127.0.0.1:"},
		{"of others", publishing(listOf(t, root, point(0x84, 1, 0xff), serial)), uptime.NoFault, "not about certificates of servers"},
		{"an unknown extension", publishing(listOf(t, root, func(l *x509.RevocationList) { l.ExtraExtensions = unknownExtension }, serial)), uptime.NoFault, "extension that we don't know (1.2.3.4)"},
		{"signed by a stranger", publishing(listOf(t, stranger, nil, serial)), uptime.NoFault, "not signed by the certificate's issuer"},
		{"ended", publishing(listOf(t, root, func(l *x509.RevocationList) { l.ThisUpdate, l.NextUpdate = days(-9), days(-2) }, serial)), uptime.NoFault, "it ended"},
		{"not there", http.NotFound, uptime.NoFault, "HTTP status 404"},
		{"too large", publishing(bytes.Repeat([]byte("x"), maxList+1)), uptime.NoFault, "larger than 8 MiB"},
		{"garbage", publishing([]byte("\x1b[31mred")), uptime.NoFault, "cannot be read"},
		{"no HTTP", func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, uptime.NoFault, "without an HTTP answer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url, asked := published(t, tt.list)
			job := listing(t, root, url, serial)
			for range 3 { // whatever came of it is kept
				r := once(t, job)
				if r.Fault != tt.fault || !strings.Contains(r.Message+noted(r), tt.says) || (tt.fault == 0) != (r.Cert.Chain == "ok") {
					t.Errorf("%s: %s, %s, %s", r.Fault, r.Message, noted(r), r.Cert.Chain)
				}
			}
			if n := asked.Load(); n != 1 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

// TestRevocationListUnasked: nothing is fetched that nobody asked for, or that a bad certificate names.
func TestRevocationListUnasked(t *testing.T) {
	root := newCA(t, "root", nil)
	url, asked := published(t, http.NotFound)
	for name, values := range map[string]keys{
		"by default":     {"ca_file": root.pem(), "server_name": "good.test"},
		"another's name": {"ca_file": root.pem(), "server_name": "bad.test", "check_revocation": "crl"},
		"unknown issuer": {"server_name": "good.test", "check_revocation": "crl"},
		"unverified":     {"server_name": "good.test", "verify": "none", "check_revocation": "crl"},
	} {
		showingTo(t, root.issue(t, func(c *x509.Certificate) { c.CRLDistributionPoints = []string{url} }), values)
		if n := asked.Load(); n != 0 {
			t.Errorf("%s: asked %d times", name, n)
		}
	}
	r := showingTo(t, root.issue(t, func(c *x509.Certificate) { c.CRLDistributionPoints = []string{"ldap://a.test/", "https://a.test/"} }),
		keys{"ca_file": root.pem(), "check_revocation": "crl"})
	if r.Outcome != uptime.OutcomeUp || !strings.Contains(noted(r), "no list that can be had over http") {
		t.Errorf("%+v", r)
	}
}

// TestRevocationListAside: a slow list is not the target's slowness, only one
// check waits for it, and none past its deadline.
func TestRevocationListAside(t *testing.T) {
	root := newCA(t, "root", nil)
	url, asked := published(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	results := make([]uptime.Result, 10)
	// A busy machine takes its time over ten handshakes, and a list that nobody asked for shows nothing.
	for timeout := 500 * time.Millisecond; timeout < 10*time.Second; timeout *= 4 {
		job := listing(t, root, url, big.NewInt(7))
		job.Timeout = timeout
		asked.Store(0)
		var wg sync.WaitGroup
		for i := range results {
			wg.Go(func() { results[i] = once(t, job) })
		}
		wg.Wait()
		if !slices.ContainsFunc(results, func(r uptime.Result) bool { return r.Outcome != uptime.OutcomeUp }) {
			break
		}
	}
	waited := 0
	for _, r := range results {
		last := r.Steps[len(r.Steps)-1]
		if r.Outcome != uptime.OutcomeUp || !strings.HasPrefix(last.Detail, "revocation unknown: ") {
			t.Errorf("%s: %s, %+v", r.Outcome, r.Message, r.Steps)
		}
		if !strings.HasSuffix(last.Detail, "the list is being fetched") && strings.Contains(last.Detail, "no HTTP answer") {
			waited++
			if r.Total >= last.Took {
				t.Errorf("total %s, of which %s is ours", r.Total, last.Took)
			}
		}
	}
	if waited == 0 || asked.Load() != 1 {
		t.Errorf("%d waited, asked %d times", waited, asked.Load())
	}
}

// TestListsBounded keeps the lists that last longest.
func TestListsBounded(t *testing.T) {
	var ls lists
	now := time.Now()
	for i := range 3 * maxLists {
		key := listKey{url: strconv.Itoa(i)}
		ls.claim(key, now)
		ls.put(key, &list{until: now.Add(time.Duration(i+1) * time.Hour)}, now)
	}
	if len(ls.held) != maxLists || ls.get(listKey{url: "299"}, now) == nil || ls.get(listKey{url: "0"}, now) != nil {
		t.Errorf("%d are held", len(ls.held))
	}
}

// FuzzRevocationList reads lists of an attacker's making.
func FuzzRevocationList(f *testing.F) {
	root := newCA(f, "root", nil, signsLists)
	f.Add(listOf(f, root, nil, big.NewInt(1)))
	f.Add([]byte("-----BEGIN X509 CRL-----\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if l, err := parseList(b, root.cert, time.Now()); (l == nil) == (err == nil) {
			t.Errorf("%v, %v", l, err)
		}
		aboutServers(b)
	})
}

// TestListsBoundedByWeight keeps few lists where they are long.
func TestListsBoundedByWeight(t *testing.T) {
	var ls lists
	now := time.Now()
	long := make(map[string]revoked, maxRevoked/3)
	for i := range maxRevoked / 3 {
		long[strconv.Itoa(i)] = revoked{}
	}
	for i := range 5 {
		key := listKey{url: strconv.Itoa(i)}
		ls.claim(key, now)
		ls.put(key, &list{revoked: long, until: now.Add(time.Duration(i+1) * time.Hour)}, now)
	}
	if len(ls.held) != 3 || ls.get(listKey{url: "4"}, now) == nil {
		t.Errorf("%d long lists are held", len(ls.held))
	}
}
