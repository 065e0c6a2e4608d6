package dispatch

import (
	"crypto/ed25519"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/topology"
	"lookout/probes/wire"
)

// TestEditCostsOneChunk: what does not change is not sent again, after a restart neither.
func TestEditCostsOneChunk(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		as := monitors(3000)
		w.d.Assign(as)
		time.Sleep(time.Second)
		p := w.add("fra/1")
		time.Sleep(20 * time.Second)
		w.is("fra/1", uptime.ProbeLive)
		chunks := w.b.counted(topology.TypeChunk)
		if chunks != 12 {
			t.Errorf("3,000 monitors are %d chunks", chunks)
		}
		change := func(name string, want int, f func()) {
			t.Helper()
			obeys := func() (v wire.Version) { p.with(func() { v = p.obeys }); return v }
			before, obeyed := w.b.counted(topology.TypeChunk), obeys()
			f()
			w.d.Assign(as)
			time.Sleep(time.Second)
			if n := w.b.counted(topology.TypeChunk) - before; n != want {
				t.Errorf("%s: %d chunks were sent, not %d", name, n, want)
			}
			if now := obeys(); (now != obeyed) != (want > 0) {
				t.Errorf("%s: it obeys %v, before %v", name, now, obeyed)
			}
		}
		edit := func(number int, f func(*uptime.Monitor)) {
			a := assignment(uint32(number))
			f(a.Job.Monitor)
			a.Job.Fingerprint += 1 << 32
			as[number] = a
		}
		change("nothing", 0, func() {})
		change("everything read again", 0, func() { as = monitors(3000) })
		change("an interval", 1, func() { edit(1234, func(m *uptime.Monitor) { m.Interval = 5 * time.Second }) })
		change("a note", 0, func() { edit(1234, func(m *uptime.Monitor) { m.Interval, m.Note = 5*time.Second, "x" }) })
		change("another name", 1, func() { edit(7, func(m *uptime.Monitor) { m.Name = "renamed" }) })
		change("one less", 1, func() { as = slices.Delete(as, 2000, 2001) })
		change("another resolver", 1, func() {
			a := assignment(700)
			a.Job.Portable.Source = "192.0.2.7"
			as[700] = a
		})
		change("one that is not asked and not checked elsewhere", 1, func() { edit(900, func(m *uptime.Monitor) { m.Alone, m.Locations = "it is not", nil }) })
		w.d.Assign(nil)
		time.Sleep(time.Second)
		p.with(func() {
			if len(p.wanted) != 0 {
				t.Errorf("%d chunks are still in force", len(p.wanted))
			}
		})
	})
}

// TestPause: who is paused is checked nowhere, and known all the same; many
// pauses are told at once.
func TestPause(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.d.Pause("site-3", true)
		w.d.Assign(monitors(600))
		p := w.add("fra/1")
		time.Sleep(20 * time.Second)
		count := func() (n int) {
			p.with(func() {
				for _, hash := range p.wanted {
					n += len(p.chunks[hash])
				}
			})
			return n
		}
		manifests := w.b.counted(topology.TypeManifest)
		if n := count(); n != 599 || w.b.counted(topology.TypeChunk) != 3 {
			t.Errorf("%d monitors, %d chunks were sent", n, w.b.counted(topology.TypeChunk))
		}
		for i := range 300 {
			w.d.Pause(fmt.Sprintf("site-%d", i), true)
			w.d.Pause("site-no", i%2 == 0)
		}
		time.Sleep(3 * time.Second)
		if n := count(); n != 300 || w.b.counted(topology.TypeManifest) != manifests+1 {
			t.Errorf("%d monitors, %d manifests", n, w.b.counted(topology.TypeManifest)-manifests)
		}
		if x := w.probe("fra/1"); x.Monitors != 300 {
			t.Errorf("%d monitors", x.Monitors)
		}
		p.with(func() { p.rows = []wire.Row{p.row(7, uptime.OutcomeUp)} }) // it was on its way
		p.flush()
		h := new(heard)
		w.d.Ask(assignment(7).Job, places[0], 5*time.Second, h.take) // somebody wants to know all the same
		time.Sleep(time.Second)
		if all := w.e.delivered(); len(all) != 1 || all[0].Found[0].Result.Monitor != "site-7" {
			t.Errorf("%+v", all)
		}
		p.with(func() {
			if _, got := h.one(); got != "up" || len(p.started) != 1 || p.started[0].name != "site-7" {
				t.Errorf("%s, %+v", got, p.started)
			}
		})
		chunks := w.b.counted(topology.TypeChunk)
		for i := range 300 {
			w.d.Pause(fmt.Sprintf("site-%d", i), false)
		}
		time.Sleep(3 * time.Second)
		if n := count(); n != 600 || w.b.counted(topology.TypeChunk) != chunks+2 {
			t.Errorf("%d monitors, %d chunks were sent", n, w.b.counted(topology.TypeChunk)-chunks)
		}
	})
}

// TestManyChunks: a probe that knows nothing has all of a large fleet in seconds.
func TestManyChunks(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.d.Assign(monitors(60_000)) // 235 chunks
		p := w.add("fra/1")
		time.Sleep(30 * time.Second)
		w.is("fra/1", uptime.ProbeLive)
		p.with(func() {
			if n := w.b.counted(topology.TypeHello); n > 235/15+4 || len(p.chunks) != 235 {
				t.Errorf("%d chunks after %d hellos", len(p.chunks), n)
			}
		})
	})
}

// TestLargeChunks: what is too large for a frame is cut, and what cannot travel
// keeps nothing else back.
func TestLargeChunks(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		random := rand.New(rand.NewPCG(1, 2))
		noise := func(n int) []byte {
			b := make([]byte, n)
			for i := range b {
				b[i] = byte(random.Uint32())
			}
			return b
		}
		as := monitors(256)
		for i := range as {
			as[i].Job.Portable.Values = map[string]any{"body_file": noise(10_000)}
		}
		as[77].Job.Portable.Values = map[string]any{"body_file": noise(2 << 20)}
		as[78].Job.Name = "\x1b[31m"
		w.d.Assign(as)
		p := w.add("fra/1")
		time.Sleep(20 * time.Second)
		w.is("fra/1", uptime.ProbeLive)
		p.with(func() {
			n := 0
			for _, c := range p.chunks {
				n += len(c)
			}
			if n != 254 || len(p.chunks) < 3 {
				t.Errorf("%d monitors in %d chunks", n, len(p.chunks))
			}
		})
	})
}

// TestPurposes: what a location has to do with a monitor.
func TestPurposes(t *testing.T) {
	travels := &uptime.Portable{}
	for _, tc := range []struct {
		name           string
		job            uptime.Job
		regular, asked bool
	}{
		{"by default", uptime.Job{Monitor: &uptime.Monitor{}, Portable: travels}, false, true},
		{"it does not travel", uptime.Job{Monitor: &uptime.Monitor{Locations: []string{"fra"}}}, false, false},
		{"checked there", uptime.Job{Monitor: &uptime.Monitor{Locations: []string{"fra", "local"}}, Portable: travels}, true, true},
		{"checked there, asked elsewhere", uptime.Job{Monitor: &uptime.Monitor{Locations: []string{"fra"}, ConfirmFrom: []string{"nyc"}}, Portable: travels}, true, false},
		{"judged alone", uptime.Job{Monitor: &uptime.Monitor{Alone: "confirm_from names nobody"}, Portable: travels}, false, false},
		{"nobody else can witness it", uptime.Job{Monitor: &uptime.Monitor{Locations: []string{"fra"}, Rule: uptime.Rule{Plain: true}}, Portable: travels}, true, false},
		{"so many in a row", uptime.Job{Monitor: &uptime.Monitor{Rule: uptime.Rule{Consecutive: true}}, Portable: travels}, false, false},
	} {
		if regular, asked := purposes(tc.job, "fra"); regular != tc.regular || asked != tc.asked {
			t.Errorf("%s: regular %v, asked %v", tc.name, regular, asked)
		}
	}
}

// TestLocate: a location that is configured later is heard, and one that is no longer is not.
func TestLocate(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.d.Assign(monitors(10))
		w.add("fra/1")
		w.b.queue(topology.LocationQueue("par"))
		w.add("par/1")
		time.Sleep(20 * time.Second)
		if said := w.e.said("par/1"); w.asks() != "fra" || len(said) != 1 || !strings.Contains(said[0], "no [[location]] is called par") {
			t.Errorf("asks %q, %q", w.asks(), said)
		}
		w.d.Locate([]uptime.Place{{Location: "par", Network: "d"}})
		w.d.Assign(monitors(10))
		time.Sleep(2 * time.Minute)
		if _, all := w.d.Status(); w.asks() != "par" || len(all) != 1 {
			t.Errorf("asks %q, %+v", w.asks(), all)
		}
	})
}

// BenchmarkAssign is what 180,000 monitors cost at the start and when one of
// them is edited, for three locations.
func BenchmarkAssign(b *testing.B) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		b.Fatal(err)
	}
	as := monitors(180_000)
	make := func() *Dispatcher {
		return New(Options{Vhost: vhost, Key: key, Locations: places, Broker: newMemory(time.Now())})
	}
	b.Run("start", func(b *testing.B) {
		for b.Loop() {
			make().Assign(as)
		}
	})
	b.Run("edit", func(b *testing.B) {
		d := make()
		d.Assign(as)
		i := uint64(0)
		for b.Loop() {
			i++
			a := assignment(90_000)
			a.Job.Fingerprint, a.Job.Portable.URL = 1<<32+i, fmt.Sprintf("https://%d.example.com/", i)
			as[90_000] = a
			d.Assign(as)
			d.box.empty()
		}
	})
	b.Run("divide", func(b *testing.B) {
		d := make()
		d.Assign(as)
		for _, f := range d.box.empty() {
			f(time.Now())
		}
		l := d.locations["fra"]
		l.live = []string{"1", "2", "3", "4", "5"}
		for b.Loop() {
			d.divide(l)
		}
		var shares int
		for _, n := range l.shares {
			shares += n
		}
		if shares != 180_000 {
			b.Error(shares)
		}
	})
}

// TestUnassigned: while nobody can say what is to be checked nothing is taken of
// the probes, and the screen says why; then all that waited is.
func TestUnassigned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.d = New(w.d.o)
		w.d.Serve(w.e)
		const why = "no space left on device"
		w.d.Unassigned(why)
		w.run()
		defer func() { w.stop() }()
		p := w.add("fra/1")
		p.with(func() { p.rows = []wire.Row{p.row(1, uptime.OutcomeUp)} })
		p.flush()
		time.Sleep(time.Minute)
		if b, _ := w.d.Status(); b.Error != why || len(w.e.delivered()) > 0 {
			t.Errorf("%q; %d deliveries", b.Error, len(w.e.delivered()))
		}
		w.d.Assign(monitors(10))
		time.Sleep(time.Minute)
		w.is("fra/1", uptime.ProbeLive)
		if b, _ := w.d.Status(); b.Error != "" || len(w.e.delivered()) != 1 {
			t.Errorf("then %q; %d deliveries", b.Error, len(w.e.delivered()))
		}
	})
}
