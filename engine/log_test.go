package engine

import (
	"io"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// stuck is a terminal that takes no more bytes.
type stuck struct{ free chan struct{} }

func (s stuck) Write(b []byte) (int, error) {
	<-s.free
	return len(b), io.ErrClosedPipe
}

// TestStuckLogStopsNothing: the log hangs, the checks go on, and the engine ends.
func TestStuckLogStopsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := stuck{make(chan struct{})}
		s, tg := newMemory(), newTargets()
		e := startWith(t, Options{Instance: "web-1", Store: s, Runner: tg, Log: slog.New(slog.NewTextHandler(hang, nil))}, job("a", time.Second))
		for range 3 * journalLines / 2 {
			e.act("pause", "a")
			e.act("resume", "a")
		}
		time.Sleep(10 * time.Second)
		if n := len(tg.of("a")); n < 8 {
			t.Errorf("%d checks", n)
		}
		e.stop()
		close(hang.free)
	})
}
