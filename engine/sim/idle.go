package main

import (
	"math"
	"time"
)

// idle finds the time in which checks of home have nothing to say, so that
// nobody has to make them one by one.
type idle struct {
	w       *world
	timeout time.Duration
	seen    [4]int     // where in the histories we are
	luck    dice       // draws when the next packet is lost
	lose    [3]float64 // the first packet of each phase, where none was before and one of those left is
	each    float64    // … and where that is not known
	quiet   float64    // -log of the probability that a check loses none of its first packets
}

func newIdle(w *world, timeout time.Duration) *idle {
	lose := 1 - (1-w.loss[0])*(1-w.loss[0])
	i := &idle{w: w, timeout: timeout, luck: w.dice(0, 0, 3), each: lose, quiet: -3 * math.Log1p(-lose)}
	for k := range i.lose {
		i.lose[k] = lose / (1 - math.Pow(1-lose, float64(len(i.lose)-k)))
	}
	return i
}

// skip is the first of the checks from now on, every interval, that may fail or
// take until soft, how many before it do not, and what is known of its packets.
func (i *idle) skip(now, interval, soft time.Duration) (time.Duration, int, first) {
	done := 0
	for {
		most := (i.calm(now) - now) / interval
		if most <= 0 {
			return now, done, first{}
		}
		n := time.Duration(min(i.exp()/i.quiet, 1e9))
		if n >= most {
			return now + most*interval, done + int(most), first{}
		}
		now += n * interval
		done += int(n)
		packets := i.unlucky()
		if f := i.w.check(0, now, i.timeout, packets); f.fault != 0 || f.took >= soft {
			return now, done, packets
		}
		now += interval
		done++
	}
}

func (i *idle) exp() float64 { return -math.Log1p(-float64(i.luck.next()>>11) / (1 << 53)) }

// unlucky are packets of which one at least is lost.
func (i *idle) unlucky() first {
	p := first{known: true}
	lost := false
	for k := range p.lost {
		lose := i.each
		if !lost {
			lose = i.lose[k]
		}
		p.lost[k] = i.luck.less(lose)
		lost = lost || p.lost[k]
	}
	return p
}

// calm is until when nothing happens to a check that begins.
func (i *idle) calm(now time.Duration) time.Duration {
	next := year + time.Hour
	all := [4]history{i.w.place[0], i.w.path[0], i.w.target}
	if i.w.dns.one {
		all[3] = i.w.public
	}
	for k, h := range all {
		for i.seen[k] < len(h) && h[i.seen[k]].to <= now {
			i.seen[k]++
		}
		for _, s := range h[i.seen[k]:] {
			if s.to > now {
				next = min(next, s.from-i.timeout)
				break
			}
		}
	}
	return next
}
