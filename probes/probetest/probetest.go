// Package probetest holds the contract that every check type keeps, whatever
// the other side does: it ends in time, leaves nothing behind, is a value that
// many may use at once, says what it found in clean words, and its outcome is
// that of its fault.
//
// The other sides are real listeners on the loopback, good and bad; a type
// says how its URL leads to one.
package probetest

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// Timeout is that of the checks that meet a bad listener.
const Timeout = 200 * time.Millisecond

// margin is how late a check may end on a busy machine.
const margin = 2 * time.Second

// tries are how often checks may end too late: what waits for too long does so
// each time, what had no processor does not.
const tries = 3

// Suite is a check type under test.
type Suite struct {
	Type uptime.CheckType
	// Run makes one check, as an engine does.
	Run func(context.Context, uptime.Job) uptime.Result
	// URL leads to the listener at an address, host:port; it is called with ""
	// where Network is "".
	URL func(address string) string
	// Network is what the bad listeners speak: tcp, udp, or "" for none.
	Network string
	// Good starts a listener that the type calls up and returns its URL.
	Good func(testing.TB) string
	// Bad are servers that know the type's protocol just well enough to hurt; no check calls them up.
	Bad map[string]func(net.Conn)
	// Values and Expect are settings with which a check reads what comes back.
	Values, Expect map[string]any
	// At has the settings of a check that is led to a listener by them and not
	// by its URL; nil: Values.
	At func(address string) map[string]any
}

// Run runs the contract.
func Run(t *testing.T, s Suite) {
	t.Run("good", func(t *testing.T) {
		r := s.Run(t.Context(), s.job(t, s.Good(t), s.Values, s.Expect, 5*time.Second))
		s.judge(t, r)
		if r.Outcome != uptime.OutcomeUp {
			t.Errorf("outcome %s, fault %s: %s", r.Outcome, r.Fault, r.Message)
		}
	})
	t.Run("slow", func(t *testing.T) {
		job := s.job(t, s.Good(t), s.Values, s.Expect, 5*time.Second)
		job.DegradedAbove = 1
		r := s.Run(t.Context(), job)
		s.judge(t, r)
		if !strings.HasSuffix(r.Fault.String(), ".too_slow") || r.Outcome != uptime.OutcomeDegraded {
			t.Errorf("outcome %s, fault %s", r.Outcome, r.Fault)
		}
	})
	t.Run("cancelled", func(t *testing.T) { s.cancelled(t) })
	t.Run("concurrent", func(t *testing.T) {
		s.many(t, s.job(t, s.Good(t), s.Values, s.Expect, 5*time.Second), 20)
	})
	listeners := Listeners(s.Network)
	for _, name := range slices.Sorted(maps.Keys(s.Bad)) {
		listeners = append(listeners, Listener{name, true, serve(s.Bad[name])})
	}
	for _, bad := range listeners {
		t.Run(bad.Name, func(t *testing.T) {
			address, values := bad.Listen(t), s.Values
			if s.At != nil {
				values = s.At(address)
			}
			job := s.job(t, s.URL(address), values, s.Expect, Timeout)
			for _, r := range s.many(t, job, 10) {
				if r.Outcome == uptime.OutcomeUp && bad.Never {
					t.Errorf("up, with %s", bad.Name)
				}
			}
		})
	}
}

func (s Suite) job(t testing.TB, target string, values, expect map[string]any, timeout time.Duration) uptime.Job {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	c, mistakes := s.Type.New(uptime.Settings{URL: u, IP: "any", Interval: time.Minute, Timeout: timeout, Values: values, Expect: expect})
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	if c.Dest == "" {
		t.Error("a check without a destination")
	}
	m := &uptime.Monitor{Name: "m", Type: s.Type.Name, Target: c.Target, Dest: c.Dest, Timeout: timeout}
	if m.Target == "" {
		m.Target = uptime.RedactURL(u)
	}
	return uptime.Job{Monitor: m, Checker: c.Checker}
}

// cancelled stops a check before it can have found anything.
func (s Suite) cancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := s.Run(ctx, s.job(t, s.Good(t), s.Values, s.Expect, 5*time.Second))
	s.judge(t, r)
	if r.Fault != uptime.FaultLocalCancelled && r.Outcome != uptime.OutcomeUp {
		t.Errorf("outcome %s, fault %s: %s", r.Outcome, r.Fault, r.Message)
	}
}

// many runs a check n times at once and holds each result, the time and what
// is left behind against the contract.
func (s Suite) many(t *testing.T, job uptime.Job, n int) []uptime.Result {
	t.Helper()
	before := Count()
	results := make([]uptime.Result, n)
	for try := 1; ; try++ {
		start := time.Now()
		var wg sync.WaitGroup
		for i := range results {
			wg.Go(func() { results[i] = s.Run(t.Context(), job) })
		}
		wg.Wait()
		took := time.Since(start)
		if took <= job.Timeout+margin {
			break
		}
		if try == tries {
			t.Errorf("took %s with a time-out of %s, the last of %d tries", took, job.Timeout, tries)
			break
		}
	}
	Settled(t, before)
	for _, r := range results {
		s.judge(t, r)
	}
	return results
}

// judge holds one result against the contract.
func (s Suite) judge(t testing.TB, r uptime.Result) {
	t.Helper()
	if r.Outcome != r.Fault.Outcome() {
		t.Errorf("outcome %s with fault %q", r.Outcome, r.Fault)
	}
	if (r.Fault == uptime.NoFault) != (r.Message == "") {
		t.Errorf("fault %q with message %q", r.Fault, r.Message)
	}
	if strings.HasPrefix(r.Fault.String(), "fault.") {
		t.Errorf("%s is no class", r.Fault)
	}
	if r.Type != s.Type.Name || r.Monitor != "m" || r.Location == "" || r.Target == "" || r.Total <= 0 ||
		!r.Time.Equal(r.Time.Truncate(time.Millisecond)) || r.Time.Location() != time.UTC {
		t.Errorf("stamps: %+v", r)
	}
	for _, text := range texts(r) {
		if text != uptime.Clean(text, len(text)) {
			t.Errorf("not clean: %q", text)
		}
	}
	at := -1
	for _, m := range r.Measures {
		i := slices.Index(s.Type.Measures, m.Name)
		if i <= at {
			t.Errorf("measures %v are not in the type's order %v", r.Measures, s.Type.Measures)
		}
		if at = i; m.Value < 0 && m.Name != "offset" { // a clock may be behind ours
			t.Errorf("measure %s is %d", m.Name, m.Value)
		}
	}
	if len(s.Type.Measures) > uptime.MaxMeasures {
		t.Errorf("%d measures", len(s.Type.Measures))
	}
	if failing := func(s uptime.Step) bool { return s.Error != "" }; r.Outcome == uptime.OutcomeDown && !slices.ContainsFunc(r.Steps, failing) {
		t.Errorf("down, and no step says why: %q, %+v", r.Message, r.Steps)
	}
	var steps time.Duration
	for _, step := range r.Steps {
		if step.Step == "" || step.Took < 0 {
			t.Errorf("step %+v", step)
		}
		steps += step.Took
	}
	if steps > r.Total+time.Millisecond {
		t.Errorf("steps took %s of %s", steps, r.Total)
	}
}

func texts(r uptime.Result) []string {
	all := []string{r.Message, r.Address, r.Target}
	for _, s := range r.Steps {
		all = append(all, s.Step, s.Address, s.Error, s.Errno, s.Detail, s.URL)
	}
	if c := r.Cert; c != nil {
		all = append(append(all, c.Names...), c.Issuer, c.Serial, c.Version, c.Chain)
	}
	return all
}

// Counts is what a process has open.
type Counts struct{ Goroutines, Files int }

// Count says how many goroutines and, where the system tells, file descriptors there are.
func Count() Counts {
	c := Counts{Goroutines: runtime.NumGoroutine(), Files: -1}
	if files, err := os.ReadDir("/proc/self/fd"); err == nil {
		c.Files = len(files)
	}
	return c
}

// Settled waits until goroutines and files are back at base, and fails the test if they don't get there.
func Settled(t testing.TB, base Counts) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	end := time.After(margin)
	for {
		now := Count()
		if now.Goroutines <= base.Goroutines && now.Files <= base.Files {
			return
		}
		select {
		case <-tick.C:
		case <-end:
			t.Errorf("left behind: %d goroutines and %d files of %s", now.Goroutines-base.Goroutines, now.Files-base.Files, fmt.Sprint(base))
			buf := make([]byte, 1<<16)
			t.Logf("%s", buf[:runtime.Stack(buf, true)])
			return
		}
	}
}
