package api

import (
	"fmt"
	"net/http"
	"time"

	"lookout/engine/uptime"
)

// maxAhead is how far in the future an acknowledgement, a pause or a maintenance may end.
const maxAhead = 10 * 365 * 24 * time.Hour

// actBody is the body of everything that acts on monitors.
type actBody struct {
	Verb    string     `json:"verb,omitempty"`    // of /v1/act
	Targets []string   `json:"targets,omitempty"` // of /v1/act
	Until   *time.Time `json:"until,omitempty"`
	ForMS   *float64   `json:"for_ms,omitempty"`
	Note    string     `json:"note,omitempty"`
	Beat    string     `json:"beat,omitempty"` // of the verb beat: start, fail or an exit code; "" is well
}

type doneJSON struct {
	Version  int      `json:"version"`
	Kind     string   `json:"kind"`
	Monitors []string `json:"monitors"`
	Message  string   `json:"message,omitempty"`
}

func done(w http.ResponseWriter, status int, names []string, message string) {
	if names == nil {
		names = []string{}
	}
	writeJSON(w, status, doneJSON{1, "done", names, message})
}

// actOne serves POST /v1/monitors/NAME/VERB; NAME may be tag:T, group:G or #N.
func (s *server) actOne(v uptime.Verb) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		var b actBody
		if err := readJSON(w, r, &b); err != nil {
			return err
		}
		if b.Verb != "" || len(b.Targets) > 0 {
			return &Error{http.StatusBadRequest, "verb and targets are in the path", "or use POST /v1/act"}
		}
		return s.act(w, r, v, []string{r.PathValue("name")}, b)
	}
}

// actMany serves POST /v1/act, which names the verb and any number of targets.
func (s *server) actMany(w http.ResponseWriter, r *http.Request) error {
	var b actBody
	if err := readJSON(w, r, &b); err != nil {
		return err
	}
	for _, v := range uptime.Verbs() {
		if string(v) == b.Verb {
			return s.act(w, r, v, b.Targets, b)
		}
	}
	return &Error{http.StatusBadRequest, fmt.Sprintf("there is no verb %q", uptime.Clean(b.Verb, 40)), fmt.Sprint("it is one of ", uptime.Verbs())}
}

func (s *server) act(w http.ResponseWriter, r *http.Request, v uptime.Verb, targets []string, b actBody) error {
	by, err := s.actor(r)
	if err != nil {
		return err
	}
	if len(targets) == 0 {
		return &Error{http.StatusBadRequest, "no monitor is named", ""}
	}
	for _, t := range targets {
		if _, err := uptime.ParseSelector(t); err != nil {
			return err
		}
	}
	until, err := b.end(v, time.Now())
	if err != nil {
		return err
	}
	var signal uptime.Signal
	if v == uptime.VerbBeat {
		if signal, err = uptime.ParseSignal(b.Beat); err != nil {
			return err
		}
	} else if b.Beat != "" {
		return &Error{http.StatusBadRequest, "beat goes with the verb beat only", ""}
	}
	ctx, cancel := within(r)
	defer cancel()
	names, err := s.opt.Backend.Act(ctx, uptime.Action{Verb: v, Signal: signal, Targets: targets, Until: until, Note: uptime.Clean(b.Note, 500), By: by})
	if err != nil {
		return err
	}
	done(w, http.StatusOK, names, "")
	return nil
}

// end is when an action ends by itself; zero for never.
func (b *actBody) end(v uptime.Verb, now time.Time) (time.Time, error) {
	var until time.Time
	switch {
	case b.Until != nil && b.ForMS != nil:
		return until, &Error{http.StatusBadRequest, "until and for_ms exclude each other", "leave one out"}
	case b.Until != nil:
		until = b.Until.UTC()
	case b.ForMS != nil:
		if *b.ForMS > float64(maxAhead/time.Millisecond) {
			return until, &Error{http.StatusBadRequest, "for_ms is more than ten years", ""}
		}
		until = now.Add(time.Duration(*b.ForMS * float64(time.Millisecond))).UTC().Truncate(time.Millisecond)
	default:
		return until, nil
	}
	switch v {
	case uptime.VerbPause, uptime.VerbAck, uptime.VerbMaintain:
	default:
		return until, &Error{http.StatusBadRequest, fmt.Sprintf("%s has no end", v), "leave out until and for_ms"}
	}
	if !until.After(now) || until.Sub(now) > maxAhead {
		return until, &Error{http.StatusBadRequest, "the end is not in the next ten years: " + until.Format(time.RFC3339), ""}
	}
	return until, nil
}

func (s *server) reload(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.actor(r); err != nil {
		return err
	}
	ctx, cancel := within(r)
	defer cancel()
	message, err := s.opt.Reload(ctx)
	if err != nil {
		return unread(err)
	}
	done(w, http.StatusOK, nil, message)
	return nil
}

// unread is the answer where a configuration cannot be read again.
func unread(err error) error {
	if e := asError(err); e.Status != http.StatusInternalServerError {
		return e
	}
	return &Error{http.StatusUnprocessableEntity, err.Error(), "the configuration in force stays"}
}

// diff says what a reload would change. It reads files as the engine may, and
// takes as long as a reload: it is for those who may do that.
func (s *server) diff(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.actor(r); err != nil {
		return err
	}
	ctx, cancel := within(r)
	defer cancel()
	d, err := s.opt.Diff(ctx)
	if err != nil {
		return unread(err)
	}
	writeJSON(w, http.StatusOK, d)
	return nil
}

func (s *server) stop(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.actor(r); err != nil {
		return err
	}
	w.Header().Set("Connection", "close")
	done(w, http.StatusAccepted, nil, "the engine is ending")
	if err := http.NewResponseController(w).Flush(); err != nil {
		return nil // whoever asked is gone, and meant it all the same
	}
	s.opt.Stop()
	return nil
}
