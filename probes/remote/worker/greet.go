package worker

import (
	"strings"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
	"lookout/probes/wire"
)

const (
	troubleGap = 10 * time.Second       // between hellos because something is wrong here, or no more
	settleFor  = 500 * time.Millisecond // after the last chunk, for more to come
	helloRetry = 2 * time.Second        // where no manifest answers; doubled each time
)

// maxWarning bounds what is said to be wrong here, in bytes.
const maxWarning = 300

// hellos says when the next hello is.
type hellos struct {
	next    time.Time
	said    time.Time
	wait    time.Duration // for an answer to the last one
	leaving bool          // goodbye is said, and not heard yet
	warned  bool          // the last one said that something is wrong here
}

func (h *hellos) now() { h.next = time.Time{}.Add(1) }

func (h *hellos) soon(now time.Time) { h.by(now.Add(settleFor)) }

// sent expects an answer soon, and else the next hello: the engine may have come later than the first.
func (h *hellos) sent(now time.Time) {
	h.wait = min(max(2*h.wait, helloRetry), helloEvery)
	h.said, h.next = now, now.Add(h.wait)
}

// answered leaves it at one a minute.
func (h *hellos) answered() {
	h.wait = 0
	if next := h.said.Add(helloEvery); h.next.After(h.said) && !h.said.IsZero() {
		h.next = next
	}
}

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
	if w.connected && (w.wrong() != "") != w.hello.warned {
		w.hello.by(w.hello.said.Add(troubleGap))
	}
	if !w.connected || now.Before(w.hello.next) {
		return
	}
	w.hello.sent(now)
	w.orders.came = 0
	h := w.hi()
	w.hello.warned = h.Warning != ""
	w.greeting(h, whatHello)
}

// hi is what there is to say of this probe.
func (w *Worker) hi() wire.Hello {
	epoch, _ := w.box.told()
	return wire.Hello{
		Epoch:    epoch,
		Obeyed:   w.orders.obeyed(),
		Chunks:   w.orders.hashes(),
		Majors:   []uint8{wire.Major},
		Free:     w.flow.free(),
		Capacity: w.o.Limits.MaxMonitors,
		Types:    w.o.Types,
		Software: w.o.Software,
		Clock:    time.Now(),
		Warning:  uptime.Clean(w.wrong(), maxWarning),
	}
}

// wrong is what is wrong here; "" where nothing is.
func (w *Worker) wrong() string {
	var all []string
	if _, trouble := w.box.told(); trouble != nil {
		all = append(all, trouble.Error())
	}
	if w.o.Line != nil {
		if s := w.o.Line(); s != "" {
			all = append(all, s)
		}
	}
	return strings.Join(all, "; ")
}

func (w *Worker) greeting(h wire.Hello, what string) bool {
	frame, err := w.codec.Hello(h)
	if err != nil {
		w.log.Error("the probe cannot say hello", "why", err) // a type or a version with too long a name
		return false
	}
	w.publish(topology.KindHello, link.Message{Type: topology.TypeHello, Body: frame}, what)
	return true
}

// goodbye says that the probe ends.
func (w *Worker) goodbye() {
	if !w.connected {
		return
	}
	h := w.hi()
	h.Goodbye = true
	w.hello.leaving = w.greeting(h, whatGoodbye)
}
