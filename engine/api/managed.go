package api

import (
	"context"
	"encoding/json"
	"net/http"
)

// add serves POST /v1/monitors.
func (s *server) add(w http.ResponseWriter, r *http.Request) error {
	fields, err := s.fields(w, r)
	if err != nil {
		return err
	}
	ctx, cancel := writing(r)
	defer cancel()
	name, err := s.opt.Add(ctx, fields)
	if err != nil {
		return unchanged(err)
	}
	w.Header().Set("Location", "/v1/monitors/"+escapeName(name))
	done(w, http.StatusCreated, []string{name}, "")
	return nil
}

// put serves PUT /v1/monitors/NAME.
func (s *server) put(w http.ResponseWriter, r *http.Request) error {
	fields, err := s.fields(w, r)
	if err != nil {
		return err
	}
	ctx, cancel := writing(r)
	defer cancel()
	name := r.PathValue("name")
	if err := s.opt.Put(ctx, name, fields); err != nil {
		return unchanged(err)
	}
	done(w, http.StatusOK, []string{name}, "")
	return nil
}

// remove serves DELETE /v1/monitors/NAME.
func (s *server) remove(w http.ResponseWriter, r *http.Request) error {
	if err := s.owner(r); err != nil {
		return err
	}
	ctx, cancel := writing(r)
	defer cancel()
	if err := s.opt.Delete(ctx, r.PathValue("name")); err != nil {
		return unchanged(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// fields reads the keys of a monitor from whoever may change them.
func (s *server) fields(w http.ResponseWriter, r *http.Request) (map[string]any, error) {
	if err := s.owner(r); err != nil {
		return nil, err
	}
	fields := map[string]any{}
	if err := readJSON(w, r, &fields); err != nil {
		return nil, err
	}
	if len(fields) == 0 {
		return nil, &Error{http.StatusBadRequest, "the body has no keys of a monitor", `it is an object such as {"name":"shop","url":"https://shop.example.com/"}`}
	}
	plain(fields)
	return fields, nil
}

// owner refuses everybody else: a monitor may name files and secrets, and send
// them wherever it likes.
func (s *server) owner(r *http.Request) error {
	if _, err := s.actor(r); err != nil {
		return err
	}
	if !peerOf(r.Context()).owner() {
		return &Error{http.StatusForbidden, "only the owner of the engine may change what is watched", "operators may pause, acknowledge and check"}
	}
	return nil
}

// writing bounds how long a change may take. It goes on when whoever asked is
// gone: what is written must come into force.
func writing(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(r.Context()), answerTimeout)
}

// unchanged is why the managed file was left as it is.
func unchanged(err error) error {
	e := asError(err)
	if e.Hint == "" {
		e.Hint = "nothing was changed"
	}
	return e
}

// plain turns the numbers of a decoded object into int64 where they are whole, else into float64.
func plain(v any) any {
	switch x := v.(type) {
	case map[string]any:
		for k := range x {
			x[k] = plain(x[k])
		}
	case []any:
		for i := range x {
			x[i] = plain(x[i])
		}
	case json.Number:
		if n, err := x.Int64(); err == nil {
			return n
		}
		f, _ := x.Float64() // the decoder has checked its form
		return f
	}
	return v
}
