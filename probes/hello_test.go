package probes

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

// segment is what a TCP segment carries at most on an Ethernet.
const segment = 1460

// narrow shakes hands with whose hello fits into one segment, on from, and
// hands the rest to big.
func narrow(t testing.TB, config *tls.Config, big func(net.Conn), then func(*tls.Conn)) string {
	return probetest.Serve(t, narrowly(config, big, then))
}

func narrowly(config *tls.Config, big func(net.Conn), then func(*tls.Conn)) func(net.Conn) {
	return func(c net.Conn) {
		head := make([]byte, 5)
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		size := int(binary.BigEndian.Uint16(head[3:]))
		if size > segment-len(head) {
			io.CopyN(io.Discard, c, int64(size)) // what is not read would be answered by a reset
			big(c)
			return
		}
		s := tls.Server(replayed{c, io.MultiReader(bytes.NewReader(head), c)}, config)
		if s.Handshake() == nil {
			then(s)
		}
		s.Close()
	}
}

// replayed is a connection of which something was read before.
type replayed struct {
	net.Conn
	r io.Reader
}

func (r replayed) Read(b []byte) (int, error) { return r.r.Read(b) }

// mailed answers one line after the other.
func mailed(c net.Conn, replies ...string) {
	line := make([]byte, 512)
	for _, reply := range replies {
		if _, err := c.Read(line); err != nil {
			return
		}
		io.WriteString(c, reply+"\r\n")
	}
}

func silent(c net.Conn)    { c.Read(make([]byte, 1)) }
func closing(net.Conn)     {}
func resetting(c net.Conn) { c.(*net.TCPConn).SetLinger(0) }

// tooBig makes a tls check of a server that big answers when the hello has two segments.
func tooBig(big func(net.Conn), change func(*x509.Certificate)) func(*testing.T) uptime.Result {
	return func(t *testing.T) uptime.Result {
		root := newCA(t, "test root", nil)
		to := narrow(t, &tls.Config{Certificates: []tls.Certificate{root.issue(t, change)}}, big, func(c *tls.Conn) { c.Read(make([]byte, 1)) })
		return patiently(t, made(t, testSystem(), "tls", "tls://"+to, keys{"ca_file": root.pem()}, nil))
	}
}

var helloFaults = []produced{
	{uptime.FaultTLSHelloTooBig, "got no answer; a smaller one without that key works", tooBig(silent, nil)},
	{uptime.FaultTLSHelloTooBig, "made it close the connection", tooBig(closing, nil)},
	{uptime.FaultTLSHelloTooBig, "was answered by a reset", tooBig(resetting, nil)},
	{uptime.FaultTLSHelloTooBig, "a smaller one without that key works", func(t *testing.T) uptime.Result {
		root := newCA(t, "test root", nil)
		to := narrow(t, &tls.Config{Certificates: []tls.Certificate{root.issue(t, nil)}}, silent, func(c *tls.Conn) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
			c.Read(make([]byte, 1))
		})
		return patiently(t, made(t, testSystem(), "http", "https://"+to, keys{"ca_file": root.pem()}, has("hi")))
	}},
	// Past a STARTTLS the whole dialogue is held again.
	{uptime.FaultTLSHelloTooBig, "a smaller one without that key works", func(t *testing.T) uptime.Result {
		root := newCA(t, "test root", nil)
		secure := narrowly(&tls.Config{Certificates: []tls.Certificate{root.issue(t, nil)}}, silent, func(c *tls.Conn) { mailed(c, "250 good.test") })
		to := probetest.Serve(t, func(c net.Conn) {
			io.WriteString(c, "220 good.test ESMTP\r\n")
			mailed(c, "250-good.test\r\n250 STARTTLS", "220 go ahead")
			secure(c)
		})
		return patiently(t, made(t, testSystem(), "smtp", "smtp+starttls://"+to, keys{"ca_file": root.pem()}, nil))
	}},
	// What the smaller hello finds is what counts.
	{uptime.FaultTLSExpired, "expired", tooBig(silent, func(c *x509.Certificate) { c.NotAfter = days(-4) })},
}

// TestHelloSteps has both hellos in the steps, and says what became of each.
func TestHelloSteps(t *testing.T) {
	r := helloFaults[0].run(t)
	var steps []string
	for _, s := range r.Steps {
		steps = append(steps, s.Step+" "+s.Error)
	}
	if got := strings.Join(steps, ","); got != "connect ,tls timed out,connect ,tls " {
		t.Fatalf("%s", got)
	}
	if detail := r.Steps[3].Detail; !strings.Contains(detail, "X25519") || strings.Contains(detail, "MLKEM") {
		t.Error(detail)
	}
}

// TestHelloAfterRestart: a server that hangs up on one hello and takes the next
// of the same size is not told that hellos are too big for it.
func TestHelloAfterRestart(t *testing.T) {
	for _, tt := range []struct {
		name string
		big  func(net.Conn)
		want uptime.Fault
		says string
	}{
		{"closes", closing, uptime.FaultTLSEOF, "closed the connection; the next one was answered"},
		{"resets", resetting, uptime.FaultTLSReset, "reset; the next one was answered"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := newCA(t, "test root", nil)
			config := &tls.Config{Certificates: []tls.Certificate{root.issue(t, nil)}}
			var requests, conns atomic.Int32
			to := probetest.Serve(t, func(c net.Conn) {
				if conns.Add(1) == 1 {
					narrowly(config, tt.big, nil)(c)
					return
				}
				s := tls.Server(c, config)
				if s.Handshake() == nil {
					if n, _ := s.Read(make([]byte, 1)); n > 0 {
						requests.Add(1)
					}
				}
				s.Close()
			})
			for _, scheme := range []string{"tls", "http"} {
				conns.Store(0)
				r := once(t, made(t, testSystem(), scheme, map[string]string{"tls": "tls://", "http": "https://"}[scheme]+to, keys{"ca_file": root.pem()}, nil))
				if r.Fault != tt.want || !strings.Contains(r.Message, tt.says) || r.Outcome != uptime.OutcomeDown {
					t.Errorf("%s: %s: %s", scheme, r.Fault, r.Message)
				}
				if conns.Load() != 2 || requests.Load() != 0 {
					t.Errorf("%s: %d connections, %d requests", scheme, conns.Load(), requests.Load())
				}
			}
		})
	}
}

// TestHelloOnce: who answers the hello, or is silent after it did, is asked once.
func TestHelloOnce(t *testing.T) {
	tests := []struct {
		name   string
		answer func(net.Conn)
	}{
		{"an alert", writes(alert(80))},
		{"half a record", writes([]byte{22, 3, 3})},
		{"another protocol", writes([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := shaking(tt.answer)(t)
			if len(r.Steps) != 2 {
				t.Errorf("%+v", r.Steps)
			}
		})
	}
}

// TestKeyExchange has the group of a handshake in its step.
func TestKeyExchange(t *testing.T) {
	srv, ca := webServer(t, func(http.ResponseWriter, *http.Request) {})
	r := once(t, made(t, testSystem(), "http", srv.URL, keys{"ca_file": ca.pem()}, nil))
	if r.Outcome != uptime.OutcomeUp || !strings.Contains(r.Steps[1].Detail, "1.3 TLS_AES_128_GCM_SHA256 X25519MLKEM768") {
		t.Errorf("%+v", r)
	}
}
