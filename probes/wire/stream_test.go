package wire

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// stream makes what a probe with 1,000 monitors of an interval of 60 s sends
// in minutes at a flush each 10 s: 99.9 % up, starts about a millisecond late,
// log-normal phases (their spread 5 to 30 %, 1 % spikes) around a base of each
// monitor, numbered in the order in which they finished.
func stream(rng *rand.Rand, minutes int, phases, byPhase bool) []Batch {
	const monitors = 1000
	names := []string{"dns", "connect", "tls", "ttfb", "body"}
	middle := [5]float64{2000, 12000, 14000, 60000, 900}
	noise := [5]float64{0.3, 0.05, 0.08, 0.2, 0.3}
	type target struct {
		phase float64 // ms
		base  [5]float64
	}
	targets := make([]target, monitors)
	for i := range targets {
		targets[i].phase = rng.Float64() * 60_000
		for k, m := range middle {
			targets[i].base[k] = m * math.Exp(rng.NormFloat64()*0.7)
		}
	}
	if byPhase {
		slices.SortFunc(targets, func(a, b target) int { return int(a.phase - b.phase) })
	}
	start := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	type done struct {
		at  time.Time
		row Row
	}
	var all []done
	for minute := range minutes {
		for i, t := range targets {
			ms := float64(minute)*60_000 + t.phase + rng.ExpFloat64()*0.8
			res := uptime.Result{Time: start.Add(time.Duration(ms) * time.Millisecond), Outcome: uptime.OutcomeUp, Status: 200}
			sum := 0.0
			for k, b := range t.base {
				us := b * math.Exp(rng.NormFloat64()*noise[k])
				if rng.Float64() < 0.01 {
					us *= 5
				}
				sum += us
				if phases {
					res.Measures = append(res.Measures, uptime.Measure{Name: names[k], Value: int64(us)})
				}
			}
			res.Total = time.Duration(sum+rng.ExpFloat64()*60) * time.Microsecond
			if rng.Float64() < 0.001 {
				res.Outcome, res.Fault, res.Status = uptime.OutcomeDown, uptime.FaultTCPRefused, 0
				res.Address = fmt.Sprintf("203.0.113.%d:443", i%250)
				res.Message = "TCP connect " + res.Address + " refused"
				res.Measures = res.Measures[:min(2, len(res.Measures))]
			}
			all = append(all, done{res.Time.Add(res.Total), Row{Monitor: uint32(i), Result: res}})
		}
	}
	slices.SortFunc(all, func(a, b done) int { return a.at.Compare(b.at) })
	var out []Batch
	end := start
	for at := 0; at < len(all); {
		end = end.Add(10 * time.Second)
		b := Batch{Epoch: 0x1122334455667788, From: uint64(at), Obeyed: Version{1_795_000_000_000, 42}, Clock: end,
			Counters: Counters{Scheduled: uint64(at), Finished: uint64(at)}}
		for at < len(all) && all[at].at.Before(end) {
			b.Rows = append(b.Rows, all[at].row)
			at++
		}
		out = append(out, b)
	}
	return out
}

// What a flush costs at the link beside its frame: AMQP's publish and confirm, TLS 1.3,
// TCP and Ethernet, as the drills measure it. A frame with phases needs two packets.
const (
	link       = 403
	linkPhases = 431
)

func TestBytesPerResult(t *testing.T) {
	for _, c := range []struct {
		name            string
		phases, byPhase bool
		most            float64 // bytes a result, of the frame
	}{
		{"five phases, numbered by phase", true, true, 10.2},
		{"five phases, numbered anyhow", true, false, 11.1},
		{"total only, numbered by phase", false, true, 2.9},
		{"total only, numbered anyhow", false, false, 3.8},
	} {
		t.Run(c.name, func(t *testing.T) {
			codec, rows, size, flushes := New(), 0, 0, 0
			for _, b := range stream(rand.New(rand.NewPCG(1, 2)), 5, c.phases, c.byPhase) {
				frame, err := codec.Batch(b)
				if err != nil {
					t.Fatal(err)
				}
				if len(b.Rows) > 100 {
					rows, size, flushes = rows+len(b.Rows), size+len(frame), flushes+1
				}
			}
			body := float64(size) / float64(rows)
			around := link
			if c.phases {
				around = linkPhases
			}
			whole := float64(size+flushes*around) / float64(rows)
			t.Logf("%.2f B a result of %.0f a flush, %.2f B at the link", body, float64(rows)/float64(flushes), whole)
			if body > c.most {
				t.Errorf("%.2f B a result, at most %.1f expected", body, c.most)
			}
		})
	}
}

func BenchmarkBatch(b *testing.B) {
	batch := stream(rand.New(rand.NewPCG(1, 2)), 2, true, true)[3]
	codec := New()
	frame, err := codec.Batch(batch)
	if err != nil {
		b.Fatal(err)
	}
	rows := float64(len(batch.Rows))
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := codec.Batch(batch); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/result")
	})
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := codec.ReadBatch(frame); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/result")
	})
}
