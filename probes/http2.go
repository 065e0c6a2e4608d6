package probes

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"

	"lookout/engine/uptime"
)

// overHTTP2 sends one request on a connection that agreed on h2. The function
// that it returns ends what the standard library started on it.
func overHTTP2(ctx context.Context, t *trace, sec *secured, req *http.Request) (*http.Response, func(), *failure) {
	start := time.Now()
	resp, end, err := roundTrip2(ctx, sec, req)
	t.measure(ttfbTime, t.step("ttfb", start, t.res.Address, err, "h2"))
	if err != nil {
		return nil, end, h2Failure(t, err, sec)
	}
	size := 0
	for name, values := range resp.Header {
		for _, v := range values {
			size += len(name) + len(v)
		}
	}
	if size > maxHeader {
		resp.Body.Close()
		return nil, end, headerFailure(t, errHeaderTooLarge)
	}
	return resp, end, nil
}

func roundTrip2(ctx context.Context, sec *secured, req *http.Request) (*http.Response, func(), error) {
	tr := &http.Transport{
		DialTLSContext:         func(context.Context, string, string) (net.Conn, error) { return sec.Conn, nil },
		Protocols:              new(http.Protocols),
		MaxResponseHeaderBytes: 16 * maxHeader, // past which h2 speaks of protocol errors; ours is looked at below
		DisableCompression:     true,
		HTTP2:                  &http.HTTP2Config{MaxReceiveBufferPerStream: 64 << 10, MaxReceiveBufferPerConnection: 128 << 10},
	}
	tr.Protocols.SetHTTP2(true)
	cc, err := tr.NewClientConn(ctx, "https", "connected:443")
	if err != nil {
		return nil, nil, err
	}
	end := func() {
		cc.Close()
		sec.raw.still()
	}
	resp, err := cc.RoundTrip(req.WithContext(ctx))
	return resp, end, err
}

// quietConn is a connection of which one can wait until nobody reads from it:
// the goroutine that did is at its end then.
type quietConn struct {
	net.Conn
	reading  sync.Mutex
	answered bool   // something was read
	first    func() // to call then; may be nil
}

func (q *quietConn) Read(p []byte) (int, error) {
	q.reading.Lock()
	defer q.reading.Unlock()
	n, err := q.Conn.Read(p)
	if n > 0 && !q.answered {
		q.answered = true
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

// h2Failure classes an error of HTTP/2, in its header or its body.
func h2Failure(t *trace, err error, sec *secured) *failure {
	if _, refused := alertOf(err); refused {
		return tlsFailure(t.res.Address, err, sec.asked)
	}
	var stream http2.StreamError
	switch {
	case errors.As(err, &stream):
		return fail(uptime.FaultHTTPH2Error, "HTTP/2 stream reset by %s: %s", t.res.Address, stream.Code)
	case timedOut(err):
		return fail(uptime.FaultHTTPTimeoutHeaders, "no HTTP answer from %s within %s", t.res.Address, t.after())
	case wasReset(err):
		return fail(uptime.FaultHTTPReset, "%s reset the connection instead of an HTTP answer", t.res.Address)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fail(uptime.FaultHTTPEmptyReply, "%s closed the connection without an HTTP answer", t.res.Address)
	}
	return fail(uptime.FaultHTTPH2Error, "HTTP/2 with %s: %s", t.res.Address, strings.TrimPrefix(err.Error(), "http2: "))
}
