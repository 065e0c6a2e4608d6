package cli

import (
	"context"
	"testing"

	"github.com/creack/pty"
)

func TestWatchTerminal(t *testing.T) {
	far, near, err := pty.Open()
	if err != nil {
		t.Skip(err)
	}
	defer near.Close()
	if hungUp(near) {
		t.Fatal("a terminal that is there counts as gone")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	watchTerminal(ctx, near, func() { t.Error("told of a terminal that is there") })

	far.Close()
	told := 0
	watchTerminal(context.Background(), near, func() { told++ })
	if told != 1 {
		t.Errorf("told %d times of a terminal that is gone", told)
	}
}
