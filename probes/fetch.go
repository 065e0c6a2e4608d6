package probes

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"lookout/engine/uptime"
)

// maxHops is how many redirects a fetch follows.
const maxHops = 5

// fetcher gets documents for a check that is not about the servers they come
// from: over the same path as an http check, and with its redirects.
type fetcher struct {
	sys    *system
	ip     string // as in an endpoint
	via    *via
	tls    tlsSettings
	accept string // of the header
}

// fetch gets a document.
func (fe fetcher) fetch(ctx context.Context, t *trace, u *url.URL) (status int, data []byte, f *failure) {
	f = t.greeting(func() (f *failure) {
		status, data, f = fe.follow(ctx, t, u)
		return f
	})
	return status, data, f
}

// follow gets a document, wherever redirects say that it is.
func (fe fetcher) follow(ctx context.Context, t *trace, u *url.URL) (status int, data []byte, f *failure) {
	form := form{Settings: uptime.Settings{URL: u, IP: fe.ip}}
	c := httpCheck{sys: fe.sys, url: u, host: form.endpoint(defaultPort(u.Scheme)), agent: userAgent, tls: fe.tls, redirects: maxHops}
	c.host.via = fe.via
	if form.mistakes != nil {
		return 0, nil, fail(uptime.FaultLocalConfig, "%s", form.mistakes[0].Message)
	}
	at := &hop{url: u, method: http.MethodGet, own: true, shown: true}
	for n := 0; at != nil && f == nil; n++ {
		req := c.request(at)
		req.Header.Set("Accept", fe.accept)
		status, data, at, f = c.document(ctx, t, at, req, n)
	}
	return status, data, f
}

// document makes one hop: it returns the next one, or what the server sent.
func (c *httpCheck) document(ctx context.Context, t *trace, at *hop, req *http.Request, n int) (status int, data []byte, next *hop, f *failure) {
	to, name, f := c.whereTo(at)
	if f != nil {
		return 0, nil, nil, f
	}
	conn, f := c.sys.connect(ctx, t, to)
	if f != nil {
		return 0, nil, nil, f
	}
	defer conn.Close()
	defer watch(ctx, conn)()
	resp, end, f := c.ask(ctx, t, at, name, conn, req)
	if end != nil {
		defer end()
	}
	if f != nil {
		return 0, nil, nil, f
	}
	if resp.ProtoMajor == 2 {
		defer resp.Body.Close()
	}
	if next, f = c.redirect(t, at, resp, n); next != nil || f != nil {
		return 0, nil, next, f
	}
	start := time.Now()
	b, f := readBody(t, resp, maxBody)
	if f == nil && b.more {
		f = fail(uptime.FaultHTTPBodyTooLarge, "the body is larger than %d KiB", maxBody>>10)
	}
	t.measure(bodyTime, t.judged("body", start, fmt.Sprintf("%d bytes", len(b.data)), f))
	return resp.StatusCode, b.data, nil, f
}
