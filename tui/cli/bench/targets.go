package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	tcpTargets = 200
	tlsName    = "bench.example.test"
)

// served is where the targets listen, the first line that their process prints.
type served struct {
	HTTP  string // ports, on every loopback address
	HTTPS string
	TCP   []string
	CA    string // PEM
}

// arrivals are when checks of each target came, in milliseconds since the
// process started: the truth about lateness, as the targets see it.
type arrivals struct {
	mu sync.Mutex
	at map[string][]int64
	t0 time.Time
}

func (a *arrivals) note(target string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at[target] = append(a.at[target], time.Since(a.t0).Milliseconds())
}

func (a *arrivals) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.note(strings.TrimPrefix(r.URL.Path, "/"))
	_, _ = io.WriteString(w, "<html>Add to cart</html>\n") // a checker that went away is not our matter
}

// serveTargets runs HTTP, HTTPS and TCP servers until in ends, and says on out
// first where they are, and for every line of in what has arrived so far.
func serveTargets(in io.Reader, out io.Writer) error {
	a := &arrivals{at: make(map[string][]int64), t0: time.Now()}
	quiet := log.New(io.Discard, "", 0)
	cert, caPEM, err := selfSigned()
	if err != nil {
		return err
	}
	where := served{CA: string(caPEM)}
	var wg sync.WaitGroup
	defer wg.Wait()
	plain, err := net.Listen("tcp4", "0.0.0.0:0") // all of 127/8; nothing but what arrives there is answered
	if err != nil {
		return err
	}
	secure, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		return err
	}
	where.HTTP, where.HTTPS = port(plain), port(secure)
	// Two servers: one that has begun to serve plain HTTP offers h2 over TLS and then does not speak it.
	web := &http.Server{Handler: loopbackOnly(a), ErrorLog: quiet}
	webTLS := &http.Server{Handler: loopbackOnly(a), ErrorLog: quiet, TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}}}
	wg.Go(func() { _ = web.Serve(plain) }) // these end with Shutdown
	wg.Go(func() { _ = webTLS.ServeTLS(secure, "", "") })
	defer web.Shutdown(context.Background())
	defer webTLS.Shutdown(context.Background())
	for i := range tcpTargets {
		// An address where nobody else's checks come along by chance.
		l, err := net.Listen("tcp4", fmt.Sprintf("127.77.0.%d:0", 1+i))
		if err != nil {
			return err
		}
		defer l.Close()
		where.TCP = append(where.TCP, l.Addr().String())
		wg.Go(func() { serveBanner(l, a, "tcp-"+strconv.Itoa(i)) })
	}
	enc := json.NewEncoder(out)
	if err := enc.Encode(where); err != nil {
		return err
	}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		a.mu.Lock()
		err := enc.Encode(a.at)
		a.mu.Unlock()
		if err != nil {
			return err
		}
	}
	return lines.Err()
}

func loopbackOnly(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
			http.Error(w, "loopback only", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

func serveBanner(l net.Listener, a *arrivals, target string) {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		a.note(target)
		_, _ = io.WriteString(c, "220 bench ESMTP\r\n") // a checker that went away is not our matter
		_ = c.Close()
	}
}

func port(l net.Listener) string { return strconv.Itoa(l.Addr().(*net.TCPAddr).Port) }

func selfSigned() (tls.Certificate, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	now := time.Now()
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{tlsName}, NotBefore: now.Add(-time.Hour),
		NotAfter: now.AddDate(0, 0, 90), IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("make a certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}
