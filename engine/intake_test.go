package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
)

// found makes a row of a probe.
func found(monitor string, at time.Time, f uptime.Fault) uptime.Found {
	return uptime.Found{Result: uptime.Result{Time: at, Monitor: monitor, Outcome: f.Outcome(), Fault: f, Message: f.String(), Total: 20 * time.Millisecond}}
}

// batch makes a delivery of fra/1 with rows of a, one a second, the first with a number.
func batchOf(from uint64, at time.Time, faults ...uptime.Fault) uptime.Delivery {
	d := uptime.Delivery{Probe: "fra/1", Location: "fra", Epoch: 7, Interval: uptime.Interval{From: from, To: from + uint64(len(faults))}}
	for i, f := range faults {
		d.Found = append(d.Found, found("a", at.Add(time.Duration(i)*time.Second), f))
	}
	return d
}

// answer is what became of a delivery.
type answer struct {
	came atomic.Int32
	err  atomic.Pointer[error]
}

func (a *answer) done(err error) {
	a.came.Add(1)
	a.err.Store(&err)
}

func (a *answer) String() string {
	if a.came.Load() == 0 {
		return "none"
	}
	return fmt.Sprintf("%d times %v", a.came.Load(), *a.err.Load())
}

// deliver has a delivery applied and stored.
func (r running) deliver(d uptime.Delivery) {
	r.t.Helper()
	var a answer
	if err := r.Deliver(r.t.Context(), d, a.done); err != nil {
		r.t.Fatal(err)
	}
	time.Sleep(quietFlush + 2*tick)
	if a.String() != "1 times <nil>" {
		r.t.Fatalf("answered %v", &a)
	}
}

// of is how many results of a location are stored.
func (s *memory) of(location string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.results {
		if s.results[i].Location == location {
			n++
		}
	}
	return n
}

// TestAppliedOnce: what comes twice, in whatever pieces, is taken once, by this
// engine and by the next.
func TestAppliedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, ok := newMemory(), uptime.NoFault
		e := start(t, s, newTargets(), job("a", time.Minute))
		at := time.Now()
		e.deliver(batchOf(0, at, ok, ok, ok))
		e.deliver(batchOf(0, at, ok, ok, ok))
		e.deliver(batchOf(2, at.Add(2*time.Second), ok, ok))
		e.deliver(batchOf(10, at.Add(10*time.Second), ok, ok))
		e.deliver(batchOf(4, at, ok))
		if n := s.of("fra"); n != 7 {
			t.Errorf("%d results, want 7", n)
		}
		other := batchOf(0, at.Add(time.Hour/120), ok)
		other.Epoch = 8
		e.deliver(other)
		e.stop()
		e = start(t, s, newTargets(), job("a", time.Minute))
		e.deliver(batchOf(1, at, ok, ok, ok, ok))
		e.deliver(batchOf(8, at, ok, ok, ok, ok))
		e.deliver(other)
		e.stop()
		if n := s.of("fra"); n != 10 {
			t.Errorf("%d results, want 10", n)
		}
		a, err := decodeApplied(s.probes["fra/1"])
		if err != nil || len(a.epochs) != 2 || fmt.Sprint(a.epochs[1].runs) != "[{0 5} {8 12}]" || a.givenUp != 0 {
			t.Errorf("%+v, %v", a, err)
		}
	})
}

// TestForgottenEpoch: what comes again of an epoch before the newest ones is
// refused and counted, by this engine and by the next.
func TestForgottenEpoch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemory()
		o := Options{Instance: "web-1", Timezone: "UTC", Store: s, Runner: newTargets(),
			Probes: func() (uptime.Broker, []uptime.Probe) {
				return uptime.Broker{}, []uptime.Probe{{Location: "fra", Name: "1"}}
			}}
		e := startWith(t, o, job("a", time.Minute))
		at := time.Now()
		of := func(epoch uint64) uptime.Delivery {
			d := batchOf(0, at.Add(time.Duration(epoch)*time.Second/10), 0)
			d.Epoch = epoch
			return d
		}
		for epoch := range uint64(maxEpochs + 3) {
			e.deliver(of(epoch))
		}
		e.deliver(of(1))
		e.deliver(of(maxEpochs)) // known as ever
		e.stop()
		e = startWith(t, o, job("a", time.Minute))
		e.deliver(of(2))
		e.deliver(of(3))
		if n := s.of("fra"); n != maxEpochs+3 {
			t.Errorf("%d results of %d", n, maxEpochs+3)
		}
		time.Sleep(2 * time.Minute)
		if w := e.Snapshot().Probes[0].Warning; !strings.HasPrefix(w, "2 of its results were refused") {
			t.Errorf("it warns %q", w)
		}
		e.stop()
	})
}

// TestDeliveryWaitsForDisk: it is answered when it is stored, not before, and
// with an error when it will not be.
func TestDeliveryWaitsForDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemory()
		e := start(t, s, newTargets(), job("a", time.Minute))
		time.Sleep(time.Minute)
		set := func(err error) { s.mu.Lock(); s.fail = err; s.mu.Unlock() }
		set(uptime.ErrFull)
		var first, again, last answer
		at := time.Now()
		deliver := func(from uint64, a *answer) {
			if err := e.Deliver(t.Context(), batchOf(from, at, 0, 0), a.done); err != nil {
				t.Fatal(err)
			}
		}
		deliver(0, &first)
		time.Sleep(time.Minute)
		deliver(0, &again) // a duplicate of what is not on disk
		time.Sleep(time.Minute)
		if first.String() != "none" || again.String() != "none" {
			t.Errorf("answered %v, %v, and nothing is stored", &first, &again)
		}
		set(nil)
		time.Sleep(time.Minute)
		if first.String() != "1 times <nil>" || again.String() != "1 times <nil>" || s.of("fra") != 2 {
			t.Errorf("answered %v, %v; %d results", &first, &again, s.of("fra"))
		}
		set(uptime.ErrReplaced)
		deliver(5, &last)
		time.Sleep(time.Minute)
		if err := *last.err.Load(); last.came.Load() != 1 || !errors.Is(err, uptime.ErrReplaced) {
			t.Errorf("answered %v", &last)
		}
		if err := e.Deliver(t.Context(), batchOf(9, at, 0), nil); !errors.Is(err, uptime.ErrNoEngine) {
			t.Errorf("delivered to nobody: %v", err)
		}
	})
}

// TestIntakeIsBounded: who brings more than the store takes waits.
func TestIntakeIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemory()
		e := start(t, s, newTargets(), job("a", time.Minute))
		time.Sleep(time.Minute)
		s.mu.Lock()
		s.fail = uptime.ErrFull
		s.mu.Unlock()
		faults := make([]uptime.Fault, 1000)
		at, n := time.Now().Add(-time.Hour), uint64(0)
		var a answer
		for {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			err := e.Deliver(ctx, batchOf(n, at, faults...), a.done)
			cancel()
			if err != nil {
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Fatal(err)
				}
				break
			}
			n += 1000
		}
		if n < maxDelivered || n > maxDelivered+1000 {
			t.Errorf("%d rows are held", n)
		}
		if st := e.state("a"); st.Verdict != uptime.Up {
			t.Errorf("%v meanwhile", st.Verdict)
		}
		s.mu.Lock()
		s.fail = nil
		s.mu.Unlock()
		time.Sleep(2 * time.Minute)
		if s.of("fra") != int(n) || a.came.Load() != int32(n/1000) {
			t.Errorf("%d of %d are stored, %d answers", s.of("fra"), n, a.came.Load())
		}
		e.stop()
	})
}

// TestUnsound refuses what no probe sends, and takes of the rest what can be.
func TestUnsound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemory()
		e := startWith(t, Options{Instance: "web-1", Timezone: "UTC", Store: s, Runner: newTargets(),
			Probes: func() (uptime.Broker, []uptime.Probe) {
				return uptime.Broker{URL: "amqps://b/v"}, []uptime.Probe{{Location: "fra", Name: "1", State: uptime.ProbeLive}}
			}}, job("a", time.Minute))
		now := time.Now()
		for name, d := range map[string]uptime.Delivery{
			"no name":          {Probe: "fra", Location: "fra"},
			"another location": {Probe: "fra/1", Location: "nyc"},
			"ourselves":        {Probe: "local/1", Location: "local"},
			"too few":          {Probe: "fra/1", Location: "fra", Interval: uptime.Interval{From: 0, To: 2}, Found: make([]uptime.Found, 1)},
			"backwards":        {Probe: "fra/1", Location: "fra", Interval: uptime.Interval{From: 2, To: 0}},
			"out of numbers":   {Probe: "fra/1", Location: "fra", Interval: uptime.Interval{From: 1<<64 - 2, To: 1<<64 - 1}, Found: make([]uptime.Found, 1)},
			"lost numbers":     {Probe: "fra/1", Location: "fra", Lost: []uptime.Interval{{From: 0, To: 1 << 60}}},
		} {
			if err := e.Deliver(t.Context(), d, nil); !errors.Is(err, uptime.ErrInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		e.deliver(uptime.Delivery{Probe: "fra/1", Location: "fra"})
		if len(s.probes) > 0 {
			t.Error("a sign of life is stored")
		}
		d := batchOf(0, now, 0, 0, 0, 0, 0, 0)
		d.Found[1].Result.Time = now.Add(time.Hour)
		d.Found[2].Result.Time = time.Time{}
		d.Found[3].Result.Time = now.Add(-rowsBehind - time.Hour)
		d.Found[4].Result.Monitor = ""
		d.Found[5].Result.Outcome = 77
		e.deliver(d)
		if n := s.of("fra"); n != 1 {
			t.Errorf("%d results, want 1", n)
		}
		if p := e.Snapshot().Probes[0]; !strings.HasPrefix(p.Warning, "4 of its results were refused") {
			t.Errorf("warning %q", p.Warning)
		}
		e.stop()
	})
}

// TestGaps: 17 gaps are one too many, and what a probe has lost is no gap.
func TestGaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemory()
		e := startWith(t, Options{Instance: "web-1", Timezone: "UTC", Store: s, Runner: newTargets(),
			Probes: func() (uptime.Broker, []uptime.Probe) {
				return uptime.Broker{}, []uptime.Probe{{Location: "fra", Name: "1", Lost: 5}}
			}}, job("a", time.Minute))
		at := time.Now()
		for i := range uint64(maxIntervals + 1) {
			e.deliver(batchOf(10*i, at, 0, 0))
		}
		e.deliver(batchOf(4, at, 0)) // in the gap that was given up
		if n := s.of("fra"); n != 2*(maxIntervals+1) {
			t.Errorf("%d results", n)
		}
		if p := e.Snapshot().Probes[0]; p.Lost != 5+8 {
			t.Errorf("%d lost", p.Lost)
		}
		lost := batchOf(10*maxIntervals+2, at, 0)
		lost.Lost = []uptime.Interval{{From: 12, To: 160}}
		e.deliver(lost)
		a, err := decodeApplied(s.probes["fra/1"])
		if err != nil || fmt.Sprint(a.epochs[0].runs) != "[{0 163}]" || a.givenUp != 8 {
			t.Errorf("%+v, %v", a, err)
		}
		events, _ := s.Events(uptime.EventQuery{})
		told := slices.DeleteFunc(events, func(ev uptime.Event) bool { return ev.Kind != uptime.EventProbe })
		if len(told) != 1 || !strings.HasPrefix(told[0].Message, "fra/1: 8 of its results are given up") {
			t.Errorf("told %+v", told)
		}
		e.stop()
	})
}

// TestExclude: who is excluded is so over a restart, and its dispatcher is told.
func TestExclude(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemory()
		var told []string
		o := Options{Instance: "web-1", Timezone: "UTC", Store: s, Runner: newTargets(),
			OnExclude: func(probe, by string) { told = append(told, probe+" "+by) },
			Probes: func() (uptime.Broker, []uptime.Probe) {
				return uptime.Broker{}, []uptime.Probe{{Location: "fra", Name: "1", State: uptime.ProbeLive}}
			}}
		e := startWith(t, o, job("a", time.Minute))
		for _, probe := range []string{"", "fra", "/1", "fra/"} {
			if err := e.Exclude(t.Context(), probe, "jo", ""); !errors.Is(err, uptime.ErrInvalid) {
				t.Errorf("%q: %v", probe, err)
			}
		}
		if err := e.Include(t.Context(), "fra/1", "jo", ""); !errors.Is(err, uptime.ErrInvalid) {
			t.Errorf("included, and was not excluded: %v", err)
		}
		if err := e.Exclude(t.Context(), "fra/1", "jo", "blocked by the CDN"); err != nil {
			t.Fatal(err)
		}
		if err := e.Exclude(t.Context(), "fra/1", "al", ""); !errors.Is(err, uptime.ErrInvalid) || !strings.Contains(err.Error(), "by jo") {
			t.Errorf("twice: %v", err)
		}
		if p := e.Snapshot().Probes[0]; p.Excluded != "jo" || p.Votes() {
			t.Errorf("%+v", p)
		}
		e.deliver(batchOf(0, time.Now(), 0)) // its results are history all the same
		e.stop()
		e = startWith(t, o, job("a", time.Minute))
		if s.of("fra") != 1 || e.Snapshot().Probes[0].Excluded != "jo" {
			t.Errorf("after a restart %d results, %+v", s.of("fra"), e.Snapshot().Probes[0])
		}
		if err := e.Include(t.Context(), "fra/1", "al", ""); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(told, ", "); got != "fra/1 jo, fra/1 jo, fra/1 " {
			t.Errorf("told %q", got)
		}
		if err := e.Note(t.Context(), uptime.Event{Kind: uptime.EventProbe, Message: "fra/1 lagging:\x1b no proof", Note: "lagging"}); err != nil {
			t.Fatal(err)
		}
		e.stop()
		var said []string
		for _, ev := range s.events {
			if ev.Kind == uptime.EventProbe {
				said = append(said, fmt.Sprintf("%s (%s, %s)", ev.Message, ev.By, ev.Note))
			}
		}
		if got := strings.Join(said, "\n"); got != "fra/1 excluded: its vote does not count (jo, blocked by the CDN)\n"+
			"fra/1 included: its vote counts again (al, )\nfra/1 lagging: no proof (engine, lagging)" {
			t.Errorf("said %s", got)
		}
	})
}

// TestDeliveryOfARenamed: what comes under the name before, in the moment of a
// reload, is the monitor's all the same; what is of one that is gone is its history.
func TestDeliveryOfARenamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemory()
		e := start(t, s, newTargets(), job("a", time.Minute), job("b", time.Minute))
		time.Sleep(time.Minute)
		shop := job("shop", time.Minute)
		shop.Was = "a"
		if _, err := e.Reload(t.Context(), []uptime.Job{shop}, uptime.ConfigState{}); err != nil {
			t.Fatal(err)
		}
		d := batchOf(0, time.Now(), 0, 0, 0)
		d.Found[1].Result.Monitor, d.Found[2].Result.Monitor = "b", "nobody"
		e.deliver(d)
		e.stop()
		var got []string
		for _, r := range s.results {
			if r.Location == "fra" {
				got = append(got, r.Monitor)
			}
		}
		if strings.Join(got, " ") != "shop b" {
			t.Errorf("results of %q", got)
		}
	})
}

// TestDeliveryOfATwiceRenamed: what waits under a name goes where its monitor
// went, over any number of names, and to no other that bears the name since.
func TestDeliveryOfATwiceRenamed(t *testing.T) {
	named := func(name, was string) uptime.Job {
		j := job(name, time.Minute)
		j.Was = was
		return j
	}
	for _, tc := range []struct {
		name    string
		reloads [][]uptime.Job
		before  string // whose is what a found before these
		after   string // … and what a finds from now on; "": nobody's
	}{
		{"once", [][]uptime.Job{{named("b", "a")}}, "b", "b"},
		{"twice", [][]uptime.Job{{named("b", "a")}, {named("c", "b")}}, "c", "c"},
		{"three times", [][]uptime.Job{{named("b", "a")}, {named("c", "b")}, {named("d", "c")}}, "d", "d"},
		{"and back", [][]uptime.Job{{named("b", "a")}, {named("a", "b")}}, "a", "a"},
		{"another has its name", [][]uptime.Job{{named("b", "a")}, {named("b", "a"), named("a", "")}}, "b", "a"},
		{"another has its name at once, and then its history", [][]uptime.Job{{named("b", "a"), named("a", "")}}, "a", "a"},
		{"another had its name", [][]uptime.Job{{named("b", "a")}, {named("b", "a"), named("a", "")}, {named("b", "a")}}, "b", "a"},
		{"and is gone", [][]uptime.Job{{named("b", "a")}, {named("x", "")}}, "b", "b"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newMemory()
				e := start(t, s, newTargets(), job("a", time.Minute))
				time.Sleep(time.Minute)
				waits := batchOf(0, time.Now(), 0)
				for _, jobs := range tc.reloads {
					time.Sleep(10 * time.Second)
					if _, err := e.Reload(t.Context(), jobs, uptime.ConfigState{}); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(10 * time.Second)
				e.deliver(waits)
				e.deliver(batchOf(1, time.Now(), 0))
				e.stop()
				var got []string
				for _, r := range s.results {
					if r.Location == "fra" {
						got = append(got, r.Monitor)
					}
				}
				if want := []string{tc.before, tc.after}; !slices.Equal(got, want) {
					t.Errorf("results of %q, want %q", got, want)
				}
			})
		})
	}
}
