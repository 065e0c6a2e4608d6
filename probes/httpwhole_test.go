package probes

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/http2"

	"lookout/engine/uptime"
)

// TestSmallBody: a small body that is announced has to come, whatever is
// expected of it; a large one, or one without a length, is not waited for.
func TestSmallBody(t *testing.T) {
	const edge = "HTTP/1.1 200 OK\r\nServer: AkamaiGHost\r\nContent-Length: 100\r\n\r\n" // may be a wall's
	for _, tt := range []struct {
		name   string
		method string
		answer func(net.Conn)
		want   uptime.Fault
		says   string
	}{
		{"whole", "GET", sends("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhalf"), uptime.NoFault, ""},
		{"more than announced", "GET", sends("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhalf and half"), uptime.NoFault, ""},
		{"cut short", "GET", sends(okHead + "half"), uptime.FaultHTTPTruncated, "within the body, after 4 bytes"},
		{"nothing of it", "GET", sends(okHead), uptime.FaultHTTPTruncated, "within the body, after 0 bytes"},
		{"stalls", "GET", hangs(okHead + "half"), uptime.FaultHTTPTimeoutBody, "4 bytes came"},
		{"reset", "GET", func(c net.Conn) {
			io.WriteString(c, okHead+"half")
			c.(*net.TCPConn).SetLinger(0)
		}, uptime.FaultHTTPReset, "reset the connection within the body"},
		{"cut short at an edge", "GET", sends(edge + "half"), uptime.FaultHTTPTruncated, "within the body, after 4 bytes"},
		{"stalls at an edge", "GET", hangs(edge + "half"), uptime.NoFault, ""},
		{"an answer to HEAD", "HEAD", sends(okHead), uptime.NoFault, ""},
		{"large", "GET", hangs("HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\nhalf"), uptime.NoFault, ""},
		{"a stream of events", "GET", hangs("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"), uptime.NoFault, ""},
		{"until the connection ends", "GET", hangs("HTTP/1.1 200 OK\r\n\r\nhalf"), uptime.NoFault, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			job := made(t, testSystem(), "http", "http://"+rawServer(t, tt.answer), keys{"method": tt.method}, nil)
			if tt.want == uptime.FaultHTTPTimeoutBody {
				job = soon(job)
			}
			r := once(t, job)
			if r.Fault != tt.want || !strings.Contains(r.Message, tt.says) {
				t.Errorf("%s: %s", r.Fault, r.Message)
			}
		})
	}
	t.Run("over HTTP/2", func(t *testing.T) {
		to, ca := h2Server(t, func(fr *http2.Framer, _ net.Conn) error {
			h2Headers(fr, true, ":status", "200", "content-length", "100")
			return fr.WriteData(1, true, []byte("half"))
		})
		r := once(t, made(t, testSystem(), "http", "https://"+to, keys{"ca_file": ca.pem()}, nil))
		if r.Fault != uptime.FaultHTTPTruncated {
			t.Errorf("%s: %s", r.Fault, r.Message)
		}
	})
	t.Run("over TLS", func(t *testing.T) {
		srv, ca := webServer(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "half")
		})
		r := once(t, made(t, testSystem(), "http", srv.URL, keys{"ca_file": ca.pem(), "http_version": "1.1"}, nil))
		if r.Fault != uptime.FaultHTTPTruncated {
			t.Errorf("%s: %s", r.Fault, r.Message)
		}
	})
}
