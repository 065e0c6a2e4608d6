package probes

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"lookout/engine/uptime"
)

// answer is what a CA, or a responder in its name, says of a certificate.
func answer(t testing.TB, ca, by *authority, leaf *x509.Certificate, change func(*ocsp.Response)) []byte {
	t.Helper()
	r := ocsp.Response{Status: ocsp.Good, SerialNumber: leaf.SerialNumber, ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: days(3), IssuerHash: crypto.SHA1}
	if change != nil {
		change(&r)
	}
	if by != ca {
		r.Certificate = by.cert
	}
	raw, err := ocsp.CreateResponse(ca.cert, by.cert, r, by.key)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func revokedBy(at time.Time) func(*ocsp.Response) {
	return func(r *ocsp.Response) {
		r.Status, r.RevokedAt, r.RevocationReason = ocsp.Revoked, at, ocsp.KeyCompromise
	}
}

// noted are the details of the steps about revocation.
func noted(r uptime.Result) string {
	var notes []string
	for _, s := range r.Steps {
		if s.Step == "revocation" {
			notes = append(notes, s.Detail)
		}
	}
	return strings.Join(notes, ", ")
}

func TestStaple(t *testing.T) {
	root := newCA(t, "root", nil)
	asResponder := func(use x509.ExtKeyUsage) *authority {
		pair := root.issue(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{use} })
		return &authority{pair.Leaf, pair.PrivateKey.(*ecdsa.PrivateKey)}
	}
	responder, impostor := asResponder(x509.ExtKeyUsageOCSPSigning), asResponder(x509.ExtKeyUsageServerAuth)
	stranger := &authority{root.cert, newKey(t)}
	old := func(r *ocsp.Response) { r.ThisUpdate, r.NextUpdate = days(-9), days(-4) }

	type stapled func(leaf *x509.Certificate) []byte
	by := func(ca *authority, change func(*ocsp.Response)) stapled {
		return func(leaf *x509.Certificate) []byte { return answer(t, root, ca, leaf, change) }
	}
	none := func(*x509.Certificate) []byte { return nil }
	tests := []struct {
		name    string
		staple  stapled
		demands bool // the certificate demands one
		fault   uptime.Fault
		says    string // the message, or the note
	}{
		{"none", none, false, uptime.NoFault, ""},
		{"good", by(root, nil), false, uptime.NoFault, "stapled answer: good, until " + date(days(3))},
		{"good by a responder", by(responder, nil), false, uptime.NoFault, "stapled answer: good"},
		{"revoked", by(root, revokedBy(days(-2))), false, uptime.FaultTLSRevoked,
			"certificate of good.test was revoked " + date(days(-2)) + " (key compromised), as its server's own stapled answer says"},
		{"revoked, by an answer that is old", by(root, func(r *ocsp.Response) { old(r); revokedBy(days(-5))(r) }), false, uptime.FaultTLSRevoked, "was revoked"},
		{"expired", by(root, old), false, uptime.NoFault, "stapled answer: one that expired " + date(days(-4))},
		{"of the future", by(root, func(r *ocsp.Response) { r.ThisUpdate = days(1) }), false, uptime.NoFault, "not valid before"},
		{"unknown", by(root, func(r *ocsp.Response) { r.Status = ocsp.Unknown }), false, uptime.NoFault, "does not know it"},
		{"revoked, as a server says of itself", by(impostor, revokedBy(days(-2))), false, uptime.NoFault, "signed by a certificate that may not"},
		{"revoked, by a stranger", func(leaf *x509.Certificate) []byte {
			return answer(t, stranger, stranger, leaf, revokedBy(days(-2)))
		}, false, uptime.NoFault, "bad OCSP signature"},
		{"about another", func(*x509.Certificate) []byte { return answer(t, root, root, root.cert, revokedBy(days(-2))) }, false, uptime.NoFault, "no response matching"},
		{"garbage", func(*x509.Certificate) []byte { return []byte("\x1b[31mred") }, false, uptime.NoFault, "stapled answer: one that is no good"},
		{"demanded and good", by(root, nil), true, uptime.NoFault, "good"},
		{"demanded and missing", none, true, uptime.FaultTLSBadCertificate, "certificate of good.test demands a stapled OCSP answer, and the server sends none"},
		{"demanded and expired", by(root, old), true, uptime.FaultTLSBadCertificate, "sends one that expired"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cert := root.issue(t, func(c *x509.Certificate) {
				if tt.demands {
					c.ExtraExtensions = []pkix.Extension{{Id: tlsFeature, Value: []byte{0x30, 3, 2, 1, 5}}}
				}
			})
			cert.OCSPStaple = tt.staple(cert.Leaf)
			for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
				to := tlsServer(t, &tls.Config{Certificates: []tls.Certificate{cert}, MaxVersion: version})
				r := once(t, made(t, testSystem(), "tls", "tls://"+to, keys{"ca_file": root.pem(), "server_name": "good.test"}, nil))
				if says := r.Message + noted(r); r.Fault != tt.fault || !strings.Contains(says, tt.says) || tt.says == "" && says != "" {
					t.Errorf("%s: %s, %s", r.Fault, r.Message, noted(r))
				}
			}
		})
	}
}

// FuzzStaple reads answers of an attacker's making.
func FuzzStaple(f *testing.F) {
	root := newCA(f, "root", nil)
	leaf := root.issue(f, nil).Leaf
	f.Add(answer(f, root, root, leaf, nil))
	f.Add(answer(f, root, root, leaf, revokedBy(time.Now())))
	f.Add([]byte("\x30\x03\x0a\x01\x06"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		in := &inspection{shown: []*x509.Certificate{leaf}, path: []*x509.Certificate{leaf, root.cert}, name: "good.test", now: time.Now()}
		res := uptime.Result{Steps: []uptime.Step{{Detail: in.staple(raw)}}}
		clean(&res)
		if text := res.Steps[0].Detail; text != uptime.Clean(text, len(text)) {
			t.Errorf("%q", text)
		}
	})
}

var revocationFaults = []produced{
	{uptime.FaultTLSRevoked, "was revoked", func(t *testing.T) uptime.Result {
		root := newCA(t, "root", nil)
		cert := root.issue(t, nil)
		cert.OCSPStaple = answer(t, root, root, cert.Leaf, revokedBy(days(-2)))
		return showingTo(t, cert, keys{"ca_file": root.pem()})
	}},
}
