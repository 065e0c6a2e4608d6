package cli

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"lookout/engine"
	"lookout/engine/api"
	"lookout/engine/config"
	"lookout/engine/uptime"
	"lookout/probes"
	"lookout/storage"
)

// host is an engine in this process: with its store and its socket, or in
// memory with neither.
type host struct {
	c       *call
	in      instance // as it was started
	log     *slog.Logger
	store   *storage.Store // nil: in memory
	engine  *engine.Engine
	remotes *remotes     // nil: there is no broker
	telling *telling     // nil: in memory, where nobody is told
	socket  net.Listener // nil: in memory

	config    atomic.Pointer[config.Config] // in force
	reloading sync.Mutex                    // one reload at a time: the last one that was asked for wins
	stopped   chan struct{}                 // host → serve: closed when somebody asked for the end
	stopOnce  sync.Once
}

// garbage is how much of it an engine lets pile up, in percent of what it
// holds. It holds much, for long, and makes little: half of Go's own 100 takes a
// quarter off the memory of a large fleet, and hardly any time.
const garbage = 50

// newHost opens the store, whose lock the caller may find held, and makes the
// engine. Nothing is checked before serve.
func (c *call) newHost(in instance, log *slog.Logger) (*host, error) {
	if err := in.folder.prepare(in.config.SocketGroup); err != nil {
		return nil, err
	}
	defer c.during("reading " + in.folder.db())()
	if c.getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	now := c.now()
	store, err := storage.Open(in.folder.db(), storage.Options{Retention: retention(in.config.Retention), Now: now})
	if err != nil {
		return nil, in.folder.explainStore(err)
	}
	h := &host{c: c, in: in, log: log, store: store, stopped: make(chan struct{})}
	if err := h.make(store, now); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	if h.socket, err = api.Listen(in.folder.socket(), in.config.SocketGroup); err == nil {
		err = in.folder.note(holder{os.Getpid(), in.place.path, release})
	}
	if err != nil {
		return nil, errors.Join(in.folder.explain(err), h.release())
	}
	return h, nil
}

// newMemoryHost makes an engine that keeps nothing.
func (c *call) newMemoryHost(cfg *config.Config, log *slog.Logger) (*host, error) {
	h := &host{c: c, in: instance{config: cfg}, log: log, stopped: make(chan struct{})}
	return h, h.make(storage.NewMemory(), c.now())
}

// keeper is a store with the numbers of monitors.
type keeper interface {
	engine.Store
	numberer
}

func (h *host) make(store keeper, now time.Time) error {
	cfg := h.in.config
	h.config.Store(cfg)
	o := engine.Options{
		Instance:    cfg.Instance,
		Timezone:    zoneName(cfg.Timezone),
		Store:       store,
		Runner:      &probes.Runner{Log: h.log},
		Jobs:        cfg.Jobs,
		Maintenance: windows(cfg),
		Config:      uptime.ConfigState{Path: h.in.place.path, Loaded: now.UTC()},
		Network:     cfg.Network,
		Place:       cfg.Place,
		Outside:     probes.NewOutside(),
		Anchors:     cfg.Anchors,
		Capacity:    capacity(raiseFiles()),
		Clock:       h.c.clock(),
		Synced:      h.c.synced,
		Log:         h.log,
	}
	if h.store != nil {
		at, err := h.store.Resume()
		if err != nil {
			return err
		}
		for _, d := range at.Damaged {
			h.log.Error("a part of the data file cannot be read and is left out; run: lookout data check", "where", d)
		}
		o.Resumed = engine.Resumed{LastEvent: at.LastEvent, LastIncident: at.LastIncident, LastAlive: at.LastAlive}
		if h.telling, err = newTelling(cfg, h.store, h.alive, h.log); err != nil {
			return failf(exitIO, "%w", err)
		}
		o.Outbox = h.telling.outbox
	}
	if h.remotes = newRemotes(cfg, store, h.log); h.remotes != nil {
		d := h.remotes.dispatch
		o.Remote, o.Probes, o.OnExclude, o.OnPause = d, d.Status, d.Exclude, d.Pause
	}
	e, err := engine.New(o, now)
	if err != nil {
		return err
	}
	h.engine = e
	if h.remotes != nil {
		h.remotes.dispatch.Serve(e)
		if err := h.remotes.assign(cfg); err != nil {
			h.log.Error("the probes go on with what they have, and what they find waits, until they can be told what to check; that is tried again", "error", err)
		}
	}
	return nil
}

// windows are the maintenance windows of a configuration.
func windows(cfg *config.Config) []engine.Maintenance {
	out := make([]engine.Maintenance, len(cfg.Maintenance))
	for i, w := range cfg.Maintenance {
		out[i] = engine.Maintenance(w)
	}
	return out
}

// zoneName is the IANA name of a zone that was configured; "" for the machine's
// own, which readers elsewhere do not share.
func zoneName(loc *time.Location) string {
	if loc == nil || loc == time.Local {
		return ""
	}
	return loc.String()
}

func retention(r config.Retention) storage.Retention {
	return storage.Retention{Results: r.Results, Events: r.Events, MaxSize: r.MaxSize}
}

// explainStore says why a data file cannot be opened, with its exit code.
func (f folder) explainStore(err error) error {
	switch {
	case errors.Is(err, storage.ErrLocked):
		return err
	case errors.Is(err, storage.ErrDamaged):
		return failf(exitIO, "%w; lookout data check says what can still be read, and nothing was changed", err)
	case errors.Is(err, storage.ErrNewer):
		return failf(exitIO, "%w; install that version again, or choose another data_dir", err)
	case full(err):
		return f.explain(err)
	}
	return err
}

// ask ends serve, as a signal does.
func (h *host) ask() { h.stopOnce.Do(func() { close(h.stopped) }) }

// reload reads the configuration again and puts it in force, or says why not
// and leaves everything as it is.
func (h *host) reload(ctx context.Context) (string, error) {
	if h.in.place.path == "" {
		return "", uptime.Invalid("there is no configuration to read again")
	}
	h.reloading.Lock()
	defer h.reloading.Unlock()
	cfg, err := h.c.readConfig(h.in.place.path)
	if err != nil {
		return "", errors.Join(err, h.engine.ConfigFailed(ctx, uptime.Clean(err.Error(), 300)))
	}
	said, err := h.engine.Reload(ctx, cfg.Jobs, uptime.ConfigState{Path: h.in.place.path, Loaded: h.c.now().UTC()}, windows(cfg)...)
	if said == "" {
		return "", err
	}
	if aerr := h.engine.Anchors(ctx, cfg.Anchors); aerr != nil {
		return "", aerr
	}
	was := h.config.Swap(cfg) // it is in force, on disk or not
	if h.telling != nil {
		if what := toldOtherwise(was, cfg); what != "" {
			said += "; in force now: " + what
		}
		err = errors.Join(err, h.telling.configure(ctx, cfg))
	}
	if h.remotes != nil {
		if aerr := h.remotes.assign(cfg); aerr != nil {
			err = errors.Join(err, aerr)
		}
	}
	if err != nil {
		said += "; " + err.Error()
	}
	for _, w := range cfg.Warnings {
		h.log.Warn("configuration", "at", w.String())
	}
	if late := needsRestart(h.in.config, cfg); len(late) > 0 {
		said += "; " + bullets(late) + " will be in force after a restart"
	}
	return said, nil
}

// diff says what reload would change.
func (h *host) diff(context.Context) (any, error) {
	if h.in.place.path == "" {
		return nil, uptime.Invalid("there is no configuration to read again")
	}
	h.reloading.Lock()
	defer h.reloading.Unlock()
	cfg, err := h.c.readConfig(h.in.place.path)
	if err != nil {
		return nil, err
	}
	return differsJSON(config.Diff(h.config.Load(), cfg)), nil
}

// needsRestart names the settings that only a start takes.
func needsRestart(was, now *config.Config) []string {
	var out []string
	for _, s := range []struct {
		name string
		same bool
	}{
		{"instance", was.Instance == now.Instance},
		{"timezone", was.Timezone.String() == now.Timezone.String()},
		{"data_dir", was.DataDir == now.DataDir},
		{"network and place of [[location]] local", was.Network == now.Network && was.Place == now.Place},
		{"socket_group", was.SocketGroup == now.SocketGroup},
		{"[broker]", config.SameBroker(was, now)},
		{"[log]", was.Log == now.Log},
		{"[retention]", was.Retention == now.Retention},
	} {
		if !s.same {
			out = append(out, s.name)
		}
	}
	return out
}

// serverOptions are what the control API serves.
func (h *host) serverOptions() api.ServerOptions {
	return api.ServerOptions{
		Backend: h.engine,
		Version: release,
		PID:     os.Getpid(),
		Started: h.engine.Snapshot().Started,
		Config: func() api.Config {
			cfg := h.config.Load()
			return api.Config{Path: cfg.Path, Pages: cfg.Pages, Operators: cfg.Operators}
		},
		Reload:    h.reload,
		Diff:      h.diff,
		Stop:      h.ask,
		CheckFrom: h.checkFrom,
		Add:       h.addMonitor,
		Put:       h.putMonitor,
		Delete:    h.deleteMonitor,
	}
}
