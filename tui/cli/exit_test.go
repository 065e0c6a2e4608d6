package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"lookout/engine/uptime"
)

func TestCodeOf(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{failf(exitInUse, "in use"), 73},
		{fmt.Errorf("wrapped: %w", failf(exitConfig, "bad")), 78},
		{fmt.Errorf("x: %w", uptime.ErrNoEngine), 69},
		{fmt.Errorf("x: %w", uptime.ErrNotAllowed), 77},
		{fmt.Errorf("x: %w", fs.ErrPermission), 77},
		{fmt.Errorf("x: %w", uptime.ErrNoMonitor), 64},
		{fmt.Errorf("x: %w", uptime.ErrInvalid), 64},
		{errors.New("some write"), 74},
	} {
		if got := codeOf(tt.err); got != tt.want {
			t.Errorf("codeOf(%v) = %d, want %d", tt.err, got, tt.want)
		}
	}
}

func TestPluginCode(t *testing.T) {
	state := func(v, before uptime.Verdict, m uptime.Mode) *uptime.State {
		return &uptime.State{Monitor: &uptime.Monitor{}, Verdict: v, Before: before, Mode: m}
	}
	up := state(uptime.Up, 0, uptime.Active)
	for _, tt := range []struct {
		name   string
		states []*uptime.State
		want   int
	}{
		{"nothing", nil, 0},
		{"all up", []*uptime.State{up, up}, 0},
		{"degraded", []*uptime.State{up, state(uptime.Degraded, 0, uptime.Active)}, 1},
		{"down beats all", []*uptime.State{state(uptime.Unknown, 0, uptime.Active), state(uptime.Down, 0, uptime.Active), state(uptime.Degraded, 0, uptime.Active)}, 2},
		{"degraded beats unknown", []*uptime.State{state(uptime.Unknown, 0, uptime.Active), state(uptime.Degraded, 0, uptime.Active)}, 1},
		{"unknown beats up", []*uptime.State{up, state(uptime.Unknown, 0, uptime.Active)}, 3},
		{"pending", []*uptime.State{up, state(uptime.Pending, 0, uptime.Active)}, 3},
		{"suspect counts as before", []*uptime.State{state(uptime.Suspect, uptime.Up, uptime.Active)}, 0},
		{"suspect of a down one", []*uptime.State{state(uptime.Suspect, uptime.Down, uptime.Active)}, 2},
		{"modes hide", []*uptime.State{up, state(uptime.Down, 0, uptime.Paused), state(uptime.Down, 0, uptime.Maintenance)}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := pluginCode(tt.states); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestBullets(t *testing.T) {
	for want, in := range map[string][]string{"": nil, "a": {"a"}, "a and b": {"a", "b"}, "a, b and c": {"a", "b", "c"}} {
		if got := bullets(in); got != want {
			t.Errorf("bullets(%q) = %q, want %q", in, got, want)
		}
	}
}
