package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// sites are websites that fail in ways of their own. Who asks says where it is,
// by a secret that each place has another of.
type sites struct {
	server *http.Server
	addr   string

	mu  sync.Mutex
	bad map[string][]string // by site: the places that it fails for
}

var names = []string{"shop", "blog", "cable", "api"}

func newSites(host string) (*sites, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, err
	}
	s := &sites{addr: l.Addr().String(), bad: make(map[string][]string)}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 5 * time.Second}
	go s.server.Serve(l) // ends with close
	return s, nil
}

func (s *sites) close() { s.server.Close() }

func (s *sites) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	places := s.bad[strings.TrimPrefix(r.URL.Path, "/")]
	s.mu.Unlock()
	if slices.Contains(places, r.URL.Query().Get("who")) {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "hello")
}

func (s *sites) fail(site string, places ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bad[site] = places
}

// config is what the engine watches of them.
func (s *sites) config() string {
	var b strings.Builder
	b.WriteString("[defaults]\ninterval = \"5s\"\ntimeout = \"2s\"\n")
	for _, n := range names {
		fmt.Fprintf(&b, "[[monitor]]\nname = %q\nurl = \"http://%s/%s?who=${secret:who}\"\n", n, s.addr, n)
		if n == "api" {
			b.WriteString("locations = [\"local\", \"fra\", \"nyc\", \"sgp\"]\n")
		}
	}
	return b.String()
}

// play has the blog fail for everybody, now and then, and the cable always and
// from here alone.
func (s *sites) play(ctx context.Context) {
	everywhere := append([]string{"local"}, places...)
	for _, step := range []struct {
		after time.Duration
		do    func()
	}{
		{25 * time.Second, func() { s.fail("cable", "local") }},
		{5 * time.Second, func() { s.fail("blog", everywhere...) }},
	} {
		if !pause(ctx, step.after) {
			return
		}
		step.do()
	}
	for {
		if !pause(ctx, 60*time.Second) {
			return
		}
		s.fail("blog")
		if !pause(ctx, 90*time.Second) {
			return
		}
		s.fail("blog", everywhere...)
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
