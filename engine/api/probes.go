package api

import (
	"context"
	"fmt"
	"net/http"

	"lookout/engine/uptime"
)

// probes serves /v1/probes: who checks elsewhere, and the broker between.
func (s *server) probes(w http.ResponseWriter, _ *http.Request) error {
	snap, err := s.snapshot()
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, snap.Remotes())
	return nil
}

// noteBody is the body of an action that has no end.
type noteBody struct {
	Note string `json:"note,omitempty"`
}

// voting serves POST /v1/probes/LOCATION/NAME/{exclude,include}.
func (s *server) voting(do func(b Backend, ctx context.Context, probe, by, note string) error, effect string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		by, err := s.actor(r)
		if err != nil {
			return err
		}
		var b noteBody
		if err := readJSON(w, r, &b); err != nil {
			return err
		}
		id, err := s.probe(r.PathValue("location"), r.PathValue("name"))
		if err != nil {
			return err
		}
		ctx, cancel := within(r)
		defer cancel()
		if err := do(s.opt.Backend, ctx, id, by, uptime.Clean(b.Note, 500)); err != nil {
			return err
		}
		done(w, http.StatusOK, nil, id+": "+effect)
		return nil
	}
}

// probe is LOCATION/NAME of a probe that is known: one that never said hello
// may be a slip of the pen.
func (s *server) probe(location, name string) (string, error) {
	snap, err := s.snapshot()
	if err != nil {
		return "", err
	}
	seen := false
	for i := range snap.Probes {
		p := &snap.Probes[i]
		if p.State == uptime.ProbeUnseen {
			continue
		}
		if seen = true; p.Location == location && p.Name == name {
			return p.ID(), nil
		}
	}
	e := &Error{http.StatusNotFound, fmt.Sprintf("there is no probe %s/%s", uptime.Clean(location, 80), uptime.Clean(name, 80)), "GET /v1/probes lists them"}
	if !seen {
		e.Hint = "none has said hello yet"
	}
	return "", e
}
