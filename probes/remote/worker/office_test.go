package worker

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
	"lookout/probes"
	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
	"lookout/probes/spool"
	"lookout/probes/wire"
)

// office is an engine and a broker in memory, as one probe sees them.
type office struct {
	t      *testing.T
	codec  *wire.Codec
	signer wire.Signer
	place  wire.Place
	dir    string

	mu        sync.Mutex
	consumers map[string]link.Consumer
	said      []said2
	lost      error // what becomes of what is published; nil: it is confirmed
	checks    []time.Time
	names     []string
	check     func(ctx context.Context, name string) uptime.Result
	anchors   uptime.Answer
}

type said2 struct {
	link.Message
	at time.Time
}

func newOffice(t *testing.T) *office {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	codec := wire.New()
	return &office{
		t: t, codec: codec, signer: wire.Signer{Codec: codec, Key: key}, dir: t.TempDir(),
		place:     wire.Place{Vhost: "web-1", Location: "fra", Probe: "a"},
		consumers: make(map[string]link.Consumer),
		check: func(context.Context, string) uptime.Result {
			return uptime.Result{Outcome: uptime.OutcomeUp, Total: 20 * time.Millisecond}
		},
		anchors: uptime.AnswerGood,
	}
}

func (o *office) Publish(m link.Message, done func(error)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	err := o.lost
	if err == nil {
		o.said = append(o.said, said2{m, time.Now()})
	}
	go done(err)
}

func (o *office) Consume(c link.Consumer) (cancel func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.consumers[c.Queue] = c
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.consumers, c.Queue)
	}
}

func (o *office) lose(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lost = err
}

const goodFor = 30 * time.Minute

var errAway = errors.New("not connected")

// Check is the checker of every monitor, by its name.
type checker struct {
	o    *office
	name string
}

func (c checker) Check(ctx context.Context) uptime.Result {
	c.o.mu.Lock()
	c.o.checks, c.o.names = append(c.o.checks, time.Now()), append(c.o.names, c.name)
	check := c.o.check
	c.o.mu.Unlock()
	return check(ctx, c.name)
}

func (o *office) Try(context.Context, uptime.Anchor) uptime.Answer {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.anchors
}

func (o *office) build(name, checkType string, p uptime.Portable, interval, timeout, degradedAbove time.Duration) (uptime.Job, []uptime.Mistake) {
	if checkType != "tcp" {
		return uptime.Job{}, []uptime.Mistake{{Message: "no such type here"}}
	}
	m := &uptime.Monitor{Name: name, Type: checkType, Target: p.URL, Dest: p.URL, Interval: interval, Timeout: timeout}
	return uptime.Job{Monitor: m, Checker: checker{o, name}}, nil
}

// probe is a worker that runs.
type probe struct {
	*Worker
	spool *spool.Spool
	stop  func()
}

// start starts a probe in the folder of the office; change may be nil.
func (o *office) start(change func(*Options)) *probe {
	o.t.Helper()
	s, err := spool.Open(o.dir+"/spool", spool.Options{Codec: o.codec})
	if err != nil {
		o.t.Fatal(err)
	}
	opt := Options{
		Place: o.place, Key: o.signer.Key.Public().(ed25519.PublicKey), Dir: o.dir, Software: "test", Broker: o, Spool: s,
		Build: o.build, Runner: &probes.Runner{Location: "fra"}, Outside: o,
		Anchors: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:53"), netip.MustParseAddrPort("192.0.2.2:53")},
		Types:   []string{"tcp"}, Capacity: 500, Log: slog.New(slog.NewTextHandler(o.t.Output(), nil)),
	}
	if change != nil {
		change(&opt)
	}
	w, err := New(opt)
	if err != nil {
		o.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	w.Up()
	synctest.Wait()
	return &probe{w, s, func() {
		o.t.Helper()
		cancel()
		if err := <-ended; err != nil {
			o.t.Error(err)
		}
		if err := s.Close(); err != nil {
			o.t.Error(err)
		}
	}}
}

// deliver puts a message into a queue, and reports whether it was obeyed.
func (o *office) deliver(queue, messageType string, body []byte) bool {
	o.t.Helper()
	o.mu.Lock()
	c, ok := o.consumers[queue]
	o.mu.Unlock()
	if !ok {
		o.t.Fatalf("nobody consumes %s", queue)
	}
	settled := make(chan bool, 1)
	c.Take(link.Delivery{Type: messageType, Body: body, Done: func(taken bool) { settled <- taken }})
	synctest.Wait()
	return <-settled
}

func (o *office) consumes(queue string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, ok := o.consumers[queue]
	return ok
}

func (o *office) own() string { return topology.ProbeQueue(o.place.Location, o.place.Probe) }

func (o *office) shared() string { return topology.LocationQueue(o.place.Location) }

// seal is for the probe, good for half an hour: virtual time costs real time.
func (o *office) seal(v wire.Version) wire.Seal {
	var n wire.Nonce
	rand.Read(n[:])
	return wire.Seal{Place: o.place, Version: v, NotAfter: time.Now().Add(goodFor), Nonce: n}
}

// assign gives the probe a version with chunks of monitors, for the probes that are live.
func (o *office) assign(v wire.Version, live []string, chunks ...[]wire.Monitor) {
	o.t.Helper()
	var hashes []wire.Hash
	var frames [][]byte
	for _, monitors := range chunks {
		f := o.chunk(monitors)
		frames, hashes = append(frames, f), append(hashes, wire.HashOf(f))
	}
	if !o.deliver(o.own(), topology.TypeManifest, o.manifest(wire.Manifest{Seal: o.seal(v), Major: wire.Major, Chunks: hashes, Live: live})) {
		o.t.Fatal("the manifest is refused")
	}
	for _, f := range frames {
		if !o.deliver(o.own(), topology.TypeChunk, f) {
			o.t.Fatal("the chunk is refused")
		}
	}
}

func (o *office) manifest(m wire.Manifest) []byte { return o.must(o.signer.Manifest(m)) }

func (o *office) chunk(monitors []wire.Monitor) []byte {
	return o.must(o.signer.Chunk(wire.Chunk{Vhost: o.place.Vhost, Location: o.place.Location, Monitors: monitors}))
}

// request is one that is good for ten seconds; change may be nil.
func (o *office) request(change func(*wire.Request)) []byte {
	q := wire.Request{Seal: o.seal(version(1, 1))}
	q.Probe, q.NotAfter = "", time.Now().Add(10*time.Second)
	if change != nil {
		change(&q)
	}
	return o.must(o.signer.Request(q))
}

func (o *office) must(frame []byte, err error) []byte {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
	return frame
}

// heard are the frames of a kind that the broker has, read.
func heard[T any](o *office, messageType string, read func([]byte) (T, error)) (all []T) {
	o.t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, m := range o.said {
		if m.Type != messageType {
			continue
		}
		v, err := read(m.Body)
		if err != nil {
			o.t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

func (o *office) batches() []wire.Batch { return heard(o, "", o.codec.ReadBatch) }

func (o *office) hellos() []wire.Hello { return heard(o, topology.TypeHello, o.codec.ReadHello) }

func (o *office) replies() []wire.Reply { return heard(o, topology.TypeReply, o.codec.ReadReply) }

func (o *office) answers() []wire.Answer { return heard(o, topology.TypeAnswer, o.codec.ReadAnswer) }

func (o *office) rows() (all []wire.Row) {
	for _, b := range o.batches() {
		all = append(all, b.Rows...)
	}
	return all
}

// ran is when each monitor was checked.
func (o *office) ran() map[string][]time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := make(map[string][]time.Time)
	for i, name := range o.names {
		all[name] = append(all[name], o.checks[i])
	}
	return all
}

func (o *office) set(change func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change()
}

// after lets time pass.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func version(engine, counter uint64) wire.Version {
	return wire.Version{Engine: engine, Counter: counter}
}

// regular makes monitors that are checked each minute.
func regular(from, to uint32) (all []wire.Monitor) {
	for n := from; n < to; n++ {
		name := "m" + string(rune('a'+n%26)) + "-" + time.Duration(n).String()
		all = append(all, wire.Monitor{Number: n, Name: name, Type: "tcp", URL: "tcp://" + name, Interval: time.Minute, Timeout: 10 * time.Second, Regular: true})
	}
	return all
}

func asked(monitors []wire.Monitor) []wire.Monitor {
	monitors = slices.Clone(monitors)
	for i := range monitors {
		monitors[i].Asked, monitors[i].Regular = true, false
	}
	return monitors
}

// bubble runs a test in virtual time.
func bubble(t *testing.T, run func(t *testing.T, o *office)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { run(t, newOffice(t)) })
}
