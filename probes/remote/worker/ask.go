package worker

import (
	"fmt"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
	"lookout/probes/wire"
)

const (
	// asksAhead is how many requests the broker may send before it hears that
	// the first was accepted: many in the time that takes over a long line, or
	// they come back as if nobody here could run them.
	asksAhead = 64
	// maxAsks run at once, in addition to the checks of the schedule: an engine asks
	// 50 a second, and one that runs into its time-out takes ten.
	maxAsks   = 600
	maxNonces = 10_000
)

// request is one that was accepted.
type request struct{ wire.Request }

// number is that of the monitor it is about.
func (q *request) number() uint32 {
	if q.Full != nil {
		return q.Full.Number
	}
	return q.Monitor
}

// asks remembers which requests were accepted, so that one that comes twice is not checked twice.
type asks struct{ seen map[wire.Nonce]time.Time }

func newAsks() asks { return asks{make(map[wire.Nonce]time.Time)} }

// first reports whether a request is new, and remembers it as long as it could be obeyed.
func (a *asks) first(q *wire.Request, now time.Time) bool {
	if _, seen := a.seen[q.Nonce]; seen {
		return false
	}
	if len(a.seen) >= maxNonces {
		for n, until := range a.seen {
			if now.After(until) {
				delete(a.seen, n)
			}
		}
	}
	if len(a.seen) >= maxNonces {
		return false // more than can be checked in the time they have
	}
	a.seen[q.Nonce] = q.NotAfter
	return true
}

// takeRequest accepts a request, and has it checked or says why not.
func (w *Worker) takeRequest(a arrival, now time.Time) {
	in, err := w.verifier().Request(a.Body, now)
	if err != nil {
		w.refuse(a, err)
		return
	}
	w.heard.now(now)
	if !w.serving {
		a.Done(false) // it came before the broker heard that we take none
		return
	}
	a.Done(true)
	if !w.asks.first(&in, now) {
		return
	}
	q := &request{in}
	c, why := w.wanted(q, now)
	switch {
	case why != "":
	case c.m != nil && c.m.recent(q.MaxAge, now):
		w.reply(q, wire.Reply{Row: c.m.last})
		return
	case len(w.flow.urgent) >= maxAsks:
		why = "busy: it has more questions than it can answer in time"
	case !w.flow.rate.allow(c.job.Dest, now):
		why = w.tooOften(c.job)
	}
	if why != "" {
		w.reply(q, wire.Reply{Refusal: why})
		return
	}
	w.flow.urgent = append(w.flow.urgent, c)
}

// wanted is the check that a request wants, or why there is none.
func (w *Worker) wanted(q *request, now time.Time) (check, string) {
	c := check{ask: q}
	if q.Full != nil {
		job, why := w.build(q.Full)
		if why != "" {
			return c, why
		}
		c.job = within(job, q.Timeout)
		return c, ""
	}
	if c.m = w.monitors[q.Monitor]; c.m == nil {
		return c, fmt.Sprintf("monitor %d is not assigned here", q.Monitor)
	}
	if why := w.ready(c.m, now); why != "" {
		return c, why
	}
	c.job = within(c.m.job, q.Timeout)
	return c, ""
}

// recent reports whether the newest result of a monitor will do.
func (m *monitor) recent(most time.Duration, now time.Time) bool {
	return most > 0 && !m.began.IsZero() && m.last.Result.Outcome != uptime.OutcomeUnknown && now.Sub(m.began) <= most
}

// within is a job with a shorter time-out.
func within(job uptime.Job, most time.Duration) uptime.Job {
	if most <= 0 || most >= job.Timeout {
		return job
	}
	m := *job.Monitor
	m.Timeout = most
	job.Monitor = &m
	return job
}

// tooLate says why a check is not begun any more; "" where it still may.
func tooLate(q *request, now time.Time) string {
	if now.After(q.NotAfter) {
		return "its time was over before there was room to begin"
	}
	return ""
}

// reply answers a request.
func (w *Worker) reply(q *request, p wire.Reply) {
	p.Nonce, p.Obeyed, p.Clock = q.Nonce, w.orders.obeyed(), time.Now()
	frame, err := w.codec.Reply(p)
	if err != nil {
		w.log.Error("a result cannot be told", "monitor", q.number(), "why", err)
		if frame, err = w.codec.Reply(wire.Reply{Nonce: p.Nonce, Obeyed: p.Obeyed, Clock: p.Clock, Refusal: "its result cannot be written"}); err != nil {
			return
		}
	}
	w.publish(topology.KindReply, link.Message{Type: topology.TypeReply, Body: frame, Expires: replyKept}, whatReply)
}

// replyKept is how long the broker keeps a reply: longer than anybody waits for it.
const replyKept = 30 * time.Second
