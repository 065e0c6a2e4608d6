package worker

import (
	"context"
	"fmt"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/wire"
)

// lateAfter is how long after its time a check has to begin to be late.
const lateAfter = time.Second

// check is one execution: of the schedule, or because of a request.
type check struct {
	m        *monitor
	job      uptime.Job
	due      time.Time
	baseline bool
	ask      *request // nil: of the schedule
	started  time.Time
}

// finished is a check with its result.
type finished struct {
	check
	r       uptime.Result
	at      time.Time // when it ended
	stalled bool      // the process did not run for a while in its lifetime
	refusal string    // why it was not begun after all; "": it was
}

// perDest is how many checks of the schedule may be in flight to one target, as
// in the engine: enough for many monitors of one host, few enough not to look
// like an attack nor to use up the ports to it.
const perDest = 32

// flow holds the checks that are due until there is room for them. Of the
// schedule there is one for each monitor at most; of requests maxAsks.
type flow struct {
	capacity int
	inFlight int     // of both
	asked    int     // of them for requests
	urgent   []check // for requests
	ready    []check // of the schedule, not held by their target
	waiting  int     // of the schedule, in ready and at targets
	dests    map[string]*target
	rate     rates
}

// target is where checks go that are in flight or stand in ready, and those that wait for these.
type target struct {
	busy  int
	queue []check
}

func newFlow(capacity int, rate float64) flow {
	return flow{capacity: capacity, dests: make(map[string]*target), rate: newRates(rate)}
}

// add queues a check of the schedule.
func (f *flow) add(c check) {
	f.waiting++
	d := f.dests[c.job.Dest]
	if d == nil {
		d = &target{}
		f.dests[c.job.Dest] = d
	}
	if d.busy >= perDest {
		d.queue = append(d.queue, c)
		return
	}
	d.busy++
	f.ready = append(f.ready, c)
}

// next takes the check of the schedule whose turn it is.
func (f *flow) next() check {
	c := f.ready[0]
	if f.ready = f.ready[1:]; len(f.ready) == 0 {
		f.ready = nil
	}
	f.waiting--
	return c
}

// release lets the next check go to a target.
func (f *flow) release(dest string) {
	d := f.dests[dest]
	d.busy--
	if len(d.queue) > 0 {
		d.busy++
		f.ready = append(f.ready, d.queue[0])
		d.queue = d.queue[1:]
	} else if d.busy == 0 {
		delete(f.dests, dest)
	}
}

// free is how many checks of the schedule could begin now.
func (f *flow) free() int { return max(f.capacity-(f.inFlight-f.asked)-f.waiting, 0) }

// want queues a check of the schedule, or says at once why it is refused.
func (w *Worker) want(c check, now time.Time) {
	why := ""
	switch {
	case c.m.over:
		why = fmt.Sprintf("this probe takes %d monitors, and has been assigned more (max_monitors)", w.o.Limits.MaxMonitors)
	default:
		why = w.ready(c.m, now)
	}
	if why != "" {
		w.refused(c, why, now)
		return
	}
	c.job = c.m.job
	c.m.busy = true
	w.flow.add(c)
}

// refused says in place of a result why there is none.
func (w *Worker) refused(c check, why string, now time.Time) {
	w.counts.Skipped++
	r := uptime.Result{Time: now.UTC().Truncate(time.Millisecond), Outcome: uptime.OutcomeUnknown, Fault: uptime.FaultLocalConfig,
		Message: uptime.Clean("not checked from here: "+why, maxRefusal)}
	w.row(c, r, false)
}

// pump starts what there is room for, requests first: they have a room of their own.
func (w *Worker) pump(ctx context.Context, now time.Time) {
	f := &w.flow
	for len(f.urgent) > 0 && f.asked < maxAsks {
		c := f.urgent[0]
		f.urgent = f.urgent[1:]
		if why := tooLate(c.ask, time.Now()); why != "" {
			w.reply(c.ask, wire.Reply{Refusal: why})
			continue
		}
		f.asked++
		w.start(ctx, c, now)
	}
	for len(f.ready) > 0 && f.inFlight-f.asked < f.capacity {
		c := f.next()
		c.m.busy = false
		if w.monitors[c.m.Number] != c.m { // gone or changed while it waited
			w.counts.Skipped++
			f.release(c.job.Dest)
			continue
		}
		if !f.rate.allow(c.job.Dest, now) {
			w.refused(c, w.tooOften(c.job), now)
			f.release(c.job.Dest)
			continue
		}
		if now.Sub(c.due) > lateAfter {
			w.counts.Late++
			c.spare()
		}
		c.m.busy = true
		w.start(ctx, c, now)
	}
	if len(f.urgent) == 0 {
		f.urgent = nil
	}
}

// spare has a check that starts late leave out what it can, as long as its
// monitor is up: no fault that only the whole check sees ends by that.
func (c *check) spare() {
	if s, ok := c.job.Checker.(uptime.Sparing); ok && c.m.outcome == uptime.OutcomeUp && !c.baseline {
		c.job.Checker = s.Spare()
	}
}

func (w *Worker) start(ctx context.Context, c check, now time.Time) {
	w.flow.inFlight++
	c.started = now
	w.running.Go(func() { w.checked <- w.perform(ctx, c) }) // there is a slot for each
}

// perform runs one check, outside the loop.
func (w *Worker) perform(ctx context.Context, c check) finished {
	if c.ask != nil { // once more: a busy machine, or one that stood still, comes to it late
		if why := tooLate(c.ask, time.Now()); why != "" {
			return finished{check: c, refusal: why}
		}
	}
	r := w.o.Runner.Run(ctx, c.job)
	return finished{check: c, r: r, at: time.Now(), stalled: w.pulse.stalledSince(c.started)}
}

// ended takes the result of a check.
func (w *Worker) ended(f finished) {
	w.flow.inFlight--
	if f.ask != nil {
		w.flow.asked--
		if f.refusal != "" {
			w.reply(f.ask, wire.Reply{Refusal: f.refusal})
			return
		}
	} else {
		f.m.busy = false
		w.flow.release(f.job.Dest)
	}
	r := &f.r
	if f.stalled {
		r.Outcome, r.Fault, r.Message = uptime.OutcomeUnknown, uptime.FaultLocalStalled, "the probe stood still during the check"
		r.Steps, r.Cert = nil, nil
	}
	w.judge(f)
}

// pass does with a result what it is for, once it is known how our own line was.
func (w *Worker) pass(f finished, unhealthy bool) {
	r := f.r
	r.Monitor, r.Type, r.Target, r.Location = "", "", "", "" // the engine knows them
	unhealthy = unhealthy && r.Outcome != uptime.OutcomeUp
	if f.ask != nil && r.Fault == uptime.FaultLocalCancelled {
		w.reply(f.ask, wire.Reply{Refusal: refusalEnds})
		return
	}
	if f.ask != nil {
		row := wire.Row{Monitor: f.ask.number(), Unhealthy: unhealthy, Result: r}
		if f.m != nil {
			f.m.last, f.m.began = row, f.started
		}
		w.reply(f.ask, wire.Reply{Row: row})
		return
	}
	if r.Fault == uptime.FaultLocalCancelled || w.monitors[f.m.Number] != f.m {
		w.counts.Skipped++ // it tells nothing, or of another configuration
		return
	}
	w.counts.Finished++
	w.row(f.check, r, unhealthy)
}

const refusalEnds = "the probe ends"

// abandon counts what waits and will not run any more.
func (w *Worker) abandon() {
	w.counts.Skipped += uint64(w.flow.waiting)
	w.flow.ready, w.flow.waiting = nil, 0
	for _, c := range w.flow.urgent {
		w.reply(c.ask, wire.Reply{Refusal: refusalEnds})
	}
	w.flow.urgent = nil
	for _, f := range w.health.held {
		w.pass(f, true) // nobody knows how our line was
	}
	w.health.held = nil
}
