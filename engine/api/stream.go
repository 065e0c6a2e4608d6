package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"lookout/engine/uptime"
)

// speaks refuses a client that was built from other types.
func (s *server) speaks(r *http.Request) error {
	if v := r.Header.Get(headerStream); v != s.stream {
		return otherVersion(s.opt.Version, s.stream, v)
	}
	return nil
}

// otherVersion refuses a stream between programs of different versions.
func otherVersion(lookout, engine, console string) *Error {
	return &Error{http.StatusConflict,
		fmt.Sprintf("this engine is lookout %s and its console stream %s, yours is %s", uptime.Clean(lookout, 40), uptime.Clean(engine, 40), uptime.Clean(console, 40)),
		"attach with the same version, or restart the engine with yours"}
}

// Speaks says why no console of this program can show that engine; nil when it can.
func (h Hello) Speaks() error {
	if mine := streamVersion(); h.Stream != mine {
		return otherVersion(h.Lookout, h.Stream, mine)
	}
	return nil
}

// watch serves /v1/stream: a whole snapshot and then what changes, until the
// client goes. With ?once=1 it ends after the first; with ?page= and
// ?problems= that is narrowed as a status is.
func (s *server) watch(w http.ResponseWriter, r *http.Request) error {
	if err := s.speaks(r); err != nil {
		return err
	}
	q := r.URL.Query()
	once := isSet(q, "once")
	if !once && (q.Has("page") || q.Has("problems")) {
		return &Error{http.StatusBadRequest, "a part of the state can only be had once", "add once=1"}
	}
	first, err := s.narrow(r)
	if err != nil {
		return err
	}
	free, err := s.lasting(w)
	if err != nil {
		return err
	}
	defer free()
	w.Header().Set("Content-Type", contentFrames)
	w.WriteHeader(http.StatusOK)
	t := &watcher{rc: http.NewResponseController(w), timeout: s.write}
	if t.frames, err = newFrameWriter(w); err != nil {
		return nil
	}
	defer t.frames.z.Close()
	// From here on an error is a client that is gone, or too slow: the cut connection says it.
	if err := t.send(nil, first.Snapshot); err != nil || once {
		return nil
	}
	why := s.keep(r.Context(), t, first.Snapshot)
	if s.ctx.Err() != nil && t.ready() == nil && t.frames.frame(frameBye, []byte(why)) == nil {
		t.flush()
	}
	return nil
}

// watcher is one client of the stream.
type watcher struct {
	frames  *frameWriter
	rc      *http.ResponseController
	timeout time.Duration
}

func (t *watcher) ready() error { return t.rc.SetWriteDeadline(time.Now().Add(t.timeout)) }

func (t *watcher) flush() error {
	if err := t.frames.flush(); err != nil {
		return err
	}
	return t.rc.Flush()
}

// send brings the client from one snapshot to the next.
func (t *watcher) send(prev, next *uptime.Snapshot) error {
	return between(prev, next, time.Now(), func(p *part) error {
		if err := t.ready(); err != nil {
			return err
		}
		if err := t.frames.part(p); err != nil {
			return err
		}
		if p.Shown || p.Last {
			return t.flush()
		}
		return nil
	})
}

// keep sends what changes, and a sign of life where nothing does, and returns why it ended.
func (s *server) keep(ctx context.Context, t *watcher, have *uptime.Snapshot) string {
	for {
		wait, cancel := context.WithTimeout(ctx, s.beat)
		next, err := s.opt.Backend.Wait(wait, have.Seq)
		quiet := wait.Err() != nil
		cancel()
		switch {
		case ctx.Err() != nil:
			return "the engine is ending"
		case err == nil && next != nil:
			err = t.send(have, next)
			have = next
		case quiet:
			if err = t.ready(); err == nil {
				if err = t.frames.beat(time.Now()); err == nil {
					err = t.flush()
				}
			}
		}
		if err != nil {
			return err.Error()
		}
	}
}

// detail serves /v1/detail?monitor=&span_ms=, for consoles.
func (s *server) detail(w http.ResponseWriter, r *http.Request) error {
	if err := s.speaks(r); err != nil {
		return err
	}
	q := query{Values: r.URL.Query()}
	span := time.Duration(min(q.number("span_ms"), uint64(maxAhead/time.Millisecond))) * time.Millisecond
	if q.err != nil {
		return q.err
	}
	ctx, cancel := within(r)
	defer cancel()
	d, err := s.opt.Backend.Detail(ctx, q.Get("monitor"), span)
	if err != nil {
		return err
	}
	b := detailCodec().marshal(nil, &detailAnswer{d})
	w.Header().Set("Content-Type", contentFrames)
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(http.StatusOK)
	w.Write(b)
	return nil
}
