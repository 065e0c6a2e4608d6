package probes

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"lookout/engine/uptime"
)

func benchmark(b *testing.B, job uptime.Job) {
	run := new(Runner)
	b.ReportAllocs()
	for b.Loop() {
		if r := run.Run(b.Context(), job); r.Outcome != uptime.OutcomeUp {
			b.Fatal(r.Message)
		}
	}
}

func hello(w http.ResponseWriter, r *http.Request) { w.Write([]byte("hello")) }

// The server's part is in these figures too: it runs in the same process.

func BenchmarkHTTP(b *testing.B) {
	srv := httptest.NewServer(http.HandlerFunc(hello))
	defer srv.Close()
	benchmark(b, made(b, testSystem(), "http", srv.URL, nil, has("hello")))
}

func BenchmarkHTTPS(b *testing.B) {
	srv, ca := webServer(b, hello)
	benchmark(b, made(b, testSystem(), "http", srv.URL, keys{"ca_file": ca.pem(), "http_version": "1.1"}, has("hello")))
}

func BenchmarkHTTP2(b *testing.B) {
	srv, ca := webServer(b, hello)
	benchmark(b, made(b, testSystem(), "http", srv.URL, keys{"ca_file": ca.pem()}, has("hello")))
}

func BenchmarkResolve(b *testing.B) {
	sys := asking(nameServer(b, false, zone(b, "shop.test. 60 IN A 127.0.0.1")))
	b.ReportAllocs()
	for b.Loop() {
		if _, f := sys.resolve(b.Context(), newTrace(), endpoint{host: "shop.test", ip: "any"}); f != nil {
			b.Fatal(f.text)
		}
	}
}
