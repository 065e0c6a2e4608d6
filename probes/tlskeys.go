package probes

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// tlsKeys are the keys of every type that speaks TLS.
func tlsKeys() []uptime.Key {
	return []uptime.Key{
		{Name: "cert_warn", Kind: uptime.Limit, Doc: "degraded when the certificate, or one between it and the root, has less left; default the smaller of 14d and a quarter of its lifetime", Example: `"14d"`},
		{Name: "cert_min", Kind: uptime.Limit, Doc: "the message turns urgent when it has less left; default the smaller of 3d and a twentieth; down it is when it has expired", Example: `"5%"`},
		{Name: "min_tls", Kind: uptime.String, Doc: "the oldest TLS version to accept; default 1.2", Example: `"1.3"`, OneOf: []string{"1.0", "1.1", "1.2", "1.3"}},
		{Name: "ca_file", Kind: uptime.File, Doc: "trust the CAs in this PEM file instead of the system's", Example: `"ca.pem"`},
		{Name: "pin", Kind: uptime.Strings, Doc: "SHA-256 of the public key (SPKI) or of the whole of a certificate in the chain, base64 or hex; one of them must match, and then nobody else has to trust it", Example: `["sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]`, Min: 1},
		{Name: "client_cert", Kind: uptime.File, Doc: "PEM file with the certificate to show to the server", Example: `"client.pem"`},
		{Name: "client_key", Kind: uptime.SecretText, Doc: "its key in PEM; client_key_file reads it from a file", Example: `"${CLIENT_KEY}"`},
		{Name: "server_name", Kind: uptime.String, Doc: "the name to ask for and to verify; default the host", Example: `"shop.example.com"`},
		{Name: "verify", Kind: uptime.String, Doc: `"full" verifies name, dates and chain; "none" takes any certificate; default full`, Example: `"full"`, OneOf: []string{"full", "none"}},
		{Name: "check_revocation", Kind: uptime.String, Doc: `"crl" fetches the list of revoked certificates that the certificate names, over plain HTTP, and keeps it until its next update; default none`, Example: `"crl"`, OneOf: []string{"crl", "none"}},
	}
}

// tlsSettings is how a check speaks TLS. It is not written after it was made.
type tlsSettings struct {
	oldest uint16           // TLS version to take
	client *tls.Certificate // to show; nil: none
	roots  *x509.CertPool   // nil: the system's
	name   string           // instead of the host's; "" for that
	pins   [][sha256.Size]byte
	warn   uptime.Percentage // zero: the default
	min    uptime.Percentage // zero: the default
	verify bool
	crl    bool    // look at the revocation list that a certificate names
	sys    *system // whose caches it shares
}

var tlsVersions = map[string]uint16{
	"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13,
}

// tls reads the TLS keys, those of tlsKeys; what monitors can share of them is in sys.
func (f *form) tls(sys *system) tlsSettings {
	s := tlsSettings{
		sys:    sys,
		oldest: tlsVersions[uptime.Value(f.Values, "min_tls", "1.2")],
		name:   uptime.Value(f.Values, "server_name", ""),
		warn:   uptime.Value(f.Values, "cert_warn", uptime.Percentage{}),
		min:    uptime.Value(f.Values, "cert_min", uptime.Percentage{}),
		verify: uptime.Value(f.Values, "verify", "full") != "none",
		crl:    uptime.Value(f.Values, "check_revocation", "none") == "crl",
	}
	if s.oldest == 0 {
		f.wrong("min_tls", `write it as "1.2" or "1.3"`, "%q is no TLS version", uptime.Value(f.Values, "min_tls", ""))
	}
	if pem, ok := f.Values["ca_file"].([]byte); ok {
		if s.roots = sys.cas.of(pem); s.roots == nil {
			f.wrong("ca_file", "it has to hold CERTIFICATE blocks in PEM", "no certificate in the file")
		}
	}
	for _, p := range uptime.Value(f.Values, "pin", []string(nil)) {
		pin, err := parsePin(p)
		if err != nil {
			f.wrong("pin", "write it as sha256/BASE64 or in hex, as `openssl x509 -fingerprint -sha256` prints it", "%v", err)
		}
		s.pins = append(s.pins, pin)
	}
	cert, hasCert := f.Values["client_cert"].([]byte)
	key, hasKey := f.Values["client_key"].(uptime.Secret)
	switch {
	case hasCert && hasKey:
		pair, err := tls.X509KeyPair(cert, []byte(key.Reveal()))
		if err != nil {
			f.wrong("client_cert", "certificate and key have to be in PEM and belong together", "client_cert and client_key make no pair")
		}
		s.client = &pair
		if pair.Leaf != nil && !usable(pair.Leaf, x509.ExtKeyUsageClientAuth) {
			f.mistakes = append(f.mistakes, uptime.Mistake{Key: "client_cert", Warning: true,
				Message: "the client_cert is not for clients, by its extended key usage", Hint: "public CAs no longer make such; take one of a CA of your own"})
		}
	case hasCert:
		f.wrong("client_cert", "add client_key or client_key_file", "a client_cert without a client_key")
	case hasKey:
		f.wrong("client_key", "add client_cert", "a client_key without a client_cert")
	}
	return s
}

// elsewhere are the settings for another host, which a redirect leads to: what
// was meant for the monitor's own is left out.
func (s *tlsSettings) elsewhere() *tlsSettings {
	other := *s
	other.name, other.pins, other.client = "", nil, nil
	return &other
}

func parsePin(s string) (pin [sha256.Size]byte, err error) {
	text := strings.TrimPrefix(strings.TrimPrefix(s, "sha256/"), "sha256:")
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b) != sha256.Size {
		b, err = hex.DecodeString(strings.ReplaceAll(text, ":", ""))
	}
	if err != nil || len(b) != sha256.Size {
		return pin, fmt.Errorf("%q is no SHA-256", uptime.Clean(s, 80))
	}
	return [sha256.Size]byte(b), nil
}

// limit is a configured limit for a lifetime, or the default: the smaller of
// days and a share of it.
func limit(p uptime.Percentage, lifetime, days time.Duration, share float64) time.Duration {
	switch {
	case p.Share > 0:
		return time.Duration(p.Share * float64(lifetime))
	case p.Duration > 0:
		return p.Duration
	}
	return min(days, time.Duration(share*float64(lifetime)))
}
