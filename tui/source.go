// Package tui is the console: one Bubble Tea model, the shell, and pages that
// are plain structs. It pulls immutable snapshots from a Source on its own
// tick; nothing is ever sent to it. The renderer holds a lock while it writes,
// so a terminal that stops reading would stop whoever sends: pulling keeps a
// frozen line out of the engine.
package tui

import (
	"context"
	"time"

	"lookout/engine/uptime"
)

// retrier is a source that can try at once to reach an engine that is lost. Retry never waits.
type retrier interface{ Retry() }

// Source is an engine as the console sees it, in this process or behind a
// socket. Snapshot and Link never wait; the others may, and obey ctx.
type Source interface {
	// Snapshot is the newest state; nil before the first.
	Snapshot() *uptime.Snapshot
	// Link says how the console is joined to the engine, and since when it is not.
	Link() uptime.Link
	// Detail is one monitor in depth, with its latency over span.
	Detail(ctx context.Context, name string, span time.Duration) (*uptime.Detail, error)
	Events(ctx context.Context, q uptime.EventQuery) ([]uptime.Event, error)
	Incidents(ctx context.Context, q uptime.IncidentQuery) ([]uptime.Incident, error)
	// Act does what a person asked and returns the names of the monitors it changed.
	Act(ctx context.Context, a uptime.Action) ([]string, error)
	// Exclude has the vote of a probe, LOCATION/NAME, not count; Include has it count again.
	Exclude(ctx context.Context, probe, note string) error
	Include(ctx context.Context, probe, note string) error
	// Reload reads the configuration again and says in one line what changed.
	Reload(ctx context.Context) (string, error)
	// Stop ends the engine.
	Stop(ctx context.Context) error
}
