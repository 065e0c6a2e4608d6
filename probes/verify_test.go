package probes

import (
	"crypto/ecdsa"
	"crypto/tls"
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
		res := uptime.Result{Cert: describe(tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}})}
		if ps := inspect([]*x509.Certificate{leaf, root.cert, leaf}, name, roots, now).problems; len(ps) > 0 {
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
	if ps := inspect(chain, "127.0.0.1", roots, time.Now()).problems; len(ps) > 0 {
		t.Error(ps)
	}
	if ps := inspect(chain, "127.0.0.2", roots, time.Now()).problems; len(ps) != 1 || ps[0].fault != uptime.FaultTLSHostname {
		t.Error(ps)
	}
}

// TestInspect has chains with one thing wrong and with many: each is named, and in its order.
func TestInspect(t *testing.T) {
	root, other := newCA(t, "root", nil), newCA(t, "other root", nil)
	day := func(n int) func(*x509.Certificate) { return func(c *x509.Certificate) { c.NotAfter = days(n) } }
	between := newCA(t, "between", root)
	expired := newCA(t, "between", root, day(-2))
	strange := newCA(t, "strange", other)
	narrow := newCA(t, "narrow", root, func(c *x509.Certificate) {
		c.PermittedDNSDomains, c.PermittedDNSDomainsCritical = []string{"other.test"}, true
		c.MaxPathLen, c.MaxPathLenZero, c.NotAfter = 0, true, days(-3)
		c.ExtKeyUsage, c.ExtraExtensions = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, unknownExtension
	})
	below := newCA(t, "below", narrow, day(-1))
	cross := *between // the same CA, certified by somebody nobody knows
	cross.cert = sign(t, crossing(between.cert), other.cert, &between.key.PublicKey, other.key)
	server := root.issue(t, nil)
	noCA := &authority{server.Leaf, server.PrivateKey.(*ecdsa.PrivateKey)}
	all := func(c *x509.Certificate) {
		c.NotAfter, c.DNSNames, c.IPAddresses = days(-4), []string{"a.test"}, nil
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	past := func(n int) string { return days(n).UTC().Format(time.DateOnly) }

	tests := []struct {
		name  string
		chain tls.Certificate
		want  string // problems; "" for none
		path  int    // how long it is
	}{
		{"good", root.issue(t, nil), "", 2},
		{"good with a CA between", between.issue(t, nil, between), "", 3},
		{"the root is sent along", between.issue(t, nil, between, root), "", 3},
		{"in no order", between.issue(t, nil, other, root, strange, between), "", 3},
		{"one good way of two", between.issue(t, nil, &cross, expired, between), "", 3},
		{"expired with its CA", expired.issue(t, day(-3), expired),
			"certificate of good.test expired " + past(-3) + " (71 h ago); certificate of the CA between expired " + past(-2), 3},
		{"all of the leaf", other.issue(t, all),
			"certificate of good.test expired " + past(-4) + " (3 d ago); certificate is for a.test, not for good.test; the CA other root is not trusted; " +
				"certificate of good.test is for clients, not for servers", 1},
		{"all of the CAs", below.issue(t, nil, narrow, below),
			"certificate of the CA below expired " + past(-1) + "; certificate of the CA narrow expired " + past(-3) + "; " +
				"the CA narrow may not issue certificates for servers; " +
				`a CA of the chain may not issue for this name (DNS name "good.test" is not permitted by any constraint); ` +
				"the CA narrow may not have so many CAs below it; certificate of the CA narrow has a critical extension that clients don't know (1.2.3.4)", 4},
		{"unknown above", strange.issue(t, nil, strange), "the CA other root is not trusted", 2},
		{"unknown and expired above", newCA(t, "old", strange, day(-2)).issue(t, nil), "the CA old is not trusted", 1},
		{"issued by no CA", noCA.issue(t, nil, noCA), "certificate of good.test was issued with that of a server, which is no CA", 1},
	}
	roots := x509.NewCertPool()
	roots.AddCert(root.cert)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := inspect(parsed(t, tt.chain), "good.test", roots, time.Now())
			if got := in.problems.String(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if len(in.path) != tt.path {
				t.Errorf("the path has %d certificates, want %d", len(in.path), tt.path)
			}
		})
	}
}

func parsed(t testing.TB, pair tls.Certificate) []*x509.Certificate {
	t.Helper()
	var chain []*x509.Certificate
	for _, der := range pair.Certificate {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		chain = append(chain, c)
	}
	return chain
}

// crossing is a CA's certificate, to be signed by another one.
func crossing(c *x509.Certificate) *x509.Certificate {
	t := template(c.Subject.CommonName)
	t.IsCA, t.BasicConstraintsValid, t.KeyUsage, t.ExtKeyUsage = true, true, x509.KeyUsageCertSign, nil
	return t
}
