package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
)

// memory is a store that keeps everything, and can be told to fail.
type memory struct {
	mu      sync.Mutex
	batches int
	results []uptime.Result
	events  []uptime.Event
	inc     map[uint64]uptime.Incident
	states  map[string][]byte
	probes  map[string][]byte
	alive   time.Time
	fail    error
}

func newMemory() *memory {
	return &memory{inc: map[uint64]uptime.Incident{}, states: map[string][]byte{}, probes: map[string][]byte{}}
}

func (s *memory) Append(b *uptime.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	s.batches++
	s.results = append(s.results, b.Results...)
	for _, e := range b.Events {
		if n := uint64(len(s.events)); e.ID != n+1 {
			return fmt.Errorf("event %d after %d", e.ID, n)
		}
		s.events = append(s.events, e)
	}
	for _, i := range b.Incidents {
		s.inc[i.Number] = i
	}
	for _, r := range b.States {
		s.states[r.Monitor] = r.Data
	}
	for _, r := range b.Probes {
		s.probes[r.Probe] = r.Data
	}
	s.alive = b.Time
	return nil
}

func (s *memory) States(fn func(uptime.StateRecord) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, data := range s.states {
		if err := fn(uptime.StateRecord{Monitor: name, Data: data}); err != nil {
			return err
		}
	}
	return nil
}

func (s *memory) Probes(fn func(uptime.ProbeRecord) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for probe, data := range s.probes {
		if err := fn(uptime.ProbeRecord{Probe: probe, Data: data}); err != nil {
			return err
		}
	}
	return nil
}

func (s *memory) Tail(since time.Time, fn func(*uptime.Result) error) error {
	for _, r := range s.results {
		if r.Time.After(since) {
			if err := fn(&r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *memory) Events(q uptime.EventQuery) ([]uptime.Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []uptime.Event
	for _, e := range s.events {
		if e.ID > q.After && (q.Before == 0 || e.ID < q.Before) && (q.Monitor == "" || e.Monitor == q.Monitor) {
			out = append(out, e)
		}
	}
	if q.Before > 0 {
		slices.Reverse(out)
	}
	return out, nil
}

func (s *memory) Incidents(q uptime.IncidentQuery) ([]uptime.Incident, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []uptime.Incident
	for _, i := range s.inc {
		if q.Monitor == "" || i.Monitor == q.Monitor {
			out = append(out, i)
		}
	}
	slices.SortFunc(out, func(a, b uptime.Incident) int { return int(b.Number) - int(a.Number) })
	if q.Limit > 0 && len(out) > q.Limit {
		out = out[:q.Limit]
	}
	return out, nil
}

func (s *memory) Results(q uptime.ResultQuery) ([]uptime.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []uptime.Result
	for _, r := range s.results {
		if r.Monitor == q.Monitor && !r.Time.Before(q.Since) && (q.Location == "" || q.Location == r.Location) {
			out = append(out, r)
		}
	}
	if n := len(out) - q.Limit; q.Limit > 0 && n > 0 {
		out = out[n:]
	}
	return out, nil
}

func (s *memory) Rename(from, to string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if data, ok := s.states[from]; ok {
		s.states[to] = data
		delete(s.states, from)
	}
	return nil
}

func (s *memory) Size() int64 { return 1 }

func (s *memory) resumed() Resumed {
	r := Resumed{LastEvent: uint64(len(s.events)), LastAlive: s.alive}
	for n := range s.inc {
		r.LastIncident = max(r.LastIncident, n)
	}
	return r
}

// targets answers checks: by name, what is found and how long it takes.
type targets struct {
	mu     sync.Mutex
	faults map[string]uptime.Fault
	took   map[string]time.Duration
	starts map[string][]time.Time
	now    map[string]int // in flight by destination
	most   int
}

func newTargets() *targets {
	return &targets{faults: map[string]uptime.Fault{}, took: map[string]time.Duration{}, starts: map[string][]time.Time{}, now: map[string]int{}}
}

func (t *targets) set(name string, f uptime.Fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults[name] = f
}

func (t *targets) Run(ctx context.Context, job uptime.Job) uptime.Result {
	start := time.Now()
	t.mu.Lock()
	f, took := t.faults[job.Name], t.took[job.Name]
	t.starts[job.Name] = append(t.starts[job.Name], start)
	t.now[job.Dest]++
	t.most = max(t.most, t.now[job.Dest])
	t.mu.Unlock()
	select {
	case <-time.After(max(took, time.Millisecond)):
	case <-ctx.Done():
		f = uptime.FaultLocalCancelled
	}
	t.mu.Lock()
	t.now[job.Dest]--
	t.mu.Unlock()
	return uptime.Result{Time: start.UTC().Truncate(time.Millisecond), Monitor: job.Name, Type: job.Type, Target: job.Target, Location: uptime.Local,
		Outcome: f.Outcome(), Fault: f, Message: f.String(), Total: time.Since(start)}
}

func job(name string, interval time.Duration) uptime.Job {
	return uptime.Job{Monitor: &uptime.Monitor{Name: name, Type: "tcp", Target: "tcp://" + name, Dest: name, Interval: interval,
		Timeout: 10 * time.Second, Tags: []string{"prod"}, Group: "g", Fingerprint: 1}}
}

// of is when the checks of a monitor have started.
func (t *targets) of(name string) []time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.starts[name])
}

func (t *targets) slow(name string, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.took[name] = took
}

// running is an engine in a bubble.
type running struct {
	*Engine
	t    *testing.T
	stop func()
}

func start(t *testing.T, s Store, r Runner, jobs ...uptime.Job) running {
	t.Helper()
	return startWith(t, Options{Instance: "web-1", Timezone: "UTC", Store: s, Runner: r}, jobs...)
}

func startWith(t *testing.T, o Options, jobs ...uptime.Job) running {
	t.Helper()
	o.Jobs = jobs
	if m, ok := o.Store.(*memory); ok {
		o.Resumed = m.resumed()
	}
	now := time.Now()
	if o.Clock != nil {
		now = o.Clock().Now
	}
	e, err := New(o, now)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	return running{e, t, func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	}}
}

func (r running) state(name string) *uptime.State {
	r.t.Helper()
	for _, s := range r.Snapshot().States {
		if s.Name == name {
			return s
		}
	}
	r.t.Fatalf("no %s in the snapshot", name)
	return nil
}

func (r running) act(v uptime.Verb, targets ...string) {
	r.t.Helper()
	if _, err := r.Act(r.t.Context(), uptime.Action{Verb: v, Targets: targets, By: "jo", Note: "n"}); err != nil {
		r.t.Fatalf("%s %v: %v", v, targets, err)
	}
}

// story is what the event log says of a monitor.
func (s *memory) story(name string) string {
	var out []string
	events, _ := s.Events(uptime.EventQuery{Monitor: name})
	for _, e := range events {
		switch e.Kind {
		case uptime.EventVerdict:
			out = append(out, e.To.String())
		case uptime.EventIncident:
			out = append(out, fmt.Sprintf("#%d %s", e.Incident, e.Note))
		default:
			out = append(out, strings.TrimSpace(string(e.Kind)+" "+e.Message))
		}
	}
	return strings.Join(out, ", ")
}

func TestDownAndUpAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tg := newMemory(), newTargets()
		e := start(t, s, tg, job("a", time.Minute), job("b", time.Minute))
		time.Sleep(time.Second)
		if got := e.state("a").Verdict; got != uptime.Up {
			t.Fatalf("a new monitor is %v after a second", got)
		}
		tg.set("a", uptime.FaultTCPRefused)
		time.Sleep(61 * time.Second)
		st := e.state("a")
		if st.Verdict != uptime.Suspect && st.Verdict != uptime.Down {
			t.Fatalf("failing for a minute: %v", st.Verdict)
		}
		time.Sleep(40 * time.Second)
		st = e.state("a")
		if st.Verdict != uptime.Down || st.Incident != 1 || !strings.Contains(st.Witness, "nobody else was asked") {
			t.Fatalf("state %+v", st)
		}
		if n := e.Snapshot().Unacked; n != 1 {
			t.Errorf("%d not acknowledged", n)
		}
		e.act(uptime.VerbAck, "#1")
		if a := e.state("a").Ack; a == nil || a.By != "jo" {
			t.Errorf("ack %+v", a)
		}
		down := st.Since
		tg.set("a", uptime.NoFault)
		time.Sleep(40 * time.Second)
		st = e.state("a")
		if st.Verdict != uptime.Up || st.Incident != 0 || st.Ack != nil {
			t.Fatalf("state %+v", st)
		}
		if want := st.Since.Sub(down); st.Day.Down != want {
			t.Errorf("down for %v of the day, the outage lasted %v", st.Day.Down, want)
		}
		e.stop()
		want := "up, suspect, down, #1 opened, ack #1 acknowledged, up, #1 closed"
		if got := s.story("a"); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if got := s.story("b"); got != "up" {
			t.Errorf("b: %s", got)
		}
		if i := s.inc[1]; i.Open() || len(i.Evidence) < 5 || !i.Start.Equal(down) {
			t.Errorf("incident %+v", i)
		}
	})
}

// TestPhase sees that every check of a healthy monitor starts at its place in the interval.
func TestPhase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tg := newTargets()
		var jobs []uptime.Job
		for i := range 300 {
			jobs = append(jobs, job(fmt.Sprintf("m%03d", i), 10*time.Second))
		}
		e := start(t, newMemory(), tg, jobs...)
		time.Sleep(5 * time.Minute)
		h := e.Snapshot().Health
		if h.Late != 0 || h.Skipped != 0 || h.Rate < 29 || h.Rate > 31 {
			t.Errorf("late %d, skipped %d, rate %.1f", h.Late, h.Skipped, h.Rate)
		}
		e.stop()
		for name, starts := range tg.starts {
			for i := 2; i < len(starts); i++ {
				if d := starts[i].Sub(starts[i-1]) - 10*time.Second; d < -20*time.Millisecond || d > 20*time.Millisecond {
					t.Fatalf("%s: check %d came %v off", name, i, d)
				}
			}
			if n := len(starts); n < 30 || n > 31 {
				t.Errorf("%s: %d checks in 5 min", name, n)
			}
		}
	})
}

func TestRestartForgetsAndAnnouncesNothing(t *testing.T) {
	for _, away := range []time.Duration{2 * time.Second, time.Hour} {
		t.Run(away.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, tg := newMemory(), newTargets()
				jobs := []uptime.Job{job("down", 20*time.Second), job("up", 20*time.Second), job("off", 20*time.Second)}
				tg.set("down", uptime.FaultTCPRefused)
				e := start(t, s, tg, jobs...)
				time.Sleep(time.Minute)
				e.act(uptime.VerbAck, "down")
				e.act(uptime.VerbPause, "off")
				e.stop()
				time.Sleep(away)
				e = start(t, s, tg, jobs...)
				if st := e.state("down"); st.Incident != 1 || st.Ack == nil {
					t.Errorf("at once: %+v", st)
				}
				time.Sleep(30 * time.Second)
				if st := e.state("down"); st.Verdict != uptime.Down || st.Incident != 1 || st.Ack == nil {
					t.Errorf("down: %v #%d %v", st.Verdict, st.Incident, st.Ack)
				}
				if st := e.state("up"); st.Verdict != uptime.Up || st.Recent[uptime.RecentCells-2] != uptime.CellUp {
					t.Errorf("up: %v %v", st.Verdict, st.Recent)
				}
				if st := e.state("off"); st.Mode != uptime.Paused {
					t.Errorf("off: %v", st.Mode)
				}
				if up, down := e.state("up").Day, e.state("down").Day; away == time.Hour && (up.Coverage() > 0.01 || down.Down > 3*time.Minute) {
					t.Errorf("an hour without checks counts: %v, %v", up, down)
				}
				e.stop()
				if got, want := s.story("down"), "suspect, down, #1 opened, ack #1 acknowledged"; got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
				if got := s.story("up"); got != "up" {
					t.Errorf("up: %s", got)
				}
			})
		})
	}
}

func TestCapsAndSkips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tg := newTargets()
		var jobs []uptime.Job
		for i := range 100 {
			j := job(fmt.Sprintf("m%03d", i), time.Second)
			j.Dest = "one host"
			jobs = append(jobs, j)
			tg.took[j.Name] = 5 * time.Second
		}
		e := start(t, newMemory(), tg, jobs...)
		time.Sleep(30 * time.Second)
		h := e.Snapshot().Health
		if h.Late == 0 || h.Skipped == 0 || h.Waiting == 0 || h.Waiting > 100 {
			t.Errorf("overload unseen: %+v", h)
		}
		e.stop()
		if tg.most != perDest {
			t.Errorf("%d checks of one destination at once, the cap is %d", tg.most, perDest)
		}
	})
}

func TestPauseResumeMaintain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tg := newMemory(), newTargets()
		e := start(t, s, tg, job("a", 10*time.Second))
		time.Sleep(time.Minute)
		until := time.Now().Add(5 * time.Minute)
		if _, err := e.Act(t.Context(), uptime.Action{Verb: uptime.VerbPause, Targets: []string{"tag:prod"}, Until: until, By: "jo"}); err != nil {
			t.Fatal(err)
		}
		n := len(tg.of("a"))
		time.Sleep(4 * time.Minute)
		if len(tg.of("a")) != n {
			t.Error("checked while paused")
		}
		if st := e.state("a"); st.Label() != "off" || !st.Until.Equal(until) {
			t.Errorf("%s until %v", st.Label(), st.Until)
		}
		time.Sleep(70 * time.Second) // the pause has ended by itself
		if st := e.state("a"); st.Mode != uptime.Active || st.Verdict != uptime.Up {
			t.Errorf("after the pause: %v %v", st.Mode, st.Verdict)
		}
		e.act(uptime.VerbMaintain, "group:g")
		tg.set("a", uptime.FaultTCPRefused)
		time.Sleep(2 * time.Minute)
		st := e.state("a")
		if st.Label() != "mnt" || st.Verdict != uptime.Down || st.Day.Down != 0 {
			t.Errorf("%s, %v, down for %v", st.Label(), st.Verdict, st.Day.Down)
		}
		e.act(uptime.VerbUnmaintain, "a")
		time.Sleep(10 * time.Second)
		d, err := e.Detail(t.Context(), "a", time.Hour)
		if err != nil || d.Uptime[0].Down.Truncate(time.Second) != 10*time.Second {
			t.Errorf("down for %v since the maintenance ended 10 s ago (%v)", d.Uptime[0].Down, err)
		}
		for _, bad := range []struct {
			a    uptime.Action
			want error
		}{
			{uptime.Action{Verb: uptime.VerbPause, Targets: []string{"nobody"}}, uptime.ErrNoMonitor},
			{uptime.Action{Verb: uptime.VerbResume, Targets: []string{"a"}}, uptime.ErrInvalid},
			{uptime.Action{Verb: "explode", Targets: []string{"a"}}, uptime.ErrInvalid},
			{uptime.Action{Verb: uptime.VerbPause, Targets: []string{"a"}, Until: time.Now().Add(-1)}, uptime.ErrInvalid},
			{uptime.Action{Verb: uptime.VerbPause}, uptime.ErrInvalid},
		} {
			if _, err := e.Act(t.Context(), bad.a); !errors.Is(err, bad.want) {
				t.Errorf("%+v: %v, want %v", bad.a, err, bad.want)
			}
		}
		e.stop()
	})
}

func TestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tg := newMemory(), newTargets()
		tg.set("down", uptime.FaultTCPRefused)
		e := start(t, s, tg, job("down", 20*time.Second), job("gone", 20*time.Second), job("old", 20*time.Second), job("edit", 20*time.Second))
		tg.set("gone", uptime.FaultTCPRefused)
		time.Sleep(time.Minute)
		renamed, edited := job("new name", 20*time.Second), job("edit", 20*time.Second)
		renamed.Was = "old"
		edited.Fingerprint, edited.Subject = 2, 2
		said, err := e.Reload(t.Context(), []uptime.Job{job("down", 20*time.Second), renamed, edited, job("fresh", time.Minute)}, uptime.ConfigState{Path: "x"})
		if err != nil || said != "4 monitors (+1 new, ~2 changed, -1 removed)" && said != "4 monitors (+1 new, ~1 changed, -1 removed)" {
			t.Fatalf("%q, %v", said, err)
		}
		before := e.state("down")
		time.Sleep(2 * time.Second)
		if st := e.state("down"); st.Verdict != uptime.Down || !st.Since.Equal(before.Since) || st.Incident != before.Incident {
			t.Errorf("an unchanged monitor lost its state: %+v", st)
		}
		if st := e.state("new name"); st.Checks < 3 || st.Verdict != uptime.Up {
			t.Errorf("the renamed one: %d checks, %v", st.Checks, st.Verdict)
		}
		if st := e.state("edit"); st.Verdict != uptime.Up || st.Checks < 4 {
			t.Errorf("the edited one was not checked at once: %v after %d checks", st.Verdict, st.Checks)
		}
		if st := e.state("fresh"); st.Verdict != uptime.Up {
			t.Errorf("the new one was not checked at once: %v", st.Verdict)
		}
		time.Sleep(time.Second)
		e.stop()
		for n, i := range s.inc {
			if i.Monitor == "gone" && (i.Open() || i.Ended != uptime.EndedUnwatched) {
				t.Errorf("#%d of the removed monitor: open %t, ended %q", n, i.Open(), i.Ended)
			}
		}
	})
}

// TestReloadKeepsTheVerdict changes what surrounds a check and not the check.
func TestReloadKeepsTheVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tg := newMemory(), newTargets()
		tg.set("slow", uptime.FaultTCPTooSlow)
		tg.set("down", uptime.FaultTCPRefused)
		e := start(t, s, tg, job("slow", 20*time.Second), job("down", 20*time.Second), job("up", 20*time.Second))
		time.Sleep(5 * time.Minute)
		before := map[string]*uptime.State{}
		var jobs []uptime.Job
		for _, name := range []string{"slow", "down", "up"} {
			before[name] = e.state(name)
			j := job(name, 20*time.Second)
			j.Note, j.Tags, j.Fingerprint = "of ops", []string{"new"}, 2
			if name == "up" {
				j.Interval = 30 * time.Second
			}
			jobs = append(jobs, j)
		}
		if before["slow"].Verdict != uptime.Degraded || before["down"].Verdict != uptime.Down {
			t.Fatalf("before: %v, %v", before["slow"].Verdict, before["down"].Verdict)
		}
		events := len(s.events)
		if _, err := e.Reload(t.Context(), jobs, uptime.ConfigState{}); err != nil {
			t.Fatal(err)
		}
		for name, was := range before {
			if st := e.state(name); st.Verdict != was.Verdict || !st.Since.Equal(was.Since) || st.Incident != was.Incident || st.Note != "of ops" {
				t.Errorf("%s: %v since %v (#%d), was %v since %v (#%d); note %q", name, st.Verdict, st.Since, st.Incident, was.Verdict, was.Since, was.Incident, st.Note)
			}
		}
		time.Sleep(2 * time.Minute)
		if n := len(s.events); n != events+1 {
			t.Errorf("%d events beside that of the reload: %v", n-events-1, s.events[events:])
		}
		e.stop()
	})
}

// TestEditedWhileStopped starts on a state that is about something else.
func TestEditedWhileStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tg := newMemory(), newTargets()
		tg.set("a", uptime.FaultTCPRefused)
		tg.set("b", uptime.FaultTCPRefused)
		e := start(t, s, tg, job("a", 20*time.Second), job("b", 20*time.Second))
		time.Sleep(time.Minute)
		e.stop()
		other := job("a", 20*time.Second)
		other.Subject = 2
		e = start(t, s, tg, other, job("b", 20*time.Second))
		for name, want := range map[string]uptime.Verdict{"a": uptime.Unknown, "b": uptime.Down} {
			if st := e.state(name); st.Verdict != want || st.Incident == 0 {
				t.Errorf("%s: %v, #%d; want %v with its incident", name, st.Verdict, st.Incident, want)
			}
		}
		tg.set("a", uptime.NoFault)
		time.Sleep(10 * time.Second)
		if st := e.state("a"); st.Verdict != uptime.Up || st.Incident != 0 {
			t.Errorf("a: %v, #%d", st.Verdict, st.Incident)
		}
		e.stop()
	})
}

// TestStoreReplaced ends by itself when the file is no longer the one that it opened.
func TestStoreReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemory()
		e, err := New(Options{Instance: "web-1", Store: s, Runner: newTargets(), Jobs: []uptime.Job{job("a", 10*time.Second)}}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1) // engine → us; one slot: it ends before we look
		go func() { ended <- e.Run(t.Context()) }()
		time.Sleep(time.Minute)
		s.mu.Lock()
		s.fail = fmt.Errorf("store in lookout.db: %w", uptime.ErrReplaced)
		s.mu.Unlock()
		time.Sleep(time.Minute)
		select {
		case err := <-ended:
			if !errors.Is(err, uptime.ErrReplaced) {
				t.Errorf("ended with %v", err)
			}
		default:
			t.Fatal("it goes on")
		}
		if got := e.Snapshot().Health.StoreError; !strings.Contains(got, "replaced or removed") {
			t.Errorf("the last snapshot says %q", got)
		}
	})
}

// TestStoreFails sees that nothing is lost or doubled while the disk is full, and that the screen says so.
func TestStoreFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tg := newMemory(), newTargets()
		e := start(t, s, tg, job("a", 10*time.Second))
		time.Sleep(time.Minute)
		s.mu.Lock()
		s.fail = fmt.Errorf("write lookout.db: %w", uptime.ErrFull)
		s.mu.Unlock()
		tg.set("a", uptime.FaultTCPRefused)
		time.Sleep(time.Minute)
		snap := e.Snapshot()
		if !strings.Contains(snap.Health.StoreError, "no space left") || e.state("a").Verdict != uptime.Down {
			t.Errorf("store %q, verdict %v", snap.Health.StoreError, e.state("a").Verdict)
		}
		if events, _ := e.Events(t.Context(), uptime.EventQuery{Monitor: "a"}); len(events) != 1 {
			t.Errorf("events that are not stored are shown: %v", events)
		}
		if _, err := e.Act(t.Context(), uptime.Action{Verb: uptime.VerbAck, Targets: []string{"a"}, By: "jo"}); err == nil {
			t.Error("an ack that is not stored was answered")
		}
		s.mu.Lock()
		s.fail = nil
		s.mu.Unlock()
		time.Sleep(time.Minute)
		e.stop()
		if got, want := s.story("a"), "up, suspect, down, #1 opened, ack #1 acknowledged"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if n := len(s.results); n < 15 {
			t.Errorf("%d results stored", n)
		}
	})
}

func TestDetail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tg := newTargets()
		tg.took["a"] = 40 * time.Millisecond
		e := start(t, newMemory(), tg, job("a", 10*time.Second))
		time.Sleep(20 * time.Minute)
		d, err := e.Detail(t.Context(), "a", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if d.P50 != 40*time.Millisecond || d.LastGood == nil || len(d.Recent) != 50 || !d.Recent[0].Time.After(d.Recent[1].Time) {
			t.Errorf("p50 %v, last good %v, %d recent", d.P50, d.LastGood, len(d.Recent))
		}
		checks := 0
		for _, b := range d.Latency {
			checks += b.Checks
		}
		if checks < 115 || len(d.Latency) != chartBuckets || len(d.Days) != 90 || len(d.Uptime) != 4 {
			t.Errorf("%d checks in %d buckets, %d days", checks, len(d.Latency), len(d.Days))
		}
		if _, err := e.Detail(t.Context(), "b", time.Hour); !errors.Is(err, uptime.ErrNoMonitor) {
			t.Errorf("%v", err)
		}
		if st := e.state("a"); st.P95 != 40*time.Millisecond || st.Spark[uptime.SparkCells-2].Median != 40*time.Millisecond {
			t.Errorf("p95 %v, spark %v", st.P95, st.Spark)
		}
		e.stop()
	})
}

// TestReopened sees that an outage that comes back within ten minutes is the
// same incident, over a restart too, and a later one is not.
func TestReopened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tg := newMemory(), newTargets()
		e := start(t, s, tg, job("a", 10*time.Second))
		time.Sleep(time.Minute)
		outage := func() {
			tg.set("a", uptime.FaultTCPRefused)
			time.Sleep(time.Minute)
			tg.set("a", uptime.NoFault)
			time.Sleep(time.Minute)
		}
		outage()
		e.stop()
		e = start(t, s, tg, job("a", 10*time.Second))
		outage()
		time.Sleep(20 * time.Minute)
		outage()
		e.stop()
		want := "up, suspect, down, #1 opened, up, #1 closed, suspect, down, #1 reopened, #1 flapping, up, #1 closed, " +
			"suspect, down, #2 opened, up, #2 closed"
		if got := s.story("a"); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if i := s.inc[1]; i.Reopened != 1 || i.Open() {
			t.Errorf("%+v", i)
		}
	})
}

// TestOneHostOfMany: 200 monitors of one host that is silent wait long for
// their turn to be confirmed. They become down all the same, and others are checked.
func TestOneHostOfMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tg := newMemory(), newTargets()
		var jobs []uptime.Job
		for i := range 200 {
			j := job(fmt.Sprintf("m%03d", i), time.Minute)
			j.Dest = "one host"
			jobs = append(jobs, j)
			tg.slow(j.Name, 10*time.Second)
			tg.set(j.Name, uptime.FaultTCPTimeout)
		}
		e := start(t, s, tg, append(jobs, job("other", 10*time.Second))...)
		time.Sleep(30 * time.Minute)
		if c := e.Snapshot().Counts; c.Down < 190 || e.state("other").Verdict != uptime.Up {
			t.Errorf("%+v, the other one is %v", c, e.state("other").Verdict)
		}
		e.stop()
		if got := s.story("m000"); strings.Count(got, "unknown") > 1 {
			t.Errorf("m000: %s", got)
		}
	})
}

// TestOutageBlindsNobody: more monitors are down than checks may be in flight,
// and the healthy ones stay up.
func TestOutageBlindsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tg := newTargets()
		var jobs []uptime.Job
		for i := range 240 {
			j := job(fmt.Sprintf("m%03d", i), time.Minute)
			if i%2 == 0 {
				tg.slow(j.Name, 10*time.Second)
				tg.set(j.Name, uptime.FaultTCPTimeout)
			}
			jobs = append(jobs, j)
		}
		e := startWith(t, Options{Instance: "web-1", Store: newMemory(), Runner: tg, Capacity: 48}, jobs...)
		time.Sleep(20 * time.Minute)
		if c := e.Snapshot().Counts; c.Up < 120 || c.Down < 110 {
			t.Errorf("%+v of 120 healthy and 120 dead", c)
		}
		e.stop()
	})
}

func TestRemovedAndBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tg := newMemory(), newTargets()
		tg.set("a", uptime.FaultTCPRefused)
		both := []uptime.Job{job("a", 10*time.Second), job("b", 10*time.Second)}
		e := start(t, s, tg, both...)
		time.Sleep(20 * time.Minute)
		if _, err := e.Act(t.Context(), uptime.Action{Verb: uptime.VerbPause, Targets: []string{"b"}, Until: time.Now().Add(time.Minute)}); err != nil {
			t.Fatal(err)
		}
		reload := func(jobs ...uptime.Job) {
			if _, err := e.Reload(t.Context(), jobs, uptime.ConfigState{}); err != nil {
				t.Fatal(err)
			}
		}
		reload()
		na, nb := len(tg.of("a")), len(tg.of("b"))
		time.Sleep(5 * time.Minute)
		if len(tg.of("a")) != na || len(tg.of("b")) != nb {
			t.Error("a removed monitor was checked")
		}
		reload(both...)
		time.Sleep(time.Minute)
		if st := e.state("b"); st.Checks < 120 || st.Verdict != uptime.Up || st.Mode != uptime.Active {
			t.Errorf("back: %d checks, %v, %v", st.Checks, st.Verdict, st.Mode)
		}
		reload(both[1])
		e.stop()
		e = start(t, s, tg, both...)
		time.Sleep(2 * time.Minute)
		e.stop()
		for n, i := range s.inc {
			if i.Open() != (n == uint64(len(s.inc))) {
				t.Errorf("#%d of %d: open %v", n, len(s.inc), i.Open())
			}
		}
		// Taken out while no engine runs: its incident does not stay open for ever.
		e = start(t, s, tg, both[1])
		time.Sleep(10 * time.Second)
		e.stop()
		for n, i := range s.inc {
			if i.Open() {
				t.Errorf("#%d is open, and nobody watches", n)
			}
		}
	})
}

func TestEndsByTheWallClock(t *testing.T) {
	e, now := fleet(t, 2)
	if _, err := e.act(uptime.Action{Verb: uptime.VerbPause, Targets: []string{e.monitors[0].job.Name}, Until: now.Add(time.Hour)}, now); err != nil {
		t.Fatal(err)
	}
	e.endings(now.Round(0).Add(-time.Hour)) // the clock was set back …
	if e.monitors[0].mode != uptime.Paused {
		t.Error("ended early")
	}
	e.endings(now.Round(0).Add(time.Hour)) // … and gets there in the end
	if e.monitors[0].mode != uptime.Active {
		t.Error("a pause that never ends")
	}
}

// The latency of a ping is its round trip, not the time that its packets were spread over.
func TestPingLatency(t *testing.T) {
	e, now := fleet(t, 1)
	m := e.monitors[0]
	r := uptime.Result{Time: now, Outcome: uptime.OutcomeUp, Total: 400 * time.Millisecond, Measures: []uptime.Measure{{Name: "rtt_avg", Value: 900}}}
	m.observe(&r)
	if got := m.state(nil, now).Total; got != 900*time.Microsecond {
		t.Errorf("%v", got)
	}
}

// What a monitor shares with others is known by where its checks went, also while
// its name is not found; but not when it is another target.
func TestSpokeTo(t *testing.T) {
	e, now := fleet(t, 1)
	m := e.monitors[0]
	for _, tc := range []struct{ target, address, want string }{
		{"tcp://shop:80", "", ""},
		{"tcp://shop:80", "192.0.2.7:80", "192.0.2.7:80"},
		{"tcp://shop:80", "", "192.0.2.7:80"},
		{"tcp://shop:80", "192.0.2.8:80", "192.0.2.8:80"},
		{"tcp://mail:25", "", ""},
	} {
		m.observe(&uptime.Result{Time: now, Target: tc.target, Outcome: uptime.OutcomeDown, Address: tc.address})
		m.touched()
		if got := m.state(nil, now).Address; got != tc.want {
			t.Errorf("%v: %q", tc, got)
		}
	}
}

// TestOneMonitor: one monitor is no "1 monitors".
func TestOneMonitor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemory()
		e := start(t, s, newTargets(), job("a", time.Minute))
		said, err := e.Reload(t.Context(), []uptime.Job{job("a", time.Minute)}, uptime.ConfigState{Path: "x"})
		if want := "1 monitor (+0 new, ~0 changed, -0 removed)"; err != nil || said != want {
			t.Errorf("got %q (%v), want %q", said, err, want)
		}
		e.stop()
		if got, want := s.events[0].Message, "started with 1 monitor"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
