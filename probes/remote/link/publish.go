package link

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// item is a message on its way.
type item struct {
	Message
	done func(error)
}

// Publish sends a message and says how that went: done is called exactly once,
// by a goroutine of the link that it must not hold up, with nil when the broker
// has put the message into a queue and confirmed it, and else with an error that
// wraps one of those above. Publish itself never waits. Who publishes again at
// once what ErrNotConnected came back for spins; State says when it is worth while.
func (l *Link) Publish(m Message, done func(error)) {
	l.mu.Lock()
	err := l.refuse(&m)
	if err == nil {
		l.out++
		l.outBytes += len(m.Body)
		l.live.queue <- &item{m, done} // there is room: out counts what is in it
		l.mu.Unlock()
		return
	}
	running := !l.ended
	if running {
		l.work.Add(1)
	}
	l.mu.Unlock()
	go func() {
		if running {
			defer l.work.Done()
		}
		done(err)
	}()
}

// refuse says why a message cannot be sent now. The caller holds mu.
func (l *Link) refuse(m *Message) error {
	switch {
	case !l.open && l.state.Error != "":
		return m.failed(ErrNotConnected, l.state.Error)
	case !l.open:
		return m.failed(ErrNotConnected, "")
	case l.state.Blocked != "":
		return m.failed(ErrNotConnected, "the broker is blocked: "+l.state.Blocked)
	case l.out >= window, l.out > 0 && l.outBytes+len(m.Body) > windowBytes:
		return m.failed(ErrFull, "")
	}
	return nil
}

func (m *Message) failed(err error, why string) error {
	if why == "" {
		return fmt.Errorf("publish to %s with key %s: %w", m.Exchange, m.Key, err)
	}
	return fmt.Errorf("publish to %s with key %s: %w: %s", m.Exchange, m.Key, err, why)
}

// answer tells the publisher of a message what became of it.
func (l *Link) answer(it *item, err error) {
	l.mu.Lock()
	l.out--
	l.outBytes -= len(it.Body)
	l.mu.Unlock()
	it.done(err)
}

// publishing sends what is published while a generation lasts, on a channel
// that is opened again when the broker closes it.
func (l *Link) publishing(g *generation, ready func()) {
	defer ready()
	var wait backoff
	for {
		began := time.Now()
		late := time.AfterFunc(confirmTime, func() { g.cancel(fmt.Errorf("the broker has not opened a channel for %v", confirmTime)) })
		c, err := openPublishing(g.out)
		late.Stop()
		if err == nil {
			l.accept(g, true)
			ready()
			err = l.send(g, c)
			l.accept(g, false)
		}
		l.turnAway(g)
		if g.ctx.Err() != nil {
			return
		}
		l.trouble(g, "", l.to.explainPublish(err))
		ready()
		if time.Since(began) >= healthy {
			wait = backoff{}
		}
		if !pause(g.ctx, wait.next(false, l.jitter)) {
			return
		}
	}
}

// accept opens the link for what is published, or closes it.
func (l *Link) accept(g *generation, open bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.live == g {
		l.open = open
	}
}

// turnAway answers what was published and cannot be sent. Nothing more is accepted.
func (l *Link) turnAway(g *generation) {
	for {
		select {
		case it := <-g.queue:
			l.answer(it, it.failed(ErrNotConnected, ""))
		default:
			return
		}
	}
}

// outlet is a channel that publishes.
type outlet struct {
	*amqp.Channel
	closed  chan *amqp.Error // to send; 1: it comes once
	reason  chan *amqp.Error // the same, to whom it concerns; 1
	returns chan amqp.Return // what no queue took; a window, since so many may be on their way

	mu       sync.Mutex // of what follows
	why      *amqp.Error
	returned map[string]string // what the broker said of it, by number
}

func openPublishing(c *connection) (*outlet, error) {
	ch, err := c.Channel()
	if err != nil {
		return nil, err
	}
	o := &outlet{
		Channel:  ch,
		closed:   ch.NotifyClose(make(chan *amqp.Error, 1)),
		reason:   ch.NotifyClose(make(chan *amqp.Error, 1)),
		returns:  ch.NotifyReturn(make(chan amqp.Return, window)),
		returned: map[string]string{},
	}
	return o, ch.Confirm(false)
}

// send publishes until the channel or its generation ends, and returns why.
func (l *Link) send(g *generation, o *outlet) error {
	for number := 1; ; number++ {
		select {
		case <-g.ctx.Done():
			return nil
		case err := <-o.closed:
			if err == nil {
				return amqp.ErrClosed
			}
			return err
		case it := <-g.queue:
			l.sendOne(g, o, it, strconv.FormatInt(int64(number), 36))
		}
	}
}

// sendOne publishes a message and has its confirmation waited for.
func (l *Link) sendOne(g *generation, o *outlet, it *item, number string) {
	if why := l.State().Blocked; why != "" {
		l.answer(it, it.failed(ErrNotConnected, "the broker is blocked: "+why))
		return
	}
	confirmation, err := o.PublishWithDeferredConfirmWithContext(g.ctx, it.Exchange, it.Key, true, false, it.publishing(number))
	if err != nil {
		l.answer(it, it.failed(ErrNotConnected, clean(err.Error())))
		return
	}
	sent := time.Now()
	l.work.Go(func() {
		l.confirmed(g, sent, confirmation.Done())
		err := o.fate(&it.Message, number, confirmation.Acked())
		if err == nil {
			l.trouble(g, "", problem{})
		}
		l.answer(it, err)
	})
}

// confirmTime is how long a broker that is connected, and not blocked, may leave a
// message unconfirmed. One that takes connections before it has started has been
// seen to do so for as long as they last.
const confirmTime = 30 * time.Second

// confirmed waits until the client has done with a message: with the end of its
// channel at the latest, and of a connection that is of no use.
func (l *Link) confirmed(g *generation, sent time.Time, done <-chan struct{}) {
	late := time.NewTimer(confirmTime)
	defer late.Stop()
	for {
		select {
		case <-done:
			l.mu.Lock()
			l.moved = time.Now()
			if sent.After(l.newest) {
				l.newest = sent
			}
			l.mu.Unlock()
			return
		case <-late.C:
			still := l.still(sent)
			if still >= confirmTime {
				g.cancel(fmt.Errorf("the broker has not confirmed what it got %v ago", confirmTime))
				still = 0
			}
			late.Reset(confirmTime - still)
		}
	}
}

// still is for how long a message has waited in vain. Over a slow line each waits
// for those before it, which are confirmed meanwhile.
func (l *Link) still(sent time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.state.Blocked != "":
		return 0
	case !l.newest.After(sent) && l.moved.After(sent):
		return time.Since(l.moved)
	}
	return time.Since(sent)
}

// publishing is a message as the client wants it. The number comes back with
// it when no queue takes it.
func (m *Message) publishing(number string) amqp.Publishing {
	p := amqp.Publishing{
		Type:            m.Type,
		ContentEncoding: m.Encoding,
		MessageId:       m.ID,
		CorrelationId:   number,
		Body:            m.Body,
		DeliveryMode:    amqp.Transient,
	}
	if m.Durable {
		p.DeliveryMode = amqp.Persistent
	}
	switch {
	case m.Now:
		p.Expiration = "0"
	case m.Expires > 0:
		p.Expiration = strconv.FormatInt(max(1, m.Expires.Milliseconds()), 10)
	}
	return p
}

// fate is what became of a message that the client has done with. A message
// that no queue takes is returned, and acknowledged too. The client promises no
// order between the two; but its one reader puts what is returned into returns
// before it reads the acknowledgement, so here it is there already.
func (o *outlet) fate(m *Message, number string, acked bool) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.collect()
	if text, ok := o.returned[number]; ok {
		delete(o.returned, number)
		return m.failed(ErrUnroutable, text)
	}
	switch {
	case acked:
		return nil
	case !o.IsClosed():
		return m.failed(ErrRefused, "its queue is full")
	case o.why != nil && m.caused(o.why):
		return m.failed(ErrRefused, clean(o.why.Reason))
	}
	return m.failed(ErrNotConnected, "")
}

// collect takes what the client has to say without waiting. The caller holds mu.
func (o *outlet) collect() {
	for {
		select {
		case r, ok := <-o.returns:
			if !ok {
				o.returns = nil
				continue
			}
			o.returned[r.CorrelationId] = clean(r.ReplyText)
		case why, ok := <-o.reason:
			if !ok {
				o.reason = nil
				continue
			}
			o.why = why
		default:
			return
		}
	}
}

// caused reports whether the broker closed the channel for a message. It names
// the exchange, the topic or the size, and no number; what it wrongs by that is
// published again like all else that has not been confirmed.
func (m *Message) caused(why *amqp.Error) bool {
	said := why.Reason
	switch why.Code {
	case amqp.AccessRefused:
		if strings.Contains(said, "topic '") {
			return strings.Contains(said, "topic '"+m.Key+"'")
		}
		return strings.Contains(said, "'"+m.Exchange+"'")
	case amqp.NotFound:
		return strings.Contains(said, "'"+m.Exchange+"'")
	case amqp.PreconditionFailed:
		return strings.Contains(said, strconv.Itoa(len(m.Body)))
	}
	return false
}

// explainPublish says why a channel that publishes was closed.
func (a *address) explainPublish(err error) problem {
	var said *amqp.Error
	if errors.As(err, &said) {
		text := clean(said.Reason)
		switch said.Code {
		case amqp.NotFound:
			return lasting("an exchange is missing (it said %q): import the definitions that lookout remote init wrote", text)
		case amqp.AccessRefused:
			return lasting("%s may not publish there (it said %q): import the permissions that lookout remote init wrote", a.who(), text)
		}
	}
	return a.explainUse("publishing", "use", err)
}
