package engine

import (
	"fmt"
	"time"

	"lookout/engine/uptime"
)

const (
	quietFlush  = 5 * time.Second // between transactions when little happens: an SD card wears out
	busyResults = 64              // so many results wait no longer than a tick
	maxUnstored = 200_000         // results kept while the store takes none
)

// outbound is what waits for the store, and what is on its way there.
type outbound struct {
	pending uptime.Batch
	urgent  bool      // something in pending must not wait
	since   time.Time // when the last batch was sent

	batches chan *uptime.Batch // loop → writer; one: the loop sends the next after the answer
	stored  chan storing       // writer → loop; one slot: the writer never waits
	busy    bool               // a batch is on its way
	failed  *uptime.Batch      // it came back; sent again before any other
	retryAt time.Time
	backoff time.Duration

	durable uint64 // the newest event that is stored
	latency time.Duration
	err     error // why nothing is being stored
	dropped uint64
	size    int64
}

// storing is the answer to a batch.
type storing struct {
	batch *uptime.Batch
	err   error
	took  time.Duration
	size  int64
}

// start makes the writer: it stores batches until finish has given it the last one.
func (o *outbound) start(s Store) func() {
	o.batches = make(chan *uptime.Batch, 1)
	o.stored = make(chan storing, 1)
	return func() {
		for b := range o.batches {
			begun := time.Now()
			err := s.Append(b)
			o.stored <- storing{b, err, time.Since(begun), s.Size()}
		}
	}
}

func (o *outbound) send(b *uptime.Batch, now time.Time) {
	o.busy, o.since = true, now
	o.batches <- b
}

// finish stores what is still on its way and the last batch, and ends the writer.
func (o *outbound) finish(last *uptime.Batch) error {
	defer close(o.batches)
	err := error(nil)
	if o.busy {
		if d := <-o.stored; d.err != nil {
			o.failed = d.batch
		}
	}
	for _, b := range []*uptime.Batch{o.failed, last} {
		if b == nil {
			continue
		}
		o.batches <- b
		if d := <-o.stored; d.err != nil {
			err = d.err
			break // later events must not be stored without the earlier ones
		}
		o.durable = lastEvent(b, o.durable)
	}
	return err
}

func lastEvent(b *uptime.Batch, before uint64) uint64 {
	if n := len(b.Events); n > 0 {
		return b.Events[n-1].ID
	}
	return before
}

// flush sends what waits for the store when it is time to.
func (e *Engine) flush(now time.Time, always bool) {
	o := &e.out
	if o.busy {
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
	case always || o.urgent:
	case len(o.pending.Results) >= busyResults && waited >= tick:
	case waited >= quietFlush && len(o.pending.Results)+len(o.pending.States) > 0:
	default:
		return
	}
	o.send(e.cut(now), now)
}

// cut takes what is pending, with the state records that go with it: those
// that say what its events say, in the same transaction.
func (e *Engine) cut(now time.Time) *uptime.Batch {
	b := e.out.pending
	b.Time = now
	for _, m := range e.monitors {
		if !m.save {
			continue
		}
		m.save, m.saved = false, m.checked
		data, err := m.encode(e.incidentOf(m))
		if err != nil { // a value of ours that JSON cannot hold: a bug, not a reason to stop
			e.log.Error("state not saved", "monitor", m.job.Name, "error", err)
			continue
		}
		b.States = append(b.States, uptime.StateRecord{Monitor: m.job.Name, Data: data})
	}
	e.out.pending, e.out.urgent = uptime.Batch{}, false
	return &b
}

// stored takes the store's answer.
func (e *Engine) stored(d storing, now time.Time) {
	o := &e.out
	o.busy, o.latency, o.size = false, d.took, d.size
	e.dirty = true
	if d.err == nil {
		if o.err != nil {
			e.emit(uptime.Event{Time: now, Kind: uptime.EventStore, Message: "storing again", By: byEngine})
		}
		o.failed, o.err, o.backoff = nil, nil, 0
		if last := lastEvent(d.batch, o.durable); last != o.durable {
			o.durable = last
			e.publish(now) // somebody may be waiting for it to be on disk
		}
		return
	}
	if o.err == nil {
		e.log.Error("results are not being stored", "error", d.err)
	}
	o.failed, o.err = d.batch, d.err
	o.backoff = min(max(2*o.backoff, time.Second), 30*time.Second)
	o.retryAt = now.Add(o.backoff)
	if n := len(o.pending.Results) - maxUnstored; n > 0 {
		o.pending.Results = append([]uptime.Result(nil), o.pending.Results[n:]...)
		o.dropped += uint64(n)
	}
}

// storeError is why nothing is being stored, for people.
func (o *outbound) storeError() string {
	if o.err == nil {
		return ""
	}
	return uptime.Clean(fmt.Sprint(o.err), 200)
}

// unstored is how many results wait for the store.
func (o *outbound) unstored() int {
	n := len(o.pending.Results)
	if o.failed != nil {
		n += len(o.failed.Results)
	}
	return n
}
