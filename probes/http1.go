package probes

import (
	"bufio"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"time"

	"lookout/engine/uptime"
)

const (
	maxHeader  = 64 << 10
	maxInterim = 10 // 1xx answers before the one that counts
)

// errHeaderTooLarge is what a header meets that goes past maxHeader.
var errHeaderTooLarge = errors.New("header too large")

// capped lets so many bytes through.
type capped struct {
	r    io.Reader
	left int64
}

func (c *capped) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errHeaderTooLarge
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

// overHTTP1 sends one request and reads the header of its answer. It is not
// http.Transport, which dials, retries, keeps and hides: here every phase and
// every error is seen. Sec is the connection's TLS, nil without.
func overHTTP1(ctx context.Context, t *trace, conn net.Conn, req *http.Request, sec *secured) (*http.Response, *failure) {
	start := time.Now()
	sent := req.Write(conn) // even where it fails, an answer may lie there: a refusal of our body
	limited := &capped{r: conn, left: maxHeader}
	r := bufio.NewReader(limited)
	_, err := r.Peek(1)
	if err != nil && sent != nil && !timedOut(err) {
		err = sent
	}
	t.measure(ttfbTime, t.step("ttfb", start, t.res.Address, err, ""))
	if err != nil {
		return nil, firstByteFailure(t, err, sec)
	}
	for range maxInterim {
		resp, err := http.ReadResponse(r, req)
		if err != nil {
			return nil, headerFailure(t, err)
		}
		if resp.StatusCode < 100 {
			return nil, fail(uptime.FaultHTTPMalformed, "HTTP answer from %s has the status %s", t.res.Address, quote(resp.Status))
		}
		if resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			limited.left = math.MaxInt64 // bodies have a limit of their own
			return resp, nil
		}
	}
	return nil, fail(uptime.FaultHTTPMalformed, "more than %d interim answers (1xx) from %s", maxInterim, t.res.Address)
}

// firstByteFailure classes an answer of which no byte came.
func firstByteFailure(t *trace, err error, sec *secured) *failure {
	if sec != nil {
		if _, refused := alertOf(err); refused {
			return tlsFailure(t.res.Address, err, sec.asked)
		}
	}
	switch {
	case timedOut(err):
		return fail(uptime.FaultHTTPTimeoutHeaders, "no HTTP answer from %s within %s", t.res.Address, t.after())
	case wasReset(err):
		return fail(uptime.FaultHTTPReset, "%s reset the connection instead of an HTTP answer", t.res.Address)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fail(uptime.FaultHTTPEmptyReply, "%s closed the connection without an HTTP answer", t.res.Address)
	}
	if f := localFailure("HTTP request to "+t.res.Address, err); f != nil {
		return f
	}
	return fail(uptime.FaultHTTPMalformed, "HTTP answer from %s: %s", t.res.Address, plain(err))
}

// headerFailure classes a header that came in part.
func headerFailure(t *trace, err error) *failure {
	switch {
	case errors.Is(err, errHeaderTooLarge):
		return fail(uptime.FaultHTTPHeadersTooLarge, "HTTP header from %s is larger than %d KiB", t.res.Address, maxHeader>>10)
	case timedOut(err):
		return fail(uptime.FaultHTTPTimeoutHeaders, "HTTP header from %s incomplete after %s", t.res.Address, t.after())
	case wasReset(err):
		return fail(uptime.FaultHTTPReset, "%s reset the connection within the HTTP header", t.res.Address)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fail(uptime.FaultHTTPTruncated, "%s closed the connection within the HTTP header", t.res.Address)
	}
	return fail(uptime.FaultHTTPMalformed, "HTTP answer from %s: %s", t.res.Address, plain(err))
}
