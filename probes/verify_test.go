package probes

import (
	"crypto/x509"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// FuzzCertificate shows certificates of an attacker's making.
func FuzzCertificate(f *testing.F) {
	root := newCA(f, "test root", nil)
	f.Add(root.issue(f, nil).Certificate[0], "good.test")
	f.Add(root.cert.Raw, "192.0.2.1")
	f.Add(root.issue(f, func(c *x509.Certificate) { c.DNSNames = []string{"a\x1b[2J.test"} }).Certificate[0], "\x1b[31m")
	now := time.Now()
	roots := x509.NewCertPool()
	roots.AddCert(root.cert)
	f.Fuzz(func(t *testing.T, der []byte, name string) {
		leaf, err := x509.ParseCertificate(der)
		if err != nil {
			return
		}
		res := uptime.Result{Cert: describe(leaf)}
		if ps := verifyChain([]*x509.Certificate{leaf, root.cert, leaf}, name, roots, now); len(ps) > 0 {
			res.Message = ps.failure().text
			if _, err := uptime.ParseFault(ps.failure().fault.String()); err != nil {
				t.Error(err)
			}
		}
		clean(&res)
		for _, text := range append(res.Cert.Names, res.Message, res.Cert.Issuer) {
			if text != uptime.Clean(text, len(text)) {
				t.Errorf("%q", text)
			}
		}
	})
}

// TestIPAddress verifies a server that is known by its address.
func TestIPAddress(t *testing.T) {
	root := newCA(t, "test root", nil)
	roots := x509.NewCertPool()
	roots.AddCert(root.cert)
	chain := []*x509.Certificate{root.issue(t, nil).Leaf}
	if ps := verifyChain(chain, "127.0.0.1", roots, time.Now()); len(ps) > 0 {
		t.Error(ps)
	}
	if ps := verifyChain(chain, "127.0.0.2", roots, time.Now()); len(ps) != 1 || ps[0].fault != uptime.FaultTLSHostname {
		t.Error(ps)
	}
}
