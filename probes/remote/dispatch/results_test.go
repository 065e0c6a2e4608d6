package dispatch

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
	"lookout/probes/wire"
)

// row is a result that ended now, by the probe's clock.
func (p *probeFake) row(number uint32, o uptime.Outcome) wire.Row {
	return wire.Row{Monitor: number, Result: uptime.Result{Time: p.now().Add(-50 * time.Millisecond), Outcome: o, Total: 50 * time.Millisecond}}
}

// TestDelivers: results come under the monitors' names, by our clock, and are
// acknowledged when the engine has them.
func TestDelivers(t *testing.T) {
	for _, ahead := range []time.Duration{0, 3 * time.Second, -3 * time.Second, 6 * time.Hour} {
		inWorld(t, func(t *testing.T, w *world) {
			w.d.Assign(monitors(10))
			p := w.make("fra/1")
			p.ahead = ahead
			p.start()
			time.Sleep(20 * time.Second)
			w.is("fra/1", uptime.ProbeLive)
			now := time.Now()
			p.with(func() {
				baseline := p.row(4, uptime.OutcomeUp)
				baseline.Baseline = true
				p.rows = []wire.Row{p.row(3, uptime.OutcomeUp), p.row(777, uptime.OutcomeUp), baseline}
			})
			p.flush()
			time.Sleep(time.Second)
			all := w.e.delivered()
			if len(all) != 1 {
				t.Fatalf("%d deliveries", len(all))
			}
			d := all[0]
			if d.Probe != "fra/1" || d.Location != "fra" || d.Epoch != 7 || d.Interval != (uptime.Interval{From: 1, To: 4}) || d.Late || len(d.Found) != 3 {
				t.Fatalf("%+v", d)
			}
			r := d.Found[0].Result
			if r.Monitor != "site-3" || r.Type != "http" || r.Target != "https://www.3.example.com/" || r.Location != "fra" {
				t.Errorf("%+v", r)
			}
			if off := r.Time.Sub(now.Add(-50 * time.Millisecond)).Abs(); off > 20*time.Millisecond {
				t.Errorf("a clock %v ahead: the result is %v off", ahead, off)
			}
			if d.Found[1].Result.Monitor != "" || !d.Found[2].Baseline || d.Found[2].Result.Monitor != "site-4" {
				t.Errorf("%+v", d.Found[1:])
			}
			if x := w.probe("fra/1"); (x.Skew-ahead).Abs() > 20*time.Millisecond || (ahead != 0) != strings.Contains(x.Warning, "clock") {
				t.Errorf("a clock %v ahead is taken to be %v, %q", ahead, x.Skew, x.Warning)
			}
			if out := w.b.unsettled(topology.Results); out > 0 {
				t.Errorf("%d batches are not acknowledged", out)
			}
		})
	}
}

// TestClockIsSet: a clock that is set is noticed with the next batches.
func TestClockIsSet(t *testing.T) {
	for _, by := range []time.Duration{time.Hour, -time.Hour, 3 * time.Second} {
		inWorld(t, func(t *testing.T, w *world) {
			p := w.add("fra/1")
			time.Sleep(100 * time.Second)
			p.with(func() { p.ahead = by })
			time.Sleep(30 * time.Second)
			w.is("fra/1", uptime.ProbeLive)
			if x := w.probe("fra/1"); (x.Skew - by).Abs() > 20*time.Millisecond {
				t.Errorf("a clock was set by %v; it is taken to be %v ahead", by, x.Skew)
			}
		})
	}
}

// TestBackFill: what was found before a clock was set is corrected by how far it
// was off then, also where the probe was away meanwhile; and what was found since
// by how far it is off now.
func TestBackFill(t *testing.T) {
	for _, tc := range []struct {
		name    string
		was, is time.Duration
		away    bool
	}{
		{"ahead", 0, time.Hour, false},
		{"back", 0, -time.Hour, false},
		{"put right", time.Hour, 0, false},
		{"while it was away", 0, time.Hour, true},
		{"never", time.Hour, time.Hour, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.d.Assign(monitors(10))
				p := w.make("fra/1")
				p.ahead = tc.was
				p.start()
				time.Sleep(10 * time.Minute)
				early, then := p.row(1, uptime.OutcomeDown), time.Now()
				time.Sleep(10 * time.Minute)
				p.with(func() { p.asleep = tc.away })
				if tc.away {
					time.Sleep(5 * time.Minute)
				}
				p.with(func() { p.ahead, p.asleep = tc.is, false })
				time.Sleep(5 * time.Minute)
				p.with(func() {
					b := wire.Batch{Epoch: 7, From: 200, Late: true, Clock: p.now(), Obeyed: p.obeys, Counters: p.counters, Rows: []wire.Row{early, p.row(1, uptime.OutcomeUp)}}
					body, err := p.codec.Batch(b)
					p.say(topology.KindResult, topology.TypeResult, body, err)
				})
				now := time.Now()
				time.Sleep(time.Second)
				all := w.e.delivered()
				if len(all) != 1 {
					t.Fatalf("%d deliveries", len(all))
				}
				for i, want := range []time.Time{then, now} {
					if off := all[0].Found[i].Result.Time.Sub(want); off.Abs() > time.Second {
						t.Errorf("result %d is %v off", i, off)
					}
				}
			})
		})
	}
}

// TestLate: what a probe sends whose vote does not count, or sends of the past, is history.
func TestLate(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.d.Assign(monitors(10))
		p := w.add("fra/1")
		p.with(func() { p.rows = []wire.Row{p.row(1, uptime.OutcomeDown)} })
		p.flush() // joining
		time.Sleep(20 * time.Second)
		p.with(func() { p.rows = []wire.Row{p.row(1, uptime.OutcomeDown)} })
		p.flush() // live
		time.Sleep(time.Second)
		p.with(func() { // live, and of an hour ago
			b := wire.Batch{Epoch: 7, From: 100, Clock: p.now().Add(-time.Hour), Obeyed: p.obeys, Counters: p.counters, Rows: []wire.Row{p.row(1, uptime.OutcomeDown)}}
			body, err := p.codec.Batch(b)
			p.say(topology.KindResult, topology.TypeResult, body, err)
		})
		time.Sleep(time.Second)
		p.with(func() { // back-fill
			b := wire.Batch{Epoch: 7, From: 200, Late: true, Clock: p.now(), Obeyed: p.obeys, Counters: p.counters, Rows: []wire.Row{p.row(1, uptime.OutcomeDown)}, Lost: []wire.Interval{{From: 5, To: 9}}}
			body, err := p.codec.Batch(b)
			p.say(topology.KindResult, topology.TypeResult, body, err)
		})
		time.Sleep(time.Second)
		w.d.Exclude("fra/1", "jo")
		time.Sleep(time.Second)
		p.with(func() { p.rows = []wire.Row{p.row(1, uptime.OutcomeDown)} })
		p.flush()
		time.Sleep(time.Second)
		late := ""
		for _, d := range w.e.delivered() {
			late += map[bool]string{true: "L", false: "."}[d.Late]
		}
		if late != "L.LLL" {
			t.Errorf("late are %s", late)
		}
		if d := w.e.delivered()[3]; len(d.Lost) != 1 || d.Lost[0] != (uptime.Interval{From: 5, To: 9}) {
			t.Errorf("%+v", d)
		}
	})
}

// TestEditedMeanwhile: what a probe found before it took an edit is history, of
// the monitors that were edited and of no others, in whatever batch they come.
func TestEditedMeanwhile(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		as := monitors(600)
		w.d.Assign(as)
		p := w.add("fra/1")
		time.Sleep(20 * time.Second)
		p.with(func() { p.stubborn = true })
		as[300] = assignment(300)
		as[300].Job.Fingerprint, as[300].Job.Portable.URL = 1<<32, "https://other.example.com/"
		w.d.Assign(as)
		time.Sleep(time.Second)
		p.with(func() {
			p.rows = []wire.Row{p.row(5, uptime.OutcomeDown), p.row(299, uptime.OutcomeDown), p.row(300, uptime.OutcomeDown)}
		})
		p.flush()
		time.Sleep(time.Second)
		p.with(func() { p.stubborn = false })
		p.greet()
		time.Sleep(time.Second)
		p.with(func() { p.rows = []wire.Row{p.row(300, uptime.OutcomeDown)} })
		p.flush()
		time.Sleep(time.Second)
		late := ""
		for _, d := range w.e.delivered() {
			for _, f := range d.Found {
				late += map[bool]string{true: "L", false: "."}[d.Late || f.Outdated]
			}
		}
		if late != "..L." {
			t.Errorf("late are %s", late)
		}
	})
}

// TestEngineFails: what the engine could not take is given to it again, and nothing is lost.
func TestEngineFails(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.add("fra/1")
		time.Sleep(20 * time.Second)
		w.e.with(func() { w.e.refuse = 7 })
		p.with(func() { p.rows = []wire.Row{p.row(1, uptime.OutcomeUp)} })
		p.flush()
		time.Sleep(3 * time.Minute)
		if n := len(w.e.delivered()); n != 1 || w.b.unsettled(topology.Results) > 0 {
			t.Errorf("%d deliveries, %d not acknowledged", n, w.b.unsettled(topology.Results))
		}
	})
}

// TestEngineHangs: an engine that takes nothing keeps the broker waiting, and
// that is not held against the probes.
func TestEngineHangs(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.add("fra/1")
		time.Sleep(20 * time.Second)
		w.e.with(func() { w.e.hang = true })
		for range 500 {
			p.with(func() { p.rows = []wire.Row{p.row(1, uptime.OutcomeUp)} })
			p.flush()
		}
		time.Sleep(10 * time.Second)
		if n := w.b.unsettled(topology.Results); n != resultsAtOnce {
			t.Errorf("%d are delivered and not settled", n)
		}
		time.Sleep(2 * time.Minute)
		w.is("fra/1", uptime.ProbeLive) // it answers canaries; that nothing else is heard is our own fault
		if b, _ := w.d.Status(); !strings.Contains(b.Error, "wait until the engine has stored") {
			t.Errorf("%q", b.Error)
		}
	})
}

// TestUnreadable: what nobody can read becomes a dead letter, once, and is counted.
func TestUnreadable(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.add("fra/1")
		time.Sleep(20 * time.Second)
		for _, m := range []link.Message{
			{Exchange: topology.Up, Key: "result.fra.1", Type: topology.TypeResult, Body: []byte("no frame")},
			{Exchange: topology.Up, Key: "result.fra.1", Type: topology.TypeResult},
			{Exchange: topology.Up, Key: "result.fra.1", Type: "lookout.result.2", Body: []byte("lk\x02")},
			{Exchange: topology.Up, Key: "hello.fra.1", Type: topology.TypeResult, Body: []byte("lk")},
			{Exchange: topology.Up, Key: "reply.fra.1", Type: "", Body: nil},
			{Exchange: topology.Up, Key: "reply.fra.1", Type: topology.TypeReply, Body: []byte("lk\x01\x05")},
		} {
			w.b.Publish(m, func(error) {})
		}
		time.Sleep(time.Second)
		w.b.Publish(link.Message{Exchange: topology.Up, Key: "hello.fra.1", Type: topology.TypeCheck}, func(error) {})
		w.b.Publish(link.Message{Exchange: topology.Up, Key: "result.fra.1", Type: topology.TypeCheck}, func(error) {})
		w.e.with(func() { w.e.invalid = true })
		p.with(func() { p.rows = []wire.Row{p.row(1, uptime.OutcomeUp)} })
		p.flush()
		time.Sleep(2 * time.Second)
		b, _ := w.d.Status()
		if n := len(w.b.dead); b.Dead != 7 || n != 7 {
			t.Errorf("%d counted, %d are dead letters", b.Dead, n)
		}
		if x := w.probe("fra/1"); x.State != uptime.ProbeLive || !strings.Contains(x.Warning, "7 messages that nobody can read (of those only results are kept, in the queue lookout.dead)") {
			t.Errorf("%v, %q", x.State, x.Warning)
		}
		p.end()
	})
}

// TestQuietLog: a probe that sends any number of messages that nobody can use fills no log.
func TestQuietLog(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.d.Assign(monitors(1))
		w.add("fra/1")
		time.Sleep(20 * time.Second)
		const n = 1000
		for range n {
			w.b.Publish(link.Message{Exchange: topology.Up, Key: "result.fra.1", Body: []byte("no frame")}, func(error) {})
			time.Sleep(20 * time.Millisecond)
		}
		time.Sleep(10 * time.Second)
		w.b.Publish(link.Message{Exchange: topology.Up, Key: "hello.fra.1", Body: []byte("no frame")}, func(error) {})
		time.Sleep(time.Second)
		said := w.log.with("cannot be read")
		if len(said) < 2 || len(said) > 4 || !strings.Contains(said[len(said)-1], "key=hello.fra.1") || !strings.Contains(said[len(said)-1], `"others since the last"=49`) {
			t.Errorf("%d lines: %q", len(said), said)
		}
		if b, _ := w.d.Status(); b.Dead != n+1 {
			t.Errorf("%d counted", b.Dead)
		}
	})
}

// TestAnotherEngine: what a probe sends that obeys another engine is not
// acknowledged before it obeys this one; and of what has piled up behind a
// clock that was wrong nothing is lost.
func TestAnotherEngine(t *testing.T) {
	for _, tc := range []struct {
		name          string
		ahead         time.Duration
		batches, held int
	}{
		{"an hour", time.Hour, 10, 10},
		{"an hour, and there are many", time.Hour, 60, 0},
		{"years: our own clock is not set", 10 * 365 * 24 * time.Hour, 60, 60},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.d.Assign(monitors(10))
				p := w.make("fra/1")
				p.obeys.Engine = uint64(time.Now().Add(tc.ahead).UnixMilli())
				p.check.Obeyed = p.obeys
				for range tc.batches {
					p.rows = []wire.Row{p.row(1, uptime.OutcomeDown)}
					p.flush()
				}
				time.Sleep(time.Second)
				if n, out := len(w.e.delivered()), w.b.unsettled(topology.Results); n != tc.batches-tc.held || out != tc.held {
					t.Errorf("%d delivered, %d held", n, out)
				}
				if b, _ := w.d.Status(); strings.HasPrefix(b.Error, "probe fra/1 obeys another engine") != (tc.held > 0) || b.Dead > 0 {
					t.Errorf("%q, %d dead letters", b.Error, b.Dead)
				}
				if tc.ahead > maxAhead {
					return
				}
				p.start()
				time.Sleep(20 * time.Second)
				w.is("fra/1", uptime.ProbeLive)
				if n, out := len(w.e.delivered()), w.b.unsettled(topology.Results); n != tc.batches || out != 0 {
					t.Errorf("%d delivered, %d held", n, out)
				}
				if b, _ := w.d.Status(); b.Error != "" {
					t.Errorf("%q", b.Error)
				}
			})
		})
	}
}

// TestComesLate: what was found of a monitor that no probe checks any more is its
// own all the same.
func TestComesLate(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.d.Assign(monitors(10))
		p := w.add("fra/1")
		time.Sleep(20 * time.Second)
		p.with(func() { p.rows = []wire.Row{p.row(3, uptime.OutcomeUp)} })
		as := monitors(10)
		as[3].Job.Portable = nil
		w.d.Assign(as)
		p.flush()
		time.Sleep(time.Second)
		if all := w.e.delivered(); len(all) != 1 || all[0].Found[0].Result.Monitor != "site-3" {
			t.Errorf("%+v", all)
		}
	})
}

// TestNotAssigned: an engine that does not know yet what is checked takes no
// results, of which it would not know whose they are, and orders nothing.
func TestNotAssigned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.d = New(Options{Vhost: vhost, Key: w.key, Locations: places, Broker: w.b})
		w.d.Serve(w.e)
		w.run()
		defer func() { w.stop() }()
		w.d.Pause("site-3", true) // an engine that starts says who is paused
		p := w.add("fra/1")
		p.with(func() { p.rows = []wire.Row{p.row(3, uptime.OutcomeUp)} })
		p.flush()
		time.Sleep(30 * time.Second)
		if n := len(w.e.delivered()); n > 0 {
			t.Errorf("%d deliveries", n)
		}
		w.is("fra/1", uptime.ProbeGone)

		w.d.Assign(monitors(10))
		time.Sleep(30 * time.Second)
		all := w.e.delivered()
		if len(all) == 0 || all[0].Found[0].Result.Monitor != "site-3" {
			t.Errorf("%+v", all)
		}
	})
}

// TestLiesAboutTheEngine: a probe that says that it obeys an engine of another
// century keeps nobody's results out.
func TestLiesAboutTheEngine(t *testing.T) {
	now := time.Date(written, 1, 1, 0, 0, 0, 0, time.UTC)
	d := New(Options{Vhost: vhost, Key: make([]byte, 64), Locations: places, Broker: newMemory(now, "fra")})
	d.begin(now)
	refused := 0
	for i := range 40 {
		b := wire.Batch{Epoch: 1, From: uint64(i), Obeyed: wire.Version{Engine: 1 << 50}, Rows: make([]wire.Row, 1)}
		d.found(&parcel{at: "fra", name: "1", batch: b, done: func(taken bool) {
			if !taken {
				refused++
			}
		}}, now)
		d.settleAll()
	}
	if len(d.held) != maxHeld || refused != 40-maxHeld || d.clogged() {
		t.Errorf("%d are held, %d refused", len(d.held), refused)
	}
}

// TestObeysMoreAndMore: a probe that obeys a newer engine each time keeps nobody
// from joining, and nobody's results out.
func TestObeysMoreAndMore(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.d.Assign(monitors(10))
		evil := w.add("fra/evil")
		p := w.add("fra/1")
		changed := 0
		var was wire.Version
		for range 250 {
			evil.with(func() { evil.obeys.Counter += 1 << 30 })
			p.with(func() {
				if p.obeys.Engine != was.Engine {
					changed++
				}
				was = p.obeys
			})
			evil.greet()
			evil.with(func() { evil.rows = []wire.Row{evil.row(1, uptime.OutcomeDown)} })
			evil.flush()
			time.Sleep(100 * time.Millisecond)
		}
		w.is("fra/1", uptime.ProbeLive)
		p.with(func() { p.rows = []wire.Row{p.row(1, uptime.OutcomeUp)} })
		p.flush()
		time.Sleep(time.Second)
		of := 0
		for _, d := range w.e.delivered() {
			if d.Probe == "fra/1" {
				of++
			}
		}
		if of != 1 || changed > 2 { // the first, and one that was newer
			t.Errorf("%d deliveries of fra/1; it obeyed %d engines", of, changed)
		}
	})
}

// TestOutdoesManyEngines: what piled up of probes that obeyed several engines is
// taken in the end, however soon one came after another.
func TestOutdoesManyEngines(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.d.Assign(monitors(10))
		for i, id := range []string{"fra/1", "nyc/1", "sgp/1"} {
			p := w.make(id)
			p.obeys.Engine = uint64(time.Now().Add(time.Duration(i+1) * time.Hour).UnixMilli())
			for range 17 {
				p.rows = []wire.Row{p.row(1, uptime.OutcomeDown)}
				p.flush()
			}
		}
		time.Sleep(5 * time.Second)
		b, _ := w.d.Status()
		if n, out := len(w.e.delivered()), w.b.unsettled(topology.Results); b.Dead > 0 || n+out != 51 || n < 34 {
			t.Errorf("%d delivered, %d held, %d dead letters", n, out, b.Dead)
		}
	})
}

// TestFlood: names that nobody knows are bounded, and take nobody's place.
func TestFlood(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.add("fra/1")
		time.Sleep(20 * time.Second)
		codec := wire.New()
		body, err := codec.Hello(wire.Hello{Majors: []uint8{1}, Clock: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3000 {
			name := "x" + strings.Repeat("y", i%50) + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676))
			w.b.Publish(link.Message{Exchange: topology.Up, Key: topology.Key(topology.KindHello, "fra", name), Type: topology.TypeHello, Body: body}, func(error) {})
			w.b.Publish(link.Message{Exchange: topology.Up, Key: topology.Key(topology.KindHello, name, "1"), Type: topology.TypeHello, Body: body}, func(error) {})
		}
		time.Sleep(2 * time.Second)
		_, all := w.d.Status()
		if len(all) > maxProbes+len(places)-1 || // and the other places, unseen
			w.probe("fra/1").State != uptime.ProbeLive {
			t.Errorf("%d probes, fra/1 is %v", len(all), w.probe("fra/1").State)
		}
		if n := len(w.e.events); n > maxNotes+100 {
			t.Errorf("%d events", n)
		}
		time.Sleep(10 * time.Minute)
		w.is("fra/1", uptime.ProbeLive)
		w.add("fra/2") // there is room for one that comes later
		time.Sleep(20 * time.Second)
		w.is("fra/2", uptime.ProbeLive)
	})
}
