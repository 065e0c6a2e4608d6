package probes

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"lookout/engine/uptime"
)

// proxy is the HTTP proxy that a check goes through: the one of its monitor,
// never one of the environment, which nobody would think of when a check fails.
type proxy struct {
	to   endpoint
	auth string // the value of Proxy-Authorization, a secret; "" for none
}

// proxy reads the key of that name; nil where it is not set.
func (f *form) proxy() *proxy {
	text := uptime.Value(f.Values, "proxy", uptime.Secret("")).Reveal()
	if text == "" {
		return nil
	}
	const hint = `write "http://proxy.example.com:3128" or "http://user:password@proxy.example.com:3128"`
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" || u.Path != "" && u.Path != "/" || u.RawQuery != "" {
		f.wrong("proxy", hint, "it is no URL of an HTTP proxy") // which may hold a password: it is not shown
		return nil
	}
	inner := form{Settings: f.Settings}
	inner.URL = u
	p := proxy{to: inner.endpoint(0)}
	if inner.mistakes != nil {
		f.wrong("proxy", hint, "%s", inner.mistakes[0].Message)
	}
	if u.User != nil {
		password, _ := u.User.Password()
		p.auth = "Basic " + base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password))
	}
	return &p
}

// reach connects to an endpoint for a request of a URL with this scheme:
// directly, or through the proxy, which for http is spoken with itself.
func (p *proxy) reach(ctx context.Context, t *trace, sys *system, to endpoint, scheme string) (net.Conn, *failure) {
	if p == nil {
		return sys.connect(ctx, t, to)
	}
	if a, err := netip.ParseAddr(to.host); err == nil { // of a name the proxy alone knows what it means
		if _, f := sys.guard.permitted(to.host, []netip.Addr{a}); f != nil {
			return nil, f
		}
	}
	conn, f := sys.connect(ctx, t, p.to)
	if f != nil {
		if f.fault.Side() != uptime.Ours {
			f = &failure{fault: uptime.FaultProxyConnect, text: "the proxy " + p.to.String() + " cannot be reached: " + f.text, errno: f.errno}
		}
		return nil, f
	}
	if scheme != "https" {
		return conn, nil
	}
	start := time.Now()
	rest, f := p.tunnel(ctx, t, conn, to)
	t.measure(connectTime, t.judged("proxy", start, "tunnel to "+to.String(), f))
	if f != nil {
		conn.Close()
		return nil, f
	}
	return tunnelled{conn, rest}, nil
}

// tunnel asks the proxy on a connection for a tunnel. What it returns reads on
// where the proxy's answer ended.
func (p *proxy) tunnel(ctx context.Context, t *trace, conn net.Conn, to endpoint) (io.Reader, *failure) {
	defer watch(ctx, conn)()
	req := &http.Request{
		Method: http.MethodConnect, URL: &url.URL{Host: to.String()}, Host: to.String(), Header: http.Header{"User-Agent": {userAgent}},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	p.authorize(req)
	sent := req.Write(conn)
	r := bufio.NewReader(&capped{r: conn, left: maxHeader})
	resp, err := http.ReadResponse(r, req)
	switch {
	case err != nil && timedOut(err):
		return nil, fail(uptime.FaultProxyConnect, "the proxy %s gave no tunnel to %s within %s", p.to, to, t.after())
	case err != nil:
		if sent != nil {
			err = sent
		}
		return nil, fail(uptime.FaultProxyConnect, "the proxy %s does not answer as one: %s", p.to, plain(err)).by(err)
	case resp.StatusCode == http.StatusProxyAuthRequired:
		return nil, p.unauthorized(resp)
	case resp.StatusCode/100 != 2:
		return nil, fail(uptime.FaultProxyRefusedTunnel, "the proxy %s gives no tunnel to %s: HTTP status %s", p.to, to, uptime.Clean(resp.Status, 80))
	}
	ahead, _ := r.Peek(r.Buffered())
	return io.MultiReader(bytes.NewReader(ahead), conn), nil
}

func (p *proxy) authorize(req *http.Request) {
	if p.auth != "" {
		req.Header.Set("Proxy-Authorization", p.auth)
	}
}

// unauthorized is what a 407 means, of a tunnel or of a plain request.
func (p *proxy) unauthorized(resp *http.Response) *failure {
	wants := "credentials"
	if scheme := resp.Header.Get("Proxy-Authenticate"); scheme != "" {
		wants += " (" + uptime.Clean(scheme, 60) + ")"
	}
	if p.auth != "" {
		return fail(uptime.FaultProxyAuthRequired, "the proxy %s does not take the credentials of the monitor, it wants %s", p.to, wants)
	}
	return fail(uptime.FaultProxyAuthRequired, "the proxy %s wants %s, add them to proxy", p.to, wants)
}

// tunnelled is a connection through a proxy.
type tunnelled struct {
	net.Conn
	rest io.Reader
}

func (c tunnelled) Read(p []byte) (int, error) { return c.rest.Read(p) }
