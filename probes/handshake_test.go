package probes

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

// shaking makes a tls check of a server that answers the hello like this.
func shaking(answer func(net.Conn)) func(*testing.T) uptime.Result {
	return func(t *testing.T) uptime.Result {
		to := probetest.Serve(t, func(c net.Conn) {
			c.Read(make([]byte, 16<<10))
			answer(c)
		})
		return quickly(t, made(t, testSystem(), "tls", "tls://"+to, nil, nil))
	}
}

func writes(b []byte) func(net.Conn) {
	return func(c net.Conn) {
		c.Write(b)
		c.Read(make([]byte, 1))
	}
}

func alert(number byte) []byte { return []byte{21, 3, 3, 0, 2, 2, number} }

// serverHello chooses a version and a cipher suite.
func serverHello(version, suite uint16) []byte {
	body := append([]byte{byte(version >> 8), byte(version)}, make([]byte, 32)...)
	body = append(body, 0, byte(suite>>8), byte(suite), 0)
	handshake := append([]byte{2, 0, 0, byte(len(body))}, body...)
	return append([]byte{22, 3, 3, 0, byte(len(handshake))}, handshake...)
}

// showing makes a tls check of a server with this certificate, which trusts the test's root.
func showing(make func(t testing.TB, root *authority) tls.Certificate) func(*testing.T) uptime.Result {
	return func(t *testing.T) uptime.Result {
		root := newCA(t, "test root", nil)
		return showingTo(t, make(t, root), keys{"ca_file": root.pem(), "server_name": "good.test"})
	}
}

func showingTo(t *testing.T, cert tls.Certificate, values keys) uptime.Result {
	to := tlsServer(t, &tls.Config{Certificates: []tls.Certificate{cert}})
	return once(t, made(t, testSystem(), "tls", "tls://"+to, values, nil))
}

func days(n int) time.Time { return time.Now().Add(time.Duration(n)*24*time.Hour + time.Hour) }

func wanting(version uint16) func(*testing.T) uptime.Result {
	return func(t *testing.T) uptime.Result {
		root := newCA(t, "test root", nil)
		to := tlsServer(t, &tls.Config{Certificates: []tls.Certificate{root.issue(t, nil)}, ClientAuth: tls.RequireAnyClientCert, MaxVersion: version})
		return once(t, made(t, testSystem(), "tls", "tls://"+to, keys{"ca_file": root.pem()}, nil))
	}
}

var unknownExtension = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}

// showingClient shows a client certificate of this use to a server that asks for one.
func showingClient(use x509.ExtKeyUsage, version uint16) func(*testing.T) uptime.Result {
	return func(t *testing.T) uptime.Result {
		root := newCA(t, "test root", nil)
		pool := x509.NewCertPool()
		pool.AddCert(root.cert)
		to := tlsServer(t, &tls.Config{Certificates: []tls.Certificate{root.issue(t, nil)}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, MaxVersion: version})
		cert, key := pemPair(t, root.issue(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{use} }))
		return once(t, made(t, testSystem(), "tls", "tls://"+to, keys{"ca_file": root.pem(), "client_cert": cert, "client_key": uptime.Secret(key)}, nil))
	}
}

var tlsFaults = []produced{
	{uptime.FaultTLSTimeout, "timed out after", shaking(func(c net.Conn) { c.Read(make([]byte, 1)) })},
	{uptime.FaultTLSEOF, "it closed the connection", shaking(func(net.Conn) {})},
	{uptime.FaultTLSReset, "reset", shaking(func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) })},
	{uptime.FaultTLSNotTLS, `it does not speak TLS, it sent "HTTP/"`, shaking(writes([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")))},
	{uptime.FaultTLSNotTLS, "makes no sense", shaking(writes([]byte{22, 3, 3, 0, 4, 99, 0, 0, 0}))},
	{uptime.FaultTLSVersion, "alert 70, protocol version not supported", func(t *testing.T) uptime.Result {
		root := newCA(t, "test root", nil)
		to := tlsServer(t, &tls.Config{Certificates: []tls.Certificate{root.issue(t, nil)}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
		return once(t, made(t, testSystem(), "tls", "tls://"+to, nil, nil))
	}},
	{uptime.FaultTLSVersion, "it chose TLS 1.1; the oldest that we take is 1.2", shaking(writes(serverHello(0x0302, 0x002f)))},
	{uptime.FaultTLSNoCipher, "alert 40, handshake failure", func(t *testing.T) uptime.Result {
		root := newCA(t, "test root", nil)
		to := tlsServer(t, &tls.Config{Certificates: []tls.Certificate{root.issue(t, nil)}, MaxVersion: tls.VersionTLS12,
			CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}})
		return once(t, made(t, testSystem(), "tls", "tls://"+to, nil, nil))
	}},
	{uptime.FaultTLSNoCipher, "unconfigured cipher suite", shaking(writes(serverHello(0x0303, 0x0001)))},
	{uptime.FaultTLSAlert, "refused (alert 80, internal error)", shaking(writes(alert(80)))},
	{uptime.FaultTLSUnknownName, "alert 112", shaking(writes(alert(112)))},
	{uptime.FaultTLSClientCertRequired, "it wants a client certificate (alert 116", wanting(tls.VersionTLS13)},
	{uptime.FaultTLSClientCertRequired, "it wants a client certificate (alert 40", wanting(tls.VersionTLS12)},
	{uptime.FaultTLSExpired, "certificate of good.test expired " + time.Now().Add(-95*time.Hour).UTC().Format(time.DateOnly) + " (3 d ago)", showing(func(t testing.TB, root *authority) tls.Certificate {
		return root.issue(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-95 * time.Hour) })
	})},
	{uptime.FaultTLSNotYetValid, "certificate of good.test is not valid before", showing(func(t testing.TB, root *authority) tls.Certificate {
		return root.issue(t, func(c *x509.Certificate) { c.NotBefore = days(4) })
	})},
	{uptime.FaultTLSIntermediateExpired, "certificate of the CA between expired", showing(func(t testing.TB, root *authority) tls.Certificate {
		between := newCA(t, "between", root, func(c *x509.Certificate) { c.NotAfter = days(-4) })
		return between.issue(t, nil, between)
	})},
	{uptime.FaultTLSHostname, "certificate is for a.test, b.test, c.test and 2 more, not for good.test", showing(func(t testing.TB, root *authority) tls.Certificate {
		return root.issue(t, func(c *x509.Certificate) { c.DNSNames = []string{"a.test", "b.test", "c.test", "d.test"} })
	})},
	{uptime.FaultTLSNoSAN, "names no host", showing(func(t testing.TB, root *authority) tls.Certificate {
		return root.issue(t, func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = nil, nil })
	})},
	{uptime.FaultTLSSelfSigned, "certificate of good.test is self-signed", showing(func(t testing.TB, _ *authority) tls.Certificate {
		c, key := template("myself"), newKey(t)
		c.DNSNames = []string{"good.test"}
		return tls.Certificate{Certificate: [][]byte{sign(t, c, c, &key.PublicKey, key).Raw}, PrivateKey: key}
	})},
	{uptime.FaultTLSUntrustedCA, "the CA other root is not trusted", showing(func(t testing.TB, _ *authority) tls.Certificate {
		return newCA(t, "other root", nil).issue(t, nil)
	})},
	{uptime.FaultTLSUntrustedCA, "the CA other root is not trusted", showing(func(t testing.TB, _ *authority) tls.Certificate {
		other := newCA(t, "other root", nil)
		return other.issue(t, nil, other)
	})},
	{uptime.FaultTLSIncompleteChain, "the server does not send the certificate of between", showing(func(t testing.TB, root *authority) tls.Certificate {
		return newCA(t, "between", root).issue(t, func(c *x509.Certificate) { c.IssuingCertificateURL = []string{"http://ca.test/between.crt"} })
	})},
	{uptime.FaultTLSWrongEKU, "certificate of good.test is for clients, not for servers", showing(func(t testing.TB, root *authority) tls.Certificate {
		return root.issue(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })
	})},
	{uptime.FaultTLSWrongEKU, "the CA between may not issue certificates for servers", showing(func(t testing.TB, root *authority) tls.Certificate {
		between := newCA(t, "between", root, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })
		return between.issue(t, nil, between)
	})},
	{uptime.FaultTLSWrongEKU, "refused our client certificate (alert 42, bad certificate), which is not for clients", showingClient(x509.ExtKeyUsageServerAuth, tls.VersionTLS13)},
	{uptime.FaultTLSWrongEKU, "refused our client certificate (alert 42, bad certificate), which is not for clients", showingClient(x509.ExtKeyUsageServerAuth, tls.VersionTLS12)},
	{uptime.FaultTLSBadCertificate, "has a critical extension that clients don't know (1.2.3.4)", showing(func(t testing.TB, root *authority) tls.Certificate {
		return root.issue(t, func(c *x509.Certificate) { c.ExtraExtensions = unknownExtension })
	})},
	{uptime.FaultTLSBadCertificate, "the CA between has a critical extension", showing(func(t testing.TB, root *authority) tls.Certificate {
		between := newCA(t, "between", root, func(c *x509.Certificate) { c.ExtraExtensions = unknownExtension })
		return between.issue(t, nil, between)
	})},
	{uptime.FaultTLSBadCertificate, "failed to parse certificate from server", func(t *testing.T) uptime.Result {
		cert := newCA(t, "test root", nil).issue(t, nil)
		cert.Certificate = [][]byte{[]byte("no certificate")}
		return showingTo(t, cert, nil)
	}},
	{uptime.FaultTLSBadCertificate, "RSA key larger than 8192 bits", showing(func(t testing.TB, root *authority) tls.Certificate {
		huge := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 8999, 1), E: 65537}
		return tls.Certificate{Certificate: [][]byte{sign(t, template("huge"), root.cert, huge, root.key).Raw}, PrivateKey: root.key}
	})},
	{uptime.FaultTLSBadCertificate, "unsupported type of public key", showing(func(t testing.TB, root *authority) tls.Certificate {
		public, _, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		der := sign(t, template("strange"), root.cert, public, root.key).Raw
		return tls.Certificate{Certificate: [][]byte{bytes.Replace(der, []byte("\x2b\x65\x70"), []byte("\x2b\x65\x71"), 1)}, PrivateKey: root.key} // Ed448
	})},
	{uptime.FaultTLSBadCertificate, "empty certificates message", showing(func(t testing.TB, root *authority) tls.Certificate {
		return tls.Certificate{Certificate: [][]byte{}, PrivateKey: root.key}
	})},
	{uptime.FaultTLSNameConstraint, "may not issue for this name", showing(func(t testing.TB, root *authority) tls.Certificate {
		between := newCA(t, "between", root, func(c *x509.Certificate) {
			c.PermittedDNSDomains, c.PermittedDNSDomainsCritical = []string{"other.test"}, true
		})
		return between.issue(t, nil, between)
	})},
	{uptime.FaultTLSPathLen, "may not have so many CAs below it", showing(func(t testing.TB, root *authority) tls.Certificate {
		first := newCA(t, "first", root, func(c *x509.Certificate) { c.MaxPathLen, c.MaxPathLenZero = 0, true })
		second := newCA(t, "second", first)
		return second.issue(t, nil, second, first)
	})},
	{uptime.FaultTLSWeakKey, "RSA key of 1024 bits", func(t *testing.T) uptime.Result {
		root := newCA(t, "test root", nil)
		key, err := rsa.GenerateKey(rand.Reader, 1024)
		if err != nil {
			t.Fatal(err)
		}
		c := template("weak")
		c.DNSNames = []string{"good.test"}
		cert := tls.Certificate{Certificate: [][]byte{sign(t, c, root.cert, &key.PublicKey, root.key).Raw}, PrivateKey: key}
		return showingTo(t, cert, keys{"ca_file": root.pem(), "server_name": "good.test"})
	}},
	{uptime.FaultTLSWeakSignature, "is signed with SHA1-RSA", weaklySigned},
	{uptime.FaultTLSPinMismatch, "is pinned; its own is sha256/", func(t *testing.T) uptime.Result {
		root := newCA(t, "test root", nil)
		return showingTo(t, root.issue(t, nil), keys{"ca_file": root.pem(), "pin": []string{"sha256/" + strings.Repeat("A", 43) + "="}})
	}},
	{uptime.FaultTLSExpiresSoon, "(in 10 d), warned of from 14 d on", showing(func(t testing.TB, root *authority) tls.Certificate {
		return root.issue(t, func(c *x509.Certificate) { c.NotBefore, c.NotAfter = days(-80), days(10) })
	})},
}

// weaklySigned has a certificate signed with SHA-1, which Go no longer makes.
func weaklySigned(t *testing.T) uptime.Result {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ca := template("old root")
	ca.IsCA, ca.BasicConstraintsValid, ca.KeyUsage, ca.ExtKeyUsage = true, true, x509.KeyUsageCertSign, nil
	root := sign(t, ca, ca, &key.PublicKey, key)
	leaf, leafKey := template("old"), newKey(t)
	leaf.DNSNames = []string{"good.test"}
	var cert struct {
		TBS       asn1.RawValue
		Algorithm asn1.RawValue
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(sign(t, leaf, root, &leafKey.PublicKey, key).Raw, &cert); err != nil {
		t.Fatal(err)
	}
	const sha256RSA, sha1RSA = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05"
	for _, raw := range []*asn1.RawValue{&cert.TBS, &cert.Algorithm} {
		raw.FullBytes = []byte(strings.Replace(string(raw.FullBytes), sha256RSA, sha1RSA, 1))
	}
	sum := sha1.Sum(cert.TBS.FullBytes)
	if cert.Signature.Bytes, err = rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA1, sum[:]); err != nil {
		t.Fatal(err)
	}
	der, err := asn1.Marshal(cert)
	if err != nil {
		t.Fatal(err)
	}
	old := &authority{cert: root}
	return showingTo(t, tls.Certificate{Certificate: [][]byte{der}, PrivateKey: leafKey}, keys{"ca_file": old.pem(), "server_name": "good.test"})
}

// TestAllProblems shows a certificate with which everything is wrong.
func TestAllProblems(t *testing.T) {
	root := newCA(t, "test root", nil)
	r := showingTo(t, newCA(t, "other root", nil).issue(t, func(c *x509.Certificate) {
		c.NotAfter, c.DNSNames, c.IPAddresses = days(-4), []string{"a.test"}, nil
	}), keys{"ca_file": root.pem(), "server_name": "good.test"})
	wantFault(t, r, uptime.FaultTLSExpired, "certificate of good.test expired "+days(-4).UTC().Format(time.DateOnly)+
		" (3 d ago); certificate is for a.test, not for good.test; the CA other root is not trusted")
	if r.Cert == nil || r.Cert.Chain != r.Message || r.Cert.Issuer != "other root" || len(r.Cert.Names) != 1 || r.Cert.Version != "1.3" {
		t.Errorf("%+v", r.Cert)
	}
}

func TestVerifyNone(t *testing.T) {
	bad := newCA(t, "other root", nil).issue(t, func(c *x509.Certificate) { c.NotAfter = days(-4) })
	r := showingTo(t, bad, keys{"verify": "none"})
	if r.Outcome != uptime.OutcomeUp || !strings.Contains(r.Cert.Chain, "expired") {
		t.Errorf("%+v, %+v", r, r.Cert)
	}
	r = showingTo(t, bad, keys{"verify": "none", "pin": []string{spki(bad.Leaf)}})
	if r.Outcome != uptime.OutcomeUp {
		t.Errorf("pinned: %+v", r)
	}
}

// TestAge has the limits of the CA/Browser Forum for lifetimes of today and tomorrow.
func TestAge(t *testing.T) {
	const day = 24 * time.Hour
	tests := []struct {
		lifetime  time.Duration
		warn      uptime.Percentage
		warned    time.Duration
		shortened time.Duration
	}{
		{90 * day, uptime.Percentage{}, 14 * day, 3 * day},
		{45 * day, uptime.Percentage{}, 45 * day / 4, 45 * day / 20},
		{160 * time.Hour, uptime.Percentage{}, 40 * time.Hour, 8 * time.Hour},
		{24 * time.Hour, uptime.Percentage{}, 6 * time.Hour, 72 * time.Minute},
		{90 * day, uptime.Percentage{Duration: 30 * day}, 30 * day, 3 * day},
		{90 * day, uptime.Percentage{Share: 0.1}, 9 * day, 3 * day},
	}
	now := time.Now()
	for _, tt := range tests {
		for _, left := range []time.Duration{tt.warned + time.Minute, tt.warned - time.Minute, tt.shortened - time.Minute} {
			leaf := &x509.Certificate{NotAfter: now.Add(left), NotBefore: now.Add(left - tt.lifetime)}
			tr := newTrace()
			path := []*x509.Certificate{leaf}
			tr.complainOfAge(&inspection{now: now, name: "a.test", shown: path, path: path}, tt.warn, uptime.Percentage{})
			text := ""
			if tr.complaint != nil {
				text = tr.complaint.text
			}
			switch {
			case left > tt.warned:
				if text != "" {
					t.Errorf("%s of %s left: %s", left, tt.lifetime, text)
				}
			case !strings.Contains(text, map[bool]string{true: "under the minimum", false: "warned of"}[left < tt.shortened]):
				t.Errorf("%s of %s left: %s", left, tt.lifetime, text)
			}
		}
	}
}

// TestTLSTexts holds the texts that we read against the standard library's;
// the first two are made by TestFaults.
func TestTLSTexts(t *testing.T) {
	weak := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 511, 1), E: 65537}
	err := rsa.VerifyPKCS1v15(weak, crypto.SHA256, make([]byte, 32), make([]byte, 64))
	f := tlsFailure("127.0.0.1:1", fmt.Errorf("tls: invalid signature by the server certificate: %w", err), false)
	if f.fault != uptime.FaultTLSWeakKey {
		t.Errorf("%s: %s", f.fault, f.text)
	}
}

func TestClientCertificate(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		if r := showingClient(x509.ExtKeyUsageClientAuth, version)(t); r.Outcome != uptime.OutcomeUp {
			t.Errorf("%+v", r)
		}
	}
}
