package worker

import (
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
	"lookout/probes/wire"
)

// row leaves a result for the spool.
func (w *Worker) row(c check, r uptime.Result, unhealthy bool) {
	m := c.m
	row := wire.Row{Monitor: m.Number, Baseline: c.baseline, Unhealthy: unhealthy, Result: r}
	if r.Outcome == uptime.OutcomeUp {
		row.Result.Steps = nil // they do not travel
	}
	m.last, m.began = row, c.started
	if r.Outcome != uptime.OutcomeUnknown && !c.baseline {
		if r.Outcome != m.outcome && (m.outcome != uptime.OutcomeUnknown || r.Outcome != uptime.OutcomeUp) {
			w.found.urgent = true
		}
		m.outcome = r.Outcome
	}
	if !m.told.news(r.Cert, time.Now()) {
		row.Result.Cert = nil
	}
	w.found.add(row, w.orders.obeyed())
}

// keep gives the sender what was found and what has been counted, if that is another than before.
func (w *Worker) keep() {
	f := &w.found
	if f.counts, f.obeyed = w.counts, w.orders.obeyed(); len(f.lots) == 0 && f.counts == w.kept.counts && f.obeyed == w.kept.obeyed {
		return
	}
	w.box.put(*f)
	w.kept = *f
	w.kept.lots = nil
	f.lots, f.urgent = nil, false
}

// publish says something to the engine that is no batch. What became of it comes back to the loop.
func (w *Worker) publish(kind string, m link.Message, what string) {
	w.send(kind, m, func(err error) {
		if err == nil && what != whatGoodbye {
			return
		}
		select {
		case w.settled <- settled{what, err}:
		case <-w.over:
		}
	})
}

func (w *Worker) send(kind string, m link.Message, done func(error)) {
	m.Exchange, m.Key = topology.Up, topology.Key(kind, w.o.Place.Location, w.o.Place.Probe)
	w.o.Broker.Publish(m, done)
}

// settled is what became of a message.
type settled struct {
	what string
	err  error
}

// The messages whose end somebody wants to know.
const (
	whatHello   = "hello"
	whatGoodbye = "goodbye"
	whatReply   = "reply"
)

// settle says what the broker did not take.
func (w *Worker) settle(s settled, now time.Time) {
	if s.what == whatGoodbye {
		w.hello.leaving = false
	}
	if s.err != nil {
		w.quiet.say(s.what, now, func(more int) {
			w.log.Warn("the broker did not take it", "what", s.what, "why", s.err, "others like it", more)
		})
	}
}

// told is what the engine knows of a monitor's certificate.
type told struct {
	known uptime.Certificate
	at    time.Time
}

// tellAgain is how often a certificate travels that says nothing new.
const tellAgain = 24 * time.Hour

// news reports whether a certificate is to travel, and takes it that it does.
func (t *told) news(c *uptime.Certificate, now time.Time) bool {
	if c == nil {
		return false
	}
	is := uptime.Certificate{Version: c.Version, Chain: c.Chain, Cipher: c.Cipher, KeyExchange: c.KeyExchange, Fingerprint: c.Fingerprint}
	if !t.at.IsZero() && now.Sub(t.at) < tellAgain && t.known.Fingerprint == is.Fingerprint && t.known.Version == is.Version &&
		t.known.Chain == is.Chain && t.known.Cipher == is.Cipher && t.known.KeyExchange == is.KeyExchange {
		return false
	}
	t.known, t.at = is, now
	return true
}
