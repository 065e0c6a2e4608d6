package cli

import (
	"context"
	"time"

	"lookout/engine/uptime"
)

const (
	longestTry = 11 * time.Minute // of a channel that does not say how long it may take
	lastGrace  = 2 * time.Second  // until one whose time is over has said so
)

// timed is a channel that says how long a try of it may take.
type timed interface{ Timeout() time.Duration }

// try has a channel send a letter, and goes on without it where it does not come
// back although its time is over, or somebody has had enough of it: nobody can
// end a write to a mount that is gone. Then its goroutine stays behind.
func try(ctx context.Context, ch uptime.Channel, l *uptime.Letter, say func(line string)) (uptime.Receipt, error) {
	longest := longestTry
	if t, ok := ch.(timed); ok {
		longest = t.Timeout()
	}
	ctx, done := context.WithTimeout(ctx, longest)
	defer done()
	type end struct {
		receipt uptime.Receipt
		err     error
	}
	lines, ended, left := make(chan string), make(chan end, 1), make(chan struct{})
	defer close(left)
	go func() {
		receipt, err := ch.Send(ctx, l, func(line string) {
			select {
			case lines <- line:
			case <-left:
			}
		})
		ended <- end{receipt, err} // one slot: we may have left
	}()
	over, patience := ctx.Done(), (<-chan time.Time)(nil)
	for {
		select {
		case line := <-lines:
			say(line)
		case e := <-ended:
			return e.receipt, e.err
		case <-over:
			over, patience = nil, time.After(lastGrace)
		case <-patience:
			return uptime.Receipt{}, &uptime.Refusal{Reply: "it hangs: it did not come back when its time was over", Uncertain: true}
		}
	}
}
