package engine

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"lookout/engine/uptime"
)

const (
	quietFlush  = 5 * time.Second  // between transactions when little happens: an SD card wears out
	busyResults = 64               // so many results wait no longer than a tick
	maxUnstored = 200_000          // results kept while the store takes none
	maxEvents   = 10_000           // events that wait with their evidence; the others lose it
	hangAfter   = 10 * time.Second // a store that does not answer for so long is told to people
	lastAnswer  = 30 * time.Second // what it has at the end to answer
)

// outbound is what waits for the store, and what is on its way there.
type outbound struct {
	pending uptime.Batch
	rows    []uptime.Result // that probes sent, and are never given up; with pending
	probes  []string        // whose records go with pending
	answers []func(error)   // to be given when pending is stored
	waiting int             // rows of probes, and deliveries without any, that are not stored yet
	renames []rename        // to be done before pending is stored
	urgent  bool            // something in pending must not wait
	since   time.Time       // when the last batch was sent
	cuts    uint64          // batches made; the number of the newest

	batches chan *batch  // loop → writer; one: the loop sends the next after the answer
	stored  chan storing // writer → loop; one slot: the writer never waits
	flying  *batch       // on its way; nil: none is
	failed  *batch       // it came back; sent again before any other
	retryAt time.Time
	backoff time.Duration

	latency time.Duration
	err     error // why nothing is being stored
	lost    error // … and never will be: uptime.ErrReplaced
	dropped uint64
	size    int64
}

// batch is what is sent to the writer: the names that changed, then the rest.
type batch struct {
	number  uint64 // from 1, as they were cut
	renames []rename
	answers []func(error)
	waiting int // its part of that of outbound
	*uptime.Batch
}

type rename struct{ from, to string }

// storing is the answer to a batch.
type storing struct {
	batch *batch
	taken []error // names that could not be given
	err   error
	took  time.Duration
	size  int64
}

// start makes the writer: it stores batches until finish has given it the last one.
func (o *outbound) start(s Store) func() {
	o.batches = make(chan *batch, 1)
	o.stored = make(chan storing, 1)
	return func() {
		for b := range o.batches {
			begun := time.Now()
			taken, err := b.store(s)
			o.stored <- storing{b, taken, err, time.Since(begun), s.Size()}
		}
	}
}

// store may be repeated after an error: a name that has changed already is no
// error. One that is taken stays so, and is told: nothing else waits for it.
func (b *batch) store(s Store) (taken []error, err error) {
	for _, r := range b.renames {
		err := s.Rename(r.from, r.to)
		switch {
		case errors.Is(err, uptime.ErrTaken):
			taken = append(taken, err)
		case err != nil:
			return nil, fmt.Errorf("rename %q to %q: %w", r.from, r.to, err)
		}
	}
	return taken, s.Append(b.Batch)
}

// result adds one; of too many that the store does not take the oldest go.
func (o *outbound) result(r uptime.Result) {
	o.pending.Results = append(o.pending.Results, r)
	if n := len(o.pending.Results); n > maxUnstored+maxUnstored/10 {
		o.pending.Results = append([]uptime.Result(nil), o.pending.Results[n-maxUnstored:]...)
		o.dropped += uint64(n - maxUnstored)
	}
}

// probe has a probe's record stored with what is pending.
func (o *outbound) probe(name string) {
	if !slices.Contains(o.probes, name) {
		o.probes = append(o.probes, name)
	}
}

// answer has a delivery of so many rows answered when all that is pending is stored.
func (o *outbound) answer(done func(error), rows int) {
	o.answers = append(o.answers, done)
	o.waiting += max(rows, 1)
}

// delivered is how much of what probes sent is not stored yet.
func (o *outbound) delivered() int {
	n := o.waiting
	if o.flying != nil {
		n += o.flying.waiting
	}
	if o.failed != nil && o.failed != o.flying {
		n += o.failed.waiting
	}
	return n
}

// settled reports whether all that probes sent is stored.
func (o *outbound) settled() bool { return o.delivered() == 0 }

// refuse answers all that will not be stored.
func (o *outbound) refuse(err error) {
	for _, b := range []*batch{o.flying, o.failed} {
		if b != nil {
			b.answer(err)
		}
	}
	(&batch{answers: o.answers}).answer(err)
	o.answers, o.waiting = nil, 0
}

func (b *batch) answer(err error) {
	for _, done := range b.answers {
		done(err)
	}
	b.answers, b.waiting = nil, 0
}

func (o *outbound) send(b *batch, now time.Time) {
	o.flying, o.since = b, now
	o.batches <- b
}

// finish stores what is still on its way and the last batch, and ends the writer.
func (e *Engine) finish(last *batch) error {
	o := &e.out
	defer close(o.batches)
	patience := time.NewTimer(lastAnswer)
	defer patience.Stop()
	answer := func() error {
		select {
		case d := <-o.stored:
			o.flying = nil
			if d.err == nil {
				e.wrote(d.batch)
				o.failed = nil
			} else {
				o.failed = d.batch
			}
			return d.err
		case <-patience.C:
			return fmt.Errorf("the store has not answered for %s", uptime.Ago(lastAnswer))
		}
	}
	if o.flying != nil {
		_ = answer() // what failed is sent again
	}
	for _, b := range []*batch{o.failed, last} {
		if b == nil {
			continue
		}
		o.flying = b
		o.batches <- b
		if err := answer(); err != nil {
			return err // later events must not be stored without the earlier ones
		}
	}
	e.answered.raise()
	return nil
}

// wrote notes that a batch is on disk.
func (e *Engine) wrote(b *batch) {
	if n := len(b.Events); n > 0 {
		e.durable.Store(b.Events[n-1].ID)
	}
	e.written.Store(b.number)
	b.answer(nil)
}

// flush sends what waits for the store when it is time to.
func (e *Engine) flush(now time.Time, always bool) {
	o := &e.out
	if o.flying != nil {
		return
	}
	if o.failed != nil {
		if !now.Before(o.retryAt) {
			o.send(o.failed, now)
		}
		return
	}
	waited := now.Sub(o.since)
	switch {
	case always || o.urgent || o.delivered() >= maxDelivered:
	case len(o.pending.Results)+len(o.rows) >= busyResults && waited >= tick:
	case len(o.answers) >= soonDelivered && waited >= tick:
	case waited >= quietFlush && len(o.pending.Results)+len(o.pending.States)+len(o.answers) > 0:
	default:
		return
	}
	o.send(e.cut(now), now)
}

// cut takes what is pending, with the state records that go with it: those
// that say what its events say, in the same transaction.
func (e *Engine) cut(now time.Time) *batch {
	b := e.out.pending
	b.Time = now
	renames := e.out.renames
	for _, m := range e.monitors {
		if !m.save {
			continue
		}
		e.record(&b, m)
	}
	o := &e.out
	b.Results = append(b.Results, o.rows...)
	e.probeRecords(&b)
	o.cuts++
	cut := &batch{o.cuts, renames, o.answers, o.waiting, &b}
	o.pending, o.renames, o.urgent = uptime.Batch{}, nil, false
	o.rows, o.answers, o.waiting = nil, nil, 0
	return cut
}

// record adds a monitor's state record to a batch.
func (e *Engine) record(b *uptime.Batch, m *monitor) {
	m.save, m.moved, m.saved = false, false, m.checked
	data, err := m.encode(e.incidentOf(m))
	if err != nil { // a value of ours that JSON cannot hold: a bug, not a reason to stop
		e.journal.say(slog.LevelError, "state not saved", "monitor", m.job.Name, "error", err)
		return
	}
	b.States = append(b.States, uptime.StateRecord{Monitor: m.job.Name, Data: data})
}

// stored takes the store's answer.
func (e *Engine) stored(d storing, now time.Time) {
	o := &e.out
	o.flying, o.latency, o.size = nil, d.took, d.size
	e.dirty = true
	if d.err == nil {
		if o.err != nil {
			e.emit(uptime.Event{Time: now, Kind: uptime.EventStore, Message: "storing again", By: byEngine})
		}
		o.failed, o.err, o.backoff = nil, nil, 0
		for _, err := range d.taken {
			e.emit(uptime.Event{Time: now, Kind: uptime.EventStore, By: byEngine,
				Message: uptime.Clean(fmt.Sprintf("the history of a monitor stays under its old name: %v", err), 300)})
		}
		e.wrote(d.batch)
		e.answered.raise()
		return
	}
	if o.err == nil {
		e.journal.say(slog.LevelError, "results are not being stored", "error", d.err)
	}
	if errors.Is(d.err, uptime.ErrReplaced) {
		o.lost = d.err
	}
	o.failed, o.err = d.batch, d.err
	o.backoff = min(max(2*o.backoff, time.Second), 30*time.Second)
	o.retryAt = now.Add(o.backoff)
	e.answered.raise()
}

// storeError is why nothing is being stored, for people.
func (o *outbound) storeError(now time.Time) string {
	if o.flying != nil && now.Sub(o.since) > hangAfter {
		return "the disk has not answered for " + uptime.Ago(now.Sub(o.since))
	}
	if o.err == nil {
		return ""
	}
	return uptime.Clean(fmt.Sprint(o.err), 200)
}

// unstored is how many results wait for the store.
func (o *outbound) unstored() int {
	n := len(o.pending.Results) + len(o.rows)
	if o.failed != nil {
		n += len(o.failed.Results)
	}
	return n
}
