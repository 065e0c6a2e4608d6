package worker

import (
	"time"

	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
	"lookout/probes/wire"
)

const (
	settleFor  = 500 * time.Millisecond // after the last chunk, for more to come
	helloRetry = 5 * time.Second
)

// hellos says when the next hello is.
type hellos struct {
	next    time.Time
	leaving bool // goodbye is said, and not heard yet
}

func (h *hellos) now() { h.next = time.Time{}.Add(1) }

func (h *hellos) soon(now time.Time) { h.by(now.Add(settleFor)) }

func (h *hellos) retry(now time.Time) { h.by(now.Add(helloRetry)) }

func (h *hellos) by(t time.Time) {
	if t.Before(h.next) {
		h.next = t
	}
}

// wakes is when the next one is; zero where nobody would hear it.
func (h *hellos) wakes(connected bool) time.Time {
	if !connected {
		return time.Time{}
	}
	return h.next
}

// greet says hello when it is time.
func (w *Worker) greet(now time.Time) {
	if !w.sender.connected || now.Before(w.hello.next) {
		return
	}
	w.hello.next = now.Add(helloEvery)
	w.orders.came = 0
	w.greeting(w.hi(now), settled{what: whatHello})
}

// hi is what there is to say of this probe.
func (w *Worker) hi(now time.Time) wire.Hello {
	return wire.Hello{
		Epoch:    w.o.Spool.Epoch(),
		Obeyed:   w.orders.obeyed(),
		Chunks:   w.orders.hashes(),
		Majors:   []uint8{wire.Major},
		Free:     w.flow.free(),
		Capacity: w.o.Limits.MaxMonitors,
		Types:    w.o.Types,
		Software: w.o.Software,
		Clock:    now,
	}
}

func (w *Worker) greeting(h wire.Hello, s settled) bool {
	frame, err := w.codec.Hello(h)
	if err != nil {
		w.log.Error("the probe cannot say hello", "why", err) // a type or a version with too long a name
		return false
	}
	w.publish(topology.KindHello, link.Message{Type: topology.TypeHello, Body: frame}, s)
	return true
}

// goodbye says that the probe ends.
func (w *Worker) goodbye(now time.Time) {
	if !w.sender.connected {
		return
	}
	h := w.hi(now)
	h.Goodbye = true
	w.hello.leaving = w.greeting(h, settled{what: whatGoodbye})
}
