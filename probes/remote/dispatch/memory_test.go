package dispatch

import (
	"strings"
	"sync"
	"time"

	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
)

// memory is a broker of the topology, in memory: it routes, shares work among
// the consumers of a queue that have a hand free, gives back what nobody can
// begin, and delivers again what a connection left unsettled.
type memory struct {
	mu     sync.Mutex
	queues map[string]*queue
	state  link.State
	dead   []link.Message
	sent   map[string]int // by type
	bytes  int
	alarm  string // the broker takes nothing, and says so to who publishes
}

type queue struct {
	name    string
	waiting []link.Message
	takers  []*taker
	turn    int
}

type taker struct {
	c     link.Consumer
	out   int
	held  map[*link.Message]bool // delivered and not settled
	feed  chan link.Delivery
	ended bool
}

func newMemory(now time.Time, locations ...string) *memory {
	b := &memory{queues: make(map[string]*queue), state: link.State{Connected: true, Since: now}, sent: make(map[string]int)}
	for _, q := range []string{topology.Results, topology.Hellos, topology.Replies, topology.NoRun} {
		b.queue(q)
	}
	for _, l := range locations {
		b.queue(topology.LocationQueue(l))
	}
	return b
}

func (b *memory) queue(name string) *queue {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.queues[name] == nil {
		b.queues[name] = &queue{name: name}
	}
	return b.queues[name]
}

// remove takes a queue away, as an operator might.
func (b *memory) remove(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.queues, name)
}

func (b *memory) State() link.State {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state
}

func (b *memory) set(s link.State) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state = s
}

func (b *memory) Publish(m link.Message, done func(error)) {
	b.mu.Lock()
	b.sent[m.Type]++
	b.bytes += len(m.Body)
	err := error(link.ErrNotConnected)
	if b.alarm == "" {
		err = b.route(m)
	} else if m.Exchange != topology.Up { // of the engine
		b.state.Blocked = b.alarm
	}
	b.mu.Unlock()
	go done(err)
}

func (b *memory) route(m link.Message) error {
	name := ""
	switch m.Exchange {
	case topology.Up:
		kind, _, _, _ := topology.ParseKey(m.Key)
		name = map[string]string{topology.KindResult: topology.Results, topology.KindHello: topology.Hellos, topology.KindReply: topology.Replies}[kind]
	case topology.Down:
		at, probe, _ := strings.Cut(m.Key, ".")
		name = topology.ProbeQueue(at, probe)
	case topology.Ask:
		name = topology.LocationQueue(m.Key)
	}
	switch q := b.queues[name]; {
	case !b.state.Connected:
		return link.ErrNotConnected
	case q == nil:
		return link.ErrUnroutable
	case m.Now && !q.free():
		b.bury(q, m, "expired")
	default:
		q.waiting = append(q.waiting, m)
		b.serve(q)
	}
	return nil
}

func (q *queue) free() bool {
	for _, t := range q.takers {
		if !t.ended && t.out < t.c.Prefetch {
			return true
		}
	}
	return false
}

// bury is what becomes of what nobody takes.
func (b *memory) bury(q *queue, m link.Message, why string) {
	b.dead = append(b.dead, m)
	if strings.HasPrefix(q.name, "loc.") {
		m.Expires, m.Now, m.Exchange = 0, false, why // read by serve
		n := b.queues[topology.NoRun]
		n.waiting = append(n.waiting, m)
		b.serve(n)
	}
}

// serve gives out what waits, in turn.
func (b *memory) serve(q *queue) {
	for len(q.waiting) > 0 && q.free() {
		t := q.takers[q.turn%len(q.takers)]
		if q.turn++; t.ended || t.out >= t.c.Prefetch {
			continue
		}
		m := q.waiting[0]
		q.waiting = q.waiting[1:]
		t.out++
		t.held[&m] = true
		d := link.Delivery{Key: m.Key, Type: m.Type, Encoding: m.Encoding, ID: m.ID, Body: m.Body}
		if q.name == topology.NoRun {
			d.Dead, d.DeadQueue = m.Exchange, topology.LocationQueue(m.Key)
		}
		var once sync.Once
		d.Done = func(taken bool) {
			once.Do(func() {
				b.mu.Lock()
				defer b.mu.Unlock()
				if t.ended {
					return
				}
				delete(t.held, &m)
				if t.out--; !taken {
					b.bury(q, m, "rejected")
				}
				b.serve(q)
			})
		}
		t.feed <- d // as many fit in as may be out
	}
}

func (b *memory) Consume(c link.Consumer) (cancel func()) {
	q := b.queue(c.Queue)
	t := &taker{c: c, held: make(map[*link.Message]bool), feed: make(chan link.Delivery, c.Prefetch)}
	stop := make(chan struct{})
	var work sync.WaitGroup
	work.Go(func() {
		for {
			select {
			case <-stop:
				return
			case d := <-t.feed:
				c.Take(d)
			}
		}
	})
	b.mu.Lock()
	q.takers = append(q.takers, t)
	b.serve(q)
	b.mu.Unlock()
	return func() {
		b.mu.Lock()
		if t.ended {
			b.mu.Unlock()
			return
		}
		t.ended = true
		for m := range t.held {
			q.waiting = append(q.waiting, *m)
		}
		b.serve(q)
		b.mu.Unlock()
		close(stop)
		work.Wait()
	}
}

// counted is how many messages of a type were published.
func (b *memory) counted(typ string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sent[typ]
}

// unsettled is how much of a queue is delivered and not settled.
func (b *memory) unsettled(name string) (out int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range b.queues[name].takers {
		if !t.ended {
			out += t.out
		}
	}
	return out
}
