package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"sync"
	"time"
)

// serveWeb serves a page on the loopback until in ends, with a certificate
// like those of today: a root, a CA between that is sent along, ECDSA P-256.
// A third port takes connections and says nothing.
func serveWeb(in io.Reader, out io.Writer) error {
	cert, root, err := chain()
	if err != nil {
		return err
	}
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "<html>Add to cart</html>\n") // a client that went away is not our matter
	})
	var listeners [3]net.Listener
	for i := range listeners {
		if listeners[i], err = net.Listen("tcp4", "127.0.0.1:0"); err != nil {
			return err
		}
		defer listeners[i].Close()
	}
	quiet := log.New(io.Discard, "", 0)
	plain := &http.Server{Handler: page, ErrorLog: quiet}
	secure := &http.Server{Handler: page, ErrorLog: quiet, TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}}}
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { _ = plain.Serve(listeners[0]) }) // these end with Shutdown, and Close
	wg.Go(func() { _ = secure.ServeTLS(listeners[1], "", "") })
	wg.Go(func() { swallow(listeners[2]) })
	defer plain.Shutdown(context.Background())
	defer secure.Shutdown(context.Background())
	defer listeners[2].Close()
	if err := json.NewEncoder(out).Encode(webServed{port(listeners[0]), port(listeners[1]), port(listeners[2]), string(root)}); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	return err
}

// swallow accepts connections and lets them wait.
func swallow(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
	}
}

func chain() (cert tls.Certificate, rootPEM []byte, err error) {
	now := time.Now()
	var above *x509.Certificate
	var aboveKey, key *ecdsa.PrivateKey
	for i, name := range []string{"bench root", "bench CA", tlsName} {
		if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return cert, nil, err
		}
		tmpl := &x509.Certificate{SerialNumber: big.NewInt(int64(i + 1)), Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour),
			NotAfter: now.AddDate(0, 0, 90), KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
		if i < 2 {
			tmpl.IsCA, tmpl.BasicConstraintsValid, tmpl.KeyUsage, tmpl.ExtKeyUsage = true, true, x509.KeyUsageCertSign, nil
		} else {
			tmpl.DNSNames = []string{tlsName}
		}
		if above == nil {
			above, aboveKey = tmpl, key
		}
		der, err := x509.CreateCertificate(rand.Reader, tmpl, above, key.Public(), aboveKey)
		if err != nil {
			return cert, nil, fmt.Errorf("make a certificate: %w", err)
		}
		if above, err = x509.ParseCertificate(der); err != nil {
			return cert, nil, err
		}
		aboveKey = key
		if i == 0 {
			rootPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
		} else {
			cert.Certificate = append([][]byte{der}, cert.Certificate...)
		}
	}
	cert.PrivateKey = key
	return cert, rootPEM, nil
}
