package probes

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"lookout/engine/uptime"
)

// userAgent is how lookout shows itself: stable, so that a firewall can let it pass.
const userAgent = "lookout/1 (uptime monitor)"

// httpType requests a URL and looks at the answer.
func httpType(sys *system) uptime.CheckType {
	return uptime.CheckType{
		Name:     "http",
		Schemes:  []string{"http", "https"},
		Summary:  "requests a URL; status, headers, body and JSON can be expected",
		Measures: timeNames[:],
		Keys: append([]uptime.Key{
			{Name: "method", Kind: uptime.String, Doc: "of the request; default GET", Example: `"HEAD"`},
			{Name: "headers", Kind: uptime.SecretTable, Doc: "sent along; after a redirect never to another scheme, host or port", Example: `{ X-Token = "${TOKEN}" }`},
			{Name: "user_agent", Kind: uptime.String, Doc: "default " + userAgent, Example: `"example/1"`},
			{Name: "body", Kind: uptime.String, Doc: "of the request", Example: `'{"ping": true}'`},
			{Name: "body_file", Kind: uptime.File, Doc: "the body of the request from a file", Example: `"ping.json"`},
			{Name: "basic_auth", Kind: uptime.SecretText, Doc: "user:password", Example: `"probe:${PASSWORD}"`},
			{Name: "bearer_token", Kind: uptime.SecretText, Doc: "sent as Authorization: Bearer", Example: `"${TOKEN}"`},
			{Name: "follow_redirects", Kind: uptime.Bool, Doc: "default true; a redirect that status lists is not followed", Example: `false`},
			{Name: "max_redirects", Kind: uptime.Int, Doc: "default 10", Example: `3`, Min: 1, Max: 50},
			{Name: "redirect_hosts", Kind: uptime.Strings, Doc: "the other hosts that redirects may lead to; default any, [] none", Example: `["www.example.com", "*.example.net"]`},
			{Name: "http_version", Kind: uptime.String, Doc: "default: HTTP/2 where the server offers it, else 1.1", Example: `"1.1"`, OneOf: []string{"1.1", "2"}},
			{Name: "connect_to", Kind: uptime.String, Doc: "host:port to connect to instead of the URL's; name and certificate stay those of the URL", Example: `"192.0.2.10:443"`},
			{Name: "proxy", Kind: uptime.SecretText, Doc: "HTTP proxy to go through, never that of the environment", Example: `"http://user:${PASSWORD}@proxy.example.com:3128"`},
		}, tlsKeys()...),
		Expect: []uptime.Key{
			{Name: "status", Kind: uptime.Strings, Doc: "codes and ranges, after redirects; default 200-299", Example: `["200-299", "401"]`, Min: 1},
			{Name: "body_contains", Kind: uptime.Strings, Doc: "texts that the body has to contain, all of them", Example: `["Add to cart"]`},
			{Name: "body_not_contains", Kind: uptime.Strings, Doc: "texts that it must not contain", Example: `["Fatal error"]`},
			{Name: "body_matches", Kind: uptime.Strings, Doc: "regular expressions that have to match in it", Example: `["(?i)<title>.*shop"]`},
			{Name: "json", Kind: uptime.Tables, Doc: "JSON paths (RFC 9535); all that a path selects has to equal the value", Example: `[{path = "$.status", equals = "ok"}]`},
			{Name: "headers", Kind: uptime.Tables, Doc: "headers of the answer and regular expressions that have to match in them", Example: `[{name = "Content-Type", matches = "^text/html"}]`},
			{Name: "size_min", Kind: uptime.Size, Doc: "the least size of the body", Example: `"1KB"`, Min: 0, Max: maxBody},
			{Name: "size_max", Kind: uptime.Size, Doc: "the largest size of the body", Example: `"512KB"`, Min: 0, Max: maxBody},
			{Name: "watch_size", Kind: uptime.Bool, Doc: "read the body and note its size: one much smaller than usual is degraded", Example: `true`},
			{Name: "watch_content", Kind: uptime.Bool, Doc: "read the body and note its hash: a change is an event, not a fault", Example: `true`},
		},
		New: func(s uptime.Settings) (uptime.Check, []uptime.Mistake) { return newHTTP(sys, s) },
	}
}

// httpCheck is not written to after it was made. It is used by its address: it
// is large, and a copy of it on the stack of each method doubled what a check
// holds that waits for an answer.
type httpCheck struct {
	sys       *system
	url       *url.URL // without userinfo and fragment
	host      endpoint
	connectTo endpoint // host "": the URL's own
	method    string
	agent     string
	secret    http.Header // for the URL's own scheme, host and port only
	hostName  string      // of a Host header; "" for the URL's
	body      []byte
	redirects int // to follow at most
	hosts     []string
	limited   bool   // to hosts, and the URL's own
	proxy     *proxy // nil: none
	http1     bool
	http2     bool
	tls       tlsSettings
	expect    httpExpect
}

// Spare is the check without the bodies of which nothing is expected.
func (c *httpCheck) Spare() uptime.Checker {
	less := *c
	less.expect.spare = true
	return &less
}

func newHTTP(sys *system, s uptime.Settings) (uptime.Check, []uptime.Mistake) {
	f := form{Settings: s}
	c := httpCheck{
		sys:       sys,
		host:      f.endpoint(defaultPort(s.URL.Scheme)),
		method:    strings.ToUpper(uptime.Value(s.Values, "method", http.MethodGet)),
		url:       requested(s.URL),
		agent:     uptime.Value(s.Values, "user_agent", userAgent),
		body:      uptime.Value(s.Values, "body_file", []byte(uptime.Value(s.Values, "body", ""))),
		redirects: int(uptime.Value(s.Values, "max_redirects", int64(10))),
		http1:     uptime.Value(s.Values, "http_version", "") == "1.1",
		http2:     uptime.Value(s.Values, "http_version", "") == "2",
		proxy:     f.proxy(),
		tls:       f.tls(sys),
		expect:    f.httpExpect(),
	}
	if !uptime.Value(s.Values, "follow_redirects", true) {
		c.redirects = -1
	}
	if strings.ContainsAny(c.method, " \t\r\n") || c.method == http.MethodConnect {
		f.wrong("method", "", "%q is no method for a check", uptime.Clean(c.method, 40))
	}
	if c.method == http.MethodHead && c.expect.needsBody() {
		f.wrong("method", "use GET, the default", "an answer to HEAD has no body to expect anything of")
	}
	if c.http2 && c.url.Scheme != "https" {
		f.wrong("http_version", "use https", "HTTP/2 is spoken over TLS only")
	}
	if s.Values["body"] != nil && s.Values["body_file"] != nil {
		f.wrong("body_file", "keep one of them", "both body and body_file")
	}
	c.secret, c.hostName = f.secrets()
	c.hosts, c.limited = f.redirectHosts()
	dest := c.host
	if to := uptime.Value(s.Values, "connect_to", ""); to != "" {
		c.connectTo = f.hostPort("connect_to", to)
		dest = c.connectTo
	}
	if c.proxy != nil {
		dest = c.proxy.to
	}
	return f.done(uptime.Check{Checker: &c, Dest: dest.String(), Expect: c.expect.String()})
}

// requested is a URL as it goes over the wire; the same one where it may.
func requested(u *url.URL) *url.URL {
	if u.User == nil && u.Fragment == "" && u.Path != "" {
		return u
	}
	c := *u
	c.User, c.Fragment, c.RawFragment = nil, "", ""
	if c.Path == "" {
		c.Path = "/"
	}
	return &c
}

func defaultPort(scheme string) uint16 {
	if scheme == "https" {
		return 443
	}
	return 80
}

// secrets reads what only the URL's own host may see: the headers, and the Host
// that is asked for, "" for the URL's.
func (f *form) secrets() (header http.Header, host string) {
	header = http.Header{}
	var auth []string
	if userPass := uptime.Value(f.Values, "basic_auth", uptime.Secret("")).Reveal(); userPass != "" {
		if !strings.Contains(userPass, ":") {
			f.wrong("basic_auth", `write "user:password"`, "no colon in basic_auth")
		}
		auth = append(auth, "basic_auth")
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(userPass)))
	}
	if token := uptime.Value(f.Values, "bearer_token", uptime.Secret("")).Reveal(); token != "" {
		auth = append(auth, "bearer_token")
		if strings.ContainsAny(token, "\r\n\x00") {
			f.wrong("bearer_token", "take the last newline away, too", "the bearer_token is of several lines")
		}
		header.Set("Authorization", "Bearer "+token)
	}
	if u := f.URL.User; u != nil {
		auth = append(auth, "a user in the URL")
		password, _ := u.Password()
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password)))
	}
	if len(auth) > 1 {
		f.wrong("basic_auth", "keep one of them", "both %s and %s", auth[0], auth[1])
	}
	for name, value := range uptime.Value(f.Values, "headers", map[string]uptime.Secret(nil)) {
		if !token(name) || strings.ContainsAny(value.Reveal(), "\r\n\x00") {
			f.wrong("headers", "a name is letters, digits and dashes; a value is one line", "%q is no header", uptime.Clean(name, 60))
			continue
		}
		if strings.EqualFold(name, "Host") {
			host = value.Reveal()
			continue
		}
		header.Set(name, value.Reveal())
	}
	if len(header) == 0 {
		return nil, host // most have none
	}
	return header, host
}

// redirectHosts reads the hosts that redirects may lead to, where they are limited.
func (f *form) redirectHosts() (hosts []string, limited bool) {
	names, limited := f.Values["redirect_hosts"].([]string)
	for _, name := range names {
		below, wild := strings.CutPrefix(name, "*.")
		inner := form{}
		ascii := inner.host(below).host
		if inner.mistakes != nil || strings.ContainsAny(below, "*/@") {
			f.wrong("redirect_hosts", `write "www.example.com" or "*.example.com"`, "%q is no host", uptime.Clean(name, 100))
		}
		if wild {
			ascii = "*." + ascii
		}
		hosts = append(hosts, ascii)
	}
	return hosts, limited
}

// token reports whether s can name a header (RFC 9110, 5.6.2).
func token(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", r) {
			return false
		}
	}
	return s != ""
}

// Check requests the URL and follows its redirects.
func (c *httpCheck) Check(ctx context.Context) uptime.Result {
	if c.host.ip == "each" && c.proxy == nil { // a proxy finds its own way
		to := c.host
		if c.connectTo.host != "" {
			to = c.connectTo
		}
		return c.sys.each(ctx, to, func(ctx context.Context, t *trace, at endpoint) *failure { return c.pinned(at).check(ctx, t) })
	}
	t := newTrace()
	return t.end(c.sys.reconsider(ctx, t, c.check(ctx, t)))
}

// pinned is the check of one address. Redirects to the URL's own host stay at
// it; those to another host go to any address of that one.
func (c *httpCheck) pinned(at endpoint) *httpCheck {
	one := *c
	if c.connectTo.host != "" {
		one.connectTo = at
	} else {
		one.host = at
	}
	return &one
}
