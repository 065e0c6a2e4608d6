package channel

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"lookout/engine/uptime"
)

// maxWait bounds a Retry-After.
const maxWait = time.Hour

// webhookType sends the alert to a URL. There are no redirects: they would take
// the headers with them. A repeat has the same Idempotency-Key.
func webhookType() uptime.ChannelType {
	return uptime.ChannelType{
		Name:    "webhook",
		Summary: "sends the alert as JSON, or the body, to a URL; signed where there is a key",
		Keys: append([]uptime.Key{
			{Name: "url", Kind: uptime.SecretText, Doc: "where to send it; a secret, since many have a token", Example: `"https://hooks.example.com/lookout/${HOOK_TOKEN}"`},
			{Name: "method", Kind: uptime.String, Doc: "of the request", Example: `"POST"`, OneOf: []string{"POST", "PUT", "PATCH"}},
			{Name: "headers", Kind: uptime.SecretTable, Doc: "sent along; values are secrets", Example: `{ Authorization = "Bearer ${HOOK_TOKEN}" }`},
			{Name: "content_type", Kind: uptime.String, Doc: "of what the body makes; default text/plain; charset=utf-8", Example: `"application/json"`},
			{Name: "hmac_secret", Kind: uptime.SecretText, Doc: "signs the request: X-Lookout-Signature: t=UNIX,v1=HEX, an HMAC-SHA256 of UNIX, a dot and the body", Example: `"${secret:hook}"`},
		}, wireKeys()...),
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
	wires       wires
}

func newWebhook(s uptime.ChannelSettings) (uptime.Channel, []uptime.Mistake) {
	f := form{ChannelSettings: s}
	w := webhook{
		url: f.secret("url"), method: f.text("method", http.MethodPost), contentType: f.text("content_type", ""),
		key: f.secret("hmac_secret"), wires: f.wires(),
		headers: uptime.Value(s.Values, "headers", map[string]uptime.Secret(nil)),
	}
	if u := f.web("url", w.url, true); u != nil {
		w.origin = u.Scheme + "://" + u.Host
		if ip, err := netip.ParseAddr(u.Hostname()); u.Scheme == "http" && u.Hostname() != "localhost" && (err != nil || !ip.IsLoopback()) {
			f.mistakes = append(f.mistakes, uptime.Mistake{Key: "url", Message: "alerts go to " + u.Host + " in the open", Hint: "use https:// where it can be had", Warning: true})
		}
	}
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
	head := http.Header{}
	for name, value := range w.headers {
		head.Set(name, value.Reveal())
	}
	head.Set("Content-Type", contentType)
	head.Set("Idempotency-Key", l.ID)
	if w.key != "" {
		head.Set("X-Lookout-Signature", sign(w.key, time.Now(), body))
	}
	say(fmt.Sprintf("> %s %s, %d bytes of %s", w.method, w.origin, len(body), contentType))
	over := w.wires.dial(ctx, say)
	defer over.close()
	over.deaf = true
	a, err := over.ask(w.method, w.url.Reveal(), head, body)
	if err == nil {
		err = a.refusal()
	}
	if err != nil {
		return uptime.Receipt{}, err
	}
	return uptime.Receipt{Reply: a.said()}, nil
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
