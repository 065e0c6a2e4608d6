package api

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// events serves /v1/events: a list, or with ?follow=1 one event a line as they happen.
func (s *server) events(w http.ResponseWriter, r *http.Request) error {
	q := query{Values: r.URL.Query()}
	eq := uptime.EventQuery{After: q.number("after"), Before: q.number("before"), Monitor: q.Get("monitor"),
		Since: q.time("since"), Until: q.time("until"), Limit: q.limit()}
	for k := range strings.SplitSeq(q.Get("kind"), ",") {
		if k != "" {
			eq.Kinds = append(eq.Kinds, uptime.EventKind(k))
		}
	}
	if q.err != nil {
		return q.err
	}
	if isSet(q.Values, "follow") {
		return s.follow(w, r, eq, q.Has("after"))
	}
	ctx, cancel := within(r)
	defer cancel()
	list, err := s.opt.Backend.Events(ctx, eq)
	if err != nil {
		return err
	}
	return writeList(w, "events", list)
}

// follow streams events as lines, from the one after a number or from now. It
// reads them from the log by number, so a slow reader costs nothing but time;
// one that takes nothing for ten seconds is cut off and can go on by number.
func (s *server) follow(w http.ResponseWriter, r *http.Request, eq uptime.EventQuery, resume bool) error {
	if eq.Before != 0 || !eq.Until.IsZero() {
		return &Error{http.StatusBadRequest, "before and until have no meaning with follow", "leave them out"}
	}
	snap, err := s.snapshot()
	if err != nil {
		return err
	}
	free, err := s.lasting(w)
	if err != nil {
		return err
	}
	defer free()
	if !resume {
		eq.After = snap.Events
	}
	w.Header().Set("Content-Type", contentLines)
	w.WriteHeader(http.StatusOK)
	rc := http.NewResponseController(w)
	if rc.Flush() != nil {
		return nil
	}
	for ctx := r.Context(); ctx.Err() == nil; {
		list, err := s.opt.Backend.Events(ctx, eq)
		if err != nil {
			return nil // the status line is out; the cut connection says it
		}
		if len(list) > 0 {
			if err := s.writeLines(w, rc, list); err != nil {
				return nil
			}
			eq.After = list[len(list)-1].ID
			continue
		}
		// What the filter left out need not be looked at again.
		eq.After = max(eq.After, snap.Events)
		for snap.Events <= eq.After && err == nil {
			var next *uptime.Snapshot
			if next, err = s.opt.Backend.Wait(ctx, snap.Seq); err == nil {
				snap = next
			}
		}
		if err != nil {
			break
		}
	}
	if s.ctx.Err() == nil {
		return nil // whoever followed is gone, or the engine is: both know
	}
	// The server ends with its engine: the last that happened is still to be told.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), endTimeout)
	defer cancel()
	if list, err := s.opt.Backend.Events(ctx, eq); err == nil && len(list) > 0 {
		_ = s.writeLines(w, rc, list)
	}
	return nil
}

func (s *server) writeLines(w http.ResponseWriter, rc *http.ResponseController, list []uptime.Event) error {
	var b bytes.Buffer
	for i := range list {
		if err := encode(&b, &list[i]); err != nil {
			return err
		}
	}
	if err := rc.SetWriteDeadline(time.Now().Add(s.write)); err != nil {
		return err
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return err
	}
	return rc.Flush()
}
