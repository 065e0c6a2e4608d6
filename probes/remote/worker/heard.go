package worker

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// sign is when the engine last gave a sign of life: an order that it signed.
type sign struct{ at atomic.Pointer[time.Time] }

func (s *sign) now(t time.Time) { s.at.Store(&t) }

// Heard is when the engine last gave a sign of life; zero: not since the start.
// A live probe is asked for a canary once a minute. It may be called by any goroutine.
func (w *Worker) Heard() time.Time {
	if t := w.heard.at.Load(); t != nil {
		return *t
	}
	return time.Time{}
}

// Online asks whether this machine is: half of its anchors answer. why says what
// is known where they do not. It may be called by any goroutine.
func (w *Worker) Online(ctx context.Context) (online bool, why string) {
	var asked sync.WaitGroup
	defer asked.Wait()
	r := w.selfCheck(ctx, &asked)
	return r.good, r.why
}
