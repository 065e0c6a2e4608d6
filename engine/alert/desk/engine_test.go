package desk_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine"
	"lookout/engine/alert/desk"
	"lookout/engine/uptime"
	"lookout/storage"
)

// line answers checks: what is cut does not answer within ten seconds, and what
// is broken refuses at once.
type line struct {
	mu          sync.Mutex
	cut, broken map[string]bool
}

func (l *line) set(cut, broken bool, names ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range names {
		l.cut[n], l.broken[n] = cut, broken
	}
}

func (l *line) Run(ctx context.Context, job uptime.Job) uptime.Result {
	start := time.Now()
	l.mu.Lock()
	cut, broken := l.cut[job.Name], l.broken[job.Name]
	l.mu.Unlock()
	fault, took := uptime.NoFault, 5*time.Millisecond
	switch {
	case cut:
		fault, took = uptime.FaultTCPTimeout, 10*time.Second
	case broken:
		fault = uptime.FaultTCPRefused
	}
	select {
	case <-time.After(took):
	case <-ctx.Done():
		fault = uptime.FaultLocalCancelled
	}
	return uptime.Result{Time: start.UTC().Truncate(time.Millisecond), Monitor: job.Name, Type: job.Type, Target: job.Target, Location: uptime.Local,
		Outcome: fault.Outcome(), Fault: fault, Message: fault.String(), Address: job.Note, Total: time.Since(start)}
}

// house is an engine in a bubble, and a desk that takes its events.
type house struct {
	*engine.Engine
	t       *testing.T
	line    *line
	store   *storage.Memory
	desk    *desk.Desk
	parcels []uptime.Parcel
	late    time.Duration // the most between an event and a parcel about it
	looks   int
}

func inHouse(t *testing.T, o desk.Options, jobs []uptime.Job, play func(h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &house{t: t, line: &line{cut: map[string]bool{}, broken: map[string]bool{}}, store: storage.NewMemory()}
		e, err := engine.New(engine.Options{Instance: "web-1", Timezone: "UTC", Store: h.store, Runner: h.line, Jobs: jobs}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		h.Engine = e
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- e.Run(ctx) }()
		time.Sleep(time.Second)
		if h.desk, err = desk.New(o, nil); err != nil {
			t.Fatal(err)
		}
		s := e.Snapshot()
		h.desk.Begin(s.Events, s, time.Now())
		h.pass(2 * time.Minute)
		play(h)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// pass lets time pass, and has the desk take what happens.
func (h *house) pass(d time.Duration) {
	h.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(100 * time.Millisecond)
		s := h.Snapshot()
		if s.Events > h.desk.Cursor() {
			events, err := h.store.Events(uptime.EventQuery{After: h.desk.Cursor(), Limit: 1000})
			if err != nil {
				h.t.Fatal(err)
			}
			for i := range events {
				if events[i].ID > s.Events { // the snapshot would be older
					break
				}
				h.desk.Take(&events[i], s, time.Now())
			}
		}
		if w := h.desk.Wake(); !w.IsZero() && !w.After(time.Now()) {
			h.desk.Tick(s, time.Now())
		}
		step := h.desk.Out()
		for _, p := range step.Parcels {
			if events, _ := h.store.Events(uptime.EventQuery{After: p.Event - 1, Limit: 1}); len(events) == 1 && p.Event > 0 {
				h.late = max(h.late, p.At.Sub(events[0].Time))
			}
		}
		h.parcels = append(h.parcels, step.Parcels...)
		if h.looks += len(step.Look); len(step.Look) > 0 {
			if err := h.Look(h.t.Context(), step.Look); err != nil {
				h.t.Fatal(err)
			}
		}
	}
}

// told is the kinds of the letters, with their causes or monitors.
func (h *house) told() string {
	var out []string
	for _, p := range h.parcels {
		what := p.Cause.String()
		if what == "" {
			incidents, _ := h.store.Incidents(uptime.IncidentQuery{Limit: 1000})
			for _, in := range incidents {
				if len(p.Incidents) > 0 && in.Number == p.Incidents[0] {
					what = in.Monitor
				}
			}
		}
		out = append(out, fmt.Sprintf("%s %s", p.Kind, what))
		if len(out) == 12 {
			break
		}
	}
	return strings.Join(out, ", ")
}

// jobs makes monitors with an address each.
func jobs(n int, address func(i int) string) (out []uptime.Job, names []string) {
	for i := range n {
		name := fmt.Sprintf("m%04d", i)
		out = append(out, uptime.Job{Monitor: &uptime.Monitor{Name: name, Type: "tcp", Target: "tcp://" + name, Dest: fmt.Sprintf("www.site%d.example:443", i),
			Note: address(i), Interval: time.Minute, Timeout: 10 * time.Second, Fingerprint: 1, Subject: 1}})
		names = append(names, name)
	}
	return out, names
}

func apart(i int) string { return fmt.Sprintf("10.%d.%d.1:443", i/200, i%200) }

// TestEngine has the events of a real engine drive a desk.
func TestEngine(t *testing.T) {
	ops := desk.Options{Channels: []string{"ops"}}
	t.Run("one of many", func(t *testing.T) {
		all, _ := jobs(20, apart)
		inHouse(t, ops, all, func(h *house) {
			h.line.set(false, true, "m0007")
			h.pass(3 * time.Minute)
			h.line.set(false, false, "m0007")
			h.pass(3 * time.Minute)
			if got := h.told(); got != "opened m0007, recovered m0007" || h.late > 2*time.Second {
				t.Errorf("%s, %v after it was confirmed", got, h.late)
			}
		})
	})
	t.Run("alone", func(t *testing.T) {
		all, _ := jobs(1, apart)
		inHouse(t, ops, all, func(h *house) {
			h.line.set(true, false, "m0000")
			h.pass(5 * time.Minute)
			h.line.set(false, false, "m0000")
			h.pass(3 * time.Minute)
			if got := h.told(); got != "opened m0000, recovered m0000" || h.late > 500*time.Millisecond || h.looks > 0 {
				t.Errorf("%s, %v after it was confirmed, with %d looks", got, h.late, h.looks)
			}
		})
	})
	t.Run("the line is cut", func(t *testing.T) {
		all, names := jobs(1000, apart)
		inHouse(t, ops, all, func(h *house) {
			h.line.set(true, false, names...)
			h.pass(8 * time.Minute)
			if n := h.Snapshot().Counts.Down; n < 900 {
				h.t.Fatalf("%d are down", n)
			}
			if got := h.told(); got != "opened this node" {
				t.Error(got)
			}
			h.line.set(false, false, names...)
			h.pass(4 * time.Minute)
			if got := h.told(); !strings.HasSuffix(got, ", recovered this node") || len(h.parcels) > 3 {
				t.Error(got)
			}
		})
	})
	t.Run("the line is cut, and everything is behind it", func(t *testing.T) {
		all, names := jobs(300, apart)
		for _, j := range all {
			j.Parent = "uplink"
		}
		up, _ := jobs(1, func(int) string { return "203.0.113.1:443" })
		up[0].Name = "uplink"
		inHouse(t, ops, append(all, up...), func(h *house) {
			h.line.set(true, false, append(names, "uplink")...)
			h.pass(15 * time.Minute)
			h.line.set(false, false, append(names, "uplink")...)
			h.pass(5 * time.Minute)
			if got := h.told(); got != "opened uplink, recovered uplink" {
				t.Error(got)
			}
		})
	})
	t.Run("a rack", func(t *testing.T) {
		all, names := jobs(120, apart)
		for _, j := range all[:40] {
			j.Parent = "switch"
		}
		sw, _ := jobs(1, func(int) string { return "203.0.113.1:443" })
		sw[0].Name = "switch"
		inHouse(t, ops, append(all, sw...), func(h *house) {
			h.line.set(true, false, append(names[:40:40], "switch")...)
			h.pass(15 * time.Minute)
			if got := h.told(); got != "opened switch" {
				t.Error(got)
			}
		})
	})
	t.Run("a host", func(t *testing.T) {
		all, names := jobs(400, func(i int) string {
			if i < 300 {
				return "192.0.2.7:443"
			}
			return apart(i)
		})
		inHouse(t, ops, all, func(h *house) {
			h.line.set(true, false, names[:300]...)
			h.pass(9 * time.Minute)
			if got := h.told(); got != "opened host 192.0.2.7" {
				t.Error(got)
			}
		})
	})
	t.Run("flapping", func(t *testing.T) {
		all, _ := jobs(10, apart)
		inHouse(t, ops, all, func(h *house) {
			for range 10 {
				h.line.set(false, true, "m0003")
				h.pass(3 * time.Minute)
				h.line.set(false, false, "m0003")
				h.pass(3 * time.Minute)
			}
			if got := h.told(); got != "opened m0003, recovered m0003, flapping m0003" {
				t.Error(got)
			}
			h.pass(15 * time.Minute)
			if got := h.told(); got != "opened m0003, recovered m0003, flapping m0003, recovered m0003" {
				t.Error(got)
			}
		})
	})
	t.Run("in maintenance, removed, and called otherwise", func(t *testing.T) {
		all, _ := jobs(10, apart)
		inHouse(t, ops, all, func(h *house) {
			do := func(v uptime.Verb, name string) {
				if _, err := h.Act(h.t.Context(), uptime.Action{Verb: v, Targets: []string{name}, By: "jo"}); err != nil {
					h.t.Fatal(err)
				}
			}
			do(uptime.VerbMaintain, "m0001")
			h.line.set(false, true, "m0001", "m0002", "m0003", "new")
			h.pass(5 * time.Minute)
			do(uptime.VerbUnmaintain, "m0001")
			h.pass(10 * time.Second)
			if got := h.told(); strings.Count(got, "opened") != 3 || !strings.HasSuffix(got, "opened m0001") {
				h.t.Fatal(got)
			}
			renamed := *all[2].Monitor
			renamed.Name, renamed.Was = "new", "m0002"
			all[2].Monitor = &renamed
			if _, err := h.Reload(h.t.Context(), append(all[:3:3], all[4:]...), uptime.ConfigState{}); err != nil {
				h.t.Fatal(err)
			}
			h.desk.Configure(ops, h.Snapshot(), time.Now())
			h.pass(time.Second)
			h.line.set(false, false, "m0001", "new")
			h.pass(5 * time.Minute)
			if got := h.told(); strings.Count(got, "recovered") != 3 || !strings.Contains(got, "recovered new") || !strings.Contains(got, "recovered m0003") {
				t.Error(got)
			}
		})
	})
}
