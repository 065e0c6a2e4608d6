package dispatch

import (
	"fmt"
	"math"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/wire"
)

// slack is how much longer than its time-out a check may take until it is
// missed: it waits for its turn, and its batch is flushed.
const slack = 25 * time.Second

// work is what a probe's counters say, in the order of its own clock.
type work struct {
	epoch uint64
	clock time.Time // of the newest batch; zero: there was none
	sums  wire.Counters
	ended time.Time // ours, when a check had ended last, or none was due

	rate    float64 // checks a second
	rows    float64 // of late, fewer with time
	failing float64 // … that were not up
}

// take compares a batch's counters with those before. It says what does not add
// up; "" where all does. A batch that is older than another one says nothing.
func (w *work) take(b *wire.Batch, slowest time.Duration, now time.Time) (wrong string, newer bool) {
	c := b.Counters
	again := w.clock.IsZero() || b.Epoch != w.epoch
	if !again && !b.Clock.After(w.clock) {
		return "", b.Clock.Equal(w.clock) && c == w.sums
	}
	before, took := w.sums, b.Clock.Sub(w.clock)
	w.epoch, w.clock, w.sums = b.Epoch, b.Clock, c
	if again {
		w.ended = now
		before, took = c, 0
	}
	if c.Finished > c.Scheduled || c.Skipped > c.Scheduled-c.Finished {
		return fmt.Sprintf("its counters do not add up: of %d checks that were due %d ended and %d were left out", c.Scheduled, c.Finished, c.Skipped), true
	}
	if c.Scheduled < before.Scheduled || c.Finished < before.Finished || c.Skipped < before.Skipped {
		return "its counters run backwards", true
	}
	ran := c.Finished - before.Finished
	if took > 0 {
		w.rate += (float64(ran)/took.Seconds() - w.rate) * (1 - math.Exp(-took.Seconds()/60))
	}
	if open := c.Scheduled - c.Finished - c.Skipped; ran > 0 || open == 0 || before.Scheduled-before.Finished-before.Skipped == 0 {
		w.ended = now
	} else if now.Sub(w.ended) > slowest+slack {
		return fmt.Sprintf("%d checks are due there, and none has ended for %d s", open, int(now.Sub(w.ended).Seconds())), true
	}
	return "", true
}

// found counts rows for the share that fails.
func (w *work) found(rows []wire.Row) {
	const most = 1000
	if w.rows > most {
		w.rows, w.failing = w.rows/2, w.failing/2
	}
	for i := range rows {
		if rows[i].Baseline || rows[i].Unhealthy {
			continue
		}
		w.rows++
		if rows[i].Result.Outcome != uptime.OutcomeUp {
			w.failing++
		}
	}
}

// share is how many of its checks were not up, of late.
func (w *work) share() float64 {
	if w.rows == 0 {
		return 0
	}
	return w.failing / w.rows
}
