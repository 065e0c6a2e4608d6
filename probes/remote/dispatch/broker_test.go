package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/brokertest"
	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
)

const (
	password = "a-password-of-tests"
	patient  = 90 * time.Second // for what must come; it fails a test that would hang
)

// vhosts are those of the tests that have an engine over a broker: one each.
var vhosts = []string{vhost, "asks", "edits"}

// shared is the broker of this package's tests.
var shared = sync.OnceValue(func() *brokertest.Shared {
	all := make(map[string]any)
	for _, v := range vhosts {
		plan := topology.Plan{Version: 1, Vhost: v, URL: "amqp://127.0.0.1/" + v,
			Engine: topology.User{Name: topology.EngineUser(v), Hash: topology.HashPassword(password)}}
		for _, id := range []string{"fra/1", "fra/2", "nyc/1"} {
			at, name, _ := strings.Cut(id, "/")
			plan.Probes = append(plan.Probes, topology.Probe{Location: at, Name: name,
				User: topology.User{Name: topology.ProbeUser(v, at, name), Hash: topology.HashPassword(password)}})
		}
		text, err := plan.Definitions()
		if err != nil {
			panic(err)
		}
		var its map[string]any
		if err := json.Unmarshal(text, &its); err != nil {
			panic(err)
		}
		for key, value := range its {
			if more, ok := value.([]any); ok {
				before, _ := all[key].([]any)
				value = append(before, more...)
			}
			all[key] = value
		}
	}
	definitions, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return &brokertest.Shared{Options: brokertest.Options{Definitions: definitions}}
})

func TestMain(m *testing.M) {
	code := m.Run()
	shared().Close()
	os.Exit(code)
}

// connect makes a link that runs until the test ends.
func connect(t *testing.T, url, user string, up func()) (l *link.Link, stop func()) {
	t.Helper()
	l = link.New(link.Options{URL: url, Username: user, Password: password, Name: user, Up: up})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1) // Run → stop; one slot
	go func() { ended <- l.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	return l, stop
}

// until waits for something that must come.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patient); !is(); {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestOverBroker has workers and a dispatcher meet over a real broker, with the
// permissions that are theirs: they join, share work, send results, answer, and
// say that nobody can; and the broker is killed.
func TestOverBroker(t *testing.T) {
	t.Parallel()
	b := shared().Broker(t)
	url := b.URL("", "", vhost)
	w := newWorld(t)
	l, unlink := connect(t, url, topology.EngineUser(vhost), nil)
	w.d = New(Options{Vhost: vhost, URL: url, Software: "1.4.2", Key: w.key, Locations: places[:2], Broker: l})
	w.d.Serve(w.e)
	const n = 40
	as := monitors(n)
	for i := range as {
		as[i].Job.Interval = time.Second
	}
	w.d.Assign(as)
	w.run()

	i := newInternet()
	var sites []*site
	for _, id := range [][2]string{{"fra", "1"}, {"fra", "2"}, {"nyc", "1"}} {
		var s *site
		ready := make(chan struct{}) // us → the link; closed when there is a worker
		pl, stop := connect(t, url, topology.ProbeUser(vhost, id[0], id[1]), func() { <-ready; s.worker.Up() })
		s = w.site(pl, i, id[0], id[1], t.TempDir())
		close(ready)
		end := s.end
		s.end = func() { end(); stop() }
		sites = append(sites, s)
		t.Cleanup(s.end)
	}
	live := func(ids ...string) func() bool {
		return func() bool {
			return !slices.ContainsFunc(ids, func(id string) bool { return w.probe(id).State != uptime.ProbeLive })
		}
	}
	until(t, "all three are live", live("fra/1", "fra/2", "nyc/1"))
	if got := w.asks(); got != "fra nyc" {
		t.Errorf("asks %q", got)
	}
	until(t, "both probes of fra send results", func() bool {
		rows := make(map[string]int)
		for _, d := range w.e.delivered() {
			rows[d.Probe] += len(d.Found)
		}
		return rows["fra/1"] >= 10 && rows["fra/2"] >= 10
	})

	ask := func(at int) string {
		h := new(heard)
		w.d.Ask(as[5].Job, places[at], 5*time.Second, h.take)
		got := "nothing"
		until(t, "an answer", func() bool { _, got = h.one(); return got != "nothing" })
		return got
	}
	for at := range 2 {
		if got := ask(at); got != "up" {
			t.Errorf("%s says %s", places[at].Location, got)
		}
	}
	i.with(func() { i.down["site-5"] = true })
	if got := ask(1); got != "down" {
		t.Errorf("nyc says %s", got)
	}

	t.Run("a second engine keeps out of the way", func(t *testing.T) {
		l2, _ := connect(t, url, topology.EngineUser(vhost), nil)
		d2 := New(Options{Vhost: vhost, Key: w.key, Locations: places[:2], Broker: l2})
		d2.Serve(new(engineFake))
		d2.Assign(nil)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1) // Run → us; one slot
		go func() { ended <- d2.Run(ctx) }()
		until(t, "it says so", func() bool {
			b, _ := d2.Status()
			return strings.Contains(b.Error, "another engine")
		})
		cancel()
		<-ended
	})

	t.Run("nobody is there any more", func(t *testing.T) {
		// The probe of nyc stops consuming without a goodbye, as one that is cut off does.
		w.d.box.put(func(time.Time) { // it was live until just now
			w.d.locations["sgp"] = &location{Place: places[2], set: new(set), probes: map[string]*probe{}, voters: 1}
		})
		h := new(heard)
		w.d.Ask(as[5].Job, places[2], 5*time.Second, h.take)
		until(t, "a word", func() bool { _, got := h.one(); return got != "nothing" })
		if _, got := h.one(); !strings.Contains(got, "the broker has no queue loc.sgp") {
			t.Error(got)
		}
	})

	for _, s := range sites {
		s.end()
	}
	until(t, "they said goodbye", func() bool {
		return !slices.ContainsFunc([]string{"fra/1", "fra/2", "nyc/1"}, func(id string) bool { return w.probe(id).State != uptime.ProbeGone })
	})
	const asked = 3 // checks that were no regular ones
	until(t, "every check was delivered", func() bool { rows, _, _ := w.applied(); return rows == i.ran-asked })
	if rows, again, _ := w.applied(); rows != i.ran-asked {
		t.Errorf("%d results of %d checks, %d again", rows, i.ran-asked, again)
	}
	w.stop()
	unlink()
}

// TestNobodyTakes asks over a real broker where a queue has no consumer: that
// comes back at once.
func TestNobodyTakes(t *testing.T) {
	t.Parallel()
	const vhost = "asks"
	b := shared().Broker(t)
	url := b.URL("", "", vhost)
	w := newWorld(t)
	l, unlink := connect(t, url, topology.EngineUser(vhost), nil)
	w.d = New(Options{Vhost: vhost, Key: w.key, Locations: places[:2], Broker: l})
	w.d.Serve(w.e)
	w.d.Assign(nil)
	w.run()
	until(t, "the broker", func() bool { b, _ := w.d.Status(); return b.Connected })
	w.d.box.put(func(time.Time) { w.d.locations["nyc"].voters = 1 }) // it was live until just now
	for n := range 50 {
		h := new(heard)
		w.d.Ask(assignment(uint32(n)).Job, places[1], 30*time.Second, h.take)
		var got string
		until(t, "a word", func() bool { _, got = h.one(); return got != "nothing" })
		if got != "nobody: no probe of nyc could begin it" {
			t.Fatal(got)
		}
	}
	w.stop()
	unlink()
}
