// Package api is the control API of an engine: HTTP over a unix socket, with
// the public objects of the interface as JSON, and its client.
//
// Beside the public routes the server has a private stream for attached
// consoles, /v1/stream: compressed frames that bring a whole snapshot,
// problems first, then what changed. Both ends must have been built from the
// same types, and the server refuses others with a sentence.
//
// The server pulls: it asks the engine for the next snapshot when a watcher
// has taken the last one, and compares what that watcher has with what there
// is now. Nothing queues up behind a slow watcher, there is no gap and no
// duplicate, and the engine never waits.
//
// Who may do what is the file system's and the kernel's to say: the socket is
// 0600, or 0660 for a group, and the peer's credentials say who acts.
package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"lookout/engine/uptime"
)

// Backend is the engine behind a server. All its methods may be called from
// many goroutines; those with a context wait for no longer than it lasts.
type Backend interface {
	// Snapshot is the newest; nil before the first.
	Snapshot() *uptime.Snapshot
	// Wait returns a snapshot whose Seq is larger than seq, as soon as there is one.
	Wait(ctx context.Context, seq uint64) (*uptime.Snapshot, error)
	Detail(ctx context.Context, name string, span time.Duration) (*uptime.Detail, error)
	Events(ctx context.Context, q uptime.EventQuery) ([]uptime.Event, error)
	Incidents(ctx context.Context, q uptime.IncidentQuery) ([]uptime.Incident, error)
	Results(ctx context.Context, q uptime.ResultQuery) ([]uptime.Result, error)
	// Act returns the names of the monitors that it changed.
	Act(ctx context.Context, a uptime.Action) ([]string, error)
	// Exclude has the vote of a probe, LOCATION/NAME, not count, and Include has it count again.
	Exclude(ctx context.Context, probe, by, note string) error
	Include(ctx context.Context, probe, by, note string) error
}

// Config is the part of an instance's configuration that the server obeys.
type Config struct {
	Path      string // "" without a file
	Pages     []uptime.Page
	Operators []string // users who may act though they are only in the socket's group
}

// ServerOptions say what a server serves. A hook that is nil has no route.
type ServerOptions struct {
	Backend Backend
	Version string // of lookout
	PID     int
	Started time.Time
	Config  func() Config // as it is now; nil: the zero value

	Reload func(ctx context.Context) (string, error) // reads the configuration again, says in a line what changed
	Diff   func(ctx context.Context) (any, error)    // what Reload would change, as it is to be written in JSON
	Stop   func()                                    // begins the end of the engine and returns at once

	// CheckFrom checks a monitor, or a URL, once at a location, and stores nothing.
	CheckFrom func(ctx context.Context, target, location string) (uptime.Result, error)

	// The managed file. Fields are the keys of [[monitor]], numbers as int64 or
	// float64. Their errors are Errors, where the status matters; Add returns the name.
	Add    func(ctx context.Context, fields map[string]any) (name string, err error)
	Put    func(ctx context.Context, name string, fields map[string]any) error
	Delete func(ctx context.Context, name string) error
}

// Hello says who answers on a socket.
type Hello struct {
	Version  int       `json:"version"`
	Kind     string    `json:"kind"`
	Lookout  string    `json:"lookout"` // the version of the program
	PID      int       `json:"pid"`
	Config   string    `json:"config"` // path of the configuration; "" without one
	Instance string    `json:"instance"`
	Started  time.Time `json:"started"`
	You      string    `json:"you"` // who is asking
	MayAct   bool      `json:"may_act"`
	Stream   string    `json:"stream"` // version of the private stream
}

// The header fields of the API.
const (
	headerAs     = "X-Lookout-As"   // root says for whom it acts
	headerStream = "Lookout-Stream" // version of the private stream
)

const (
	contentJSON   = "application/json"
	contentLines  = "application/x-ndjson"
	contentFrames = "application/x-lookout-frames"
)

// Error is a mistake as the API reports it.
type Error struct {
	Status  int    `json:"-"` // of HTTP
	Message string `json:"error"`
	Hint    string `json:"hint,omitempty"`
}

// Error is the message and what to do about it.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + "; " + e.Hint
}

// sentinels are the decisions that callers make, by the status that carries them.
var sentinels = []struct {
	status int
	err    error
}{
	{http.StatusNotFound, uptime.ErrNoMonitor},
	{http.StatusForbidden, uptime.ErrNotAllowed},
	{http.StatusBadRequest, uptime.ErrInvalid},
	{http.StatusInsufficientStorage, uptime.ErrFull},
	{http.StatusServiceUnavailable, uptime.ErrNoEngine},
}

// Unwrap is the error of package uptime that the status stands for, if any.
func (e *Error) Unwrap() error {
	for _, s := range sentinels {
		if s.status == e.Status {
			return s.err
		}
	}
	return nil
}

// asError finds the status of an error of a backend or a hook.
func asError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	for _, s := range sentinels {
		if errors.Is(err, s.err) {
			return &Error{Status: s.status, Message: err.Error()}
		}
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Status: http.StatusGatewayTimeout, Message: "the engine took too long"}
	case errors.Is(err, context.Canceled):
		return &Error{Status: http.StatusServiceUnavailable, Message: "the engine is ending"}
	}
	return &Error{Status: http.StatusInternalServerError, Message: err.Error()}
}
