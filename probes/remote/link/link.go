// Package link is the connection to the broker: it dials, dials again, publishes
// with confirmation and consumes, and says in one sentence what keeps it from
// doing so. It is the only importer of the AMQP client; what it carries are
// bytes to it.
//
// The client's own recovery is not used: after a reconnect it acknowledges the
// wrong message. Here everything of a connection that ended is thrown away, and
// a delivery of it can no longer be settled. Publishing and consuming have a
// connection each, since a broker that is short of memory stops reading the one
// that publishes; the two live and end together, as one generation.
package link

import (
	"errors"
	"time"
)

// Why a message was not published. What Publish reports wraps one of these.
var (
	// ErrUnroutable reports a message that no queue is bound for.
	ErrUnroutable = errors.New("no queue takes it")
	// ErrNotConnected reports a message that was not sent, or of which nobody knows whether it was.
	ErrNotConnected = errors.New("no working connection to the broker")
	// ErrRefused reports a message that the broker does not take: its queue is full, or it is not allowed.
	ErrRefused = errors.New("the broker refuses it")
	// ErrFull reports that too much is on its way already.
	ErrFull = errors.New("too many messages wait for the broker's confirmation")
)

// Message is what is published.
type Message struct {
	Exchange string
	Key      string
	Type     string // "lookout.result.1"
	Encoding string // of the body, "zstd"; "" for none
	ID       string // "" for none
	Body     []byte
	Durable  bool // it outlives a restart of the broker

	// Expires is how long the broker keeps it; 0: as long as its queue does. With
	// Now it is there for who can take it this moment, and else a dead letter.
	Expires time.Duration
	Now     bool
}

// Delivery is a message that arrived.
type Delivery struct {
	Key         string // the routing key, which the broker has checked; of a dead letter too the one it was first published with
	Type        string
	Encoding    string
	ID          string
	Redelivered bool
	Body        []byte // empty where it was over MaxBody

	// Dead is why it is a dead letter: expired, rejected, maxlen; "" for none.
	// DeadQueue is of which queue. They are to be believed in a queue only that
	// the broker alone fills: who publishes can write them too.
	Dead      string
	DeadQueue string

	// Done settles it, once and from any goroutine: taken, or refused, which
	// makes it a dead letter. Where its connection has ended it does nothing, and the
	// broker delivers it again.
	Done func(taken bool)
}

// Consumer takes what arrives in a queue.
type Consumer struct {
	Queue    string
	Prefetch int // that are delivered and not settled, at most; at least 1
	// Alone has it take nothing while somebody else consumes the queue.
	Alone bool
	// Take is called by one goroutine at a time, in the order of arrival. While
	// it does not return, no more is taken.
	Take func(Delivery)
}

// State is how the link is.
type State struct {
	Connected bool
	Since     time.Time // of Connected
	Blocked   string    // why the broker takes nothing: "low on memory"; "" when it does
	Rival     string    // queue that somebody else consumes, so that a consumer which wants to be Alone waits
	Error     string    // one sentence that names the setting to look at; "" when all works. A connected link has one when a queue or an exchange is missing
	Lasting   bool      // the error will not go away by itself: it is a setting
	Warning   string    // one sentence about what will be an error soon: a certificate near its end; else ""
}
