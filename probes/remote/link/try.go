package link

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// ErrMissing reports that there is no such queue or exchange.
var ErrMissing = errors.New("is missing")

// Trial is one connection to find out what its user may do. What it tries leaves
// nothing behind and takes nothing from any queue, whether it is allowed or not:
// each attempt has a mistake in it that the broker finds only after it looked at
// the permission. It is for one goroutine.
type Trial struct {
	to   address
	c    *connection
	name string         // of what does not exist
	stop func() bool    // ends the wait for the end of the context
	work sync.WaitGroup // who listens for an alarm of the broker

	mu  sync.Mutex
	why error // that nobody answers any more; nil: they do
}

// answerTime is for how long an attempt waits for the broker.
const answerTime = 15 * time.Second

// Try dials once and logs in. Its error is a sentence that names the setting to look at.
// When ctx ends so does the connection, and with it what is being tried.
func Try(ctx context.Context, o Options) (*Trial, error) {
	if o.Heartbeat == 0 {
		o.Heartbeat = 10 * time.Second
	}
	to := parse(o)
	if p, bad := to.check(time.Now()); bad {
		return nil, errors.New(p.sentence)
	}
	c, err := to.connect(ctx, o, "trying")
	if err != nil {
		return nil, errors.New(to.explain(err).sentence)
	}
	t := &Trial{to: to, c: c, name: "lookout.check." + rand.Text()}
	t.stop = context.AfterFunc(ctx, func() { t.leave(context.Cause(ctx)) })
	t.work.Go(func() {
		for b := range c.blocked { // until the connection ends: who has an alarm reads nothing more of it
			if b.Active {
				t.leave(fmt.Errorf("the broker takes nothing, it is %s: look at the alarms of rabbitmqctl status", clean(b.Reason)))
			}
		}
	})
	return t, nil
}

// Close ends the connection.
func (t *Trial) Close() {
	t.stop()
	t.c.end(true)
	t.work.Wait()
}

// leave ends the connection, whatever waits for an answer.
func (t *Trial) leave(why error) {
	t.mu.Lock()
	if t.why == nil {
		t.why = why
	}
	t.mu.Unlock()
	t.c.wire.cut()
}

// left is why nobody answers any more, else err.
func (t *Trial) left(err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil && t.why != nil {
		return t.why
	}
	return err
}

// Queue counts what waits in a queue and who consumes it. It fails with ErrMissing where there is none.
func (t *Trial) Queue(name string) (messages, consumers int, err error) {
	err = t.channel(func(ch *amqp.Channel) error {
		q, err := ch.QueueDeclarePassive(name, true, false, false, false, nil)
		messages, consumers = q.Messages, q.Consumers
		return err
	})
	return messages, consumers, missing(err)
}

// Exchange finds an exchange. It fails with ErrMissing where there is none.
func (t *Trial) Exchange(name string) error {
	return missing(t.channel(func(ch *amqp.Channel) error {
		// What is passive asks for the name alone.
		return ch.ExchangeDeclarePassive(name, amqp.ExchangeDirect, true, false, false, false, nil)
	}))
}

// MayPublish reports whether the broker takes what is published to an exchange
// with a key. It fails with ErrMissing where there is no such exchange. The
// attempt is in another user's name; as reports whether the broker lets that
// pass, which is wrong everywhere.
func (t *Trial) MayPublish(exchange, key string) (may, as bool, err error) {
	err = t.channel(func(ch *amqp.Channel) error {
		// What is wrong is known when it is confirmed, or the channel is closed. A
		// question that comes after it may cross that: then it is of a channel that
		// there is not any more, for which the broker ends the connection.
		if err := ch.Confirm(false); err != nil {
			return err
		}
		p := amqp.Publishing{UserId: t.name, Expiration: "never"} // the second mistake is for who may have any name
		confirmed, err := ch.PublishWithDeferredConfirm(exchange, key, true, false, p)
		if err != nil {
			return err
		}
		confirmed.Wait() // ends with the connection
		return nil
	})
	if code, text := refusal(err); code == amqp.PreconditionFailed {
		return true, strings.Contains(text, "expiration"), nil
	}
	may, err = verdict(err)
	return may, may, err
}

// MayConsume reports whether the user may read a queue. It fails with ErrMissing
// where there is none.
func (t *Trial) MayConsume(queue string) (bool, error) {
	return verdict(t.channel(func(ch *amqp.Channel) error {
		if err := ch.Qos(1, 0, false); err != nil {
			return err
		}
		_, err := ch.Consume(queue, "", false, false, false, false, amqp.Table{"x-priority": "none"})
		return err
	}))
}

// MayDeclareQueue reports whether the user may make a queue of this name; "": one that is new.
func (t *Trial) MayDeclareQueue(name string) (bool, error) {
	fresh := name == ""
	if fresh {
		name = t.name
	}
	return verdict(t.channel(func(ch *amqp.Channel) error {
		// One that is there is never made like this.
		_, err := ch.QueueDeclare(name, true, fresh, fresh, false, amqp.Table{"x-expires": int32(time.Minute.Milliseconds())})
		return err
	}))
}

// MayDeclareExchange reports whether the user may make an exchange of this name,
// which is to be there.
func (t *Trial) MayDeclareExchange(name string) (bool, error) {
	return verdict(t.channel(func(ch *amqp.Channel) error {
		return ch.ExchangeDeclare(name, amqp.ExchangeHeaders, true, false, false, false, nil)
	}))
}

// MayBind reports whether the user may bind a queue to an exchange: it unbinds
// what is not bound.
func (t *Trial) MayBind(queue, exchange string) (bool, error) {
	may, err := verdict(t.channel(func(ch *amqp.Channel) error {
		return ch.QueueUnbind(queue, t.name, exchange, nil)
	}))
	if errors.Is(err, ErrMissing) {
		return true, nil // the binding: permissions come first
	}
	return may, err
}

// Send publishes a message and waits for what becomes of it. The error wraps
// ErrUnroutable where no queue takes it, ErrRefused where it is not let in.
func (t *Trial) Send(ctx context.Context, m Message) error {
	var fate error
	err := t.channel(func(ch *amqp.Channel) error {
		returned := ch.NotifyReturn(make(chan amqp.Return, 1)) // one message is published
		if err := ch.Confirm(false); err != nil {
			return err
		}
		confirmed, err := ch.PublishWithDeferredConfirmWithContext(ctx, m.Exchange, m.Key, true, false, m.publishing(""))
		if err != nil {
			return err
		}
		ok, err := confirmed.WaitContext(ctx)
		switch {
		case err != nil:
			return err
		case !ok:
			fate = m.failed(ErrRefused, "the broker did not take it")
			return ch.Qos(1, 0, false) // says why, if the channel was closed
		}
		select {
		case r := <-returned:
			fate = m.failed(ErrUnroutable, clean(r.ReplyText))
		default:
		}
		return nil
	})
	if code, text := refusal(err); code == amqp.AccessRefused {
		return m.failed(ErrRefused, text)
	}
	return errors.Join(missing(err), fate)
}

// channel does something on a channel of its own: a refusal closes it.
func (t *Trial) channel(do func(ch *amqp.Channel) error) error {
	late := time.AfterFunc(answerTime, func() { t.leave(fmt.Errorf("the broker has not answered for %v", answerTime)) })
	defer late.Stop()
	return t.left(t.within(do))
}

func (t *Trial) within(do func(ch *amqp.Channel) error) error {
	ch, err := t.c.Channel()
	if err != nil {
		return fmt.Errorf("open a channel: %s", t.to.explainEnd(err).sentence)
	}
	closed := ch.NotifyClose(make(chan *amqp.Error, 1)) // from the client, once
	if err = do(ch); !ch.IsClosed() {
		_ = ch.Close() // nothing depends on it any more
		return err
	}
	// Who comes after the refusal of what has no answer hears only that the channel is closed.
	if why := <-closed; why != nil {
		return why
	}
	return err
}

// refusal is what the broker says about an attempt; 0: it says nothing.
func refusal(err error) (code int, text string) {
	var said *amqp.Error
	if errors.As(err, &said) && said.Server {
		return said.Code, clean(said.Reason)
	}
	return 0, ""
}

// verdict reads what the broker says: it refused, or it found the mistake that was
// made on purpose, or none.
func verdict(err error) (may bool, _ error) {
	switch code, _ := refusal(err); {
	case err == nil, code == amqp.PreconditionFailed:
		return true, nil
	case code == amqp.AccessRefused:
		return false, nil
	}
	return false, missing(err)
}

// missing is an error that wraps ErrMissing where the broker said so.
func missing(err error) error {
	if code, text := refusal(err); code == amqp.NotFound {
		return fmt.Errorf("%w (it said %q)", ErrMissing, text)
	}
	return err
}
