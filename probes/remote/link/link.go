// Package link is the connection to the broker: it dials, dials again, publishes
// with confirmation and consumes, and says in one sentence what keeps it from
// doing so. It is the only importer of the AMQP client; what it carries are
// bytes to it.
//
// The client's own recovery is not used: after a reconnect it acknowledges the
// wrong message. Here everything of a connection that ended is thrown away, and
// a delivery of it can no longer be settled. Publishing and consuming have a
// connection each, since a broker that is short of memory stops reading the one
// that publishes.
package link

import "time"

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
	Key         string // the routing key, which the broker has checked; of a dead letter the one it was first published with
	Type        string
	Encoding    string
	ID          string
	Redelivered bool
	Dead        string // why it is a dead letter: expired, rejected, maxlen; "" for none
	DeadQueue   string // … and of which queue
	Body        []byte

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
	// Take is called by one goroutine, in the order of arrival. While it does
	// not return, no more is taken.
	Take func(Delivery)
}

// State is how the link is.
type State struct {
	Connected bool
	Since     time.Time
	Blocked   string // why the broker takes nothing: "low on memory"; "" when it does
	Rival     string // queue that somebody else consumes, so that a consumer which wants to be Alone waits
	Error     string // one sentence that names the setting to look at; "" when connected
	Lasting   bool   // the error will not go away by itself: it is a setting
}
