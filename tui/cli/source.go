package cli

import (
	"context"
	"os/user"
	"time"

	"lookout/engine"
	"lookout/engine/uptime"
	"lookout/tui"
)

// embedded is the engine in this process as its dashboard sees it.
type embedded struct {
	*engine.Engine
	host *host
	by   string // who sits there
}

func (h *host) source() tui.Source { return &embedded{h.engine, h, h.c.user()} }

// Link is the zero value: nothing lies between.
func (e *embedded) Link() uptime.Link { return uptime.Link{} }

// Act acts in the name of who sits there.
func (e *embedded) Act(ctx context.Context, a uptime.Action) ([]string, error) {
	a.By = e.by
	return e.Engine.Act(ctx, a)
}

// Exclude does so in the name of who sits there.
func (e *embedded) Exclude(ctx context.Context, probe, note string) error {
	return e.Engine.Exclude(ctx, probe, e.by, note)
}

// Include does so in the name of who sits there.
func (e *embedded) Include(ctx context.Context, probe, note string) error {
	return e.Engine.Include(ctx, probe, e.by, note)
}

// Reload reads the configuration again.
func (e *embedded) Reload(ctx context.Context) (string, error) { return e.host.reload(ctx) }

// Stop ends the engine, and the process with it.
func (e *embedded) Stop(context.Context) error {
	e.host.ask()
	return nil
}

// user is who runs this; root may act for somebody else. Whoever acts over
// the socket is known by its credentials instead.
func (c *call) user() string {
	if u, err := user.Current(); err == nil {
		if c.as != "" && u.Uid == "0" {
			return c.as
		}
		return uptime.Clean(u.Username, 80)
	}
	return "unknown"
}

// broken is a source that breaks the screen after a moment: how a test sees
// that a bug there leaves the terminal as it was, and the checks alone.
type broken struct {
	tui.Source
	after time.Time
}

const brokenAfter = time.Second

// Snapshot panics, in time.
func (b *broken) Snapshot() *uptime.Snapshot {
	if time.Now().After(b.after) {
		panic("LOOKOUT_TEST_PANIC is set")
	}
	return b.Source.Snapshot()
}
