package probes

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// The measures of what speaks over TCP, in the order they are stored.
const (
	dnsTime = iota
	connectTime
	tlsTime
	ttfbTime
	bodyTime
	times
)

var timeNames = [times]string{"dns", "connect", "tls", "ttfb", "body"}

// trace gathers what one check sees on its way. It belongs to that check.
type trace struct {
	start     time.Time
	res       uptime.Result
	took      [times]time.Duration // summed over the hops of a redirect
	taken     [times]bool
	complaint *failure          // the first reason to call a success degraded
	hello     helloState        // of TLS
	lost      *failure          // of the hello that nobody answered
	later     []func() *failure // what a good check has still to look at when it is done with its target
	reached   bool              // a connection to the target stood
	doubt     *puzzle           // the name led to private addresses only; nil: it did not
}

func newTrace() *trace {
	t := &trace{start: time.Now()}
	t.res.Steps = make([]uptime.Step, 0, 5) // what most checks have
	return t
}

// measure adds to a measure; a phase that happens twice in a check counts twice.
func (t *trace) measure(which int, d time.Duration) {
	t.took[which] += d
	t.taken[which] = true
}

// step notes one step that ends now, and returns how long it took.
func (t *trace) step(name string, start time.Time, address string, err error, detail string) time.Duration {
	s := uptime.Step{Step: name, Took: time.Since(start), Address: address, Detail: detail}
	if err != nil {
		s.Error, s.Errno = plain(err), errnoName(err)
	}
	t.res.Steps = append(t.res.Steps, s)
	return s.Took
}

// judged notes a step whose failure has a class and a sentence already, and returns how long it took.
func (t *trace) judged(name string, start time.Time, detail string, f *failure) time.Duration {
	s := uptime.Step{Step: name, Took: time.Since(start), Address: t.res.Address, Detail: detail}
	if f != nil {
		s.Error, s.Errno = f.text, f.errno
	}
	t.res.Steps = append(t.res.Steps, s)
	return s.Took
}

// status notes what an HTTP answer said with its first byte.
func (t *trace) status(resp *http.Response) {
	t.res.Status = resp.StatusCode
	step := &t.res.Steps[len(t.res.Steps)-1]
	step.Status, step.Detail = resp.StatusCode, resp.Proto+" "+strconv.Itoa(resp.StatusCode)
}

// complain makes a success degraded; the first complaint is the one that shows.
func (t *trace) complain(f *failure) {
	if t.complaint == nil {
		t.complaint = f
	}
}

// end makes the result. A nil failure is a success, degraded where something was to complain about.
func (t *trace) end(f *failure) uptime.Result {
	t.finish(f) // so that who calls us has one copy of a result on its stack
	return t.res
}

func (t *trace) finish(f *failure) {
	if f == nil && len(t.later) > 0 {
		if t.res.Total == 0 {
			t.res.Total = time.Since(t.start)
		}
		for _, do := range t.later {
			if found := do(); f == nil {
				f = found
			}
		}
	}
	if f == nil {
		f = t.complaint
	}
	t.res.Outcome = uptime.OutcomeUp
	if f != nil {
		t.res.Fault, t.res.Message, t.res.Outcome = f.fault, f.text, f.fault.Outcome()
	}
	t.res.Measures = slices.Grow(t.res.Measures, times)
	for i, taken := range t.taken {
		if taken {
			t.res.Measures = append(t.res.Measures, uptime.Measure{Name: timeNames[i], Value: t.took[i].Microseconds()})
		}
	}
}

// after says for people how long a check has waited in all.
func (t *trace) after() string { return uptime.Took(time.Since(t.start)) }

// left is how much of a deadline is left; an hour where there is none.
func left(ctx context.Context) time.Duration {
	if d, ok := ctx.Deadline(); ok {
		return time.Until(d)
	}
	return time.Hour
}

// literal shows a text of the configuration, its white space included.
func literal(s string) string {
	const most = 80
	if len(s) > most {
		s = uptime.Clean(s, most)
	}
	return `"` + strings.NewReplacer("\r", `\r`, "\n", `\n`, "\t", `\t`).Replace(s) + `"`
}

// quote shows a piece of what a target sent, cut to what a sentence bears.
func quote(s string) string {
	return `"` + uptime.Clean(strings.ToValidUTF8(s, "\uFFFD"), 80) + `"`
}
