package probes

import (
	"context"
	"crypto/tls"
	"time"

	"lookout/engine/uptime"
)

// helloState is how far a check is with the TLS hello of a connection.
//
// The hello of today has a post-quantum key in it and fills two TCP segments.
// A middlebox or a path of small packets that loses the second looks like a
// dead TLS server, and so does a server that expects a hello in one read. A
// check whose hello nothing answers at all is therefore made once more, on a
// new connection, with the hello of yesterday; what it finds then counts, and
// tls.hello_too_big says so.
//
// A server that hangs up may as well be one that starts anew. It is shown the
// same hello a second time first: where that one is answered the size was no
// reason, and the check has failed as it had. A silence of seconds is no such
// moment, and leaves no time to ask twice.
type helloState uint8

const (
	fullHello     helloState = iota // not sent yet, or answered
	lostHello                       // nothing came back
	sameHello                       // the same again, not sent yet
	takenHello                      // the same again, and it was answered
	smallHello                      // the one without, not sent yet or not answered either
	answeredHello                   // the one without, and it was
)

// smallGroups are the key exchanges whose hello fits into one segment.
var smallGroups = []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521}

// helloShare is how much of the time that is left the full hello may wait for
// the first byte of an answer. From then on the handshake has all of it.
const helloShare = 3. / 4

// greeting does what connects and shakes hands, a second time where the hello was lost.
func (t *trace) greeting(try func() *failure) *failure {
	t.hello = fullHello
	f := try()
	if t.hello != lostHello {
		return f
	}
	if f.fault != uptime.FaultTLSTimeout {
		t.hello = sameHello
		try()
		if t.hello == takenHello {
			f.text += "; the next one was answered"
		}
		if t.hello != lostHello { // taken, or it did not come that far
			return f
		}
	}
	t.hello = smallHello
	again := try()
	if t.hello == answeredHello {
		return again
	}
	f.text += ", and again with a smaller hello"
	return f
}

// helloFailed notes whether the hello was lost: nobody answered it, and there
// is time for another.
func (t *trace) helloFailed(ctx context.Context, c *quietConn, f *failure) {
	switch f.fault {
	case uptime.FaultTLSTimeout, uptime.FaultTLSEOF, uptime.FaultTLSReset:
		if (t.hello == fullHello || t.hello == sameHello) && !c.answered && ctx.Err() == nil {
			t.hello, t.lost = lostHello, f
		}
	}
}

// helloTested ends an attempt that was only to show whether the same hello is
// answered. Its failure is that of the first; nil where there is more to do.
func (t *trace) helloTested(c *quietConn) *failure {
	if t.hello != sameHello || !c.answered {
		return nil
	}
	t.hello = takenHello
	return t.lost
}

// helloTaken complains where it took the small hello to get an answer.
func (t *trace) helloTaken() {
	if t.hello != smallHello {
		return
	}
	t.hello = answeredHello
	what := "got no answer"
	switch t.lost.fault {
	case uptime.FaultTLSEOF:
		what = "made it close the connection"
	case uptime.FaultTLSReset:
		what = "was answered by a reset"
	}
	t.complain(fail(uptime.FaultTLSHelloTooBig, "the TLS hello of two packets, with a post-quantum key, to %s %s; a smaller one without that key works", t.res.Address, what))
}

// helloDeadline makes the wait for an answer to the full hello end in time for
// another; the first byte lifts it. The connection is watched for ctx.
func (t *trace) helloDeadline(ctx context.Context, c *quietConn) {
	if t.hello != fullHello && t.hello != sameHello {
		return
	}
	c.SetReadDeadline(time.Now().Add(time.Duration(helloShare * float64(left(ctx)))))
	c.first = func() {
		c.SetReadDeadline(time.Time{})
		if ctx.Err() != nil { // its end may have set a deadline that the line above took away
			c.SetReadDeadline(time.Unix(1, 0))
		}
	}
}
