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
// expected of it. Of a large one, or one without a length, the start must not
// break off where that can be known; the rest is not waited for.
func TestSmallBody(t *testing.T) {
	const edge = "HTTP/1.1 200 OK\r\nServer: AkamaiGHost\r\nContent-Length: 100\r\n\r\n" // may be a wall's
	const chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
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
		{"large, cut short", "GET", sends("HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\nhalf"), uptime.FaultHTTPTruncated, "within the body, after 4 bytes"},
		{"large, its start is there", "GET", sends("HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n" + strings.Repeat("x", smallBody)), uptime.NoFault, ""},
		{"chunked", "GET", sends(chunks + "4\r\nhalf\r\n0\r\n\r\n"), uptime.NoFault, ""},
		{"chunked, cut short", "GET", sends(chunks + "4\r\nhalf\r\n"), uptime.FaultHTTPTruncated, "within the body, after 4 bytes"},
		{"chunked, cut within a chunk", "GET", sends(chunks + "8\r\nhalf"), uptime.FaultHTTPTruncated, "within the body, after 4 bytes"},
		{"chunked, nothing of it", "GET", sends(chunks), uptime.FaultHTTPTruncated, "within the body, after 0 bytes"},
		{"chunked, no chunk", "GET", sends(chunks + "zz\r\n"), uptime.FaultHTTPMalformed, "the body from"},
		{"chunked, to HEAD", "HEAD", sends(chunks), uptime.NoFault, ""},
		{"chunked, stalls", "GET", hangs(chunks + "4\r\nhalf\r\n"), uptime.NoFault, ""},
		{"a stream of events", "GET", sends("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"), uptime.NoFault, ""},
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
	for _, tt := range []struct {
		name   string
		length []string
		ends   bool
		data   string
		want   uptime.Fault
	}{
		{"too short over HTTP/2", []string{"content-length", "100"}, true, "half", uptime.FaultHTTPTruncated},
		{"cut short over HTTP/2", nil, false, "half", uptime.FaultHTTPTruncated},
		{"whole over HTTP/2", nil, true, "half", uptime.NoFault},
		{"its start over HTTP/2", nil, false, strings.Repeat("x", smallBody), uptime.NoFault},
	} {
		t.Run(tt.name, func(t *testing.T) {
			to, ca := h2Server(t, func(fr *http2.Framer, _ net.Conn) error {
				h2Headers(fr, true, append([]string{":status", "200"}, tt.length...)...)
				fr.WriteData(1, tt.ends, []byte(tt.data))
				return io.EOF
			})
			r := once(t, made(t, testSystem(), "http", "https://"+to, keys{"ca_file": ca.pem()}, nil))
			if r.Fault != tt.want {
				t.Errorf("%s: %s", r.Fault, r.Message)
			}
		})
	}
	t.Run("stalls over HTTP/2", func(t *testing.T) {
		to, ca := h2Server(t, func(fr *http2.Framer, _ net.Conn) error {
			h2Headers(fr, true, ":status", "200")
			return fr.WriteData(1, false, []byte("half"))
		})
		r := once(t, made(t, testSystem(), "http", "https://"+to, keys{"ca_file": ca.pem()}, nil))
		if r.Fault != 0 {
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

// TestRestIsNotTheTargets: the wait for a body that nobody asked for is no part of its total.
func TestRestIsNotTheTargets(t *testing.T) {
	job := made(t, testSystem(), "http", "http://"+rawServer(t, hangs("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")), nil, nil)
	r := job.Checker.Check(t.Context()) // a total that a check leaves open is all of its time
	if r.Total == 0 || r.Fault != 0 {
		t.Errorf("%s after %s: %s", r.Fault, r.Total, r.Message)
	}
	if last := r.Steps[len(r.Steps)-1]; last.Detail != "its first 4 bytes, the rest was not waited for" {
		t.Errorf("%+v", last)
	}
}
