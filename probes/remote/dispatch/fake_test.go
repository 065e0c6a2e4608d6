package dispatch

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
	"lookout/probes/wire"
)

const vhost = "lookout"

// engineFake keeps what it is given.
type engineFake struct {
	mu         sync.Mutex
	deliveries []uptime.Delivery
	events     []uptime.Event
	refuse     int  // deliveries that fail from now on
	hang       bool // nothing is ever stored
	invalid    bool // nothing makes sense
}

func (e *engineFake) Deliver(_ context.Context, d uptime.Delivery, done func(error)) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.hang {
		return nil
	}
	if e.invalid {
		return uptime.Invalid("it makes no sense")
	}
	if e.refuse > 0 {
		if e.refuse--; e.refuse%2 == 0 {
			return errors.New("the disk is full")
		}
		go done(errors.New("the disk is full"))
		return nil
	}
	e.deliveries = append(e.deliveries, d)
	go done(nil)
	return nil
}

func (e *engineFake) with(f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f()
}

func (e *engineFake) Note(_ context.Context, ev uptime.Event) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.events = append(e.events, ev)
	return nil
}

func (e *engineFake) delivered() []uptime.Delivery {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.deliveries)
}

// said are the events that begin with some words, each as one line.
func (e *engineFake) said(prefix string) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []string
	for _, ev := range e.events {
		if strings.HasPrefix(ev.Message, prefix) {
			out = append(out, ev.Message)
		}
	}
	return out
}

// probeFake is a probe that does as it should, unless it is told otherwise.
type probeFake struct {
	t    *testing.T
	b    *memory
	at   string
	name string

	codec *wire.Codec
	check wire.Verifier

	mu       sync.Mutex
	ahead    time.Duration // its clock
	asleep   bool          // it takes what comes, and does nothing
	deaf     bool          // it answers no canary
	silent   bool          // it sends no batches
	sick     string        // its own checks fail
	stubborn bool          // it obeys no manifest
	stuck    bool          // its checks never end
	slow     time.Duration // until it begins what it is asked
	takes    time.Duration // … and until that is done
	outcome  uptime.Outcome
	refusal  string
	obeys    wire.Version
	wanted   []wire.Hash
	live     []string
	chunks   map[wire.Hash][]wire.Monitor
	taken    int // chunks since the last hello
	epoch    uint64
	next     uint64
	counters wire.Counters
	started  []start
	rows     []wire.Row
	hello    wire.Hello
	stopAsk  func()
	running  sync.WaitGroup
	stop     chan struct{}
	stopOnce sync.Once
}

type start struct {
	at   time.Time // by the true clock
	name string    // of a monitor that travelled whole
}

func (p *probeFake) now() time.Time { return time.Now().Add(p.ahead) }

func (p *probeFake) start() {
	down := p.b.Consume(link.Consumer{Queue: topology.ProbeQueue(p.at, p.name), Prefetch: 32, Take: p.told})
	p.greet()
	p.running.Go(func() {
		defer down()
		hello := time.NewTicker(time.Minute)
		time.Sleep(3 * time.Second)
		flush := time.NewTicker(10 * time.Second)
		defer hello.Stop()
		defer flush.Stop()
		for {
			select {
			case <-p.stop:
				p.mu.Lock()
				leave := p.stopAsk
				p.mu.Unlock()
				if leave != nil {
					leave()
				}
				return
			case <-hello.C:
				p.greet()
			case <-flush.C:
				p.flush()
			}
		}
	})
}

func (p *probeFake) end() {
	p.stopOnce.Do(func() { close(p.stop) })
	p.running.Wait()
}

func (p *probeFake) with(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func (p *probeFake) say(kind, typ string, body []byte, err error) {
	if err != nil {
		p.t.Errorf("%s/%s: %v", p.at, p.name, err)
		return
	}
	p.b.Publish(link.Message{Exchange: topology.Up, Key: topology.Key(kind, p.at, p.name), Type: typ, Body: body}, func(error) {})
}

func (p *probeFake) greet() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.greetNow()
}

func (p *probeFake) greetNow() {
	if p.asleep {
		return
	}
	h := p.hello
	h.Epoch, h.Obeyed, h.Clock, h.Chunks = p.epoch, p.obeys, p.now(), nil
	for hash := range p.chunks {
		h.Chunks = append(h.Chunks, hash)
	}
	p.taken = 0
	body, err := p.codec.Hello(h)
	p.say(topology.KindHello, topology.TypeHello, body, err)
}

// flush sends what it found, or that it found nothing.
func (p *probeFake) flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asleep || p.silent {
		return
	}
	p.counters.Scheduled++
	if !p.stuck {
		p.counters.Finished = p.counters.Scheduled
	}
	b := wire.Batch{Epoch: p.epoch, From: p.next, Obeyed: p.obeys, Clock: p.now(), Counters: p.counters, Rows: p.rows}
	p.next += uint64(len(p.rows))
	p.rows = nil
	body, err := p.codec.Batch(b)
	p.say(topology.KindResult, "", body, err)
}

// told does what it is told.
func (p *probeFake) told(m link.Delivery) {
	m.Done(true)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asleep {
		return
	}
	switch m.Type {
	case topology.TypeManifest:
		if p.stubborn {
			return
		}
		f, err := p.check.Manifest(m.Body, p.now())
		if err != nil {
			p.t.Errorf("%s/%s: manifest: %v", p.at, p.name, err)
			return
		}
		p.check.Obeyed, p.wanted, p.live = f.Version, f.Chunks, f.Live
	case topology.TypeChunk:
		f, err := p.check.Chunk(m.Body)
		if err != nil {
			p.t.Errorf("%s/%s: chunk: %v", p.at, p.name, err)
			return
		}
		p.chunks[wire.HashOf(m.Body)] = f.Monitors
		p.taken++
	case topology.TypeCanary:
		v := p.check
		if p.stubborn {
			v.Obeyed = wire.Version{}
		}
		f, err := v.Canary(m.Body, p.now())
		if err != nil {
			p.t.Errorf("%s/%s: canary: %v", p.at, p.name, err)
			return
		}
		p.sing(f)
	}
	p.obey()
}

func (p *probeFake) sing(f wire.Canary) {
	if p.deaf {
		return
	}
	a := wire.Answer{Nonce: f.Nonce, Outcome: uptime.OutcomeUp, Total: 3 * time.Millisecond, Clock: p.now(), Obeyed: p.obeys}
	if p.sick != "" {
		a.Outcome, a.Fault, a.Message = uptime.OutcomeDown, uptime.FaultTCPRefused, p.sick
	}
	body, err := p.codec.Answer(a)
	p.say(topology.KindReply, topology.TypeAnswer, body, err)
}

// obey puts a manifest into force when all of it is there.
func (p *probeFake) obey() {
	for _, hash := range p.wanted {
		if p.chunks[hash] == nil {
			if p.taken >= 15 {
				p.greetNow()
			}
			return
		}
	}
	p.obeys, p.taken = p.check.Obeyed, 0
	shares := slices.Contains(p.live, p.name)
	switch {
	case shares && p.stopAsk == nil:
		p.stopAsk = p.b.Consume(link.Consumer{Queue: topology.LocationQueue(p.at), Prefetch: 4, Take: p.asked})
	case !shares && p.stopAsk != nil:
		go p.stopAsk()
		p.stopAsk = nil
	}
}

// asked checks what it is asked, when it comes to it.
func (p *probeFake) asked(m link.Delivery) {
	p.mu.Lock()
	slow, takes, asleep := p.slow, p.takes, p.asleep
	p.mu.Unlock()
	if asleep {
		return
	}
	p.running.Go(func() {
		time.Sleep(slow)
		p.mu.Lock()
		q, err := p.check.Request(m.Body, p.now())
		if err != nil {
			p.mu.Unlock()
			m.Done(false)
			return
		}
		s := start{at: time.Now()}
		if q.Full != nil {
			s.name = q.Full.Name
		}
		p.started = append(p.started, s)
		m.Done(true)
		r := wire.Reply{Nonce: q.Nonce, Obeyed: p.obeys, Refusal: p.refusal, Clock: p.now()}
		r.Row = wire.Row{Monitor: q.Monitor, Unhealthy: p.sick != "", Result: uptime.Result{Time: p.now(), Outcome: p.outcome, Total: takes}}
		if p.outcome == uptime.OutcomeDown {
			r.Row.Result.Fault, r.Row.Result.Message = uptime.FaultTCPRefused, "refused"
		}
		p.mu.Unlock()
		time.Sleep(takes)
		body, err := p.codec.Reply(r)
		p.say(topology.KindReply, topology.TypeReply, body, err)
	})
}
