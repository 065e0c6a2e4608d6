package worker

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
	"lookout/probes/wire"
)

const (
	anchorWithin = 2 * time.Second
	freshReading = time.Second     // older ones say nothing of a check: at most one self-check a second
	lookAgain    = 5 * time.Second // while the line is bad
	maxCanaries  = 8               // that wait
)

// reading is what a self-check found.
type reading struct {
	began, ended time.Time
	good         bool
	why          string // one sentence where it is not good
}

// health is what this probe knows of its own line. A check that failed as a bad
// line makes checks fail waits for a self-check, and a result that such a
// self-check speaks against travels as that of an unhealthy probe.
type health struct {
	running bool
	last    reading
	bad     time.Time  // the end of the newest reading that was not good; zero: none
	held    []finished // that wait for a reading
	turn    int        // of the anchors, for canaries

	canary   bool // one runs
	canaries []canary
}

// canary is one that came.
type canary struct {
	wire.Canary
	came time.Time
}

// wakes is when to look again; zero: not by itself.
func (h *health) wakes() time.Time {
	if h.bad.IsZero() || h.last.good || h.running {
		return time.Time{}
	}
	return h.last.ended.Add(lookAgain)
}

// knows tells how the line was while a check ran; not known where no self-check is recent enough.
func (h *health) knows(f *finished) (unhealthy, known bool) {
	switch {
	case !h.bad.IsZero() && (!h.last.good || !h.bad.Before(f.started)):
		return true, true // it is bad, or was at some time of the check
	case f.stalled || f.r.Outcome == uptime.OutcomeUp || f.r.Side() != uptime.Path:
		return false, true // no line makes these
	case h.last.good && !h.last.began.Before(f.at.Add(-freshReading)):
		return false, true
	}
	return false, false
}

// judge passes a result on, at once where the line has no part in it.
func (w *Worker) judge(f finished) {
	if unhealthy, known := w.health.knows(&f); known {
		w.pass(f, unhealthy)
		return
	}
	w.health.held = append(w.health.held, f)
}

// look begins a self-check where one is needed.
func (w *Worker) look(ctx context.Context, now time.Time) {
	h := &w.health
	again := h.wakes()
	if h.running || len(h.held) == 0 && (again.IsZero() || now.Before(again)) {
		return
	}
	h.running = true
	w.running.Go(func() { w.line <- w.selfCheck(ctx, &w.running) }) // it has a slot
}

// read takes a reading, and passes on what waited for it.
func (w *Worker) read(r reading) {
	h := &w.health
	if h.last.good != r.good || h.last.ended.IsZero() {
		if r.good {
			w.log.Info("this probe's own line is well")
		} else {
			w.log.Error("this probe's own line is not well: what it finds has no vote", "why", r.why)
		}
	}
	if h.last = r; !r.good {
		h.bad = r.ended
	}
	held := h.held
	h.held = nil
	for _, f := range held {
		w.judge(f)
	}
}

// selfCheck asks all anchors at once, in goroutines that asking waits for. The line
// is well where half of them answer.
func (w *Worker) selfCheck(ctx context.Context, asking *sync.WaitGroup) reading {
	r := reading{began: time.Now()}
	ctx, cancel := context.WithTimeout(ctx, anchorWithin)
	defer cancel()
	anchors, why := w.anchors(ctx)
	answers := make(chan uptime.Answer, len(anchors)) // one for each
	for _, a := range anchors {
		asking.Go(func() { answers <- w.o.Outside.Try(ctx, uptime.Anchor{Address: a}) })
	}
	good, void := 0, 0
	for n := 0; n < len(anchors) && 2*good < len(anchors); n++ { // the others may take long to be silent
		switch <-answers {
		case uptime.AnswerGood:
			good++
		case uptime.AnswerVoid:
			void++
		}
	}
	r.ended = time.Now()
	switch {
	case len(anchors) == 0:
		r.why = why
	case 2*good >= len(anchors):
		r.good = true
	case void > 0:
		r.why = "it lacks file descriptors or ports to check anything"
	default:
		r.why = fmt.Sprintf("%d of %d anchors answer", good, len(anchors))
	}
	return r
}

// anchors are the addresses of the probe's own [self_check], or the broker's.
func (w *Worker) anchors(ctx context.Context) (anchors []netip.AddrPort, why string) {
	if len(w.o.Anchors) > 0 {
		return w.o.Anchors, ""
	}
	host, port, err := net.SplitHostPort(w.o.BrokerAddr)
	if err != nil {
		return nil, "it has neither an anchor nor a broker to ask"
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, "the broker's port is no number"
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil || len(addrs) == 0 {
		return nil, "the name of the broker cannot be looked up"
	}
	return []netip.AddrPort{netip.AddrPortFrom(addrs[0].Unmap(), uint16(n))}, ""
}

// answered is what became of a canary.
type answered struct {
	canary
	reading
}

// takeCanary proves that this probe works, or says that it does not.
func (w *Worker) takeCanary(ctx context.Context, frame []byte, now time.Time) error {
	order, err := w.verifier().Canary(frame, now)
	if err != nil {
		return err
	}
	w.heard.now(now)
	c, h := canary{order, now}, &w.health
	if h.canary {
		if len(h.canaries) < maxCanaries {
			h.canaries = append(h.canaries, c)
		}
		return nil
	}
	w.sing(ctx, c)
	return nil
}

// sing runs one check of an anchor, in their order. Where that one does not answer all are asked: one that is gone makes no probe blind.
func (w *Worker) sing(ctx context.Context, c canary) {
	h := &w.health
	h.canary = true
	turn := h.turn
	h.turn++
	w.running.Go(func() {
		r := reading{began: time.Now()}
		one, cancel := context.WithTimeout(ctx, anchorWithin)
		defer cancel()
		anchors, _ := w.anchors(one)
		if len(anchors) > 0 {
			r.good = w.o.Outside.Try(one, uptime.Anchor{Address: anchors[turn%len(anchors)]}) == uptime.AnswerGood
			r.ended = time.Now()
		}
		if !r.good {
			r = w.selfCheck(ctx, &w.running)
		}
		w.canaried <- answered{c, r} // it has a slot
	})
}

// answer tells the engine what became of a canary, and goes on with the next.
func (w *Worker) answer(ctx context.Context, a answered, now time.Time) {
	h := &w.health
	h.canary = false
	w.read(a.reading)
	out := wire.Answer{Nonce: a.Nonce, Outcome: uptime.OutcomeUp, Obeyed: w.orders.obeyed()}
	if !a.good {
		out.Fault, out.Message = uptime.FaultLocalNodeOffline, a.why
		out.Outcome = out.Fault.Outcome()
	}
	out.Clock = time.Now()
	out.Total = out.Clock.Sub(a.came) // all of its stay here: the rest of the way tells what our clock is off
	if frame, err := w.codec.Answer(out); err != nil {
		w.log.Error("a canary cannot be answered", "why", err)
	} else {
		w.publish(topology.KindReply, link.Message{Type: topology.TypeAnswer, Body: frame, Expires: replyKept}, whatReply)
	}
	for len(h.canaries) > 0 && !h.canary {
		next := h.canaries[0]
		h.canaries = h.canaries[1:]
		if !now.After(next.NotAfter) {
			w.sing(ctx, next)
		}
	}
}
