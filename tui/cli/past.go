package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"lookout/engine"
	"lookout/engine/alert"
	"lookout/engine/uptime"
	"lookout/storage"
)

// memories are the questions about the past that an engine answers, and
// without one its data file.
type memories interface {
	Events(ctx context.Context, q uptime.EventQuery) ([]uptime.Event, error)
	Incidents(ctx context.Context, q uptime.IncidentQuery) ([]uptime.Incident, error)
	Results(ctx context.Context, q uptime.ResultQuery) ([]uptime.Result, error)
	zone(ctx context.Context) *time.Location // that people read its times in
}

// archive is a data file that is read without an engine.
type archive struct {
	in    instance
	store *storage.Store // nil: nothing was ever stored
	alive time.Time      // when an engine last wrote to it; zero: never
}

// openArchive opens the data file of a configuration to be read. A missing one
// is an archive of nothing; one that an engine holds is that engine's silence.
func (c *call) openArchive(in instance) (*archive, error) {
	store, err := storage.Open(in.folder.db(), storage.Options{Retention: retention(in.config.Retention), Now: c.now(), ReadOnly: true})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &archive{in: in}, nil
	case errors.Is(err, storage.ErrLocked):
		return nil, silentEngine(in.folder, exitNoEngine)
	case err != nil:
		return nil, in.folder.explainStore(err)
	}
	at, err := store.Resume()
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return &archive{in, store, at.LastAlive}, nil
}

func (a *archive) close() {
	if a.store != nil {
		a.store.Close() //nolint:errcheck // it was only read
	}
}

// age is a line about how old the truth of a file is.
func (a *archive) age(now time.Time) string {
	if a.alive.IsZero() {
		return "no engine answers, and nothing has been stored yet"
	}
	return fmt.Sprintf("no engine answers; this was the truth %s ago", uptime.Ago(now.Sub(a.alive)))
}

// snapshot is the last known state.
func (a *archive) snapshot() (*uptime.Snapshot, error) {
	cfg := a.in.config
	var store engine.Store = storage.NewMemory()
	if a.store != nil {
		store = frozen{a.store}
	}
	e, err := engine.New(engine.Options{
		Instance: cfg.Instance,
		Timezone: zoneName(cfg.Timezone),
		Store:    store,
		Jobs:     cfg.Jobs,
		Config:   uptime.ConfigState{Path: a.in.place.path},
	}, a.alive) // as of then: what came after, nobody knows
	if err != nil {
		return nil, err
	}
	s := *e.Snapshot()
	s.Time = a.alive
	return &s, nil
}

// lastKnown is the last known state of a file, with what waits to be told. What
// cannot be read of that is said on standard error.
func (c *call) lastKnown(a *archive) (*uptime.Snapshot, error) {
	s, err := a.snapshot()
	if err != nil {
		return nil, err
	}
	if s.Outbox, err = a.outbox(); err != nil {
		fmt.Fprintf(c.stderr, "lookout: not all of what waits to be told can be read: %v\n", err)
	}
	return s, nil
}

// outbox is how telling people stood: an office that never runs reads it.
func (a *archive) outbox() (uptime.Outbox, error) {
	if a.store == nil {
		return uptime.Outbox{}, nil
	}
	cfg, kept := a.in.config, &outboxOf{Store: a.store}
	office, err := alert.New(alert.Options{Instance: cfg.Instance, Zone: cfg.Timezone, Store: kept, Channels: cfg.Channels, Routes: cfg.Routes})
	if err != nil {
		return uptime.Outbox{}, err
	}
	o := office.Outbox()
	for i := range o.Channels {
		o.Channels[i].Next = time.Time{} // nobody tries
	}
	return o, kept.damaged
}

// outboxOf is a store that remembers what of its outbox could not be read.
type outboxOf struct {
	*storage.Store
	damaged error
}

// Outbox reads all records.
func (o *outboxOf) Outbox(fn func(uptime.OutboxRecord) error) error {
	o.damaged = o.Store.Outbox(fn)
	return o.damaged
}

// frozen is a store that an engine reads to say what it knew.
type frozen struct{ *storage.Store }

// Rename does nothing: the engine that runs next will do it.
func (frozen) Rename(from, to string) error { return nil }

// zone is the one that is configured.
func (a *archive) zone(context.Context) *time.Location { return a.in.config.Timezone }

// Events answers from the file.
func (a *archive) Events(_ context.Context, q uptime.EventQuery) ([]uptime.Event, error) {
	if a.store == nil {
		return nil, nil
	}
	return a.store.Events(q)
}

// Incidents answers from the file.
func (a *archive) Incidents(_ context.Context, q uptime.IncidentQuery) ([]uptime.Incident, error) {
	if a.store == nil {
		return nil, a.known(q.Monitor, 0)
	}
	list, err := a.store.Incidents(q)
	if err != nil {
		return nil, err
	}
	return list, a.known(q.Monitor, len(list))
}

// Results answers from the file.
func (a *archive) Results(_ context.Context, q uptime.ResultQuery) ([]uptime.Result, error) {
	if a.store == nil {
		return nil, a.known(q.Monitor, 0)
	}
	list, err := a.store.Results(q)
	if err != nil {
		return nil, err
	}
	return list, a.known(q.Monitor, len(list))
}

// known reports a name that neither is a monitor nor was one, as the engine does.
func (a *archive) known(name string, found int) error {
	if found > 0 || name == "" || slices.ContainsFunc(a.in.config.Jobs, func(j uptime.Job) bool { return j.Name == name }) {
		return nil
	}
	return fmt.Errorf("%w: %s", uptime.ErrNoMonitor, uptime.Clean(name, 120))
}

// remember finds who knows the past: the engine, else the file, of which the
// note on standard error says how old its truth is.
func (c *call) remember(ctx context.Context) (m memories, e *peer, done func(), err error) {
	e, in, err := c.reachOrRead(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	if e != nil {
		return e, e, e.Close, nil
	}
	a, err := c.openArchive(in)
	if err != nil {
		return nil, nil, nil, err
	}
	fmt.Fprintln(c.stderr, "lookout: "+a.age(c.now()))
	return a, nil, a.close, nil
}
