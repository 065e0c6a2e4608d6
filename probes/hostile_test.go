package probes

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"testing"
	"time"
)

// TestChainOfManyIssuers: certificates that all claim to have issued each
// other cost a few signatures to verify, not one for every pair.
func TestChainOfManyIssuers(t *testing.T) {
	var chain []*x509.Certificate
	for i := range 300 {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		tmpl := &x509.Certificate{SerialNumber: big.NewInt(int64(i + 1)), Subject: pkix.Name{CommonName: "x"}, DNSNames: []string{"x"},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
		der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		chain = append(chain, c)
	}
	whole := testing.AllocsPerRun(1, func() { inspect(chain, "x", x509.NewCertPool(), time.Now()) })
	cut := testing.AllocsPerRun(1, func() { inspect(chain[:maxChain], "x", x509.NewCertPool(), time.Now()) })
	if whole > 2*cut+100 {
		t.Errorf("300 certificates cost %.0f allocations, %d cost %.0f", whole, maxChain, cut)
	}
}

// TestBodyIsLeftUnread: of an answer without end nothing is read that no condition asks for.
func TestBodyIsLeftUnread(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	sent := make(chan int, 1) // server → test: bytes that it could send
	go func() {
		c, err := l.Accept()
		if err != nil {
			sent <- -1
			return
		}
		defer c.Close()
		if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
			sent <- -1
			return
		}
		n, _ := io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		piece := fmt.Sprintf("%x\r\n%s\r\n", 1<<16, make([]byte, 1<<16))
		for n < 1<<30 {
			m, err := io.WriteString(c, piece)
			n += m
			if err != nil {
				break
			}
		}
		sent <- n
	}()
	job := made(t, testSystem(), "http", "http://"+l.Addr().String()+"/", nil, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if r := job.Checker.Check(ctx); r.Status != 200 || ctx.Err() != nil {
		t.Errorf("%d, %v", r.Status, ctx.Err())
	}
	if n := <-sent; n < 0 || n > 32<<20 {
		t.Errorf("the server could send %d bytes", n)
	}
}
