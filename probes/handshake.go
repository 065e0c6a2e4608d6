package probes

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// secured is a TLS connection and what its handshake showed.
type secured struct {
	*tls.Conn
	raw   *quietConn
	asked bool // the server asked for a client certificate, and we have none
}

// handshake speaks TLS on a connection to host, new or past a STARTTLS, and
// verifies what it is shown.
// The connection stays its caller's to close, and to watch.
func (s *tlsSettings) handshake(ctx context.Context, t *trace, c net.Conn, host string, protocols ...string) (*secured, *failure) {
	name := strings.TrimSuffix(host, ".")
	if s.name != "" {
		name = s.name
	}
	sec := &secured{raw: &quietConn{Conn: c}}
	config := &tls.Config{
		ServerName:         name,
		NextProtos:         protocols,
		MinVersion:         s.oldest,
		InsecureSkipVerify: true, // verifyChain does it, and finds every problem instead of the first
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if s.client != nil {
				return s.client, nil
			}
			sec.asked = true
			return new(tls.Certificate), nil
		},
	}
	if t.hello == smallHello {
		config.CurvePreferences = smallGroups
	}
	sec.Conn = tls.Client(sec.raw, config)
	start := time.Now()
	t.helloDeadline(ctx, sec.raw)
	err := sec.Handshake()
	state := sec.ConnectionState()
	detail := ""
	if err == nil {
		detail = tlsVersion(state.Version) + " " + tls.CipherSuiteName(state.CipherSuite) + " " + state.CurveID.String()
	}
	t.measure(tlsTime, t.step("tls", start, t.res.Address, err, detail))
	if err != nil {
		f := tlsFailure(t.res.Address, err, sec.asked)
		if f.fault == uptime.FaultTLSTimeout {
			f.text += " after " + uptime.Took(time.Since(start))
		}
		t.helloFailed(ctx, sec.raw, f)
		return nil, f
	}
	t.helloTaken()
	return sec, s.judge(t, state, name, time.Now())
}

// judge notes the certificate of a finished handshake and says what is wrong with it.
func (s *tlsSettings) judge(t *trace, state tls.ConnectionState, name string, now time.Time) *failure {
	chain := state.PeerCertificates
	leaf := chain[0]
	start := time.Now()
	problems := verifyChain(chain, name, s.roots, now)
	cert := describe(leaf)
	cert.Version = tlsVersion(state.Version)
	t.res.Cert = cert
	if len(problems) > 0 {
		cert.Chain = problems.String()
	}
	if !s.verify {
		problems = nil
	}
	if !s.pinned(chain) {
		problems = append(problems, problem{uptime.FaultTLSPinMismatch, fmt.Sprintf("no key in the chain of %s is pinned; its own is sha256/%s", shown(name), spki(leaf))})
	}
	if len(problems) > 0 {
		f := problems.failure()
		t.judged("verify", start, "", f)
		return f
	}
	if s.verify {
		t.complainOfAge(leaf, name, now, s.warn, s.min)
	}
	return nil
}

// complainOfAge warns of a certificate that ends soon.
func (t *trace) complainOfAge(leaf *x509.Certificate, name string, now time.Time, warn, least uptime.Percentage) {
	const day = 24 * time.Hour
	remaining, lifetime := leaf.NotAfter.Sub(now), leaf.NotAfter.Sub(leaf.NotBefore)
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
				shown(name), leaf.NotAfter.UTC().Format(time.DateOnly), span(remaining), span(l.at)))
		}
	}
}

// shown is a name as a sentence bears it.
func shown(name string) string { return uptime.Clean(name, 100) }

func tlsVersion(v uint16) string { return strings.TrimPrefix(tls.VersionName(v), "TLS ") }

// alertOf returns the number of the alert that the other side sent. Its type is
// unexported (golang/go#35234): it is known by its operation and its kind.
func alertOf(err error) (uint8, bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" || op.Err == nil {
		return 0, false
	}
	v := reflect.ValueOf(op.Err)
	if v.Kind() != reflect.Uint8 {
		return 0, false
	}
	return uint8(v.Uint()), true
}

// The alerts that have a class of their own (RFC 8446, 6.2).
const (
	alertHandshakeFailure    = 40
	alertBadCertificate      = 42
	alertUnknownCA           = 48
	alertProtocolVersion     = 70
	alertInsufficientSecrecy = 71
	alertUnrecognizedName    = 112
	alertCertificateRequired = 116
)

// tlsFailure classes an error of a handshake, or of a read after it: an
// answer to our lack of a client certificate comes that late in TLS 1.3.
func tlsFailure(address string, err error, asked bool) *failure {
	if alert, ok := alertOf(err); ok {
		return alertFailure(address, alert, err, asked)
	}
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &record):
		return fail(uptime.FaultTLSNotTLS, "TLS handshake with %s: it does not speak TLS, it sent %s", address, quote(string(record.RecordHeader[:])))
	case wasReset(err):
		return fail(uptime.FaultTLSReset, "TLS handshake with %s reset", address)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fail(uptime.FaultTLSEOF, "TLS handshake with %s: it closed the connection", address)
	case timedOut(err):
		return fail(uptime.FaultTLSTimeout, "TLS handshake with %s timed out", address)
	}
	for _, known := range tlsTexts {
		if strings.Contains(err.Error(), known.text) {
			return fail(known.fault, "TLS handshake with %s: %s", address, strings.TrimPrefix(err.Error(), "tls: "))
		}
	}
	return fail(uptime.FaultTLSNotTLS, "TLS handshake with %s makes no sense: %s", address, strings.TrimPrefix(err.Error(), "tls: "))
}

// tlsTexts are errors of crypto/tls that have a text only. TestTLSTexts makes each.
var tlsTexts = []struct {
	text  string
	fault uptime.Fault
}{
	{"server selected unsupported protocol version", uptime.FaultTLSVersion},
	{"server chose an unconfigured cipher suite", uptime.FaultTLSNoCipher},
	{"keys are insecure", uptime.FaultTLSWeakKey},
}

func alertFailure(address string, alert uint8, err error, asked bool) *failure {
	text := strings.TrimPrefix(errors.Unwrap(opOf(err)).Error(), "tls: ")
	fault := uptime.FaultTLSAlert
	switch alert {
	case alertProtocolVersion:
		fault = uptime.FaultTLSVersion
	case alertUnrecognizedName:
		fault = uptime.FaultTLSUnknownName
	case alertCertificateRequired:
		fault = uptime.FaultTLSClientCertRequired
	case alertHandshakeFailure, alertInsufficientSecrecy:
		fault = uptime.FaultTLSNoCipher
		if asked {
			fault = uptime.FaultTLSClientCertRequired
		}
	case alertBadCertificate, alertUnknownCA:
		if asked {
			fault = uptime.FaultTLSClientCertRequired
		}
	}
	if fault == uptime.FaultTLSClientCertRequired {
		return fail(fault, "TLS handshake with %s: it wants a client certificate (alert %d, %s)", address, alert, text)
	}
	return fail(fault, "TLS handshake with %s refused (alert %d, %s)", address, alert, text)
}

func opOf(err error) *net.OpError {
	var op *net.OpError
	errors.As(err, &op)
	return op
}
