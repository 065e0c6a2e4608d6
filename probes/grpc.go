package probes

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// grpcType asks a server for its health by the protocol that all of them have
// for it, grpc.health.v1. That is one request of HTTP/2 with a message of one
// field each way: it goes over the HTTP/2 that the http type speaks, whose
// faults it shares, and the messages are made by hand: google.golang.org/grpc
// brings a connection of its own, which redials, backs off and hides why.
func grpcType(sys *system) uptime.CheckType {
	return uptime.CheckType{
		Name:     "grpc",
		Schemes:  []string{"grpc", "grpcs"},
		Summary:  "asks a gRPC server for its health (grpc.health.v1)",
		Measures: timeNames[:],
		Keys: append([]uptime.Key{
			{Name: "service", Kind: uptime.String, Doc: "whose health to ask for; default the whole server's", Example: `"shop.v1.Cart"`},
			{Name: "headers", Kind: uptime.SecretTable, Doc: "metadata to send along", Example: `{ x-tenant = "monitor" }`},
			{Name: "bearer_token", Kind: uptime.SecretText, Doc: "sent as authorization: Bearer", Example: `"${TOKEN}"`},
		}, tlsKeys()...),
		New: func(s uptime.Settings) (uptime.Check, []uptime.Mistake) {
			f := form{Settings: s}
			c := grpcCheck{sys: sys, to: f.endpoint(0), secure: s.URL.Scheme == "grpcs", service: uptime.Value(s.Values, "service", ""), tls: f.tls(sys)}
			c.secret, _ = f.secrets()
			f.noPath()
			if len(c.service) > maxService {
				f.wrong("service", "", "a name of %d bytes", len(c.service))
			}
			return f.done(uptime.Check{Checker: c, Dest: c.to.String(), Expect: "SERVING"})
		},
	}
}

// maxService is how long the name of a service may be, in bytes.
const maxService = 1000

type grpcCheck struct {
	sys     *system
	to      endpoint
	secure  bool
	service string
	secret  http.Header
	tls     tlsSettings
}

// Check asks once.
func (c grpcCheck) Check(ctx context.Context) uptime.Result {
	return c.sys.speak(ctx, c.to, func(t *trace, conn net.Conn) *failure {
		var sec *secured
		if c.secure {
			var f *failure
			if sec, f = c.tls.handshake(ctx, t, conn, c.to.host, "h2"); f != nil {
				return f
			}
			if sec.ConnectionState().NegotiatedProtocol != "h2" {
				return noH2(t)
			}
		}
		resp, end, f := overHTTP2(ctx, t, conn, sec, c.request())
		if end != nil {
			defer end()
		}
		if f != nil {
			return f
		}
		defer resp.Body.Close()
		return c.judge(t, resp)
	})
}

func (c grpcCheck) request() *http.Request {
	u := url.URL{Scheme: "http", Host: c.to.String(), Path: "/grpc.health.v1.Health/Check"}
	if c.secure {
		u.Scheme = "https"
	}
	body := healthRequest(c.service)
	req := &http.Request{
		Method: http.MethodPost, URL: &u, Host: u.Host, ProtoMajor: 2, Header: http.Header{},
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}
	for name, values := range c.secret {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Content-Type", "application/grpc")
	req.Header.Set("Te", "trailers")
	return req
}

// judge reads the answer: a message, and after it a status.
func (c grpcCheck) judge(t *trace, resp *http.Response) *failure {
	start := time.Now()
	if resp.StatusCode != http.StatusOK {
		f := fail(uptime.FaultHTTPStatus, "HTTP status %d instead of a gRPC answer (200)", resp.StatusCode)
		t.judged("expect", start, "", f)
		return f
	}
	if kind := resp.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/grpc") {
		f := fail(uptime.FaultReplyMalformed, "answer from %s is %s and not gRPC", t.res.Address, quote(kind))
		t.judged("expect", start, "", f)
		return f
	}
	wire := &counter{r: resp.Body}
	data, err := io.ReadAll(io.LimitReader(wire, maxReply)) // trailers come with its end
	var f *failure
	if wire.err != nil {
		f = cut{at: inBody, h2: true, bytes: wire.n}.failure(t, wire.err)
	}
	t.measure(bodyTime, t.judged("body", start, fmt.Sprintf("%d bytes", len(data)), f))
	if f != nil {
		return f
	}
	start = time.Now()
	status, f := c.health(t, resp, data, err)
	t.judged("expect", start, status, f)
	return f
}

// health says what an answer means.
func (c grpcCheck) health(t *trace, resp *http.Response, data []byte, err error) (string, *failure) {
	if len(data) == maxReply {
		return "", fail(uptime.FaultReplyMalformed, "gRPC answer from %s is larger than %d KiB", t.res.Address, maxReply>>10)
	}
	if f := c.status(t, resp); f != nil {
		return "", f
	}
	var n uint64
	if err == nil {
		n, err = healthResponse(data)
	}
	if err != nil {
		return "", fail(uptime.FaultReplyMalformed, "gRPC answer from %s: %v", t.res.Address, err)
	}
	status := strconv.FormatUint(n, 10)
	if n < uint64(len(healthWords)) {
		status = healthWords[n]
	}
	if n != healthServing {
		return status, fail(uptime.FaultReplyUnexpected, "%s at %s is %s, expected SERVING", c.who(), t.res.Address, status)
	}
	return status, nil
}

func (c grpcCheck) who() string {
	if c.service == "" {
		return "the gRPC server"
	}
	return "the gRPC service " + literal(c.service)
}

// The codes of gRPC that have something to say of health.
const (
	grpcNotFound        = 5
	grpcDenied          = 7
	grpcUnimplemented   = 12
	grpcUnauthenticated = 16
)

var grpcWords = [...]string{"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
	"RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"}

// status looks at the status of the call, which comes as a trailer, or as a
// header where there is no message.
func (c grpcCheck) status(t *trace, resp *http.Response) *failure {
	text := cmp.Or(resp.Trailer.Get("Grpc-Status"), resp.Header.Get("Grpc-Status"))
	code, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return fail(uptime.FaultReplyMalformed, "gRPC answer from %s has the status %s", t.res.Address, quote(text))
	}
	if code == 0 {
		return nil
	}
	word := text
	if code < uint64(len(grpcWords)) {
		word = grpcWords[code]
	}
	message := cmp.Or(resp.Trailer.Get("Grpc-Message"), resp.Header.Get("Grpc-Message"))
	if plain, err := url.PathUnescape(message); err == nil {
		message = plain
	}
	said := fmt.Sprintf("(%d %s, %s)", code, word, quote(message))
	switch code {
	case grpcNotFound:
		return fail(uptime.FaultReplyUnexpected, "%s is not known at %s %s", c.who(), t.res.Address, said)
	case grpcUnimplemented:
		return fail(uptime.FaultReplyUnexpected, "%s has no health service %s: have it serve grpc.health.v1", t.res.Address, said)
	case grpcDenied, grpcUnauthenticated:
		return fail(uptime.FaultReplyRefusedLogin, "%s does not let us ask for its health %s", t.res.Address, said)
	}
	return fail(uptime.FaultReplyUnexpected, "gRPC call at %s failed %s", t.res.Address, said)
}

// healthServing is the one good answer.
const healthServing = 1

var healthWords = [...]string{"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"}

// Messages of gRPC have five bytes before them: 1 where it is compressed, and
// the length. Of the two messages field 1 is the name of the service (wire
// type 2) and the status (wire type 0).

func healthRequest(service string) []byte {
	var m []byte
	if service != "" {
		m = append(binary.AppendUvarint([]byte{1<<3 | 2}, uint64(len(service))), service...)
	}
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(m))), m...)
}

// healthResponse returns the status in a response; a field that is not there is 0.
func healthResponse(data []byte) (status uint64, err error) {
	const head = 5
	switch {
	case len(data) < head:
		return 0, fmt.Errorf("%d bytes are no message", len(data))
	case data[0] != 0:
		return 0, errors.New("a compressed message, which was not asked for")
	case uint64(binary.BigEndian.Uint32(data[1:])) != uint64(len(data)-head):
		return 0, errors.New("not one message of the length that it says")
	}
	for m := data[head:]; len(m) > 0; {
		tag, n := binary.Uvarint(m)
		if n <= 0 {
			return 0, errors.New("a field without a number")
		}
		m = m[n:]
		value, skip := uint64(0), 0
		switch tag & 7 {
		case 0:
			value, skip = binary.Uvarint(m)
		case 1:
			skip = 8
		case 2:
			length, n := binary.Uvarint(m)
			if n > 0 && length <= uint64(len(m)-n) {
				skip = n + int(length)
			}
		case 5:
			skip = 4
		}
		if skip <= 0 || skip > len(m) {
			return 0, fmt.Errorf("field %d is cut short", tag>>3)
		}
		if m = m[skip:]; tag == 1<<3 {
			status = value
		}
	}
	return status, nil
}
