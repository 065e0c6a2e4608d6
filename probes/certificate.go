package probes

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"slices"
	"time"

	"lookout/engine/uptime"
)

// describe is what a result keeps of a connection's certificate.
func describe(state tls.ConnectionState) *uptime.Certificate {
	const most = 20
	leaf := state.PeerCertificates[0]
	names := namesOf(leaf)
	c := &uptime.Certificate{
		Names:       names[:min(len(names), most)],
		Issuer:      issuerOf(leaf),
		Serial:      leaf.SerialNumber.Text(16),
		NotBefore:   leaf.NotBefore.UTC(),
		NotAfter:    leaf.NotAfter.UTC(),
		Version:     tlsVersion(state.Version),
		Chain:       "ok",
		Cipher:      tls.CipherSuiteName(state.CipherSuite),
		Fingerprint: sha256.Sum256(leaf.Raw),
		KeyHash:     sha256.Sum256(leaf.RawSubjectPublicKeyInfo),
	}
	if state.CurveID != 0 {
		c.KeyExchange = state.CurveID.String()
	}
	return c
}

// complainOfAge warns of a certificate that ends soon: the server's own, or
// one between it and the root. Both limits degrade; under the lower one the
// sentence says that it is urgent.
func (t *trace) complainOfAge(in *inspection, warn, least uptime.Percentage) {
	const day = 24 * time.Hour
	for _, c := range in.path {
		remaining, lifetime := c.NotAfter.Sub(in.now), c.NotAfter.Sub(c.NotBefore)
		limits := []struct {
			at   time.Duration
			text string
		}{
			{limit(least, lifetime, 3*day, 1./20), "under the minimum of %s"},
			{limit(warn, lifetime, 14*day, 1./4), "warned of from %s on"},
		}
		for _, l := range limits {
			if remaining < l.at {
				t.complain(fail(uptime.FaultTLSExpiresSoon, "certificate of %s expires %s (in %s), "+l.text,
					in.called(c), date(c.NotAfter), span(remaining), span(l.at)))
			}
		}
	}
}

// holdPins holds the pins against a chain. A pinned key vouches for the
// certificate that has it and for all below it: who issued that, and why
// nobody else trusts it, is no problem then, and neither is a certificate
// without a name whose own key is pinned. A wrong name is one: server_name
// says which it should be.
func (s *tlsSettings) holdPins(in *inspection) {
	if len(s.pins) == 0 {
		return
	}
	switch slices.IndexFunc(in.path, s.pinned) {
	case -1:
		leaf := in.shown[0]
		in.add(uptime.FaultTLSPinMismatch, "no key in the chain of %s is pinned; its own is sha256/%s", in.name, spki(leaf))
		return
	case 0:
		in.drop(uptime.FaultTLSNoSAN)
	}
	in.drop(uptime.FaultTLSSelfSigned, uptime.FaultTLSUntrustedCA, uptime.FaultTLSIncompleteChain)
}

// pinned reports whether a certificate or its key is one of those that are wanted.
func (s *tlsSettings) pinned(c *x509.Certificate) bool {
	return slices.Contains(s.pins, sha256.Sum256(c.RawSubjectPublicKeyInfo)) || slices.Contains(s.pins, sha256.Sum256(c.Raw))
}

func spki(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
}
