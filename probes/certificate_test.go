package probes

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// TestPins: a pinned key needs nobody else's trust; it has to be in the chain
// by its signatures, and excuses neither dates nor a wrong name.
func TestPins(t *testing.T) {
	root, other := newCA(t, "root", nil), newCA(t, "other root", nil)
	strange := newCA(t, "strange", other)
	device := func(change func(*x509.Certificate)) tls.Certificate {
		c, key := template("device"), newKey(t)
		c.DNSNames, c.IPAddresses = []string{"good.test"}, []net.IP{net.IPv4(127, 0, 0, 1)}
		change(c)
		own := sign(t, c, c, &key.PublicKey, key)
		return tls.Certificate{Certificate: [][]byte{own.Raw}, PrivateKey: key, Leaf: own}
	}
	plain := device(func(c *x509.Certificate) {})
	nameless := device(func(c *x509.Certificate) { c.DNSNames, c.IPAddresses, c.ExtKeyUsage = nil, nil, nil })
	misnamed := device(func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = []string{"a.test"}, nil })
	old := device(func(c *x509.Certificate) { c.NotAfter = days(-4) })
	whole := sha256.Sum256(plain.Leaf.Raw)
	colons := strings.ToUpper(hex.EncodeToString(whole[:1]))
	for _, b := range whole[1:] {
		colons += ":" + strings.ToUpper(hex.EncodeToString([]byte{b}))
	}
	below := strange.issue(t, nil, strange)
	foreign := newCA(t, "third root", nil).issue(t, nil, strange) // sends along what has nothing to do with it

	tests := []struct {
		name  string
		cert  tls.Certificate
		pin   string
		fault uptime.Fault
		says  string
	}{
		{"key of its own", plain, spki(plain.Leaf), uptime.NoFault, ""},
		{"with a prefix", plain, "sha256/" + spki(plain.Leaf), uptime.NoFault, ""},
		{"fingerprint as openssl prints it", plain, colons, uptime.NoFault, ""},
		{"fingerprint in base64", plain, base64.StdEncoding.EncodeToString(whole[:]), uptime.NoFault, ""},
		{"wrong", plain, spki(old.Leaf), uptime.FaultTLSPinMismatch, "self-signed"},
		{"without a name", nameless, spki(nameless.Leaf), uptime.NoFault, ""},
		{"with a wrong name", misnamed, spki(misnamed.Leaf), uptime.FaultTLSHostname, "certificate is for a.test, not for good.test"},
		{"expired", old, spki(old.Leaf), uptime.FaultTLSExpired, "expired"},
		{"an unknown CA's key", below, spki(strange.cert), uptime.NoFault, ""},
		{"a CA's key that is only sent along", foreign, spki(strange.cert), uptime.FaultTLSPinMismatch, "third root is not trusted"},
		{"a trusted root that is not sent", root.issue(t, nil), spki(root.cert), uptime.NoFault, ""},
		{"good, and another's pin", root.issue(t, nil), spki(other.cert), uptime.FaultTLSPinMismatch, "no key in the chain of good.test is pinned; its own is sha256/"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := showingTo(t, tt.cert, keys{"ca_file": root.pem(), "server_name": "good.test", "pin": []string{tt.pin}})
			if r.Fault != tt.fault || !strings.Contains(r.Message, tt.says) {
				t.Errorf("%s: %s", r.Fault, r.Message)
			}
		})
	}
}

// TestShortLived has certificates for an address and for six days, as they are issued today.
func TestShortLived(t *testing.T) {
	root := newCA(t, "root", nil)
	tests := []struct {
		left  time.Duration
		fault uptime.Fault
		says  string
	}{
		{159 * time.Hour, uptime.NoFault, ""},
		{41 * time.Hour, uptime.NoFault, ""},
		{39 * time.Hour, uptime.FaultTLSExpiresSoon, "(in 38 h), warned of from 40 h on"},
		{7 * time.Hour, uptime.FaultTLSExpiresSoon, "under the minimum of 8 h"},
		{-time.Hour, uptime.FaultTLSExpired, "(1 h ago)"},
	}
	for _, tt := range tests {
		cert := root.issue(t, func(c *x509.Certificate) {
			c.DNSNames, c.NotAfter = nil, time.Now().Add(tt.left)
			c.NotBefore = c.NotAfter.Add(-160 * time.Hour)
		})
		r := showingTo(t, cert, keys{"ca_file": root.pem()})
		if r.Fault != tt.fault || !strings.Contains(r.Message, tt.says) || r.Cert.Names[0] != "127.0.0.1" {
			t.Errorf("%s left: %s: %s", tt.left, r.Fault, r.Message)
		}
	}
}

// TestCAEndsSoon warns of a CA's certificate that ends before the server's.
func TestCAEndsSoon(t *testing.T) {
	root := newCA(t, "root", nil)
	between := newCA(t, "between", root, func(c *x509.Certificate) { c.NotBefore, c.NotAfter = days(-300), days(5) })
	r := showingTo(t, between.issue(t, nil, between), keys{"ca_file": root.pem()})
	if r.Fault != uptime.FaultTLSExpiresSoon || !strings.HasPrefix(r.Message, "certificate of the CA between expires ") {
		t.Errorf("%s: %s", r.Fault, r.Message)
	}
}

// TestDescribe has what an engine compares between two checks.
func TestDescribe(t *testing.T) {
	root := newCA(t, "root", nil)
	cert := root.issue(t, nil)
	r := showingTo(t, cert, keys{"ca_file": root.pem()})
	c := r.Cert
	if c.Serial != cert.Leaf.SerialNumber.Text(16) || c.Issuer != "root" || c.Version != "1.3" || c.Chain != "ok" ||
		c.Cipher != "TLS_AES_128_GCM_SHA256" || c.KeyExchange != "X25519MLKEM768" ||
		c.Fingerprint != sha256.Sum256(cert.Leaf.Raw) || c.KeyHash != sha256.Sum256(cert.Leaf.RawSubjectPublicKeyInfo) ||
		!c.NotAfter.Equal(cert.Leaf.NotAfter) || !c.NotBefore.Equal(cert.Leaf.NotBefore) {
		t.Errorf("%+v", c)
	}
}

// TestUnverified: a check that takes any certificate says so for good, one without TLS does not.
func TestUnverified(t *testing.T) {
	for target, want := range map[string]string{
		"https://shop.test/": "certificate not verified", "tls://shop.test:443": "certificate not verified", "http://shop.test/": "",
	} {
		for verify, want := range map[string]string{"none": want, "full": ""} {
			u, err := url.Parse(target)
			if err != nil {
				t.Fatal(err)
			}
			name := strings.TrimSuffix(u.Scheme, "s")
			if u.Scheme == "tls" {
				name = "tls"
			}
			c, mistakes := typeOf(t, testSystem(), name).New(uptime.Settings{URL: u, Values: keys{"verify": verify}})
			if c.Caution != want || len(mistakes) > 0 {
				t.Errorf("%s, verify %s: %q, %v", target, verify, c.Caution, mistakes)
			}
		}
	}
}
