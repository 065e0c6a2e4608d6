package worker

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/probes"
	"lookout/probes/remote/brokertest"
	"lookout/probes/remote/dispatch"
	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
	"lookout/probes/spool"
	"lookout/probes/wire"
)

const patient = time.Minute // for what must come; it fails a test that would hang

// site is a real broker with an engine's dispatcher and a probe's files.
type site struct {
	t      *testing.T
	broker *brokertest.Broker
	dir    string // of topology.Init
	plan   *topology.Plan
	key    ed25519.PrivateKey
	vhost  string
	log    *slog.Logger
}

func newSite(t *testing.T, ids ...string) *site {
	s := &site{t: t, dir: t.TempDir(), vhost: "lookout", log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	r, err := topology.Init(topology.Options{Dir: s.dir, URL: "amqp://127.0.0.1/lookout", Probes: ids, Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	s.plan = r.Plan
	block, _ := pem.Decode(s.read("engine", "signing.key"))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	s.key = key.(ed25519.PrivateKey)
	s.broker = brokertest.Start(t, brokertest.Options{Definitions: s.read("broker", "definitions.json")})
	return s
}

func (s *site) read(parts ...string) []byte {
	s.t.Helper()
	b, err := os.ReadFile(filepath.Join(append([]string{s.dir}, parts...)...))
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

// link makes a link of somebody through a proxy.
func (s *site) link(user, folder string, p *brokertest.Proxy, up func()) *link.Link {
	return link.New(link.Options{URL: p.URL("", "", s.vhost), Username: user, Password: strings.TrimSpace(string(s.read(folder, "broker.pass"))),
		Name: user, Heartbeat: 2 * time.Second, Up: up, Log: s.log.With("link", user)})
}

// ledger is an engine that writes down what it was given, each result once.
type ledger struct {
	mu      sync.Mutex
	applied map[string]map[uint64]uptime.Found // by probe and epoch, by number
	twice   int
}

func (l *ledger) Deliver(_ context.Context, d uptime.Delivery, done func(error)) error {
	l.mu.Lock()
	key := fmt.Sprintf("%s/%x", d.Probe, d.Epoch)
	if l.applied[key] == nil {
		l.applied[key] = make(map[uint64]uptime.Found)
	}
	for i, f := range d.Found {
		n := d.From + uint64(i)
		if old, ok := l.applied[key][n]; ok {
			l.twice++
			if old.Result.Monitor != f.Result.Monitor || old.Result.Outcome != f.Result.Outcome {
				done(fmt.Errorf("%s: number %d is two results", key, n))
				l.mu.Unlock()
				return nil
			}
			continue
		}
		l.applied[key][n] = f
	}
	l.mu.Unlock()
	done(nil)
	return nil
}

func (l *ledger) Note(context.Context, uptime.Event) error { return nil }

// of is how many results of a probe's epoch came.
func (l *ledger) of(probe string, epoch uint64) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.applied[fmt.Sprintf("%s/%x", probe, epoch)])
}

// outpost is a probe of a site that runs.
type outpost struct {
	id    string
	proxy *brokertest.Proxy
	spool *spool.Spool
	stop  func()
}

// probe starts a probe.
func (s *site) probe(id, dir string) *outpost {
	s.t.Helper()
	location, name, err := topology.ParseProbe(id)
	if err != nil {
		s.t.Fatal(err)
	}
	kept, err := spool.Open(filepath.Join(dir, "spool"), spool.Options{Log: s.log})
	if err != nil {
		s.t.Fatal(err)
	}
	proxy := s.broker.Proxy(s.t)
	var w *Worker
	var folder string
	for _, p := range s.plan.Probes {
		if p.ID() == id {
			folder = topology.Folder(p)
		}
	}
	l := s.link(topology.ProbeUser(s.vhost, location, name), folder, proxy, func() { w.Up() })
	w, err = New(Options{
		Place: wire.Place{Vhost: s.vhost, Location: location, Probe: name}, Key: s.key.Public().(ed25519.PublicKey), Dir: dir, Software: "test",
		Broker: l, Spool: kept, Build: build(probes.Types()), Runner: &probes.Runner{Location: location}, Outside: probes.NewOutside(),
		BrokerAddr: s.broker.Addr(), Types: []string{"tcp"}, Log: s.log.With("probe", id),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	linked, unlink := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { _ = l.Run(linked) }) // it ends with linked, and says so
	all.Go(func() {
		defer unlink()
		if err := w.Run(ctx); err != nil {
			s.t.Error(err)
		}
	})
	return &outpost{id, proxy, kept, func() {
		cancel()
		all.Wait()
		if err := kept.Close(); err != nil {
			s.t.Error(err)
		}
	}}
}

// build makes checks of real types.
func build(types []uptime.CheckType) Build {
	return func(name, checkType string, p uptime.Portable, interval, timeout, degradedAbove time.Duration) (uptime.Job, []uptime.Mistake) {
		for _, k := range types {
			if k.Name != checkType {
				continue
			}
			u, err := url.Parse(p.URL)
			if err != nil {
				return uptime.Job{}, []uptime.Mistake{{Message: err.Error()}}
			}
			c, wrong := k.New(uptime.Settings{URL: u, Interval: interval, Timeout: timeout, IP: "any", Values: p.Values, Expect: p.Expect})
			return uptime.Job{Monitor: &uptime.Monitor{Name: name, Type: checkType, Target: p.URL, Dest: u.Host, Interval: interval, Timeout: timeout}, Checker: c.Checker}, wrong
		}
		return uptime.Job{}, []uptime.Mistake{{Message: "no such type"}}
	}
}

// listen is a server that is up until the test ends.
func listen(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	end := time.Now().Add(patient)
	for !is() {
		if time.Now().After(end) {
			t.Fatalf("%s: not in %s", what, patient)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// news is that a result has arrived which is not there yet.
func news(book *ledger, p *outpost) func() bool {
	had := p.spool.Next()
	return func() bool { return uint64(book.of(p.id, p.spool.Epoch())) > had }
}

// TestRealBroker has two probes of a location work for an engine through a real
// broker: what is assigned is checked, each result arrives once, a question is
// answered; through cut lines and one that stands still.
func TestRealBroker(t *testing.T) {
	before := runtime.NumGoroutine()
	s := newSite(t, "fra/a", "fra/b")
	target := listen(t)
	book := &ledger{applied: make(map[string]map[uint64]uptime.Found)}
	hub := s.broker.Proxy(t)
	l := s.link(topology.EngineUser(s.vhost), "engine", hub, nil)
	d := dispatch.New(dispatch.Options{Vhost: s.vhost, Software: "test", Key: s.key, Broker: l,
		Locations: []uptime.Place{{Location: "fra", Network: "AS1"}}, Log: s.log.With("engine", "")})
	d.Serve(book)
	var jobs []dispatch.Assignment
	for n := range uint32(40) {
		address := "tcp://" + target.String()
		m := &uptime.Monitor{Name: fmt.Sprintf("m%d", n), Type: "tcp", Target: address, Dest: target.String(),
			Interval: time.Second, Timeout: 5 * time.Second, Locations: []string{"fra"}}
		jobs = append(jobs, dispatch.Assignment{Number: n, Job: uptime.Job{Monitor: m, Portable: &uptime.Portable{URL: address, IP: "any"}}})
	}
	d.Assign(jobs)
	ctx, cancel := context.WithCancel(context.Background())
	linked, unlink := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { _ = l.Run(linked) })
	all.Go(func() {
		defer unlink()
		_ = d.Run(ctx)
	})

	a, b := s.probe("fra/a", t.TempDir()), s.probe("fra/b", t.TempDir())
	live := func(want int) func() bool {
		return func() bool {
			_, all := d.Status()
			n := 0
			for i := range all {
				if all[i].State == uptime.ProbeLive {
					n++
				}
			}
			return n == want
		}
	}
	eventually(t, "two live probes", live(2))
	eventually(t, "results of both", func() bool { return book.of(a.id, a.spool.Epoch()) > 20 && book.of(b.id, b.spool.Epoch()) > 20 })

	ask := func() uptime.Result {
		t.Helper()
		told := make(chan uptime.Result, 1)
		d.Ask(jobs[7].Job, uptime.Place{Location: "fra"}, 5*time.Second, func(r uptime.Result) { told <- r })
		select {
		case r := <-told:
			return r
		case <-time.After(patient):
			t.Fatal("nobody answered")
			return uptime.Result{}
		}
	}
	for range 10 {
		if r := ask(); r.Outcome != uptime.OutcomeUp || r.Location != "fra" || r.Monitor != "m7" {
			t.Errorf("the answer is %+v", r)
		}
	}

	a.proxy.Reset()
	hub.Reset()
	b.proxy.Stall()
	eventually(t, "results of a again", news(book, a))
	b.proxy.Pass()
	eventually(t, "results of b again", news(book, b))
	for _, p := range []*outpost{a, b} {
		p.stop()
		sum, left := p.spool.Next(), p.spool.Depth()
		eventually(t, "every result of "+p.id, func() bool { return book.of(p.id, p.spool.Epoch())+int(left) >= int(sum) })
		if got := book.of(p.id, p.spool.Epoch()); got+int(left) < int(sum) || left > 0 {
			t.Errorf("%s: %d of %d results arrived, %d are left", p.id, got, sum, left)
		}
		t.Logf("%s: %d results, %d came twice", p.id, sum, book.twice)
	}
	eventually(t, "goodbyes", live(0))
	cancel()
	all.Wait()
	for _, found := range book.applied {
		for n, f := range found {
			if f.Result.Outcome != uptime.OutcomeUp || f.Unhealthy {
				t.Errorf("result %d: %+v", n, f)
			}
		}
	}
	eventually(t, "all goroutines ended", func() bool { return runtime.NumGoroutine() <= before+12 }) // the broker's and the proxies' own
}
