package link

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"lookout/probes/remote/brokertest"
)

// ledger publishes numbered messages until each is confirmed, and knows which
// of them arrived.
type ledger struct {
	r        *running
	exchange string
	key      string

	mu      sync.Mutex
	arrived map[string]int
	last    error // why one was not confirmed
}

func (l *ledger) take(d Delivery) {
	l.mu.Lock()
	l.arrived[d.ID]++
	l.mu.Unlock()
	d.Done(true)
}

// publish has n messages confirmed, up to 100 at once, and calls at with the
// number of each that is.
func (l *ledger) publish(n int, at func(confirmed int)) {
	l.r.t.Helper()
	todo := make(chan int, n)
	answers := make(chan int, n)
	for i := range n {
		todo <- i
	}
	onTheWay, confirmed := 0, 0
	send := func() {
		i := <-todo
		onTheWay++
		l.r.Publish(Message{Exchange: l.exchange, Key: l.key, ID: strconv.Itoa(i), Body: make([]byte, 200), Durable: true}, func(err error) {
			if err != nil {
				i = -1 - i
				l.mu.Lock()
				l.last = err
				l.mu.Unlock()
			}
			answers <- i
		})
	}
	late := time.NewTimer(2 * patient) // since the last one was: a broker may take long to start
	defer late.Stop()
	again := time.NewTicker(10 * time.Millisecond) // after a failure: not at once
	defer again.Stop()
	var failed []int
	for confirmed < n {
		for onTheWay < 100 && len(todo) > 0 {
			send()
		}
		select {
		case i := <-answers:
			onTheWay--
			if i < 0 {
				failed = append(failed, -1-i)
				continue
			}
			confirmed++
			at(confirmed)
			late.Reset(2 * patient)
		case <-again.C:
			for _, i := range failed {
				todo <- i
			}
			failed = nil
		case <-late.C:
			l.mu.Lock()
			defer l.mu.Unlock()
			l.r.t.Fatalf("%d of %d confirmed, %d on their way, %d failed, the last: %v: %+v", confirmed, n, onTheWay, len(failed), l.last, l.r.State())
		}
	}
}

// check waits until all n have arrived.
func (l *ledger) check(n int) {
	l.r.t.Helper()
	late := time.After(patient)
	for {
		l.mu.Lock()
		got := len(l.arrived)
		l.mu.Unlock()
		if got == n {
			return
		}
		select {
		case <-late:
			l.r.t.Fatalf("%d of %d confirmed messages arrived", got, n)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// hurry is chance that has no link wait long.
type hurry struct{}

func (hurry) Uint64() uint64 { return 1 << 40 }

// keep starts a link that publishes into a queue of its own and consumes it.
func keep(t *testing.T, b *brokertest.Broker, url string) *ledger {
	t.Helper()
	a := newAdmin(t, b)
	q := a.queue("q", nil)
	l := &ledger{exchange: a.exchange("x", "direct", q), key: q, arrived: map[string]int{}}
	l.r = run(t, Options{URL: url, Username: "guest", Password: "guest", Heartbeat: 2 * time.Second, Rand: rand.New(hurry{}), Consumers: []Consumer{{Queue: q, Prefetch: 50, Take: l.take}}})
	l.r.up()
	return l
}

// TestResets: 20 reset connections under load, and nothing that was confirmed is lost.
func TestResets(t *testing.T) {
	t.Parallel()
	b := broker().Broker(t)
	p := b.Proxy(t)
	l := keep(t, b, "amqp://"+p.Addr()+"/")
	const n, resets = 4000, 20
	l.publish(n, func(confirmed int) {
		if confirmed%(n/resets) == 0 {
			p.Reset()
		}
	})
	l.check(n)
	if got := p.Accepted(); got < 2*resets {
		t.Errorf("%d connections in all", got)
	}
}

// TestBrokerEnds kills a broker, ends it in good order, and has it short of memory.
func TestBrokerEnds(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.Options{})
	l := keep(t, b, "amqp://"+b.Addr()+"/")
	again := func() {
		t.Helper()
		if err := b.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	l.publish(2000, func(confirmed int) {
		if confirmed == 1000 {
			if err := b.Kill9(); err != nil {
				t.Fatal(err)
			}
			again()
		}
	})
	l.check(2000)
	l.r.until("cut", func(s State) bool { return !s.Connected && s.Error != "" })
	l.r.until("back", func(s State) bool { return s.Connected && s.Error == "" })

	ended := make(chan error, 1)
	go func() { ended <- b.Term() }()
	// Its last word says that it was shut down; what we send meanwhile may have
	// the connection reset before that is read. TestExplain has the sentence.
	down := l.r.until("shut down", func(s State) bool { return s.Error != "" && !s.Connected })
	if down.Lasting {
		t.Errorf("%+v", down)
	}
	if err := receive(t, "end", ended); err != nil {
		t.Fatal(err)
	}
	again()
	l.r.until("back", func(s State) bool { return s.Connected && s.Error == "" })
	l.short(b)
}

// short has the broker short of memory: nothing can be published, what is there
// is still consumed, and what was on its way is confirmed in the end.
func (l *ledger) short(b *brokertest.Broker) {
	t := l.r.t
	a := newAdmin(t, b)
	full := a.queue("full", nil)
	for i := range 10 {
		if err := a.ch.Publish("", full, true, false, amqp.Publishing{MessageId: strconv.Itoa(i)}); err != nil {
			t.Fatal(err)
		}
	}
	for len(l.r.ups) > 0 { // of what came before
		<-l.r.ups
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patient)
	defer cancel()
	if _, err := b.Ctl(ctx, "set_vm_memory_high_watermark", "absolute", "1"); err != nil {
		t.Fatal(err)
	}
	onTheWay := make(chan error, 1)
	l.r.Publish(Message{Exchange: l.exchange, Key: l.key, ID: "last", Durable: true}, func(err error) { onTheWay <- err })
	l.r.until("blocked", func(s State) bool { return s.Connected && s.Blocked == "low on memory" })
	if err := l.r.publish(Message{Exchange: l.exchange, Key: l.key}); !errors.Is(err, ErrNotConnected) || !strings.Contains(err.Error(), "low on memory") {
		t.Error(err)
	}
	trial, err := Try(ctx, l.r.o)
	if err != nil {
		t.Fatal(err)
	}
	// What the broker reads before it stops reading is answered, what comes then is not.
	_, _, err = trial.MayPublish(l.exchange, l.key)
	if err == nil {
		_, _, err = trial.MayPublish(l.exchange, l.key)
	}
	if err == nil || !strings.Contains(err.Error(), "low on memory") {
		t.Errorf("what is tried then: %v", err)
	}
	trial.Close()
	arrived := make(chan Delivery, 10)
	cancelConsumer := l.r.Consume(Consumer{Queue: full, Prefetch: 1, Take: func(d Delivery) { d.Done(true); arrived <- d }})
	defer cancelConsumer()
	for range 10 {
		receive(t, "delivery", arrived)
	}
	if _, err := b.Ctl(ctx, "set_vm_memory_high_watermark", "0.9"); err != nil {
		t.Fatal(err)
	}
	l.r.until("unblocked", func(s State) bool { return s.Connected && s.Blocked == "" })
	l.r.up()
	if err := receive(t, "confirmation", onTheWay); err != nil {
		t.Error(err)
	}
}

// TestStall: the network swallows everything, and full buffers hold up nobody.
func TestStall(t *testing.T) {
	t.Parallel()
	b := broker().Broker(t)
	p := b.Proxy(t)
	l := keep(t, b, "amqp://"+p.Addr()+"/")
	l.r.until("connected", func(s State) bool { return s.Connected })
	p.Stall()
	began := time.Now()
	answers := make(chan error, 900)
	for range 900 {
		l.r.Publish(Message{Exchange: l.exchange, Key: l.key, Body: make([]byte, 60_000)}, func(err error) { answers <- err })
	}
	s := l.r.until("stuck", func(s State) bool { return !s.Connected })
	// 1.4 heartbeats are 2.8 s; what is more is this machine's load.
	if took := time.Since(began); took > 6*time.Second || !strings.Contains(s.Error, "stands still") {
		t.Errorf("after %v: %+v", took, s)
	}
	for range cap(answers) {
		if err := receive(t, "answer", answers); !errors.Is(err, ErrNotConnected) {
			t.Fatal(err)
		}
	}
	p.Pass()
	l.r.up()
	if err := l.r.insist(Message{Exchange: l.exchange, Key: l.key, ID: "0"}); err != nil {
		t.Error(err)
	}
	// Nothing holds up the end either.
	p.Stall()
	for range 900 {
		l.r.Publish(Message{Exchange: l.exchange, Key: l.key, Body: make([]byte, 60_000)}, func(err error) { answers <- err })
	}
	began = time.Now()
	l.r.stop()
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("Run ended %v after its context", took)
	}
	for range cap(answers) {
		if err := receive(t, "answer", answers); !errors.Is(err, ErrNotConnected) {
			t.Fatal(err)
		}
	}
}

// TestStalledOpening: somebody who accepts connections and says nothing holds
// up the end as little.
func TestStalledOpening(t *testing.T) {
	t.Parallel()
	b := broker().Broker(t)
	p := b.Proxy(t)
	p.Stall()
	r := run(t, Options{URL: p.URL("guest", "guest", "/")})
	for p.Accepted() == 0 {
		<-time.After(time.Millisecond)
	}
	r.stop()
}

// TestStalledTrial: an attempt ends with its context, whoever does not answer.
func TestStalledTrial(t *testing.T) {
	t.Parallel()
	b := broker().Broker(t)
	p := b.Proxy(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	trial, err := Try(ctx, Options{URL: p.URL("guest", "guest", "/")})
	if err != nil {
		t.Fatal(err)
	}
	p.Stall()
	tried := make(chan error, 1)
	go func() {
		_, err := trial.MayConsume("nothing")
		trial.Close()
		tried <- err
	}()
	cancel()
	if err := receive(t, "end", tried); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestOldDelivery holds a delivery over a reconnect and settles it then. The
// client's own recovery acknowledges another message by that.
func TestOldDelivery(t *testing.T) {
	t.Parallel()
	b := broker().Broker(t)
	a := newAdmin(t, b)
	p := b.Proxy(t)
	q := a.queue("q", nil)
	x := a.exchange("x", "direct", q)
	arrived := make(chan Delivery, 100)
	r := run(t, Options{URL: p.URL("guest", "guest", "/"), Consumers: []Consumer{{Queue: q, Prefetch: 12, Take: func(d Delivery) { arrived <- d }}}})
	r.up()
	for i := range 17 {
		if err := r.publish(Message{Exchange: x, Key: q, ID: strconv.Itoa(i), Durable: true}); err != nil {
			t.Fatal(err)
		}
	}
	var old []Delivery
	for i := range 12 {
		d := receive(t, "delivery", arrived)
		if i < 5 {
			d.Done(true)
		} else {
			old = append(old, d)
		}
	}
	for range 5 { // since five were settled
		old = append(old, receive(t, "delivery", arrived))
	}
	p.Reset()
	r.up()
	for _, d := range old {
		d.Done(true)
	}
	for i := range 12 {
		d := receive(t, "delivery again", arrived)
		if d.ID != strconv.Itoa(5+i) || !d.Redelivered {
			t.Errorf("%+v", d)
		}
	}
	r.stop()
	for {
		if n, consumers := a.waiting(q); consumers == 0 {
			if n != 12 {
				t.Errorf("%d messages are left of 12 that nobody took", n)
			}
			return
		}
	}
}

// TestLostQueue: what is missing is said, and used again when it is back.
func TestLostQueue(t *testing.T) {
	t.Parallel()
	b := broker().Broker(t)
	a := newAdmin(t, b)
	q, other := a.queue("q", nil), a.queue("other", nil)
	x := a.exchange("x", "direct", q, other)
	arrived := make(chan Delivery, 10)
	take := func(d Delivery) { d.Done(true); arrived <- d }
	r := run(t, Options{URL: b.URL("guest", "guest", "/"), Consumers: []Consumer{{Queue: q, Take: take}, {Queue: other, Take: take}}})
	r.up()
	if _, err := a.ch.QueueDelete(q, false, false, false); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`queue %s is missing in vhost "/": import the definitions that lookout remote init wrote`, q)
	r.until("missing", func(s State) bool { return s.Connected && s.Error == want && s.Lasting })
	if err := r.publish(Message{Exchange: x, Key: q}); !errors.Is(err, ErrUnroutable) {
		t.Error(err)
	}
	if err := r.publish(Message{Exchange: x, Key: other}); err != nil {
		t.Error(err)
	}
	receive(t, "delivery of the other queue", arrived)

	if err := a.ch.ExchangeDelete(x, false, false); err != nil {
		t.Fatal(err)
	}
	if err := r.publish(Message{Exchange: x, Key: other}); !errors.Is(err, ErrRefused) {
		t.Error(err)
	}
	r.until("missing", func(s State) bool { return s.Connected && strings.Contains(s.Error, "an exchange is missing") })

	a.queue("q", nil)
	a.exchange("x", "direct", q, other)
	if err := r.insist(Message{Exchange: x, Key: q}); err != nil {
		t.Error(err)
	}
	receive(t, "delivery", arrived)
	r.until("well", func(s State) bool { return s.Error == "" })
}

// TestAlone: of two engines one takes results, and the other says so.
func TestAlone(t *testing.T) {
	t.Parallel()
	b := broker().Broker(t)
	a := newAdmin(t, b)
	q := a.queue("q", amqp.Table{"x-single-active-consumer": true})
	x := a.exchange("x", "direct", q)
	arrived := make(chan string, 10)
	engine := func(name string) *running {
		return run(t, Options{URL: b.URL("guest", "guest", "/"), Consumers: []Consumer{{Queue: q, Alone: true, Take: func(d Delivery) { d.Done(true); arrived <- name }}}})
	}
	first := engine("first")
	first.up()
	second := engine("second")
	second.up()
	second.until("second", func(s State) bool { return s.Connected && s.Rival == q && s.Error == "" })
	if err := second.publish(Message{Exchange: x, Key: q}); err != nil {
		t.Fatal(err)
	}
	if who := receive(t, "delivery", arrived); who != "first" {
		t.Errorf("%s took it", who)
	}
	first.stop()
	second.until("alone", func(s State) bool { return s.Connected && s.Rival == "" })
	if err := second.publish(Message{Exchange: x, Key: q}); err != nil {
		t.Fatal(err)
	}
	if who := receive(t, "delivery", arrived); who != "second" {
		t.Errorf("%s took it", who)
	}
}

// TestConsumeLater adds a consumer while the link runs, and takes it away.
func TestConsumeLater(t *testing.T) {
	t.Parallel()
	b := broker().Broker(t)
	a := newAdmin(t, b)
	q := a.queue("q", nil)
	x := a.exchange("x", "direct", q)
	p := b.Proxy(t)
	r := run(t, Options{URL: p.URL("guest", "guest", "/")})
	r.up()
	arrived := make(chan Delivery, 10)
	cancel := r.Consume(Consumer{Queue: q, Prefetch: 2, Take: func(d Delivery) { arrived <- d }})
	for i := range 3 {
		if err := r.publish(Message{Exchange: x, Key: q, ID: strconv.Itoa(i)}); err != nil {
			t.Fatal(err)
		}
	}
	receive(t, "delivery", arrived).Done(true)
	held := receive(t, "delivery", arrived)
	receive(t, "delivery", arrived)
	cancel()
	for _, consumers := a.waiting(q); consumers > 0; _, consumers = a.waiting(q) {
	}
	held.Done(true) // of a channel that is closed: for it a broker would end the connection
	if n, _ := a.waiting(q); n != 2 {
		t.Errorf("%d are given back, want 2", n)
	}
	p.Reset()
	r.up()
	if _, consumers := a.waiting(q); consumers != 0 {
		t.Error("it is consumed again after a reconnect")
	}
	if err := r.insist(Message{Exchange: x, Key: q}); err != nil {
		t.Error(err)
	}
}

// TestFull: what nobody confirms is bounded.
func TestFull(t *testing.T) {
	t.Parallel()
	b := broker().Broker(t)
	p := b.Proxy(t)
	r := run(t, Options{URL: p.URL("guest", "guest", "/")})
	r.up()
	p.Stall()
	answers := make(chan error, window+1)
	for range window + 1 {
		r.Publish(Message{Exchange: "amq.direct", Key: "nowhere"}, func(err error) { answers <- err })
	}
	if err := receive(t, "answer", answers); !errors.Is(err, ErrFull) {
		t.Error(err)
	}
	p.Pass()
	for range window {
		if err := receive(t, "answer", answers); !errors.Is(err, ErrUnroutable) {
			t.Fatal(err)
		}
	}
}

func TestBackoff(t *testing.T) {
	all := func(d time.Duration) time.Duration { return d }
	var b backoff
	want := []time.Duration{100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000}
	for i, w := range want {
		if got := b.next(false, all); got != w*time.Millisecond {
			t.Errorf("wait %d is %v", i, got)
		}
	}
	if got := b.next(true, all); got != 5*time.Minute {
		t.Errorf("at most %v", got)
	}
	if got := b.next(true, func(time.Duration) time.Duration { return 0 }); got != time.Minute {
		t.Errorf("at least %v", got)
	}
	l := New(Options{Rand: rand.New(rand.NewPCG(1, 2))})
	for range 1000 {
		if d := l.jitter(time.Second); d < 0 || d > time.Second {
			t.Fatal(d)
		}
	}
}
