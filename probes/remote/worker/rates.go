package worker

import (
	"fmt"
	"time"

	"lookout/engine/uptime"
)

// rates bounds the checks of each target, whoever wants them.
type rates struct {
	most  float64 // a second; 0: no bound
	dests map[string]bucket
}

type bucket struct {
	left float64
	at   time.Time
}

// maxDests is how many targets are remembered before those at rest are forgotten.
const maxDests = 100_000

func newRates(most float64) rates { return rates{most, make(map[string]bucket)} }

// allow takes one check of a target, if there is one left now.
func (r *rates) allow(dest string, now time.Time) bool {
	if r.most <= 0 {
		return true
	}
	burst := max(r.most, 1)
	b, ok := r.dests[dest]
	if !ok {
		r.forget(now, burst)
		b = bucket{burst, now}
	}
	b.left = min(b.left+r.most*max(now.Sub(b.at), 0).Seconds(), burst)
	b.at = now
	if ok = b.left >= 1; ok {
		b.left--
	}
	r.dests[dest] = b
	return ok
}

// forget drops the targets whose bucket is full again.
func (r *rates) forget(now time.Time, burst float64) {
	if len(r.dests) < maxDests {
		return
	}
	for dest, b := range r.dests {
		if b.left+r.most*now.Sub(b.at).Seconds() >= burst {
			delete(r.dests, dest)
		}
	}
}

func (w *Worker) tooOften(job uptime.Job) string {
	return fmt.Sprintf("this probe allows %g checks a second of %s (max_rate)", w.o.Limits.MaxRate, clean(job.Dest))
}
