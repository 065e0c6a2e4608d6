package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"lookout/engine/uptime"
)

const (
	maxAnswer   = 1 << 30 // of what is read of an answer
	dialTimeout = 2 * time.Second
	callTimeout = 35 * time.Second // longer than the server's own, whose words are better
)

// ClientOptions say how a client reaches its engine. The zero value dials the socket.
type ClientOptions struct {
	// Dial opens a connection to the engine's socket; nil dials it here.
	Dial     func(ctx context.Context) (net.Conn, error)
	Where    string // what people call the place; "": the socket's path
	ReadOnly bool   // refuse to act, whatever the engine would allow
	As       string // root only: in whose name it acts
}

// Client speaks to an engine over its socket. Run keeps its snapshot fresh; all
// other methods may be called from many goroutines, with Run or without.
type Client struct {
	opt   ClientOptions
	http  *http.Client
	hello atomic.Pointer[Hello]
	snap  atomic.Pointer[uptime.Snapshot]
	link  atomic.Pointer[uptime.Link]

	again     chan struct{} // Retry → Run; one slot: a second wish adds nothing to the first
	lostAfter time.Duration // without a byte from the engine; longer than the server's beat
}

// Dial reaches the engine on a socket and asks who it is. It fails with
// uptime.ErrNoEngine where nothing answers.
func Dial(ctx context.Context, path string, opt ClientOptions) (*Client, error) {
	if opt.Where == "" {
		opt.Where = path
	}
	dial := opt.Dial
	if dial == nil {
		dial = func(ctx context.Context) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		}
	}
	c := &Client{opt: opt, again: make(chan struct{}, 1), lostAfter: 2 * time.Second, http: &http.Client{
		Transport: &http.Transport{
			DialContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
			DisableCompression:  true,
			MaxIdleConnsPerHost: 2,
			IdleConnTimeout:     time.Minute,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if _, err := c.Hello(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Close gives up the connections that no call is using.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Snapshot is the newest that has come; nil before the first. Of the very first
// one the problems come a moment before all the rest: its Counts are of the whole.
func (c *Client) Snapshot() *uptime.Snapshot { return c.snap.Load() }

// Link says since when the engine does not answer, if it does not.
func (c *Client) Link() uptime.Link { return *c.link.Load() }

// Retry has Run try at once to reach an engine that is lost. It never waits.
func (c *Client) Retry() {
	select {
	case c.again <- struct{}{}:
	default:
	}
}

// Hello asks the engine who it is.
func (c *Client) Hello(ctx context.Context) (Hello, error) {
	var h Hello
	if err := c.call(ctx, http.MethodGet, "/v1/hello", nil, &h); err != nil {
		return h, err
	}
	c.hello.Store(&h)
	link := uptime.Link{Attached: true, Where: c.opt.Where, ReadOnly: c.opt.ReadOnly || !h.MayAct}
	c.link.CompareAndSwap(nil, &link)
	return h, nil
}

// Detail is one monitor in depth, with its latency over span.
func (c *Client) Detail(ctx context.Context, name string, span time.Duration) (*uptime.Detail, error) {
	q := params{}
	q.text("monitor", name)
	q.number("span_ms", uint64(max(span, 0)/time.Millisecond))
	resp, err := c.do(ctx, http.MethodGet, "/v1/detail"+q.String(), nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, c.failed(err)
	}
	var a detailAnswer
	if err := detailCodec().unmarshal(b, &a); err != nil {
		return nil, err
	}
	return a.Detail, nil
}

// Events are those of the log that a query asks for.
func (c *Client) Events(ctx context.Context, q uptime.EventQuery) ([]uptime.Event, error) {
	var a struct{ Events []uptime.Event }
	err := c.call(ctx, http.MethodGet, "/v1/events"+eventParams(q).String(), nil, &a)
	return a.Events, err
}

// Incidents are those that a query asks for.
func (c *Client) Incidents(ctx context.Context, q uptime.IncidentQuery) ([]uptime.Incident, error) {
	if q.Number != 0 {
		var i uptime.Incident
		err := c.call(ctx, http.MethodGet, "/v1/incidents/"+strconv.FormatUint(q.Number, 10), nil, &i)
		if errors.Is(err, uptime.ErrNoMonitor) {
			return nil, nil
		}
		return []uptime.Incident{i}, err
	}
	p := params{}
	p.text("monitor", q.Monitor)
	p.span(q.Since, q.Until, q.Limit)
	var a struct{ Incidents []uptime.Incident }
	err := c.call(ctx, http.MethodGet, "/v1/incidents"+p.String(), nil, &a)
	return a.Incidents, err
}

// Results are those of one monitor.
func (c *Client) Results(ctx context.Context, q uptime.ResultQuery) ([]uptime.Result, error) {
	p := params{}
	p.text("location", q.Location)
	p.span(q.Since, q.Until, q.Limit)
	var a struct{ Results []uptime.Result }
	err := c.call(ctx, http.MethodGet, "/v1/monitors/"+escapeName(q.Monitor)+"/results"+p.String(), nil, &a)
	return a.Results, err
}

// Remotes is what the engine knows of its broker and its probes.
func (c *Client) Remotes(ctx context.Context) (uptime.Remotes, error) {
	var r uptime.Remotes
	err := c.call(ctx, http.MethodGet, "/v1/probes", nil, &r)
	return r, err
}

// Exclude has the vote of a probe, LOCATION/NAME, not count.
func (c *Client) Exclude(ctx context.Context, probe, note string) error {
	return c.write(ctx, http.MethodPost, probePath(probe)+"/exclude", noteBody{note}, nil)
}

// Include has the vote of a probe count again.
func (c *Client) Include(ctx context.Context, probe, note string) error {
	return c.write(ctx, http.MethodPost, probePath(probe)+"/include", noteBody{note}, nil)
}

func probePath(probe string) string {
	location, name, _ := strings.Cut(probe, "/")
	return "/v1/probes/" + escapeName(location) + "/" + escapeName(name)
}

// FollowEvents calls fn for each event after a number as it happens, until ctx
// ends, fn fails or the engine goes. It can go on after the last event's number.
func (c *Client) FollowEvents(ctx context.Context, after uint64, fn func(uptime.Event) error) error {
	resp, err := c.do(ctx, http.MethodGet, "/v1/events?follow=1&after="+strconv.FormatUint(after, 10), nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	for dec := json.NewDecoder(resp.Body); ; {
		var e uptime.Event
		switch err := dec.Decode(&e); {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return c.failed(err)
		}
		if err := fn(e); err != nil {
			return err
		}
	}
}

// Act does what a person asked, and returns the names of the monitors that it changed.
func (c *Client) Act(ctx context.Context, a uptime.Action) ([]string, error) {
	if c.opt.ReadOnly {
		return nil, fmt.Errorf("%w: this console is read-only", uptime.ErrNotAllowed)
	}
	body := actBody{Verb: string(a.Verb), Note: a.Note}
	if !a.Until.IsZero() {
		body.Until = &a.Until
	}
	if a.Verb == uptime.VerbBeat {
		body.Beat = a.Signal.String()
	}
	var names []string
	for targets := a.Targets; ; {
		body.Targets, targets = batch(targets, maxBody/2)
		var d doneJSON
		if err := c.call(ctx, http.MethodPost, "/v1/act", body, &d); err != nil {
			return names, err
		}
		if names = append(names, d.Monitors...); len(targets) == 0 {
			return names, nil
		}
	}
}

// batch cuts off as many targets as fit into a body.
func batch(targets []string, room int) (head, tail []string) {
	for i, t := range targets {
		if room -= 2*len(t) + 4; room < 0 && i > 0 {
			return targets[:i], targets[i:]
		}
	}
	return targets, nil
}

// Reload has the engine read its configuration again and says in one line what changed.
func (c *Client) Reload(ctx context.Context) (string, error) {
	var d doneJSON
	err := c.write(ctx, http.MethodPost, "/v1/reload", nil, &d)
	return d.Message, err
}

// Diff asks what Reload would change and decodes the answer.
func (c *Client) Diff(ctx context.Context, answer any) error {
	return c.call(ctx, http.MethodGet, "/v1/reload", nil, answer)
}

// Stop ends the engine.
func (c *Client) Stop(ctx context.Context) error {
	return c.write(ctx, http.MethodPost, "/v1/stop", nil, nil)
}

// Add appends a monitor to the managed file and returns its name. Fields are the keys of [[monitor]].
func (c *Client) Add(ctx context.Context, fields map[string]any) (name string, err error) {
	var d doneJSON
	err = c.write(ctx, http.MethodPost, "/v1/monitors", fields, &d)
	if len(d.Monitors) > 0 {
		name = d.Monitors[0]
	}
	return name, err
}

func (c *Client) write(ctx context.Context, method, path string, body, answer any) error {
	if c.opt.ReadOnly {
		return fmt.Errorf("%w: this console is read-only", uptime.ErrNotAllowed)
	}
	return c.call(ctx, method, path, body, answer)
}

// call sends a request with a JSON body and decodes the answer.
func (c *Client) call(ctx context.Context, method, path string, body, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	resp, err := c.do(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if answer == nil {
		answer = &struct{}{}
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(answer); err != nil {
		return c.failed(err)
	}
	return nil
}

// do sends a request. The answer's body is the caller's to close.
func (c *Client) do(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var b []byte
	if body != nil {
		var err error
		if b, err = json.Marshal(body); err != nil {
			return nil, uptime.Invalid("%w", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://lookout"+path, bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	req.Header.Set(headerStream, streamVersion())
	if c.opt.As != "" {
		req.Header.Set(headerAs, c.opt.As)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.failed(err)
	}
	if resp.StatusCode >= 300 {
		defer resp.Body.Close()
		return nil, readError(resp)
	}
	return resp, nil
}

func readError(resp *http.Response) error {
	e := &Error{Status: resp.StatusCode}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxBody)).Decode(e); err != nil || e.Message == "" {
		e.Message = "the engine answers " + resp.Status
	}
	e.Message, e.Hint = uptime.Clean(e.Message, 2048), uptime.Clean(e.Hint, 512)
	return e
}

// failed says that nothing answers, and why, for people.
func (c *Client) failed(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w at %s: %s", uptime.ErrNotAllowed, c.opt.Where, reason(err))
	}
	return &unreachable{c.opt.Where, err}
}

// unreachable reports that nothing answers at a place.
type unreachable struct {
	where string
	cause error
}

func (u *unreachable) Error() string {
	return fmt.Sprintf("%v at %s: %s", uptime.ErrNoEngine, u.where, reason(u.cause))
}

func (u *unreachable) Unwrap() []error { return []error{uptime.ErrNoEngine, u.cause} }

// reason puts a failed connection into a few words.
func reason(err error) string {
	var un *unreachable
	if errors.As(err, &un) {
		err = un.cause
	}
	var errno syscall.Errno
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no socket"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.As(err, &errno):
		return errno.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection ended"
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return uptime.Clean(err.Error(), 200)
}

// escapeName encodes a name for a path. A name of dots would be taken for a step up.
func escapeName(name string) string {
	if strings.Trim(name, ".") == "" {
		return strings.ReplaceAll(name, ".", "%2E")
	}
	return url.PathEscape(name)
}

// params are those parameters that are set.
type params map[string][]string

func (p params) text(key, v string) {
	if v != "" {
		p[key] = []string{v}
	}
}

func (p params) number(key string, n uint64) {
	if n != 0 {
		p.text(key, strconv.FormatUint(n, 10))
	}
}

func (p params) span(since, until time.Time, limit int) {
	for key, t := range map[string]time.Time{"since": since, "until": until} {
		if !t.IsZero() {
			p.text(key, t.UTC().Format(time.RFC3339Nano))
		}
	}
	p.number("limit", uint64(max(limit, 0)))
}

// String is the query of a URL, with its question mark.
func (p params) String() string {
	if len(p) == 0 {
		return ""
	}
	return "?" + url.Values(p).Encode()
}

func eventParams(q uptime.EventQuery) params {
	p := params{}
	p.number("after", q.After)
	p.number("before", q.Before)
	p.text("monitor", q.Monitor)
	kinds := make([]string, len(q.Kinds))
	for i, k := range q.Kinds {
		kinds[i] = string(k)
	}
	p.text("kind", strings.Join(kinds, ","))
	p.span(q.Since, q.Until, q.Limit)
	return p
}
