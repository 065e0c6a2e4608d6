package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"lookout/engine/uptime"
)

const (
	year   = 365 * 24 * time.Hour
	places = 6 // 0 is home, the others are remote
)

// span is a fault that lasts.
type span struct {
	from, to time.Duration // of the year
	kind     kind
	share    float64 // of packets, requests or places, where the kind has one
	fault    uptime.Fault
	reach    time.Duration // the latest end of this and of those before it in a history
}

type kind uint8

const (
	offline    kind = iota // the place has no line
	brownOut               // its line loses a share of the packets
	resolver               // its resolvers fail
	stalled                // its process stands still
	lies                   // a broken probe that says everything is down, unaware
	mute                   // a broken probe that knows it, or does not answer
	pathDown               // nothing passes between the place and the target
	public                 // a public resolver that all places use fails
	deadAnchor             // an anchor of home's is silent
	targetDown             // an outage of the target
	restart                // … of seconds
	partial                // … for a share of the places
	flaky                  // a share of the requests fails
	slow                   // answers, but late
)

// history is what is wrong with one thing over the year, in the order of time.
// Spans of one history may overlap.
type history []span

// world is one monitor's year: its target, its places and the paths between.
// Once made it does not change.
type world struct {
	seed    uint64
	target  history
	place   [places]history
	path    [places]history
	public  history // of a resolver that all places share
	anchor  [anchors]history
	loss    [places]float64 // of the path, always
	blocked [places]bool    // the target never answers this place
	network [places]int     // of the place
	hit     [places]float64 // of partial outages: hit where share is larger
	dns     dns             // of who checks
}

// dns is how who checks asks for names.
type dns struct {
	asked []time.Duration // when a question is sent again; nil: as we do
	one   bool            // nobody but the public resolver is asked
}

// anchors are four addresses, and two resolvers.
const anchors = 6

// rates are how often a year each thing goes wrong that is no fault of the target's.
type rates struct {
	offline, brownOut, resolver, stalled float64 // at each place; the last one at home only
	network                              float64 // an outage of all places of a network
	mute, lies, lieTogether              float64 // of a probe; of all probes of network 1
	regional, blips                      float64 // on each path
	blocked                              float64 // the share of places that the target shuts out
	public, anchor                       float64
	target                               float64 // multiplies the faults of the target
}

// standard is the invented world; noise multiplies all that is no fault of the target.
func standard(noise float64) rates {
	return rates{offline: 12 * noise, brownOut: 24 * noise, resolver: 12 * noise, stalled: 2 * noise, network: 3 * noise,
		mute: 2.1 * noise, lies: 0.9 * noise, regional: 4 * noise, blips: 100 * noise, blocked: 0.01 * min(noise, 5),
		public: 4 * noise, anchor: 6 * noise, target: 1}
}

// rate is per year; median is of a lognormal duration.
type rate struct {
	perYear float64
	median  time.Duration
	kind    kind
}

// sigma is the spread of durations, in the logarithm: a tenth lasts 3.6 times the median and longer.
const sigma = 1.0

func (r rate) draw(rng *rand.Rand, more func(*span)) history {
	if r.perYear <= 0 {
		return nil
	}
	gap := func() time.Duration { return time.Duration(rng.ExpFloat64() / r.perYear * float64(year)) }
	var out history
	for at := gap(); at < year; at += gap() {
		d := time.Duration(float64(r.median) * math.Exp(sigma*rng.NormFloat64()))
		s := span{from: at, to: at + max(d, time.Second), kind: r.kind}
		if more != nil {
			more(&s)
		}
		out = append(out, s)
	}
	return out
}

// newWorld draws a year.
func newWorld(seed uint64, f rates) *world {
	w := &world{seed: seed}
	rng := rand.New(rand.NewPCG(seed, 0x6c6f6f6b6f7574))
	draw := func(r rate, more func(*span)) history { return r.draw(rng, more) }
	w.network = [places]int{0, 1, 1, 2, 2, 3}
	var shared [4]history // an outage of a network hits all its places
	for n := range shared {
		shared[n] = draw(rate{f.network, 3 * time.Minute, offline}, nil)
	}
	together := draw(rate{f.lieTogether, 20 * time.Minute, lies}, nil)
	for i := range w.place {
		h := draw(rate{f.offline, 40 * time.Second, offline}, nil)
		h = append(h, draw(rate{f.brownOut, 4 * time.Minute, brownOut}, func(s *span) { s.share = 0.05 + 0.35*rng.Float64() })...)
		h = append(h, draw(rate{f.resolver, 45 * time.Second, resolver}, nil)...)
		if i == 0 {
			h = append(h, draw(rate{f.stalled, 30 * time.Second, stalled}, nil)...)
		} else {
			h = append(h, shared[w.network[i]]...)
			h = append(h, draw(rate{f.mute, 20 * time.Minute, mute}, nil)...)
			h = append(h, draw(rate{f.lies, 20 * time.Minute, lies}, nil)...)
			w.blocked[i] = rng.Float64() < f.blocked
		}
		if w.network[i] == 1 {
			h = append(h, together...)
		}
		w.place[i] = h.sorted()
		p := draw(rate{f.regional, 3 * time.Minute, pathDown}, nil)
		p = append(p, draw(rate{f.blips, 4 * time.Second, pathDown}, nil)...)
		w.path[i] = p.sorted()
		w.loss[i] = 0.0005 * math.Pow(40, rng.Float64()) // 0.05 to 2 %
		w.hit[i] = rng.Float64()
	}
	t := draw(rate{12 * f.target, 6 * time.Minute, targetDown}, func(s *span) { s.fault = cause(rng) })
	t = append(t, draw(rate{52 * f.target, 0, restart}, func(s *span) {
		s.to = s.from + time.Second + time.Duration(rng.Float64()*24*float64(time.Second))
		s.fault = uptime.FaultTCPRefused
	})...)
	t = append(t, draw(rate{3 * f.target, 0, flaky}, func(s *span) {
		s.to, s.share = s.from+30*time.Minute, []float64{0.01, 0.05, 0.1, 0.25, 0.5}[rng.IntN(5)]
		s.fault = uptime.FaultHTTPStatus
	})...)
	t = append(t, draw(rate{4 * f.target, 10 * time.Minute, slow}, nil)...)
	t = append(t, draw(rate{2 * f.target, 6 * time.Minute, partial}, func(s *span) {
		s.share, s.fault = 0.2+0.6*rng.Float64(), uptime.FaultTCPTimeout
	})...)
	w.target = t.sorted()
	w.public = draw(rate{f.public, 10 * time.Minute, public}, nil).sorted()
	for i := range w.anchor {
		w.anchor[i] = draw(rate{f.anchor, 10 * time.Minute, deadAnchor}, nil).sorted()
	}
	return w
}

// cause is how a target fails: 45 % silent, 20 % refused, 30 % 5xx, 5 % names and certificates.
func cause(rng *rand.Rand) uptime.Fault {
	switch x := rng.Float64(); {
	case x < 0.45:
		return uptime.FaultTCPTimeout
	case x < 0.65:
		return uptime.FaultTCPRefused
	case x < 0.95:
		return uptime.FaultHTTPStatus
	case x < 0.975:
		return uptime.FaultTLSExpired
	}
	return uptime.FaultDNSNxdomain
}

func (h history) sorted() history {
	slices.SortFunc(h, func(a, b span) int { return int(a.from - b.from) })
	reach := time.Duration(0)
	for i := range h {
		reach = max(reach, h[i].to)
		h[i].reach = reach
	}
	return h
}

// at calls fn for what is wrong at a time, in the order of beginning.
func (h history) at(t time.Duration, fn func(*span)) {
	end, _ := slices.BinarySearchFunc(h, t, func(s span, t time.Duration) int {
		if s.from <= t {
			return -1
		}
		return 1
	})
	first := end
	for first > 0 && h[first-1].reach > t {
		first--
	}
	for i := first; i < end; i++ {
		if h[i].to > t {
			fn(&h[i])
		}
	}
}
