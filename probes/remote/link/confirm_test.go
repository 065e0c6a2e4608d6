package link

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// TestUnconfirmed: a broker that is connected, and confirms nothing of what it
// got, is left; one that is slow or blocked is not.
func TestUnconfirmed(t *testing.T) {
	const never = time.Hour
	for _, tt := range []struct {
		name      string
		confirms  []time.Duration // when each message is confirmed; they are sent a second apart
		blocked   [2]time.Duration
		leftAfter time.Duration // never: it is not
	}{
		{name: "nothing is confirmed", confirms: []time.Duration{never, never}, leftAfter: confirmTime},
		{name: "just in time", confirms: []time.Duration{29 * time.Second, 30 * time.Second}, leftAfter: never},
		{name: "slow line: one after the other", confirms: []time.Duration{20 * time.Second, 40 * time.Second, 60 * time.Second, 80 * time.Second}, leftAfter: never},
		{name: "… and then none", confirms: []time.Duration{20 * time.Second, 40 * time.Second, never}, leftAfter: 70 * time.Second},
		{name: "the first is passed over", confirms: []time.Duration{never, 2 * time.Second, 3 * time.Second}, leftAfter: confirmTime},
		{name: "blocked for long", confirms: []time.Duration{110 * time.Second}, blocked: [2]time.Duration{5 * time.Second, 100 * time.Second}, leftAfter: never},
		{name: "of use no more when it reads again", confirms: []time.Duration{never}, blocked: [2]time.Duration{5 * time.Second, 100 * time.Second}, leftAfter: 130 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := New(Options{})
				g := &generation{}
				g.ctx, g.cancel = context.WithCancelCause(t.Context())
				l.live = g
				began := time.Now()
				if b := tt.blocked; b[1] > 0 {
					time.AfterFunc(b[0], func() { l.blocked(g, amqp.Blocking{Active: true, Reason: "low on disk"}) })
					time.AfterFunc(b[1], func() { l.blocked(g, amqp.Blocking{}) })
				}
				for i, at := range tt.confirms {
					ctx, end := context.WithDeadline(g.ctx, began.Add(at)) // the client has done with all when its channel ends
					defer end()
					sent := began.Add(time.Duration(i) * time.Second)
					l.work.Go(func() {
						time.Sleep(time.Until(sent))
						l.confirmed(g, sent, ctx.Done())
					})
				}
				l.work.Wait()
				left := never
				if context.Cause(g.ctx) != nil {
					left = time.Since(began)
				}
				if left.Round(2*time.Second) != tt.leftAfter.Round(2*time.Second) {
					t.Errorf("left after %v, want %v: %v", left, tt.leftAfter, context.Cause(g.ctx))
				}
				g.cancel(nil)
			})
		})
	}
}

// TestBlockedBefore: what an earlier connection said of the broker is not said of this one.
func TestBlockedBefore(t *testing.T) {
	l := New(Options{})
	old := &generation{}
	l.live = &generation{}
	l.blocked(old, amqp.Blocking{Active: true, Reason: "low on memory"})
	if s := l.State(); s.Blocked != "" {
		t.Errorf("%+v", s)
	}
}
