package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"slices"
	"time"
)

// host is the name in the certificates that are good for it.
const host = "drill.example.test"

// certificates are what the servers show, PEM, by kind.
type certificates struct {
	ca []byte
	by map[string]pair
}

type pair struct{ cert, key []byte }

// issue makes a root that everybody trusts, a CA below it, and by that:
//
//	good      for drill.example.test, localhost and 127.0.0.1, with 60 of 90 days left
//	expired   the same, since yesterday
//	ending    the same, with 5 of 90 days left
//	other     for other.example.test
//	lone      good, without the CA's certificate that belongs beside it
//	self      good, signed by itself
func issue() (certificates, error) {
	root, err := newAuthority("Drill Root", nil)
	if err != nil {
		return certificates{}, err
	}
	below, err := newAuthority("Drill CA", root)
	if err != nil {
		return certificates{}, err
	}
	const day = 24 * time.Hour
	issued := certificates{ca: root.pem(), by: map[string]pair{}}
	for _, kind := range []struct {
		name   string
		left   time.Duration
		hosts  []string
		by     *authority
		beside []byte
	}{
		{"good", 60 * day, []string{host, "localhost"}, below, below.pem()},
		{"expired", -day, []string{host, "localhost"}, below, below.pem()},
		{"ending", 5 * day, []string{host, "localhost"}, below, below.pem()},
		{"other", 60 * day, []string{"other.example.test"}, below, below.pem()},
		{"lone", 60 * day, []string{host, "localhost"}, below, nil},
		{"self", 60 * day, []string{host, "localhost"}, nil, nil},
	} {
		end := time.Now().Add(kind.left)
		c := &x509.Certificate{SerialNumber: serial(), Subject: pkix.Name{CommonName: kind.hosts[0]}, DNSNames: kind.hosts,
			NotBefore: end.Add(-90 * day), NotAfter: end,
			KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
		if kind.by != nil { // as public CAs do, it says where its own certificate is
			c.IssuingCertificateURL = []string{"http://ca.example.test/drill.crt"}
		}
		if slices.Contains(kind.hosts, "localhost") {
			c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
		}
		made, err := sign(c, kind.by)
		if err != nil {
			return issued, err
		}
		key, err := x509.MarshalPKCS8PrivateKey(made.key)
		if err != nil {
			return issued, err
		}
		issued.by[kind.name] = pair{append(made.pem(), kind.beside...), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})}
	}
	return issued, nil
}

// authority is a certificate and its key.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

func newAuthority(name string, above *authority) (*authority, error) {
	now := time.Now()
	return sign(&x509.Certificate{SerialNumber: serial(), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(5, 0, 0), KeyUsage: x509.KeyUsageCertSign}, above)
}

// sign makes a certificate with a new key, signed by another or, with nil, by itself.
func sign(c *x509.Certificate, by *authority) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	if by == nil {
		by = &authority{c, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, by.cert, key.Public(), by.key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return &authority{cert, key}, err
}

func serial() *big.Int {
	b := make([]byte, 16)
	rand.Read(b)
	return new(big.Int).SetBytes(b)
}
