// Package dispatch is the engine's side of the probes at other locations. It
// tells them what to check, in signed chunks of which only those travel that a
// probe lacks; judges by the work they do who is live; takes their results, in
// which each counts once, to the engine; and asks a location for a second
// opinion while the engine waits.
//
// One goroutine, Run's, owns all of it: the probes, what they were told, who was
// asked what. What arrives is decoded by the goroutines of the link that
// delivers it, and given to that one; what the engine wants is left in a box for
// it, so that nobody who calls ever waits; two more goroutines hand results and
// events to the engine, which may take its time. Screens read the newest Status,
// which is immutable.
//
// Nothing that a probe says is believed but for itself: who it is comes from the
// routing key that the broker has checked, whether it works from canaries and
// counters, and what its clock is off from when its answers arrive. Whatever it
// sends is bounded here by the number of probes that may be known.
package dispatch

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/link"
	"lookout/probes/wire"
)

// Broker carries messages; a link.Link is one. Its methods don't wait.
type Broker interface {
	Publish(m link.Message, done func(error))
	Consume(c link.Consumer) (cancel func())
	State() link.State
}

// Engine takes what comes of the probes. Both methods may wait.
type Engine interface {
	// Deliver takes results. Unless it returns an error it calls done, once: with
	// nil when they are stored, each of them exactly once whatever is delivered again.
	Deliver(ctx context.Context, d uptime.Delivery, done func(error)) error
	// Note writes an event into the log.
	Note(ctx context.Context, e uptime.Event) error
}

// Options are what a dispatcher needs.
type Options struct {
	Vhost     string // that its orders are for
	URL       string // of the broker, without secrets, for screens
	Software  string // the version of this lookout
	Key       ed25519.PrivateKey
	Locations []uptime.Place // that are configured, the preferred first
	Broker    Broker
	Log       *slog.Logger // nil: none
}

// Dispatcher is the engine's side of its probes. It is the engine's Remote.
// Make it with New, then call Serve and Run.
type Dispatcher struct {
	o        Options
	codec    *wire.Codec
	signer   wire.Signer
	assigner assigner
	pauses   pauses
	engine   Engine

	box      box
	arrivals chan func(time.Time) // consumers → loop; unbuffered: the broker keeps what is too much
	done     chan struct{}        // closed when the loop has ended
	cuts     chan struct{}        // loop → the one who cuts chunks again; 1: it does it for all pauses of a second
	acks     chan settlement      // engine, loop → the one who settles; as many as may be unsettled, over a few connections

	// What the loop owns.
	plan      *plan
	version   wire.Version // the newest that was given out
	outdid    time.Time    // when it was last made newer than another engine's
	locations map[string]*location
	order     []*location // as configured
	excluded  map[string]string
	pending   map[wire.Nonce]*question
	strangers map[string]bool // locations that are not configured, and said hello
	doubts    doubts
	held      []*parcel // of another engine: neither taken nor refused
	retries   []retry   // what the engine could not take
	outgoing  []*parcel
	untold    string // why what is to be checked cannot be assigned; "": it is
	notes     []uptime.Event
	line      line
	counts    counts
	told      time.Time // when the log last told of a message that is of no use
	unsaid    int       // … of how many it did not since
	cutAt     time.Time // when chunks are cut again, for a pause; zero: they need not be
	looked    time.Time // when the loop last looked around
	dirty     bool      // something that Status shows has changed
	shown     time.Time

	unsettled atomic.Int64 // batches that the engine has not stored yet

	// What it publishes.
	places atomic.Pointer[open]
	status atomic.Pointer[status]
}

// location is what is known of one that is configured.
type location struct {
	uptime.Place
	set     *set                    // its monitors
	version wire.Version            // of its manifest
	changed map[uint32]wire.Version // by which version a group of monitors became what it is
	edited  map[uint32]wire.Version // … and a monitor became another, or none
	begun   wire.Version            // … and there was anything first
	live    []string                // the probes that share its work, sorted
	voters  int                     // probes whose vote counts
	shares  map[string]int
	probes  map[string]*probe
	renewed time.Time // when it got its version
	missing bool      // the broker has no queue for it

	opinions tally
}

// New returns a dispatcher that does nothing before Run.
func New(o Options) *Dispatcher {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	codec := wire.New()
	d := &Dispatcher{
		o: o, codec: codec, signer: wire.Signer{Codec: codec, Key: o.Key},
		box:       newBox(),
		arrivals:  make(chan func(time.Time)),
		done:      make(chan struct{}),
		cuts:      make(chan struct{}, 1),
		pauses:    pauses{names: make(map[string]bool)},
		acks:      make(chan settlement, 8*resultsAtOnce),
		plan:      new(plan),
		locations: make(map[string]*location),
		excluded:  make(map[string]string),
		pending:   make(map[wire.Nonce]*question),
		strangers: make(map[string]bool),
		doubts:    make(doubts),
	}
	d.assigner.places = o.Locations
	d.locate(o.Locations)
	d.openPlaces()
	d.status.Store(&status{Broker: uptime.Broker{URL: o.URL}})
	return d
}

// Serve says which engine the probes are of. It is called before Run.
func (d *Dispatcher) Serve(e Engine) { d.engine = e }

// Locate says which locations are configured from now on, the preferred first.
// What was assigned holds for those that stay; Assign comes after it. It never waits.
func (d *Dispatcher) Locate(places []uptime.Place) {
	d.assigner.mu.Lock()
	d.assigner.places = places
	d.assigner.mu.Unlock()
	d.box.put(func(now time.Time) {
		d.locate(places)
		for _, l := range d.order {
			if l.version == (wire.Version{}) {
				l.version = d.version
			}
		}
		d.openPlaces()
		d.publish(now)
	})
}

// locate keeps what is known of the locations that stay.
func (d *Dispatcher) locate(places []uptime.Place) {
	old := d.locations
	d.locations, d.order = make(map[string]*location), nil
	for _, place := range places {
		if d.locations[place.Location] != nil {
			continue
		}
		l := old[place.Location]
		if l == nil {
			l = &location{set: new(set), probes: make(map[string]*probe), changed: make(map[uint32]wire.Version), edited: make(map[uint32]wire.Version)}
		}
		l.Place = place
		d.locations[place.Location], d.order = l, append(d.order, l)
	}
}

// tick is how often the loop looks at what time alone changes.
const tick = 250 * time.Millisecond

// Run serves the probes until ctx ends. Before the first Assign it hears nothing
// of them: they go on with what they have, and keep what they find.
func (d *Dispatcher) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var helpers sync.WaitGroup
	defer d.settleAll()
	defer helpers.Wait()
	defer cancel()

	parcels := make(chan *parcel)    // loop → the one who delivers; the loop keeps what waits
	notes := make(chan uptime.Event) // loop → the one who notes; likewise
	helpers.Go(func() { forEach(ctx, parcels, d.hand) })
	helpers.Go(func() { forEach(ctx, d.cuts, func(context.Context, struct{}) { d.assignAgain() }) })
	helpers.Go(func() { forEach(ctx, d.acks, func(_ context.Context, s settlement) { s.done(s.taken) }) })
	helpers.Go(func() {
		forEach(ctx, notes, func(ctx context.Context, e uptime.Event) {
			if err := d.engine.Note(ctx, e); err != nil && ctx.Err() == nil {
				d.o.Log.Warn("an event of a probe was not written", "event", e.Message, "error", err)
			}
		})
	})

	d.begin(time.Now())
	var leave []func()
	defer func() {
		for _, cancel := range leave {
			cancel()
		}
	}()
	defer close(d.done) // first: who has something for the loop does not wait for it any more
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		if leave == nil && d.plan.monitors != nil { // else nobody knows whose results they are, nor what a probe is to do
			for _, c := range d.consumers() {
				leave = append(leave, d.o.Broker.Consume(c))
			}
		}
		to, first := next(parcels, d.outgoing)
		log, event := next(notes, d.notes)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case f := <-d.arrivals:
			f(time.Now())
		case <-d.box.full:
			for _, f := range d.box.empty() {
				f(time.Now())
			}
		case to <- first:
			d.outgoing = d.outgoing[1:]
		case log <- event:
			d.notes = d.notes[1:]
		case <-ticker.C:
			d.look(time.Now())
		}
	}
}

// next is the channel and the value for a case of a select that sends the first
// of some; the channel is nil where there are none.
func next[T any](c chan T, all []T) (chan<- T, T) {
	if len(all) == 0 {
		var none T
		return nil, none
	}
	return c, all[0]
}

func forEach[T any](ctx context.Context, c <-chan T, f func(context.Context, T)) {
	for {
		select {
		case <-ctx.Done():
			return
		case v := <-c:
			f(ctx, v)
		}
	}
}

// begin draws the version that the orders of this start are newer by.
func (d *Dispatcher) begin(now time.Time) {
	d.version = wire.Version{Engine: uint64(now.UnixMilli()), Counter: 1}
	for _, l := range d.order {
		l.version = d.version
	}
	d.look(now)
}

// look does what time alone brings.
func (d *Dispatcher) look(now time.Time) {
	d.waken(now)
	d.watch(now)
	d.feel(now)
	for _, l := range d.order {
		for _, p := range l.probes {
			d.judge(p, now)
		}
	}
	d.expire(now)
	d.reconsider(now)
	d.retry(now)
	d.recut(now)
	d.counts.look(now)
	if d.dirty || now.Sub(d.shown) >= time.Second {
		d.publish(now)
	}
}

// Exclude has a probe's vote not count, on somebody's word; by "" includes it
// again. A probe that is not known is excluded when it comes. It never waits.
func (d *Dispatcher) Exclude(probe, by string) {
	d.box.put(func(now time.Time) {
		if by == "" {
			delete(d.excluded, probe)
		} else {
			d.excluded[probe] = by
		}
		for _, l := range d.order {
			d.share(l, now)
		}
		d.publish(now)
	})
}
