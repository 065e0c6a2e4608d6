package worker

import (
	"context"
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/topology"
	"lookout/probes/wire"
)

// TestRequest answers a question with a result and its nonce.
func TestRequest(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.start(nil)
		o.assign(version(1, 1), []string{"a"}, asked(regular(0, 3)))
		frame := o.request(func(q *wire.Request) { q.Monitor, q.Nonce = 2, wire.Nonce{7} })
		if !o.deliver(o.shared(), topology.TypeRequest, frame) {
			t.Fatal("the request is refused")
		}
		if !o.deliver(o.shared(), topology.TypeRequest, frame) {
			t.Error("a request that comes twice becomes a dead letter")
		}
		after(time.Second)
		replies := o.replies()
		if len(replies) != 1 || replies[0].Nonce != (wire.Nonce{7}) || replies[0].Row.Monitor != 2 || replies[0].Row.Result.Outcome != uptime.OutcomeUp {
			t.Errorf("%+v", replies)
		}
		if rows := o.rows(); len(rows) != 0 {
			t.Errorf("what was asked for is in the results too: %+v", rows)
		}
		p.stop()
	})
}

// TestRequestRefused says why, in a sentence.
func TestRequestRefused(t *testing.T) {
	full := func(change func(*wire.Monitor)) func(*wire.Request) {
		return func(q *wire.Request) {
			m := wire.Monitor{Number: 9, Name: "new", Type: "tcp", URL: "tcp://new", Interval: time.Minute, Timeout: 5 * time.Second}
			change(&m)
			q.Full = &m
		}
	}
	tests := []struct {
		name   string
		change func(*wire.Request)
		want   string // "": a result
	}{
		{"of a monitor that was not assigned", func(q *wire.Request) { q.Monitor = 99 }, "monitor 99 is not assigned here"},
		{"with all that it takes", full(func(*wire.Monitor) {}), ""},
		{"of a type that is not here", full(func(m *wire.Monitor) { m.Type = "exec" }), "no such type here"},
		{"with a long time-out", full(func(m *wire.Monitor) { m.Timeout = time.Minute }),
			"its time-out of 1m0s is over the 30s that this probe allows (max_timeout)"},
		{"with a value of a newer engine", full(func(m *wire.Monitor) { m.Expect = map[string]any{"moon": wire.Unsupported{}} }),
			"a newer lookout is needed at this probe: it does not know the value of moon"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, o *office) {
				p := o.start(func(opt *Options) { opt.Limits.MaxTimeout = 30 * time.Second })
				o.assign(version(1, 1), []string{"a"}, asked(regular(0, 3)))
				if w := tt.name; w == "with a value of a newer engine" {
					// It cannot be written by this version: as it is read.
					var q wire.Request
					tt.change(&q)
					if _, why := p.build(q.Full); why != tt.want {
						t.Errorf("said %q", why)
					}
					p.stop()
					return
				}
				o.deliver(o.shared(), topology.TypeRequest, o.request(tt.change))
				after(time.Second)
				replies := o.replies()
				if len(replies) != 1 || replies[0].Refusal != tt.want || tt.want == "" && replies[0].Row.Monitor != 9 {
					t.Errorf("%+v", replies)
				}
				p.stop()
			})
		})
	}
}

// TestRequestNotObeyed makes dead letters of what is no request to this probe.
func TestRequestNotObeyed(t *testing.T) {
	tests := []struct {
		name   string
		change func(*wire.Request)
	}{
		{"too late", func(q *wire.Request) { q.NotAfter = time.Now().Add(-time.Millisecond) }},
		{"of an engine that began earlier", func(q *wire.Request) { q.Version = version(0, 9) }},
		{"for another location", func(q *wire.Request) { q.Location = "nyc" }},
		{"for another vhost", func(q *wire.Request) { q.Vhost = "web-2" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, o *office) {
				p := o.start(nil)
				o.assign(version(1, 1), []string{"a"}, asked(regular(0, 3)))
				if o.deliver(o.shared(), topology.TypeRequest, o.request(tt.change)) {
					t.Error("it is obeyed")
				}
				after(time.Second)
				if len(o.replies())+len(o.ran()) != 0 {
					t.Errorf("%+v", o.replies())
				}
				p.stop()
			})
		})
	}
}

// TestRequestWaits never begins after the deadline, when all that may run do.
func TestRequestWaits(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		o.check = func(ctx context.Context, name string) uptime.Result {
			<-ctx.Done()
			return uptime.Result{Outcome: uptime.OutcomeDown, Fault: uptime.FaultTCPTimeout, Total: 10 * time.Second}
		}
		p := o.start(nil)
		o.assign(version(1, 1), []string{"a"}, asked(regular(0, 3)))
		for range maxAsks {
			o.deliver(o.shared(), topology.TypeRequest, o.request(func(q *wire.Request) { q.Monitor = 1 }))
		}
		began := time.Now()
		for i := range 5 {
			o.deliver(o.shared(), topology.TypeRequest, o.request(func(q *wire.Request) {
				q.Monitor, q.NotAfter = 2, began.Add(9*time.Second+time.Duration(i)*500*time.Millisecond)
			}))
		}
		after(30 * time.Second)
		for name, times := range o.ran() {
			if name != regular(2, 3)[0].Name {
				continue
			}
			for _, at := range times {
				if at.Sub(began) > 11*time.Second {
					t.Errorf("begun after %s", at.Sub(began))
				}
			}
			if len(times) != 3 {
				t.Errorf("%d were begun in time, of 3 that could be", len(times))
			}
		}
		refused := 0
		for _, r := range o.replies() {
			if r.Refusal != "" {
				refused++
			}
		}
		if refused != 2 || len(o.replies()) != maxAsks+5 {
			t.Errorf("%d of %d were refused", refused, len(o.replies()))
		}
		p.stop()
	})
}

// TestRequestRecent takes a result that is new enough.
func TestRequestRecent(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.start(nil)
		o.assign(version(1, 1), []string{"a"}, regular(0, 1))
		for len(o.ran()) == 0 {
			after(time.Second)
		}
		o.deliver(o.shared(), topology.TypeRequest, o.request(func(q *wire.Request) { q.MaxAge = 5 * time.Second }))
		if n := len(o.ran()["ma-0s"]); n != 1 || len(o.replies()) != 1 {
			t.Errorf("checked %d times, replied %d", n, len(o.replies()))
		}
		after(10 * time.Second)
		o.deliver(o.shared(), topology.TypeRequest, o.request(func(q *wire.Request) { q.MaxAge = 5 * time.Second }))
		if n := len(o.ran()["ma-0s"]); n != 2 || len(o.replies()) != 2 {
			t.Errorf("with an old result checked %d times, replied %d", n, len(o.replies()))
		}
		p.stop()
	})
}

// TestLimits refuses what is over a limit, in a row or in a reply.
func TestLimits(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.start(func(opt *Options) { opt.Limits = Limits{MaxMonitors: 3, MaxRate: 0.1, MaxTimeout: 20 * time.Second} })
		monitors := regular(0, 5)
		monitors[1].Timeout = time.Minute
		o.assign(version(1, 1), []string{"a"}, monitors)
		after(time.Minute)
		said := make(map[uint32]string)
		for _, row := range o.rows() {
			said[row.Monitor] = row.Result.Message
			if row.Result.Message != "" && (row.Result.Outcome != uptime.OutcomeUnknown || row.Result.Fault != uptime.FaultLocalConfig) {
				t.Errorf("%+v", row.Result)
			}
		}
		p.stop()
		for _, row := range o.rows() {
			said[row.Monitor] = row.Result.Message
		}
		over := "not checked from here: this probe takes 3 monitors, and has been assigned more (max_monitors)"
		want := []string{"", "not checked from here: its time-out of 1m0s is over the 20s that this probe allows (max_timeout)", "", over, over}
		for n, text := range want {
			if said[uint32(n)] != text {
				t.Errorf("monitor %d: %q", n, said[uint32(n)])
			}
		}
	})
	bubble(t, func(t *testing.T, o *office) {
		p := o.start(func(opt *Options) { opt.Limits.MaxRate = 0.1 })
		o.assign(version(1, 1), []string{"a"}, asked(regular(0, 1)))
		for range 2 {
			o.deliver(o.shared(), topology.TypeRequest, o.request(nil))
		}
		after(time.Second)
		if r := o.replies(); len(r) != 2 || r[0].Refusal != "this probe allows 0.1 checks a second of tcp://ma-0s (max_rate)" && r[1].Refusal == "" {
			t.Errorf("%+v", r)
		}
		p.stop()
	})
}

// TestRequestTooLateToBegin is not begun by a goroutine that comes to it late.
func TestRequestTooLateToBegin(t *testing.T) {
	o := newOffice(t)
	w, m := o.still()
	q := &request{wire.Request{Seal: o.seal(version(1, 1)), Monitor: 0}}
	q.NotAfter = time.Now().Add(-time.Millisecond)
	job, _ := w.build(&m.Monitor)
	f := w.perform(t.Context(), check{m: m, job: job, ask: q, started: time.Now()})
	if f.refusal == "" || len(o.ran()) != 0 {
		t.Errorf("begun: %+v", f)
	}
	w.flow.inFlight, w.flow.asked = 1, 1
	w.ended(f)
	if r := o.replies(); len(r) != 1 || r[0].Refusal != f.refusal {
		t.Errorf("%+v", r)
	}
}
