package channel

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lookout/engine/uptime"
)

// wireKeys are those of types that speak HTTP over a wire.
func wireKeys() []uptime.Key {
	return []uptime.Key{
		{Name: "ca_file", Kind: uptime.File, Doc: "trust these CAs instead of the system's", Example: `"ca.pem"`},
		{Name: "proxy", Kind: uptime.SecretText, Doc: "an HTTP proxy; never taken from the environment", Example: `"http://proxy.example.com:3128"`},
	}
}

// wires makes the wires of a channel.
type wires struct {
	server *url.URL       // asked in place of the host of a request; nil: that one
	roots  *x509.CertPool // nil: the system's
	proxy  *url.URL       // nil: none
}

// wires reads the settings of wireKeys.
func (f *form) wires() wires {
	return wires{roots: f.roots("ca_file"), proxy: f.web("proxy", f.secret("proxy"), false)}
}

// wire is the HTTP of one try to send a letter. It is a transport that sees what
// goes over it, so that what came of a request is known also where a library
// makes it: the status, what was said, and whether anything left at all.
//
// It takes the context of the try whatever that of a request is, goes through no
// proxy that was not asked for, verifies TLS, follows no redirect, reads a
// bounded part of an answer, and close ends all that it opened.
type wire struct {
	ctx       context.Context
	say       func(string)
	server    *url.URL
	transport *http.Transport
	head      http.Header // further headers of each request
	most      int         // requests
	sent      atomic.Bool // a request, or most of one: it may have been read
	asked     bool        // there was a request
	deaf      bool        // what is said beside 2xx decides nothing: it is not waited for
	quiet     bool        // what is said back is nobody's business
	answer    *answer     // to the last request; nil: none came
	err       error       // why none did
	mu        sync.Mutex  // of conns
	conns     []net.Conn  // that were opened
}

// answerFor is how long the body of a refusal is read.
const answerFor = 2 * time.Second

// answer is what the other side said.
type answer struct {
	status int
	head   http.Header
	body   []byte // at most maxRaw+1 bytes: veil.line knows what is cut off from that
}

// dial makes the wire of a try. Nothing is dialled before the first request.
func (w wires) dial(ctx context.Context, say func(string)) *wire {
	r := &wire{ctx: ctx, say: say, server: w.server, head: http.Header{}, most: 1}
	r.transport = &http.Transport{
		// The dial outlives a request that is given up, unless it has the context of the try.
		DialContext: func(_ context.Context, network, address string) (net.Conn, error) {
			c, err := (&net.Dialer{}).DialContext(ctx, network, address)
			if err == nil {
				say("connected to " + c.RemoteAddr().String())
				r.mu.Lock()
				r.conns = append(r.conns, c)
				r.mu.Unlock()
			}
			return c, err
		},
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: w.roots},
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      true,
	}
	if w.proxy != nil {
		r.transport.Proxy = http.ProxyURL(w.proxy)
	}
	return r
}

// close ends the connections.
func (w *wire) close() {
	w.transport.CloseIdleConnections()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		c.Close()
	}
}

// client makes requests over the wire.
func (w *wire) client() *http.Client {
	return &http.Client{Transport: w, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// errEnough ends the retries of a library: when to try again is not its to say.
var errEnough = errors.New("it was asked already")

// RoundTrip makes a request.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	if w.most--; w.most < 0 {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, errEnough
	}
	w.asked, w.answer, w.err = true, nil, nil
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	out := req.Clone(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { w.sent.Store(true) },
	}))
	for k, v := range w.head {
		out.Header[k] = v
	}
	out.Header.Set("User-Agent", "lookout/1 (uptime monitor)")
	if w.server != nil {
		out.URL.Scheme, out.URL.Host, out.Host = w.server.Scheme, w.server.Host, ""
		out.URL.Path = strings.TrimSuffix(w.server.Path, "/") + req.URL.Path
		out.URL.RawPath = strings.TrimSuffix(w.server.EscapedPath(), "/") + req.URL.EscapedPath()
	}
	resp, err := w.transport.RoundTrip(out)
	if err != nil {
		w.err = err
		w.say(fmt.Sprintf("%s to %s: %s", req.Method, out.URL.Host, plainError(err)))
		return nil, err
	}
	defer resp.Body.Close()
	var body []byte
	taken := resp.StatusCode/100 == 2
	if !taken || !w.deaf {
		if !taken { // its status says enough
			defer time.AfterFunc(answerFor, cancel).Stop()
		}
		body, err = io.ReadAll(io.LimitReader(resp.Body, maxRaw+1))
	}
	if err != nil && taken {
		w.err = fmt.Errorf("the answer broke off: %w", err)
		w.say(fmt.Sprintf("%s to %s: %d, and then %s", req.Method, out.URL.Host, resp.StatusCode, plainError(err)))
		return nil, w.err
	}
	w.answer = &answer{status: resp.StatusCode, head: resp.Header, body: body}
	line := fmt.Sprintf("%s to %s: %s", req.Method, out.URL.Host, w.answer.said())
	if !w.quiet {
		line += " " + w.answer.words()
	}
	w.say(line)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// ask makes a request and returns the answer, or why there is none.
func (w *wire) ask(method, address string, head http.Header, body []byte) (*answer, error) {
	req, err := http.NewRequestWithContext(w.ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, &uptime.Refusal{Reply: "not sent: no request can be made of the url", Permanent: true}
	}
	if u := req.URL.User; u != nil { // a Client would do that
		password, _ := u.Password()
		req.SetBasicAuth(u.Username(), password)
	}
	maps.Copy(req.Header, head)
	if _, err := w.RoundTrip(req); err != nil { // not a Client's Do: it reads where a redirect leads to
		return nil, w.failed()
	}
	return w.answer, nil
}

// json makes a request with a body of JSON.
func (w *wire) json(method, address string, head http.Header, body any) (*answer, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, &uptime.Refusal{Reply: "not sent: " + err.Error(), Permanent: true, Letter: true}
	}
	if head == nil {
		head = http.Header{}
	}
	head.Set("Content-Type", "application/json")
	return w.ask(method, address, head, b)
}

// failed is why there is no answer.
func (w *wire) failed() error {
	err := cmp.Or(w.err, errors.New("nothing was asked"))
	r := &uptime.Refusal{Reply: plainError(err), Uncertain: w.sent.Load()}
	switch {
	case errors.Is(w.ctx.Err(), context.DeadlineExceeded):
		r.Reply = "no answer in time"
		if !r.Uncertain {
			r.Reply = "no connection in time"
		}
	case w.ctx.Err() != nil:
		r.Reply = "interrupted"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		r.Reply = "the connection was closed without an answer"
	}
	return r
}

// outcome is what came of requests that a library made, by what went over the
// wire; err is what the library says. It is nil when the other side said 2xx.
func (w *wire) outcome(err error) error {
	switch {
	case w.answer != nil:
		return w.answer.refusal()
	case w.asked:
		return w.failed()
	}
	return &uptime.Refusal{Reply: fmt.Sprintf("not sent: %v", cmp.Or(err, errEnough)), Permanent: true, Letter: true}
}

// said is the status in words.
func (a *answer) said() string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)))
}

// refusal is what a status other than 2xx means; nil for 2xx.
func (a *answer) refusal() error {
	if a.status/100 == 2 {
		return nil
	}
	r := judged(a.status)
	r.Reply = a.said()
	if a.status/100 == 3 {
		r.Reply += ", and redirects are not followed"
	}
	if why := a.why(); why != "" {
		r.Reply += ": " + why
	}
	if r.Wait = retryAfter(a.head.Get("Retry-After"), time.Now()); r.Wait == 0 && a.status == http.StatusTooManyRequests {
		r.Wait = a.wait()
	}
	return r
}

// wait is what the body of a 429 says of when to try again: Telegram's,
// Discord's and Matrix' do.
func (a *answer) wait() time.Duration {
	var o struct {
		Seconds    float64 `json:"retry_after"`
		Millis     float64 `json:"retry_after_ms"`
		Parameters struct {
			Seconds float64 `json:"retry_after"`
		} `json:"parameters"`
	}
	if json.Unmarshal(a.body, &o) != nil {
		return 0
	}
	s := min(max(o.Seconds, o.Millis/1000, o.Parameters.Seconds, 0), maxWait.Seconds())
	return time.Duration(s * float64(time.Second))
}

// why is what the body of an answer says to people.
func (a *answer) why() string {
	var o map[string]any
	if json.Unmarshal(a.body, &o) != nil {
		if strings.HasPrefix(strings.TrimSpace(string(a.body)), "<") {
			return "a page of HTML" // of a proxy, a login, a mistaken address
		}
		return string(a.body)
	}
	// errors: Pushover, PagerDuty. errorDescription: Gotify. description: Telegram.
	// message: Discord, PagerDuty, Opsgenie, Twilio. error: ntfy, Matrix, Slack.
	for _, key := range []string{"errors", "errorDescription", "description", "message", "error"} {
		switch v := o[key].(type) {
		case string:
			if v != "" {
				return v
			}
		case []any:
			var all []string
			for _, e := range v {
				if s, ok := e.(string); ok {
					all = append(all, s)
				}
			}
			if len(all) > 0 {
				return strings.Join(all, "; ")
			}
		}
	}
	return a.words()
}

// words is the body for people: of a JSON object each field, decoded, as a
// secret within an escape is not known for one.
func (a *answer) words() string {
	d := json.NewDecoder(bytes.NewReader(a.body))
	d.UseNumber()
	var o map[string]any
	if d.Decode(&o) != nil {
		return string(a.body)
	}
	var all []string
	for _, k := range slices.Sorted(maps.Keys(o)) {
		all = append(all, fmt.Sprintf("%s: %v", k, o[k]))
	}
	return strings.Join(all, ", ")
}

// field is a string or a whole number of an answer that is a JSON object; "" where it has none.
func (a *answer) field(key string) string {
	d := json.NewDecoder(bytes.NewReader(a.body))
	d.UseNumber()
	var o map[string]any
	if d.Decode(&o) != nil {
		return ""
	}
	switch v := o[key].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return fmt.Sprint(v)
	}
	return ""
}

// strange is a refusal of an answer of 2xx that is none of the service: of a
// portal in between, say.
func (a *answer) strange(service string) error {
	return &uptime.Refusal{Reply: fmt.Sprintf("%d, but that is no answer of %s: %s", a.status, service, a.why()), Uncertain: true}
}
