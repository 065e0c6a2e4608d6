package engine

import (
	"fmt"
	"testing"
	"time"

	"lookout/engine/schedule"
	"lookout/engine/uptime"
	"lookout/engine/verdict"
)

// fleet is an engine that does not run, with n monitors that have a day behind them.
func fleet(b testing.TB, n int) (*Engine, time.Time) {
	b.Helper()
	now := time.Now()
	jobs := make([]uptime.Job, n)
	for i := range jobs {
		jobs[i] = job(fmt.Sprintf("www-%06d.example.com", i), time.Minute)
	}
	e, err := New(Options{Instance: "bench", Store: newMemory(), Runner: newTargets(), Jobs: jobs}, now)
	if err != nil {
		b.Fatal(err)
	}
	e.flow.start = func(check) {}
	for _, m := range e.monitors {
		for k := range 30 {
			r := result(m, now.Add(time.Duration(k-30)*time.Minute), time.Duration(20+k)*time.Millisecond)
			m.observe(&r)
			m.mem, _ = verdict.Step(m.params, verdict.Scene{}, m.mem, &r, r.Time)
		}
	}
	return e, now
}

func result(m *monitor, at time.Time, took time.Duration) uptime.Result {
	return uptime.Result{Time: at, Monitor: m.job.Name, Type: "http", Location: uptime.Local, Outcome: uptime.OutcomeUp, Total: took, Status: 200}
}

// One result from its arrival to the batch, without the check and the disk.
func BenchmarkTake(b *testing.B) {
	e, now := fleet(b, 10_000)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		m := e.monitors[i%len(e.monitors)]
		i++
		now = now.Add(time.Millisecond)
		c := check{m: m, epoch: m.epoch, job: m.job, due: now, regular: true}
		e.flow.ask(c)
		e.flow.pump(now, 0)
		c.started = now
		e.take(finished{c, result(m, now, 20*time.Millisecond), false}, now)
		if len(e.out.pending.Results) > 5000 {
			e.out.pending.Results = nil
		}
	}
}

// A snapshot of 180,000 monitors of which 750 have changed, as four times a second at 3,000 results a second.
func BenchmarkPublish180k(b *testing.B) {
	e, now := fleet(b, 180_000)
	e.publish(now)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		for range 750 {
			e.monitors[i%len(e.monitors)].viewed = false
			i++
		}
		e.publish(now)
	}
}

// A window that opens and closes for 180,000 monitors: what the loop does for it, without the disk.
func BenchmarkWindow180k(b *testing.B) {
	e, now := fleet(b, 180_000)
	for _, m := range e.monitors {
		m.job.Tags = []string{"db"}
	}
	e.publish(now)
	b.ReportAllocs()
	for b.Loop() {
		e.arrange([]Maintenance{{Of: []string{"tag:db"}, Window: schedule.Once(now.Add(time.Hour), time.Hour)}}, now)
		now = now.Add(time.Hour)
		e.windows(now)
		now = now.Add(time.Hour)
		e.windows(now)
		if n := len(e.out.pending.Events); n != 2*len(e.monitors) {
			b.Fatal(n)
		}
		if batch := e.cut(now); len(batch.States) > 0 {
			b.Fatalf("%d states", len(batch.States))
		}
	}
}

// The second in which nothing opens, with a hundred windows.
func BenchmarkWindowsAtRest(b *testing.B) {
	e, now := fleet(b, 1000)
	var all []Maintenance
	for i, m := range e.monitors[:100] {
		all = append(all, Maintenance{Of: []string{m.job.Name}, Window: schedule.Once(now.Add(time.Duration(i+1)*time.Hour), time.Minute)})
	}
	e.arrange(all, now)
	b.ReportAllocs()
	for b.Loop() {
		e.windows(now)
	}
}

// A state record, written and read: of 180,000 monitors at the start, and once in ten minutes.
func BenchmarkRecord(b *testing.B) {
	e, _ := fleet(b, 1)
	m := e.monitors[0]
	var data []byte
	b.Run("encode", func(b *testing.B) {
		for b.Loop() {
			var err error
			if data, err = m.encode(nil); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(data)), "B/record")
	})
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
			if _, err := newMonitor(m.job, "").decode(data); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkDeliver is what a row of a probe costs the loop: regular checks of
// another location, all of them up.
func BenchmarkDeliver(b *testing.B) {
	jobs := make([]uptime.Job, 1000)
	for i := range jobs {
		jobs[i] = at(fmt.Sprintf("m%04d", i), time.Minute, "local", "fra")
	}
	e, err := New(Options{Instance: "web-1", Store: newMemory(), Runner: newTargets(), Remote: threeProbes(), Jobs: jobs}, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	now, n := time.Now(), uint64(0)
	for i := range e.monitors {
		e.monitors[i].mem.Verdict = uptime.Up
	}
	b.ReportAllocs()
	for b.Loop() {
		d := batchOf(n, now)
		for i := range jobs {
			d.Found = append(d.Found, found(jobs[i].Name, now, uptime.NoFault))
		}
		d.To = d.From + uint64(len(d.Found))
		n = d.To
		e.deliver(delivery{d, func(error) {}}, now)
		e.cut(now)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/row")
}
