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

func TestBullets(t *testing.T) {
	for want, in := range map[string][]string{"": nil, "a": {"a"}, "a and b": {"a", "b"}, "a, b and c": {"a", "b", "c"}} {
		if got := bullets(in); got != want {
			t.Errorf("bullets(%q) = %q, want %q", in, got, want)
		}
	}
}
