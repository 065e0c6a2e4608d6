package probes

import (
	"crypto/x509"
	"testing"
	"time"
)

// TestVerified: what was found good is known again for the same certificates,
// name, roots and time, and for nothing else.
func TestVerified(t *testing.T) {
	root, other := newCA(t, "root", nil), newCA(t, "other root", nil)
	between := newCA(t, "between", root)
	chain := parsed(t, between.issue(t, nil, between))
	renewed := parsed(t, between.issue(t, nil, between))
	roots, others := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(root.cert)
	others.AddCert(other.cert)
	now := time.Now()

	var v verified
	first := v.inspect(chain, "good.test", roots, now)
	if len(first.problems) > 0 || len(first.path) != 3 {
		t.Fatalf("%s, %d", first, len(first.path))
	}
	signatures := func(chain []*x509.Certificate) float64 {
		return testing.AllocsPerRun(1, func() { v.inspect(chain, "good.test", roots, now) })
	}
	if again, anew := signatures(chain), testing.AllocsPerRun(1, func() { inspect(chain, "good.test", roots, now) }); again > anew/2 {
		t.Errorf("known again with %v allocations, verified with %v", again, anew)
	}
	tests := []struct {
		name  string
		chain []*x509.Certificate
		host  string
		roots *x509.CertPool
		now   time.Time
		want  string
	}{
		{"again", chain, "good.test", roots, now, ""},
		{"renewed", renewed, "good.test", roots, now, ""},
		{"without the one between", chain[:1], "good.test", roots, now, "the CA between is not trusted"},
		{"another name", chain, "bad.test", roots, now, "certificate is for good.test, 127.0.0.1, not for bad.test"},
		{"other roots", chain, "good.test", others, now, "the CA root is not trusted"},
		{"too late", chain, "good.test", roots, chain[0].NotAfter.Add(time.Hour), "certificate of good.test expired " + date(chain[0].NotAfter) + " (1 h ago)"},
		{"too early", chain, "good.test", roots, chain[0].NotBefore.Add(-90 * time.Minute),
			"certificate of good.test is not valid before " + date(chain[0].NotBefore) + " (in 1 h); certificate of the CA between is not valid before " + date(between.cert.NotBefore) +
				"; certificate of the CA root is not valid before " + date(root.cert.NotBefore)},
	}
	for _, tt := range tests {
		for range 2 {
			in := v.inspect(tt.chain, tt.host, tt.roots, tt.now)
			if got := in.problems.String(); got != tt.want {
				t.Errorf("%s: got  %s\nwant %s", tt.name, got, tt.want)
			}
			if tt.want == "" && (len(in.path) != 3 || in.path[0] != tt.chain[0]) {
				t.Errorf("%s: the path has %d certificates", tt.name, len(in.path))
			}
		}
	}
}

// TestCAPools holds the CAs of many monitors once.
func TestCAPools(t *testing.T) {
	a, b := newCA(t, "a", nil).pem(), newCA(t, "b", nil).pem()
	var p caPools
	if p.of(a) == nil || p.of(a) != p.of(append([]byte(nil), a...)) || p.of(a) == p.of(b) || p.of([]byte("x")) != nil {
		t.Error("a pool for each file, and for none without a certificate")
	}
}
