package probes

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"lookout/engine/uptime"
)

const (
	maxBody  = 1 << 20 // of a body that is looked at, decoded
	maxRatio = 100     // of its decoded size to what came over the wire, from bombSize on
	bombSize = 256 << 10
	maxWire  = 2 * maxBody // of its bytes on the wire: packed nothing may be endless
)

// body is the start of what a server sent, decoded.
type body struct {
	data []byte
	more bool // it is longer
}

// readBody reads so much of an answer's body, at most maxBody.
func readBody(t *trace, resp *http.Response, most int64) (body, *failure) {
	wire := &counter{r: resp.Body}
	var r io.Reader = wire
	encoding := strings.ToLower(strings.TrimSpace(resp.Header.Get("Content-Encoding")))
	switch encoding {
	case "", "identity":
	case "gzip", "x-gzip", "deflate":
		r = &decoder{wire: wire, encoding: encoding}
	default:
		return body{}, fail(uptime.FaultHTTPBadEncoding, "the body is encoded as %s, which was not asked for", quote(encoding))
	}
	var buf bytes.Buffer
	n, err := io.Copy(&buf, io.LimitReader(r, most+1))
	b := body{data: buf.Bytes()[:min(n, most)], more: n > most}
	switch {
	case wire.err != nil: // the wire's trouble is not the decoder's
		return b, cut{at: inBody, h2: resp.ProtoMajor == 2, bytes: wire.n}.failure(t, wire.err)
	case errors.Is(err, io.ErrUnexpectedEOF) && resp.ContentLength < 0 && resp.TransferEncoding == nil && resp.ProtoMajor == 1:
		// Only the end of the connection ends this body, and what is in it says that it came too soon.
		return b, cut{at: inBody, bytes: wire.n}.failure(t, err)
	case err != nil:
		return b, fail(uptime.FaultHTTPBadEncoding, "the body is no valid %s: %v", encoding, err)
	case n > bombSize && n/max(wire.n, 1) > maxRatio:
		return b, fail(uptime.FaultHTTPBodyTooLarge, "the body unpacks to more than %d times its size", maxRatio)
	}
	return b, nil
}

// sampleTime is how long a sample of a body is waited for.
const sampleTime = time.Second

// sample reads the start of a body that nothing is expected of. Only one that
// breaks off is a fault of the check: the rest of it was not asked for.
func sample(ctx context.Context, t *trace, conn net.Conn, resp *http.Response) (body, *failure) {
	conn.SetReadDeadline(time.Now().Add(min(sampleTime, left(ctx))))
	if ctx.Err() != nil { // that deadline may have undone the one of a cancelled check
		return body{}, nil
	}
	b, f := readBody(t, resp, sampleSize)
	if f != nil && f.fault != uptime.FaultHTTPTruncated && f.fault != uptime.FaultHTTPReset {
		f = nil
	}
	return b, f
}

// smallBody is how many bytes of a body are read though nothing is expected of
// it. They come with the first flight of packets and cost no more to have; a
// backend that dies in the midst of a page shows by them.
const smallBody = 16 << 10

// whole reads the start of a body and drops it, packed as it is. An announced
// length up to smallBody has to come. The start of a longer body, or of one
// without a length, must not break off, where that can be known: a body that
// only the end of the connection ends is not read. It may never end, so what
// does not come soon is not waited for, and that time is not the target's.
func whole(ctx context.Context, t *trace, conn net.Conn, resp *http.Response) *failure {
	small := resp.ContentLength >= 0 && resp.ContentLength <= smallBody
	if resp.Body == http.NoBody || resp.ContentLength == 0 || !small && (!ends(resp) || stream(resp)) {
		return nil
	}
	start := time.Now()
	answered := start.Sub(t.start)
	if !small {
		conn.SetReadDeadline(start.Add(min(sampleTime, left(ctx))))
		if ctx.Err() != nil { // that deadline may have undone the one of a cancelled check
			return nil
		}
	}
	n, err := io.CopyN(io.Discard, resp.Body, smallBody)
	detail := strconv.FormatInt(n, 10) + " bytes"
	switch {
	case err == nil && !small:
		detail = "its first " + detail
		fallthrough
	case err == nil, err == io.EOF:
		t.measure(bodyTime, t.judged("body", start, detail, nil))
		return nil
	case !small && timedOut(err):
		t.res.Total = answered
		t.judged("body", start, "its first "+detail+", the rest was not waited for", nil)
		return nil
	}
	f := cut{at: inBody, h2: resp.ProtoMajor == 2, bytes: n}.failure(t, err)
	t.measure(bodyTime, t.judged("body", start, detail, f))
	return f
}

// ends reports whether the end of a body shows that it is whole.
func ends(resp *http.Response) bool {
	return resp.ContentLength >= 0 || resp.ProtoMajor == 2 || len(resp.TransferEncoding) > 0
}

// stream reports whether a body is of a kind that goes on as long as somebody listens.
func stream(resp *http.Response) bool {
	kind := strings.ToLower(resp.Header.Get("Content-Type"))
	return slices.ContainsFunc([]string{"text/event-stream", "multipart/", "audio/", "video/"}, func(s string) bool { return strings.HasPrefix(kind, s) })
}

// counter counts what comes over the wire, up to maxWire, and keeps what went wrong there.
type counter struct {
	r   io.Reader
	n   int64
	err error // but io.EOF
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.n += int64(n); c.n > maxWire {
		err = errBodyTooLarge
	}
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

// decoder starts to decode with the first byte: an empty body is valid in every encoding.
type decoder struct {
	wire     io.Reader
	encoding string
	r        io.Reader
}

func (d *decoder) Read(p []byte) (int, error) {
	if d.r == nil {
		start := make([]byte, 2)
		n, err := io.ReadFull(d.wire, start)
		if n == 0 {
			return 0, err
		}
		if d.r, err = decode(d.encoding, start[:n], io.MultiReader(bytes.NewReader(start[:n]), d.wire)); err != nil {
			return 0, err
		}
	}
	return d.r.Read(p)
}

// decode knows the two things that servers send as deflate: zlib (RFC 9110), and a bare stream.
func decode(encoding string, start []byte, r io.Reader) (io.Reader, error) {
	if encoding != "deflate" {
		return gzip.NewReader(r)
	}
	if len(start) == 2 && start[0]&0x0f == 8 && (uint(start[0])<<8|uint(start[1]))%31 == 0 {
		return zlib.NewReader(r)
	}
	return flate.NewReader(r), nil
}
