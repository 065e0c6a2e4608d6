package probes

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"lookout/engine/uptime"
)

// How long the texts of a result may be, in bytes.
const (
	maxMessage = 300
	maxDetail  = 200
	maxWord    = 100
)

// defaultTimeout bounds a check whose monitor has no time-out of its own.
const defaultTimeout = 10 * time.Second

// Runner runs checks at one place. It may run any number at once.
type Runner struct {
	Location string       // of the results; "" is uptime.Local
	Log      *slog.Logger // of checkers that panic, each once; nil: nowhere

	panicked sync.Map // by monitor: told once
}

// Run makes one check of a job and returns what it found. It returns soon
// after the monitor's time-out, and sooner when ctx is cancelled: then the
// fault is local.cancelled. A checker that panics is a fault of ours.
func (r *Runner) Run(ctx context.Context, job uptime.Job) uptime.Result {
	timeout := job.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	start := time.Now()
	deadline, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	var res uptime.Result
	r.check(deadline, job, &res)
	if res.Total == 0 {
		res.Total = time.Since(start)
	}
	res.Time = start.UTC().Truncate(time.Millisecond)
	res.Monitor, res.Type, res.Target = job.Name, job.Type, job.Target
	if res.Location = r.Location; res.Location == "" {
		res.Location = uptime.Local
	}
	switch {
	case ctx.Err() == context.Canceled && res.Fault != uptime.NoFault:
		res.Fault, res.Message = uptime.FaultLocalCancelled, "the check was cancelled after "+uptime.Took(res.Total)
		res.Outcome = res.Fault.Outcome()
	case job.DegradedAbove > 0 && response(&res) > job.DegradedAbove && res.Outcome == uptime.OutcomeUp:
		res.Fault = tooSlow(job.Type)
		res.Message = fmt.Sprintf("took %s, over the limit of %s", uptime.Took(response(&res)), uptime.Took(job.DegradedAbove))
		res.Outcome = res.Fault.Outcome()
	}
	clean(&res)
	return res
}

// check has its result where Run keeps it: one more on each stack is memory
// that every check holds which waits.
func (r *Runner) check(ctx context.Context, job uptime.Job, res *uptime.Result) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if _, told := r.panicked.LoadOrStore(job.Name, true); !told && r.Log != nil {
			r.Log.Error("a checker panicked", "monitor", job.Name, "type", job.Type, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
		*res = uptime.Result{
			Fault:   uptime.FaultLocalBug,
			Message: fmt.Sprintf("a bug in lookout: the %s check panicked: %v", job.Type, p),
			Outcome: uptime.FaultLocalBug.Outcome(),
		}
	}()
	*res = job.Checker.Check(ctx)
}

// response is how long the target took: all of the check, but of a ping, which
// waits between its packets, the mean round trip.
func response(res *uptime.Result) time.Duration {
	if rtt, ok := res.Measured("rtt_avg"); ok {
		return rtt.Duration()
	}
	return res.Total
}

// tooSlow is the class of a slow success: a type has its own, or is a dialogue.
func tooSlow(checkType string) uptime.Fault {
	if f, err := uptime.ParseFault(checkType + ".too_slow"); err == nil {
		return f
	}
	return uptime.FaultReplyTooSlow
}

// clean makes every text of a result harmless: what a target sends ends up in
// terminals, logs, mails and files. No other place has to think of it.
func clean(r *uptime.Result) {
	r.Message = uptime.Clean(r.Message, maxMessage)
	r.Address = uptime.Clean(r.Address, maxWord)
	for i := range r.Steps {
		s := &r.Steps[i]
		s.Step, s.Errno = uptime.Clean(s.Step, maxWord), uptime.Clean(s.Errno, maxWord)
		s.Address, s.URL = uptime.Clean(s.Address, maxWord), uptime.Clean(s.URL, maxDetail)
		s.Error, s.Detail = uptime.Clean(s.Error, maxDetail), uptime.Clean(s.Detail, maxDetail)
	}
	if c := r.Cert; c != nil {
		for i := range c.Names {
			c.Names[i] = uptime.Clean(c.Names[i], maxWord)
		}
		c.Issuer, c.Serial = uptime.Clean(c.Issuer, maxDetail), uptime.Clean(c.Serial, maxWord)
		c.Version, c.Chain = uptime.Clean(c.Version, maxWord), uptime.Clean(c.Chain, maxDetail)
	}
}
