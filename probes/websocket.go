package probes

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"lookout/engine/uptime"
)

// websocketType opens a WebSocket (RFC 6455), holds a dialogue of text
// messages if wanted, and has a ping answered. The handshake goes over our own
// HTTP/1.1, so that its faults are those of http; the frames are the library's.
func websocketType(sys *system) uptime.CheckType {
	values, expect := dialogueKeys("open")
	return uptime.CheckType{
		Name:     "websocket",
		Schemes:  []string{"ws", "wss"},
		Summary:  "opens a WebSocket, has a ping answered; can exchange text messages",
		Measures: timeNames[:ttfbTime+1],
		Keys: append(append([]uptime.Key{
			{Name: "headers", Kind: uptime.SecretTable, Doc: "sent along with the handshake", Example: `{ Origin = "https://shop.example.com" }`},
			{Name: "user_agent", Kind: uptime.String, Doc: "default " + userAgent, Example: `"example/1"`},
			{Name: "basic_auth", Kind: uptime.SecretText, Doc: "user:password", Example: `"probe:${PASSWORD}"`},
			{Name: "bearer_token", Kind: uptime.SecretText, Doc: "sent as Authorization: Bearer", Example: `"${TOKEN}"`},
			{Name: "subprotocols", Kind: uptime.Strings, Doc: "to offer; the server has to choose one of them", Example: `["graphql-transport-ws"]`},
			{Name: "ping", Kind: uptime.Bool, Doc: "send a ping and wait for the pong; default true", Example: `false`},
		}, values...), tlsKeys()...),
		Expect: expect,
		New: func(s uptime.Settings) (uptime.Check, []uptime.Mistake) {
			f := form{Settings: s}
			c := websocketCheck{
				sys:       sys,
				to:        f.endpoint(defaultPort(webScheme(s.URL.Scheme))),
				url:       requested(s.URL),
				agent:     uptime.Value(s.Values, "user_agent", userAgent),
				protocols: uptime.Value(s.Values, "subprotocols", []string(nil)),
				ping:      uptime.Value(s.Values, "ping", true),
				turns:     append(append(f.sending(), f.banner()...), f.dialogue()...),
				tls:       f.tls(sys),
			}
			c.secret, c.hostName = f.secrets()
			for _, p := range c.protocols {
				if !token(p) {
					f.wrong("subprotocols", "a name is letters, digits and dashes", "%q is no subprotocol", uptime.Clean(p, 60))
				}
			}
			return f.done(uptime.Check{Checker: c, Dest: c.to.String(), Expect: expected(c.turns)})
		},
	}
}

// webScheme is the scheme of the handshake's request.
func webScheme(scheme string) string {
	if scheme == "wss" {
		return "https"
	}
	return "http"
}

type websocketCheck struct {
	sys       *system
	to        endpoint
	url       *url.URL // without userinfo and fragment
	agent     string
	secret    http.Header
	hostName  string // of a Host header; "" for the URL's
	protocols []string
	ping      bool
	turns     []turn
	tls       tlsSettings
}

// Check opens a WebSocket and closes it.
func (c websocketCheck) Check(ctx context.Context) uptime.Result {
	return c.sys.speak(ctx, c.to, func(t *trace, conn net.Conn) *failure {
		m, f := c.open(ctx, t, conn)
		if f != nil {
			return f
		}
		defer m.ws.CloseNow()
		if f := m.run(ctx, c.turns); f != nil {
			return f
		}
		if c.ping {
			start := time.Now()
			f = m.ping(ctx)
			t.judged("ping", start, "", f)
		}
		if f == nil {
			m.goodbye()
		}
		return f
	})
}

// open makes the handshake.
func (c websocketCheck) open(ctx context.Context, t *trace, conn net.Conn) (messages, *failure) {
	up := upgrade{c: c, ctx: ctx, t: t, conn: conn}
	ws, _, err := websocket.Dial(ctx, c.url.String(), &websocket.DialOptions{
		HTTPClient:   &http.Client{Transport: &up},
		Subprotocols: c.protocols,
	})
	switch {
	case up.f != nil:
		return messages{}, up.f
	case err == nil && len(c.protocols) > 0 && ws.Subprotocol() == "":
		ws.CloseNow()
		err = errors.New("none of the subprotocols was chosen")
		fallthrough
	case err != nil:
		_, text, _ := strings.Cut(err.Error(), "WebSocket protocol violation: ")
		if text == "" {
			text = err.Error()
		}
		f := fail(uptime.FaultReplyMalformed, "WebSocket handshake with %s: %s", t.res.Address, text)
		t.judged("upgrade", time.Now(), "", f)
		return messages{}, f
	}
	up.body.open = true
	return messages{ws, t, up.body}, nil
}

// upgrade sends the one request of a handshake over the check's connection.
type upgrade struct {
	c    websocketCheck
	ctx  context.Context
	t    *trace
	conn net.Conn
	body *upgraded
	f    *failure
}

var errUpgrade = errors.New("no upgrade") // stands for upgrade.f

// RoundTrip sends it; it is not called twice, as it returns no redirect.
func (u *upgrade) RoundTrip(req *http.Request) (*http.Response, error) {
	req.Host = u.c.hostName
	if req.Host == "" {
		req.Host = asciiHost(u.c.url)
	}
	req.Header.Set("User-Agent", u.c.agent)
	for name, values := range u.c.secret {
		req.Header[name] = values
	}
	over, sec := u.conn, (*secured)(nil)
	if u.c.url.Scheme == "wss" {
		if sec, u.f = u.c.tls.handshake(u.ctx, u.t, u.conn, u.c.to.host, "http/1.1"); u.f != nil {
			return nil, errUpgrade
		}
		over = sec
	}
	resp, f := overHTTP1(u.t, over, req, sec)
	if f == nil && resp.StatusCode != http.StatusSwitchingProtocols {
		f = fail(uptime.FaultHTTPStatus, "HTTP status %d instead of a WebSocket (101)", resp.StatusCode)
		if wall := wallByHeader(resp.Header); wall != "" {
			f = challenged(u.t, wall)
		}
		u.t.judged("upgrade", time.Now(), "", f)
	}
	if u.f = f; f != nil {
		return nil, errUpgrade
	}
	u.body = &upgraded{r: resp.Body, w: over, conn: u.conn}
	resp.Body = u.body
	return resp, nil
}

// upgraded is the connection after the handshake. It gives nothing before it
// is open: where a handshake is no good, the library would wait for a body.
type upgraded struct {
	r    io.Reader
	w    io.Writer
	conn net.Conn
	open bool

	broken atomic.Pointer[error] // what ended it, which the library may say in other words
}

func (u *upgraded) Read(p []byte) (int, error) {
	if !u.open {
		return 0, io.EOF
	}
	n, err := u.r.Read(p)
	u.broke(err)
	return n, err
}

func (u *upgraded) Write(p []byte) (int, error) {
	n, err := u.w.Write(p)
	u.broke(err)
	return n, err
}

// broke notes what ended the connection. Of a reset the system tells one of two
// that read and write at once; to the other it looks like an end.
func (u *upgraded) broke(err error) {
	if err == nil || timedOut(err) {
		return
	}
	for {
		was := u.broken.Load()
		if was != nil && (wasReset(*was) || !wasReset(err)) || u.broken.CompareAndSwap(was, &err) {
			return
		}
	}
}

// Close ends every read. The connection is its owner's to close: goodbye comes after this.
func (u *upgraded) Close() error { return u.conn.SetReadDeadline(time.Unix(1, 0)) }

// messages is a dialogue over a WebSocket.
type messages struct {
	ws   *websocket.Conn
	t    *trace
	over *upgraded
}

// run does each turn in order, with a step for each, as talk does with text.
func (m messages) run(ctx context.Context, turns []turn) *failure {
	m.ws.SetReadLimit(maxReply)
	for _, turn := range turns {
		if turn.expect != nil {
			start := time.Now()
			got, f := m.expect(ctx, turn)
			m.t.judged("expect", start, got, f)
			if f != nil {
				return f
			}
		}
		if turn.send != "" {
			start := time.Now()
			err := m.ws.Write(ctx, websocket.MessageText, []byte(turn.send))
			m.t.step("send", start, m.t.res.Address, err, "")
			if err != nil {
				return m.failure(ctx, err)
			}
		}
	}
	return nil
}

// maxMessages is how many messages are looked at for one that matches.
const maxMessages = 1000

// expect reads messages until one matches. A server may send others first, so
// it waits, but after one that does not match no longer than quiet for the next.
func (m messages) expect(ctx context.Context, turn turn) (string, *failure) {
	var last []byte
	for n := range maxMessages {
		wait := left(ctx)
		if n > 0 {
			wait = min(wait, quiet)
		}
		data, err := m.read(ctx, wait)
		if timedOut(err) && last != nil {
			break
		}
		if err != nil {
			return "", m.failure(ctx, err)
		}
		if found := turn.expect.Find(data); found != nil {
			return quote(string(found)), nil
		}
		last = data
	}
	return "", fail(uptime.FaultReplyUnexpected, "message from %s does not match %s: %s", m.t.res.Address, literal(turn.source), quote(string(last)))
}

func (m messages) read(ctx context.Context, wait time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	_, data, err := m.ws.Read(ctx)
	return data, err
}

// goodbye says that we are done: status 1000, masked with zeros. Nobody waits
// for its answer, as the library would, at the cost of a round trip.
func (m messages) goodbye() { m.over.Write([]byte{0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8}) }

// ping sends one and reads, whatever comes, until it is answered.
func (m messages) ping(ctx context.Context) *failure {
	m.ws.SetReadLimit(-1) // it is thrown away as it comes
	reading, stop := context.WithCancel(ctx)
	var readers sync.WaitGroup
	var read error // of the reader, once it has ended
	readers.Go(func() {
		for read == nil {
			var r io.Reader
			if _, r, read = m.ws.Reader(reading); read == nil {
				_, read = io.Copy(io.Discard, r)
			}
		}
		stop() // no pong comes any more
	})
	err := m.ws.Ping(reading)
	stop()
	readers.Wait()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, net.ErrClosed), errors.Is(err, context.Canceled), errors.As(read, new(websocket.CloseError)):
		err = read // of the two it knows why
	}
	return m.failure(ctx, err)
}

// failure classes the end of a WebSocket.
func (m messages) failure(ctx context.Context, err error) *failure {
	var closed websocket.CloseError
	if why := m.over.broken.Load(); why != nil && !errors.As(err, &closed) {
		err = *why
	}
	switch {
	case errors.As(err, &closed):
		return fail(uptime.FaultReplyClosed, "%s closed the WebSocket with status %d %s", m.t.res.Address, closed.Code, quote(closed.Reason))
	case ctx.Err() != nil || timedOut(err):
		return fail(uptime.FaultReplyTimeout, "no message from %s within %s", m.t.res.Address, m.t.after())
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return fail(uptime.FaultReplyClosed, "%s closed the connection instead of a message", m.t.res.Address)
	case wasReset(err):
		return fail(uptime.FaultReplyClosed, "%s reset the connection instead of a message", m.t.res.Address).by(err)
	}
	text := err.Error() // "failed to read: failed to get reader: what is wrong"
	return fail(uptime.FaultReplyMalformed, "WebSocket message from %s: %s", m.t.res.Address, text[strings.LastIndex(text, "failed to ")+len("failed to "):])
}
