package probes

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"lookout/engine/uptime"
)

const (
	maxList  = 8 << 20 // bytes of a revocation list that is read
	maxLists = 100     // that are kept
	// maxRevoked bounds the certificates on all lists that are kept: about 100 MiB.
	maxRevoked = 1_000_000
	// listRetry is how long a list that could not be had is not asked for again.
	listRetry = 5 * time.Minute
	// maxListAge bounds how long a list without a next update is good for.
	maxListAge = 24 * time.Hour
)

// lists are the revocation lists that the checks of a registry share, each
// until its next update. A check that misses one fetches it when it is done
// with its target; others do not wait for it.
type lists struct {
	mu   sync.Mutex
	held map[listKey]*list // immutable values
}

// listKey is where a list comes from and who has to have signed it.
type listKey struct {
	url    string
	issuer [sha256.Size]byte // of its public key
}

// list is a revocation list, or why there is none.
type list struct {
	revoked map[string]revoked // by the bytes of the serial number
	until   time.Time          // it is good, or not to be asked for again
	why     string             // there is none; "" where there is
	busy    bool               // somebody is fetching it
}

type revoked struct {
	at     time.Time
	reason int
}

// ask holds the leaf against the list that it names. A list that is not there
// is fetched after the check, which is then judged by it.
func (ls *lists) ask(ctx context.Context, sys *system, t *trace, in *inspection) {
	start := time.Now()
	unknown := func(why string) { t.judged("revocation", start, "revocation unknown: "+why, nil) }
	leaf := in.shown[0]
	if len(in.path) < 2 {
		unknown("no issuer")
		return
	}
	at := slices.IndexFunc(leaf.CRLDistributionPoints, func(s string) bool { return strings.HasPrefix(s, "http://") })
	if at < 0 {
		unknown("the certificate names no list that can be had over http")
		return
	}
	issuer := in.path[1]
	key := listKey{leaf.CRLDistributionPoints[at], sha256.Sum256(issuer.RawSubjectPublicKeyInfo)}
	judge := func(l *list) *failure {
		switch r, found := l.revoked[string(leaf.SerialNumber.Bytes())]; {
		case l.why != "":
			unknown(l.why)
		case found:
			in.add(uptime.FaultTLSRevoked, "certificate of %s was revoked %s (%s), by the list of %s", in.name, date(r.at), reason(r.reason), nameOf(issuer))
			f := in.only(uptime.FaultTLSRevoked)
			t.judged("revocation", start, "revocation list: revoked", f)
			t.res.Cert.Chain = in.problems.String()
			return f
		default:
			t.judged("revocation", start, "revocation list: not on it, until "+date(l.until), nil)
		}
		return nil
	}
	if l := ls.get(key, in.now); l != nil {
		judge(l)
		return
	}
	t.later = append(t.later, func() *failure {
		start = time.Now()
		return judge(ls.fetch(ctx, sys, key, issuer))
	})
}

// fetch fetches a list, or returns what another check has fetched or is about to.
func (ls *lists) fetch(ctx context.Context, sys *system, key listKey, issuer *x509.Certificate) *list {
	if ctx.Err() != nil {
		return &list{why: "no time was left to fetch the list"}
	}
	l, mine := ls.claim(key, time.Now())
	if !mine {
		return l
	}
	l = &list{why: "the list could not be read"} // should a bug of ours end this function
	defer func() { ls.put(key, l, time.Now()) }()
	l = fetchList(ctx, sys, key, issuer)
	return l
}

// get returns what is known now, nil where it has to be fetched.
func (ls *lists) get(key listKey, now time.Time) *list {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if l := ls.held[key]; l != nil && (l.busy || now.Before(l.until)) {
		return l
	}
	return nil
}

// claim is get, for who then fetches the list if it is his.
func (ls *lists) claim(key listKey, now time.Time) (l *list, mine bool) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if l := ls.held[key]; l != nil && (l.busy || now.Before(l.until)) {
		return l, false
	}
	if ls.held == nil {
		ls.held = map[listKey]*list{}
	}
	ls.held[key] = &list{why: "the list is being fetched", busy: true}
	return nil, true
}

// put keeps a list. Of too many the one that ends first makes room.
func (ls *lists) put(key listKey, l *list, now time.Time) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.held[key] = l
	maps.DeleteFunc(ls.held, func(_ listKey, l *list) bool { return !l.busy && now.After(l.until) })
	for len(ls.held) > maxLists || ls.revoked() > maxRevoked && len(ls.held) > 1 {
		var first listKey
		var ends time.Time
		for k, l := range ls.held {
			if !l.busy && (ends.IsZero() || l.until.Before(ends)) {
				first, ends = k, l.until
			}
		}
		if ends.IsZero() {
			return // so many are being fetched, and end
		}
		delete(ls.held, first)
	}
}

// revoked counts the certificates on the lists that are kept.
func (ls *lists) revoked() int {
	n := 0
	for _, l := range ls.held {
		n += len(l.revoked)
	}
	return n
}

// fetchList asks for a list, within ctx. It always returns one.
func fetchList(ctx context.Context, sys *system, key listKey, issuer *x509.Certificate) *list {
	l, err := tryList(ctx, sys, key, issuer)
	if err == nil {
		return l
	}
	return &list{why: uptime.Clean(fmt.Sprintf("the list at %s: %v", key.url, err), maxDetail), until: time.Now().Add(listRetry)}
}

func tryList(ctx context.Context, sys *system, key listKey, issuer *x509.Certificate) (*list, error) {
	u, err := url.Parse(key.url)
	if err != nil || u.Scheme != "http" {
		return nil, errors.New("its URL is none of http")
	}
	f := form{Settings: uptime.Settings{URL: u}}
	to := f.endpoint(80)
	if f.mistakes != nil {
		return nil, errors.New(f.mistakes[0].Message)
	}
	t := newTrace()
	conn, failed := sys.connect(ctx, t, to)
	if failed != nil {
		return nil, errors.New(failed.text)
	}
	defer conn.Close()
	defer watch(ctx, conn)()
	req := &http.Request{Method: http.MethodGet, URL: u, Host: asciiHost(u), Header: http.Header{"User-Agent": {userAgent}}, Close: true}
	resp, failed := overHTTP1(t, conn, req, nil)
	if failed != nil {
		return nil, errors.New(failed.text)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("HTTP status %d", resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxList+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxList {
		return nil, fmt.Errorf("it is larger than %d MiB", maxList>>20)
	}
	return parseList(body, issuer, time.Now())
}

// distributionPoint is the extension by which a list says what it is about (RFC 5280, 5.2.5).
var distributionPoint = asn1.ObjectIdentifier{2, 5, 29, 28}

// parseList reads a list of all the revoked certificates of servers that an
// issuer, or its part in charge of the URL, knows of.
func parseList(body []byte, issuer *x509.Certificate, now time.Time) (*list, error) {
	if block, _ := pem.Decode(body); bytes.HasPrefix(body, []byte("-----BEGIN ")) && block != nil {
		body = block.Bytes
	}
	crl, err := x509.ParseRevocationList(body)
	if err != nil {
		return nil, errors.New("it cannot be read")
	}
	if err := crl.CheckSignatureFrom(issuer); err != nil {
		return nil, errors.New("it is not signed by the certificate's issuer")
	}
	for _, ext := range crl.Extensions {
		switch {
		case ext.Id.Equal(distributionPoint):
			if !aboutServers(ext.Value) {
				return nil, errors.New("it is not about certificates of servers")
			}
		case ext.Critical:
			return nil, fmt.Errorf("it has an extension that we don't know (%s)", ext.Id)
		}
	}
	l := &list{revoked: make(map[string]revoked, len(crl.RevokedCertificateEntries)), until: crl.NextUpdate}
	if l.until.IsZero() || l.until.After(crl.ThisUpdate.Add(366*24*time.Hour)) {
		l.until = now.Add(maxListAge)
	}
	if !now.Before(l.until) {
		return nil, fmt.Errorf("it ended %s", date(l.until))
	}
	for _, e := range crl.RevokedCertificateEntries {
		l.revoked[string(e.SerialNumber.Bytes())] = revoked{e.RevocationTime, e.ReasonCode}
	}
	return l, nil
}

// aboutServers reads the flags of an issuing distribution point: a list of
// other kinds of certificates, of some reasons only, or of another issuer's, is not ours.
func aboutServers(der []byte) bool {
	var point struct {
		Point      asn1.RawValue  `asn1:"optional,tag:0"`
		User       bool           `asn1:"optional,tag:1"`
		CA         bool           `asn1:"optional,tag:2"`
		Reasons    asn1.BitString `asn1:"optional,tag:3"`
		Indirect   bool           `asn1:"optional,tag:4"`
		Attributes bool           `asn1:"optional,tag:5"`
	}
	rest, err := asn1.Unmarshal(der, &point)
	return err == nil && len(rest) == 0 && !point.CA && !point.Indirect && !point.Attributes && point.Reasons.BitLength == 0
}
