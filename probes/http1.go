package probes

import (
	"bufio"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"time"

	"lookout/engine/uptime"
)

const (
	maxHeader  = 64 << 10
	maxFirst   = 80 // bytes that are shown of what is no HTTP
	maxInterim = 10 // 1xx answers before the one that counts

	// What a check holds while it waits for an answer should be small: most requests
	// and headers fit into these, and large pieces of a body pass them by.
	sendBuffer = 512
	readBuffer = 1 << 10
)

// capped lets so many bytes through.
type capped struct {
	r    io.Reader
	left int64
	past bool // more was asked for
}

func (c *capped) Read(p []byte) (int, error) {
	if c.left <= 0 {
		c.past = true
		return 0, errHeaderTooLarge
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

// overHTTP1 sends one request and reads the header of its answer. It is not
// http.Transport, which dials, retries, keeps and hides: here every phase and
// every error is seen. Sec is the connection's TLS, nil without.
func overHTTP1(t *trace, conn net.Conn, req *http.Request, sec *secured) (*http.Response, *failure) {
	return answerTo(t, conn, req, req.Write, sec)
}

// answerTo is overHTTP1 for a request that is written in another way.
func answerTo(t *trace, conn net.Conn, req *http.Request, write func(io.Writer) error, sec *secured) (*http.Response, *failure) {
	start := time.Now()
	w := bufio.NewWriterSize(conn, sendBuffer)
	sent := write(w) // even where it fails, an answer may lie there: a refusal of our body
	if sent == nil {
		sent = w.Flush()
	}
	limited := &capped{r: conn, left: maxHeader}
	r := bufio.NewReaderSize(limited, readBuffer)
	_, err := r.Peek(1)
	if err != nil && sent != nil && !timedOut(err) {
		err = sent
	}
	t.measure(ttfbTime, t.step("ttfb", start, t.res.Address, err, ""))
	if err != nil {
		return nil, cut{at: noAnswer, sec: sec}.failure(t, err)
	}
	start = time.Now()
	head, _ := r.Peek(min(r.Buffered(), maxFirst)) // what came with the first byte
	first := string(head)
	resp, f := readHeader(t, r, limited, req)
	if f != nil && f.fault == uptime.FaultHTTPMalformed && !strings.HasPrefix(first, "HTTP") {
		line, _, _ := strings.Cut(first, "\n") // the next may be our own header, from an echo
		f = fail(f.fault, "%s does not speak HTTP, it sent %s", t.res.Address, quote(hideQuery(line)))
	}
	if f != nil {
		t.judged("header", start, "", f)
		return nil, f
	}
	t.status(resp)
	limited.left = math.MaxInt64 // bodies have a limit of their own
	if resp.StatusCode == http.StatusSwitchingProtocols {
		resp.Body = io.NopCloser(r) // the other protocol goes on where the header ends
	}
	return resp, nil
}

// readHeader reads the header of the answer that counts.
func readHeader(t *trace, r *bufio.Reader, limited *capped, req *http.Request) (*http.Response, *failure) {
	for range maxInterim {
		resp, err := http.ReadResponse(r, req)
		if limited.past { // its parser takes the line that was cut for a wrong one
			err = errHeaderTooLarge
		}
		if err != nil {
			return nil, cut{at: inHeader}.failure(t, err)
		}
		if resp.StatusCode < 100 {
			return nil, fail(uptime.FaultHTTPMalformed, "HTTP answer from %s has the status %s", t.res.Address, quote(resp.Status))
		}
		if resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, nil
		}
	}
	return nil, fail(uptime.FaultHTTPMalformed, "more than %d interim answers (1xx) from %s", maxInterim, t.res.Address)
}
