package probes

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// The smallest keys that are taken, in bits: what the CA/B baseline has for
// RSA, and what is as strong with an elliptic curve.
const (
	minRSA = 2048
	minEC  = 224
)

// problem is one thing that is wrong with a chain of certificates.
type problem struct {
	fault uptime.Fault
	text  string
}

// problems are those of one chain.
type problems []problem

// byWeight has the faults of a chain, the one that says most first: somebody
// else answers, then what the owner forgot, then what was never right.
var byWeight = []uptime.Fault{
	uptime.FaultTLSRevoked, uptime.FaultTLSPinMismatch,
	uptime.FaultTLSExpired, uptime.FaultTLSNotYetValid, uptime.FaultTLSIntermediateExpired,
	uptime.FaultTLSHostname, uptime.FaultTLSNoSAN,
	uptime.FaultTLSSelfSigned, uptime.FaultTLSUntrustedCA, uptime.FaultTLSIncompleteChain,
	uptime.FaultTLSWrongEKU, uptime.FaultTLSNameConstraint, uptime.FaultTLSPathLen, uptime.FaultTLSBadCertificate,
	uptime.FaultTLSWeakKey, uptime.FaultTLSWeakSignature,
}

// add notes a problem, each once.
func (ps *problems) add(fault uptime.Fault, format string, args ...any) {
	p := problem{fault, fmt.Sprintf(format, args...)}
	if !slices.Contains(*ps, p) {
		*ps = append(*ps, p)
	}
}

// drop forgets the problems of some classes.
func (ps *problems) drop(faults ...uptime.Fault) {
	*ps = slices.DeleteFunc(*ps, func(p problem) bool { return slices.Contains(faults, p.fault) })
}

// String names them all, the most telling first.
func (ps problems) String() string {
	slices.SortStableFunc(ps, func(a, b problem) int {
		return cmp.Compare(slices.Index(byWeight, a.fault), slices.Index(byWeight, b.fault))
	})
	texts := make([]string, len(ps))
	for i, p := range ps {
		texts[i] = p.text
	}
	return strings.Join(texts, "; ")
}

// failure is the most telling problem's, and names them all; nil for none.
func (ps problems) failure() *failure {
	if len(ps) == 0 {
		return nil
	}
	text := ps.String()
	return &failure{fault: ps[0].fault, text: text}
}

// maxChain is how many certificates of a server are looked at. Honest chains
// have up to five; every pair of them may cost a signature to verify, and a
// hostile server may send hundreds that all claim to have issued each other.
const maxChain = 12

// inspection is what came of looking at the certificates that a server showed.
type inspection struct {
	problems
	// path leads from the leaf up, each signed by the next, to a trusted root
	// where there is one.
	path []*x509.Certificate

	name  string // that was asked for, as a sentence bears it
	shown []*x509.Certificate
	roots *x509.CertPool // nil: the system's
	now   time.Time
}

// inspect says all that is wrong with the certificates that a server showed
// for a name: no problem for good ones. Package x509 stops at the first, and
// calls five different ones an unknown authority.
func inspect(chain []*x509.Certificate, name string, roots *x509.CertPool, now time.Time) *inspection {
	in := &inspection{shown: chain[:min(len(chain), maxChain)], name: shown(name), roots: roots, now: now}
	leaf := in.shown[0]
	opts := x509.VerifyOptions{DNSName: bracketed(name), Roots: roots, CurrentTime: now}
	if len(in.shown) > 1 {
		opts.Intermediates = x509.NewCertPool()
		for _, c := range in.shown[1:] {
			opts.Intermediates.AddCert(c)
		}
	}
	if chains, err := leaf.Verify(opts); err == nil {
		in.path = lasting(chains)
	} else {
		in.inspectLeaf(name)
		in.climb(leaf)
		if len(in.problems) == 0 { // whatever it is, it is not good
			in.add(uptime.FaultTLSUntrustedCA, "certificate of %s does not verify: %s", in.name, shown(err.Error()))
		}
	}
	for _, c := range in.path {
		if text := weakKey(c); text != "" {
			in.add(uptime.FaultTLSWeakKey, "certificate of %s has %s", in.called(c), text)
		}
	}
	return in
}

// inspectLeaf notes what is wrong with the server's own certificate by itself.
func (in *inspection) inspectLeaf(name string) {
	leaf := in.shown[0]
	switch {
	case in.now.After(leaf.NotAfter):
		in.add(uptime.FaultTLSExpired, "certificate of %s expired %s (%s ago)", in.name, date(leaf.NotAfter), span(in.now.Sub(leaf.NotAfter)))
	case in.now.Before(leaf.NotBefore):
		in.add(uptime.FaultTLSNotYetValid, "certificate of %s is not valid before %s (in %s)", in.name, date(leaf.NotBefore), span(leaf.NotBefore.Sub(in.now)))
	}
	if leaf.VerifyHostname(bracketed(name)) != nil {
		if names := namesOf(leaf); len(names) == 0 {
			in.add(uptime.FaultTLSNoSAN, "certificate of %s names no host (no subject alternative name)", in.name)
		} else {
			in.add(uptime.FaultTLSHostname, "certificate is for %s, not for %s", some(names), in.name)
		}
	}
	if !forServers(leaf) {
		use := "not for servers"
		if slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageClientAuth) {
			use = "for clients, not for servers"
		}
		in.add(uptime.FaultTLSWrongEKU, "certificate of %s is %s", in.name, use)
	}
	in.inspectExtensions(leaf)
}

// inspectExtensions notes what a client that does not know it has to refuse.
func (in *inspection) inspectExtensions(c *x509.Certificate) {
	if len(c.UnhandledCriticalExtensions) > 0 {
		in.add(uptime.FaultTLSBadCertificate, "certificate of %s has a critical extension that clients don't know (%s)", in.called(c), oids(c.UnhandledCriticalExtensions))
	}
}

// inspectDates notes a CA outside of its time.
func (in *inspection) inspectDates(ca *x509.Certificate) {
	switch {
	case in.now.After(ca.NotAfter):
		in.add(uptime.FaultTLSIntermediateExpired, "certificate of %s expired %s", in.called(ca), date(ca.NotAfter))
	case in.now.Before(ca.NotBefore):
		in.add(uptime.FaultTLSNotYetValid, "certificate of %s is not valid before %s", in.called(ca), date(ca.NotBefore))
	}
}

// called is what a sentence calls a certificate's owner.
func (in *inspection) called(c *x509.Certificate) string {
	if c == in.shown[0] {
		return in.name
	}
	return "the CA " + nameOf(c)
}

// lasting is the chain of several that is good for the longest time: clients find one of them.
func lasting(chains [][]*x509.Certificate) []*x509.Certificate {
	if len(chains) == 1 {
		return chains[0]
	}
	return slices.MaxFunc(chains, func(a, b []*x509.Certificate) int { return firstEnd(a).NotAfter.Compare(firstEnd(b).NotAfter) })
}

// firstEnd is the certificate of a path that ends first.
func firstEnd(path []*x509.Certificate) *x509.Certificate {
	return slices.MinFunc(path, func(a, b *x509.Certificate) int { return a.NotAfter.Compare(b.NotAfter) })
}

// forServers reports whether a certificate's extended key usage lets a server use it.
func forServers(c *x509.Certificate) bool { return usable(c, x509.ExtKeyUsageServerAuth) }

func usable(c *x509.Certificate, use x509.ExtKeyUsage) bool {
	return len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) == 0 || slices.Contains(c.ExtKeyUsage, use) || slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageAny)
}

// weakKey says what is weak about a certificate's key, "" for nothing.
func weakKey(c *x509.Certificate) string {
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < minRSA {
			return fmt.Sprintf("an RSA key of %d bits, at least %d wanted", bits, minRSA)
		}
	case *ecdsa.PublicKey:
		if bits := key.Params().BitSize; bits < minEC {
			return fmt.Sprintf("an elliptic-curve key of %d bits, at least %d wanted", bits, minEC)
		}
	default:
		if c.PublicKeyAlgorithm == x509.DSA {
			return "a DSA key"
		}
	}
	return ""
}

// bracketed is a name as package x509 verifies it: an address in brackets is one for sure.
func bracketed(name string) string {
	if net.ParseIP(name) != nil {
		return "[" + name + "]"
	}
	return name
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

// nameOf is a CA's name, as a sentence bears it.
func nameOf(c *x509.Certificate) string {
	return shown(cmp.Or(c.Subject.CommonName, c.Subject.String(), "without a name"))
}

func issuerOf(c *x509.Certificate) string {
	return cmp.Or(c.Issuer.CommonName, c.Issuer.String(), "without a name")
}

// shown is a name as a sentence bears it.
func shown(name string) string { return uptime.Clean(name, 100) }

// some shows the first names of many.
func some(names []string) string {
	const most = 3
	text := shown(strings.Join(names[:min(len(names), most)], ", "))
	if n := len(names) - most; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// oids shows the first of some extensions.
func oids(ids []asn1.ObjectIdentifier) string {
	const most = 3
	var texts []string
	for _, id := range ids[:min(len(ids), most)] {
		texts = append(texts, id.String())
	}
	return shown(strings.Join(texts, ", "))
}

func date(t time.Time) string { return t.UTC().Format(time.DateOnly) }

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
