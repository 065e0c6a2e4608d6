package link

import (
	"context"
	"errors"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// generation is a pair of connections. When one of them ends, both do.
type generation struct {
	ctx    context.Context // ends with it, and its cause is why
	cancel context.CancelCauseFunc

	out, in *connection
	queue   chan *item // published, and not sent; holds a window
}

// connection is an open connection to the broker.
type connection struct {
	*amqp.Connection
	wire    *wire
	closed  chan *amqp.Error   // from the client, once, when it ended; 1
	blocked chan amqp.Blocking // from the client: the broker stopped reading or reads again; a few, so that the client needn't wait
}

// dial makes a generation.
func (l *Link) dial(ctx context.Context) (*generation, error) {
	in, err := l.to.connect(ctx, l.o, "consumes")
	if err != nil {
		return nil, err
	}
	out, err := l.to.connect(ctx, l.o, "publishes")
	if err != nil {
		in.end(false)
		return nil, err
	}
	g := &generation{out: out, in: in, queue: make(chan *item, window)}
	g.ctx, g.cancel = context.WithCancelCause(ctx)
	return g, nil
}

// watch ends a generation when one of its connections has ended.
func (l *Link) watch(g *generation) {
	for {
		select {
		case <-g.ctx.Done():
			return
		case err := <-g.in.closed:
			g.cancel(g.in.cause(err))
			return
		case err := <-g.out.closed:
			g.cancel(g.out.cause(err))
			return
		case b, ok := <-g.out.blocked:
			if ok {
				l.blocked(g, b)
			} else {
				g.out.blocked = nil
			}
		}
	}
}

// end closes both connections, politely where that makes sense.
func (g *generation) end(politely bool) {
	g.cancel(nil)
	var both sync.WaitGroup
	both.Go(func() { g.in.end(politely) })
	both.Go(func() { g.out.end(politely) })
	both.Wait()
}

// end closes a connection. It takes no longer than closeTime, whatever the
// client or the network wait for.
func (c *connection) end(politely bool) {
	if !politely {
		c.wire.cut() // first: whoever writes holds locks that closing needs
	}
	force := time.AfterFunc(closeTime, c.wire.cut)
	defer force.Stop()
	_ = c.Close() // it has ended, however it says so
	c.wire.cut()
}

// errCut reports a connection that ended without a word.
var errCut = errors.New("the connection was cut")

// cause is why a connection ended.
func (c *connection) cause(err *amqp.Error) error {
	if err != nil && err.Server {
		return err
	}
	if err := c.wire.failure(); err != nil {
		return err
	}
	if err != nil {
		return err
	}
	return errCut
}
