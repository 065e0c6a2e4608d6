package probes

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ocsp"

	"lookout/engine/uptime"
)

// Revocation is known from two places. A server may staple an answer of its
// CA's to the handshake: that is looked at where it is there, and costs nobody
// a request. With check_revocation = "crl" the list that the certificate names
// is fetched, too (crl.go). What cannot be had is a note in the steps and no
// fault: a CA that is away is not the target's trouble.

// tlsFeature is the extension by which a certificate demands a stapled answer (RFC 7633).
var tlsFeature = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}

const statusRequest = 5 // the feature in it: OCSP stapling

// revocation looks at a stapled answer and, where it is asked for, at the
// list. What has to be fetched for that is, once the check is over.
func (s *tlsSettings) revocation(ctx context.Context, t *trace, in *inspection, state tls.ConnectionState) {
	start := time.Now()
	if note := in.staple(state.OCSPResponse); note != "" {
		t.judged("revocation", start, note, in.only(uptime.FaultTLSRevoked))
	}
	if s.crl && len(in.problems) == 0 { // a certificate of anybody's must not have us fetch what it names
		s.sys.lists.ask(ctx, s.sys, t, in)
	}
}

// only is the failure of one class of problems.
func (in *inspection) only(fault uptime.Fault) *failure {
	for _, p := range in.problems {
		if p.fault == fault {
			return &failure{fault: p.fault, text: p.text}
		}
	}
	return nil
}

// staple looks at the answer that a server stapled; the note says what it is.
// A missing one is nothing, and a bad one is as good as none, unless the
// certificate demands one.
func (in *inspection) staple(raw []byte) (note string) {
	leaf := in.shown[0]
	bad := ""
	if len(raw) == 0 {
		if !demandsStaple(leaf) {
			return ""
		}
		bad = "none"
	} else if len(in.path) < 2 {
		return "stapled answer without an issuer to hold it against"
	} else {
		answer, err := readStaple(raw, leaf, in.path[1])
		switch {
		case err != nil:
			bad = "one that is no good: " + shown(err.Error())
		case answer.Status == ocsp.Revoked: // which lasts, however old the answer is
			in.add(uptime.FaultTLSRevoked, "certificate of %s was revoked %s (%s), as its server's own stapled answer says", in.name, date(answer.RevokedAt), reason(answer.RevocationReason))
			return "stapled answer: revoked"
		case in.now.Before(answer.ThisUpdate.Add(-staleness)):
			bad = "one that is not valid before " + date(answer.ThisUpdate)
		case !answer.NextUpdate.IsZero() && in.now.After(answer.NextUpdate):
			bad = "one that expired " + date(answer.NextUpdate)
		case answer.Status != ocsp.Good:
			bad = "one by which its CA does not know it"
		default:
			return "stapled answer: good, until " + date(answer.NextUpdate)
		}
	}
	if demandsStaple(leaf) {
		in.add(uptime.FaultTLSBadCertificate, "certificate of %s demands a stapled OCSP answer, and the server sends %s", in.name, bad)
	}
	return "stapled answer: " + bad
}

// staleness is how far a responder's clock may be before ours.
const staleness = 5 * time.Minute

// readStaple reads an answer about leaf that its issuer signed, or somebody
// whom the issuer made a responder, which package ocsp does not ask.
func readStaple(raw []byte, leaf, issuer *x509.Certificate) (*ocsp.Response, error) {
	answer, err := ocsp.ParseResponseForCert(raw, leaf, issuer)
	if err != nil {
		return nil, fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "ocsp: "))
	}
	if by := answer.Certificate; by != nil && !bytes.Equal(by.Raw, issuer.Raw) && !slices.Contains(by.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning) {
		return nil, fmt.Errorf("it is signed by a certificate that may not")
	}
	return answer, nil
}

// demandsStaple reports whether a certificate is good with a stapled answer only.
func demandsStaple(c *x509.Certificate) bool {
	for _, ext := range c.Extensions {
		if !ext.Id.Equal(tlsFeature) {
			continue
		}
		var features []int
		_, err := asn1.Unmarshal(ext.Value, &features)
		return err == nil && slices.Contains(features, statusRequest)
	}
	return false
}

// reasons are those of a revocation (RFC 5280, 5.3.1).
var reasons = [...]string{"no reason given", "key compromised", "CA compromised", "affiliation changed", "superseded",
	"no longer in use", "on hold", "", "removed from the list", "privilege withdrawn", "compromised"}

func reason(code int) string {
	if code < 0 || code >= len(reasons) || reasons[code] == "" {
		return fmt.Sprintf("reason %d", code)
	}
	return reasons[code]
}
