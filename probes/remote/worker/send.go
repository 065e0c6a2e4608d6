package worker

import (
	"errors"
	"fmt"
	"log/slog"
	"syscall"
	"time"

	"lookout/probes/remote/link"
	"lookout/probes/spool"
	"lookout/probes/wire"
)

// Spool keeps results until the broker has confirmed them; a spool.Spool is one.
type Spool interface {
	Epoch() uint64
	Append(rows []wire.Row, obeyed wire.Version, now time.Time) error
	Take(late bool, most int, now time.Time) (spool.Run, bool)
	Sent(spool.Run)
	Unsent(spool.Run)
	GiveUp(spool.Run)
	Depth() uint64
	Dropped() uint64
	Trouble() error
}

const (
	maxRows   = 1000                   // of a batch; so many that wait are sent at once
	maxOut    = 200                    // batches that are sent and not confirmed
	urgentGap = 200 * time.Millisecond // between batches that tell of a change: an outage of many is no flood
	rateEvery = 10 * time.Second
	leastRate = 10.0 // results a second that are thought to be live, at least
	backfill  = 10.0 // times the live rate: what an outage left behind must not crowd out what comes
)

// sender puts results into the spool and sends what is in it. It has a goroutine
// of its own, because it waits for the disk, and whoever asks for a second
// opinion must not. What it is given lies in its box.
type sender struct {
	spool   Spool
	codec   *wire.Codec
	files   files
	log     *slog.Logger
	quiet   quiet
	publish func(m link.Message, done func(error))
	over    <-chan struct{} // closed when nobody takes from settled any more

	box     *box
	settled chan settledRun // from the link: what became of a batch
	now     letter          // the newest from the box
	unsaved error           // why the counters were not stored the last time; nil: they were

	connected bool
	broken    bool // what was sent last failed: one batch at a time, until one is confirmed
	out       int  // batches that are not confirmed

	flushed time.Time
	fresh   int  // results since
	urgent  bool // one of them tells of a change
	force   bool // whatever the time

	rate    float64 // results a second, of late
	counted int     // … in this stretch
	since   time.Time

	tokens float64 // late results that may be sent now
	filled time.Time
	more   bool // there were late results when last looked for
}

// settledRun is what became of a batch.
type settledRun struct {
	run spool.Run
	err error
}

// run keeps and sends until stop is closed; then it sends what there is, for which it has a few seconds.
func (s *sender) run(stop <-chan struct{}) {
	now := time.Now()
	s.flushed, s.since, s.filled, s.rate = now, now, now, leastRate
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(time.Until(s.wakes()))
		select {
		case <-stop:
			s.finish()
			return
		case <-timer.C:
		case <-s.box.full:
		case r := <-s.settled:
			s.settle(r)
		}
		now := time.Now()
		s.take(now)
		s.send(now)
	}
}

// finish sends what there is, and waits for it.
func (s *sender) finish() {
	now := time.Now()
	s.take(now)
	s.force = true
	s.send(now)
	end := time.NewTimer(leaveWithin)
	defer end.Stop()
	for s.connected && s.out > 0 {
		select {
		case r := <-s.settled:
			s.settle(r)
		case <-end.C:
			return
		}
	}
}

// take empties the box into the spool: from then on what was found is done.
func (s *sender) take(now time.Time) {
	s.now = s.box.take()
	if s.now.up {
		s.connected, s.broken, s.force = true, false, true
	}
	s.urgent = s.urgent || s.now.urgent
	for _, lot := range s.now.lots {
		if err := s.spool.Append(lot.rows, lot.obeyed, now); err != nil {
			s.quiet.say("spool", now, func(more int) {
				s.log.Error("results are lost: the spool does not take them", "why", err, "more", more)
			})
		}
		s.fresh += len(lot.rows)
		s.counted += len(lot.rows)
	}
	s.now.lots = nil
	trouble := s.spool.Trouble()
	if trouble == nil && s.unsaved != nil { // it appends little, and may find room when a new file does not
		trouble = fmt.Errorf("what it obeys and counts cannot be stored: %w", cause(s.unsaved))
	}
	s.box.tell(s.spool.Epoch(), trouble)
}

// cause is the system's own words of an error, without the name of a file that is another each time.
func cause(err error) error {
	var word syscall.Errno
	if errors.As(err, &word) {
		return word
	}
	return err
}

// due is when the next batch is.
func (s *sender) due() time.Time {
	switch {
	case s.force || s.fresh >= maxRows:
		return time.Time{}.Add(1) // at once
	case s.urgent:
		return s.flushed.Add(urgentGap)
	}
	return s.flushed.Add(flushEvery)
}

// wakes is when there is something to send.
func (s *sender) wakes() time.Time {
	at := s.due()
	if late := s.filled.Add(time.Second); s.more && s.connected && !s.broken && late.Before(at) {
		return late
	}
	return at
}

// send sends what is due.
func (s *sender) send(now time.Time) {
	if !now.Before(s.due()) {
		s.flush(now)
	}
	if s.connected && !s.broken && now.Sub(s.filled) >= time.Second {
		s.fill(now)
	}
}

// flush sends the results that are no history, or none: that we live is news too.
func (s *sender) flush(now time.Time) {
	s.flushed, s.fresh, s.urgent, s.force = now, 0, false, false
	if span := now.Sub(s.since); span >= rateEvery {
		s.rate = max((s.rate+float64(s.counted)/span.Seconds())/2, leastRate)
		s.counted, s.since = 0, now
	}
	if s.unsaved = s.now.counts.save(s.files); s.unsaved != nil { // before: they never go back
		s.quiet.say("counts", now, func(int) { s.log.Warn("the counters cannot be stored", "why", s.unsaved) })
	}
	if !s.connected {
		return
	}
	for sent := 0; s.out < maxOut && (sent == 0 || !s.broken); sent++ {
		run, ok := s.spool.Take(false, maxRows, now)
		if ok || sent == 0 {
			s.batch(run)
		}
		if !ok {
			break
		}
	}
	if !s.more {
		s.more = !s.broken // look again whether there is history
	}
}

// fill sends results that came too late to be news, as many as their share allows.
func (s *sender) fill(now time.Time) {
	allowed := s.rate * backfill
	s.tokens = min(s.tokens+allowed*now.Sub(s.filled).Seconds(), max(allowed, 1))
	s.filled = now
	for s.more && s.tokens >= 1 && s.out < maxOut {
		run, ok := s.spool.Take(true, min(int(s.tokens), maxRows), now)
		if s.more = ok; !ok {
			return
		}
		s.tokens -= float64(max(len(run.Rows), 1))
		s.batch(run)
	}
}

// batch sends a run of results. It obeys what was obeyed when they were measured:
// a monitor may be another one now. A run that no frame can be made of is sent in
// halves, so that what is wrong with one result costs no other.
func (s *sender) batch(run spool.Run) {
	b := wire.Batch{Epoch: run.Epoch, From: run.From, Obeyed: run.Obeyed, Late: run.Late, Clock: time.Now(), Lost: run.Lost, Rows: run.Rows}
	if len(run.Rows) == 0 {
		b.Obeyed = s.now.obeyed
	}
	if c := s.now.counts; !run.Late {
		b.Counters = wire.Counters{Scheduled: c.Scheduled, Finished: c.Finished, Late: c.Late, Skipped: c.Skipped,
			Dropped: s.spool.Dropped() + s.now.lost, Depth: s.spool.Depth()}
	}
	frame, err := s.codec.Batch(b)
	switch half := len(run.Rows) / 2; {
	case err != nil && half > 0:
		second := run
		second.From, second.Rows, second.Lost = run.From+uint64(half), run.Rows[half:], nil
		run.Rows = run.Rows[:half]
		s.batch(run)
		s.batch(second)
		return
	case err != nil:
		s.quiet.say("unsendable", time.Now(), func(more int) {
			s.log.Error("a result is lost: it cannot be sent", "why", err, "more", more)
		})
		s.spool.GiveUp(run)
		return
	}
	s.out++
	// No type, no id: the key says what it is, the frame its version, epoch and
	// interval, and here each byte of a message is paid every ten seconds.
	s.publish(link.Message{Body: frame, Durable: true}, func(err error) {
		select {
		case s.settled <- settledRun{run, err}:
		case <-s.over:
		}
	})
}

// settle lets go what the broker has, and keeps what it has not.
func (s *sender) settle(r settledRun) {
	s.out--
	if r.err != nil {
		if !s.broken {
			s.quiet.say("batch", time.Now(), func(more int) {
				s.log.Warn("the broker did not take results, which wait", "why", r.err, "others", more)
			})
		}
		s.broken = true
		s.spool.Unsent(r.run)
		return
	}
	s.spool.Sent(r.run)
	if s.broken {
		s.log.Info("the broker takes results again", "waiting", s.spool.Depth())
		s.broken, s.force = false, true
	}
}
