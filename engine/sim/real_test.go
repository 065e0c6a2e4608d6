package main

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine"
	"lookout/engine/schedule"
	"lookout/engine/uptime"
)

var crossDays = flag.Int("days", 0, "of each of the 400 monitors that the cross-check gives to a real engine: 19 are 20 monitor-years and take some ten minutes of a processor (-timeout 1h); 0: four hours of 10, with the faults of a year")

// TestRealLoop has an engine as it is, with its wheel, its queues and its store,
// live through the same worlds as the simulator: each must tell the same
// verdicts at the same moments. What it costs is mostly the engine's seconds, in
// which it writes state records and snapshots: so there are many monitors in one.
func TestRealLoop(t *testing.T) {
	monitors, length := 400, time.Duration(*crossDays)*24*time.Hour
	if length == 0 {
		monitors, length = 10, 4*time.Hour
	}
	var all []*theWorld
	for seed := range monitors {
		w := newWorld(uint64(seed)+1, standard(10))
		s := setup{interval: time.Minute, timeout: 10 * time.Second, remotes: [][]int{five, three, two, sameNet, nil}[seed%5], unproven: true, span: length}
		if seed/5%2 == 1 {
			s.interval = 20 * time.Second
		}
		w.place[0] = slices.DeleteFunc(w.place[0], func(x span) bool { return x.kind == stalled }).sorted() // virtual time knows none
		all = append(all, &theWorld{name: fmt.Sprintf("m%03d", seed), w: w, s: s})
	}
	if *crossDays == 0 {
		for _, a := range all {
			for i := range a.w.target {
				x := &a.w.target[i]
				lasts := x.to - x.from
				x.from %= length
				x.to = x.from + lasts
			}
			a.w.target = a.w.target.sorted()
		}
	}
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		l := &live{begin: begin, of: map[string]*theWorld{}, end: length}
		o := engine.Options{Instance: "home", Timezone: "UTC", Store: l, Runner: l, Remote: l, Network: networks[0]}
		for i, a := range all {
			l.of[a.name] = a
			o.Jobs = append(o.Jobs, uptime.Job{Monitor: &uptime.Monitor{Name: a.name, Type: "tcp", Target: "tcp://" + a.name, Dest: a.name,
				Interval: a.s.interval, Timeout: a.s.timeout, Fingerprint: 1}})
			a.s.real = &real{phase: schedule.First(a.name, a.s.interval, begin).Sub(begin), fresh: time.Duration(i+1) * 5 * time.Millisecond}
		}
		e, err := engine.New(o, begin)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1) // Run → here, once
		go func() { ended <- e.Run(ctx) }()
		time.Sleep(length)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	steps, downs, wrong := 0, 0, 0
	for _, a := range all {
		want := play(a.w, a.s).steps
		steps += len(want)
		for i := range max(len(want), len(a.steps)) {
			var w, g step
			if i < len(want) {
				w = want[i]
			}
			if i < len(a.steps) {
				g = a.steps[i]
			}
			if w != g {
				wrong++
				t.Errorf("%s, %d places, step %d: the engine says %v, the simulator %v", a.name, len(a.s.remotes), i, g, w)
				break
			}
			if w.to == uptime.Down {
				downs++
			}
		}
	}
	t.Logf("%d monitors, %v each: %d changes of verdict, %d of them to down", monitors, length, steps, downs)
	if *crossDays > 0 {
		verdict, years := "ok", length.Hours()/24/365*float64(monitors)
		if wrong > 0 || years < 20 {
			verdict = "MISS"
		}
		fmt.Printf("figure sim_real_loop_years %.1f years goal>=20 %s (%d changes of verdict, %d of them to down, at noise x10; %d monitors differ)\n",
			years, verdict, steps, downs, wrong)
	}
	if downs < monitors/4 {
		t.Errorf("only %d outages: too little to compare", downs)
	}
}

// theWorld is a monitor of the engine, with what it meets and what is said of it.
type theWorld struct {
	name  string
	w     *world
	s     setup
	steps []step
}

// live is what an engine needs: a runner, a store and other places, in worlds.
type live struct {
	begin time.Time
	end   time.Duration
	of    map[string]*theWorld
	mu    sync.Mutex // of the steps
}

func (l *live) Run(ctx context.Context, job uptime.Job) uptime.Result {
	a := l.of[job.Name]
	began := time.Since(l.begin)
	r, took := a.w.atHome(began, job.Timeout, first{})
	select {
	case <-time.After(a.s.real.ends(began+took, 0, job.Timeout < a.s.timeout) - began):
	case <-ctx.Done():
		return uptime.Result{Monitor: job.Name, Fault: uptime.FaultLocalCancelled, Outcome: uptime.OutcomeUnknown}
	}
	r.Time, r.Monitor, r.Total = l.begin.Add(began), job.Name, roundTrip
	return *r
}

func (l *live) Places(m *uptime.Monitor) ([]uptime.Place, bool) {
	a := l.of[m.Name]
	return a.w.witnesses(a.s), len(a.s.remotes) > 0
}

func (l *live) Ask(job uptime.Job, place uptime.Place, within time.Duration, take func(uptime.Result)) {
	a := l.of[job.Name]
	if within == a.s.timeout {
		return // a baseline, which would come at another time than the simulator's
	}
	asked := time.Since(l.begin)
	i := slices.Index(locations[:], place.Location)
	if r, arrives := a.w.elsewhere(i, asked, within); r != nil {
		time.AfterFunc(a.s.real.ends(asked+arrives, i, true)-asked, func() { take(*r) })
	}
}

// Append keeps the changes of verdict.
func (l *live) Append(b *uptime.Batch) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range b.Events {
		if at := e.Time.Sub(l.begin); e.Kind == uptime.EventVerdict && at < l.end {
			a := l.of[e.Monitor]
			a.steps = append(a.steps, step{at, e.To, e.Since.Sub(l.begin)})
		}
	}
	return nil
}

func (l *live) States(func(uptime.StateRecord) error) error               { return nil }
func (l *live) Probes(func(uptime.ProbeRecord) error) error               { return nil }
func (l *live) Tail(time.Time, func(*uptime.Result) error) error          { return nil }
func (l *live) Events(uptime.EventQuery) ([]uptime.Event, error)          { return nil, nil }
func (l *live) Incidents(uptime.IncidentQuery) ([]uptime.Incident, error) { return nil, nil }
func (l *live) Results(uptime.ResultQuery) ([]uptime.Result, error)       { return nil, nil }
func (l *live) Rename(string, string) error                               { return nil }
func (l *live) Size() int64                                               { return 0 }
