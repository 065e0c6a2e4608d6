package api

import (
	"context"
	"net"
	"net/http/httptest"
	"os"
	"os/user"
	"strconv"
	"testing"
	"time"
)

func TestPeerOfASocket(t *testing.T) {
	l, err := Listen(socketPath(t), "")
	if err != nil {
		t.Fatal(err)
	}
	g := newGuard(l, 1)
	defer g.Close()
	c, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	served, err := g.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer served.Close()
	if p := served.(*conn).peer; !p.known || p.uid != os.Getuid() {
		t.Errorf("peer %+v, want uid %d", p, os.Getuid())
	}
}

func TestActor(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Skip(err)
	}
	nobody := 54321 // no such user
	for _, c := range []struct {
		name     string
		peer     peer
		as       string
		operator string
		want     string // "": refused
	}{
		{"the engine's own user", peer{os.Geteuid(), true}, "", "", me.Username},
		{"root for another", peer{0, true}, "jo", "", "jo"},
		{"root for a hostile name", peer{0, true}, "jo\nroot", "", "jo root"},
		{"another for another", peer{nobody, true}, "root", "", ""},
		{"another user", peer{nobody, true}, "", "", ""},
		{"an operator", peer{nobody, true}, "", "uid " + strconv.Itoa(nobody), "uid " + strconv.Itoa(nobody)},
		{"an operator for another", peer{nobody, true}, "root", "uid " + strconv.Itoa(nobody), ""},
		{"nobody knows who", peer{}, "", "unknown", ""},
	} {
		opt := ServerOptions{Config: func() Config { return Config{Operators: []string{c.operator}} }}
		s := newServer(t.Context(), opt, testLimits())
		r := httptest.NewRequest("POST", "/v1/reload", nil)
		r = r.WithContext(context.WithValue(r.Context(), peerKey{}, c.peer))
		if c.as != "" {
			r.Header.Set(headerAs, c.as)
		}
		got, err := s.actor(r)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q, %v, want %q", c.name, got, err, c.want)
		}
	}
}

// TestGuardLimits checks that a connection beyond the limit waits for a place, and gets it.
func TestGuardLimits(t *testing.T) {
	l, err := Listen(socketPath(t), "")
	if err != nil {
		t.Fatal(err)
	}
	g := newGuard(l, 1)
	accepted := make(chan net.Conn, 3) // acceptor out: room for all that the test opens
	done := make(chan struct{})        // closed when the acceptor ends
	go func() {
		defer close(done)
		for {
			c, err := g.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	for range 2 {
		c, err := net.Dial("unix", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	first := <-accepted
	select {
	case <-accepted:
		t.Fatal("two at once")
	case <-time.After(30 * time.Millisecond):
	}
	first.Close()
	first.Close() // twice makes no second place
	second := <-accepted
	g.Close()
	<-done
	second.Close()
}
