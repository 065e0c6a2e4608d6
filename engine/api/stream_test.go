package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
)

// run keeps a client's snapshot fresh until the test ends.
func run(t *testing.T, c *Client) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{}) // closed when Run has returned
	go func() { defer close(ended); c.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
}

func (c *Client) has(s *uptime.Snapshot) bool {
	got := c.Snapshot()
	return got != nil && got.Seq == s.Seq && len(got.States) == len(s.States)
}

func TestStreamFollowsTheEngine(t *testing.T) {
	f := newFake()
	c := dial(t, serveFake(t, f))
	if c.Snapshot() != nil {
		t.Error("a snapshot out of nothing")
	}
	run(t, c)
	r := rand.New(rand.NewPCG(5, 6))
	s := f.Snapshot()
	for range 30 {
		for range r.IntN(3) {
			s = f.publish(randomChange(s, r))
		}
		eventually(t, "the snapshot arrives", func() bool { return c.has(s) })
		if got := c.Snapshot(); !same(got, s) {
			t.Fatalf("the client has\n%+v\nthe engine\n%+v", got, s)
		}
	}
	if l := c.Link(); !l.Attached || !l.Lost.IsZero() || l.ReadOnly {
		t.Errorf("link %+v", l)
	}
}

func TestStreamReconnects(t *testing.T) {
	f := newFake()
	path := socketPath(t)
	stop := start(t, path, testOptions(f), testLimits())
	var gone atomic.Bool
	tries := make(chan struct{}) // closed when it may try again
	c, err := Dial(t.Context(), path, ClientOptions{Dial: func(ctx context.Context) (net.Conn, error) {
		if gone.Load() {
			select {
			case <-tries:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		return net.Dial("unix", path)
	}})
	if err != nil {
		t.Fatal(err)
	}
	c.lostAfter = time.Minute
	run(t, c)
	eventually(t, "the first snapshot", func() bool { return c.has(f.Snapshot()) })
	before := c.Snapshot()
	gone.Store(true)
	stop()
	eventually(t, "the loss is noticed", func() bool { return !c.Link().Lost.IsZero() })
	if l := c.Link(); l.Reason != "the engine ended" || time.Since(l.Lost) > 5*time.Second {
		t.Errorf("link %+v", l)
	}
	if c.Snapshot() != before {
		t.Error("the last truth is gone")
	}
	close(tries)
	eventually(t, "another try", func() bool { return c.Link().Tries > 0 && !c.Link().NextTry.IsZero() })
	if l := c.Link(); l.Reason != "there is no socket" {
		t.Errorf("link %+v", l)
	}
	f2, opt := newFake(), ServerOptions{}
	f2.publish(many(700))
	opt = testOptions(f2)
	start(t, path, opt, testLimits())
	eventually(t, "the new engine's snapshot", func() bool { return c.has(f2.Snapshot()) })
	if l := c.Link(); !l.Lost.IsZero() || l.Tries != 0 || l.Reason != "" || l.ReadOnly || l.Where != path {
		t.Errorf("link %+v", l)
	}
}

// TestSilenceIsALoss: an engine whose process stands still is lost, though the connection is open.
func TestSilenceIsALoss(t *testing.T) {
	f := newFake()
	path := socketPath(t)
	lim := testLimits()
	lim.beat = time.Hour
	stop := start(t, path, testOptions(f), lim)
	c := dial(t, path)
	c.lostAfter = 100 * time.Millisecond
	run(t, c)
	eventually(t, "the silence is noticed", func() bool { return c.Link().Reason == "nothing heard for 100ms" })
	// It still takes connections, and answers none.
	stop()
	quiet, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { quiet.Close() })
	eventually(t, "a try that lasts", func() bool {
		c.Retry()
		l := c.Link()
		return !l.Lost.IsZero() && l.NextTry.IsZero()
	})
}

// TestBeatsKeepTheLink: with nothing new the signs of life are enough, with the
// limits that people have.
func TestBeatsKeepTheLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, l := newFake(), piped{make(chan net.Conn), make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1) // the server's last word
		go func() { ended <- serve(ctx, l, testOptions(f), defaultLimits()) }()
		t.Cleanup(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
		c, err := Dial(t.Context(), "", ClientOptions{Dial: l.dial})
		if err != nil {
			t.Fatal(err)
		}
		run(t, c)
		eventually(t, "the first snapshot", func() bool { return c.has(f.Snapshot()) })
		for range 600 {
			time.Sleep(100 * time.Millisecond)
			if l := c.Link(); !l.Lost.IsZero() {
				t.Fatalf("lost: %+v", l)
			}
		}
	})
}

// piped is a listener in memory, for virtual time.
type piped struct {
	conns  chan net.Conn // dial → Accept
	closed chan struct{} // closed by Close
}

func (p piped) dial(context.Context) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p piped) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p piped) Close() error   { close(p.closed); return nil }
func (p piped) Addr() net.Addr { return &net.UnixAddr{} }

// TestStuckWatcher: a watcher that takes nothing delays nobody, is cut off, and leaves nothing behind.
func TestStuckWatcher(t *testing.T) {
	f := newFake()
	path := socketPath(t)
	lim := testLimits()
	lim.write, lim.streams = 200*time.Millisecond, 2
	start(t, path, testOptions(f), lim)
	s := many(1000)
	f.publish(s)
	stuck, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer stuck.Close()
	if _, err := io.WriteString(stuck, "GET /v1/stream HTTP/1.1\r\nHost: x\r\n"+headerStream+": "+streamVersion()+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	c := dial(t, path)
	run(t, c)
	r := rand.New(rand.NewPCG(1, 1))
	for range 20 { // random letters hardly compress: more than a socket holds
		next := *s
		next.States = nil
		for _, st := range s.States {
			x := *st
			b := make([]byte, 60)
			for i := range b {
				b[i] = byte('a' + r.IntN(26))
			}
			x.Message = string(b)
			next.States = append(next.States, &x)
		}
		f.publish(&next)
		eventually(t, "the other console sees it", func() bool { return c.has(&next) })
	}
	// The place of the stuck one comes free: with two streams at most, another one fits.
	eventually(t, "the stuck watcher is cut off", func() bool {
		_, err := c.Status(t.Context(), "", false)
		return err == nil
	})
}

func TestTooManyStreams(t *testing.T) {
	f := newFake()
	path := socketPath(t)
	lim := testLimits()
	lim.streams = 1
	start(t, path, testOptions(f), lim)
	c := dial(t, path)
	run(t, c)
	eventually(t, "the first snapshot", func() bool { return c.has(f.Snapshot()) })
	_, err := c.Status(t.Context(), "", false)
	if err == nil || !strings.Contains(err.Error(), "1 consoles and followers are attached already") {
		t.Errorf("%v", err)
	}
}

func TestStatus(t *testing.T) {
	f := newFake()
	c := dial(t, serveFake(t, f))
	for _, c2 := range []struct {
		page     string
		problems bool
		want     string
	}{{"", false, "api/v1 health?,mail,shop"}, {"", true, "mail,shop"}, {"public", false, "shop"}} {
		got, err := c.Status(t.Context(), c2.page, c2.problems)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, st := range got.Snapshot.States {
			names = append(names, st.Name)
		}
		if strings.Join(names, ",") != c2.want || got.Page != c2.page {
			t.Errorf("page %q: %q", c2.page, names)
		}
	}
	if _, err := c.Status(t.Context(), "private", false); err == nil || !strings.Contains(err.Error(), `no page "private"; there is public`) {
		t.Errorf("%v", err)
	}
}

// TestStatusOfAnotherVersion: the engine that was not restarted after an update
// still tells how everything is.
func TestStatusOfAnotherVersion(t *testing.T) {
	f := newFake()
	same := dial(t, serveFake(t, f))
	s := newServer(t.Context(), testOptions(f), testLimits())
	s.stream = "0.12345678"
	path := socketPath(t)
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	other := &http.Server{Handler: s}
	go other.Serve(l)
	defer other.Close()
	c := dial(t, path)
	for _, q := range []struct {
		page     string
		problems bool
	}{{"", false}, {"", true}, {"public", false}} {
		want, err := same.Status(t.Context(), q.page, q.problems)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Status(t.Context(), q.page, q.problems)
		if err != nil {
			t.Fatal(err)
		}
		a, errA := json.Marshal(uptime.FullStatus(want))
		b, errB := json.Marshal(uptime.FullStatus(got))
		if string(a) != string(b) || errA != nil || errB != nil {
			t.Errorf("page %q, problems %v:\n%s\nwant\n%s", q.page, q.problems, b, a)
		}
	}
	if _, err := c.Status(t.Context(), "private", false); err == nil || !strings.Contains(err.Error(), `no page "private"; there is public`) {
		t.Errorf("%v", err)
	}
}

func TestOtherVersion(t *testing.T) {
	f := newFake()
	path := serveFake(t, f)
	got := curl(t, path, "GET /v1/stream HTTP/1.1\nHost: x\nConnection: close\n"+headerStream+": 0.12345678\n\n")
	for _, want := range []string{"409 ", "this engine is lookout 0.1.0 and its console stream " + streamVersion() + ", yours is 0.12345678", "restart the engine"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in %s", want, got)
		}
	}
}

// TestConsoleOfAnotherVersion: whoever was updated knows before it shows
// anything, and a console that lives through an update learns why it is blind.
func TestConsoleOfAnotherVersion(t *testing.T) {
	path := socketPath(t)
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	old := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/hello" {
			io.WriteString(w, `{"version":1,"kind":"hello","lookout":"0.0.9","stream":"1.00000000"}`)
			return
		}
		w.WriteHeader(http.StatusConflict)
		io.WriteString(w, `{"error":"this engine is lookout 0.0.9"}`)
	})}
	go old.Serve(l)
	defer old.Close()
	c, err := Dial(t.Context(), path, ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	h, err := c.Hello(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := "this engine is lookout 0.0.9 and its console stream 1.00000000, yours is " + streamVersion()
	if why := h.Speaks(); why == nil || !strings.Contains(why.Error(), want) {
		t.Errorf("got %v, want %s", why, want)
	}
	if h.Stream = streamVersion(); h.Speaks() != nil {
		t.Errorf("its own version: %v", h.Speaks())
	}
	_, alive, err := c.watch(t.Context())
	c.lost(err, alive, time.Second)
	if link := c.Link(); !link.Refused || link.Reason != "this engine is lookout 0.0.9" {
		t.Errorf("%+v", link)
	}
	old.Close()
	_, alive, err = c.watch(t.Context())
	c.lost(err, alive, time.Second)
	if link := c.Link(); link.Refused || link.Lost.IsZero() {
		t.Errorf("then gone: %+v", link)
	}
}

func TestServeReportsALostListener(t *testing.T) {
	l, err := Listen(socketPath(t), "")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := Serve(t.Context(), l, testOptions(newFake())); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v", err)
	}
}
