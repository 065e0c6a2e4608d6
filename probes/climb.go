package probes

import (
	"bytes"
	"crypto/x509"
	"errors"
	"slices"

	"lookout/engine/uptime"
)

// maxMends is how many things are mended on the way up. Each costs to verify the chain again.
const maxMends = 8

// climb finds the path from a certificate up to a trusted root, and notes what
// is wrong with the CAs on it. Package x509 stops at the first problem: so
// each is noted, mended in a copy of the certificate, and the search begun
// anew. What its signature says is not mended.
func (in *inspection) climb(from *x509.Certificate) {
	var m mending
	start := m.copy(from)
	start.NotBefore, start.NotAfter = in.now, in.now // was looked at by itself, like all of the next line
	start.UnhandledCriticalExtensions, start.ExtKeyUsage, start.UnknownExtKeyUsage = nil, nil, nil
	opts := x509.VerifyOptions{Roots: in.roots, CurrentTime: in.now, Intermediates: x509.NewCertPool()}
	for _, c := range in.shown {
		if c != from {
			opts.Intermediates.AddCert(m.copy(c))
		}
	}
	for range maxMends {
		chains, err := start.Verify(opts)
		if err == nil {
			for _, c := range lasting(chains) {
				in.path = append(in.path, m.original(c))
			}
			return
		}
		if !in.mend(&m, &opts, err) {
			break
		}
	}
	in.strand(from)
}

// mending keeps the copies that are mended.
type mending struct {
	copies, originals []*x509.Certificate // in the same order
	roots             *x509.CertPool      // of copies; nil: none yet
	uses              bool                // what a CA may issue for is no longer looked at
	names             bool                // nor for whom
}

func (m *mending) copy(c *x509.Certificate) *x509.Certificate {
	copied := *c
	m.copies, m.originals = append(m.copies, &copied), append(m.originals, c)
	return &copied
}

func (m *mending) original(c *x509.Certificate) *x509.Certificate {
	if i := slices.Index(m.copies, c); i >= 0 {
		return m.originals[i]
	}
	return c // a root
}

// mend notes a problem of a CA and puts it right; false where it cannot.
func (in *inspection) mend(m *mending, opts *x509.VerifyOptions, err error) bool {
	if errors.As(err, new(x509.UnhandledCriticalExtension)) {
		mended := false
		for i, c := range m.copies {
			if len(c.UnhandledCriticalExtensions) > 0 {
				in.inspectExtensions(m.originals[i])
				c.UnhandledCriticalExtensions, mended = nil, true
			}
		}
		return mended
	}
	var invalid x509.CertificateInvalidError
	if !errors.As(err, &invalid) {
		return false
	}
	c := invalid.Cert
	if !slices.Contains(m.copies, c) { // a root, for which its pool is changed
		c = m.copy(c)
		if m.roots == nil {
			m.roots = x509.NewCertPool()
			opts.Roots = m.roots
		}
		m.roots.AddCert(c)
	}
	original := m.original(c)
	switch invalid.Reason {
	case x509.Expired:
		in.inspectDates(original)
		c.NotBefore, c.NotAfter = in.now, in.now
	case x509.TooManyIntermediates:
		in.add(uptime.FaultTLSPathLen, "%s may not have so many CAs below it", in.called(original))
		c.MaxPathLen, c.MaxPathLenZero = -1, false
	case x509.IncompatibleUsage, x509.CANotAuthorizedForExtKeyUsage:
		if m.uses {
			return false
		}
		in.add(uptime.FaultTLSWrongEKU, "%s may not issue certificates for servers", in.notForServers())
		opts.KeyUsages, m.uses = []x509.ExtKeyUsage{x509.ExtKeyUsageAny}, true
	case x509.CANotAuthorizedForThisName, x509.NameConstraintsWithoutSANs, x509.UnconstrainedName, x509.TooManyConstraints:
		if m.names {
			return false
		}
		in.add(uptime.FaultTLSNameConstraint, "a CA of the chain may not issue for this name (%s)", shown(invalid.Detail))
		for _, c := range m.copies {
			c.PermittedDNSDomains, c.ExcludedDNSDomains = nil, nil
			c.PermittedIPRanges, c.ExcludedIPRanges = nil, nil
			c.PermittedEmailAddresses, c.ExcludedEmailAddresses = nil, nil
			c.PermittedURIDomains, c.ExcludedURIDomains = nil, nil
		}
		m.names = true
	default:
		return false
	}
	return true
}

// notForServers names the CA whose extended key usage keeps it from issuing for servers.
func (in *inspection) notForServers() string {
	for _, c := range in.shown[1:] {
		if !forServers(c) {
			return in.called(c)
		}
	}
	return "a CA of the chain"
}

// strand notes why no path leads from a certificate to a trusted root.
func (in *inspection) strand(from *x509.Certificate) {
	seen, sure := []*x509.Certificate{from}, true // until a signature that does not prove anything
	in.path = seen
	top := from
	for range in.shown {
		if weakSignature(top) {
			in.add(uptime.FaultTLSWeakSignature, "certificate of %s is signed with %s", in.called(top), top.SignatureAlgorithm)
			sure = false
		}
		issuer := in.issuer(top)
		if issuer == nil || slices.Contains(seen, issuer) {
			break
		}
		in.inspectDates(issuer)
		if !mayIssue(issuer) {
			in.add(uptime.FaultTLSUntrustedCA, "certificate of %s was issued with that of %s, which is no CA", in.called(top), nameOf(issuer))
			return
		}
		if seen = append(seen, issuer); sure {
			in.path = seen
		}
		top = issuer
	}
	leaf := in.shown[0]
	switch {
	case !sure && (weakSignature(top) || in.trusted(top)):
		// Who issued it cannot be told, or nothing else is wrong.
	case top == leaf && selfSigned(leaf):
		in.add(uptime.FaultTLSSelfSigned, "certificate of %s is self-signed", in.name)
	case top == leaf && len(leaf.IssuingCertificateURL) > 0:
		// A CA that says where its own certificate is expects it to be sent along.
		in.add(uptime.FaultTLSIncompleteChain, "the server does not send the certificate of %s, which issued that of %s", shown(issuerOf(leaf)), in.name)
	case selfSigned(top):
		in.add(uptime.FaultTLSUntrustedCA, "the CA %s is not trusted", nameOf(top))
	default:
		in.add(uptime.FaultTLSUntrustedCA, "the CA %s is not trusted", shown(issuerOf(top)))
	}
}

// mayIssue reports whether a certificate is one of a CA, as package x509 has it.
func mayIssue(c *x509.Certificate) bool {
	if c.KeyUsage != 0 && c.KeyUsage&x509.KeyUsageCertSign == 0 {
		return false
	}
	return c.BasicConstraintsValid && c.IsCA || !c.BasicConstraintsValid && c.Version < 3
}

// trusted reports whether a path leads from a CA to a trusted root, its own dates aside.
func (in *inspection) trusted(ca *x509.Certificate) bool {
	copied := *ca
	copied.NotBefore, copied.NotAfter = in.now, in.now
	_, err := copied.Verify(x509.VerifyOptions{Roots: in.roots, CurrentTime: in.now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	return err == nil
}

// issuer finds who signed c among the certificates that were shown, a valid one first.
func (in *inspection) issuer(c *x509.Certificate) *x509.Certificate {
	var found *x509.Certificate
	for _, other := range in.shown {
		if !bytes.Equal(other.RawSubject, c.RawIssuer) || !weakSignature(c) && other.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) != nil {
			continue
		}
		if !in.now.Before(other.NotBefore) && !in.now.After(other.NotAfter) {
			return other
		}
		if found == nil {
			found = other
		}
	}
	return found
}

func selfSigned(c *x509.Certificate) bool {
	return bytes.Equal(c.RawSubject, c.RawIssuer) && c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}

// weakSignature reports a signature that anybody may have forged. A root's own does not count.
func weakSignature(c *x509.Certificate) bool {
	switch c.SignatureAlgorithm {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
		return !bytes.Equal(c.RawSubject, c.RawIssuer)
	}
	return false
}
