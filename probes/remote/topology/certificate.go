package topology

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"time"
)

// How long certificates are good for. Who is to be shut out is deleted from the
// broker's users, so there is no need for short ones.
const (
	authorityYears = 20
	leafYears      = 5
)

// Authority signs the certificates of one instance.
type Authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// NewAuthority makes one, and returns its certificate and its key as PEM.
func NewAuthority(name string, now time.Time) (a *Authority, certPEM, keyPEM []byte, err error) {
	key, keyPEM, err := newKey()
	if err != nil {
		return nil, nil, nil, err
	}
	t := template(name, now, authorityYears)
	t.IsCA, t.BasicConstraintsValid, t.MaxPathLenZero = true, true, true
	t.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	cert, err := sign(t, t, key.Public(), key)
	if err != nil {
		return nil, nil, nil, err
	}
	parsed, err := x509.ParseCertificate(cert)
	if err != nil {
		return nil, nil, nil, err
	}
	return &Authority{parsed, key}, encode("CERTIFICATE", cert), keyPEM, nil
}

// ReadAuthority takes up one that NewAuthority made.
func ReadAuthority(certPEM, keyPEM []byte) (*Authority, error) {
	cert, err := readCertificate(certPEM)
	if err != nil {
		return nil, err
	}
	key, err := readKey(keyPEM)
	if err != nil {
		return nil, err
	}
	public, ok := cert.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(key.Public()) {
		return nil, errors.New("the key is not that of the certificate")
	}
	return &Authority{cert, key}, nil
}

// Client makes a certificate for a user, who is its common name.
func (a *Authority) Client(user string, now time.Time) (certPEM, keyPEM []byte, err error) {
	t := template(user, now, leafYears)
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return a.issue(t)
}

// Server makes a certificate for a broker, of host names and addresses.
func (a *Authority) Server(names []string, now time.Time) (certPEM, keyPEM []byte, err error) {
	t := template(names[0], now, leafYears)
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, name)
		}
	}
	return a.issue(t)
}

func (a *Authority) issue(t *x509.Certificate) (certPEM, keyPEM []byte, err error) {
	if t.NotAfter.After(a.cert.NotAfter) {
		t.NotAfter = a.cert.NotAfter
	}
	t.KeyUsage = x509.KeyUsageDigitalSignature
	key, keyPEM, err := newKey()
	if err != nil {
		return nil, nil, err
	}
	cert, err := sign(t, a.cert, key.Public(), a.key)
	return encode("CERTIFICATE", cert), keyPEM, err
}

// NewSigningKey makes the key that an engine signs its orders with, as PEM.
func NewSigningKey() ([]byte, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return encodeKey(key)
}

// EngineKey is the public half of a signing key, as a probe's configuration has it.
func EngineKey(signingPEM []byte) (string, error) {
	key, err := readKey(signingPEM)
	if err != nil {
		return "", err
	}
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return "", errors.New("it is no Ed25519 key")
	}
	return base64.StdEncoding.EncodeToString(public), nil
}

// template is a certificate that is good from an hour ago, since clocks differ.
func template(name string, now time.Time, years int) *x509.Certificate {
	return &x509.Certificate{
		Subject:   pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour),
		NotAfter:  now.AddDate(years, 0, 0),
	}
}

// sign draws the serial number too: x509 does where a template has none.
func sign(t, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) ([]byte, error) {
	return x509.CreateCertificate(rand.Reader, t, parent, public, key)
}

func newKey() (crypto.Signer, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	text, err := encodeKey(key)
	return key, text, err
}

func encodeKey(key crypto.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return encode("PRIVATE KEY", der), err
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func readKey(text []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, errors.New("it has no PEM block PRIVATE KEY")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a %T signs nothing", key)
	}
	return signer, nil
}

func readCertificate(text []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("it has no PEM block CERTIFICATE")
	}
	return x509.ParseCertificate(block.Bytes)
}
