package worker

import (
	"context"
	"crypto/ed25519"
	"testing"
	"time"

	"lookout/engine/schedule"
	"lookout/engine/uptime"
	"lookout/probes"
	"lookout/probes/spool"
)

// still makes a worker that does not run, with one monitor of its own.
func (o *office) still() (*Worker, *monitor) {
	o.t.Helper()
	s, err := spool.Open(o.dir+"/spool", spool.Options{Codec: o.codec})
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { s.Close() })
	w, err := New(Options{Place: o.place, Key: o.signer.Key.Public().(ed25519.PublicKey), Dir: o.dir, Broker: o, Spool: s,
		Build: o.build, Runner: &probes.Runner{}, Outside: o})
	if err != nil {
		o.t.Fatal(err)
	}
	w.wheel = schedule.New[due](time.Now())
	m := &monitor{Monitor: regular(0, 1)[0], own: true}
	w.monitors[0] = m
	return w, m
}

// TestStalled tells of a check that lived through a stall nothing about its
// target, and leaves out what is overdue after one.
func TestStalled(t *testing.T) {
	o := newOffice(t)
	w, m := o.still()
	now := time.Now()
	w.want(check{m: m, due: now}, now)
	w.pump(t.Context(), now)
	f := <-w.checked
	f.r = failed(uptime.FaultTCPTimeout)
	f.r.Steps = []uptime.Step{{Step: "connect"}}
	f.stalled = true
	w.ended(f)
	if rows := w.found.lots[0].rows; len(rows) != 1 || rows[0].Result.Outcome != uptime.OutcomeUnknown || rows[0].Result.Fault != uptime.FaultLocalStalled ||
		rows[0].Unhealthy || len(rows[0].Result.Steps) != 0 {
		t.Errorf("%+v", rows)
	}
	w.pulse.woke = now
	w.regular(m, now.Add(-5*time.Second), now)
	if w.flow.waiting != 0 || w.counts.Skipped != 1 {
		t.Errorf("%d wait, %d are left out", w.flow.waiting, w.counts.Skipped)
	}
	w.regular(m, now.Add(-10*time.Millisecond), now)
	if w.flow.waiting != 1 {
		t.Errorf("%d wait of one that is in time", w.flow.waiting)
	}
}

// TestPerTarget lets 32 checks go to one target at once, and the others wait for these.
func TestPerTarget(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		running, most, other := 0, 0, 0
		o.check = func(ctx context.Context, name string) uptime.Result {
			o.set(func() {
				if running++; running > most {
					most = running
				}
				if name == "alone" {
					other++
				}
			})
			time.Sleep(10 * time.Second)
			o.set(func() { running-- })
			return uptime.Result{Outcome: uptime.OutcomeUp, Total: 10 * time.Second}
		}
		p := o.start(nil)
		monitors := regular(0, 101)
		for i := range monitors {
			monitors[i].URL, monitors[i].Interval = "tcp://same", 5*time.Second
		}
		monitors[100].Name, monitors[100].URL = "alone", "tcp://other"
		o.assign(version(5, 1), []string{"a"}, monitors)
		after(3 * time.Minute)
		o.set(func() {
			if most < perDest || most > perDest+1 {
				t.Errorf("%d ran at once", most)
			}
			if other < 10 {
				t.Errorf("another target was checked %d times in three minutes", other)
			}
		})
		p.stop()
		all := o.batches()
		if c := all[len(all)-1].Counters; c.Scheduled != c.Finished+c.Skipped || c.Skipped == 0 {
			t.Errorf("%+v", c)
		}
	})
}

func TestFlow(t *testing.T) {
	f := newFlow(100, 0)
	dest := uptime.Job{Monitor: &uptime.Monitor{Dest: "a:1"}}
	for range perDest + 3 {
		f.add(check{job: dest})
	}
	if len(f.ready) != perDest || f.waiting != perDest+3 || f.free() != 100-perDest-3 {
		t.Errorf("%d may begin of %d, %d are free", len(f.ready), f.waiting, f.free())
	}
	for range perDest + 3 {
		if len(f.ready) == 0 {
			t.Fatal("a check that waits is forgotten")
		}
		f.release(f.next().job.Dest)
	}
	if len(f.ready) != 0 || f.waiting != 0 || len(f.dests) != 0 {
		t.Errorf("%d are ready, %d wait, %d targets are left", len(f.ready), f.waiting, len(f.dests))
	}
}

type sparing struct{ whole string }

func (s sparing) Check(context.Context) uptime.Result { return uptime.Result{} }
func (s sparing) Spare() uptime.Checker               { return sparing{"spared"} }

// TestSpare leaves out of a late check what it can, while its monitor is up.
func TestSpare(t *testing.T) {
	tests := []struct {
		name     string
		outcome  uptime.Outcome
		baseline bool
		want     string
	}{
		{"up", uptime.OutcomeUp, false, "spared"},
		{"down", uptime.OutcomeDown, false, "whole"},
		{"a baseline", uptime.OutcomeUp, true, "whole"},
	}
	for _, tt := range tests {
		c := check{m: &monitor{outcome: tt.outcome}, job: uptime.Job{Checker: sparing{"whole"}}, baseline: tt.baseline}
		if c.spare(); c.job.Checker != (sparing{tt.want}) {
			t.Errorf("%s: %v", tt.name, c.job.Checker)
		}
	}
}
