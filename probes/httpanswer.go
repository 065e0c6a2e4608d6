package probes

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/net/http2"

	"lookout/engine/uptime"
)

// What a header meets that goes past maxHeader, and a body past maxWire.
var (
	errHeaderTooLarge = errors.New("header too large")
	errBodyTooLarge   = errors.New("body too large")
)

// part is how much of an answer had come when something went wrong.
type part uint8

const (
	noAnswer part = iota // not a byte of it
	inHeader
	inBody
)

// cut is where an exchange of HTTP broke off.
type cut struct {
	at    part
	sec   *secured // nil without TLS
	h2    bool
	bytes int64 // of the body that came, as they are on the wire
}

// failure classes what broke it off.
func (c cut) failure(t *trace, err error) *failure {
	if c.sec != nil {
		if _, refused := alertOf(err); refused {
			return c.sec.failure(t, err)
		}
	}
	where := [...]string{"instead of an HTTP answer", "within the HTTP header", fmt.Sprintf("within the body, after %d bytes", c.bytes)}[c.at]
	var stream http2.StreamError
	switch {
	case errors.Is(err, errHeaderTooLarge):
		return fail(uptime.FaultHTTPHeadersTooLarge, "HTTP header from %s is larger than %d KiB", t.res.Address, maxHeader>>10)
	case errors.Is(err, errBodyTooLarge):
		return fail(uptime.FaultHTTPBodyTooLarge, "the body from %s is larger than %d MiB packed, without an end", t.res.Address, maxWire>>20)
	case errors.As(err, &stream):
		return fail(uptime.FaultHTTPH2Error, "HTTP/2 stream reset by %s %s: %s", t.res.Address, where, stream.Code)
	case timedOut(err):
		return c.timeout(t)
	case wasReset(err):
		return fail(uptime.FaultHTTPReset, "%s reset the connection %s", t.res.Address, where).by(err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		if c.at == noAnswer {
			return fail(uptime.FaultHTTPEmptyReply, "%s closed the connection without an HTTP answer", t.res.Address)
		}
		return fail(uptime.FaultHTTPTruncated, "%s closed the connection %s", t.res.Address, where)
	case errors.Is(err, errHTTP1), c.h2 && strings.Contains(err.Error(), "looked like an HTTP/1.1 header"): // has no type
		return fail(uptime.FaultHTTPH2Error, "%s does not speak HTTP/2, it answers in HTTP/1.1", t.res.Address)
	case c.h2:
		return fail(uptime.FaultHTTPH2Error, "HTTP/2 with %s: %s", t.res.Address, strings.TrimPrefix(err.Error(), "http2: "))
	case c.at == inBody:
		return fail(uptime.FaultHTTPMalformed, "the body from %s: %s", t.res.Address, plain(err))
	}
	if f := localFailure("HTTP request to "+t.res.Address, err); f != nil {
		return f
	}
	return fail(uptime.FaultHTTPMalformed, "HTTP answer from %s: %s", t.res.Address, hideQuery(plain(err)))
}

// hideQuery leaves out what follows a question mark: a parser quotes the line
// that it does not understand, and a Location may repeat a token of ours.
func hideQuery(text string) string {
	before, rest, found := strings.Cut(text, "?")
	if !found {
		return text
	}
	if end := strings.IndexAny(rest, " \"'"); end >= 0 {
		return before + "?…" + hideQuery(rest[end:])
	}
	return before + "?…"
}

func (c cut) timeout(t *trace) *failure {
	switch c.at {
	case noAnswer:
		return fail(uptime.FaultHTTPTimeoutHeaders, "no HTTP answer from %s within %s", t.res.Address, t.after())
	case inHeader:
		return fail(uptime.FaultHTTPTimeoutHeaders, "HTTP header from %s incomplete after %s", t.res.Address, t.after())
	}
	return fail(uptime.FaultHTTPTimeoutBody, "the body from %s incomplete after %s, %d bytes came", t.res.Address, t.after(), c.bytes)
}
