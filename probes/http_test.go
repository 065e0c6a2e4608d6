package probes

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

// rawly makes an http check of a server that takes a request and does this.
func rawly(expect keys, answer func(net.Conn)) func(*testing.T) uptime.Result {
	return func(t *testing.T) uptime.Result {
		return quickly(t, made(t, testSystem(), "http", "http://"+rawServer(t, answer), nil, expect))
	}
}

func rawServer(t testing.TB, answer func(net.Conn)) string {
	return probetest.Serve(t, func(c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			answer(c)
		}
	})
}

func sends(text string) func(net.Conn) { return func(c net.Conn) { io.WriteString(c, text) } }

func hangs(text string) func(net.Conn) {
	return func(c net.Conn) {
		io.WriteString(c, text)
		c.Read(make([]byte, 1))
	}
}

// serving makes an http check of a server with this handler.
func serving(values, expect keys, h http.HandlerFunc) func(*testing.T) uptime.Result {
	return func(t *testing.T) uptime.Result {
		srv := httptest.NewServer(h)
		defer srv.Close()
		return once(t, made(t, testSystem(), "http", srv.URL+"/start", values, expect))
	}
}

func says(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, body) }
}

func leadsTo(location string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", location)
		w.WriteHeader(http.StatusFound)
	}
}

func has(text string) keys { return keys{"body_contains": []string{text}} }

const okHead = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"

var httpFaults = []produced{
	{uptime.FaultHTTPTimeoutHeaders, "no HTTP answer from 127.0.0.1:", rawly(nil, hangs(""))},
	{uptime.FaultHTTPTimeoutHeaders, "incomplete after", rawly(nil, hangs("HTTP/1.1 200 OK\r\nServer: slow"))},
	{uptime.FaultHTTPTimeoutBody, "incomplete after", rawly(has("x"), hangs(okHead+"half"))},
	{uptime.FaultHTTPEmptyReply, "without an HTTP answer", rawly(nil, sends(""))},
	{uptime.FaultHTTPReset, "reset the connection", rawly(nil, func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) })},
	{uptime.FaultHTTPTruncated, "within the HTTP header", rawly(nil, sends("HTTP/1.1 200 OK\r\nServer: gone"))},
	{uptime.FaultHTTPTruncated, "within the body, after 4 bytes", rawly(has("x"), sends(okHead+"half"))},
	{uptime.FaultHTTPTruncated, "within the body", rawly(has("x"), sends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"))},
	{uptime.FaultHTTPMalformed, `does not speak HTTP, it sent "SSH-2.0-OpenSSH_9.9 Debian-5"`, rawly(nil, sends("SSH-2.0-OpenSSH_9.9 Debian-5\r\n"))},
	{uptime.FaultHTTPMalformed, `does not speak HTTP, it sent "GET /?… HTTP/1.1"`, rawly(nil, sends("GET /?token=hunter2 HTTP/1.1\r\nAuthorization: hunter2\r\n\r\n"))},
	{uptime.FaultHTTPMalformed, "HTTP answer from", rawly(nil, sends("HTTP/1.1 200 OK\r\nno colon here\r\n\r\n"))},
	{uptime.FaultHTTPMalformed, `has the status "000 OK"`, rawly(nil, sends("HTTP/1.1 000 OK\r\n\r\n"))},
	{uptime.FaultHTTPMalformed, "interim answers", rawly(nil, sends(strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 20)))},
	{uptime.FaultHTTPMalformed, "the body from", rawly(has("x"), sends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"))},
	{uptime.FaultHTTPHeadersTooLarge, "larger than 64 KiB", rawly(nil, sends("HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 100<<10)+"\r\n\r\n"))},
	{uptime.FaultHTTPHeadersTooLarge, "larger than 64 KiB", overTLS(nil, func(w http.ResponseWriter, r *http.Request) {
		for i := range 100 {
			w.Header().Set(fmt.Sprint("X-", i), strings.Repeat("x", 1<<10))
		}
	})},
	{uptime.FaultHTTPStatus, "HTTP status 503, expected 200-299", serving(nil, nil, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503) })},
	{uptime.FaultHTTPStatus, "HTTP status 404 from http://127.0.0.1:", serving(nil, nil, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/start" {
			w.WriteHeader(404)
			return
		}
		leadsTo("/elsewhere?token=secret")(w, r)
	})},
	{uptime.FaultHTTPStatus, "HTTP status 302, expected 200-299", serving(keys{"follow_redirects": false}, nil, leadsTo("/"))},
	{uptime.FaultHTTPRedirectLoop, "was visited before, after 1 redirect", serving(nil, nil, leadsTo("/start"))},
	{uptime.FaultHTTPTooManyRedirects, "more than 3 redirects", serving(keys{"max_redirects": int64(3)}, nil, func(w http.ResponseWriter, r *http.Request) {
		leadsTo(r.URL.Path+"x")(w, r)
	})},
	{uptime.FaultHTTPRedirectBad, "without a Location", serving(nil, nil, leadsTo(""))},
	{uptime.FaultHTTPRedirectBad, "no URL", serving(nil, nil, leadsTo("http://[::1/"))},
	{uptime.FaultHTTPRedirectBad, "without a host", serving(nil, nil, leadsTo("http:///x"))},
	{uptime.FaultHTTPRedirectBad, "no host name", serving(nil, nil, leadsTo("http://a..b/"))},
	{uptime.FaultHTTPRedirectScheme, `scheme "ftp"`, serving(nil, nil, leadsTo("ftp://127.0.0.1/"))},
	{uptime.FaultHTTPDowngrade, "redirect from https to http://127.0.0.1/", overTLS(nil, leadsTo("http://127.0.0.1/"))},
	{uptime.FaultHTTPWrongHost, "redirect to http://elsewhere.test/, a host that redirect_hosts does not list", serving(keys{"redirect_hosts": []string{"*.example.com"}}, nil, leadsTo("http://elsewhere.test/"))},
	{uptime.FaultHTTPWrongHost, "HTTP status 307 would have the body sent to http://elsewhere.test/", serving(keys{"method": "POST", "body": "x"}, nil, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "http://elsewhere.test/")
		w.WriteHeader(http.StatusTemporaryRedirect)
	})},
	{uptime.FaultHTTPH2Error, "HTTP/2 stream reset by 127.0.0.1:", overTLS(nil, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })},
	{uptime.FaultHTTPH2Error, "does not speak HTTP/2", func(t *testing.T) uptime.Result {
		root := newCA(t, "test root", nil)
		to := tlsServer(t, &tls.Config{Certificates: []tls.Certificate{root.issue(t, nil)}})
		return once(t, made(t, testSystem(), "http", "https://"+to, keys{"ca_file": root.pem(), "http_version": "2"}, nil))
	}},
	{uptime.FaultHTTPH2Error, "does not speak HTTP/2: TLS refused (alert 120, no application protocol)", func(t *testing.T) uptime.Result {
		root := newCA(t, "test root", nil)
		to := tlsServer(t, &tls.Config{Certificates: []tls.Certificate{root.issue(t, nil)}, NextProtos: []string{"http/1.1"}})
		return once(t, made(t, testSystem(), "http", "https://"+to, keys{"ca_file": root.pem(), "http_version": "2"}, nil))
	}},
	{uptime.FaultTLSClientCertRequired, "it wants a client certificate", func(t *testing.T) uptime.Result {
		root := newCA(t, "test root", nil)
		to := tlsServer(t, &tls.Config{Certificates: []tls.Certificate{root.issue(t, nil)}, ClientAuth: tls.RequireAnyClientCert})
		return once(t, made(t, testSystem(), "http", "https://"+to, keys{"ca_file": root.pem()}, nil))
	}},
	{uptime.FaultHTTPHeaderMismatch, "HTTP header Server is missing", serving(nil, keys{"headers": []map[string]string{{"name": "Server", "matches": "nginx"}}}, says(""))},
	{uptime.FaultHTTPHeaderMismatch, `HTTP header X is "1", expected a match for "^2"`, serving(nil, keys{"headers": []map[string]string{{"name": "X", "matches": "^2"}}}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X", "1")
	})},
	{uptime.FaultHTTPChallenged, "answered with a challenge", serving(nil, nil, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cf-Mitigated", "challenge")
		w.WriteHeader(403)
	})},
}

// overTLS makes an http check of a server that speaks h2.
func overTLS(expect keys, h http.HandlerFunc) func(*testing.T) uptime.Result {
	return func(t *testing.T) uptime.Result {
		srv, ca := webServer(t, h)
		srv.Config.ErrorLog = nil
		return once(t, made(t, testSystem(), "http", srv.URL+"/start", keys{"ca_file": ca.pem()}, expect))
	}
}

func encoded(encoding string, b []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", encoding)
		w.Write(b)
	}
}

func zipped(text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, text)
	w.Close()
	return b.Bytes()
}

func deflated(text string) []byte {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	io.WriteString(w, text)
	w.Close()
	return b.Bytes()
}

func jsonIs(path, equals string) keys {
	return keys{"json": []map[string]string{{"path": path, "equals": equals}}}
}

var httpBodyFaults = []produced{
	// Only the end of the connection ends this body: cut short it looks whole, also over TLS
	// (crypto/tls takes an end without a close_notify for one), unless a condition tells.
	{uptime.FaultHTTPKeywordMissing, `"</html>"`, rawly(has("</html>"), sends("HTTP/1.1 200 OK\r\n\r\n<html>half"))},
	{uptime.FaultHTTPReset, "within the body", func(t *testing.T) uptime.Result {
		to := rawServer(t, func(c net.Conn) {
			io.WriteString(c, okHead+"half")
			c.(*net.TCPConn).SetLinger(0)
		})
		return once(t, made(t, testSystem(), "http", "http://"+to, nil, has("x")))
	}},
	{uptime.FaultHTTPBodyTooLarge, "too large for JSON", serving(nil, jsonIs("$", "1"), says(strings.Repeat("1", maxBody+1)))},
	{uptime.FaultHTTPBodyTooLarge, "unpacks to more than 100 times", serving(nil, has("x"), encoded("gzip", zipped(strings.Repeat("0", 8<<20))))},
	{uptime.FaultHTTPBadEncoding, `encoded as "br"`, serving(nil, has("x"), encoded("br", []byte("x")))},
	{uptime.FaultHTTPBadEncoding, "no valid gzip", serving(nil, has("x"), encoded("gzip", []byte("xxxxxxxxxxxxxxxxxxxx")))},
	{uptime.FaultHTTPBadEncoding, "no valid gzip", serving(nil, has("x"), encoded("gzip", zipped("hello")[:15]))},
	{uptime.FaultHTTPKeywordMissing, `does not contain "cart"`, serving(nil, has("cart"), says("hello"))},
	{uptime.FaultHTTPKeywordMissing, "in its first 1024 KiB", serving(nil, has("cart"), says(strings.Repeat("1", maxBody)+"cart"))},
	{uptime.FaultHTTPKeywordMissing, `does not match "^x"`, serving(nil, keys{"body_matches": []string{"^x"}}, says("hello"))},
	{uptime.FaultHTTPKeywordPresent, `the body contains "error"`, serving(nil, keys{"body_not_contains": []string{"error"}}, says("an error"))},
	{uptime.FaultHTTPJSONMismatch, `JSON path "$.status" is "bad", expected "ok"`, serving(nil, jsonIs("$.status", "ok"), says(`{"status":"bad"}`))},
	{uptime.FaultHTTPJSONMismatch, "selects nothing", serving(nil, jsonIs("$.status", "ok"), says(`{}`))},
	{uptime.FaultHTTPJSONMismatch, "the body is no JSON", serving(nil, jsonIs("$.status", "ok"), says(`<html>`))},
	{uptime.FaultHTTPSize, "expected at least 10", serving(nil, keys{"size_min": int64(10)}, says("hello"))},
	{uptime.FaultHTTPSize, "more than 3 bytes", serving(nil, keys{"size_max": int64(3)}, says("hello"))},
	{uptime.FaultHTTPEmptyBody, "the body is empty", serving(nil, has("x"), says(""))},
	{uptime.FaultHTTPEmptyBody, "the body is empty", serving(nil, keys{"watch_size": true}, says(""))},
}

// TestHTTPUp has what must not be a fault.
func TestHTTPUp(t *testing.T) {
	jsonOK := keys{"json": []map[string]string{{"path": "$.status", "equals": "ok"}, {"path": "$.n", "equals": "1"}, {"path": "$.list[*].up", "equals": "true"}}}
	tests := []struct {
		name           string
		values, expect keys
		h              http.HandlerFunc
	}{
		{"plain", nil, nil, says("hello")},
		{"status that is listed", nil, keys{"status": []string{"401", "500-599"}}, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503) }},
		{"redirect that is listed", nil, keys{"status": []string{"302"}}, leadsTo("http://nowhere.invalid/")},
		{"interim answers", nil, nil, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(103); w.WriteHeader(200) }},
		{"cookie and back", nil, nil, func(w http.ResponseWriter, r *http.Request) {
			if _, err := r.Cookie("seen"); err != nil {
				http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1"})
				leadsTo("/start")(w, r)
			}
		}},
		{"body", nil, keys{"body_contains": []string{"he", "lo"}, "body_not_contains": []string{"x"}, "body_matches": []string{"^h.*o$"}, "size_min": int64(5), "size_max": int64(5)}, says("hello")},
		{"JSON", nil, jsonOK, says(`{"status":"ok","n":1.0,"list":[{"up":true},{"up":true}]}`)},
		{"gzip", nil, has("hello"), encoded("gzip", zipped("hello"))},
		{"deflate", nil, has("hello"), encoded("deflate", deflated("hello"))},
		{"well packed", nil, has("0"), encoded("gzip", zipped(strings.Repeat("0", 100<<10)))},
		{"empty gzip", nil, keys{"size_max": int64(0)}, encoded("gzip", nil)},
		{"header", nil, keys{"headers": []map[string]string{{"name": "x-a", "matches": "^2"}}}, func(w http.ResponseWriter, r *http.Request) {
			w.Header()["X-A"] = []string{"1", "2"}
		}},
		{"HEAD", keys{"method": "HEAD"}, nil, func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodHead {
				w.WriteHeader(405)
			}
			w.Header().Set("Content-Length", "1000000")
		}},
		{"POST", keys{"method": "POST", "body": "ping", "headers": map[string]uptime.Secret{"Content-Type": "text/x", "Host": "other.test"}}, nil, func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			if string(b) != "ping" || r.Host != "other.test" || r.Header.Get("Content-Type") != "text/x" || r.ContentLength != 4 {
				w.WriteHeader(400)
			}
		}},
		{"who we are", nil, nil, func(w http.ResponseWriter, r *http.Request) {
			if r.UserAgent() != "lookout/1 (uptime monitor)" || r.Header.Get("Connection") != "close" || r.Method != "GET" {
				w.WriteHeader(400)
			}
		}},
		{"basic_auth", keys{"basic_auth": uptime.Secret("jo:a:b")}, nil, func(w http.ResponseWriter, r *http.Request) {
			if u, p, _ := r.BasicAuth(); u != "jo" || p != "a:b" {
				w.WriteHeader(401)
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := httptest.NewServer(tt.h)
			defer srv.Close()
			r := once(t, made(t, testSystem(), "http", srv.URL+"/start", tt.values, tt.expect))
			if r.Outcome != uptime.OutcomeUp {
				t.Errorf("%s, %s: %s", r.Outcome, r.Fault, r.Message)
			}
		})
	}
}

// TestWatchedBody has a result carry the size of a body that was read, and its hash where it was asked for.
func TestWatchedBody(t *testing.T) {
	const hash = "2cf24dba5fb0a30e" // of hello
	for _, tt := range []struct {
		name    string
		expect  keys
		h       http.HandlerFunc
		size    int64
		content string
	}{
		{"not read", nil, says("hello"), 0, ""},
		{"read", has("hello"), says("hello"), 0, ""},
		{"size", keys{"watch_size": true}, says("hello"), 5, ""},
		{"content", keys{"watch_content": true}, says("hello"), 0, hash},
		{"content, packed", keys{"watch_content": true}, encoded("gzip", zipped("hello")), 0, hash},
		{"as far as it is read", keys{"watch_size": true}, says(strings.Repeat("0", maxBody+1)), maxBody, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := serving(nil, tt.expect, tt.h)(t)
			if r.Outcome != uptime.OutcomeUp || r.Size != tt.size || r.Content != tt.content {
				t.Errorf("%s, %d bytes, %q: %s", r.Outcome, r.Size, r.Content, r.Message)
			}
		})
	}
}

// TestSpare leaves out the bodies of which nothing is expected, and no others.
func TestSpare(t *testing.T) {
	for _, tt := range []struct {
		name    string
		expect  keys
		h       http.HandlerFunc
		fault   uptime.Fault
		size    int64
		content bool
	}{
		{"watched", keys{"watch_size": true, "watch_content": true}, says("hello"), uptime.NoFault, 0, false},
		{"nothing of it", nil, says("hello"), uptime.NoFault, 0, false},
		{"its words", has("goodbye"), says("hello"), uptime.FaultHTTPKeywordMissing, 0, false},
		{"its size", keys{"size_min": int64(100)}, says("hello"), uptime.FaultHTTPSize, 0, false},
		{"words, and watched", keys{"body_contains": []string{"hello"}, "watch_size": true}, says("hello"), uptime.NoFault, 5, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := httptest.NewServer(tt.h)
			defer srv.Close()
			job := made(t, testSystem(), "http", srv.URL+"/start", nil, tt.expect)
			job.Checker = job.Checker.(uptime.Sparing).Spare()
			r := once(t, job)
			_, read := r.Measured("body")
			if r.Fault != tt.fault || r.Size != tt.size || (r.Content != "") != tt.content || tt.name == "nothing of it" && read {
				t.Errorf("%s, %d bytes, %q, body read: %v: %s", r.Fault, r.Size, r.Content, read, r.Message)
			}
		})
	}
}

// TestHTTPVersions speaks what is agreed on, or what is wanted.
func TestHTTPVersions(t *testing.T) {
	srv, ca := webServer(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) })
	for version, want := range map[string]string{"": "HTTP/2.0", "2": "HTTP/2.0", "1.1": "HTTP/1.1"} {
		values := keys{"ca_file": ca.pem()}
		if version != "" {
			values["http_version"] = version
		}
		r := once(t, made(t, testSystem(), "http", srv.URL, values, has(want)))
		if r.Outcome != uptime.OutcomeUp {
			t.Errorf("%q: %s", version, r.Message)
		}
		if len(r.Measures) != 4 || r.Cert == nil || r.Cert.Chain != "ok" {
			t.Errorf("%+v", r)
		}
	}
}

// TestSecretsStay follows redirects to another host and back, and shows our secrets to its own only.
func TestSecretsStay(t *testing.T) {
	var mu sync.Mutex
	leaked, shown := 0, 0
	secret := func(r *http.Request) bool {
		return r.Header.Get("Authorization") != "" || r.Header.Get("X-Token") != "" || r.Header.Get("Cookie") != ""
	}
	var own, other *httptest.Server
	other = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if secret(r) {
			leaked++
		}
		leadsTo(own.URL+"/end")(w, r)
	}))
	defer other.Close()
	own = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if secret(r) {
			shown++
		}
		switch r.URL.Path {
		case "/":
			leadsTo("/next")(w, r)
		case "/next":
			leadsTo(strings.Replace(other.URL, "127.0.0.1", "localhost", 1)+"/?q=1")(w, r)
		}
	}))
	defer own.Close()
	r := once(t, made(t, testSystem(), "http", own.URL, keys{
		"bearer_token": uptime.Secret("hush"), "headers": map[string]uptime.Secret{"X-Token": "hush", "Cookie": "a=hush"}, "ip": "4"}, nil))
	if r.Outcome != uptime.OutcomeUp {
		t.Fatal(r.Message)
	}
	if leaked != 0 || shown != 2 {
		t.Errorf("shown to its own host %d times, want 2, to another %d", shown, leaked)
	}
}

// TestSecretsStayAtTheScheme has a redirect lead to the same host by another scheme and port.
func TestSecretsStayAtTheScheme(t *testing.T) {
	var mu sync.Mutex
	seen := ""
	srv, ca := webServer(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen += r.Header.Get("Authorization") + r.Header.Get("X-Token")
	})
	plain := httptest.NewServer(leadsTo(srv.URL))
	defer plain.Close()
	r := once(t, made(t, testSystem(), "http", plain.URL, keys{"basic_auth": uptime.Secret("jo:hush"), "headers": map[string]uptime.Secret{"X-Token": "hush"}, "ca_file": ca.pem()}, nil))
	if r.Outcome != uptime.OutcomeUp || seen != "" {
		t.Errorf("%s, seen %q", r.Message, seen)
	}
	// At the schemes' own ports it is the same host for connect_to, and still not for secrets.
	form := form{}
	u := func(s string) *url.URL { u, _ := url.Parse(s); return u }
	c := httpCheck{url: u("http://shop.test/"), host: form.host("shop.test")}
	resp := &http.Response{StatusCode: 301, Header: http.Header{"Location": {"https://shop.test/"}}}
	next, f := c.follow(&hop{url: c.url, own: true, shown: true}, resp)
	if f != nil || !next.own || next.shown {
		t.Errorf("%+v, %+v", next, f)
	}
}

// TestRedirectHosts says which hosts a redirect may lead to.
func TestRedirectHosts(t *testing.T) {
	form := form{Settings: uptime.Settings{Values: keys{"redirect_hosts": []string{"www.shop.test", "*.Example.net", "Bücher.test"}}}}
	c := httpCheck{host: form.host("shop.test")}
	c.hosts, c.limited = form.redirectHosts()
	for target, want := range map[string]bool{
		"http://shop.test/": true, "https://SHOP.test:8443/": true, "https://www.shop.test/": true, "https://a.b.example.net/": true,
		"https://example.net/": false, "https://evilexample.net/": false, "https://evil.test/": false, "https://xn--bcher-kva.test/": true, "http://bücher.test": true,
	} {
		u, err := url.Parse(target)
		if got := c.mayLeadTo(u); err != nil || got != want {
			t.Errorf("%s: %t", target, got)
		}
	}
	if form.mistakes != nil || !c.limited {
		t.Errorf("%+v", form.mistakes)
	}
}

// TestSecretsUntold has failures of every kind with a URL full of secrets.
func TestSecretsUntold(t *testing.T) {
	srv := httptest.NewServer(leadsTo("/start?token=hush2&x=1#hush3"))
	defer srv.Close()
	for _, target := range []string{
		strings.Replace(srv.URL, "//", "//jo:hush@", 1) + "/start?token=hush",
		"http://jo:hush@" + probetest.Closed(t) + "/?token=hush",
		"https://jo:hush@" + strings.TrimPrefix(srv.URL, "http://") + "/?token=hush",
	} {
		r := once(t, made(t, testSystem(), "http", target, nil, nil))
		if text := fmt.Sprintf("%+v", r); strings.Contains(text, "hush") || r.Outcome == uptime.OutcomeUp {
			t.Error(text)
		}
	}
}

func TestConnectTo(t *testing.T) {
	srv, ca := webServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Host != "good.test" {
			w.WriteHeader(400)
		}
	})
	to := srv.Listener.Addr().String()
	r := once(t, made(t, asking("127.0.0.1:9"), "http", "https://good.test", keys{"connect_to": to, "ca_file": ca.pem()}, nil))
	if r.Outcome != uptime.OutcomeUp || r.Address != to {
		t.Errorf("%+v", r)
	}
}

// TestInternationalName asks for and verifies a name in the form that DNS knows.
func TestInternationalName(t *testing.T) {
	ca := newCA(t, "test root", nil)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != "xn--bcher-kva.test" || r.TLS.ServerName != r.Host {
			w.WriteHeader(400)
		}
	}))
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{ca.issue(t, func(c *x509.Certificate) { c.DNSNames = []string{"xn--bcher-kva.test"} })}}
	srv.StartTLS()
	defer srv.Close()
	r := once(t, made(t, testSystem(), "http", "https://Bücher.test/", keys{"connect_to": srv.Listener.Addr().String(), "ca_file": ca.pem()}, nil))
	wantFault(t, r, uptime.NoFault, "")
}

// TestHTTPMistakes has settings that are refused, each by its key.
func TestHTTPMistakes(t *testing.T) {
	tests := []struct {
		key, url       string
		values, expect keys
	}{
		{"url", "http://", nil, nil},
		{"url", "http://a:99999/", nil, nil},
		{"url", "http://[fe80::1]/", nil, nil},
		{"url", "http://a..b/", nil, nil},
		{"url", "http://192.0.2.256/", nil, nil},
		{"url", "http://192.0.2/", nil, nil},
		{"method", "http://a/", keys{"method": "G ET"}, nil},
		{"method", "http://a/", keys{"method": "HEAD"}, has("x")},
		{"headers", "http://a/", keys{"headers": map[string]uptime.Secret{"a b": ""}}, nil},
		{"headers", "http://a/", keys{"headers": map[string]uptime.Secret{"a": "x\r\nb: y"}}, nil},
		{"redirect_hosts", "http://a/", keys{"redirect_hosts": []string{"a.*"}}, nil},
		{"redirect_hosts", "http://a/", keys{"redirect_hosts": []string{"https://a"}}, nil},
		{"proxy", "http://a/", keys{"proxy": uptime.Secret("socks5://hush:1")}, nil},
		{"proxy", "http://a/", keys{"proxy": uptime.Secret("http://jo:hush@a")}, nil},
		{"proxy", "http://a/", keys{"proxy": uptime.Secret("http://a:1/hush")}, nil},
		{"basic_auth", "http://a/", keys{"basic_auth": uptime.Secret("hush")}, nil},
		{"basic_auth", "http://a/", keys{"basic_auth": uptime.Secret("a:b"), "bearer_token": uptime.Secret("hush")}, nil},
		{"bearer_token", "http://a/", keys{"bearer_token": uptime.Secret("hush\n\n")}, nil},
		{"body_file", "http://a/", keys{"body": "x", "body_file": []byte("y")}, nil},
		{"http_version", "http://a/", keys{"http_version": "2"}, nil},
		{"connect_to", "http://a/", keys{"connect_to": "nonsense"}, nil},
		{"min_tls", "https://a/", keys{"min_tls": "7"}, nil},
		{"ca_file", "https://a/", keys{"ca_file": []byte("no")}, nil},
		{"pin", "https://a/", keys{"pin": []string{"x"}}, nil},
		{"client_cert", "https://a/", keys{"client_cert": []byte("x")}, nil},
		{"client_key", "https://a/", keys{"client_key": uptime.Secret("hush")}, nil},
		{"client_cert", "https://a/", keys{"client_cert": []byte("x"), "client_key": uptime.Secret("hush")}, nil},
		{"expect.status", "http://a/", nil, keys{"status": []string{"2xx"}}},
		{"expect.body_matches", "http://a/", nil, keys{"body_matches": []string{"("}}},
		{"expect.json", "http://a/", nil, jsonIs("status", "ok")},
		{"expect.json", "http://a/", nil, keys{"json": []map[string]string{{"path": "$", "equal": ""}}}},
		{"expect.headers", "http://a/", nil, keys{"headers": []map[string]string{{"name": "a b", "matches": ""}}}},
		{"expect.headers", "http://a/", nil, keys{"headers": []map[string]string{{"name": "a", "matches": "("}}}},
		{"expect.size_min", "http://a/", nil, keys{"size_min": int64(2), "size_max": int64(1)}},
		{"ip", "http://127.0.0.1/", keys{"ip": "6"}, nil},
	}
	for _, tt := range tests {
		mistakes := mistaken(t, "http", tt.url, tt.values, tt.expect)
		if len(mistakes) == 0 || mistakes[0].Key != tt.key || mistakes[0].Message == "" || strings.Contains(fmt.Sprint(mistakes), "hush") {
			t.Errorf("%s, %v, %v: %+v", tt.url, tt.values, tt.expect, mistakes)
		}
	}
	if m := mistaken(t, "http", "https://a/", keys{"method": "a b", "min_tls": "7"}, keys{"status": []string{"x", "y"}}); len(m) != 4 {
		t.Errorf("not every mistake at once: %+v", m)
	}
}

// TestHTTPMalformedQuery sees that a line which is quoted gives no token away.
func TestHTTPMalformedQuery(t *testing.T) {
	to := rawServer(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "HTTP/1.1 302 Found\r\nLocation /next?token=hush&a=b\r\n\r\n")
	})
	r := once(t, made(t, testSystem(), "http", "http://"+to+"/?token=hush", nil, nil))
	if r.Fault != uptime.FaultHTTPMalformed || strings.Contains(fmt.Sprintf("%+v", r), "hush") || !strings.Contains(r.Message, "Location /next?…") {
		t.Errorf("%s: %s\n%+v", r.Fault, r.Message, r.Steps)
	}
}
