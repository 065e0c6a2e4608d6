package link

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	firstLook = 2 * time.Second  // at a queue that somebody else consumes, again; then twice as long
	lookAgain = 30 * time.Second // … up to this
)

// consumer is a Consumer over all generations.
type consumer struct {
	Consumer
	ctx  context.Context // ends when it is cancelled
	turn sync.Mutex      // held while Take runs: a new generation may begin while it does
}

// Consume has a queue consumed from now on, over all reconnects, until cancel
// is called. What has been delivered by then and not settled goes to others; a
// Take that runs is not waited for. Any time, and from within Take.
func (l *Link) Consume(c Consumer) (cancel func()) {
	ctx, stop := context.WithCancel(context.Background())
	added := &consumer{Consumer: c, ctx: ctx}
	added.Prefetch = max(1, c.Prefetch)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.consumers = append(l.consumers, added)
	if g := l.live; g != nil && !l.ended {
		l.work.Go(func() { l.attend(g, added, func() {}) })
	}
	return func() {
		stop()
		l.mu.Lock()
		defer l.mu.Unlock()
		l.consumers = slices.DeleteFunc(l.consumers, func(o *consumer) bool { return o == added })
	}
}

// attend consumes while a generation lasts, and tries again when it cannot.
func (l *Link) attend(g *generation, c *consumer, ready func()) {
	defer ready()
	ctx, cancel := context.WithCancel(g.ctx)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	var wait backoff
	for {
		began := time.Now()
		err := l.consume(ctx, g, c, ready)
		if time.Since(began) >= healthy {
			wait = backoff{}
		}
		var again time.Duration
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, errRival):
			l.rival(g, c.Queue, true)
			again = firstLook + l.jitter(lookAgain-firstLook)
		default:
			l.rival(g, c.Queue, false)
			l.trouble(g, c.Queue, l.to.explainUse("queue "+c.Queue, "consume", err))
			again = wait.next(false, l.jitter)
		}
		ready()
		if !pause(ctx, again) {
			l.rival(g, c.Queue, false)
			l.trouble(g, c.Queue, problem{})
			return
		}
	}
}

// inlet is a channel that consumes one queue. Each queue has one, since the
// broker closes a channel for what is wrong with one queue.
type inlet struct {
	*amqp.Channel
	closed chan *amqp.Error // 1: it comes once
	gone   chan string      // the queue was deleted; 1: there is one consumer

	mu   sync.Mutex // held while something is settled
	over bool       // nothing may be settled any more
}

// consume takes what arrives until ctx, the channel or the queue ends, and returns why.
func (l *Link) consume(ctx context.Context, g *generation, c *consumer, ready func()) error {
	ch, err := g.in.Channel()
	if err != nil {
		return err
	}
	in := &inlet{
		Channel: ch,
		closed:  ch.NotifyClose(make(chan *amqp.Error, 1)),
		gone:    ch.NotifyCancel(make(chan string, 1)),
	}
	defer in.close()
	if err := ch.Qos(c.Prefetch, 0, false); err != nil {
		return err
	}
	deliveries, err := l.join(ctx, g, c, in, ready)
	if err != nil {
		return err
	}
	l.trouble(g, c.Queue, problem{})
	ready()
	for {
		select {
		case <-ctx.Done():
			return nil
		case d, ok := <-deliveries:
			if !ok {
				return in.why()
			}
			c.take(ctx, in.delivery(d))
		}
	}
}

// errRival reports that somebody began to consume a queue in the same moment.
var errRival = errors.New("somebody else consumes the queue too")

// join begins to consume; where the consumer wants to be alone, once it is. Of
// two that found the queue free at once both step back, for a random while.
func (l *Link) join(ctx context.Context, g *generation, c *consumer, in *inlet, ready func()) (<-chan amqp.Delivery, error) {
	wait := firstLook
	for {
		others := 0
		if c.Alone {
			q, err := in.QueueDeclarePassive(c.Queue, true, false, false, false, nil)
			if err != nil {
				return nil, err
			}
			others = q.Consumers
		}
		if others == 0 {
			deliveries, err := in.Consume(c.Queue, "1", false, false, false, false, nil)
			if err != nil {
				return nil, err
			}
			if c.Alone {
				if q, err := in.QueueDeclarePassive(c.Queue, true, false, false, false, nil); err != nil {
					return nil, err
				} else if q.Consumers > 1 {
					return nil, errRival
				}
			}
			l.rival(g, c.Queue, false)
			return deliveries, nil
		}
		l.rival(g, c.Queue, true)
		ready()
		if !pause(ctx, wait) {
			return nil, ctx.Err()
		}
		wait = min(2*wait, lookAgain)
	}
}

// take hands a delivery over, in its turn. One that ctx has ended for by then
// is another's.
func (c *consumer) take(ctx context.Context, d Delivery) {
	c.turn.Lock()
	defer c.turn.Unlock()
	if ctx.Err() == nil {
		c.Take(d)
	}
}

// why is the reason that deliveries ended for.
func (in *inlet) why() error {
	select {
	case err := <-in.closed:
		if err != nil {
			return err
		}
	default:
	}
	select {
	case _, ok := <-in.gone:
		if ok {
			return &amqp.Error{Code: amqp.NotFound, Reason: "the queue was deleted"}
		}
	default:
	}
	return amqp.ErrClosed
}

// close gives what has not been settled back to the broker. What was settled
// after that would be of a channel that is none, for which the broker ends the
// whole connection.
func (in *inlet) close() {
	in.mu.Lock()
	in.over = true
	in.mu.Unlock()
	_ = in.Channel.Close() // fails only where it has ended
}

func (in *inlet) settle(tag uint64, taken bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case in.over:
	case taken:
		_ = in.Ack(tag, false) // fails only where the connection has ended
	default:
		_ = in.Reject(tag, false)
	}
}

// delivery is a delivery of the client as ours.
func (in *inlet) delivery(d amqp.Delivery) Delivery {
	var once sync.Once
	out := Delivery{
		Key:         d.RoutingKey,
		Type:        d.Type,
		Encoding:    d.ContentEncoding,
		ID:          d.MessageId,
		Redelivered: d.Redelivered,
		Body:        d.Body,
		Done:        func(taken bool) { once.Do(func() { in.settle(d.DeliveryTag, taken) }) },
	}
	out.Dead, out.DeadQueue = death(d.Headers)
	return out
}

// death is why a message is a dead letter, and of which queue, as the broker
// notes it: the last time that it died comes first.
func death(headers amqp.Table) (why, queue string) {
	deaths, _ := headers["x-death"].([]any)
	if len(deaths) == 0 {
		return "", ""
	}
	last, _ := deaths[0].(amqp.Table)
	why, _ = last["reason"].(string)
	queue, _ = last["queue"].(string)
	return clean(why), clean(queue)
}
