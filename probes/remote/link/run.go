package link

import (
	"context"
	"crypto/tls"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// Limits of a link.
const (
	window      = 1000     // messages that are published and not confirmed
	windowBytes = 64 << 20 // … and their bodies
	frameSize   = 128 << 10
	dialTime    = 5 * time.Second
	silence     = 5 * time.Second  // of the broker while the connection is opened
	openTime    = 15 * time.Second // for all of that
	closeTime   = 2 * time.Second  // to say goodbye
	readyTime   = 5 * time.Second  // for the consumers to be there before Up is called anyway
	healthy     = time.Minute      // that a connection lasts until earlier failures are forgotten
)

// Options are what a link needs.
type Options struct {
	URL       string // amqps://host[:port]/vhost, or amqp:
	Username  string
	Password  string
	TLS       *tls.Config   // nil: the system's roots. A certificate in it is how the link logs in (SASL EXTERNAL)
	Name      string        // what the broker shows the connections as
	Heartbeat time.Duration // 0: 10 s; at least 1 s

	// Up is called on each new generation, when its consumers are there, and when
	// a broker that was blocked reads again. Changed is called with each new state.
	// One goroutine calls both; they must not wait.
	Up      func()
	Changed func(State)

	Consumers []Consumer
	Log       *slog.Logger // nil: none
	Rand      *rand.Rand   // for the back-off; nil: seeded by itself
}

// Link is a connection to a broker that is made again whenever it ends.
type Link struct {
	o  Options
	to address

	news chan struct{} // to tell: a state or a generation is new; 1, since only the newest counts
	work sync.WaitGroup

	mu        sync.Mutex // of what follows
	ended     bool       // nothing may be added to work any more
	state     State
	troubles  map[string]problem // by what has them: a queue, "" for publishing
	rivals    map[string]bool    // queues that somebody else consumes
	ups       int                // generations of which Up has not been told
	live      *generation        // nil while there is none
	open      bool               // it publishes
	out       int                // messages published and not confirmed
	outBytes  int
	moved     time.Time // when something was confirmed last, or the broker read again
	newest    time.Time // when the newest that was confirmed had been sent
	consumers []*consumer
}

// New returns a link that does nothing before Run. A mistake in o is its State.
func New(o Options) *Link {
	if o.Heartbeat == 0 {
		o.Heartbeat = 10 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Rand == nil {
		o.Rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	l := &Link{
		o:        o,
		to:       parse(o),
		news:     make(chan struct{}, 1),
		troubles: map[string]problem{},
		rivals:   map[string]bool{},
		state:    State{Since: time.Now()},
	}
	for _, c := range o.Consumers {
		l.Consume(c)
	}
	return l
}

// State is how the link is now.
func (l *Link) State() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}

// Run keeps the link connected until ctx ends, and returns nil when everything
// that it started has ended: each message published has had its answer by then.
// It may be called once.
func (l *Link) Run(ctx context.Context) error {
	defer l.end()
	l.work.Go(func() { l.tell(ctx) })
	var wait backoff
	for {
		began := time.Now()
		p := l.generation(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(began) >= healthy {
			wait = backoff{}
		}
		l.down(p)
		if !pause(ctx, wait.next(p.lasting, l.jitter)) {
			return nil
		}
	}
}

// generation makes a pair of connections, and returns what ended it.
func (l *Link) generation(ctx context.Context) problem {
	if p, bad := l.to.check(time.Now()); bad {
		return p
	}
	g, err := l.dial(ctx)
	if err != nil {
		return l.to.explain(err)
	}
	l.begin(g)
	<-g.ctx.Done()
	l.mu.Lock()
	l.live, l.open = nil, false
	l.mu.Unlock()
	g.end(ctx.Err() != nil)
	return l.to.explainEnd(context.Cause(g.ctx))
}

// begin has everybody work on a new generation, and waits until they do.
func (l *Link) begin(g *generation) {
	l.mu.Lock()
	l.live = g
	attending := slices.Clone(l.consumers)
	l.mu.Unlock()
	l.work.Go(func() { l.watch(g) })

	var ready sync.WaitGroup
	ready.Add(1 + len(attending))
	l.work.Go(func() { l.publishing(g, sync.OnceFunc(ready.Done)) })
	for _, c := range attending {
		l.work.Go(func() { l.attend(g, c, sync.OnceFunc(ready.Done)) })
	}
	all := make(chan struct{}) // closed when all are ready
	l.work.Go(func() { ready.Wait(); close(all) })
	late := time.NewTimer(readyTime)
	defer late.Stop()
	select {
	case <-all:
	case <-late.C: // one of them hangs, as a queue without a leader makes it: the others needn't
	case <-g.ctx.Done():
		return
	}
	l.up()
}

// up says that the link works.
func (l *Link) up() {
	l.o.Log.Info("connected to the broker", "broker", l.to.where())
	warning := l.to.warning(time.Now())
	if warning != "" {
		l.o.Log.Warn(warning)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ups++
	l.state.Connected, l.state.Since, l.state.Warning = true, time.Now(), warning
	l.say()
}

// down says why the link does not work. The generation has ended.
func (l *Link) down(p problem) {
	l.mu.Lock()
	same := l.state.Error == p.sentence
	clear(l.troubles)
	clear(l.rivals)
	if l.state.Connected {
		l.state.Connected, l.state.Since = false, time.Now()
	}
	l.state.Blocked = ""
	l.troubles[connecting] = p
	l.say()
	l.mu.Unlock()
	if !same {
		l.o.Log.Warn(p.sentence, "broker", l.to.where())
	}
}

// connecting is what a problem of the link itself is kept under; it sorts
// before every queue, and before publishing.
const connecting = "\x00"

// say works out the state and has it told. The caller holds mu.
func (l *Link) say() {
	if l.state.Connected {
		delete(l.troubles, connecting)
	}
	l.state.Error, l.state.Lasting, l.state.Rival = "", false, ""
	if who, ok := least(l.troubles); ok {
		p := l.troubles[who]
		l.state.Error, l.state.Lasting = p.sentence, p.lasting
	}
	l.state.Rival, _ = least(l.rivals)
	select {
	case l.news <- struct{}{}:
	default:
	}
}

// least is the first key of a map in their order.
func least[V any](m map[string]V) (first string, ok bool) {
	for k := range m {
		if !ok || k < first {
			first, ok = k, true
		}
	}
	return first, ok
}

// trouble notes what is wrong with a queue, or publishing, of a generation; no sentence: nothing.
func (l *Link) trouble(g *generation, who string, p problem) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.live != g || l.troubles[who] == p {
		return
	}
	if p.sentence == "" {
		delete(l.troubles, who)
	} else {
		l.troubles[who] = p
		l.o.Log.Warn(p.sentence)
	}
	l.say()
}

// rival notes whether somebody else consumes a queue.
func (l *Link) rival(g *generation, queue string, there bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.live != g || l.rivals[queue] == there {
		return
	}
	if there {
		l.rivals[queue] = true
	} else {
		delete(l.rivals, queue)
	}
	l.say()
}

// blocked notes that the broker stopped reading, or reads again.
func (l *Link) blocked(g *generation, b amqp.Blocking) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.live != g {
		return
	}
	if l.state.Blocked != "" && !b.Active && l.state.Connected {
		l.ups++ // what was turned away may be said again
	}
	l.state.Blocked, l.moved = "", time.Now()
	if b.Active {
		l.state.Blocked = clean(b.Reason)
		if l.state.Blocked == "" {
			l.state.Blocked = "it takes nothing"
		}
	}
	l.say()
}

// tell calls Changed and Up.
func (l *Link) tell(ctx context.Context) {
	var last State
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.news:
		}
		l.mu.Lock()
		s, up := l.state, l.ups > 0 && l.live != nil
		l.ups = 0
		l.mu.Unlock()
		if s != last && l.o.Changed != nil {
			l.o.Changed(s)
		}
		last = s
		if up && l.o.Up != nil {
			l.o.Up()
		}
	}
}

// end waits until everything has ended.
func (l *Link) end() {
	l.mu.Lock()
	l.ended = true
	l.state.Connected, l.state.Since = false, time.Now()
	l.mu.Unlock()
	l.work.Wait()
}

// jitter is a random part of d.
func (l *Link) jitter(d time.Duration) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Duration(l.o.Rand.Int64N(int64(d) + 1))
}

// pause waits, and reports whether it was for all of d.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
