package probes

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"lookout/engine/uptime"
)

// hop is one request of a check: its own, or one that a redirect led to.
type hop struct {
	url    *url.URL
	method string
	body   []byte
	own    bool // it goes to the host that the monitor names, at its port or that of https
	shown  bool // and by its scheme to its port, never having left: it sees our secrets
}

// visit is what tells one request from another when redirects run in a circle.
type visit struct{ method, url, cookies string }

func visitOf(req *http.Request) visit {
	return visit{req.Method, req.URL.String(), req.Header.Get("Cookie")}
}

func (c *httpCheck) check(ctx context.Context, t *trace) *failure {
	at := &hop{url: c.url, method: c.method, body: c.body, own: true, shown: true}
	var jar *cookiejar.Jar // made by the first redirect; a site may set a cookie and send us back
	var seen []visit       // that led elsewhere
	for n := 0; ; n++ {
		req := c.request(at)
		if jar != nil {
			for _, cookie := range jar.Cookies(at.url) {
				req.AddCookie(cookie)
			}
		}
		if seen != nil && slices.Contains(seen, visitOf(req)) {
			f := fail(uptime.FaultHTTPRedirectLoop, "redirect loop: %s was visited before, after %s", uptime.RedactURL(at.url), redirects(n))
			t.judged("redirect", time.Now(), "", f)
			return f
		}

		var next *hop
		var header http.Header
		f := t.greeting(func() (f *failure) {
			next, header, f = c.visit(ctx, t, at, req, n)
			return f
		})
		if f != nil || next == nil {
			return f
		}
		if jar == nil {
			jar, _ = cookiejar.New(&cookiejar.Options{PublicSuffixList: publicsuffix.List}) // fails never
		}
		seen = append(seen, visitOf(req))
		keep(jar, at.url, header)
		at = next
	}
}

// redirects counts them for people.
func redirects(n int) string {
	if n == 1 {
		return "1 redirect"
	}
	return strconv.Itoa(n) + " redirects"
}

func keep(jar *cookiejar.Jar, from *url.URL, header http.Header) {
	jar.SetCookies(from, (&http.Response{Header: header}).Cookies())
}

// request makes the request of a hop.
func (c *httpCheck) request(at *hop) *http.Request {
	req := &http.Request{
		Method: at.method, URL: at.url, Host: asciiHost(at.url), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Close: true,
		Header: http.Header{"Accept": {"*/*"}, "Accept-Encoding": {"gzip"}, "User-Agent": {c.agent}},
	}
	if at.shown {
		for name, values := range c.secret {
			req.Header[name] = values
		}
	}
	if at.own && c.hostName != "" {
		req.Host = c.hostName
	}
	if len(at.body) > 0 {
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(at.body)), int64(len(at.body))
	}
	return req
}

// asciiHost is the host and port of a URL as a Host header has them.
func asciiHost(u *url.URL) string {
	form := form{Settings: uptime.Settings{URL: u}}
	ascii := form.host(u.Hostname()).host
	if form.mistakes != nil || strings.Contains(ascii, ":") {
		return u.Host
	}
	if port := u.Port(); port != "" {
		return ascii + ":" + port
	}
	return ascii
}

// visit makes one hop on a connection of its own. It returns the next one
// where the answer is a redirect to follow; otherwise it has judged the answer.
func (c *httpCheck) visit(ctx context.Context, t *trace, at *hop, req *http.Request, n int) (*hop, http.Header, *failure) {
	to, name, f := c.whereTo(at)
	if f != nil {
		t.judged("redirect", time.Now(), "", f)
		return nil, nil, f
	}
	conn, f := c.proxy.reach(ctx, t, c.sys, to, at.url.Scheme)
	if f != nil {
		return nil, nil, f
	}
	defer conn.Close()
	defer watch(ctx, conn)()
	resp, end, f := c.ask(ctx, t, at, name, conn, req)
	if end != nil {
		defer end()
	}
	if f != nil {
		return nil, nil, f
	}
	if resp.ProtoMajor == 2 {
		// Over HTTP/1 the connection is closed, and that is all: Close would read what is left
		// of the body first, however much a target sends.
		defer resp.Body.Close()
	}
	if next, f := c.redirect(t, at, resp, n); next != nil || f != nil {
		return next, resp.Header, f
	}
	return nil, nil, c.expect.judge(ctx, t, conn, resp, n > 0)
}

// whereTo says where a hop connects to, and the name that TLS asks for there.
func (c *httpCheck) whereTo(at *hop) (to endpoint, name string, f *failure) {
	if !at.own {
		form := form{Settings: uptime.Settings{URL: at.url, IP: c.host.ip}}
		to = form.endpoint(defaultPort(at.url.Scheme))
		to.via = c.host.via
		if to.host == c.host.host {
			to.at = c.host.at
		}
		if form.mistakes != nil {
			return to, "", fail(uptime.FaultHTTPRedirectBad, "redirect to %s: %s", uptime.RedactURL(at.url), form.mistakes[0].Message)
		}
		return to, to.host, nil
	}
	to = c.host
	if c.connectTo.host != "" {
		to = c.connectTo
	}
	if at.url.Scheme != c.url.Scheme { // from http to https, each at its own port
		to.port = defaultPort(at.url.Scheme)
	}
	return to, c.host.host, nil
}

// ask sends a request on a connection, over TLS where its URL says so, and
// waits for the header of the answer. What it returns beside it ends the rest.
func (c *httpCheck) ask(ctx context.Context, t *trace, at *hop, name string, conn net.Conn, req *http.Request) (*http.Response, func(), *failure) {
	if at.url.Scheme != "https" {
		if c.proxy == nil {
			resp, f := overHTTP1(t, conn, req, nil)
			return resp, nil, f
		}
		c.proxy.authorize(req)
		resp, f := answerTo(t, conn, req, req.WriteProxy, nil)
		if f == nil && resp.StatusCode == http.StatusProxyAuthRequired {
			f = c.proxy.unauthorized(resp)
			t.judged("proxy", time.Now(), "", f)
		}
		return resp, nil, f
	}
	settings := &c.tls
	if !at.own {
		settings = settings.elsewhere()
	}
	protocols := []string{"h2", "http/1.1"}
	switch {
	case c.http1:
		protocols = protocols[1:]
	case c.http2:
		protocols = protocols[:1]
	}
	sec, f := settings.handshake(ctx, t, conn, name, protocols...)
	if f != nil {
		return nil, nil, f
	}
	if sec.ConnectionState().NegotiatedProtocol == "h2" {
		return overHTTP2(ctx, t, sec, sec, req)
	}
	if c.http2 {
		return nil, nil, noH2(t)
	}
	resp, f := overHTTP1(t, sec, req, sec)
	return resp, func() { sec.CloseWrite() }, f
}

// redirect says where an answer leads to: nil for nowhere.
func (c *httpCheck) redirect(t *trace, at *hop, resp *http.Response, n int) (*hop, *failure) {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil, nil
	}
	if c.redirects < 0 || c.expect.status.listed && c.expect.status.has(resp.StatusCode) {
		return nil, nil
	}
	start := time.Now()
	next, f := c.follow(at, resp)
	if f == nil && n >= c.redirects {
		f = fail(uptime.FaultHTTPTooManyRedirects, "more than %s, the last to %s", redirects(c.redirects), uptime.RedactURL(next.url))
	}
	t.hop(start, resp, next, f)
	return next, f
}

// hop notes a redirect.
func (t *trace) hop(start time.Time, resp *http.Response, next *hop, f *failure) {
	to, detail := "", ""
	if next != nil {
		to = uptime.RedactURL(next.url)
		detail = resp.Status + " to " + to
	}
	t.judged("redirect", start, detail, f)
	step := &t.res.Steps[len(t.res.Steps)-1]
	step.Status, step.URL = resp.StatusCode, to
}

func (c *httpCheck) follow(at *hop, resp *http.Response) (*hop, *failure) {
	location := resp.Header.Get("Location")
	if location == "" {
		return nil, fail(uptime.FaultHTTPRedirectBad, "HTTP status %d without a Location", resp.StatusCode)
	}
	u, err := at.url.Parse(location)
	if err != nil {
		return nil, fail(uptime.FaultHTTPRedirectBad, "HTTP status %d to a Location that is no URL", resp.StatusCode)
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	if u.Path == "" {
		u.Path = "/"
	}
	u.Scheme = strings.ToLower(u.Scheme)
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fail(uptime.FaultHTTPRedirectScheme, "redirect to a URL of scheme %s", quote(u.Scheme))
	case u.Hostname() == "":
		return nil, fail(uptime.FaultHTTPRedirectBad, "HTTP status %d to a Location without a host", resp.StatusCode)
	case at.url.Scheme == "https" && u.Scheme == "http":
		return nil, fail(uptime.FaultHTTPDowngrade, "redirect from https to %s", uptime.RedactURL(u))
	}
	own := c.sameHost(u)
	next := hop{url: u, method: at.method, body: at.body, own: at.own && own}
	next.shown = at.shown && own && u.Scheme == c.url.Scheme
	rewritten := resp.StatusCode == http.StatusSeeOther || resp.StatusCode < 303 && at.method == http.MethodPost
	if rewritten && at.method != http.MethodHead {
		next.method, next.body = http.MethodGet, nil
	}
	switch {
	case own:
	case c.limited && !c.mayLeadTo(u):
		return nil, fail(uptime.FaultHTTPWrongHost, "redirect to %s, a host that redirect_hosts does not list", uptime.RedactURL(u))
	case !c.limited && len(next.body) > 0:
		return nil, fail(uptime.FaultHTTPWrongHost, "HTTP status %d would have the body sent to %s; list its host in redirect_hosts to allow it", resp.StatusCode, uptime.RedactURL(u))
	}
	return &next, nil
}

// mayLeadTo reports whether redirect_hosts lists the host of a redirect. The
// URL's own is always one of them, at any port.
func (c *httpCheck) mayLeadTo(u *url.URL) bool {
	inner := form{}
	host := inner.host(u.Hostname()).host
	if host == c.host.host {
		return true
	}
	return slices.ContainsFunc(c.hosts, func(name string) bool {
		below, wild := strings.CutPrefix(name, "*")
		return host == name || wild && strings.HasSuffix(host, below)
	})
}

// sameHost reports whether a redirect stays at the host and port that the
// monitor names; from http to https at their own ports it does.
func (c *httpCheck) sameHost(u *url.URL) bool {
	if !strings.EqualFold(u.Hostname(), c.url.Hostname()) {
		return false
	}
	own := func(u *url.URL) bool { return u.Port() == "" || u.Port() == strconv.Itoa(int(defaultPort(u.Scheme))) }
	return u.Scheme == c.url.Scheme && u.Port() == c.url.Port() || own(u) && own(c.url)
}
