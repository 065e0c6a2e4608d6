package spool

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/wire"
)

// stream is what 1,000 monitors of an interval of 60 s find in minutes, in the
// order in which their checks end: 99.9 % up, log-normal phases around a base
// of each monitor. It is the stream that the figures of probes/wire are of.
func stream(minutes int) []wire.Row {
	rng := rand.New(rand.NewPCG(7, 7))
	middle := [5]float64{2000, 12000, 14000, 60000, 900}
	noise := [5]float64{0.3, 0.05, 0.08, 0.2, 0.3}
	var start [1000]float64
	var base [1000][5]float64
	for i := range base {
		start[i] = rng.Float64() * 60_000
		for k, m := range middle {
			base[i][k] = m * math.Exp(rng.NormFloat64()*0.7)
		}
	}
	slices.Sort(start[:])
	var all []wire.Row
	for minute := range minutes {
		for i := range base {
			ms := float64(minute)*60_000 + start[i] + rng.ExpFloat64()*0.8
			res := uptime.Result{Time: t0.Add(time.Duration(ms) * time.Millisecond), Outcome: uptime.OutcomeUp, Status: 200}
			sum := 0.0
			for k, b := range base[i] {
				us := b * math.Exp(rng.NormFloat64()*noise[k])
				sum += us
				res.Measures = append(res.Measures, uptime.Measure{Name: phases[k], Value: int64(us)})
			}
			res.Total = time.Duration(sum+rng.ExpFloat64()*60) * time.Microsecond
			if rng.Float64() < 0.001 {
				res.Outcome, res.Fault, res.Status, res.Measures = uptime.OutcomeDown, uptime.FaultTCPRefused, 0, res.Measures[:2]
				res.Address = fmt.Sprintf("203.0.113.%d:443", i%250)
				res.Message = "TCP connect " + res.Address + " refused"
			}
			all = append(all, wire.Row{Monitor: uint32(i), Result: res})
		}
	}
	slices.SortStableFunc(all, func(a, b wire.Row) int {
		return a.Result.Time.Add(a.Result.Total).Compare(b.Result.Time.Add(b.Result.Total))
	})
	return all
}
