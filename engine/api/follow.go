package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"time"

	"lookout/engine/uptime"
)

const (
	firstRetry = 250 * time.Millisecond
	lastRetry  = 4 * time.Second
)

// errEnded reports that the engine said goodbye.
var errEnded = errors.New("the engine ended")

// Run keeps the snapshot fresh until ctx ends. When the engine does not answer,
// Link says so within two seconds, the last snapshot stays, and Run tries again
// for as long as it takes.
func (c *Client) Run(ctx context.Context) {
	defer c.Close()
	retry := firstRetry
	for ctx.Err() == nil {
		c.trying()
		seen, alive, err := c.watch(ctx)
		if ctx.Err() != nil {
			return
		}
		if seen {
			retry = firstRetry
		}
		c.lost(err, alive, retry)
		t := time.NewTimer(retry)
		select {
		case <-ctx.Done():
			t.Stop()
		case <-c.again:
			t.Stop()
		case <-t.C:
		}
		retry = min(2*retry, lastRetry)
	}
}

// lost notes that the engine does not answer, since alive at the latest.
func (c *Client) lost(err error, alive time.Time, retry time.Duration) {
	l := c.Link()
	if l.Lost.IsZero() {
		l.Lost, l.Tries = alive, 0
	} else {
		l.Tries++
	}
	l.Refused = false
	var e *Error
	switch {
	case errors.As(err, &e):
		l.Reason, l.Refused = e.Error(), e.Status == http.StatusConflict
	case errors.Is(err, errEnded):
		l.Reason = errEnded.Error()
	default:
		l.Reason = reason(err)
	}
	l.NextTry = time.Now().Add(retry)
	c.link.Store(&l)
}

// trying notes that a try to reach a lost engine is under way.
func (c *Client) trying() {
	if l := c.Link(); !l.Lost.IsZero() {
		l.NextTry = time.Time{}
		c.link.Store(&l)
	}
}

// found notes that the engine answers.
func (c *Client) found() {
	if l := c.Link(); !l.Lost.IsZero() {
		l = uptime.Link{Attached: true, Where: l.Where, ReadOnly: c.opt.ReadOnly || !c.hello.Load().MayAct}
		c.link.Store(&l)
	}
}

// watch follows one stream to its end. It reports whether a snapshot came, and
// when the engine was last heard of.
func (c *Client) watch(ctx context.Context) (seen bool, alive time.Time, err error) {
	alive = time.Now()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silent := fmt.Errorf("nothing heard for %v", c.lostAfter)
	watchdog := time.AfterFunc(c.lostAfter, func() { cancel(silent) })
	defer watchdog.Stop()
	if !c.Link().Lost.IsZero() { // it may be another engine now
		if _, err := c.Hello(ctx); err != nil {
			if context.Cause(ctx) == silent {
				err = silent
			}
			return false, alive, err
		}
	}
	resp, err := c.do(ctx, http.MethodGet, "/v1/stream", nil)
	if err != nil {
		if context.Cause(ctx) == silent {
			err = silent
		}
		return false, alive, err
	}
	defer resp.Body.Close()
	heard := func() {
		alive = time.Now()
		watchdog.Reset(c.lostAfter)
	}
	frames, err := newFrameReader(hearing{resp.Body, heard})
	if err != nil {
		return false, alive, err
	}
	defer frames.close()
	var m mirror
	for {
		snap, err := c.next(frames, &m)
		if context.Cause(ctx) == silent {
			err = silent
		}
		if err != nil {
			return seen, alive, err
		}
		if snap == nil {
			continue
		}
		// A first glimpse of a new stream is not shown over the whole of the last.
		if m.snap != nil || c.snap.Load() == nil {
			c.snap.Store(snap)
		}
		seen = true
		c.found()
	}
}

// next reads a frame, and returns a snapshot if it makes one.
func (c *Client) next(frames *frameReader, m *mirror) (*uptime.Snapshot, error) {
	kind, payload, err := frames.next()
	if err != nil {
		return nil, err
	}
	switch kind {
	case framePart:
		p, err := readPart(payload)
		if err != nil {
			return nil, err
		}
		return m.take(p)
	case frameBeat:
		return nil, nil
	case frameBye:
		return nil, errEnded
	}
	return nil, errFrame
}

// hearing notes that something came.
type hearing struct {
	r     io.Reader
	heard func()
}

func (h hearing) Read(b []byte) (int, error) {
	n, err := h.r.Read(b)
	if n > 0 {
		h.heard()
	}
	return n, err
}

// Status asks for the whole state once, or for a page of it, or for its
// problems: over the stream, which takes a tenth of the time with very many
// monitors, and from an engine of another version as the public object.
func (c *Client) Status(ctx context.Context, page string, problems bool) (uptime.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	q := params{}
	q.text("page", page)
	if problems {
		q.text("problems", "1")
	}
	s, err := c.statusOnce(ctx, q)
	var e *Error
	if !errors.As(err, &e) || e.Status != http.StatusConflict {
		return s, err
	}
	q.text("full", "1")
	var full uptime.FullStatus
	err = c.call(ctx, http.MethodGet, "/v1/status"+q.String(), nil, &full)
	if err == nil && full.Snapshot == nil {
		err = c.failed(io.ErrUnexpectedEOF)
	}
	return uptime.Status(full), err
}

// statusOnce reads the first snapshot of the stream.
func (c *Client) statusOnce(ctx context.Context, q params) (uptime.Status, error) {
	q = maps.Clone(q)
	q.text("once", "1")
	resp, err := c.do(ctx, http.MethodGet, "/v1/stream"+q.String(), nil)
	if err != nil {
		return uptime.Status{}, err
	}
	defer resp.Body.Close()
	frames, err := newFrameReader(resp.Body)
	if err != nil {
		return uptime.Status{}, err
	}
	defer frames.close()
	var m mirror
	for m.snap == nil {
		if _, err := c.next(frames, &m); err != nil {
			return uptime.Status{}, c.failed(err)
		}
	}
	s := uptime.Status{Snapshot: m.snap}
	if page := q["page"]; len(page) > 0 {
		s.Page = page[0]
	}
	return s, nil
}
