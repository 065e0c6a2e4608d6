package worker

import (
	"context"
	"time"

	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
	"lookout/probes/wire"
)

// ordersAhead is how many orders the broker sends ahead: a hello is answered by at most 16.
const ordersAhead = 32

// arrival is a message for the loop.
type arrival struct {
	link.Delivery
	asked bool // of the location's queue; else of the probe's own
}

// consume has what comes into a queue given to the loop, until cancel is called
// or the loop is over. What it has not taken by then is left to the broker.
func (w *Worker) consume(c link.Consumer, asked bool) (cancel func()) {
	stopped := make(chan struct{})
	c.Take = func(d link.Delivery) {
		select {
		case w.arrivals <- arrival{d, asked}:
		case <-stopped:
			d.Done(false) // of a request the engine hears so that nobody runs it
		case <-w.over:
		}
	}
	end := w.o.Broker.Consume(c)
	return func() {
		close(stopped) // before: a link may wait for Take
		end()
	}
}

// arrived does what a message says, and settles it.
func (w *Worker) arrived(ctx context.Context, a arrival, now time.Time) {
	if a.Type == topology.TypeCheck {
		a.Done(true)
		return
	}
	if a.asked {
		if a.Type != topology.TypeRequest {
			w.refuse(a, wire.ErrMajor)
			return
		}
		w.takeRequest(a, now)
		return
	}
	var err error
	switch a.Type {
	case topology.TypeManifest:
		err = w.takeManifest(a.Body, now)
	case topology.TypeChunk:
		err = w.takeChunk(a.Body, now)
	case topology.TypeCanary:
		err = w.takeCanary(ctx, a.Body, now)
	default:
		err = wire.ErrMajor
	}
	if err != nil {
		w.refuse(a, err)
		return
	}
	a.Done(true)
}

// refuse makes a dead letter of a message that is not obeyed, and says why.
func (w *Worker) refuse(a arrival, err error) {
	a.Done(false)
	w.quiet.say(a.Type, time.Now(), func(more int) {
		w.log.Warn("a message is not obeyed", "type", clean(a.Type), "why", err, "bytes", len(a.Body), "others like it", more)
	})
}

// quiet keeps what somebody else may cause any number of times from filling the log.
type quiet struct{ kinds map[string]*said }

type said struct {
	at   time.Time
	more int
}

const (
	quietFor = 10 * time.Second
	maxKinds = 64
)

func newQuiet() quiet { return quiet{make(map[string]*said)} }

// say calls log unless something of the kind was said a moment ago; more is
// how many were not said since.
func (q *quiet) say(kind string, now time.Time, log func(more int)) {
	s := q.kinds[kind]
	if s == nil {
		if len(q.kinds) >= maxKinds {
			clear(q.kinds)
		}
		s = &said{}
		q.kinds[kind] = s
	} else if now.Sub(s.at) < quietFor {
		s.more++
		return
	}
	log(s.more)
	*s = said{at: now}
}
