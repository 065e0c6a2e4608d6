package api

import (
	"context"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestHostileRequests checks that nothing sent keeps the server from answering others.
func TestHostileRequests(t *testing.T) {
	path := serveFake(t, newFake())
	for name, c := range map[string]struct{ request, want string }{
		"garbage":       {"\x00\x01\x02\n\n", "400 "},
		"a huge header": {"GET /v1/status HTTP/1.1\nHost: x\nX: " + strings.Repeat("x", 1<<20) + "\n\n", ""},
		"a step up":     {get("/v1/../../etc/passwd"), "404 "},
		"escapes":       {get("/v1/%1b%5b2K%0aDOWN"), `there is no /v1/[2K DOWN`},
		"a bad escape":  {get("/v1/%zz"), "400 "},
		"deep JSON":     {post("/v1/act", strings.Repeat("[", 30000)), "400 "},
		"bad time":      {get("/v1/events?since=%00"), "400 "},
	} {
		if got := curl(t, path, c.request); !strings.Contains(got, c.want) || strings.Contains(got, "\x1b") {
			t.Errorf("%s: %.300q, want %q", name, got, c.want)
		}
	}
	if got := curl(t, path, get("/v1/hello")); !strings.HasPrefix(got, "HTTP/1.1 200") {
		t.Errorf("afterwards: %s", got)
	}
}

// TestServeEnds checks that Serve takes idle, half-sent and following connections with it, in good time.
func TestServeEnds(t *testing.T) {
	before := runtime.NumGoroutine()
	path := socketPath(t)
	stop := start(t, path, testOptions(newFake()), testLimits())
	var conns []net.Conn
	for _, request := range []string{"", "GET /v1/hel", "GET /v1/events?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /v1/stream HTTP/1.1\r\nHost: x\r\n" + headerStream + ": " + streamVersion() + "\r\n\r\n",
		"POST /v1/act HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"} {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Write([]byte(request)); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	curl(t, path, get("/v1/hello")) // the server is past accepting the others
	begin := time.Now()
	stop()
	if d := time.Since(begin); d > endTimeout+2*time.Second {
		t.Errorf("it took %v", d)
	}
	for _, c := range conns {
		c.Close()
	}
	eventually(t, "every goroutine ends", func() bool { return runtime.NumGoroutine() <= before+1 })
}

func TestServeWithEndedContext(t *testing.T) {
	l, err := Listen(socketPath(t), "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Serve(ctx, l, testOptions(newFake())); err != nil {
		t.Errorf("%v", err)
	}
	if _, err := net.Dial("unix", l.Addr().String()); err == nil {
		t.Error("the socket is still there")
	}
}
