package probes

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

// grpcServer speaks HTTP/2 without TLS.
func grpcServer(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.Protocols = new(http.Protocols)
	srv.Config.Protocols.SetUnencryptedHTTP2(true)
	srv.Start()
	t.Cleanup(srv.Close)
	return "grpc://" + srv.Listener.Addr().String()
}

// health answers with a status of the health service, or with one of gRPC.
func health(message []byte, status, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/grpc+proto")
		w.Header().Set("Trailer", "Grpc-Status, Grpc-Message")
		w.Write(message)
		w.Header().Set("Grpc-Status", status)
		w.Header().Set("Grpc-Message", text)
	}
}

// framed is a message with what gRPC puts before it.
func framed(m string) []byte { return append([]byte{0, 0, 0, 0, byte(len(m))}, m...) }

var serving1 = framed("\x08\x01")

func askedFor(service string, h http.HandlerFunc) func(*testing.T) uptime.Result {
	return func(t *testing.T) uptime.Result {
		return quickly(t, made(t, testSystem(), "grpc", grpcServer(t, h), keys{"service": service}, nil))
	}
}

var grpcFaults = []produced{
	{uptime.FaultHTTPStatus, "HTTP status 404 instead of a gRPC answer", askedFor("", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(404) })},
	{uptime.FaultHTTPH2Error, "does not speak HTTP/2, it answers in HTTP/1.1", func(t *testing.T) uptime.Result {
		to := probetest.Serve(t, func(c net.Conn) {
			io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
			waits(c)
		})
		return quickly(t, made(t, testSystem(), "grpc", "grpc://"+to, nil, nil))
	}},
	{uptime.FaultHTTPH2Error, "does not speak HTTP/2", func(t *testing.T) uptime.Result {
		root := newCA(t, "test root", nil)
		to := tlsServer(t, &tls.Config{Certificates: []tls.Certificate{root.issue(t, nil)}})
		return once(t, made(t, testSystem(), "grpc", "grpcs://"+to, keys{"ca_file": root.pem()}, nil))
	}},
	{uptime.FaultHTTPTimeoutHeaders, "no HTTP answer", func(t *testing.T) uptime.Result {
		return quickly(t, made(t, testSystem(), "grpc", "grpc://"+probetest.Serve(t, waits), nil, nil))
	}},
	{uptime.FaultHTTPTimeoutBody, "incomplete after", askedFor("", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Write(serving1)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})},
	{uptime.FaultReplyMalformed, `is "text/html" and not gRPC`, askedFor("", answers(200, "hello"))},
	{uptime.FaultReplyMalformed, `has the status ""`, askedFor("", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Write(serving1)
	})},
	{uptime.FaultReplyMalformed, "0 bytes are no message", askedFor("", health(nil, "0", ""))},
	{uptime.FaultReplyMalformed, "not one message", askedFor("", health(append(serving1, 1), "0", ""))},
	{uptime.FaultReplyMalformed, "field 2 is cut short", askedFor("", health(framed("\x08\x01\x12\x7f"), "0", ""))},
	{uptime.FaultReplyMalformed, "larger than 64 KiB", askedFor("", health(bytes.Repeat([]byte{0}, 1<<20), "0", ""))},
	{uptime.FaultReplyUnexpected, `the gRPC service "shop.Cart" at 127.0.0.1:`, askedFor("shop.Cart", health(framed("\x08\x02"), "0", ""))},
	{uptime.FaultReplyUnexpected, "is UNKNOWN, expected SERVING", askedFor("", health(framed(""), "0", ""))},
	{uptime.FaultReplyUnexpected, `"shop.Cart" is not known at`, askedFor("shop.Cart", health(nil, "5", "unknown%20service"))},
	{uptime.FaultReplyUnexpected, "(14 UNAVAILABLE, ", askedFor("", health(nil, "14", "%1b[2Jdraining"))},
	{uptime.FaultReplyUnexpected, "has no health service (12 UNIMPLEMENTED", askedFor("", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Grpc-Status", "12") // without a message: a header, not a trailer
	})},
	{uptime.FaultReplyRefusedLogin, `does not let us ask for its health (16 UNAUTHENTICATED, "token missing")`, askedFor("", health(nil, "16", "token missing"))},
}

// TestGRPC has a healthy server, in the open and over TLS, that looks at what it is asked.
func TestGRPC(t *testing.T) {
	h := func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got := fmt.Sprintf("%d %s %s %s %s %s %s %q", r.ProtoMajor, r.Method, r.URL.Path, r.UserAgent(), r.Header.Get("Te"), r.Header.Get("Authorization"), r.Header.Get("X-Tenant"), b)
		want := `2 POST /grpc.health.v1.Health/Check lookout/1 (uptime monitor) trailers Bearer hush m "\x00\x00\x00\x00\v\n\tshop.Cart"`
		if got != want {
			t.Errorf("asked %s, want %s", got, want)
		}
		health(framed("\x12\x01x\x08\x01"), "0", "")(w, r) // a field of a later version before it
	}
	srv, ca := webServer(t, h)
	for _, target := range []string{grpcServer(t, h), strings.Replace(srv.URL, "https", "grpcs", 1)} {
		r := once(t, made(t, testSystem(), "grpc", target, keys{"service": "shop.Cart", "bearer_token": uptime.Secret("hush"),
			"headers": map[string]uptime.Secret{"x-tenant": "m"}, "ca_file": ca.pem()}, nil))
		if r.Outcome != uptime.OutcomeUp || r.Steps[len(r.Steps)-1].Detail != "SERVING" {
			t.Errorf("%s: %s: %+v", target, r.Message, r.Steps)
		}
	}
}

func TestGRPCMistakes(t *testing.T) {
	for _, target := range []string{"grpc://a", "grpc://a:1/x"} {
		if m := mistaken(t, "grpc", target, nil, nil); len(m) == 0 || m[0].Key != "url" {
			t.Errorf("%s: %+v", target, m)
		}
	}
	if m := mistaken(t, "grpc", "grpc://a:1", keys{"service": strings.Repeat("x", 2000)}, nil); len(m) != 1 || m[0].Key != "service" {
		t.Errorf("%+v", m)
	}
}

func FuzzHealth(f *testing.F) {
	f.Add(serving1)
	f.Add(framed("\x12\x01x\x08\x02\x0d1234\x111234567\x08"))
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := healthResponse(data)
		if err != nil {
			return
		}
		// A field that comes twice: the last one counts.
		again := append(bytes.Clone(data), 8, 1)
		again[1], again[2], again[3], again[4] = byte((len(again)-5)>>24), byte((len(again)-5)>>16), byte((len(again)-5)>>8), byte(len(again)-5)
		if m, err := healthResponse(again); err != nil || m != healthServing {
			t.Errorf("%x: %d, then %d, %v", data, n, m, err)
		}
	})
}
