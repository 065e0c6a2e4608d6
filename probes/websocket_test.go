package probes

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/coder/websocket"

	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

// socketServer accepts every WebSocket and has do speak on it.
func socketServer(t testing.TB, do func(context.Context, *websocket.Conn)) string {
	t.Helper()
	var wg sync.WaitGroup
	srv := httptest.NewServer(accepting(&wg, do))
	t.Cleanup(func() {
		srv.Close()
		wg.Wait()
	})
	return strings.Replace(srv.URL, "http", "ws", 1)
}

func accepting(wg *sync.WaitGroup, do func(context.Context, *websocket.Conn)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		wg.Add(1)
		defer wg.Done()
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"chat"}, InsecureSkipVerify: true})
		if err != nil {
			return
		}
		defer c.CloseNow()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		do(ctx, c)
	}
}

// echoes answers every message with itself, after some that nobody asked for.
func echoes(ctx context.Context, c *websocket.Conn) {
	c.Write(ctx, websocket.MessageText, []byte("welcome"))
	c.Write(ctx, websocket.MessageText, []byte("news"))
	for {
		typ, b, err := c.Read(ctx)
		if err != nil || c.Write(ctx, typ, b) != nil {
			return
		}
	}
}

// dialled makes a websocket check of a server that accepts and does this.
func dialled(values, expect keys, do func(context.Context, *websocket.Conn)) func(*testing.T) uptime.Result {
	return func(t *testing.T) uptime.Result {
		return quickly(t, made(t, testSystem(), "websocket", socketServer(t, do)+"/live?token=hush", values, expect))
	}
}

// switches makes a websocket check of a server that answers the handshake with
// this header, {accept} and all, and then does this.
func switches(header string, then func(net.Conn)) func(*testing.T) uptime.Result {
	return func(t *testing.T) uptime.Result {
		to := probetest.Serve(t, func(c net.Conn) {
			r, err := http.ReadRequest(bufio.NewReader(c))
			if err != nil {
				return
			}
			io.WriteString(c, strings.Replace(header, "{accept}", acceptOf(r.Header.Get("Sec-Websocket-Key")), 1))
			then(c)
		})
		return quickly(t, made(t, testSystem(), "websocket", "ws://"+to, nil, nil))
	}
}

// acceptOf is how a server answers a key (RFC 6455, 4.2.2).
func acceptOf(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"

func waits(c net.Conn) { io.Copy(io.Discard, c) }

var websocketFaults = []produced{
	{uptime.FaultHTTPStatus, "HTTP status 404 instead of a WebSocket (101)", func(t *testing.T) uptime.Result {
		srv := httptest.NewServer(http.NotFoundHandler())
		defer srv.Close()
		return once(t, made(t, testSystem(), "websocket", strings.Replace(srv.URL, "http", "ws", 1), nil, nil))
	}},
	{uptime.FaultHTTPChallenged, "(Cloudflare)", switches("HTTP/1.1 403 Forbidden\r\nCf-Mitigated: challenge\r\n\r\n", waits)},
	{uptime.FaultHTTPEmptyReply, "without an HTTP answer", switches("", func(net.Conn) {})},
	{uptime.FaultReplyMalformed, "invalid Sec-WebSocket-Accept", switches(strings.Replace(switching, "{accept}", "nonsense", 1), waits)},
	{uptime.FaultReplyMalformed, "Upgrade header", switches("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n", waits)},
	{uptime.FaultReplyMalformed, "none of the subprotocols was chosen", dialled(keys{"subprotocols": []string{"other"}}, nil, echoes)},
	{uptime.FaultReplyMalformed, "WebSocket message from 127.0.0.1:", switches(switching, func(c net.Conn) { io.WriteString(c, "\xff\xff"+probetest.Hostile); waits(c) })},
	{uptime.FaultReplyTimeout, "no message from 127.0.0.1:", switches(switching, waits)},
	{uptime.FaultReplyTimeout, "no message from 127.0.0.1:", switches(switching, repeats("", "\x81\x05hello"))},
	{uptime.FaultReplyTimeout, "no message from 127.0.0.1:", switches(switching, repeats("\x01\x05hello", "\x00\x05hello"))}, // fragments without end
	{uptime.FaultReplyClosed, "closed the connection", switches(switching, func(c net.Conn) { c.Read(make([]byte, 64)) })},   // the ping: unread, it would be a reset
	{uptime.FaultReplyClosed, "reset the connection", switches(switching, func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) })},
	{uptime.FaultReplyClosed, `with status 1008 "log in first"`, dialled(nil, nil, func(ctx context.Context, c *websocket.Conn) { c.Close(websocket.StatusPolicyViolation, "log in first") })},
	{uptime.FaultReplyUnexpected, `does not match "^pong": "news"`, dialled(nil, keys{"banner": "^pong"}, echoes)},
}

// TestWebSocket has what must not be a fault.
func TestWebSocket(t *testing.T) {
	turns := []map[string]string{{"expect": "^ne", "send": `{"id":1}`}, {"expect": `"id":1`}}
	for _, tt := range []struct {
		name           string
		values, expect keys
		do             func(context.Context, *websocket.Conn)
		steps          string
	}{
		{"ping", nil, nil, echoes, "connect ttfb ping"},
		{"dialogue", nil, keys{"dialogue": turns}, echoes, "connect ttfb expect send expect ping"},
		{"send, then banner, no ping", keys{"send": "hello", "ping": false}, keys{"banner": "hello"}, echoes, "connect ttfb send expect"},
		{"subprotocol", keys{"subprotocols": []string{"other", "chat"}}, nil, echoes, "connect ttfb ping"},
		{"busy", nil, nil, func(ctx context.Context, c *websocket.Conn) {
			ctx = c.CloseRead(ctx)
			for c.Write(ctx, websocket.MessageText, make([]byte, 100<<10)) == nil {
			}
		}, "connect ttfb ping"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := once(t, made(t, testSystem(), "websocket", socketServer(t, tt.do), tt.values, tt.expect))
			var steps []string
			for _, s := range r.Steps {
				steps = append(steps, s.Step)
			}
			if got := strings.Join(steps, " "); r.Outcome != uptime.OutcomeUp || got != tt.steps {
				t.Errorf("%s: %s, steps %s", r.Fault, r.Message, got)
			}
		})
	}
}

// TestWebSocketOverTLS sends its header, and says goodbye.
func TestWebSocketOverTLS(t *testing.T) {
	var wg sync.WaitGroup
	closed := make(chan websocket.StatusCode, 1) // server to test: how it ended
	accept := accepting(&wg, func(ctx context.Context, c *websocket.Conn) {
		_, _, err := c.Read(ctx)
		closed <- websocket.CloseStatus(err)
	})
	srv, ca := webServer(t, func(w http.ResponseWriter, r *http.Request) {
		if u, p, _ := r.BasicAuth(); u != "jo" || p != "hush" || r.Header.Get("Origin") != "https://good.test" || r.UserAgent() != userAgent || r.URL.RawQuery != "token=hush" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		accept(w, r)
	})
	target := strings.Replace(srv.URL, "https://", "wss://jo:hush@", 1) + "/live?token=hush"
	r := once(t, made(t, testSystem(), "websocket", target, keys{"ca_file": ca.pem(), "headers": map[string]uptime.Secret{"Origin": "https://good.test"}}, nil))
	if r.Outcome != uptime.OutcomeUp || r.Cert == nil || r.Status != http.StatusSwitchingProtocols {
		t.Fatalf("%+v", r)
	}
	if code := <-closed; code != websocket.StatusNormalClosure {
		t.Errorf("ended with %d", code)
	}
	wg.Wait()
}

func TestWebSocketMistakes(t *testing.T) {
	for key, m := range map[string][]uptime.Mistake{
		"url":             mistaken(t, "websocket", "ws://", nil, nil),
		"subprotocols":    mistaken(t, "websocket", "ws://a", keys{"subprotocols": []string{"a b"}}, nil),
		"expect.dialogue": mistaken(t, "websocket", "ws://a", nil, keys{"dialogue": []map[string]string{{}}}),
		"headers":         mistaken(t, "websocket", "ws://a", keys{"headers": map[string]uptime.Secret{"a b": ""}}, nil),
	} {
		if len(m) == 0 || m[0].Key != key {
			t.Errorf("%s: %+v", key, m)
		}
	}
}

// TestWebSocketReset: the reader may see the end of a connection before the
// writer is told of its reset.
func TestWebSocketReset(t *testing.T) {
	reset := &net.OpError{Op: "write", Err: os.NewSyscallError("write", syscall.ECONNRESET)}
	for _, order := range [][]error{{io.EOF, reset}, {reset, io.EOF}, {os.ErrDeadlineExceeded, io.EOF, reset}} {
		over := &upgraded{}
		for _, err := range order {
			over.broke(err)
		}
		m := messages{t: newTrace(), over: over}
		if f := m.failure(t.Context(), order[0]); f.fault != uptime.FaultReplyClosed || !strings.Contains(f.text, "reset the connection") {
			t.Errorf("%v: %s: %s", order, f.fault, f.text)
		}
	}
}
