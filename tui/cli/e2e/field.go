package e2e

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Field is a website that is seen differently from different places: each says
// who it is in the query, which is a secret that everybody has another of.
type Field struct {
	URL    string
	server *http.Server

	mu  sync.Mutex
	bad map[string][]string // by page: the places that it fails for
	hit map[string]int      // by page and place
}

// NewField serves one on loopback until Close.
func NewField() (*Field, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f := &Field{URL: "http://" + l.Addr().String(), bad: map[string][]string{}, hit: map[string]int{}}
	f.server = &http.Server{Handler: f, ReadHeaderTimeout: 30 * time.Second}
	go f.server.Serve(l)
	return f, nil
}

// Close stops serving.
func (f *Field) Close() error { return f.server.Close() }

// ServeHTTP answers 200, and 503 who sees the page fail.
func (f *Field) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	who, page := r.URL.Query().Get("who"), strings.TrimPrefix(r.URL.Path, "/")
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hit[page+" "+who]++
	if slices.Contains(f.bad[page], who) || slices.Contains(f.bad[page], "all") {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

// Fails has a page fail for some places from now on, and for no others; "all" are all.
func (f *Field) Fails(page string, places ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bad[page] = places
}

// Seen is how often a place has looked at a page.
func (f *Field) Seen(page, place string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hit[page+" "+place]
}

// Monitor is the configuration of one of its pages, of the same name.
func (f *Field) Monitor(page, more string) string {
	return fmt.Sprintf("[[monitor]]\nname = %q\nurl = \"%s/%s?who=${secret:who}\"\ntimeout = \"1s\"\n%s\n", page, f.URL, page, more)
}
