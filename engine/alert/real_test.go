package alert

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine"
	"lookout/engine/uptime"
	"lookout/storage"
)

// place is what the real engine checks: monitors that are up, or down.
type place struct {
	mu   sync.Mutex
	down map[string]uptime.Fault
	jobs []uptime.Job
}

func (p *place) Run(ctx context.Context, job uptime.Job) uptime.Result {
	begun := time.Now()
	p.mu.Lock()
	f := p.down[job.Name]
	p.mu.Unlock()
	r := uptime.Result{Monitor: job.Name, Type: job.Type, Target: job.Target, Location: uptime.Local, Address: job.Dest,
		Outcome: f.Outcome(), Fault: f, Message: f.String()}
	select {
	case <-time.After(20 * time.Millisecond):
	case <-ctx.Done():
		r.Outcome, r.Fault = uptime.OutcomeUnknown, uptime.FaultLocalCancelled
	}
	r.Time, r.Total = begun.UTC().Truncate(time.Millisecond), time.Since(begun)
	return r
}

func (p *place) set(f uptime.Fault, names ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range names {
		p.down[n] = f
	}
}

// add has some more monitors, of which the i-th is at an address.
func (p *place) add(prefix string, n int, address func(i int) string, parent string) (names []string) {
	for i := range n {
		name := fmt.Sprintf("%s%d", prefix, i)
		p.jobs = append(p.jobs, uptime.Job{Monitor: &uptime.Monitor{Name: name, Type: "tcp", Target: "tcp://" + address(i), Dest: address(i), Parent: parent,
			Interval: time.Minute, Timeout: 10 * time.Second, Fingerprint: 1}})
		names = append(names, name)
	}
	return names
}

// everywhere are addresses that share no network.
func everywhere(first int) func(int) string {
	return func(i int) string { i += first; return fmt.Sprintf("%d.%d.%d.1:443", 20+i/65536, i/256%256, i%256) }
}

// One letter for one cause, with the real engine, from the first failing check
// to the recovery.
func TestOneLetterForOneCause(t *testing.T) {
	tests := []struct {
		name  string
		make  func(p *place) (fails []string, with uptime.Fault)
		most  int    // letters that something is down
		names string // what is in one of their subjects
	}{
		{"1,000 behind a parent", func(p *place) ([]string, uptime.Fault) {
			p.add("other", 100, everywhere(5000), "")
			uplink := p.add("uplink", 1, everywhere(9000), "")
			return append(p.add("m", 1000, everywhere(0), "uplink0"), uplink...), uptime.FaultTCPTimeout
		}, 2, "uplink0"},
		{"1,000 behind what nobody wrote down", func(p *place) ([]string, uptime.Fault) {
			p.add("other", 100, everywhere(5000), "")
			return p.add("m", 1000, everywhere(0), ""), uptime.FaultTCPTimeout
		}, 2, "seen from here alone"},
		{"a rack of 40 behind a parent", func(p *place) ([]string, uptime.Fault) {
			p.add("other", 300, everywhere(5000), "")
			sw := p.add("switch", 1, everywhere(9000), "")
			return append(p.add("m", 40, everywhere(0), "switch0"), sw...), uptime.FaultTCPTimeout
		}, 1, "switch0"},
		{"300 sites on a host", func(p *place) ([]string, uptime.Fault) {
			p.add("other", 700, everywhere(5000), "")
			return p.add("site", 300, func(i int) string { return fmt.Sprintf("192.0.2.7:%d", 8000+i) }, ""), uptime.FaultTCPRefused
		}, 1, "192.0.2.7"},
		{"one site", func(p *place) ([]string, uptime.Fault) {
			p.add("other", 100, everywhere(5000), "")
			return p.add("shop", 1, everywhere(0), ""), uptime.FaultTCPRefused
		}, 1, "shop0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, ops := &place{down: map[string]uptime.Fault{}}, &box{}
				fails, with := tt.make(p)
				stop := p.start(t, ops)
				defer stop()
				time.Sleep(5 * time.Minute)
				if n := len(ops.all()); n > 0 {
					t.Fatalf("%d letters of nothing: %s", n, ops.all()[0].Text)
				}
				p.set(with, fails...)
				time.Sleep(8 * time.Minute)
				down := ops.all()
				if len(down) > tt.most || len(down) == 0 {
					t.Errorf("%d letters", len(down))
				}
				named := false
				for i, l := range down {
					named = named || strings.Contains(l.Subject, tt.names)
					if i < 5 {
						t.Logf("%s %s", l.Kind, l.Subject)
					}
				}
				if !named {
					t.Errorf("none of them says %q", tt.names)
				}
				p.set(uptime.NoFault, fails...)
				time.Sleep(25 * time.Minute)
				up := ops.all()[len(down):]
				over := 0
				for i, l := range up {
					if l.Over {
						over++
					}
					if i < 5 {
						t.Logf("%s %s", l.Kind, l.Subject)
					}
				}
				if over == 0 || len(up) > tt.most+1 {
					t.Errorf("%d letters after it, %d of its end", len(up), over)
				}
			})
		})
	}
}

// A site that flaps for an hour makes three letters, and one when it is steady.
func TestFlappingSite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, ops := &place{down: map[string]uptime.Fault{}}, &box{}
		p.add("other", 20, everywhere(5000), "")
		shop := p.add("shop", 1, everywhere(0), "")
		stop := p.start(t, ops)
		defer stop()
		time.Sleep(5 * time.Minute)
		for range 12 {
			p.set(uptime.FaultTCPRefused, shop...)
			time.Sleep(150 * time.Second)
			p.set(uptime.NoFault, shop...)
			time.Sleep(150 * time.Second)
		}
		if n := len(ops.all()); n > 3 || n == 0 {
			t.Errorf("%d letters in an hour", n)
		}
		time.Sleep(time.Hour)
		for _, l := range ops.all() {
			t.Logf("%s %s %s", l.Time.Format(time.TimeOnly), l.Kind, l.Subject)
		}
		if all := ops.all(); len(all) > 4 || !all[len(all)-1].Over {
			t.Errorf("%d letters, the last is its end: %v", len(all), all[len(all)-1].Over)
		}
	})
}

// start runs the real engine, desk and office until the returned func is called.
func (p *place) start(t *testing.T, ops *box) func() {
	t.Helper()
	s := storage.NewMemory()
	f, err := New(Options{Instance: "web-1", Zone: time.UTC, Store: s, Channels: []uptime.ChannelConfig{to1("ops", ops)}, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(engine.Options{Instance: "web-1", Timezone: "UTC", Store: s, Runner: p, Jobs: p.jobs, Outbox: f.Outbox}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	telling, stopTelling := context.WithCancel(context.Background())
	ran, told := make(chan error, 1), make(chan error, 1) // each → the returned func; one slot
	go func() { ran <- e.Run(ctx) }()
	go func() { told <- f.Run(telling, e) }()
	return func() {
		stopTelling()
		if err := <-told; err != nil {
			t.Error(err)
		}
		stop()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	}
}
