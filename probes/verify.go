package probes

import (
	"bytes"
	"cmp"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// minRSA is the size of the smallest RSA key that is taken, as the CA/B baseline has it.
const minRSA = 2048

// problem is one thing that is wrong with a chain of certificates.
type problem struct {
	fault uptime.Fault
	text  string
}

// problems are those of one chain, the worst first: the order of the fault table.
type problems []problem

func (ps problems) sort() {
	slices.SortStableFunc(ps, func(a, b problem) int { return cmp.Compare(a.fault, b.fault) })
}

func (ps problems) String() string {
	var texts []string
	for _, p := range ps {
		texts = append(texts, p.text)
	}
	return strings.Join(texts, "; ")
}

// failure is the worst problem's, and names them all.
func (ps problems) failure() *failure {
	ps.sort()
	return &failure{fault: ps[0].fault, text: ps.String()}
}

// maxChain is how many certificates of a server are looked at. Honest chains
// have up to five; every pair of them may cost a signature to verify, and a
// hostile server may send hundreds that all claim to have issued each other.
const maxChain = 12

// verifyChain says all that is wrong with the chain that a server showed for a
// name; nothing for a good one. Package x509 stops at the first problem, and
// calls five different ones an unknown authority.
func verifyChain(chain []*x509.Certificate, name string, roots *x509.CertPool, now time.Time) problems {
	chain = chain[:min(len(chain), maxChain)]
	leaf := chain[0]
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	var ps problems
	add := func(fault uptime.Fault, format string, args ...any) {
		ps = append(ps, problem{fault, fmt.Sprintf(format, args...)})
	}

	if k, ok := leaf.PublicKey.(*rsa.PublicKey); ok && k.N.BitLen() < minRSA {
		add(uptime.FaultTLSWeakKey, "certificate of %s has an RSA key of %d bits, at least %d wanted", shown(name), k.N.BitLen(), minRSA)
	}
	opts := x509.VerifyOptions{DNSName: bracketed(name), Roots: roots, Intermediates: between, CurrentTime: now}
	if _, err := leaf.Verify(opts); err == nil {
		return ps
	}

	switch {
	case now.After(leaf.NotAfter):
		add(uptime.FaultTLSExpired, "certificate of %s expired %s (%s ago)", shown(name), leaf.NotAfter.UTC().Format(time.DateOnly), span(now.Sub(leaf.NotAfter)))
	case now.Before(leaf.NotBefore):
		add(uptime.FaultTLSNotYetValid, "certificate of %s is not valid before %s (in %s)", shown(name), leaf.NotBefore.UTC().Format(time.DateOnly), span(leaf.NotBefore.Sub(now)))
	}
	if leaf.VerifyHostname(bracketed(name)) != nil {
		if names := namesOf(leaf); len(names) == 0 {
			add(uptime.FaultTLSNoSAN, "certificate of %s names no host (no subject alternative name)", shown(name))
		} else {
			add(uptime.FaultTLSHostname, "certificate is for %s, not for %s", some(names), shown(name))
		}
	}
	// The chain is looked at by itself: at a time when the leaf is valid, without a name, for any use.
	opts.DNSName, opts.CurrentTime = "", validTime(chain, now)
	opts.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageAny}
	if _, err := leaf.Verify(opts); err != nil {
		ps = append(ps, chainProblem(chain, name, err, now))
		ps.sort()
		return ps
	}
	opts.KeyUsages = nil
	if _, err := leaf.Verify(opts); err != nil {
		add(uptime.FaultTLSWrongEKU, "certificate of %s is not for servers: a client's, or its CA may not issue for them", shown(name))
	}
	ps.sort()
	return ps
}

// validTime is a moment when a leaf is, was or will be valid, and its chain if possible.
func validTime(chain []*x509.Certificate, now time.Time) time.Time {
	leaf := chain[0]
	if now.Before(leaf.NotBefore) {
		return leaf.NotBefore
	}
	at := now
	if now.After(leaf.NotAfter) {
		for _, c := range chain {
			if c.NotAfter.Before(at) && c.NotAfter.After(leaf.NotBefore) {
				at = c.NotAfter
			}
		}
	}
	return at
}

// chainProblem says why no chain leads from a leaf to a trusted root.
func chainProblem(chain []*x509.Certificate, name string, err error, now time.Time) problem {
	p := func(fault uptime.Fault, format string, args ...any) problem {
		return problem{fault, fmt.Sprintf(format, args...)}
	}
	leaf := chain[0]
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) {
		which := shown(nameOf(invalid.Cert))
		switch invalid.Reason {
		case x509.Expired:
			return p(uptime.FaultTLSIntermediateExpired, "certificate of the CA %s expired %s", which, invalid.Cert.NotAfter.UTC().Format(time.DateOnly))
		case x509.TooManyIntermediates:
			return p(uptime.FaultTLSPathLen, "the CA %s may not have so many CAs below it", which)
		case x509.IncompatibleUsage, x509.CANotAuthorizedForExtKeyUsage:
			return p(uptime.FaultTLSWrongEKU, "certificate of %s is not for servers", shown(name))
		case x509.CANotAuthorizedForThisName, x509.NameConstraintsWithoutSANs, x509.UnconstrainedName, x509.TooManyConstraints:
			return p(uptime.FaultTLSNameConstraint, "the CA may not issue for this name (%s)", shown(invalid.Detail))
		}
	}
	top := leaf
	for range chain {
		if weak(top) {
			return p(uptime.FaultTLSWeakSignature, "%s is signed with %s", shown(nameOf(top)), top.SignatureAlgorithm)
		}
		issuer := issuerIn(chain, top)
		if issuer == nil || issuer == top {
			break
		}
		top = issuer
	}
	for _, c := range chain[1:] {
		if now.After(c.NotAfter) {
			return p(uptime.FaultTLSIntermediateExpired, "certificate of the CA %s expired %s", shown(nameOf(c)), c.NotAfter.UTC().Format(time.DateOnly))
		}
	}
	switch {
	case selfSigned(leaf):
		return p(uptime.FaultTLSSelfSigned, "certificate of %s is self-signed", shown(name))
	case top == leaf && len(leaf.IssuingCertificateURL) > 0:
		// A CA that says where its own certificate is expects it to be sent along.
		return p(uptime.FaultTLSIncompleteChain, "the server does not send the certificate of %s, which issued that of %s", shown(issuerOf(leaf)), shown(name))
	case selfSigned(top):
		return p(uptime.FaultTLSUntrustedCA, "the CA %s is not trusted", shown(nameOf(top)))
	}
	return p(uptime.FaultTLSUntrustedCA, "the CA %s is not trusted", shown(issuerOf(top)))
}

// issuerIn finds who signed c among the certificates of a chain.
func issuerIn(chain []*x509.Certificate, c *x509.Certificate) *x509.Certificate {
	for _, other := range chain {
		if bytes.Equal(other.RawSubject, c.RawIssuer) && (weak(c) || c.CheckSignatureFrom(other) == nil) {
			return other
		}
	}
	return nil
}

func selfSigned(c *x509.Certificate) bool {
	return bytes.Equal(c.RawSubject, c.RawIssuer) && c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}

// weak reports a signature that anybody may have forged.
func weak(c *x509.Certificate) bool {
	switch c.SignatureAlgorithm {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
		return !bytes.Equal(c.RawSubject, c.RawIssuer)
	}
	return false
}

// bracketed is a name as package x509 verifies it: an address in brackets is one for sure.
func bracketed(name string) string {
	if net.ParseIP(name) != nil {
		return "[" + name + "]"
	}
	return name
}

// describe is what a result keeps of a leaf.
func describe(leaf *x509.Certificate) *uptime.Certificate {
	const most = 20
	names := namesOf(leaf)
	return &uptime.Certificate{
		Names:     names[:min(len(names), most)],
		Issuer:    issuerOf(leaf),
		Serial:    fmt.Sprintf("%x", leaf.SerialNumber),
		NotBefore: leaf.NotBefore.UTC(),
		NotAfter:  leaf.NotAfter.UTC(),
		Chain:     "ok",
	}
}

// namesOf are the hosts that a certificate is for. Its common name is none of
// them: browsers ignore it, and newer ones have none.
func namesOf(c *x509.Certificate) []string {
	names := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}

// nameOf is a CA's name for people.
func nameOf(c *x509.Certificate) string {
	return cmp.Or(c.Subject.CommonName, c.Subject.String(), "without a name")
}

func issuerOf(c *x509.Certificate) string {
	return cmp.Or(c.Issuer.CommonName, c.Issuer.String(), "without a name")
}

// some shows the first names of many.
func some(names []string) string {
	const most = 3
	text := shown(strings.Join(names[:min(len(names), most)], ", "))
	if n := len(names) - most; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

func spki(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// pinned reports whether a chain holds one of the keys that are wanted, if any are.
func (s *tlsSettings) pinned(chain []*x509.Certificate) bool {
	if len(s.pins) == 0 {
		return true
	}
	return slices.ContainsFunc(chain, func(c *x509.Certificate) bool {
		return slices.Contains(s.pins, sha256.Sum256(c.RawSubjectPublicKeyInfo))
	})
}

// span writes a long duration in its two largest units or, from three days on, in days.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= 3*day {
		return fmt.Sprintf("%d d", d/day)
	}
	if d >= time.Hour {
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return uptime.Ago(d)
}
