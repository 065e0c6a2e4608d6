//go:build linux

package main

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"lookout/engine/uptime"
)

// finder makes up what checks find: log-normal phases around a base of each
// monitor, their spread 5 to 30 %, 1 % spikes. It takes the time that it says.
// The figures are those that the frames were measured with.
type finder struct {
	phases  bool    // five of them; else the total only
	failing float64 // share

	mu   sync.Mutex
	rng  *rand.Rand
	base map[string]*[5]float64 // µs, by monitor
}

func newFinder(phases bool, failing float64) *finder {
	return &finder{phases: phases, failing: failing, rng: rand.New(rand.NewPCG(1, 2)), base: map[string]*[5]float64{}}
}

// Run checks nothing, and takes as long as it says.
func (f *finder) Run(ctx context.Context, job uptime.Job) uptime.Result {
	r := f.find(job.Name)
	r.Time = time.Now().UTC().Truncate(time.Millisecond)
	pause(ctx, r.Total)
	return r
}

func (f *finder) find(monitor string) uptime.Result {
	f.mu.Lock()
	defer f.mu.Unlock()
	base := f.base[monitor]
	if base == nil {
		base = &[5]float64{2000, 12000, 14000, 60000, 900}
		for k := range base {
			base[k] *= math.Exp(f.rng.NormFloat64() * 0.7)
		}
		f.base[monitor] = base
	}
	r := uptime.Result{Outcome: uptime.OutcomeUp, Status: 200}
	noise, sum := [5]float64{0.3, 0.05, 0.08, 0.2, 0.3}, 0.0
	for k, name := range []string{"dns", "connect", "tls", "ttfb", "body"} {
		us := base[k] * math.Exp(f.rng.NormFloat64()*noise[k])
		if f.rng.Float64() < 0.01 {
			us *= 5
		}
		sum += us
		if f.phases {
			r.Measures = append(r.Measures, uptime.Measure{Name: name, Value: int64(us)})
		}
	}
	r.Total = time.Duration(sum+f.rng.ExpFloat64()*60) * time.Microsecond
	if f.rng.Float64() < f.failing {
		fail(&r)
	}
	return r
}

// fail makes a failure of what a check found.
func fail(r *uptime.Result) {
	r.Outcome, r.Fault, r.Status = uptime.OutcomeDown, uptime.FaultTCPRefused, 0
	r.Address = "203.0.113.7:443"
	r.Message = "TCP connect 203.0.113.7:443 refused"
	r.Measures = r.Measures[:min(2, len(r.Measures))]
}
