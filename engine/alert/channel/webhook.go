package channel

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpguts"

	"lookout/engine/uptime"
)

const (
	maxAnswer = 4 << 10         // read of the body of a refusal
	answerFor = 2 * time.Second // … and no longer
	maxWait   = time.Hour       // of Retry-After
)

// webhookType sends the alert to a URL. There are no redirects: they would take
// the headers with them. A repeat has the same Idempotency-Key.
func webhookType() uptime.ChannelType {
	return uptime.ChannelType{
		Name:    "webhook",
		Summary: "sends the alert as JSON, or the body, to a URL; signed where there is a key",
		Keys: []uptime.Key{
			{Name: "url", Kind: uptime.SecretText, Doc: "where to send it; a secret, since many have a token", Example: `"https://hooks.example.com/lookout/${HOOK_TOKEN}"`},
			{Name: "method", Kind: uptime.String, Doc: "of the request", Example: `"POST"`, OneOf: []string{"POST", "PUT", "PATCH"}},
			{Name: "headers", Kind: uptime.SecretTable, Doc: "sent along; values are secrets", Example: `{ Authorization = "Bearer ${HOOK_TOKEN}" }`},
			{Name: "content_type", Kind: uptime.String, Doc: "of what the body makes; default text/plain; charset=utf-8", Example: `"application/json"`},
			{Name: "hmac_secret", Kind: uptime.SecretText, Doc: "signs the request: X-Lookout-Signature: t=UNIX,v1=HEX, an HMAC-SHA256 of UNIX, a dot and the body", Example: `"${secret:hook}"`},
			{Name: "ca_file", Kind: uptime.File, Doc: "trust these CAs instead of the system's", Example: `"hook-ca.pem"`},
			{Name: "proxy", Kind: uptime.SecretText, Doc: "an HTTP proxy; never taken from the environment", Example: `"http://proxy.example.com:3128"`},
		},
		New: newWebhook,
	}
}

type webhook struct {
	url         uptime.Secret
	origin      string // scheme://host, for people
	method      string
	headers     map[string]uptime.Secret
	contentType string
	key         uptime.Secret
	roots       *x509.CertPool
	proxy       uptime.Secret
}

func newWebhook(s uptime.ChannelSettings) (uptime.Channel, []uptime.Mistake) {
	f := form{ChannelSettings: s}
	w := webhook{
		url: f.secret("url"), method: f.text("method", http.MethodPost), contentType: f.text("content_type", ""),
		key: f.secret("hmac_secret"), proxy: f.secret("proxy"), roots: f.roots("ca_file"),
		headers: uptime.Value(s.Values, "headers", map[string]uptime.Secret(nil)),
	}
	if u := f.web("url", w.url, true); u != nil {
		w.origin = u.Scheme + "://" + u.Host
		if ip, err := netip.ParseAddr(u.Hostname()); u.Scheme == "http" && u.Hostname() != "localhost" && (err != nil || !ip.IsLoopback()) {
			f.mistakes = append(f.mistakes, uptime.Mistake{Key: "url", Message: "alerts go to " + u.Host + " in the open", Hint: "use https:// where it can be had", Warning: true})
		}
	}
	f.web("proxy", w.proxy, false)
	for _, name := range slices.Sorted(maps.Keys(w.headers)) {
		switch value := w.headers[name].Reveal(); {
		case !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value):
			f.wrong("headers", "", "%q is no header, or its value is none", uptime.Clean(name, 60))
		case slices.Contains([]string{"Host", "Content-Length", "Transfer-Encoding", "Connection", "Content-Type", "Idempotency-Key", "X-Lookout-Signature"}, http.CanonicalHeaderKey(name)):
			f.wrong("headers", "", "%s is set by lookout", name)
		}
	}
	if !httpguts.ValidHeaderFieldValue(w.contentType) {
		f.wrong("content_type", "", "%q is no content type", uptime.Clean(w.contentType, 60))
	}
	return f.done(w)
}

// web reads a URL of HTTP that is a secret; nil where it is none.
func (f *form) web(key string, s uptime.Secret, must bool) *url.URL {
	if s == "" {
		if must {
			f.wrong(key, `write `+key+` = "https://…"`, "there is no %s to send to", key)
		}
		return nil
	}
	u, err := url.Parse(s.Reveal())
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.ContainsFunc(s.Reveal(), func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		f.wrong(key, "it begins with https:// and has a host; it is not shown, since it is a secret", "it is no URL of HTTP")
		return nil
	}
	return u
}

// roots reads the CAs of a File; nil for the system's.
func (f *form) roots(key string) *x509.CertPool {
	pem := uptime.Value(f.Values, key, []byte(nil))
	if pem == nil {
		return nil
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		f.wrong(key, "it needs -----BEGIN CERTIFICATE-----", "the file has no certificate")
	}
	return roots
}

func (w webhook) Target() string { return w.origin }

func (w webhook) Send(ctx context.Context, l *uptime.Letter, say func(string)) (uptime.Receipt, error) {
	body, contentType := l.JSON, "application/json"
	if l.Custom {
		body, contentType = []byte(l.Text), w.contentType
		if contentType == "" {
			contentType = "text/plain; charset=utf-8"
		}
		if strings.HasPrefix(contentType, "application/json") && !json.Valid(body) {
			say("what the body makes is no JSON, although content_type says so")
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var sent atomic.Bool // then it may have been taken
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:      func(i httptrace.GotConnInfo) { say("connected to " + i.Conn.RemoteAddr().String()) },
		WroteHeaders: func() { sent.Store(true) },
	}), w.method, w.url.Reveal(), bytes.NewReader(body))
	if err != nil {
		return uptime.Receipt{}, &uptime.Refusal{Reply: plainError(err), Permanent: true}
	}
	if u := req.URL.User; u != nil { // a Client would do that
		password, _ := u.Password()
		req.SetBasicAuth(u.Username(), password)
	}
	for name, value := range w.headers {
		req.Header.Set(name, value.Reveal())
	}
	req.Header.Set("User-Agent", "lookout/1 (uptime monitor)")
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Idempotency-Key", l.ID)
	if w.key != "" {
		req.Header.Set("X-Lookout-Signature", sign(w.key, time.Now(), body))
	}
	say(fmt.Sprintf("> %s %s, %d bytes of %s", w.method, w.origin, len(body), contentType))
	t := w.transport()
	defer t.CloseIdleConnections()
	resp, err := t.RoundTrip(req) // not a Client's Do: no redirects, no cookies
	if err != nil {
		r := &uptime.Refusal{Reply: failedAt(w.origin, err), Uncertain: sent.Load()}
		switch {
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
			r.Reply = w.origin + ": no answer in time"
		case errors.Is(err, context.Canceled):
			r.Reply = w.origin + ": ended before there was an answer"
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			r.Reply = w.origin + " hung up without an answer"
		}
		return uptime.Receipt{}, r
	}
	defer resp.Body.Close()
	say("< " + resp.Status)
	if resp.StatusCode/100 == 2 {
		return uptime.Receipt{Reply: resp.Status}, nil
	}
	defer time.AfterFunc(answerFor, cancel).Stop()
	why, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // what came of it
	r := judged(resp.StatusCode)
	r.Reply = resp.Status
	switch text := strings.TrimSpace(string(why)); {
	case resp.StatusCode/100 == 3:
		r.Reply += ", and redirects are not followed"
	case text != "":
		say("< " + text)
		r.Reply += ": " + text
	}
	if r.Wait = retryAfter(resp.Header.Get("Retry-After"), time.Now()); r.Wait > 0 {
		say("< Retry-After: " + resp.Header.Get("Retry-After"))
	}
	return uptime.Receipt{}, r
}

// judged is what a status that is no success means for a letter.
func judged(status int) *uptime.Refusal {
	r := &uptime.Refusal{}
	switch status {
	case 408, 425, 429, 503: // it is too busy, for any letter
	case 502, 504: // whoever is behind it may have it
		r.Uncertain = true
	case 400, 409, 413, 415, 422: // it does not like this one
		r.Permanent, r.Letter = true, true
	default:
		r.Permanent = status < 500
		r.Letter = status >= 500 // one that it stumbles over
	}
	return r
}

// retryAfter reads a number of seconds or a date (RFC 9110, 10.2.3).
func retryAfter(text string, now time.Time) time.Duration {
	var d time.Duration
	if n, err := strconv.ParseUint(text, 10, 32); err == nil {
		d = time.Duration(n) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		d = at.Sub(now)
	}
	return min(max(d, 0), maxWait)
}

// sign is a signature by which a receiver knows who sent a body, and when.
func sign(key uptime.Secret, now time.Time, body []byte) string {
	t := strconv.FormatInt(now.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write([]byte(t + "."))
	mac.Write(body)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

// transport is that of one letter. It asks no environment for a proxy.
func (w webhook) transport() *http.Transport {
	t := &http.Transport{
		DialContext:            new(net.Dialer).DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: w.roots, MinVersion: tls.VersionTLS12},
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
	}
	if p, err := url.Parse(w.proxy.Reveal()); err == nil && w.proxy != "" {
		t.Proxy = http.ProxyURL(p)
	}
	return t
}
