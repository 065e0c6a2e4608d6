package probes

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// secured is a TLS connection and what its handshake showed.
type secured struct {
	*tls.Conn
	raw   *quietConn
	asked bool              // the server asked for a client certificate, and we have none
	gave  *x509.Certificate // the one that we showed it; nil: none
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
		InsecureSkipVerify: true, // inspect does it, and finds every problem instead of the first
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if s.client != nil {
				sec.gave = s.client.Leaf
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
	if err == nil {
		return sec, s.shaken(ctx, t, sec, start, name)
	}
	t.measure(tlsTime, t.step("tls", start, t.res.Address, err, ""))
	if f := t.helloTested(sec.raw); f != nil {
		return nil, f
	}
	f := s.broken(t, sec, start, err, protocols)
	t.helloFailed(ctx, sec.raw, f)
	return nil, f
}

// shaken notes a finished handshake and judges what it showed. It is not part
// of handshake, whose stack a check holds that waits for an answer.
func (s *tlsSettings) shaken(ctx context.Context, t *trace, sec *secured, start time.Time, name string) *failure {
	state := sec.ConnectionState()
	detail := tlsVersion(state.Version) + " " + tls.CipherSuiteName(state.CipherSuite) + " " + state.CurveID.String()
	t.measure(tlsTime, t.step("tls", start, t.res.Address, nil, detail))
	if f := t.helloTested(sec.raw); f != nil {
		return f
	}
	t.helloTaken()
	return s.judge(ctx, t, state, name, time.Now())
}

// broken says why a handshake failed.
func (s *tlsSettings) broken(t *trace, sec *secured, start time.Time, err error, protocols []string) *failure {
	f := sec.failure(t, err)
	if alert, _ := alertOf(err); alert == alertNoProtocol && len(protocols) == 1 && protocols[0] == "h2" {
		f = fail(uptime.FaultHTTPH2Error, "%s does not speak HTTP/2: TLS refused (alert %d, %s)", t.res.Address, alert, strings.TrimPrefix(opOf(err).Err.Error(), "tls: "))
	}
	switch f.fault {
	case uptime.FaultTLSTimeout:
		f.text += " after " + uptime.Took(time.Since(start))
	case uptime.FaultTLSVersion:
		f.text += "; the oldest that we take is " + tlsVersion(s.oldest)
	}
	return f
}

// judge notes the certificate of a finished handshake and says what is wrong with it.
func (s *tlsSettings) judge(ctx context.Context, t *trace, state tls.ConnectionState, name string, now time.Time) *failure {
	start := time.Now()
	roots := s.roots
	if roots == nil {
		roots = s.sys.roots.get(now)
	}
	in := s.sys.verified.inspect(state.PeerCertificates, name, roots, now)
	s.holdPins(in)
	cert := describe(state)
	t.res.Cert = cert
	if s.verify {
		s.revocation(ctx, t, in, state)
	}
	if len(in.problems) > 0 {
		cert.Chain = in.problems.String()
	}
	if !s.verify { // a pin holds all the same
		in.problems = slices.DeleteFunc(in.problems, func(p problem) bool { return p.fault != uptime.FaultTLSPinMismatch })
	}
	if f := in.failure(); f != nil {
		t.judged("verify", start, "", f)
		return f
	}
	if s.verify {
		t.complainOfAge(in, s.warn, s.min)
	}
	return nil
}

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
	alertCertificateUnknown  = 46
	alertUnknownCA           = 48
	alertAccessDenied        = 49
	alertProtocolVersion     = 70
	alertInsufficientSecrecy = 71
	alertUnrecognizedName    = 112
	alertCertificateRequired = 116
	alertNoProtocol          = 120
)

// failure classes an error of a handshake, or of a read after it: what a
// server says to our client certificate, or to our lack of one, comes that
// late in TLS 1.3.
func (s *secured) failure(t *trace, err error) *failure {
	if alert, ok := alertOf(err); ok && s.gave != nil && aboutCertificate(alert) {
		text := strings.TrimPrefix(opOf(err).Err.Error(), "tls: ")
		if !usable(s.gave, x509.ExtKeyUsageClientAuth) {
			return fail(uptime.FaultTLSWrongEKU, "TLS handshake with %s: it refused our client certificate (alert %d, %s), which is not for clients: public CAs no longer make such, take one of a CA of your own",
				t.res.Address, alert, text)
		}
		return fail(uptime.FaultTLSAlert, "TLS handshake with %s: it refused our client certificate (alert %d, %s)", t.res.Address, alert, text)
	}
	return tlsFailure(t.res.Address, err, s.asked)
}

func aboutCertificate(alert uint8) bool {
	return alert >= alertBadCertificate && alert <= alertCertificateUnknown || alert == alertUnknownCA || alert == alertAccessDenied
}

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
	if _, chosen, ok := strings.Cut(err.Error(), "server selected unsupported protocol version "); ok {
		version, err := strconv.ParseUint(chosen, 16, 16)
		if err != nil || version == 0 {
			return fail(uptime.FaultTLSVersion, "TLS handshake with %s: it chose another version of TLS", address)
		}
		return fail(uptime.FaultTLSVersion, "TLS handshake with %s: it chose %s", address, tls.VersionName(uint16(version)))
	}
	for _, known := range tlsTexts {
		if strings.Contains(err.Error(), known.text) {
			return fail(known.fault, "TLS handshake with %s: %s", address, strings.TrimPrefix(err.Error(), "tls: "))
		}
	}
	return fail(uptime.FaultTLSNotTLS, "TLS handshake with %s makes no sense: %s", address, strings.TrimPrefix(err.Error(), "tls: "))
}

// tlsTexts are errors of crypto/tls that have a text only, as the version has above; tests make each.
var tlsTexts = []struct {
	text  string
	fault uptime.Fault
}{
	{"server chose an unconfigured cipher suite", uptime.FaultTLSNoCipher},
	{"keys are insecure", uptime.FaultTLSWeakKey},
	{"failed to parse certificate from server", uptime.FaultTLSBadCertificate},
	{"server sent certificate containing RSA key larger than", uptime.FaultTLSBadCertificate},
	{"certificate contains an unsupported type of public key", uptime.FaultTLSBadCertificate},
	{"received empty certificates message", uptime.FaultTLSBadCertificate},
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
