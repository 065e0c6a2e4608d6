package probes

import (
	"bufio"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

// FuzzHTTP1 has a server answer anything.
func FuzzHTTP1(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"))
	f.Add([]byte("HTTP/1.0 200\r\nSet-Cookie: a=b\r\n\r\nhello"))
	f.Add([]byte("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n\r\n5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + string(zipped("hello"))))
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n" + string(deflated("hello"))))
	f.Add([]byte("HTTP/1.1 302 Found\r\nLocation: //elsewhere.test:1/?q\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 500 " + probetest.Hostile))
	form := form{Settings: uptime.Settings{Expect: keys{"body_contains": []string{"hello"}, "watch_content": true, "headers": []map[string]string{{"name": "A", "matches": "."}}}}}
	c := httpCheck{url: &url.URL{Scheme: "http", Host: "shop.test", Path: "/"}, method: http.MethodGet, redirects: 3, expect: form.httpExpect()}
	f.Fuzz(func(t *testing.T, answer []byte) {
		ours, theirs := net.Pipe()
		defer ours.Close()
		go func() {
			defer theirs.Close()
			if _, err := http.ReadRequest(bufio.NewReader(theirs)); err == nil {
				theirs.Write(answer)
			}
		}()
		tr := newTrace()
		at := &hop{url: c.url, method: c.method, own: true, shown: true}
		resp, fail := overHTTP1(tr, ours, c.request(at), nil)
		if fail == nil {
			var next *hop
			if next, fail = c.redirect(tr, at, resp, 0); next == nil && fail == nil {
				fail = c.expect.judge(t.Context(), tr, ours, resp, false)
			}
		}
		res := tr.end(fail)
		clean(&res)
		if word := res.Fault.String(); word != "" && !strings.HasPrefix(word, "http.") || res.Status != 0 && (res.Status < 100 || res.Status > 999) {
			t.Errorf("%s, status %d", word, res.Status)
		}
		if !utf8.ValidString(res.Message) || len(res.Message) > maxMessage || res.Outcome == uptime.OutcomeDown && res.Steps[len(res.Steps)-1].Error == "" {
			t.Errorf("%+v", res)
		}
	})
}
