package link

import (
	"errors"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"lookout/probes/remote/brokertest"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	b := broker().Broker(t)
	a := newAdmin(t, b)
	dead := a.queue("dead", nil)
	grave := a.exchange("grave", "fanout", dead)
	living := a.queue("living", amqp.Table{"x-dead-letter-exchange": grave})
	idle := a.queue("idle", amqp.Table{"x-dead-letter-exchange": grave})
	x := a.exchange("x", "direct", living, idle)

	arrived, died := make(chan Delivery, 10), make(chan Delivery, 10)
	r := run(t, Options{URL: b.URL("", "", "/"), Username: "guest", Password: "guest", Consumers: []Consumer{
		{Queue: living, Prefetch: 10, Take: func(d Delivery) { arrived <- d }},
		{Queue: dead, Prefetch: 10, Take: func(d Delivery) { d.Done(true); died <- d }},
	}})
	r.up()

	m := Message{Exchange: x, Key: living, Type: "lookout.result.1", Encoding: "zstd", ID: "7/1-3", Body: []byte("rows"), Durable: true, Expires: time.Minute}
	if err := r.publish(m); err != nil {
		t.Fatal(err)
	}
	d := receive(t, "delivery", arrived)
	if d.Key != living || d.Type != m.Type || d.Encoding != m.Encoding || d.ID != m.ID || string(d.Body) != "rows" || d.Dead != "" || d.Redelivered {
		t.Errorf("%+v", d)
	}
	d.Done(true)
	d.Done(false) // only the first counts

	m.Body = []byte("nonsense")
	if err := r.publish(m); err != nil {
		t.Fatal(err)
	}
	receive(t, "delivery", arrived).Done(false)
	if d = receive(t, "dead letter", died); d.Dead != "rejected" || d.DeadQueue != living || d.Key != living || string(d.Body) != "nonsense" {
		t.Errorf("%+v", d)
	}

	if err := r.publish(Message{Exchange: x, Key: idle, Body: []byte("who?"), Now: true}); err != nil {
		t.Fatal(err)
	}
	if d = receive(t, "dead letter", died); d.Dead != "expired" || d.DeadQueue != idle || d.Key != idle || string(d.Body) != "who?" {
		t.Errorf("%+v", d)
	}
	if n, _ := a.waiting(living); n != 0 {
		t.Errorf("%d messages are left", n)
	}
}

// TestForgedDeath: who publishes writes headers as he likes, and must not get
// a routing key by it that the broker would not let him use.
func TestForgedDeath(t *testing.T) {
	t.Parallel()
	b := broker().Broker(t)
	a := newAdmin(t, b)
	q := a.queue("q", nil)
	arrived := make(chan Delivery, 1)
	r := run(t, Options{URL: b.URL("guest", "guest", "/"), Consumers: []Consumer{{Queue: q, Take: func(d Delivery) { d.Done(true); arrived <- d }}}})
	r.up()
	err := a.ch.Publish("", q, true, false, amqp.Publishing{Headers: amqp.Table{"x-death": []any{
		amqp.Table{"reason": "expired\x1b[2J", "queue": "loc.nyc", "routing-keys": []any{"result.nyc.1"}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if d := receive(t, "delivery", arrived); d.Key != q || d.Dead != "expired[2J" {
		t.Errorf("%+v", d)
	}
}

func TestPublishFails(t *testing.T) {
	t.Parallel()
	b := broker().Broker(t)
	a := newAdmin(t, b)
	q := a.queue("q", nil)
	full := a.queue("full", amqp.Table{"x-max-length": int64(1), "x-overflow": "reject-publish"})
	x := a.exchange("x", "direct", q, full)
	guest := run(t, Options{URL: b.URL("guest", "guest", "/")})
	meek := run(t, Options{URL: b.URL("", "", "/"), Username: "meek", Password: "s3cret-word"})
	guest.up()
	meek.up()
	if err := guest.publish(Message{Exchange: x, Key: full}); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		r     *running
		m     Message
		want  error
		state string // of the link after it
	}{
		{"no queue is bound", guest, Message{Exchange: x, Key: "nowhere"}, ErrUnroutable, ""},
		{"the queue is full", guest, Message{Exchange: x, Key: full}, ErrRefused, ""},
		{"no such exchange", guest, Message{Exchange: "missing", Key: q}, ErrRefused, "an exchange is missing"},
		{"not allowed to publish there", meek, Message{Exchange: x, Key: q}, ErrRefused, `user "meek" may not publish there`},
		{"not allowed that key", meek, Message{Exchange: "meek.up", Key: "result.nyc.1"}, ErrRefused, `user "meek" may not publish there`},
		{"a key that is allowed", meek, Message{Exchange: "meek.up", Key: "result.fra.1"}, ErrUnroutable, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.r.insist(tt.m); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
			if tt.state != "" {
				tt.r.until(tt.state, func(s State) bool { return s.Connected && s.Lasting && strings.Contains(s.Error, tt.state) })
			}
		})
	}
	if err := guest.insist(Message{Exchange: x, Key: q}); err != nil {
		t.Error(err)
	}
	guest.until("well", func(s State) bool { return s.Error == "" })
}

// TestPublishCosts: what a message of 2 kB costs beside its body, over TLS: one
// record, and of AMQP no more than the three frames need.
func TestPublishCosts(t *testing.T) {
	t.Parallel()
	b := broker().Broker(t)
	a, err := authority()
	if err != nil {
		t.Fatal(err)
	}
	adm := newAdmin(t, b)
	q := adm.queue("costs", nil)
	x := adm.exchange("x", "direct", q)
	p := brokertest.StartProxy(t, b.TLSAddr())
	r := run(t, Options{URL: "amqps://" + p.Addr(), TLS: a.trust(a.sign("by-certificate", time.Now().Add(time.Hour)))})
	r.up()
	body := make([]byte, 2000)
	// Heartbeats come in between now and then, and the first bytes of TLS.
	least := int64(1 << 60)
	for range 5 {
		before := p.Sent()
		if err := r.publish(Message{Exchange: x, Key: q, Body: body, Durable: true}); err != nil {
			t.Fatal(err)
		}
		least = min(least, p.Sent()-before-int64(len(body)+len(x)+len(q)))
	}
	const amqp, tls = 17 + 25 + 8, 22 // a method, a header with mode and number, the body's frame; a record
	if least > amqp+tls {
		t.Errorf("%d B beside body, exchange and key, at most %d", least, amqp+tls)
	}
}
