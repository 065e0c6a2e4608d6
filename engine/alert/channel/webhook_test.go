package channel

import (
	"crypto/tls"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync"
	"testing"
	"time"

	"lookout/engine/alert/channel/channeltest"
	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

const hookSecret = "t0ken-of-the-h00k"

// hookTo are settings with a secret everywhere.
func hookTo(origin string) values {
	return values{
		"url":         uptime.Secret(origin + "/hook/" + hookSecret + "?k3y=" + hookSecret + "-too"),
		"headers":     map[string]uptime.Secret{"X-Key": "k3y in a header"},
		"hmac_secret": uptime.Secret("hm4c k3y"),
	}
}

func webServer(t testing.TB, secure bool, h http.HandlerFunc) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = nil
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

func TestWebhook(t *testing.T) {
	status := func(code int, text string, header ...string) func(testing.TB) map[string]any {
		return func(t testing.TB) map[string]any {
			return hookTo(webServer(t, false, func(w http.ResponseWriter, r *http.Request) {
				for i := 0; i < len(header); i += 2 {
					w.Header().Set(header[i], header[i+1])
				}
				w.WriteHeader(code)
				io.WriteString(w, text)
			}).URL)
		}
	}
	raw := func(do func(c net.Conn)) func(testing.TB) map[string]any {
		return func(t testing.TB) map[string]any {
			return hookTo("http://" + probetest.Serve(t, func(c net.Conn) {
				c.Read(make([]byte, 64<<10))
				do(c)
			}))
		}
	}
	endless := func(first, more string) func(testing.TB) map[string]any {
		return raw(func(c net.Conn) {
			_, err := io.WriteString(c, first)
			for err == nil {
				_, err = io.WriteString(c, more)
			}
		})
	}
	channeltest.Contract(t, channeltest.Case{
		Type: typeOf(t, "webhook"),
		Good: func(t testing.TB) (map[string]any, func() []channeltest.Taken) {
			var mu sync.Mutex
			var all []channeltest.Taken
			s := webServer(t, false, func(w http.ResponseWriter, r *http.Request) {
				raw, err := httputil.DumpRequest(r, true)
				if err != nil {
					t.Error(err)
				}
				body, _ := io.ReadAll(r.Body)
				head, _, _ := strings.Cut(string(raw), "\r\n\r\n")
				_, head, _ = strings.Cut(head, "\r\nHost: "+r.Host) // that one is ours
				k := channeltest.Taken{Raw: string(raw), Head: head, ID: r.Header.Get("Idempotency-Key"), Texts: []string{string(body)}}
				if r.Header.Get("Content-Type") == "application/json" {
					k.Texts = jsonTexts(t, string(body))
				}
				if r.Method != "POST" || r.Header.Get("X-Key") != "k3y in a header" || r.ContentLength != int64(len(body)) {
					t.Errorf("%s", raw)
				}
				mu.Lock()
				defer mu.Unlock()
				all = append(all, k)
				w.WriteHeader(202)
			})
			return hookTo(s.URL), func() []channeltest.Taken {
				mu.Lock()
				defer mu.Unlock()
				return all
			}
		},
		Refuses: map[string]channeltest.Refuses{
			"busy":          {Side: status(429, "slow down", "Retry-After", "120"), Want: uptime.Refusal{Reply: "429 Too Many Requests: slow down", Wait: 2 * time.Minute}},
			"busy for days": {Side: status(503, "", "Retry-After", "86400"), Want: uptime.Refusal{Reply: "503 Service Unavailable", Wait: time.Hour}},
			"a timeout":     {Side: status(408, ""), Want: uptime.Refusal{Reply: "408 Request Timeout"}},
			"early":         {Side: status(425, ""), Want: uptime.Refusal{Reply: "425 Too Early"}},
			"broken":        {Side: status(500, "NullPointerException\n at x"), Want: uptime.Refusal{Reply: "500 Internal Server Error: NullPointerException at x", Letter: true}},
			"behind it":     {Side: status(502, ""), Want: uptime.Refusal{Reply: "502 Bad Gateway", Uncertain: true}},
			"a bad letter":  {Side: status(422, "no"), Want: uptime.Refusal{Reply: "422 Unprocessable Entity: no", Permanent: true, Letter: true}},
			"not allowed":   {Side: status(401, ""), Want: uptime.Refusal{Reply: "401 Unauthorized", Permanent: true}},
			"not found":     {Side: status(404, "<html>"), Want: uptime.Refusal{Reply: "404 Not Found: a page of HTML", Permanent: true}},
			"elsewhere": {Side: status(307, "", "Location", "http://127.0.0.1:1/"+hookSecret),
				Want: uptime.Refusal{Reply: "307 Temporary Redirect, and redirects are not followed", Permanent: true}},
			"nobody there": {Side: func(t testing.TB) map[string]any { return hookTo("http://" + probetest.Closed(t)) }, Want: uptime.Refusal{Reply: "connection refused"}},
			"hangs up":     {Side: raw(func(net.Conn) {}), Want: uptime.Refusal{Reply: "closed without an answer", Uncertain: true}},
		},
		At: func(t testing.TB, address string) map[string]any { return hookTo("http://" + address) },
		Answers: func(t testing.TB, text string) map[string]any {
			v := hookTo(webServer(t, false, func(w http.ResponseWriter, r *http.Request) {
				raw, _ := httputil.DumpRequest(r, true)
				w.WriteHeader(500)
				io.WriteString(w, strings.ReplaceAll(text, channeltest.Echo, string(raw)))
			}).URL)
			v["headers"].(map[string]uptime.Secret)["X-Login"] = "Bearer b34rer-t0ken"
			v["url"] = uptime.Secret(strings.Replace(v["url"].(uptime.Secret).Reveal(), "http://", "http://us3r:p4ss%26w0rd@", 1) + "#fr4gment")
			return v
		},
		Bad: map[string]func(testing.TB) map[string]any{
			"endless headers":    endless("HTTP/1.1 200 OK\r\n", "X-More: and more\r\n"),
			"an endless header":  endless("HTTP/1.1 200 OK\r\nX-More: ", "and more"),
			"an endless refusal": endless("HTTP/1.1 500 No\r\n\r\n", "and more"),
			"a slow refusal": raw(func(c net.Conn) {
				io.WriteString(c, "HTTP/1.1 500 No\r\nContent-Length: 100\r\n\r\nx")
				io.Copy(io.Discard, struct{ io.Reader }{c})
			}),
			"endless hints": endless("", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"),
		},
	})
}

// A receiver can tell who sent a letter: the signature of a known letter at a known time.
func TestSign(t *testing.T) {
	got := sign("hm4c k3y", time.Unix(1795348288, 0), []byte(`{"version":1}`))
	// printf '1795348288.{"version":1}' | openssl dgst -sha256 -hmac 'hm4c k3y'
	if want := "t=1795348288,v1=649c043f7649da66de17734fb700b65dea5cfe6bb6e671618c44d0c623b39142"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TLS is verified, by the system's CAs or those that are named.
func TestWebhookTLS(t *testing.T) {
	s := webServer(t, true, func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.Header.Get("X-Lookout-Signature"), "t=") || r.Method != "PUT" || r.Header.Get("Content-Type") != "application/xml" {
			w.WriteHeader(400)
		}
	})
	l := channeltest.Letter(1)
	l.Custom = true
	v := hookTo(s.URL)
	v["method"], v["content_type"] = "PUT", "application/xml"
	c := channeltest.Case{Type: typeOf(t, "webhook")}
	if _, err := c.Make(t, v).Send(t.Context(), l, nil); err == nil || !strings.Contains(err.Error(), "its certificate does not verify") || err.(*uptime.Refusal).Uncertain {
		t.Errorf("%+v", err)
	}
	v["ca_file"] = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if r, err := c.Make(t, v).Send(t.Context(), l, nil); err != nil || r.Reply != "200 OK" {
		t.Errorf("%+v %v", r, err)
	}
	old := httptest.NewUnstartedServer(http.NotFoundHandler())
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11}
	old.StartTLS()
	t.Cleanup(old.Close)
	v["url"] = uptime.Secret(old.URL)
	if _, err := c.Make(t, v).Send(t.Context(), l, nil); err == nil {
		t.Error("sent over TLS 1.1")
	}
}

// A user in the URL is who logs in.
func TestWebhookLogin(t *testing.T) {
	user, password := "", ""
	s := webServer(t, false, func(w http.ResponseWriter, r *http.Request) { user, password, _ = r.BasicAuth() })
	v := hookTo(strings.Replace(s.URL, "http://", "http://jo:hunter%2622@", 1))
	ch := channeltest.Case{Type: typeOf(t, "webhook")}.Make(t, v)
	if _, err := ch.Send(t.Context(), channeltest.Letter(1), nil); err != nil || user != "jo" || password != "hunter&22" || ch.Target() != s.URL {
		t.Errorf("%v: %s %s at %s", err, user, password, ch.Target())
	}
}

// A proxy is used where it is configured, and no other.
func TestWebhookProxy(t *testing.T) {
	asked := ""
	proxy := webServer(t, false, func(w http.ResponseWriter, r *http.Request) { asked = r.URL.String() })
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("http_proxy", proxy.URL)
	v := hookTo("http://hooks.invalid")
	ch, mistakes := typeOf(t, "webhook").New(uptime.ChannelSettings{Values: v})
	if len(mistakes) != 1 || !mistakes[0].Warning || mistakes[0].Message != "alerts go to hooks.invalid in the open" {
		t.Errorf("%v", mistakes)
	}
	if _, err := ch.Send(t.Context(), channeltest.Letter(1), nil); err == nil || asked != "" {
		t.Errorf("%v, the proxy was asked for %s", err, asked)
	}
	v["proxy"] = uptime.Secret(strings.Replace(proxy.URL, "http://", "http://jo:hunter22@", 1))
	ch, _ = typeOf(t, "webhook").New(uptime.ChannelSettings{Values: v})
	if _, err := ch.Send(t.Context(), channeltest.Letter(1), nil); err != nil || !strings.HasPrefix(asked, "http://hooks.invalid/hook/") {
		t.Errorf("%v, the proxy was asked for %s", err, asked)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, "-7": 0, "99999999": time.Hour, "99999999999999999999": 0, "soon": 0,
		"Sun, 22 Nov 2026 12:00:30 GMT": 30 * time.Second, "Sun, 22 Nov 2026 11:00:00 GMT": 0, "Sun, 22 Nov 2099 12:00:00 GMT": time.Hour,
	} {
		if got := retryAfter(text, now); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestWebhookMistakes(t *testing.T) {
	for _, tt := range []struct {
		name   string
		values values
		want   string
	}{
		{"no URL", values{}, "there is no url to send to"},
		{"another scheme", values{"url": uptime.Secret("ftp://h/" + hookSecret)}, "it is no URL of HTTP"},
		{"no host", values{"url": uptime.Secret("https:///" + hookSecret)}, "it is no URL of HTTP"},
		{"a header's name", values{"headers": map[string]uptime.Secret{"X Y": "1"}}, `"X Y" is no header, or its value is none`},
		{"a header's value", values{"headers": map[string]uptime.Secret{"X-Y": "1\r\nX-Z: 2"}}, `"X-Y" is no header, or its value is none`},
		{"a header of ours", values{"headers": map[string]uptime.Secret{"idempotency-key": "1"}}, "idempotency-key is set by lookout"},
		{"a content type", values{"content_type": "a\r\nb"}, `"a b" is no content type`},
		{"a proxy", values{"proxy": uptime.Secret("socks://x")}, "it is no URL of HTTP"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.values["url"] == nil && tt.name != "no URL" {
				tt.values["url"] = uptime.Secret("https://hooks.example.com/x")
			}
			ch, mistakes := typeOf(t, "webhook").New(uptime.ChannelSettings{Values: tt.values})
			if ch != nil || len(mistakes) != 1 || mistakes[0].Message != tt.want {
				t.Errorf("%v %v", ch, mistakes)
			}
		})
	}
}
