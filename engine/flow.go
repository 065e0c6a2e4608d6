package engine

import (
	"context"
	"time"

	"lookout/engine/uptime"
)

// perDest is how many checks may be in flight to one destination: enough for
// many monitors of one host, few enough not to look like an attack nor to use
// up the ports to it.
const perDest = 32

// check is one execution: of which monitor, why, and when it was due.
type check struct {
	m       *monitor
	epoch   uint32 // of the monitor when it was asked for
	job     uptime.Job
	due     time.Time
	regular bool
	urgent  bool // it decides a doubt, or a person waits for it
	started time.Time
	steps   time.Duration // what the clock had been set by then
}

// finished is a check with its result.
type finished struct {
	check
	r       uptime.Result
	stalled bool // the process did not run for a while in its lifetime
}

// flow holds the checks that are due until there is room for them, and counts.
type flow struct {
	start    func(check)
	capacity int
	inFlight int
	dest     map[string]*destination
	urgent   []check // due, and not held by a destination: those of a doubt, which go first …
	ready    []check // … and the others
	turns    uint    // starts so far
	waiting  int     // in these and in all destinations

	late, skipped uint64
	seconds       [60]second
	now           int // the running second
}

type destination struct {
	inFlight int
	queue    []check
}

type second struct {
	checks int
	lag    time.Duration
}

func newFlow(capacity int) flow {
	return flow{capacity: capacity, dest: make(map[string]*destination)}
}

// ask queues a check.
func (f *flow) ask(c check) {
	f.waiting++
	c.m.queued++
	d := f.dest[c.job.Dest]
	if d == nil {
		d = &destination{}
		f.dest[c.job.Dest] = d
	}
	if d.inFlight >= perDest {
		d.queue = append(d.queue, c)
		return
	}
	d.inFlight++ // it has its place from now on
	f.line(c)
}

// line lets a check stand in line for its start.
func (f *flow) line(c check) {
	if c.urgent {
		f.urgent = append(f.urgent, c)
	} else {
		f.ready = append(f.ready, c)
	}
}

// next takes the check whose turn it is. One start in four is for those that
// are not urgent: an outage of many must not blind us for all the others.
func (f *flow) next() (check, bool) {
	f.turns++
	first, second := &f.urgent, &f.ready
	if f.turns%4 == 0 {
		first, second = second, first
	}
	for _, q := range []*[]check{first, second} {
		if len(*q) > 0 {
			c := (*q)[0]
			if *q = (*q)[1:]; len(*q) == 0 {
				*q = nil
			}
			f.waiting--
			c.m.queued--
			return c, true
		}
	}
	return check{}, false
}

// pump starts what there is room for.
func (f *flow) pump(now time.Time, steps time.Duration) {
	for f.inFlight < f.capacity {
		c, ok := f.next()
		if !ok {
			return
		}
		if c.epoch != c.m.epoch { // paused, changed or gone while it waited
			f.free(c)
			continue
		}
		c.started, c.steps = now, steps
		c.m.begun(c)
		lag := max(now.Sub(c.due), 0)
		if lag > time.Second {
			f.late++
			c.spare()
		}
		s := &f.seconds[f.now]
		s.checks++
		s.lag = max(s.lag, lag)
		f.inFlight++
		f.start(c)
	}
}

// spare has a regular check that starts late leave out what it can, as long as
// its monitor is up: no fault that only the whole check sees ends by that.
func (c *check) spare() {
	if s, ok := c.job.Checker.(uptime.Sparing); ok && c.regular && c.m.mem.Verdict == uptime.Up {
		c.job.Checker = s.Spare()
	}
}

// full reports whether no more checks can start.
func (f *flow) full() bool { return f.inFlight >= f.capacity }

// release takes back the place of a check that has ended.
func (f *flow) release(c check) {
	f.inFlight--
	f.free(c)
}

func (f *flow) free(c check) {
	d := f.dest[c.job.Dest]
	d.inFlight--
	if len(d.queue) > 0 {
		next := d.queue[0]
		d.queue = d.queue[1:]
		d.inFlight++
		f.line(next)
	} else if d.inFlight == 0 {
		delete(f.dest, c.job.Dest)
	}
}

// second starts counting another second.
func (f *flow) second() {
	f.now = (f.now + 1) % len(f.seconds)
	f.seconds[f.now] = second{}
}

// rate is the checks a second and the worst lag of the last minute, or of the
// time since the start where that is shorter.
func (f *flow) rate(since time.Duration) (float64, time.Duration) {
	n, lag := 0, time.Duration(0)
	for _, s := range f.seconds {
		n += s.checks
		lag = max(lag, s.lag)
	}
	span := min(max(since.Seconds(), 1), float64(len(f.seconds)))
	return float64(n) / span, lag
}

// perform runs one check, outside the loop.
func (e *Engine) perform(ctx context.Context, c check) finished {
	r := e.o.Runner.Run(ctx, c.job)
	return finished{c, r, e.watch.stalledSince(c.started)}
}
