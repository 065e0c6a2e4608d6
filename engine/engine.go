// Package engine is the loop that owns all state: it decides what is checked
// when, turns results into verdicts, writes down what changed and publishes
// snapshots of it.
//
// One goroutine, Run's, owns the monitors; nothing in here has a mutex for
// them. Whoever wants something done sends a function to it and waits; whoever
// only looks reads the newest snapshot, which is immutable. Checks run in
// goroutines of their own, at most Capacity of them and at most perDest for one
// destination; one more goroutine writes to the store, so that a slow disk
// delays no check; one writes the log, for the same reason; one watches for
// stalls of the whole process. What probes at other locations find is brought by
// Deliver and applied once; what they are to be asked goes through Remote.
package engine

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"lookout/engine/schedule"
	"lookout/engine/selfcheck"
	"lookout/engine/uptime"
	"lookout/engine/verdict"
)

// Runner runs one check, within the monitor's time-out, and reports what it found.
type Runner interface {
	Run(ctx context.Context, job uptime.Job) uptime.Result
}

// Store keeps what must survive. Append is called by one goroutine at a time;
// everything else may be called at any time.
type Store interface {
	// Append stores a batch in one transaction, and may be given the same one again after an error.
	Append(b *uptime.Batch) error
	// States calls fn with every monitor's newest state record.
	States(fn func(uptime.StateRecord) error) error
	// Probes calls fn with every probe's newest record.
	Probes(fn func(uptime.ProbeRecord) error) error
	// Tail calls fn with the results that are newer than since, oldest first.
	Tail(since time.Time, fn func(*uptime.Result) error) error
	Events(q uptime.EventQuery) ([]uptime.Event, error)
	Incidents(q uptime.IncidentQuery) ([]uptime.Incident, error)
	Results(q uptime.ResultQuery) ([]uptime.Result, error)
	// Rename gives a monitor's history and state another name. It fails with
	// uptime.ErrTaken where that has its own.
	Rename(from, to string) error
	// Size is the space that the store takes, in bytes.
	Size() int64
}

// Options are what an engine needs to start.
type Options struct {
	Instance    string
	Node        string // the name of this machine, for sentences; "" for Instance
	Timezone    string // IANA name for what people read
	Store       Store
	Runner      Runner
	Jobs        []uptime.Job
	Maintenance []Maintenance // windows of the configuration
	Config      uptime.ConfigState
	Remote      Remote // nil: nobody else can be asked
	// OnExclude is told whose votes do not count from now on, by whom (""
	// includes it again), at the start for all that are excluded. It must not wait.
	OnExclude func(probe, by string)
	// OnPause is told which monitors nobody is to check from now on, and which
	// are checked again, at the start for all that are paused. It must not wait.
	OnPause  func(monitor string, paused bool)
	Probes   Probes               // nil: there are none
	Outbox   func() uptime.Outbox // how telling people stands; it must not wait; nil: nobody is told
	Outside  Outside              // nil: nobody looks whether we are online
	Anchors  []netip.AddrPort     // that tell it, beside the system's resolvers
	Network  string               // of this node: another place in it is no witness; "": its own
	Place    string               // what people call where it is; "": nothing
	Resumed  Resumed
	Capacity int            // checks in flight; 0: 1,024
	Confirm  int            // checks beyond the regular ones a second, here and elsewhere; 0: 50
	Clock    func() Reading // nil: the wall clock alone; see MachineClock
	Synced   func() bool    // whether a time service keeps the clock; nil: nobody can tell
	Log      *slog.Logger
}

// Resumed is where the store says that the last engine ended.
type Resumed struct {
	LastEvent    uint64
	LastIncident uint64
	LastAlive    time.Time // zero: there was none
}

// Engine watches the monitors of one instance. Make it with New, then call Run.
type Engine struct {
	o       Options
	journal journal

	// What the loop owns.
	monitors []*monitor // by name
	byName   map[string]*monitor
	pausedAs map[*monitor]string // of whom OnPause was told, by what name
	removed  map[string]*monitor // taken out of the configuration since the start
	rotas    []*rota             // the windows of monitors
	calendar calendar            // … as they are planned
	orphans  []orphan            // … and before it; until begin
	damaged  error               // what of the store could not be read; until begin
	wheel    *schedule.Wheel[due]
	flow     flow
	budget   budget
	open     map[uint64]*uptime.Incident // as they are now
	shown    openList                    // … and as they are published
	ids      struct{ event, incident uint64 }
	out      outbound
	started  time.Time
	steps    steps
	jump     jump
	config   uptime.ConfigState
	self     verdict.Self
	line     line
	troubles troubles
	dirty    bool // something a snapshot shows has changed
	turn     int  // whose state record is written next
	days     *time.Location

	// How others reach the loop.
	commands chan func(time.Time)
	results  chan finished
	opinions chan opinion
	intake   intake
	lags     lags
	watch    *watch
	done     chan struct{} // closed when Run has returned

	// What the loop publishes.
	snapshot atomic.Pointer[uptime.Snapshot]
	changed  signal        // there is a newer snapshot
	durable  atomic.Uint64 // the newest event that is stored
	written  atomic.Uint64 // the newest batch that is
	answered signal        // the store has answered
}

// signal wakes all who wait for the next time that something happens.
type signal struct{ ch atomic.Pointer[chan struct{}] }

// next is closed when it happens the next time.
func (s *signal) next() <-chan struct{} { return *s.ch.Load() }

// raise says that it happened.
func (s *signal) raise() {
	next := make(chan struct{}) // loop → waiters; only ever closed
	if old := s.ch.Swap(&next); old != nil {
		close(*old)
	}
}

const (
	defaultCapacity = 1024
	tick            = time.Second
	publishEvery    = 250 * time.Millisecond
)

// New makes an engine that goes on where the store says the last one ended.
func New(o Options, now time.Time) (*Engine, error) {
	if o.Capacity <= 0 {
		o.Capacity = defaultCapacity
	}
	if o.Node == "" {
		o.Node = o.Instance
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	days, err := time.LoadLocation(o.Timezone)
	if err != nil || o.Timezone == "" {
		days = time.Local
	}
	e := &Engine{
		o: o, journal: newJournal(o.Log), config: o.Config, started: now, days: days,
		watch: newWatch(o.Clock), steps: steps{began: now.Round(0)},
		byName:   make(map[string]*monitor, len(o.Jobs)),
		pausedAs: make(map[*monitor]string),
		removed:  make(map[string]*monitor),
		wheel:    schedule.New[due](now),
		flow:     newFlow(o.Capacity),
		budget:   newBudget(o.Confirm, now),
		open:     make(map[uint64]*uptime.Incident),
		commands: make(chan func(time.Time)),      // callers → loop; unbuffered: who is taken is being served
		results:  make(chan finished, o.Capacity), // checks → loop; a slot each: a check never waits on a busy loop
		opinions: make(chan opinion, o.Capacity),  // Remote → loop; it may wait, its answers are late then
		done:     make(chan struct{}),
	}
	e.intake = intake{deliveries: make(chan delivery), probes: make(map[string]*applied), called: make(names), told: make(map[string]time.Time)}
	e.line = newLine(o, now)
	e.ids.event, e.ids.incident = o.Resumed.LastEvent, o.Resumed.LastIncident
	e.durable.Store(o.Resumed.LastEvent)
	e.changed.raise()
	e.answered.raise()
	if err := e.restore(now); err != nil {
		return nil, fmt.Errorf("resume from the store: %w", err)
	}
	e.tellPauses()
	e.publish(now)
	return e, nil
}

// Run checks until ctx ends, or until the store says ErrReplaced: another
// engine may have the file that is there now. It returns after everything that
// it started has ended and the last tick is stored; the error says what could
// not be stored.
func (e *Engine) Run(ctx context.Context) error {
	defer close(e.done)
	checks, stop := context.WithCancel(context.Background())
	defer stop()

	var workers sync.WaitGroup
	quit := make(chan struct{}) // closed to end the watch
	workers.Go(func() { e.watch.run(quit) })
	workers.Go(e.out.start(e.o.Store))
	go e.journal.write() // ended by journal.end
	e.flow.start = func(c check) {
		if c.regular {
			e.soften(c)
		}
		workers.Go(func() { e.results <- e.perform(checks, c) })
	}

	ask := func(r selfcheck.Round) { workers.Go(func() { e.ask(checks, r) }) }
	workers.Go(func() { e.survey(checks) })

	e.begin(e.look())
	timer := time.NewTimer(0)
	nextTick := e.look()
	nextPublish := nextTick
	for running := true; running && e.out.lost == nil; {
		select {
		case <-ctx.Done():
			running = false
		case f := <-e.results:
			e.take(f, e.look())
		case o := <-e.opinions:
			e.hear(o, e.look())
		case d := <-e.arriving():
			e.deliver(d, e.look())
		case fn := <-e.commands:
			fn(e.look())
		case a := <-e.line.answers:
			e.anchorSaid(a, e.look())
		case d := <-e.out.stored:
			e.stored(d, e.look())
		case <-timer.C:
		}
		now := e.look()
		e.wheel.Advance(now, func(at time.Time, d due) { e.fire(at, d, now) })
		e.confirm(now)
		e.flow.pump(now, e.steps.sum)
		line := e.selfCheck(now, ask)
		if !now.Before(nextTick) {
			e.tick(now)
			nextTick = now.Add(tick)
			e.dirty = true // the age of the truth
		}
		e.flush(now, false)
		if e.dirty && !now.Before(nextPublish) {
			e.publish(now)
			nextPublish = now.Add(publishEvery)
		}
		wake := nextTick
		if e.dirty && nextPublish.Before(wake) {
			wake = nextPublish
		}
		if !line.IsZero() && line.Before(wake) {
			wake = line
		}
		if at, ok := e.wheel.Next(); ok && at.Before(wake) {
			wake = at
		}
		if at := e.budget.wake(now); !at.IsZero() && at.Before(wake) {
			wake = at
		}
		timer.Reset(max(wake.Sub(now), time.Millisecond))
	}

	stop() // checks in flight end now; what they found is not used
	for e.flow.inFlight > 0 {
		e.flow.release((<-e.results).check)
	}
	close(quit)
	err := e.end(e.look())
	workers.Wait()
	e.journal.end()
	return err
}

// do has fn run by the loop and waits for it.
func (e *Engine) do(ctx context.Context, fn func(now time.Time)) error {
	ran := make(chan struct{})
	select {
	case e.commands <- func(now time.Time) { fn(now); close(ran) }:
		select {
		case <-ran: // the loop has it: it will not take long
			return nil
		case <-e.done: // it ended with it
			return fmt.Errorf("%w: it has stopped", uptime.ErrNoEngine)
		}
	case <-ctx.Done():
		return ctx.Err()
	case <-e.done:
		return fmt.Errorf("%w: it has stopped", uptime.ErrNoEngine)
	}
}

// begin schedules every monitor. Those that were never checked, or have missed
// a turn while no engine ran, come at once, a few at a time; the others have
// their place in their interval.
func (e *Engine) begin(now time.Time) {
	fresh := 0
	for _, m := range e.monitors {
		if since := e.o.Resumed.LastAlive; now.Sub(since) > longStall {
			m.beat = m.beat.After(uptime.Gap{From: since, To: now})
		}
		e.schedule(m, now, &fresh)
		e.catchUp(m, now, &fresh)
	}
	msg := "started with " + counted(len(e.monitors))
	since := e.o.Resumed.LastAlive
	if e.steps.sum < 0 {
		since = time.Time{} // nobody knows
		e.emit(uptime.Event{Time: now, Kind: uptime.EventClock, By: byEngine,
			Message: "the clock was set back while no engine ran, by " + uptime.Ago(-e.steps.sum) + " or more"})
	} else if !since.IsZero() {
		msg += ", after " + uptime.Ago(now.Sub(since)) + " without checks"
	}
	e.emit(uptime.Event{Time: now, Kind: uptime.EventNode, Since: since, Message: msg, By: byEngine})
	if e.damaged != nil {
		e.emit(uptime.Event{Time: now, Kind: uptime.EventStore, By: byEngine,
			Message: uptime.Clean(fmt.Sprintf("goes on without what could not be read: %v", e.damaged), 300)})
	}
	e.settle(e.monitors, now)
	for _, o := range e.orphans {
		e.abandon(o.m, o.open, now)
		e.record(&e.out.pending, o.m)
	}
	e.orphans, e.damaged = nil, nil
	e.explainAll(now)
}

// end stores what is left, with the state of every monitor that is not what the
// next engine makes of its results.
func (e *Engine) end(now time.Time) error {
	e.emit(uptime.Event{Time: now, Kind: uptime.EventNode, Message: "stopped", By: byEngine})
	for _, m := range e.monitors {
		m.save = m.save || m.moved || m.checked > m.saved && !m.follows()
	}
	if e.out.lost != nil {
		close(e.out.batches)
		e.out.refuse(e.out.lost)
		e.publish(now)
		return e.out.lost
	}
	last := e.cut(now)
	err := e.finish(last)
	if err != nil {
		last.answer(err)
		e.out.refuse(err)
	}
	e.publish(now)
	if err != nil {
		return fmt.Errorf("store the last results: %w", err)
	}
	return nil
}

// tick is done once a second.
func (e *Engine) tick(now time.Time) {
	e.flow.second()
	e.windows(now)
	e.endings(now)
	e.calm(now)
	e.jump.confirm(e.o.Synced, now)
	e.line.stirred = true // what was heard grows old
	// Every state record is renewed within about ten minutes.
	for n := (len(e.monitors) + 599) / 600; n > 0 && len(e.monitors) > 0; n-- {
		e.turn = (e.turn + 1) % len(e.monitors)
		m := e.monitors[e.turn]
		m.viewed = false // uptime moves on where no check does
		m.params.P99 = m.history.p99(now)
		if m.checked > m.saved || m.moved {
			m.save = true
		}
	}
}

const byEngine = "engine"

// emit numbers an event and has it stored at once.
func (e *Engine) emit(ev uptime.Event) {
	e.ids.event++
	ev.ID = e.ids.event
	if len(e.out.pending.Events) > maxEvents {
		ev.Evidence = nil
	}
	e.out.pending.Events = append(e.out.pending.Events, ev)
	e.out.urgent = true
	e.dirty = true
	e.journal.say(slog.LevelInfo, ev.Message, "event", string(ev.Kind), "monitor", ev.Monitor, "id", ev.ID)
}

// ConfigFailed notes that a later version of the configuration was not taken.
func (e *Engine) ConfigFailed(ctx context.Context, why string) error {
	return e.do(ctx, func(now time.Time) {
		e.config.Error = why
		e.emit(uptime.Event{Time: now, Kind: uptime.EventConfig, Message: "not reloaded: " + why, By: byEngine})
	})
}

// Snapshot is the newest state; it never waits.
func (e *Engine) Snapshot() *uptime.Snapshot { return e.snapshot.Load() }

// Wait returns the first snapshot with a larger number than seq.
func (e *Engine) Wait(ctx context.Context, seq uint64) (*uptime.Snapshot, error) {
	for {
		ch := e.changed.next() // before the snapshot: one that comes in between closes it
		if s := e.snapshot.Load(); s.Seq > seq {
			return s, nil
		}
		select {
		case <-ch:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-e.done:
			if s := e.snapshot.Load(); s.Seq > seq {
				return s, nil
			}
			return nil, fmt.Errorf("%w: it has stopped", uptime.ErrNoEngine)
		}
	}
}
