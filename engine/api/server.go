package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	"lookout/engine/uptime"
)

const (
	maxBody   = 64 << 10 // of a request
	maxHeader = 16 << 10

	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	answerTimeout = 30 * time.Second // for the backend
	writeTimeout  = 60 * time.Second // of a whole answer
	idleTimeout   = 2 * time.Minute
	endTimeout    = time.Second // for answers under way when the server ends
)

// limits are what tests set lower.
type limits struct {
	conns   int
	streams int           // of the connections that last: /v1/stream and followed events
	write   time.Duration // of one piece to a stream: whoever takes nothing for so long is cut off
	beat    time.Duration // how often a watcher hears of us at least; see lostAfter
}

func defaultLimits() limits { return limits{256, 64, 10 * time.Second, time.Second} }

// server is the state of one Serve.
type server struct {
	limits
	opt     ServerOptions
	mux     *http.ServeMux
	ctx     context.Context // ends with the server
	running sync.WaitGroup  // handlers
	lasts   chan struct{}   // handlers in and out: one place for each connection that lasts
	stream  string          // version of the private stream
}

// Serve answers on the listener until ctx ends, closes it, and returns once
// every request has ended. It returns nil when ctx ended it.
func Serve(ctx context.Context, l net.Listener, opt ServerOptions) error {
	return serve(ctx, l, opt, defaultLimits())
}

func serve(ctx context.Context, l net.Listener, opt ServerOptions, lim limits) error {
	s := newServer(ctx, opt, lim)
	hs := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          log.New(io.Discard, "", 0), // what a client does wrong is the client's
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, peerKey{}, c.(*conn).peer)
		},
	}
	ended := make(chan error, 1) // the acceptor's only word, kept if we end first
	go func() { ended <- hs.Serve(newGuard(l, lim.conns)) }()
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	if hs.Shutdown(end) != nil {
		hs.Close()
	}
	if err == nil {
		err = <-ended
	}
	s.running.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("control socket: %w", err)
}

func newServer(ctx context.Context, opt ServerOptions, lim limits) *server {
	s := &server{limits: lim, opt: opt, ctx: ctx, stream: streamVersion(),
		lasts: make(chan struct{}, lim.streams)}
	s.routes()
	return s
}

func (s *server) config() Config {
	if s.opt.Config == nil {
		return Config{}
	}
	return s.opt.Config()
}

// handler answers a request, or returns the mistake.
type handler func(w http.ResponseWriter, r *http.Request) error

func (s *server) routes() {
	s.mux = http.NewServeMux()
	get := func(path string, h handler) { s.mux.HandleFunc("GET "+path, s.answer(h)) }
	do := func(pattern string, h handler) { s.mux.HandleFunc(pattern, s.answer(h)) }
	get("/v1/hello", s.hello)
	get("/v1/status", s.status)
	get("/v1/monitors", s.monitors)
	get("/v1/monitors/{name}", s.monitor)
	get("/v1/monitors/{name}/results", s.results)
	get("/v1/monitors/{name}/incidents", s.incidents)
	get("/v1/incidents", s.incidents)
	get("/v1/incidents/{number}", s.incident)
	get("/v1/events", s.events)
	get("/v1/pages", s.pages)
	get("/v1/pages/{page}", s.status)
	get("/v1/probes", s.probes)
	do("POST /v1/probes/{location}/{name}/exclude", s.voting(Backend.Exclude, "its vote does not count, and it checks nothing"))
	do("POST /v1/probes/{location}/{name}/include", s.voting(Backend.Include, "its vote counts again once it is live"))
	get("/v1/stream", s.watch)
	get("/v1/detail", s.detail)
	for _, v := range uptime.Verbs() {
		do("POST /v1/monitors/{name}/"+string(v), s.actOne(v))
	}
	do("POST /v1/act", s.actMany)
	if s.opt.Reload != nil {
		do("POST /v1/reload", s.reload)
	}
	if s.opt.Diff != nil {
		get("/v1/reload", s.diff)
	}
	if s.opt.CheckFrom != nil {
		do("POST /v1/check", s.checkFrom)
	}
	if s.opt.Stop != nil {
		do("POST /v1/stop", s.stop)
	}
	if s.opt.Add != nil {
		do("POST /v1/monitors", s.add)
	}
	if s.opt.Put != nil {
		do("PUT /v1/monitors/{name}", s.put)
	}
	if s.opt.Delete != nil {
		do("DELETE /v1/monitors/{name}", s.remove)
	}
}

// ServeHTTP finds the route, and answers in JSON where there is none.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.running.Add(1)
	defer s.running.Done()
	w.Header().Set("Cache-Control", "no-store")
	if h, pattern := s.mux.Handler(r); pattern == "" {
		var sink statusSink
		h.ServeHTTP(&sink, r)
		writeError(w, noRoute(r, &sink, w.Header()))
		return
	}
	s.mux.ServeHTTP(w, r)
}

// statusSink takes what the mux says of a path that it does not know.
type statusSink struct {
	header http.Header
	status int
}

func (k *statusSink) Header() http.Header {
	if k.header == nil {
		k.header = http.Header{}
	}
	return k.header
}
func (k *statusSink) WriteHeader(status int)      { k.status = status }
func (k *statusSink) Write(b []byte) (int, error) { return len(b), nil }

func noRoute(r *http.Request, k *statusSink, out http.Header) *Error {
	path := uptime.Clean(r.URL.Path, 200)
	if k.status == http.StatusMethodNotAllowed {
		allow := k.header.Get("Allow")
		out.Set("Allow", allow)
		return &Error{k.status, fmt.Sprintf("%s does not take %s", path, uptime.Clean(r.Method, 20)), "it takes " + allow}
	}
	return &Error{http.StatusNotFound, "there is no " + path, "the routes begin with /v1/; a name in a path is percent-encoded"}
}

// answer turns a handler's error, and its panic, into an answer.
func (s *server) answer(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler {
				writeError(w, &Error{http.StatusInternalServerError, fmt.Sprintf("a bug in lookout: %v", p), frameOf(debug.Stack())})
			} else if p != nil {
				panic(p)
			}
		}()
		if err := h(w, r); err != nil {
			writeError(w, asError(err))
		}
	}
}

// frameOf finds the place in a stack at which a panic was raised.
func frameOf(stack []byte) string {
	if _, after, ok := bytes.Cut(stack, []byte("panic(")); ok {
		if lines := bytes.Split(after, []byte("\n")); len(lines) > 3 {
			return uptime.Clean("please report it with "+filepath.Base(string(lines[3])), 200)
		}
	}
	return ""
}

func writeError(w http.ResponseWriter, e *Error) {
	e.Message, e.Hint = uptime.Clean(e.Message, 2048), uptime.Clean(e.Hint, 512)
	writeJSON(w, e.Status, e)
}

// writeJSON sends one object. An error in sending is the client's loss.
func writeJSON(w http.ResponseWriter, status int, v any) {
	var b bytes.Buffer
	if err := encode(&b, v); err != nil {
		b.Reset()
		status = http.StatusInternalServerError
		fmt.Fprintf(&b, "{\"error\":%q}\n", err.Error())
	}
	w.Header().Set("Content-Type", contentJSON)
	w.WriteHeader(status)
	w.Write(b.Bytes())
}

func encode(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// readJSON reads the body of a request into v. An empty one leaves it as it is.
func readJSON(w http.ResponseWriter, r *http.Request, v any) error {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	dec.DisallowUnknownFields()
	dec.UseNumber()
	err := dec.Decode(v)
	if err == io.EOF {
		return nil
	}
	if err == nil {
		if _, err = dec.Token(); err == io.EOF {
			return nil
		} else if err == nil {
			err = errors.New("something follows the object")
		}
	}
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		return &Error{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is longer than %d bytes", maxBody), ""}
	}
	return &Error{http.StatusBadRequest, "the body is no such JSON object: " + err.Error(), ""}
}

// within bounds how long the backend may take for an answer.
func within(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(r.Context(), answerTimeout)
}

// lasting takes one of the places of connections that last, and lifts the deadlines.
func (s *server) lasting(w http.ResponseWriter) (free func(), err error) {
	select {
	case s.lasts <- struct{}{}:
	default:
		return nil, &Error{http.StatusTooManyRequests, fmt.Sprintf("%d consoles and followers are attached already", s.limits.streams), "close one"}
	}
	rc := http.NewResponseController(w)
	if err := errors.Join(rc.SetReadDeadline(time.Time{}), rc.SetWriteDeadline(time.Time{})); err != nil {
		<-s.lasts
		return nil, err
	}
	return func() { <-s.lasts }, nil
}
