package topology_test

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/probes"
	"lookout/probes/remote/brokertest"
	"lookout/probes/remote/dispatch"
	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
	"lookout/probes/remote/worker"
	"lookout/probes/spool"
	"lookout/probes/wire"
)

// patience is for what takes moments on a machine that has nothing else to do.
const patience = 90 * time.Second

// within waits until something is so.
func within(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for !is() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("not after %v: %s", patience, what)
		}
	}
}

// running runs something until the test ends.
func running(t *testing.T, run func(ctx context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() { _ = run(ctx) }) // it was told to end
	stop = sync.OnceFunc(func() { cancel(); ended.Wait() })
	t.Cleanup(stop)
	return stop
}

// linked runs a link of a user.
func linked(t *testing.T, url, user, password string, up func()) (l *link.Link, stop func()) {
	t.Helper()
	l = link.New(link.Options{URL: url, Username: user, Password: password, Name: user, Up: up})
	stop = running(t, l.Run)
	within(t, user+" is connected", func() bool { return l.State().Connected })
	return l, stop
}

// twain are the engine's broker and one of the location syd, joined by its
// shovels, which dial the engine's over TLS by way of a proxy.
type twain struct {
	dir       string
	plan      *topology.Plan
	home, far *brokertest.Broker
	way       *brokertest.Proxy
}

func twoBrokers(t *testing.T) *twain {
	t.Helper()
	// The broker begins before the address is known that the shovels dial, so it
	// has the files of another engine, with the same CA.
	first, _ := initiate(t, topology.Options{URL: "amqps://127.0.0.1/first", ServerNames: []string{"127.0.0.1"}, Probes: []string{"fra/1"}})
	s := &twain{dir: t.TempDir(), home: brokertest.Start(t, brokertest.Options{TLS: &brokertest.TLS{
		CA: read(t, first, "ca.pem"), Cert: read(t, first, "broker", "server.pem"), Key: read(t, first, "broker", "server.key"), Clients: true}})}
	for _, name := range []string{"ca.pem", "ca.key"} {
		if err := os.WriteFile(filepath.Join(s.dir, name), read(t, first, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.way = brokertest.StartProxy(t, s.home.TLSAddr())
	all := topology.Options{Dir: s.dir, URL: "amqps://" + s.way.Addr() + "/lookout", ServerNames: []string{"127.0.0.1"}, Probes: []string{"fra/1"}}
	initiate(t, all)
	all.ServerNames, all.Shovel, all.Probes = nil, "amqp://127.0.0.1:1/lookout", []string{"syd/1", "syd/2"}
	_, s.plan = initiate(t, all)
	if err := s.home.Import(t.Context(), read(t, s.dir, "broker", "definitions.json")); err != nil {
		t.Fatal(err)
	}
	definitions := strings.ReplaceAll(string(read(t, s.dir, "broker.syd", "definitions.json")),
		url.QueryEscape(topology.SecretsAt), url.QueryEscape(filepath.Join(s.dir, "broker.syd")))
	s.far = brokertest.Start(t, brokertest.Options{Plugins: []string{"rabbitmq_shovel"}, Definitions: []byte(definitions)})
	// One for each kind of what comes, for the location and for the two probes.
	within(t, "the shovels are connected", func() bool { return s.way.Accepted() >= 4+1+2 })
	return s
}

func TestShovel(t *testing.T) {
	s := twoBrokers(t)
	t.Run("one of everything", s.sendAll)
	t.Run("a request that is too late", s.tooLate)
}

// sendAll sends one of everything across.
func (s *twain) sendAll(t *testing.T) {
	dir, plan, home, far := s.dir, s.plan, s.home, s.far
	engine, _ := linked(t, home.URL("", "", "lookout"), plan.Engine.Name, password(t, dir, "engine"), nil)
	probe, _ := linked(t, far.URL("", "", "lookout"), "lookout.syd.1", password(t, dir, "syd-1"), nil)
	got := make(chan link.Delivery, 16) // from consumers to the test, which sends fewer
	take := func(on *link.Link, queue string) (cancel func()) {
		return on.Consume(link.Consumer{Queue: queue, Prefetch: 1, Take: func(d link.Delivery) {
			d.Done(true)
			got <- d
		}})
	}
	send := func(from *link.Link, m link.Message) link.Delivery {
		t.Helper()
		done := make(chan error, 1)
		from.Publish(m, func(err error) { done <- err })
		if err := <-done; err != nil {
			t.Fatalf("publish %s to %s: %v", m.Key, m.Exchange, err)
		}
		select {
		case d := <-got:
			return d
		case <-time.After(patience):
			t.Fatalf("%s to %s did not arrive", m.Key, m.Exchange)
			return link.Delivery{}
		}
	}
	for _, q := range topology.EngineQueues() {
		take(engine, q)
	}
	take(probe, "probe.syd.1")

	// Nobody there can run it: that comes back too.
	d := send(engine, link.Message{Exchange: topology.Ask, Key: "syd", Type: topology.TypeRequest, ID: "q1", Body: []byte("frame"), Now: true})
	if d.Key != "syd" || d.Type != topology.TypeRequest || d.ID != "q1" || d.Dead != "expired" || d.DeadQueue != "loc.syd" || string(d.Body) != "frame" {
		t.Errorf("what nobody could run: %+v", d)
	}
	take(probe, "loc.syd")
	within(t, "the probe takes requests", func() bool {
		trial := login(t, far, "lookout.syd.2", password(t, dir, "syd-2"), "lookout")
		defer trial.Close()
		_, consumers, err := trial.Queue("loc.syd")
		return err == nil && consumers == 1
	})
	for _, m := range []struct {
		from *link.Link
		link.Message
	}{
		{engine, link.Message{Exchange: topology.Down, Key: "syd.1", Type: topology.TypeManifest, ID: "m1", Body: []byte("manifest")}},
		{engine, link.Message{Exchange: topology.Ask, Key: "syd", Type: topology.TypeRequest, ID: "q2", Body: []byte("request"), Now: true}},
		{probe, link.Message{Exchange: topology.Up, Key: "hello.syd.1", Type: topology.TypeHello, ID: "h1", Body: []byte("hello")}},
		{probe, link.Message{Exchange: topology.Up, Key: "reply.syd.1", Type: topology.TypeReply, ID: "r1", Body: []byte("reply")}},
		{probe, link.Message{Exchange: topology.Up, Key: "result.syd.1", Type: topology.TypeResult, ID: "b1", Body: []byte("results"), Encoding: "zstd", Durable: true}},
	} {
		d := send(m.from, m.Message)
		if d.Key != m.Key || d.Type != m.Type || d.ID != m.ID || d.Encoding != m.Encoding || string(d.Body) != string(m.Body) || d.Dead != "" {
			t.Errorf("sent %+v, got %+v", m.Message, d)
		}
	}
}

// counted is a check that counts how often it was begun; nil: it does not.
type counted struct{ begun *atomic.Int64 }

func (c counted) Check(context.Context) uptime.Result {
	if c.begun != nil {
		c.begun.Add(1)
	}
	return uptime.Result{Outcome: uptime.OutcomeUp, Total: time.Millisecond}
}

// watch is a log that notes a word.
type watch struct {
	slog.Handler
	word string
	seen *atomic.Int64
}

func (w watch) Handle(ctx context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if strings.Contains(a.Value.String(), w.word) {
			w.seen.Add(1)
		}
		return true
	})
	return w.Handler.Handle(ctx, r)
}

// anchored is a line that works.
type anchored struct{}

func (anchored) Try(context.Context, uptime.Anchor) uptime.Answer { return uptime.AnswerGood }

// store takes what a dispatcher delivers.
type store struct {
	found atomic.Int64
	notes chan string
}

func (s *store) Deliver(_ context.Context, d uptime.Delivery, done func(error)) error {
	s.found.Add(int64(len(d.Found)))
	done(nil)
	return nil
}

func (s *store) Note(_ context.Context, e uptime.Event) error {
	select {
	case s.notes <- e.Message:
	default: // only for whom the test fails
	}
	return nil
}

// tooLate has an engine and a probe on two brokers work together, cuts
// the way between the brokers while a request is on it, and lets it through too
// late. The broker gives it its time to live anew; the probe does not begin it.
func (both *twain) tooLate(t *testing.T) {
	dir, plan, home, far, way := both.dir, both.plan, both.home, both.far, both.way
	block, _ := pem.Decode(read(t, dir, "engine", "signing.key"))
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	key := parsed.(ed25519.PrivateKey)
	var expired atomic.Int64
	log := slog.New(watch{slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}), wire.ErrExpired.Error(), &expired})

	// shop is asked about alone, so each of its checks is a request's.
	made := func(name string, every time.Duration) uptime.Job {
		m := &uptime.Monitor{Name: name, Type: "tcp", Target: "tcp://192.0.2.1:1", Dest: "192.0.2.1:1", Interval: every, Timeout: time.Second, Locations: []string{"syd"}}
		return uptime.Job{Monitor: m, Portable: &uptime.Portable{URL: m.Target, IP: "any"}}
	}
	shop, regular := made("shop", time.Hour), made("regular", 5*time.Second)
	place := uptime.Place{Location: "syd"}
	toHome, _ := linked(t, home.URL("", "", "lookout"), plan.Engine.Name, password(t, dir, "engine"), nil)
	s := &store{notes: make(chan string, 100)}
	d := dispatch.New(dispatch.Options{Vhost: "lookout", Key: key, Locations: []uptime.Place{place}, Broker: toHome, Log: log})
	d.Serve(s)
	d.Assign([]dispatch.Assignment{{Number: 1, Job: regular}})
	running(t, d.Run)

	var begun atomic.Int64
	codec := wire.New()
	results, err := spool.Open(t.TempDir(), spool.Options{Codec: codec})
	if err != nil {
		t.Fatal(err)
	}
	up := make(chan struct{}, 1) // that the probe's link is there, until the worker is
	toFar, _ := linked(t, far.URL("", "", "lookout"), "lookout.syd.1", password(t, dir, "syd-1"), func() { up <- struct{}{} })
	w, err := worker.New(worker.Options{
		Place: wire.Place{Vhost: "lookout", Location: "syd", Probe: "1"}, Key: key.Public().(ed25519.PublicKey), Dir: t.TempDir(), Broker: toFar, Spool: results,
		Build: func(name, checkType string, p uptime.Portable, interval, timeout, _ time.Duration) (uptime.Job, []uptime.Mistake) {
			return uptime.Job{Monitor: &uptime.Monitor{Name: name, Type: checkType, Target: p.URL, Dest: p.URL, Interval: interval, Timeout: timeout}, Checker: counted{map[string]*atomic.Int64{"shop": &begun}[name]}}, nil
		},
		Runner: &probes.Runner{Location: "syd"}, Outside: anchored{}, BrokerAddr: far.Addr(), Anchors: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:53")}, Types: []string{"tcp"}, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	<-up
	running(t, w.Run)
	w.Up()
	within(t, "the probe is live", func() bool {
		places, _ := d.Places(shop.Monitor)
		return len(places) == 1
	})

	ask := func(most time.Duration) <-chan uptime.Result {
		answer := make(chan uptime.Result, 1) // from the dispatcher, which gives one or none
		d.Ask(shop, place, most, func(r uptime.Result) { answer <- r })
		return answer
	}
	// answered asks until the probe has a hand free, which it says by an answer without a time.
	answered := func() {
		t.Helper()
		within(t, "an answer", func() bool {
			select {
			case r := <-ask(10 * time.Second):
				if !r.Time.IsZero() && (r.Outcome != uptime.OutcomeUp || r.Location != "syd") {
					t.Fatalf("the answer: %+v", r)
				}
				return !r.Time.IsZero()
			case <-time.After(10 * time.Second):
				return false
			}
		})
	}
	answered()
	if n := begun.Load(); n != 1 {
		t.Errorf("one request began %d checks", n)
	}
	within(t, "the result of a regular check came", func() bool { return s.found.Load() > 0 })

	// What is on the way when it is cut.
	const most = 2 * time.Second
	way.Stall()
	late := ask(most)
	<-time.After(most + time.Second) // how long it is cut
	way.Pass()
	within(t, "the probe refuses a request that has expired", func() bool { return expired.Load() > 0 })
	answered()
	if n := begun.Load(); n != 2 {
		t.Errorf("%d checks were begun for 2 requests that came in time", n)
	}
	select {
	case r := <-late:
		if !r.Time.IsZero() {
			t.Errorf("a late request was answered: %+v", r)
		}
	default:
	}
}
