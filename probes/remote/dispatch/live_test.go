package dispatch

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
)

// TestJoins: a hello, the current manifest and three canaries make a probe live.
func TestJoins(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.d.Assign(monitors(600))
		time.Sleep(time.Second)
		p := w.add("fra/1")
		time.Sleep(5 * time.Second)
		w.is("fra/1", uptime.ProbeJoining)
		if got := w.asks(); got != "" {
			t.Errorf("asks %q before anybody proved anything", got)
		}
		time.Sleep(6 * time.Second)
		w.is("fra/1", uptime.ProbeLive)
		if got := w.asks(); got != "fra" {
			t.Errorf("asks %q", got)
		}
		time.Sleep(time.Second)
		p.with(func() {
			if len(p.chunks) != 3 || len(p.live) != 1 || p.stopAsk == nil {
				t.Errorf("%d chunks, live %v", len(p.chunks), p.live)
			}
		})
		x := w.probe("fra/1")
		if x.Monitors != 600 || x.Version != "1.4.2" || x.Network != "a" || x.Alone >= 0 || x.Why != "" || x.Warning != "" {
			t.Errorf("%+v", x)
		}
		if said := w.e.said("fra/1 "); len(said) != 2 || !strings.Contains(said[1], "live") {
			t.Errorf("%q", said)
		}
		time.Sleep(time.Hour)
		w.is("fra/1", uptime.ProbeLive)
		if n := w.b.counted(topology.TypeCanary); n < 60 || n > 70 {
			t.Errorf("%d canaries in an hour", n)
		}
		if said := w.e.said("fra/1 "); len(said) != 2 {
			t.Errorf("%q", said)
		}
	})
}

// TestLiveness plays one probe: a line is what is done to it and what it is then.
func TestLiveness(t *testing.T) {
	type step struct {
		do    func(*world, *probeFake)
		after time.Duration
		want  uptime.ProbeState
		why   string
	}
	with := func(f func(*probeFake)) func(*world, *probeFake) {
		return func(_ *world, p *probeFake) { p.with(func() { f(p) }) }
	}
	nothing := func(*world, *probeFake) {}
	asleep := with(func(p *probeFake) { p.asleep = true })
	awake := with(func(p *probeFake) { p.asleep = false })
	greets := func(_ *world, p *probeFake) { p.greet() }
	for _, tc := range []struct {
		name  string
		steps []step
	}{
		{"stopped, and goes on", []step{
			{asleep, 18 * time.Second, uptime.ProbeLive, ""},
			{nothing, 10 * time.Second, uptime.ProbeLagging, "no proof of work for 25 s"},
			{awake, 12 * time.Second, uptime.ProbeLagging, ""}, // not before it says hello
			{greets, 10 * time.Second, uptime.ProbeJoining, "has not proved"},
			{nothing, 20 * time.Second, uptime.ProbeLive, ""},
		}},
		{"stopped for good", []step{
			{asleep, 4 * time.Minute, uptime.ProbeGone, "nothing was heard of it for 3 minutes"},
			{awake, time.Minute + 31*time.Second, uptime.ProbeLive, ""},
		}},
		{"sends batches and answers no canary", []step{
			{with(func(p *probeFake) { p.deaf = true }), 68 * time.Second, uptime.ProbeLagging, "canary"},
			{greets, 50 * time.Second, uptime.ProbeJoining, "does not answer canaries"},
		}},
		{"answers canaries and sends no batches", []step{
			{with(func(p *probeFake) { p.silent = true }), 36 * time.Second, uptime.ProbeLagging, "no proof"},
		}},
		{"its checks never end", []step{
			{with(func(p *probeFake) { p.stuck = true }), 30 * time.Second, uptime.ProbeLive, ""},
			{nothing, 25 * time.Second, uptime.ProbeLagging, "none has ended"},
		}},
		{"its counters run backwards", []step{
			{with(func(p *probeFake) { p.counters.Scheduled, p.counters.Finished = 0, 0 }), 11 * time.Second, uptime.ProbeLagging, "counters run backwards"},
		}},
		{"its counters do not add up", []step{
			{with(func(p *probeFake) { p.counters.Skipped = 99 }), 11 * time.Second, uptime.ProbeLagging, "do not add up"},
		}},
		{"a new epoch begins to count anew", []step{
			{with(func(p *probeFake) { p.counters.Scheduled, p.counters.Finished, p.epoch = 0, 0, 8 }), 31 * time.Second, uptime.ProbeLive, ""},
		}},
		{"its uplink is broken, and heals", []step{
			{with(func(p *probeFake) { p.sick = "TCP connect 192.0.2.1:443 timed out" }), time.Minute, uptime.ProbeJoining, "uplink that is broken: TCP connect 192.0.2.1:443"},
			{with(func(p *probeFake) { p.sick = "" }), 9 * time.Second, uptime.ProbeJoining, ""},
			{nothing, 30 * time.Second, uptime.ProbeLive, ""},
		}},
		{"it says goodbye", []step{
			{func(_ *world, p *probeFake) {
				p.with(func() { p.hello.Goodbye = true })
				p.greet()
				p.with(func() { p.asleep = true })
			}, time.Second, uptime.ProbeGone, "goodbye"},
		}},
		{"it obeys no manifest any more", []step{
			{with(func(p *probeFake) { p.stubborn = true }), 5 * time.Minute, uptime.ProbeLive, ""},
			{asleep, 30 * time.Second, uptime.ProbeLagging, ""},
			{with(func(p *probeFake) { p.asleep = false }), 2 * time.Minute, uptime.ProbeJoining, ""},
			{with(func(p *probeFake) { p.stubborn = false }), 2 * time.Minute, uptime.ProbeLive, ""},
		}},
		{"the broker is away for a moment", []step{
			{func(w *world, _ *probeFake) { w.b.set(link.State{Error: "refused"}) }, 20 * time.Second, uptime.ProbeLive, ""},
			{func(w *world, _ *probeFake) { w.b.set(link.State{Connected: true, Since: time.Now()}) }, time.Minute, uptime.ProbeLive, ""},
		}},
		{"the broker is away", []step{
			{func(w *world, _ *probeFake) { w.b.set(link.State{Error: "refused"}) }, time.Minute, uptime.ProbeLagging, "nothing can be heard of it: refused"},
			{nothing, 10 * time.Minute, uptime.ProbeLagging, ""},
			{func(w *world, _ *probeFake) { w.b.set(link.State{Connected: true, Since: time.Now()}) }, 2 * time.Minute, uptime.ProbeLive, ""},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.d.Assign(monitors(10))
				p := w.add("fra/1")
				time.Sleep(10 * time.Minute) // 9:50 live
				w.is("fra/1", uptime.ProbeLive)
				time.Sleep(15 * time.Second)
				for i, s := range tc.steps {
					s.do(w, p)
					time.Sleep(s.after)
					x := w.probe("fra/1")
					if x.State != s.want || !strings.Contains(x.Why, s.why) {
						t.Errorf("step %d: %v, %q; want %v, %q", i+1, x.State, x.Why, s.want, s.why)
					}
					if votes := w.asks() == "fra"; votes != (x.State == uptime.ProbeLive && w.b.State().Connected) {
						t.Errorf("step %d: %v, and %q are asked", i+1, x.State, w.asks())
					}
				}
			})
		})
	}
}

// TestFlapping: who falls again and again proves itself for longer each time, and
// the log does not fill.
func TestFlapping(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.add("fra/1")
		time.Sleep(20 * time.Second)
		var waits []time.Duration
		for range 8 {
			w.is("fra/1", uptime.ProbeLive)
			p.with(func() { p.asleep = true })
			time.Sleep(40 * time.Second)
			w.is("fra/1", uptime.ProbeLagging)
			p.with(func() { p.asleep = false })
			p.greet()
			from := time.Now()
			for w.probe("fra/1").State != uptime.ProbeLive && time.Since(from) < time.Hour {
				time.Sleep(time.Second)
			}
			waits = append(waits, time.Since(from).Round(time.Second))
		}
		if waits[0] < 30*time.Second || waits[1] < time.Minute || waits[4] < 8*time.Minute || waits[7] > 17*time.Minute {
			t.Errorf("it proved itself for %v", waits)
		}
		before := len(w.e.said("fra/1"))
		for range 1000 {
			p.greet()
			time.Sleep(time.Second)
			p.with(func() { p.hello.Goodbye = true })
			p.greet()
			p.with(func() { p.hello.Goodbye = false })
			time.Sleep(time.Second)
		}
		if n := len(w.e.said("fra/1")) - before; n > 30 {
			t.Errorf("%d events of 2,000 changes in 33 minutes", n)
		}
		time.Sleep(time.Hour)
		said := w.e.said("fra/1")
		if last := said[len(said)-1]; !strings.Contains(last, "live") {
			t.Errorf("it is live, and the log ends with %q", last)
		}
	})
}

// TestExcluded: an excluded probe works on, and has no part in anything.
func TestExcluded(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.d.Assign(monitors(100))
		w.d.Exclude("fra/9", "jo")
		w.add("fra/1")
		p := w.add("fra/2")
		time.Sleep(20 * time.Second)
		x, y := w.probe("fra/1"), w.probe("fra/2")
		if x.Monitors+y.Monitors != 100 || x.Monitors < 30 || y.Monitors < 30 {
			t.Errorf("%d and %d monitors", x.Monitors, y.Monitors)
		}
		if z := w.probe("fra/9"); z.Excluded != "jo" || z.State != uptime.ProbeGone {
			t.Errorf("%+v", z)
		}
		w.d.Exclude("fra/2", "jo")
		time.Sleep(time.Second)
		if x, y = w.probe("fra/1"), w.probe("fra/2"); x.Monitors != 100 || y.Monitors != 0 || y.Excluded != "jo" || y.State != uptime.ProbeLive {
			t.Errorf("%+v", y)
		}
		p.with(func() {
			if len(p.live) != 1 || p.live[0] != "1" || p.stopAsk != nil {
				t.Errorf("it was told that %v are live", p.live)
			}
		})
		w.d.Exclude("fra/1", "jo")
		time.Sleep(time.Second)
		if got := w.asks(); got != "" {
			t.Errorf("asks %q", got)
		}
		w.d.Exclude("fra/2", "")
		time.Sleep(time.Second)
		if y = w.probe("fra/2"); w.asks() != "fra" || y.Monitors != 100 || y.Excluded != "" {
			t.Errorf("asks %q, %+v", w.asks(), y)
		}
	})
}

// TestMovesWork: when one of two probes dies the other has all of it within 30 s.
func TestMovesWork(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.d.Assign(monitors(1000))
		p, q := w.add("fra/1"), w.add("fra/2")
		time.Sleep(time.Minute)
		p.with(func() { p.asleep = true })
		time.Sleep(30 * time.Second)
		q.with(func() {
			if len(q.live) != 1 || q.live[0] != "2" {
				t.Errorf("30 s later it was told that %v are live", q.live)
			}
		})
	})
}

// TestRival: while another engine is there this one does nothing, and says so.
func TestRival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.b.set(link.State{Connected: true, Since: time.Now(), Rival: topology.Results})
		w.run()
		defer w.stop()
		w.add("fra/1")
		time.Sleep(30 * time.Second)
		if b, _ := w.d.Status(); !strings.Contains(b.Error, "another engine") || !strings.Contains(b.Error, "vhost") {
			t.Errorf("%q", b.Error)
		}
		if n := w.b.counted(topology.TypeManifest) + w.b.counted(topology.TypeCanary); n > 0 {
			t.Errorf("%d orders", n)
		}
		if said := w.e.said("broker:"); len(said) != 1 {
			t.Errorf("%q", said)
		}
	})
}

// TestCannotJoin: a probe that cannot get on says why, in one sentence.
func TestCannotJoin(t *testing.T) {
	for _, tc := range []struct {
		name  string
		probe func(*world, *probeFake)
		why   string
	}{
		{"another major version", func(_ *world, p *probeFake) { p.hello.Majors = []uint8{2, 3} }, "version 2 of the frames"},
		{"it takes no assignments", func(_ *world, p *probeFake) { p.stubborn = true }, "has not taken its assignments"},
		{"no queue", func(w *world, p *probeFake) {
			time.AfterFunc(time.Millisecond, func() { w.b.remove(topology.ProbeQueue("fra", "1")) })
		}, "the broker has no queue probe.fra.1"},
		{"an engine of another century", func(_ *world, p *probeFake) { p.obeys.Engine, p.check.Obeyed.Engine, p.stubborn = 1<<50, 1<<50, true }, "obeys an engine that began on"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.d.Assign(monitors(100))
				p := w.make("fra/1")
				tc.probe(w, p)
				p.start()
				time.Sleep(2 * time.Minute)
				if x := w.probe("fra/1"); x.State != uptime.ProbeJoining || !strings.Contains(x.Why, tc.why) {
					t.Errorf("%v, %q", x.State, x.Why)
				}
			})
		})
	}
}

// TestTooMany: a probe with more than it takes says so, and works.
func TestTooMany(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.d.Assign(monitors(100))
		p := w.make("fra/1")
		p.hello.Capacity = 60
		p.start()
		time.Sleep(20 * time.Second)
		if x := w.probe("fra/1"); x.State != uptime.ProbeLive || !strings.Contains(x.Warning, "100 monitors are its to check, and it takes 60: raise max_monitors") {
			t.Errorf("%v, %q", x.State, x.Warning)
		}
		w.add("fra/2")
		time.Sleep(20 * time.Second)
		if x := w.probe("fra/1"); x.Warning != "" {
			t.Errorf("with another one: %q", x.Warning)
		}
	})
}

// TestIll: what a probe says is wrong with it is shown as long as it says it.
func TestIll(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.make("fra/1")
		p.hello.Warning = "spool /data: no space left on device; results are kept in memory only"
		p.start()
		time.Sleep(20 * time.Second)
		if x := w.probe("fra/1"); x.State != uptime.ProbeLive || x.Warning != "it says: "+p.hello.Warning { // its words, and not ours
			t.Errorf("%v, %q", x.State, x.Warning)
		}
		p.with(func() { p.hello.Warning = "" })
		p.greet()
		time.Sleep(2 * time.Second)
		if x := w.probe("fra/1"); x.State != uptime.ProbeLive || x.Warning != "" {
			t.Errorf("when it is well: %v, %q", x.State, x.Warning)
		}
	})
}

// TestStalls: a loop that could do nothing for a while holds that against nobody.
func TestStalls(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.add("fra/1")
		time.Sleep(time.Minute)
		for range 3 {
			w.d.Ask(assignment(1).Job, places[0], 5*time.Second, func(uptime.Result) { time.Sleep(50 * time.Second) })
			time.Sleep(90 * time.Second)
			w.is("fra/1", uptime.ProbeLive)
		}
		if said := w.e.said("fra/1"); len(said) != 2 {
			t.Errorf("%q", said)
		}
		p.with(func() { p.asleep = true })
		time.Sleep(40 * time.Second)
		w.is("fra/1", uptime.ProbeLagging)
	})
}

// TestBriefedLater: who says hello while orders cannot leave gets them as soon as they can.
func TestBriefedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.d.Assign(monitors(100))
		w.b.set(link.State{Connected: true, Since: time.Now(), Blocked: "low on memory"})
		w.run()
		defer w.stop()
		w.add("fra/1")
		time.Sleep(20 * time.Second)
		w.is("fra/1", uptime.ProbeJoining)
		if n := w.b.counted(topology.TypeManifest); n > 0 {
			t.Errorf("%d manifests left", n)
		}
		w.b.set(link.State{Connected: true, Since: time.Now()})
		time.Sleep(time.Second)
		if n := w.b.counted(topology.TypeManifest); n != 1 {
			t.Errorf("%d manifests a second later", n)
		}
		time.Sleep(11 * time.Second)
		w.is("fra/1", uptime.ProbeLive)
	})
}

// TestOutdoes: an engine whose data was restored, or whose clock was wrong, is obeyed all the same.
func TestOutdoes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.make("fra/1")
		p.obeys.Engine = uint64(time.Now().Add(time.Hour).UnixMilli())
		p.check.Obeyed = p.obeys
		p.start()
		time.Sleep(20 * time.Second)
		w.is("fra/1", uptime.ProbeLive)
	})
}

// TestUnseen: a location that no probe came from is told of, with what to do, and
// no longer when one comes.
func TestUnseen(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.d.Assign(monitors(1))
		says := func(when, location string, part string) {
			t.Helper()
			if p := w.probe(location); p.State != uptime.ProbeUnseen || p.Name != "" || p.Votes() || !strings.Contains(p.Why, part) {
				t.Errorf("%s: %s is %v: %q lacks %q", when, location, p.State, p.Why, part)
			}
		}
		w.add("fra/1")
		time.Sleep(20 * time.Second)
		says("soon", "nyc", "not seen yet")
		time.Sleep(4 * time.Minute)
		says("later", "nyc", "lookout remote init --out DIR nyc/1")
		if _, all := w.d.Status(); len(all) != 3 || all[0].ID() != "fra/1" || all[1].Network != "b" {
			t.Errorf("%+v", all)
		}
		w.d.Exclude("sgp/7", "jo")
		w.add("nyc/1")
		time.Sleep(20 * time.Second)
		w.is("nyc/1", uptime.ProbeLive)
		w.is("sgp/7", uptime.ProbeGone)
		if _, all := w.d.Status(); len(all) != 3 {
			t.Errorf("%+v", all)
		}
	})
}

// TestAlarm: that a broker is short of memory is said of it, and not held against
// the probes whose messages it does not take.
func TestAlarm(t *testing.T) {
	for offset := time.Duration(0); offset < 10*time.Second; offset += 1100 * time.Millisecond {
		inWorld(t, func(t *testing.T, w *world) {
			w.d.Assign(monitors(3))
			w.add("fra/1")
			w.add("nyc/1")
			time.Sleep(40*time.Second + offset)
			w.is("fra/1", uptime.ProbeLive)
			alarm := func(why string) {
				w.b.mu.Lock()
				w.b.alarm, w.b.state.Blocked = why, ""
				w.b.mu.Unlock()
			}
			before := len(w.e.said(""))
			alarm("low on memory")
			time.Sleep(5 * time.Minute)
			b, _ := w.d.Status()
			if !strings.Contains(b.Error, "the broker takes nothing: it is low on memory") {
				t.Errorf("%q", b.Error)
			}
			if said := w.e.said("")[before:]; len(said) != 1 || !strings.Contains(said[0], "low on memory") {
				t.Errorf("%q", said)
			}
			alarm("")
			time.Sleep(90 * time.Second)
			w.is("fra/1", uptime.ProbeLive)
			w.is("nyc/1", uptime.ProbeLive)
		})
	}
}

// TestTwins: a probe that was copied is said to be two, and no other one is.
func TestTwins(t *testing.T) {
	const says = "two processes say that they are it"
	inWorld(t, func(t *testing.T, w *world) {
		w.d.Assign(monitors(3))
		p := w.add("fra/1")
		time.Sleep(40 * time.Second)
		for _, epoch := range []uint64{8, 9, 10} { // a machine that is started again and again
			p.with(func() { p.epoch = epoch })
			p.greet()
			time.Sleep(20 * time.Second)
		}
		for i := range 6 { // a disk that is full now and then
			p.with(func() { p.hello.Warning, p.epoch = []string{"", "the disk is full"}[i%2], uint64(i%2) })
			p.greet()
			time.Sleep(20 * time.Second)
		}
		p.with(func() { p.hello.Warning = "" })
		if x := w.probe("fra/1"); strings.Contains(x.Warning, says) {
			t.Errorf("%q", x.Warning)
		}
		twin := w.make("fra/1")
		twin.epoch, twin.silent, twin.deaf, twin.stubborn = 77, true, true, true
		for range 5 {
			twin.greet()
			time.Sleep(time.Minute)
		}
		if x := w.probe("fra/1"); !strings.Contains(x.Warning, says) {
			t.Errorf("%q", x.Warning)
		}
		time.Sleep(6 * time.Minute)
		if x := w.probe("fra/1"); x.State != uptime.ProbeLive || x.Warning != "" {
			t.Errorf("alone again: %v %q", x.State, x.Warning)
		}
	})
}
