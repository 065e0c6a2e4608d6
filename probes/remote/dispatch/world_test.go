package dispatch

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/topology"
	"lookout/probes/wire"
)

// world is a dispatcher with its broker, engine and probes.
type world struct {
	t      *testing.T
	b      *memory
	e      *engineFake
	d      *Dispatcher
	log    *lines
	vhost  string // of its sites
	public ed25519.PublicKey
	key    ed25519.PrivateKey
	stop   func()
	probes []*probeFake
}

var places = []uptime.Place{{Location: "fra", Network: "a"}, {Location: "nyc", Network: "b"}, {Location: "sgp", Network: "c"}}

// newWorld makes one, in a bubble, that is not running.
func newWorld(t *testing.T) *world {
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, vhost: vhost, e: new(engineFake), public: public, key: key, b: newMemory(time.Now(), "fra", "nyc", "sgp"), log: new(lines)}
	w.d = New(Options{Vhost: vhost, URL: "amqps://probe.example.com/lookout", Software: "1.4.2", Key: key, Locations: places, Broker: w.b,
		Log: slog.New(slog.NewTextHandler(w.log, nil))})
	w.d.Serve(w.e)
	w.d.Assign(nil)
	return w
}

// lines is a log.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, string(b))
	return len(b), nil
}

// with are those that have some words.
func (l *lines) with(words string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.all {
		if strings.Contains(line, words) {
			found = append(found, line)
		}
	}
	return found
}

func (w *world) run() {
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan struct{}) // Run → stop; closed
	go func() {
		defer close(ended)
		if err := w.d.Run(ctx); !errors.Is(err, context.Canceled) {
			w.t.Errorf("Run: %v", err)
		}
	}()
	w.stop = func() {
		for _, p := range w.probes {
			p.end()
		}
		cancel()
		<-ended
	}
}

// inWorld runs a test in a bubble, with a dispatcher that ends before it.
func inWorld(t *testing.T, f func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.run()
		defer func() { w.stop() }() // of the last one that ran
		f(t, w)
	})
}

// add makes a probe and starts it.
func (w *world) add(id string) *probeFake {
	p := w.make(id)
	p.start()
	return p
}

func (w *world) make(id string) *probeFake {
	at, name, _ := strings.Cut(id, "/")
	codec := wire.New()
	p := &probeFake{t: w.t, b: w.b, at: at, name: name, codec: codec, outcome: uptime.OutcomeUp,
		check:  wire.Verifier{Codec: codec, Key: w.public, Place: wire.Place{Vhost: vhost, Location: at, Probe: name}},
		chunks: make(map[wire.Hash][]wire.Monitor), epoch: 7, next: 1, stop: make(chan struct{}),
		hello: wire.Hello{Majors: []uint8{1}, Free: 100, Software: "1.4.2"}}
	w.b.queue(topology.ProbeQueue(at, name))
	w.probes = append(w.probes, p)
	return p
}

// monitors are assignments, all of them asked everywhere and checked regularly in fra.
func monitors(n int) []Assignment {
	out := make([]Assignment, n)
	for i := range out {
		out[i] = assignment(uint32(i))
	}
	return out
}

func assignment(number uint32) Assignment {
	name := fmt.Sprintf("site-%d", number)
	url := fmt.Sprintf("https://www.%d.example.com/", number)
	return Assignment{number, uptime.Job{
		Monitor: &uptime.Monitor{Name: name, Type: "http", Target: url, Interval: time.Minute, Timeout: 10 * time.Second,
			Locations: []string{uptime.Local, "fra"}, Fingerprint: uint64(number) + 1},
		Portable: &uptime.Portable{URL: url, IP: "any", Zone: "UTC", Expect: map[string]any{"status": []string{"200-299"}}},
	}}
}

func (w *world) probe(id string) uptime.Probe {
	_, all := w.d.Status()
	for _, p := range all {
		if p.ID() == id {
			return p
		}
	}
	return uptime.Probe{}
}

// is waits for a second and tells whether a probe is in a state.
func (w *world) is(id string, want uptime.ProbeState) {
	w.t.Helper()
	if p := w.probe(id); p.State != want {
		w.t.Errorf("%s is %v (%s), not %v", id, p.State, p.Why, want)
	}
}

func (w *world) asks() string {
	places, _ := w.d.Places(nil)
	var out []string
	for _, p := range places {
		out = append(out, p.Location)
	}
	return strings.Join(out, " ")
}
