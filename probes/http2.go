package probes

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"lookout/engine/uptime"
)

// overHTTP2 sends one request on a connection that agreed on h2, or that is
// known to speak it (sec is nil then). The function that it returns ends what
// the standard library started on it.
func overHTTP2(ctx context.Context, t *trace, conn net.Conn, sec *secured, req *http.Request) (*http.Response, func(), *failure) {
	start := time.Now()
	resp, end, err := roundTrip2(ctx, conn, sec, req)
	took := t.step("ttfb", start, t.res.Address, err, "h2")
	t.measure(ttfbTime, took)
	if err != nil {
		return nil, end, cut{at: noAnswer, sec: sec, h2: true}.failure(t, err)
	}
	size := 0
	for name, values := range resp.Header {
		for _, v := range values {
			size += len(name) + len(v)
		}
	}
	if size > maxHeader {
		f := cut{at: inHeader, h2: true}.failure(t, errHeaderTooLarge)
		t.judged("header", time.Now(), "", f)
		resp.Body.Close()
		return nil, end, f
	}
	t.status(resp)
	return resp, end, nil
}

// noH2 says that TLS agreed on something else than HTTP/2.
func noH2(t *trace) *failure {
	f := fail(uptime.FaultHTTPH2Error, "%s does not speak HTTP/2", t.res.Address)
	t.judged("alpn", time.Now(), "", f)
	return f
}

func roundTrip2(ctx context.Context, conn net.Conn, sec *secured, req *http.Request) (*http.Response, func(), error) {
	var quiet *quietConn
	tr := &http.Transport{
		Protocols:              new(http.Protocols),
		MaxResponseHeaderBytes: 16 * maxHeader, // past which h2 speaks of protocol errors; ours is looked at after it
		DisableCompression:     true,
		HTTP2:                  &http.HTTP2Config{MaxReceiveBufferPerStream: 64 << 10, MaxReceiveBufferPerConnection: 128 << 10},
	}
	scheme := "https"
	if sec != nil {
		quiet = sec.raw
		tr.DialTLSContext = func(context.Context, string, string) (net.Conn, error) { return sec.Conn, nil }
		tr.Protocols.SetHTTP2(true)
	} else {
		quiet, scheme = &quietConn{Conn: conn}, "http"
		tr.DialContext = func(context.Context, string, string) (net.Conn, error) { return quiet, nil }
		tr.Protocols.SetUnencryptedHTTP2(true)
	}
	cc, err := tr.NewClientConn(ctx, scheme, "connected:443")
	if err != nil {
		return nil, nil, err
	}
	end := func() {
		cc.Close()
		quiet.still()
	}
	resp, err := cc.RoundTrip(req.WithContext(ctx))
	if err != nil && quiet.http1.Load() { // the library's words for it depend on who comes first
		err = errHTTP1
	}
	return resp, end, err
}

// errHTTP1 reports an answer in another version than that which was agreed on.
var errHTTP1 = errors.New("an answer in HTTP/1.1")

// quietConn is a connection of which one can wait until nobody reads from it:
// the goroutine that did is at its end then.
type quietConn struct {
	net.Conn
	reading  sync.Mutex
	answered bool        // something was read
	http1    atomic.Bool // … that begins as HTTP/1 does
	first    func()      // to call then; may be nil
}

func (q *quietConn) Read(p []byte) (int, error) {
	q.reading.Lock()
	defer q.reading.Unlock()
	n, err := q.Conn.Read(p)
	if n > 0 && !q.answered {
		q.answered = true
		q.http1.Store(bytes.HasPrefix(p[:n], []byte("HTTP/1.")))
		if q.first != nil {
			q.first()
		}
	}
	return n, err
}

// still closes the connection and returns when no read is under way.
func (q *quietConn) still() {
	q.Close()
	q.reading.Lock()
	defer q.reading.Unlock()
}
