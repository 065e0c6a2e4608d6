package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"lookout/engine/uptime"
)

// publish makes a snapshot of the state as it is.
func (e *Engine) publish(now time.Time) {
	e.dirty = false
	rate, lag := e.flow.rate(now.Sub(e.started))
	s := &uptime.Snapshot{
		Seq: 1, Time: now.UTC(), Instance: e.o.Instance, Timezone: e.o.Timezone, Started: e.started.UTC(),
		Config: e.config, Events: e.durable.Load(),
		States: make([]*uptime.State, len(e.monitors)),
		Health: uptime.Health{
			Rate: rate, Lag: lag, InFlight: e.flow.inFlight, Capacity: e.flow.capacity, Waiting: e.flow.waiting + e.budget.waiting,
			Late: e.flow.late, Skipped: e.flow.skipped, Shed: e.budget.shed,
			StoreBytes: e.out.size, StoreError: e.out.storeError(now), StoreLatency: e.out.latency,
			Unstored: e.out.unstored(), Dropped: e.out.dropped,
		},
	}
	if e.o.Outbox != nil {
		s.Outbox = e.o.Outbox()
	}
	s.Planned = e.calendar.planned(now)
	s.Node, s.Health.Anchors = e.cannot(), e.line.missing
	e.elsewhere(s)
	if last := e.snapshot.Load(); last != nil {
		s.Seq = last.Seq + 1
	}
	for i, m := range e.monitors {
		st := m.view
		if !m.viewed {
			st = m.state(e.incidentOf(m), now)
		}
		s.States[i] = st
		s.Counts.Add(st.Verdict, st.Mode)
	}
	e.shown.update(e.open)
	s.Open, s.Unacked = e.shown.list, e.shown.unacked
	e.snapshot.Store(s)
	e.changed.raise()
}

// incidentOf is a monitor's open incident, nil for none.
func (e *Engine) incidentOf(m *monitor) *uptime.Incident { return e.open[m.number] }

// Events are those that are stored.
func (e *Engine) Events(_ context.Context, q uptime.EventQuery) ([]uptime.Event, error) {
	return e.o.Store.Events(q)
}

// Incidents are those that are stored.
func (e *Engine) Incidents(_ context.Context, q uptime.IncidentQuery) ([]uptime.Incident, error) {
	return e.o.Store.Incidents(q)
}

// Results are those that are stored, of a monitor that is or was watched.
func (e *Engine) Results(_ context.Context, q uptime.ResultQuery) ([]uptime.Result, error) {
	return e.o.Store.Results(q)
}

const (
	chartBuckets  = 120
	detailRecent  = 50
	detailPast    = 50
	detailResults = 200_000
)

// Detail is one monitor in depth, with latency over the span that ends now.
func (e *Engine) Detail(ctx context.Context, name string, span time.Duration) (*uptime.Detail, error) {
	d := &uptime.Detail{Span: span}
	var timeline uptime.Timeline
	var from string
	var now time.Time
	err := e.do(ctx, func(t time.Time) {
		now = t
		m := e.byName[name]
		if m == nil {
			return
		}
		m.viewed = false
		d.State = m.state(e.incidentOf(m), t)
		timeline, from = slices.Clone(m.timeline), m.seenFrom()
		if i := e.incidentOf(m); i != nil {
			c := *i
			d.Incident = &c
		}
	})
	if err != nil {
		return nil, err
	}
	if d.State == nil {
		return nil, fmt.Errorf("%w: %s", uptime.ErrNoMonitor, uptime.Clean(name, 120))
	}
	d.Uptime, d.Days = spans(timeline, now, e.days)
	if d.Past, err = e.o.Store.Incidents(uptime.IncidentQuery{Monitor: name, Limit: detailPast + 1}); err != nil {
		return nil, err
	}
	d.Past = slices.DeleteFunc(d.Past, func(i uptime.Incident) bool { return i.Open() })
	results, err := e.o.Store.Results(uptime.ResultQuery{Monitor: name, Location: from, Since: now.Add(-span), Limit: detailResults})
	if err != nil {
		return nil, err
	}
	chart(d, results, now)
	recent := results
	if len(recent) < detailRecent {
		if recent, err = e.o.Store.Results(uptime.ResultQuery{Monitor: name, Location: from, Limit: detailRecent}); err != nil {
			return nil, err
		}
	}
	for i := len(recent) - 1; i >= 0 && len(d.Recent) < detailRecent; i-- {
		d.Recent = append(d.Recent, recent[i])
	}
	d.LastGood = lastGood(recent)
	if d.LastGood == nil {
		d.LastGood = lastGood(results)
	}
	d.Places, err = e.heardFrom(d.State, from)
	return d, err
}

func lastGood(rs []uptime.Result) *uptime.Result {
	for i := len(rs) - 1; i >= 0; i-- {
		if o := rs[i].Outcome; o == uptime.OutcomeUp || o == uptime.OutcomeDegraded {
			return &rs[i]
		}
	}
	return nil
}

// spans computes the uptime of the usual spans and of the last 90 days.
func spans(t uptime.Timeline, now time.Time, days *time.Location) ([]uptime.SpanShare, []uptime.Share) {
	const day = 24 * time.Hour
	var out []uptime.SpanShare
	for _, s := range []time.Duration{day, 7 * day, 30 * day, 90 * day} {
		out = append(out, uptime.SpanShare{Span: s, Share: t.Between(now.Add(-s), now)})
	}
	var each []uptime.Share
	for _, d := range uptime.LastDays(90, now, days) {
		each = append(each, t.Between(d.From, d.To))
	}
	return out, each
}

// chart sums up the latency of a span.
func chart(d *uptime.Detail, results []uptime.Result, now time.Time) {
	begin := now.Add(-d.Span)
	width := d.Span / chartBuckets
	if width <= 0 {
		return
	}
	var all []time.Duration
	cells := make([][]time.Duration, chartBuckets)
	d.Latency = make([]uptime.Bucket, chartBuckets)
	for i := range d.Latency {
		d.Latency[i].Start = begin.Add(time.Duration(i) * width)
	}
	for _, r := range results {
		i := int(r.Time.Sub(begin) / width)
		if i < 0 || i >= chartBuckets {
			continue
		}
		b := &d.Latency[i]
		b.Checks++
		switch r.Outcome {
		case uptime.OutcomeDown:
			b.Failed++
		case uptime.OutcomeUp, uptime.OutcomeDegraded:
			cells[i] = append(cells[i], r.Latency())
			all = append(all, r.Latency())
		}
	}
	for i, c := range cells {
		if len(c) > 0 {
			slices.Sort(c)
			d.Latency[i].P50, d.Latency[i].P95, d.Latency[i].Max = quantile(c, 0.5), quantile(c, 0.95), c[len(c)-1]
		}
	}
	if len(all) > 0 {
		slices.Sort(all)
		d.P50, d.P95, d.P99, d.Max = quantile(all, 0.5), quantile(all, 0.95), quantile(all, 0.99), all[len(all)-1]
	}
}
