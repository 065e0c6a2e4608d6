package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// fake is an engine in memory.
type fake struct {
	mu      sync.Mutex
	snap    *uptime.Snapshot
	changed chan struct{} // closed when there is a newer snapshot
	events  []uptime.Event
	acts    []uptime.Action
	votes   []string // "exclude PROBE: NOTE"
	err     error    // what every question is answered with
}

func newFake() *fake {
	f := &fake{changed: make(chan struct{})}
	for i := range uint64(5) {
		f.events = append(f.events, uptime.Event{ID: i + 1, Time: at(int(i)), Kind: uptime.EventVerdict, Monitor: "shop",
			From: uptime.Suspect, To: uptime.Down, Fault: uptime.FaultTCPRefused, Message: "TCP connect 203.0.113.9:443 refused", Incident: 4711, By: "engine"})
	}
	f.publish(&uptime.Snapshot{Time: at(0), Instance: "web-1", Started: at(-100), States: []*uptime.State{
		named("api/v1 health?", uptime.Up), named("mail", uptime.Degraded), named("shop", uptime.Down),
	}, Open: []*uptime.Incident{testIncident()}, Events: 5, Unacked: 1,
		Broker: uptime.Broker{URL: "amqps://probe.example.com/lookout", Connected: true, Since: at(-86400), Rate: 4.2, Batches: 0.3, Dead: 1},
		Probes: []uptime.Probe{
			{Location: "fra", Name: "1", Network: "AS24940", State: uptime.ProbeLive, Since: at(-3600), Version: "1.4.2", Seen: at(-1), Connected: at(-3610),
				RTT: 9 * time.Millisecond, Skew: 12 * time.Millisecond, Lag: 4100 * time.Millisecond, Waiting: 2, Monitors: 68, Rate: 1.6, Failing: 0.002, Alone: 0.0001},
			{Location: "syd", Name: "1", Network: "syd", State: uptime.ProbeGone, Since: at(-840), Why: "nothing heard for 3 minutes", Excluded: "jo",
				Warning: "its clock is 3.1 s ahead", Version: "1.3.9", Seen: at(-1020), Skew: 3100 * time.Millisecond, Spool: 8412, Lost: 17, Alone: -1}}})
	return f
}

func at(seconds int) time.Time {
	return time.Date(2026, 11, 22, 12, 31, 7, 114e6, time.UTC).Add(time.Duration(seconds) * time.Second)
}

func named(name string, v uptime.Verdict) *uptime.State {
	return &uptime.State{Monitor: &uptime.Monitor{Name: name, Type: "http", Target: "https://shop.example.com/", Group: "web",
		Tags: []string{"prod"}, Interval: time.Minute}, Verdict: v, Since: at(-60), Last: at(-1), Total: 3100 * time.Microsecond,
		Day: uptime.Share{Up: time.Hour, Span: 2 * time.Hour}}
}

func testIncident() *uptime.Incident {
	return &uptime.Incident{Number: 4711, Monitor: "shop", Start: at(0), Verdict: uptime.Down, Fault: uptime.FaultTCPRefused,
		Message: "TCP connect 203.0.113.9:443 refused", ConfirmedBy: []string{"fra", "nyc"},
		Ack: &uptime.Ack{By: "jo", Note: "on it", Until: at(3600)}}
}

func testResult() uptime.Result {
	return uptime.Result{Time: at(0), Monitor: "shop", Type: "http", Target: "https://shop.example.com/", Location: "local",
		Outcome: uptime.OutcomeDown, Fault: uptime.FaultTCPRefused, Message: "TCP connect 203.0.113.9:443 refused",
		Address: "203.0.113.9:443", Total: 3100 * time.Microsecond, Measures: []uptime.Measure{{Name: "connect", Value: 1000}, {Name: "dns", Value: 2100}},
		Steps: []uptime.Step{{Step: "connect", Took: time.Millisecond, Address: "203.0.113.9:443", Error: "connection refused", Errno: "ECONNREFUSED"}}}
}

// publish makes s the newest snapshot.
func (f *fake) publish(s *uptime.Snapshot) *uptime.Snapshot {
	f.mu.Lock()
	defer f.mu.Unlock()
	s.Seq = 1
	if f.snap != nil {
		s.Seq = f.snap.Seq + 1
	}
	s.Counts = uptime.Counts{}
	for _, st := range s.States {
		s.Counts.Add(st.Verdict, st.Mode)
	}
	f.snap = s
	close(f.changed)
	f.changed = make(chan struct{})
	return s
}

func (f *fake) emit(e uptime.Event) {
	f.mu.Lock()
	e.ID = uint64(len(f.events)) + 1
	f.events = append(f.events, e)
	s := *f.snap
	f.mu.Unlock()
	s.Events = e.ID
	f.publish(&s)
}

func (f *fake) Snapshot() *uptime.Snapshot {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.snap
}

func (f *fake) Wait(ctx context.Context, seq uint64) (*uptime.Snapshot, error) {
	for {
		f.mu.Lock()
		s, changed := f.snap, f.changed
		f.mu.Unlock()
		if s != nil && s.Seq > seq {
			return s, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (f *fake) Detail(_ context.Context, name string, span time.Duration) (*uptime.Detail, error) {
	st := find(f.Snapshot(), name)
	if st == nil {
		return nil, fmt.Errorf("%w: %s", uptime.ErrNoMonitor, name)
	}
	r := testResult()
	return &uptime.Detail{State: st, Span: span, Recent: []uptime.Result{r}, LastGood: &r, Incident: testIncident(),
		Latency: []uptime.Bucket{{Start: at(0), Checks: 3}}, P95: time.Second}, nil
}

func (f *fake) Events(_ context.Context, q uptime.EventQuery) ([]uptime.Event, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []uptime.Event
	for _, e := range f.events {
		if e.ID > q.After && (q.Monitor == "" || e.Monitor == q.Monitor) && (len(q.Kinds) == 0 || slices.Contains(q.Kinds, e.Kind)) && len(out) < q.Limit {
			out = append(out, e)
		}
	}
	return out, f.err
}

func (f *fake) Incidents(_ context.Context, q uptime.IncidentQuery) ([]uptime.Incident, error) {
	i := *testIncident()
	if q.Number != 0 && q.Number != i.Number || q.Monitor != "" && q.Monitor != i.Monitor {
		return nil, f.err
	}
	return []uptime.Incident{i}, f.err
}

func (f *fake) Results(_ context.Context, q uptime.ResultQuery) ([]uptime.Result, error) {
	if q.Monitor != "shop" {
		return nil, f.err
	}
	return []uptime.Result{testResult()}, f.err
}

func (f *fake) Act(_ context.Context, a uptime.Action) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return nil, f.err
	}
	f.acts = append(f.acts, a)
	var names []string
	for _, t := range a.Targets {
		sel, err := uptime.ParseSelector(t)
		if err != nil {
			return nil, err
		}
		found := false
		for _, st := range f.snap.States {
			if sel.Matches(st.Monitor, st.Incident) {
				names, found = append(names, st.Name), true
			}
		}
		if !found {
			return nil, fmt.Errorf("%w: %s", uptime.ErrNoMonitor, t)
		}
	}
	return names, nil
}

func (f *fake) Exclude(_ context.Context, probe, by, note string) error {
	f.votes = append(f.votes, "exclude "+probe+": "+note)
	return f.err
}

func (f *fake) Include(_ context.Context, probe, by, note string) error {
	f.votes = append(f.votes, "include "+probe+": "+note)
	return f.err
}

func (f *fake) last(t *testing.T) uptime.Action {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.acts) == 0 {
		t.Fatal("nothing was done")
	}
	return f.acts[len(f.acts)-1]
}

func resultsOf(name string) uptime.ResultQuery { return uptime.ResultQuery{Monitor: name} }

// panics is an engine with a bug.
type panics struct{ *fake }

func (panics) Incidents(context.Context, uptime.IncidentQuery) ([]uptime.Incident, error) {
	panic("oh no")
}

// socketPath is a path short enough for a socket.
func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "api")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

func testLimits() limits { return limits{32, 8, 5 * time.Second, 20 * time.Millisecond} }

// start serves on a socket until the test or stop ends it.
func start(t *testing.T, path string, opt ServerOptions, lim limits) (stop func()) {
	t.Helper()
	l, err := Listen(path, "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1) // the server's last word
	go func() { ended <- serve(ctx, l, opt, lim) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func testOptions(f *fake) ServerOptions {
	return ServerOptions{Backend: f, Version: "0.1.0", PID: 4242, Started: at(-100), Config: func() Config {
		return Config{Path: "/etc/lookout/lookout.toml", Pages: []uptime.Page{{Name: "public", Names: []string{"shop"}}}, Operators: []string{"jo"}}
	}}
}

// serveFake serves a fake engine and returns the socket.
func serveFake(t *testing.T, f *fake) string {
	t.Helper()
	path := socketPath(t)
	start(t, path, testOptions(f), testLimits())
	return path
}

func dial(t *testing.T, path string) *Client {
	t.Helper()
	c, err := Dial(t.Context(), path, ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c.lostAfter = time.Minute // a machine may stand still, too: silence has tests of its own
	t.Cleanup(c.Close)
	return c
}

// curl sends a raw request, as a person would with a tool, and returns the answer.
func curl(t *testing.T, path, request string) string {
	t.Helper()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte(strings.ReplaceAll(request, "\n", "\r\n"))); err != nil {
		return "write: " + err.Error()
	}
	var b strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			return b.String()
		}
	}
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("never came about: %s", what)
		}
		<-tick.C
	}
}

func TestErrorsKeepTheirMeaning(t *testing.T) {
	for _, want := range []error{uptime.ErrNoMonitor, uptime.ErrNotAllowed, uptime.ErrInvalid, uptime.ErrFull, uptime.ErrNoEngine} {
		f := newFake()
		f.err = fmt.Errorf("%w: the reason", want)
		c := dial(t, serveFake(t, f))
		_, err := c.Act(t.Context(), uptime.Action{Verb: uptime.VerbCheck, Targets: []string{"shop"}})
		if !errors.Is(err, want) || !strings.Contains(err.Error(), "the reason") {
			t.Errorf("%v arrived as %v", want, err)
		}
	}
}
