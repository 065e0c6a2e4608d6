package dispatch

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"math"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
	"lookout/probes"
	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
	"lookout/probes/remote/worker"
	"lookout/probes/spool"
	"lookout/probes/wire"
)

// internet is what the checks of workers find.
type internet struct {
	mu   sync.Mutex
	down map[string]bool // monitors, by name or URL
	ran  int
	of   map[string]int  // … by name
	cut  map[string]bool // probes without an uplink
}

func newInternet() *internet {
	return &internet{down: make(map[string]bool), of: make(map[string]int), cut: make(map[string]bool)}
}

type target struct {
	i    *internet
	name string
	url  string
}

func (t target) Check(context.Context) uptime.Result {
	t.i.mu.Lock()
	defer t.i.mu.Unlock()
	t.i.ran++
	t.i.of[t.name]++
	if t.i.down[t.name] || t.i.down[t.url] {
		return uptime.Result{Outcome: uptime.OutcomeDown, Fault: uptime.FaultTCPRefused, Message: "refused", Total: time.Millisecond}
	}
	return uptime.Result{Outcome: uptime.OutcomeUp, Total: time.Millisecond}
}

func (i *internet) with(f func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	f()
}

// anchors are what a probe sees of its own uplink.
type anchors struct {
	i  *internet
	id string
}

func (a anchors) Try(context.Context, uptime.Anchor) uptime.Answer {
	a.i.mu.Lock()
	defer a.i.mu.Unlock()
	if a.i.cut[a.id] {
		return uptime.AnswerNone
	}
	return uptime.AnswerGood
}

// site is a worker that runs.
type site struct {
	worker *worker.Worker
	end    func()
}

// site starts a worker in a folder.
func (w *world) site(b worker.Broker, i *internet, at, name, dir string) *site {
	w.t.Helper()
	s, err := spool.Open(filepath.Join(dir, "spool"), spool.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	p, err := worker.New(worker.Options{
		Place: wire.Place{Vhost: w.vhost, Location: at, Probe: name}, Key: w.key.Public().(ed25519.PublicKey), Dir: dir, Software: "1.4.2",
		Broker: b, Spool: s, Runner: &probes.Runner{Location: at}, Outside: anchors{i, at + "/" + name},
		Anchors: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:53")}, Types: []string{"http"},
		Build: func(name, typ string, p uptime.Portable, interval, timeout, degradedAbove time.Duration) (uptime.Job, []uptime.Mistake) {
			m := &uptime.Monitor{Name: name, Type: typ, Target: p.URL, Dest: p.URL, Interval: interval, Timeout: timeout}
			return uptime.Job{Monitor: m, Checker: target{i, name, p.URL}}, nil
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1) // Run → end; one slot
	go func() { ended <- p.Run(ctx) }()
	var once sync.Once
	return &site{p, func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				w.t.Error(err)
			}
			if err := s.Close(); err != nil {
				w.t.Error(err)
			}
		})
	}}
}

// applied counts the results that an engine would have applied, and those that came again.
func (w *world) applied() (rows, again, late int) {
	type number struct {
		probe    string
		epoch, n uint64
	}
	known := make(map[number]bool)
	for _, d := range w.e.delivered() {
		for i := range d.Found {
			k := number{d.Probe, d.Epoch, d.From + uint64(i)}
			if known[k] {
				again++
				continue
			}
			if known[k] = true; d.Late {
				late++
			}
		}
	}
	return len(known), again, late
}

// regular is how often monitors were checked regularly from fra in some time,
// and how long one was not at the most.
func (w *world) regular(monitors int, from, to time.Time) (least, most int, gap time.Duration) {
	at := make(map[string][]time.Time)
	for _, d := range w.e.delivered() {
		for _, f := range d.Found {
			if r := &f.Result; d.Location == "fra" && !f.Baseline && !r.Time.Before(from) && r.Time.Before(to) {
				at[r.Monitor] = append(at[r.Monitor], r.Time)
			}
		}
	}
	least = 1 << 30
	for m := range monitors {
		all := append(at[fmt.Sprintf("site-%d", m)], to)
		slices.SortFunc(all, time.Time.Compare)
		least, most = min(least, len(all)-1), max(most, len(all)-1)
		last := from
		for _, t := range all {
			gap, last = max(gap, t.Sub(last)), t
		}
	}
	return least, most, gap
}

// restart has another dispatcher take the place of the first, as after a
// restart of the engine.
func (w *world) restart() {
	w.stop()
	time.Sleep(2 * time.Second)
	w.d = New(w.d.o)
	w.d.Serve(w.e)
	w.d.Assign(monitors(120))
	w.run()
}

// TestTogether has workers check for a dispatcher, over a broker in memory:
// their work is shared and moves, an outage of the broker loses nothing, and
// what is down is said to be.
func TestTogether(t *testing.T) {
	t.Parallel()
	dirs := []string{t.TempDir(), t.TempDir(), t.TempDir()}
	inWorld(t, func(t *testing.T, w *world) {
		i := newInternet()
		const n = 120
		w.d.Assign(monitors(n))
		for _, id := range [][2]string{{"fra", "1"}, {"fra", "2"}, {"nyc", "1"}} {
			w.b.queue(topology.ProbeQueue(id[0], id[1]))
		}
		one := w.site(w.b, i, "fra", "1", dirs[0])
		two := w.site(w.b, i, "fra", "2", dirs[1])
		three := w.site(w.b, i, "nyc", "1", dirs[2])
		defer func() { one.end(); two.end(); three.end() }()
		for _, s := range []*site{one, two, three} {
			s.worker.Up()
		}
		time.Sleep(30 * time.Second)
		for _, id := range []string{"fra/1", "fra/2", "nyc/1"} {
			w.is(id, uptime.ProbeLive)
		}
		time.Sleep(11 * time.Minute) // baselines are taken
		calm := time.Now()
		time.Sleep(8 * time.Minute)
		x, y := w.probe("fra/1"), w.probe("fra/2")
		if x.Monitors+y.Monitors != n || math.Abs(x.Rate-float64(x.Monitors)/60) > 0.5 {
			t.Errorf("%d and %d monitors, %v checks/s", x.Monitors, y.Monitors, x.Rate)
		}

		two.end() // it says goodbye
		alone := time.Now()
		time.Sleep(8 * time.Minute)
		two = w.site(w.b, i, "fra", "2", dirs[1])
		two.worker.Up()
		time.Sleep(3 * time.Minute)
		w.is("fra/2", uptime.ProbeLive)

		w.restart()
		again := time.Now()
		time.Sleep(20 * time.Second)
		for _, id := range []string{"fra/1", "fra/2", "nyc/1"} {
			w.is(id, uptime.ProbeLive)
			if said := w.e.said(id); len(said) < 2 || !strings.Contains(said[len(said)-1], "live") || !strings.Contains(said[len(said)-2], "live") {
				t.Errorf("after a restart %q", said)
			}
		}
		time.Sleep(5 * time.Minute)

		w.b.set(link.State{Error: "refused"})
		away := time.Now()
		time.Sleep(12 * time.Minute)
		back := time.Now()
		before, _, lateBefore := w.applied()
		w.b.set(link.State{Connected: true, Since: time.Now()})
		for _, s := range []*site{one, two, three} {
			s.worker.Up()
		}
		time.Sleep(12 * time.Minute)
		for _, id := range []string{"fra/1", "fra/2", "nyc/1"} {
			w.is(id, uptime.ProbeLive)
			if p := w.probe(id); p.Spool > 100 || p.Lost > 0 {
				t.Errorf("%s has %d results, lost %d", id, p.Spool, p.Lost)
			}
		}
		if rows, _, late := w.applied(); rows-before < 20*n || late-lateBefore < 10*n {
			t.Errorf("after the outage %d results came, %d of them late", rows-before, late-lateBefore)
		}

		h := new(heard)
		i.with(func() { i.down["site-7"] = true })
		asked := time.Now()
		w.d.Ask(assignment(7).Job, places[1], 5*time.Second, h.take)
		time.Sleep(time.Second)
		if r, got := h.one(); got != "down" || r.Location != "nyc" || h.at[0].Sub(asked) > 100*time.Millisecond {
			t.Errorf("asked, it was %s", got)
		}
		h = new(heard)
		i.with(func() { i.cut["nyc/1"] = true })
		time.Sleep(90 * time.Second)
		w.is("nyc/1", uptime.ProbeJoining)
		w.d.Ask(assignment(7).Job, places[1], 5*time.Second, h.take)
		time.Sleep(time.Second)
		if _, got := h.one(); got != "nobody: no probe of nyc is live" {
			t.Errorf("asked of a place without an uplink, it was %s", got)
		}

		one.end()
		two.end()
		three.end()
		time.Sleep(10 * time.Second)
		rows, twice, _ := w.applied()
		asks := 1
		for _, tc := range []struct {
			name     string
			from, to time.Time
			gap      time.Duration
		}{
			{"two of two", calm, alone, time.Minute},
			{"after a restart of the engine", again, away, time.Minute},
			{"one of two", alone, again, 90 * time.Second}, // 30 s until it is noticed, at the worst
			{"without a broker", away, back, time.Minute},
			{"after that", back.Add(2 * time.Minute), back.Add(10 * time.Minute), time.Minute},
		} {
			least, most, gap := w.regular(n, tc.from, tc.to)
			want := int(tc.to.Sub(tc.from).Minutes())
			if least < want-2 || most > want+2 || gap > tc.gap+time.Second {
				t.Errorf("%s: in %d minutes a monitor was checked %d to %d times, at most %v apart", tc.name, want, least, most, gap)
			}
		}
		i.with(func() {
			if rows != i.ran-asks {
				t.Errorf("%d results were applied, of %d checks", rows, i.ran-asks)
			}
		})
		t.Logf("%d results, %d again", rows, twice)
		synctest.Wait()
	})
}
