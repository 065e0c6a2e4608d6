package dispatch

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
	"lookout/probes/wire"
)

// heard collects what take was given.
type heard struct {
	mu  sync.Mutex
	all []uptime.Result
	at  []time.Time
}

func (h *heard) take(r uptime.Result) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all, h.at = append(h.all, r), append(h.at, time.Now())
}

// one is the only result there is, and what it is in short.
func (h *heard) one() (uptime.Result, string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case len(h.all) == 0:
		return uptime.Result{}, "nothing"
	case len(h.all) > 1:
		return uptime.Result{}, fmt.Sprintf("%d results", len(h.all))
	case h.all[0].Time.IsZero():
		return h.all[0], "nobody: " + h.all[0].Message
	}
	return h.all[0], h.all[0].Outcome.String()
}

// reply is what a probe might say to a question.
func (p *probeFake) reply(key string, n wire.Nonce, number uint32, o uptime.Outcome) {
	f := uptime.NoFault
	if o == uptime.OutcomeDown {
		f = uptime.FaultTCPRefused
	}
	body, err := p.codec.Reply(wire.Reply{Nonce: n, Clock: p.now(), Row: wire.Row{Monitor: number, Result: uptime.Result{Time: p.now(), Outcome: o, Fault: f}}})
	if err != nil {
		p.t.Error(err)
	}
	p.b.Publish(link.Message{Exchange: topology.Up, Key: key, Type: topology.TypeReply, Body: body}, func(error) {})
}

// TestAsk: whom a question comes to, and what becomes of it.
func TestAsk(t *testing.T) {
	// eat has a probe take questions and do something else with them.
	eat := func(w *world, p *probeFake, with func(q wire.Request)) {
		p.with(func() {
			leave := p.stopAsk
			p.stopAsk = func() {}
			go leave()
		})
		time.Sleep(time.Millisecond)
		end := w.b.Consume(link.Consumer{Queue: topology.LocationQueue(p.at), Prefetch: 4, Take: func(m link.Delivery) {
			m.Done(true)
			v := p.check
			v.Place.Probe = ""
			q, err := v.Request(m.Body, p.now())
			if err != nil {
				p.t.Error(err)
				return
			}
			with(q)
		}})
		p.with(func() { p.stopAsk = end })
	}
	job := assignment(5).Job
	for _, tc := range []struct {
		name string
		do   func(w *world, p *probeFake)
		want string
	}{
		{"it is up", func(*world, *probeFake) {}, "up"},
		{"it is down", func(_ *world, p *probeFake) { p.with(func() { p.outcome = uptime.OutcomeDown }) }, "down"},
		{"the probe says that it is offline itself", func(_ *world, p *probeFake) { p.with(func() { p.sick = "x" }) }, "unknown"},
		{"the probe refuses", func(_ *world, p *probeFake) { p.with(func() { p.refusal = "icmp is not allowed here" }) }, "nobody: fra/1 refuses: icmp is not allowed here"},
		{"it takes too long to begin", func(_ *world, p *probeFake) { p.with(func() { p.slow = 6 * time.Second }) }, "nobody: the probe of fra that took it refused it: its own log says why"},
		{"it takes a while to end", func(_ *world, p *probeFake) { p.with(func() { p.slow, p.takes = 4*time.Second, 2*time.Second }) }, "up"},
		{"it takes too long to end", func(_ *world, p *probeFake) { p.with(func() { p.slow, p.takes = 4*time.Second, 4*time.Second }) }, "nothing"},
		{"the probe is stopped", func(_ *world, p *probeFake) { p.with(func() { p.asleep = true }) }, "nothing"},
		{"all its hands are busy", func(w *world, p *probeFake) {
			p.with(func() { p.slow = 4 * time.Second })
			for range 4 {
				go w.d.Ask(job, places[0], 5*time.Second, func(uptime.Result) {})
			}
		}, "nobody: no probe of fra could begin it"},
		{"the queue is gone", func(w *world, _ *probeFake) { w.b.remove(topology.LocationQueue("fra")) },
			"nobody: the broker has no queue loc.fra: import the definitions that lookout remote init wrote"},
		{"the broker is gone", func(w *world, _ *probeFake) { w.b.set(link.State{}) }, "nobody: "},
		{"the probe is excluded", func(w *world, _ *probeFake) { w.d.Exclude("fra/1", "jo") }, "nobody: no probe of fra is live"},
		{"it replies twice, and the second time otherwise", func(w *world, p *probeFake) {
			eat(w, p, func(q wire.Request) {
				p.reply("reply.fra.1", q.Nonce, 5, uptime.OutcomeUp)
				p.reply("reply.fra.1", q.Nonce, 5, uptime.OutcomeDown)
			})
		}, "up"},
		{"another location replies", func(w *world, p *probeFake) {
			eat(w, p, func(q wire.Request) { p.reply("reply.nyc.1", q.Nonce, 5, uptime.OutcomeDown) })
		}, "nothing"},
		{"a probe that nobody knows replies", func(w *world, p *probeFake) {
			eat(w, p, func(q wire.Request) { p.reply("reply.fra.2", q.Nonce, 5, uptime.OutcomeDown) })
		}, "nothing"},
		{"it replies to what nobody asked", func(w *world, p *probeFake) {
			eat(w, p, func(q wire.Request) {
				q.Nonce[0] ^= 1
				p.reply("reply.fra.1", q.Nonce, 5, uptime.OutcomeDown)
			})
		}, "nothing"},
		{"it replies for another monitor", func(w *world, p *probeFake) {
			eat(w, p, func(q wire.Request) { p.reply("reply.fra.1", q.Nonce, 6, uptime.OutcomeDown) })
		}, "nobody: fra/1 answered for another monitor"},
		{"it replies with what it found an hour ago", func(w *world, p *probeFake) {
			eat(w, p, func(q wire.Request) {
				p.with(func() { p.ahead -= time.Hour })
				p.reply("reply.fra.1", q.Nonce, 5, uptime.OutcomeDown)
				p.with(func() { p.ahead += time.Hour })
			})
		}, "nobody: fra/1 did not check in time"},
		{"it is stopped, excluded, and then replies", func(w *world, p *probeFake) {
			eat(w, p, func(q wire.Request) {
				w.d.Exclude("fra/1", "jo")
				time.Sleep(time.Second)
				p.reply("reply.fra.1", q.Nonce, 5, uptime.OutcomeDown)
			})
		}, "nobody: fra/1 took it, whose vote does not count"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.d.Assign(monitors(10))
				p := w.make("fra/1")
				p.ahead = -2500 * time.Millisecond
				p.start()
				n := w.add("nyc/1")
				n.with(func() { n.outcome = uptime.OutcomeDown })
				time.Sleep(20 * time.Second)
				if w.asks() != "fra nyc" {
					t.Fatalf("asks %q", w.asks())
				}
				tc.do(w, p)
				time.Sleep(400 * time.Millisecond)
				h, asked := new(heard), time.Now()
				w.d.Ask(job, places[0], 5*time.Second, h.take)
				time.Sleep(20 * time.Second)
				r, got := h.one()
				if !strings.HasPrefix(got, tc.want) {
					t.Errorf("%s; want %s", got, tc.want)
				}
				switch {
				case got == "nothing":
				case r.Location != "fra" || r.Monitor != "site-5" || r.Target != job.Target || strings.HasPrefix(got, "nobody") && r.Outcome != uptime.OutcomeUnknown:
					t.Errorf("%+v", r)
				case !r.Time.IsZero() && (r.Time.Before(asked.Add(-20*time.Millisecond)) || r.Time.After(asked.Add(5*time.Second))):
					t.Errorf("checked %v after it was asked", r.Time.Sub(asked))
				case got == "unknown" && r.Fault != uptime.FaultLocalNodeOffline:
					t.Errorf("%+v", r)
				}
				if x := w.probe("fra/1"); x.Waiting != 0 {
					t.Errorf("%d wait", x.Waiting)
				}
			})
		})
	}
}

// TestNeverBegunLate has 10,000 questions taken by probes whose clocks are off,
// and which take their time: none is begun after its deadline, by the true clock.
func TestNeverBegunLate(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.d.Assign(monitors(10))
		random := rand.New(rand.NewPCG(1, 2))
		for i, ahead := range []time.Duration{-3 * time.Second, 0, 3 * time.Second, -3 * time.Second, 3 * time.Second} {
			p := w.make([]string{"fra/1", "fra/2", "fra/3", "nyc/1", "sgp/1"}[i])
			p.ahead = ahead
			p.start()
		}
		time.Sleep(20 * time.Second)
		if w.asks() != "fra nyc sgp" {
			t.Fatalf("asks %q", w.asks())
		}
		const total = 10_000
		deadlines := make(map[string]time.Time)
		var mu sync.Mutex
		votes := make(map[string]int)
		for i := range total {
			for _, p := range w.probes {
				p.with(func() { p.slow = time.Duration(random.Int64N(int64(4 * time.Second))) })
			}
			place := places[i%len(places)]
			job := assignment(uint32(i % 10)).Job
			job.Monitor.Name = fmt.Sprintf("q%d", i) // not assigned: it travels whole
			within := time.Duration(random.Int64N(int64(5*time.Second))) + 200*time.Millisecond
			deadlines[job.Name] = time.Now().Add(within)
			w.d.Ask(job, place, within, func(r uptime.Result) {
				mu.Lock()
				defer mu.Unlock()
				if r.Time.IsZero() {
					votes["nobody"]++
				} else {
					votes[r.Location]++
				}
			})
			time.Sleep(time.Duration(random.Int64N(int64(200 * time.Millisecond))))
		}
		time.Sleep(20 * time.Second)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		begun, late := 0, 0
		for _, p := range w.probes {
			for _, s := range p.started {
				begun++
				if s.at.After(deadlines[s.name]) {
					late++
				}
			}
		}
		if late > 0 || begun < total/4 {
			t.Errorf("%d of %d begun, %d after their deadline; %v", begun, total, late, votes)
		}
		t.Logf("%d begun, %v", begun, votes)
		for _, l := range []string{"fra", "nyc", "sgp"} {
			if votes[l] < total/20 {
				t.Errorf("%d votes from %s", votes[l], l)
			}
		}
	})
}

// TestAskOfChanged: a probe that knows a monitor by its number is asked by that,
// unless what it knows may be what the monitor was before it was edited.
func TestAskOfChanged(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		as := monitors(10)
		w.d.Assign(as)
		p := w.add("fra/1")
		time.Sleep(20 * time.Second)
		ask := func(job uptime.Job, want string) {
			t.Helper()
			h := new(heard)
			w.d.Ask(job, places[0], 5*time.Second, h.take)
			time.Sleep(6 * time.Second)
			if _, got := h.one(); got != "up" {
				t.Errorf("it says %s", got)
			}
			p.with(func() {
				if s := p.started; len(s) == 0 || s[len(s)-1].name != want {
					t.Errorf("it began %v, not %q", s, want)
				}
			})
		}
		ask(as[5].Job, "")

		m := *as[5].Job.Monitor // the engine has read it, and assigns it in a moment
		m.Fingerprint = 99
		edited := as[5]
		edited.Job.Monitor, edited.Job.Portable = &m, &uptime.Portable{URL: "https://www.5.example.net/", IP: "any"}
		ask(edited.Job, "site-5")

		p.with(func() { p.stubborn = true }) // the line is bad
		as = monitors(10)
		as[5] = edited
		w.d.Assign(as)
		time.Sleep(time.Second)
		ask(edited.Job, "site-5")

		p.with(func() { p.stubborn = false })
		time.Sleep(time.Minute)
		w.is("fra/1", uptime.ProbeLive)
		ask(edited.Job, "")
	})
}

// TestQuestionsAreBounded: however many are asked, so many are remembered.
func TestQuestionsAreBounded(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.add("fra/1")
		time.Sleep(20 * time.Second)
		p.with(func() { p.asleep = true })
		h := new(heard)
		for range 5 * maxAsked {
			w.d.Ask(assignment(1).Job, places[0], time.Minute, h.take)
		}
		time.Sleep(time.Second)
		if x := w.probe("fra/1"); x.Waiting > maxPending || x.Waiting == 0 {
			t.Errorf("%d wait", x.Waiting)
		}
		time.Sleep(2 * time.Minute)
		if x := w.probe("fra/1"); x.Waiting != 0 {
			t.Errorf("%d still wait", x.Waiting)
		}
	})
}

// TestAloneWithItsOpinion: who says down where the others don't is counted, for a day.
func TestAloneWithItsOpinion(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for _, id := range []string{"fra/1", "nyc/1", "sgp/1"} {
			w.add(id)
		}
		w.probes[2].with(func() { w.probes[2].outcome = uptime.OutcomeDown })
		time.Sleep(20 * time.Second)
		h := new(heard)
		ask := func(n uint32) {
			for _, place := range places {
				w.d.Ask(assignment(n).Job, place, 5*time.Second, h.take)
			}
			time.Sleep(10 * time.Second)
		}
		for n := range uint32(8) {
			ask(n)
		}
		w.probes[0].with(func() { w.probes[0].outcome = uptime.OutcomeDown })
		ask(8)
		ask(9)
		time.Sleep(2 * time.Minute)
		for id, want := range map[string]float64{"fra/1": 0, "nyc/1": 0, "sgp/1": 0.8} {
			if x := w.probe(id); x.Alone != want {
				t.Errorf("%s was alone with %v of its opinions, not %v", id, x.Alone, want)
			}
		}
		time.Sleep(25 * time.Hour)
		if x := w.probe("sgp/1"); x.Alone >= 0 {
			t.Errorf("a day later it is %v", x.Alone)
		}
	})
}
