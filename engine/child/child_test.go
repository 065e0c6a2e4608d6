package child

import (
	"context"
	"testing"
)

// TestGone does not wait for ever for what it may not end.
func TestGone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{}) // closed below
	cancel()
	if gone(ctx, ended) {
		t.Error("what runs is gone")
	}
	close(ended)
	if !gone(ctx, ended) || !gone(t.Context(), ended) {
		t.Error("what has ended is not gone")
	}
}
