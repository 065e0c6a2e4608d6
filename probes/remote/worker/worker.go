// Package worker is the probe's side of remote checks: it is told once what to
// watch, repeats that by itself, and sends what it finds; and it checks at once
// what it is asked about.
//
// It obeys what the engine signed whose key is pinned, for this probe, and
// nothing that is older than what it obeys already; what it obeys lies on disk as it
// came, signature and all, so that it goes on after a restart and without engine
// or broker, as long as the last manifest is good for. What a check found is in
// the spool before it counts as done, and leaves it when the broker has
// confirmed it.
//
// One goroutine, the loop of Run, decides everything. Checks, questions to anchors
// and the link have goroutines of their own, which give what they have to the
// loop; and so has the sender, which gets what was found from a box, puts it into
// the spool and sends it: the loop waits for no disk but to store an order.
package worker

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"lookout/engine/schedule"
	"lookout/engine/uptime"
	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
	"lookout/probes/wire"
)

// Broker carries messages; a link.Link is one. Neither method waits.
type Broker interface {
	Publish(m link.Message, done func(error))
	Consume(c link.Consumer) (cancel func())
}

// Runner runs a check; a probes.Runner is one.
type Runner interface {
	Run(ctx context.Context, job uptime.Job) uptime.Result
}

// Outside asks an anchor; a probes.Outside is one.
type Outside interface {
	Try(ctx context.Context, a uptime.Anchor) uptime.Answer
}

// Build makes the check of an assigned monitor, under this probe's policy and
// with its secrets, or says what is wrong with it here.
type Build func(name, checkType string, p uptime.Portable, interval, timeout, degradedAbove time.Duration) (uptime.Job, []uptime.Mistake)

// Limits are what the probe's own file allows, whatever an engine orders.
type Limits struct {
	MaxMonitors int           // that are checked regularly or for a baseline; 0: no bound
	MaxRate     float64       // checks a second of one target; 0: no bound
	MaxTimeout  time.Duration // of a check; 0: no bound
}

// Options are what a Worker is made of.
type Options struct {
	Place      wire.Place // its own
	Key        ed25519.PublicKey
	Dir        string // of its own files, which exists
	Software   string // its version of lookout, for people
	Broker     Broker
	Line       func() string // what is wrong with the connection to the broker though it is there; "": nothing. nil: nobody knows
	Spool      Spool
	Build      Build
	Runner     Runner
	Outside    Outside
	Anchors    []netip.AddrPort // that tell whether this probe is online
	BrokerAddr string           // host:port, which stands for them where there are none
	Limits     Limits
	Types      []string     // check types that it runs
	Capacity   int          // regular checks that run at once, at most; 0: 1000
	Log        *slog.Logger // nil: nowhere
}

const (
	helloEvery      = time.Minute
	flushEvery      = 10 * time.Second
	defaultCapacity = 1000
	leaveWithin     = 3 * time.Second // for the last results and the goodbye
	turnEvery       = 5 * time.Second // at least, so that a loop that hangs is told from one that waits
)

// Worker does what a probe does. Up, Still, Heard and Online may be called by any goroutine, all else is Run's.
type Worker struct {
	o      Options
	codec  *wire.Codec
	log    *slog.Logger
	files  files
	pulse  *pulse
	made   time.Time
	turned atomic.Int64 // when the loop last did, in ns since made

	up       chan struct{}  // the link is there, or there again; one is as good as many
	arrivals chan arrival   // unbuffered: the broker keeps what we have no time for
	checked  chan finished  // from checks; one for each that may run
	line     chan reading   // from self-checks, of which one runs
	canaried chan answered  // from canaries, of which one runs
	settled  chan settled   // from the link: what became of a message; 64, so that it seldom waits for the loop
	over     chan struct{}  // closed when nobody takes from these any more
	running  sync.WaitGroup // goroutines that the loop started

	orders   orders
	monitors map[uint32]*monitor // those in force, by number
	applied  []wire.Hash         // the chunks that they are of
	serving  bool                // in force, not expired, and among the live
	alone    time.Time           // when to go on without having heard of the engine; zero: that has been decided
	stands   standing            // as it was last said
	unasked  func()              // ends the consumer of the location's requests; nil: there is none

	wheel  *schedule.Wheel[due]
	flow   flow
	counts counts
	health health
	asks   asks
	hello  hellos
	quiet  quiet
	heard  sign

	connected bool   // the link was there once; what is said while it is not is lost
	found     letter // for the box
	kept      letter // what lies in it, without results
	box       *box
}

// New checks the options and reads what the probe was last told to do.
func New(o Options) (*Worker, error) {
	switch {
	case topology.CheckName(o.Place.Location) != nil, topology.CheckName(o.Place.Probe) != nil:
		return nil, fmt.Errorf("location %q and name %q of a probe: %w", o.Place.Location, o.Place.Probe, topology.ErrName)
	case len(o.Key) != ed25519.PublicKeySize:
		return nil, fmt.Errorf("the key of the engine has %d bytes, not %d", len(o.Key), ed25519.PublicKeySize)
	case o.Broker == nil || o.Spool == nil || o.Build == nil || o.Runner == nil || o.Outside == nil:
		return nil, errors.New("worker: an option is missing")
	}
	if o.Capacity <= 0 {
		o.Capacity = defaultCapacity
	}
	o.Software = uptime.Clean(o.Software, wire.MaxName)
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	w := &Worker{
		o:        o,
		codec:    wire.New(),
		log:      o.Log,
		files:    files{dir: o.Dir},
		pulse:    &pulse{},
		made:     time.Now(),
		up:       make(chan struct{}, 1),
		arrivals: make(chan arrival),
		checked:  make(chan finished, o.Capacity+maxAsks),
		line:     make(chan reading, 1),
		canaried: make(chan answered, 1),
		settled:  make(chan settled, 64),
		over:     make(chan struct{}),
		monitors: make(map[uint32]*monitor),
		flow:     newFlow(o.Capacity, o.Limits.MaxRate),
		asks:     newAsks(),
		quiet:    newQuiet(),
		box:      newBox(o.Spool.Epoch()),
	}
	w.orders = orders{chunks: make(map[wire.Hash]*held)}
	if err := w.files.prepare(); err != nil {
		return nil, err
	}
	return w, nil
}

// Up says that the link to the broker is there, or there again.
func (w *Worker) Up() {
	select {
	case w.up <- struct{}{}:
	default:
	}
}

// Still is for how long the loop has stood still. One that waits turns every 5 s.
func (w *Worker) Still() time.Duration {
	return time.Since(w.made) - time.Duration(w.turned.Load())
}

// Run works until ctx ends. Then it stops what it checks, sends what it has and
// says goodbye, for which the link is needed a few seconds longer; everything
// that it started has ended when it returns. The error is about its own files.
func (w *Worker) Run(ctx context.Context) error {
	defer w.running.Wait()
	defer close(w.over)
	checks, cancel := context.WithCancel(context.Background())
	defer cancel()

	now := time.Now()
	w.wheel = schedule.New[due](now)
	w.running.Go(func() { w.pulse.run(w.over) })
	w.restore(now)
	w.alone = now.Add(aloneAfter)
	w.apply(now)
	w.keep()
	sender := w.sender()
	stop, sent := make(chan struct{}), make(chan struct{}) // both closed: the first has the sender finish, the second says that it has
	w.running.Go(func() {
		defer close(sent)
		sender.run(stop)
	})
	cancelOrders := w.consume(link.Consumer{Queue: topology.ProbeQueue(w.o.Place.Location, w.o.Place.Probe), Prefetch: ordersAhead}, false)
	defer cancelOrders()

	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		timer.Reset(time.Until(w.wakes(time.Now())))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-w.up:
			w.connected = true
			w.hello.wait = 0
			w.hello.now()
			w.box.put(letter{up: true, counts: w.kept.counts, obeyed: w.kept.obeyed})
		case a := <-w.arrivals:
			w.arrived(checks, a, time.Now())
		case f := <-w.checked:
			w.ended(f)
		case r := <-w.line:
			w.health.running = false
			w.read(r)
		case a := <-w.canaried:
			w.answer(checks, a, time.Now())
		case s := <-w.settled:
			w.settle(s, time.Now())
		}
		w.turn(checks, time.Now())
	}
	cancel()
	w.leave(stop, sent)
	return w.counts.save(w.files)
}

// sender makes the one who sends what is found.
func (w *Worker) sender() *sender {
	return &sender{
		spool: w.o.Spool, codec: w.codec, files: w.files, log: w.log, quiet: newQuiet(), over: w.over, box: w.box,
		publish: func(m link.Message, done func(error)) { w.send(topology.KindResult, m, done) },
		settled: make(chan settledRun, maxOut), // so that the link seldom waits for the sender
	}
}

// turn does what is due.
func (w *Worker) turn(ctx context.Context, now time.Time) {
	w.turned.Store(int64(now.Sub(w.made)))
	w.more()
	w.expire(now)
	w.wheel.Advance(now, func(at time.Time, d due) { w.fire(at, d, now) })
	w.pump(ctx, now)
	w.look(ctx, now)
	w.keep()
	w.greet(now)
}

// more takes the checks that have ended meanwhile.
func (w *Worker) more() {
	for range cap(w.checked) {
		select {
		case f := <-w.checked:
			w.ended(f)
		default:
			return
		}
	}
}

// wakes is when the loop has something to do, if nothing arrives.
func (w *Worker) wakes(now time.Time) time.Time {
	at := now.Add(turnEvery)
	first := func(t time.Time) {
		if !t.IsZero() && t.Before(at) {
			at = t
		}
	}
	if t, ok := w.wheel.Next(); ok {
		first(t)
	}
	if w.serving {
		first(w.orders.until)
	}
	if !w.orders.heard {
		first(w.alone)
	}
	first(w.hello.wakes(w.connected))
	first(w.health.wakes())
	return at
}

// leave ends what runs, has the sender send what there is, and says goodbye.
func (w *Worker) leave(stop chan<- struct{}, sent <-chan struct{}) {
	w.stopAsking()
	for w.flow.inFlight > 0 {
		select {
		case f := <-w.checked:
			w.ended(f)
		case s := <-w.settled:
			w.settle(s, time.Now())
		case <-w.arrivals: // not taken: the broker gives it to another
		}
	}
	w.abandon()
	w.keep()
	close(stop)
	end := time.NewTimer(2 * leaveWithin)
	defer end.Stop()
	for sent != nil || w.hello.leaving {
		select {
		case <-sent:
			sent = nil
			w.goodbye()
		case s := <-w.settled:
			w.settle(s, time.Now())
		case <-w.arrivals:
		case <-end.C:
			return
		}
	}
}
