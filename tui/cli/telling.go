package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"lookout/engine/alert"
	"lookout/engine/config"
	"lookout/engine/uptime"
)

// telling is what tells people, and the dead-man service, of what an engine in
// this process sees.
type telling struct {
	office *alert.Office
	heart  *alert.Heart
	log    *slog.Logger
}

// newTelling makes what a configuration asks for. alive says why the engine
// cannot be said to live; "" where it does.
func newTelling(cfg *config.Config, store alert.Store, alive func() string, log *slog.Logger) (*telling, error) {
	office, err := alert.New(alert.Options{Instance: cfg.Instance, Zone: cfg.Timezone, Store: store, Channels: cfg.Channels, Routes: cfg.Routes, Log: log})
	if err != nil {
		return nil, err
	}
	heart := alert.NewHeart(alert.HeartOptions{Beat: cfg.Heartbeat, Alive: alive, Agent: "lookout/" + release, Log: log})
	return &telling{office, heart, log}, nil
}

// outbox is how telling stands; it never waits.
func (t *telling) outbox() uptime.Outbox {
	o := t.office.Outbox()
	o.Heartbeat = t.heart.State()
	return o
}

// run tells until ctx ends, or the engine has. A mistake of ours in here ends no
// check: it is logged, and returned at the end.
func (t *telling) run(ctx context.Context, e alert.Engine) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	beaten := make(chan error, 1) // heart → us; one slot: it ends even if we did before
	go func() { beaten <- guard(func() error { return t.heart.Run(ctx) }) }()
	err := guard(func() error { return t.office.Run(ctx, e) })
	if err = ended(err); err != nil && ctx.Err() == nil {
		t.log.Error("people are not told any more", "error", err)
	}
	cancel()
	return errors.Join(err, ended(<-beaten))
}

// configure puts the channels, routes and heartbeat of a configuration in force.
func (t *telling) configure(ctx context.Context, cfg *config.Config) error {
	t.heart.Configure(cfg.Heartbeat)
	if err := t.office.Configure(ctx, cfg.Channels, cfg.Routes); err != nil {
		return fmt.Errorf("people are told as before: %w", err)
	}
	return nil
}

// alive says why the engine cannot be said to live: its loop stands still, or
// nothing of what it finds is kept.
func (h *host) alive() string {
	switch s := h.engine.Snapshot(); {
	case h.c.now().Sub(s.Time) >= stillAfter:
		return "the engine stands still"
	case s.Health.StoreError != "":
		return "nothing is being stored"
	}
	return ""
}

// stillAfter is when a loop that publishes every second stands still.
const stillAfter = 15 * time.Second

// toldOtherwise says what a reload changes of how people are told; "" for nothing.
func toldOtherwise(was, now *config.Config) string {
	changed := map[string]bool{}
	var out []string
	a, b := *was, *now
	a.Jobs, b.Jobs = nil, nil // of no matter, and there may be many
	for _, k := range config.Diff(&a, &b).Settings {
		what, rest, _ := strings.Cut(k.Key, ".")
		switch what {
		case "channel":
			what += " " + rest[:max(strings.LastIndexByte(rest, '.'), 0)]
		case "route":
			what = "routes"
		case "heartbeat":
		default:
			continue
		}
		if !changed[what] {
			changed[what] = true
			out = append(out, what)
		}
	}
	return bullets(out)
}
