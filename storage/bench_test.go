//go:build unix

package storage

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// fleet makes the ticks of n monitors, each checked once in every seconds.
type fleet struct {
	rng   *rand.Rand
	names []string
	every int
}

func newFleet(n, every int) *fleet {
	f := &fleet{rng: rand.New(rand.NewPCG(1, 1)), every: every}
	for i := range n {
		f.names = append(f.names, fmt.Sprintf("site-%06d.example.com", i))
	}
	return f
}

var fleetMeasures = [...]string{"dns", "connect", "tls", "ttfb", "body"}

func (f *fleet) tick(n int) *uptime.Batch {
	now := t0.Add(time.Duration(n) * time.Second)
	b := &uptime.Batch{Time: now.Add(time.Second)}
	for i := n % f.every; i < len(f.names); i += f.every {
		r := uptime.Result{Time: now.Add(time.Duration(f.rng.ExpFloat64()*1.5e6) + time.Duration(i%1000)*time.Millisecond), Monitor: f.names[i],
			Type: "http", Target: f.names[i], Location: uptime.Local, Outcome: uptime.OutcomeUp, Status: 200, Measures: make([]uptime.Measure, len(fleetMeasures))}
		for m, name := range fleetMeasures {
			us := int64(float64(1000*(1+m*m*3)+i%977*20) * math.Exp(f.rng.NormFloat64()*0.12))
			r.Measures[m] = uptime.Measure{Name: name, Value: us}
			r.Total += time.Duration(us) * time.Microsecond
		}
		if f.rng.IntN(1000) == 0 {
			r.Outcome, r.Fault, r.Status, r.Message = uptime.OutcomeDown, uptime.FaultTCPRefused, 0, "TCP connect refused"
			r.Measures = r.Measures[:1]
		}
		b.Results = append(b.Results, r)
	}
	return b
}

// written is what this process handed to the kernel so far.
func written(b *testing.B) int64 {
	data, err := os.ReadFile("/proc/self/io")
	if err != nil {
		b.Skip("no /proc/self/io")
	}
	for line := range strings.Lines(string(data)) {
		if s, ok := strings.CutPrefix(line, "wchar: "); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
			return n
		}
	}
	return 0
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkAppend stores one tick of 3,000 results of 180,000 monitors at a time,
// sealing and expiring as it goes: an hour and a half of them come before the clock starts.
func BenchmarkAppend(b *testing.B) {
	for _, c := range []struct {
		name        string
		n, every    int
		warm, ticks int
	}{
		{"180000 a minute", 180_000, 60, 5400, 600},
		{"3000 a second", 3_000, 1, 5400, 600},
		{"1000 a minute", 1_000, 60, 5400, 600},
	} {
		b.Run(c.name, func(b *testing.B) {
			if testing.Short() {
				c.warm = 60
			}
			s := newStore(b, Options{Now: t0, Retention: Retention{Results: time.Hour}})
			f := newFleet(c.n, c.every)
			s.db.NoSync = true
			n := 0
			for ; n < c.warm; n++ {
				if err := s.Append(f.tick(n)); err != nil {
					b.Fatal(err)
				}
			}
			s.db.NoSync = false
			var results int64
			var used, most time.Duration
			wrote := int64(0)
			ticks := 0
			for b.Loop() {
				for range c.ticks {
					batch := f.tick(n)
					n++
					ticks++
					w, u, at := written(b), cpu(), time.Now()
					if err := s.Append(batch); err != nil {
						b.Fatal(err)
					}
					most = max(most, time.Since(at))
					used += cpu() - u
					wrote += written(b) - w
					results += int64(len(batch.Results))
				}
			}
			b.ReportMetric(float64(used.Nanoseconds())/float64(results), "cpu-ns/result")
			b.ReportMetric(float64(wrote)/float64(results), "B-written/result")
			b.ReportMetric(float64(wrote)/float64(ticks), "B-written/tick")
			b.ReportMetric(float64(most.Microseconds())/1e3, "ms-longest")
			b.ReportMetric(float64(s.Size()), "B-file")
			b.ReportMetric(float64(freePages(s)), "free-pages")
		})
	}
}

// BenchmarkOpen opens a file with an hour of 3,000 results a second in its log, as after a kill.
func BenchmarkOpen(b *testing.B) {
	for _, n := range []int{1_000, 180_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "lookout.db")
			s := openStore(b, path, Options{Now: t0})
			s.db.NoSync = true
			f := newFleet(n, 60)
			ticks := 3600
			for i := range ticks {
				if err := s.Append(f.tick(i)); err != nil {
					b.Fatal(err)
				}
			}
			_ = s.db.Close()
			for b.Loop() {
				s := openStore(b, path, Options{Now: t0.Add(time.Hour)})
				_ = s.db.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/open")
		})
	}
}

// BenchmarkResults asks for a day of one monitor of a thousand.
func BenchmarkResults(b *testing.B) {
	s := newStore(b, Options{Now: t0})
	s.db.NoSync = true
	f := newFleet(1000, 60)
	for n := range 26 * 60 {
		batch := &uptime.Batch{Time: t0.Add(time.Duration(n+1) * time.Minute)}
		for i := range 60 {
			batch.Results = append(batch.Results, f.tick(n*60+i).Results...)
		}
		if err := s.Append(batch); err != nil {
			b.Fatal(err)
		}
	}
	now := t0.Add(26 * time.Hour)
	for b.Loop() {
		rs, err := s.Results(uptime.ResultQuery{Monitor: f.names[500], Since: now.Add(-24 * time.Hour), Limit: 2000})
		if err != nil || len(rs) != 1440 {
			b.Fatal(len(rs), err)
		}
	}
	b.ReportMetric(float64(s.Size())/26/60/1000, "B-file/result")
}
