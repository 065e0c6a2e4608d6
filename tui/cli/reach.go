package cli

import (
	"context"
	"errors"

	"lookout/engine/uptime"
)

// search looks for an engine in the data folder of this call's configuration:
// first where that most likely is, then where the whole configuration says.
// Which configuration the engine that answers was started with is for the
// caller to judge. Without one, the instance is what was read, mistakes
// included, and the error says that nobody answers; without a data folder, it
// says why there is none.
func (c *call) search(ctx context.Context) (*peer, instance, error) {
	p, err := c.place()
	if err != nil {
		return nil, instance{}, err
	}
	// Whoever joins an engine does not need to read its configuration.
	if f, err := c.likelyFolder(p); err == nil {
		if e, err := c.dial(ctx, f.socket(), false); err == nil {
			if e.hello.Config == p.path {
				return e, instance{place: p, folder: f}, nil
			}
			e.Close()
		}
	}
	in, err := c.load()
	if in.folder == "" {
		return nil, in, err
	}
	e, err := c.dial(ctx, in.folder.socket(), false)
	if err != nil {
		return nil, in, noEngine(in, err)
	}
	return e, in, nil
}

// reach finds the engine of this call's configuration.
func (c *call) reach(ctx context.Context) (*peer, error) {
	e, in, err := c.search(ctx)
	if err != nil {
		return nil, err
	}
	if e.hello.Config != in.place.path {
		e.Close()
		return nil, e.taken(in.folder, in.place.path)
	}
	return e, nil
}

// reachOrRead finds the engine of this call's configuration, or reads that:
// the peer is nil where no engine runs.
func (c *call) reachOrRead(ctx context.Context) (*peer, instance, error) {
	e, in, err := c.search(ctx)
	switch {
	case codeOf(err) == exitNoEngine:
		return nil, in, in.wrong
	case err != nil:
		return nil, in, err
	case e.hello.Config != in.place.path:
		e.Close()
		return nil, in, e.taken(in.folder, in.place.path)
	}
	return e, in, nil
}

// noEngine says that nobody answers for a configuration, and what to do.
func noEngine(in instance, err error) error {
	if errors.Is(err, uptime.ErrNotAllowed) {
		return failf(exitDenied, "%w; it is its owner's, and of the group socket_group", err)
	}
	if h := in.folder.holder(); h.pid != 0 && alive(h.pid) {
		return failf(exitNoEngine, "engine pid %d does not answer", h.pid)
	}
	return failf(exitNoEngine, "no engine runs with %s; lookout engine or lookout starts one", in.place.path)
}
