package alert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"lookout/engine/uptime"
)

// Run tells people of what the engine sees until ctx ends, or the engine has. It
// returns after everything that it started has ended: what is being sent has five
// seconds for that. A channel that does not care is left behind a second later,
// with its letter to be sent again, perhaps; see attend. The error says what could
// not be stored.
func (f *Office) Run(ctx context.Context, e Engine) error {
	defer close(f.done)
	f.engine = e
	defer func() {
		if p := recover(); p != nil { // whoever called us goes on without us, and people should know
			f.broke(ctx)
			panic(p)
		}
	}()
	sends, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	watch, unwatch := context.WithCancel(ctx)
	defer unwatch()
	news := make(chan *uptime.Snapshot, 1) // watcher → loop; the newest waits
	ended := make(chan struct{})
	go f.watch(watch, news, ended)

	f.begin(ctx, f.now())
	timer := time.NewTimer(0)
	defer timer.Stop()
	for running := true; running; {
		select {
		case <-ctx.Done():
			running = false
		case <-ended:
			running = false
		case s := <-news:
			f.snapshot = s
		case r := <-f.results:
			f.finished(r, f.now())
		case fn := <-f.commands:
			now := f.now()
			f.steady(now)
			fn(now)
		case <-timer.C:
		}
		f.gather()
		if running {
			timer.Reset(max(f.turn(ctx, sends, f.now()).Sub(f.now()), time.Millisecond))
		}
	}

	unwatch()
	patience := time.AfterFunc(lastSend, cut)
	defer patience.Stop()
	for f.sending > 0 {
		r := <-f.results
		r.cut = sends.Err() != nil
		f.finished(r, f.now())
	}
	<-ended
	err := f.last(ctx)
	f.publish()
	return err
}

// broke says that nobody is told any more.
func (f *Office) broke(ctx context.Context) {
	const why = "nobody is told any more: a mistake in lookout; restart it"
	o := *f.outbox.Load()
	o.Channels = slices.Clone(o.Channels)
	for i := range o.Channels {
		o.Channels[i].Error, o.Channels[i].Failing, o.Channels[i].Next = why, f.now(), time.Time{}
	}
	f.outbox.Store(&o)
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), noteWait)
	defer done()
	if err := f.engine.Note(ctx, uptime.Event{Kind: uptime.EventAlert, Note: string(uptime.ToldLost), Message: why}); err != nil {
		f.log.Error(why, "error", err)
	}
}

// now is the wall clock's: what is planned is read again by another process.
func (f *Office) now() time.Time { return f.o.Clock().Round(0) }

// watch hands on snapshots until ctx or the engine ends.
func (f *Office) watch(ctx context.Context, news chan *uptime.Snapshot, ended chan<- struct{}) {
	defer close(ended)
	for seq := uint64(0); ; {
		s, err := f.engine.Wait(ctx, seq)
		if err != nil {
			return
		}
		seq = s.Seq
		select {
		case <-news: // an older one, that the loop had no time for
		default:
		}
		news <- s
	}
}

// gather takes what else has come, so that it is stored together.
func (f *Office) gather() {
	for {
		select {
		case r := <-f.results:
			f.finished(r, f.now())
		default:
			return
		}
	}
}

// begin has the desk see what is there, and tells what became of letters of
// channels that are gone.
func (f *Office) begin(ctx context.Context, now time.Time) {
	f.snapshot = f.engine.Snapshot()
	f.desk.Begin(f.snapshot.Events, f.snapshot, now)
	for _, c := range f.channels {
		c.steady(now)
		for _, it := range slices.Clone(c.queue) { // there was no time for it in the end
			if it.Ends != 0 && it.Kind != uptime.AlertCollapsed {
				f.collapse(c, it)
			}
		}
	}
	if f.damaged != nil {
		f.log.Error("a part of the outbox cannot be read and is left out; run: lookout data check", "error", f.damaged)
		f.note(uptime.Event{Kind: uptime.EventStore, Message: fmt.Sprintf("goes on without letters that could not be read: %v", f.damaged)})
		f.damaged = nil
	}
}

// turn does what is due and says when to come again.
func (f *Office) turn(ctx, sends context.Context, now time.Time) time.Time {
	wake := now.Add(time.Minute)
	soon := func(at time.Time) {
		if !at.IsZero() && at.Before(wake) {
			wake = at
		}
	}
	f.steady(now)
	stored := true
	if f.post.err != nil { // nothing new is decided: it could not be stored
		stored = f.store(now)
	}
	if stored {
		soon(f.decide(now))
		soon(f.choose(now))
		stored = f.store(now)
	}
	soon(f.post.at())
	if f.dirty { // before it is sent: whoever has a letter may ask about it at once
		f.publish()
	}
	if stored {
		f.send(sends)
		f.tell(ctx)
	}
	return wake
}

// steady has what waits wait no longer than it should where the clock was set
// back. It comes before whatever is done at a time.
func (f *Office) steady(now time.Time) {
	was := f.turned
	f.turned = now
	if !now.Before(was) {
		return
	}
	f.readAt = time.Time{}
	for _, c := range f.channels {
		c.steady(now)
	}
	// The desk, which may have had nothing to do for long, first learns how far the
	// clock had come: by the whole of the step it moves what waits.
	f.desk.Tick(f.snapshot, was)
	f.desk.Tick(f.snapshot, now)
}

// decide gives the desk what is new in the log and takes what it decides. It
// says when to come again.
func (f *Office) decide(now time.Time) (wake time.Time) {
	if more := f.events(now); more {
		wake = now
	} else if f.read < f.snapshot.Events {
		wake = f.readAt
	}
	if at := f.desk.Wake(); !at.IsZero() && !at.After(now) {
		f.desk.Tick(f.snapshot, now)
	}
	step := f.desk.Out()
	idle := len(step.Parcels) == 0 && !slices.ContainsFunc(step.Records, func(r uptime.OutboxRecord) bool { return r.Key != keyCursor })
	for _, r := range step.Records {
		if len(r.Data) > maxRecord { // the store takes none of a post that holds it
			f.log.Error("what is known of who was told is too large to be stored, and left out", "record", r.Key, "bytes", len(r.Data))
			continue
		}
		if idle {
			f.post.later(r, now)
		} else {
			f.post.put(r)
		}
	}
	f.looks = append(f.looks, step.Look...)
	if len(step.Parcels) > 0 {
		f.accept(step.Parcels, now)
	}
	for _, g := range f.gone {
		f.dropped(g)
	}
	f.gone = nil
	f.prune(now)
	if at := f.desk.Wake(); !at.IsZero() && (wake.IsZero() || at.Before(wake)) {
		wake = at
	}
	return wake
}

// events has the desk take what is new in the log, and reports whether there is more.
func (f *Office) events(now time.Time) (more bool) {
	s := f.snapshot
	if f.read < f.desk.Cursor() {
		f.read = f.desk.Cursor()
	}
	if f.read >= s.Events || now.Before(f.readAt) {
		return false
	}
	events, err := f.o.Store.Events(uptime.EventQuery{After: f.read, Limit: batchEvents})
	if err != nil && !errors.Is(err, uptime.ErrDamaged) {
		f.log.Error("the event log cannot be read: nobody is told of what is in it", "error", err)
		f.readAt = now.Add(firstStep)
		return false
	}
	f.readAt = time.Time{}
	for i := range events {
		if events[i].ID > s.Events { // newer than the state that it is about
			return false
		}
		f.read = events[i].ID
		f.desk.Take(&events[i], s, now)
	}
	if len(events) < batchEvents {
		f.read = s.Events // what is missing cannot be read, or is too old to be kept
		return false
	}
	return true
}

// accept puts parcels into the queues of their channels.
func (f *Office) accept(parcels []uptime.Parcel, now time.Time) {
	newest := uint64(0)
	for i := range parcels {
		p := parcels[i]
		newest = max(newest, p.Number)
		c := f.channel(p.Channel)
		if c == nil {
			continue // it was taken out of the configuration
		}
		it := &item{Parcel: p}
		c.add(it)
		f.post.letters.put(it.record())
		f.collapse(c, it)
	}
	for _, c := range f.channels {
		if len(c.queue) > maxQueue {
			f.merge(c, now)
		}
	}
	f.post.put(uptime.OutboxRecord{Key: keyStep, Data: encode(stepRecord{recordVersion, newest})})
	f.dirty = true
}

// collapse joins what is over with what was not told, on disk too.
func (f *Office) collapse(c *channel, it *item) {
	if gone, changed := c.collapse(it); changed {
		f.forget(c, gone)
		f.post.put(it.record())
		f.dirty = true
	} else if it.Kind != uptime.AlertCollapsed && f.lost(c.Name, it.Ends) {
		it.Kind = uptime.AlertCollapsed
		f.post.put(it.record())
	}
}

// merge has one letter stand for all that wait.
func (f *Office) merge(c *channel, now time.Time) (merged bool) {
	gone, into := c.merge(now)
	if into == nil {
		return false
	}
	f.forget(c, gone)
	f.post.put(into.record())
	f.dirty = true
	return true
}

func (f *Office) forget(c *channel, numbers []uint64) {
	for _, n := range numbers {
		f.post.drop(numbered(underPost, c.Name, n))
	}
}

// choose picks for every channel that is free what it sends next, and marks it
// so. It says when there is something to pick again.
func (f *Office) choose(now time.Time) (wake time.Time) {
	for _, c := range f.channels {
		c.capped = c.capped && len(c.queue) > 0
		it, at := c.pick(now)
		if it != nil {
			if at = c.limit.at(now); !at.After(now) {
				if c.capped && f.merge(c, now) { // until one stands for all
					wake = now
					continue
				}
				c.capped = false
			} else {
				it, c.capped, f.dirty = nil, true, true
			}
		}
		if it != nil {
			it.sending, c.flying, f.dirty = true, it, true
			f.post.put(it.record())
		} else if !at.IsZero() && (wake.IsZero() || at.Before(wake)) {
			wake = at
		}
	}
	return wake
}

// store stores what is to be stored, when it is time to, and reports whether all is.
func (f *Office) store(now time.Time) bool {
	if !f.post.due(now) {
		return f.post.err == nil
	}
	was := f.post.err
	if err := f.post.store(f.o.Store, now); err != nil {
		if was == nil {
			f.log.Error("what people are told cannot be stored, so that nothing is sent", "error", err)
		}
		f.dirty = true
		return false
	}
	if was != nil {
		f.dirty = true
		f.log.Info("what people are told is stored again")
	}
	return true
}

// tell writes down what is stored, and has monitors checked.
func (f *Office) tell(ctx context.Context) {
	for _, ev := range f.notes {
		if err := f.engine.Note(ctx, ev); err != nil {
			f.log.Warn("not in the event log", "event", ev.Message, "error", err)
		}
	}
	f.notes = nil
	if len(f.looks) > 0 {
		if err := f.engine.Look(ctx, f.looks); err != nil {
			f.log.Warn("monitors of one cause are not looked at", "error", err)
		}
		f.looks = nil
	}
}

// last stores and writes down what is left at the end.
func (f *Office) last(ctx context.Context) error {
	for _, c := range f.channels {
		if it := c.flying; it != nil { // chosen, and never sent
			it.sending, c.flying = false, nil
			f.post.put(it.record())
		}
	}
	if err := f.post.store(f.o.Store, f.now()); err != nil {
		return fmt.Errorf("store what people were told: %w", err)
	}
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), noteWait)
	defer done()
	f.looks = nil
	f.tell(ctx)
	return nil
}

// note has an event written down once what it tells is stored.
func (f *Office) note(ev uptime.Event) {
	ev.Message = uptime.Clean(ev.Message, 300)
	f.notes = append(f.notes, ev)
	level := slog.LevelDebug // the engine logs it as an event
	if ev.Note == string(uptime.ToldFailing) || ev.Note == string(uptime.ToldLost) {
		level = slog.LevelWarn
	}
	f.log.Log(context.Background(), level, ev.Message, "channel", ev.Channel)
}

func letters(n int) string {
	if n == 1 {
		return "1 letter"
	}
	return fmt.Sprintf("%d letters", n)
}
