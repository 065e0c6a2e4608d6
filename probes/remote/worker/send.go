package worker

import (
	"errors"
	"fmt"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
	"lookout/probes/spool"
	"lookout/probes/wire"
)

// Spool keeps results until the broker has confirmed them; a spool.Spool is one.
type Spool interface {
	Epoch() uint64
	Append(rows []wire.Row, now time.Time) error
	Take(late bool, most int, now time.Time) (spool.Run, bool)
	Sent(spool.Run)
	Unsent(spool.Run)
	Depth() uint64
	Dropped() uint64
}

const (
	maxRows   = 1000                   // of a batch; so many that wait are sent at once
	maxOut    = 200                    // batches that are sent and not confirmed
	urgentGap = 200 * time.Millisecond // between batches that tell of a change: an outage of many is no flood
	rateEvery = 10 * time.Second
	leastRate = 10.0 // results a second that are thought to be live, at least
	backfill  = 10.0 // times the live rate: what an outage left behind must not crowd out what comes
)

// sender says when results are sent. The results themselves are in the spool.
type sender struct {
	connected bool
	broken    bool // what was sent last failed: one batch at a time, until one is confirmed
	pending   []wire.Row
	out       int // batches that are not confirmed

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

func (s *sender) begin(now time.Time) {
	s.flushed, s.since, s.filled, s.rate = now, now, now, leastRate
}

// row keeps a result for the spool.
func (w *Worker) row(c check, r uptime.Result, unhealthy bool) {
	m := c.m
	row := wire.Row{Monitor: m.Number, Baseline: c.baseline, Unhealthy: unhealthy, Result: r}
	if r.Outcome == uptime.OutcomeUp {
		row.Result.Steps = nil // they do not travel
	}
	m.last, m.began = row, c.started
	if r.Outcome != uptime.OutcomeUnknown && !c.baseline {
		if r.Outcome != m.outcome && (m.outcome != uptime.OutcomeUnknown || r.Outcome != uptime.OutcomeUp) {
			w.sender.urgent = true
		}
		m.outcome = r.Outcome
	}
	if !m.told.news(r.Cert, time.Now()) {
		row.Result.Cert = nil
	}
	w.sender.pending = append(w.sender.pending, row)
}

// keep writes what was found to the spool: from then on it is done.
func (w *Worker) keep(now time.Time) {
	s := &w.sender
	if len(s.pending) == 0 {
		return
	}
	if err := w.o.Spool.Append(s.pending, now); err != nil {
		w.quiet.say("spool", now, func(more int) {
			w.log.Error("results are lost: the spool does not take them", "why", err, "more", more)
		})
	}
	s.fresh += len(s.pending)
	s.counted += len(s.pending)
	clear(s.pending)
	s.pending = s.pending[:0]
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

// last has everything sent that is there.
func (s *sender) last() { s.force = true }

// send sends what is due.
func (w *Worker) send(now time.Time) {
	s := &w.sender
	if !now.Before(s.due()) {
		w.flush(now)
	}
	if s.connected && !s.broken && now.Sub(s.filled) >= time.Second {
		w.fill(now)
	}
}

// flush sends the results that are no history, or none: that we live is news too.
func (w *Worker) flush(now time.Time) {
	s := &w.sender
	s.flushed, s.fresh, s.urgent, s.force = now, 0, false, false
	if span := now.Sub(s.since); span >= rateEvery {
		s.rate = max((s.rate+float64(s.counted)/span.Seconds())/2, leastRate)
		s.counted, s.since = 0, now
	}
	if err := w.counts.save(w.files); err != nil { // before: they never go back
		w.quiet.say("counts", now, func(int) { w.log.Warn("the counters cannot be stored", "why", err) })
	}
	if !s.connected {
		return
	}
	for sent := 0; s.out < maxOut && (sent == 0 || !s.broken); sent++ {
		run, ok := w.o.Spool.Take(false, maxRows, now)
		if ok || sent == 0 {
			w.batch(run)
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
func (w *Worker) fill(now time.Time) {
	s := &w.sender
	allowed := s.rate * backfill
	s.tokens = min(s.tokens+allowed*now.Sub(s.filled).Seconds(), max(allowed, 1))
	s.filled = now
	for s.more && s.tokens >= 1 && s.out < maxOut {
		run, ok := w.o.Spool.Take(true, min(int(s.tokens), maxRows), now)
		if s.more = ok; !ok {
			return
		}
		s.tokens -= float64(max(len(run.Rows), 1))
		w.batch(run)
	}
}

// settled is what became of a message.
type settled struct {
	what string
	run  spool.Run // of a batch
	err  error
}

// The messages whose end is waited for.
const (
	whatBatch   = "results"
	whatHello   = "hello"
	whatGoodbye = "goodbye"
	whatReply   = "reply"
)

// batch sends a run of results, in halves where it is too large for a frame.
func (w *Worker) batch(run spool.Run) {
	b := wire.Batch{Epoch: run.Epoch, From: run.From, Obeyed: w.orders.obeyed(), Late: run.Late, Clock: time.Now(), Lost: run.Lost, Rows: run.Rows}
	if !run.Late {
		b.Counters = wire.Counters{Scheduled: w.counts.Scheduled, Finished: w.counts.Finished, Late: w.counts.Late, Skipped: w.counts.Skipped,
			Dropped: w.o.Spool.Dropped(), Depth: w.o.Spool.Depth()}
	}
	frame, err := w.codec.Batch(b)
	switch half := len(run.Rows) / 2; {
	case err != nil && errors.Is(err, wire.ErrTooLarge) && half > 0:
		second := run
		second.From, second.Rows, second.Lost = run.From+uint64(half), run.Rows[half:], nil
		run.Rows = run.Rows[:half]
		w.batch(run)
		w.batch(second)
		return
	case err != nil:
		w.log.Error("results that cannot be sent are let go", "results", len(run.Rows), "why", err)
		w.o.Spool.Sent(run)
		return
	}
	id := ""
	if n := uint64(len(run.Rows)); n > 0 {
		id = fmt.Sprintf("%x/%d-%d", run.Epoch, run.From, run.From+n)
	}
	w.sender.out++
	w.publish(topology.KindResult, link.Message{Type: topology.TypeResult, ID: id, Body: frame, Durable: true}, settled{what: whatBatch, run: run})
}

// publish says something to the engine. What became of it comes back to the loop.
func (w *Worker) publish(kind string, m link.Message, s settled) {
	m.Exchange, m.Key = topology.Up, topology.Key(kind, w.o.Place.Location, w.o.Place.Probe)
	w.o.Broker.Publish(m, func(err error) {
		s.err = err
		select {
		case w.settled <- s:
		case <-w.over:
		}
	})
}

// settle lets go what the broker has, and keeps what it has not.
func (w *Worker) settle(s settled, now time.Time) {
	if s.err != nil && (s.what != whatBatch || !w.sender.broken) {
		w.quiet.say(s.what, now, func(more int) {
			w.log.Warn("the broker did not take it", "what", s.what, "why", s.err, "others like it", more)
		})
	}
	switch {
	case s.what == whatGoodbye:
		w.hello.leaving = false
	case s.what != whatBatch:
	case s.err != nil:
		w.sender.out--
		w.sender.broken = true
		w.o.Spool.Unsent(s.run)
	default:
		w.sender.out--
		w.o.Spool.Sent(s.run)
		if w.sender.broken {
			w.log.Info("the broker takes results again", "waiting", w.o.Spool.Depth())
			w.sender.broken, w.sender.force = false, true
		}
	}
}

// told is what the engine knows of a monitor's certificate.
type told struct {
	known uptime.Certificate
	at    time.Time
}

// tellAgain is how often a certificate travels that says nothing new.
const tellAgain = 24 * time.Hour

// news reports whether a certificate is to travel, and takes it that it does.
func (t *told) news(c *uptime.Certificate, now time.Time) bool {
	if c == nil {
		return false
	}
	is := uptime.Certificate{Version: c.Version, Chain: c.Chain, Cipher: c.Cipher, KeyExchange: c.KeyExchange, Fingerprint: c.Fingerprint}
	if !t.at.IsZero() && now.Sub(t.at) < tellAgain && t.known.Fingerprint == is.Fingerprint && t.known.Version == is.Version &&
		t.known.Chain == is.Chain && t.known.Cipher == is.Cipher && t.known.KeyExchange == is.KeyExchange {
		return false
	}
	t.known, t.at = is, now
	return true
}
