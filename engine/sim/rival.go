package main

import "time"

// rival is a rule that others have: a failing check is repeated, and then other
// places may be asked.
type rival struct {
	timeout  time.Duration // 0: the monitor's
	repeats  int           // failing checks before it decides, after the first
	retry    time.Duration // between them; 0: the interval
	ask      []int         // places that are asked at once
	need     int           // … of which so many must fail
	fallback bool          // who is not answered by so many decides alone
}

// play runs the rule for a year. A success of home ends an outage.
func (r rival) play(w *world, s setup) told {
	var out told
	timeout := s.timeout
	if r.timeout > 0 {
		timeout = r.timeout
	}
	retry := s.interval
	if r.retry > 0 {
		retry = r.retry
	}
	idle := newIdle(w, timeout)
	fails, down := 0, false
	since := time.Duration(0)
	for now := w.phase(s.interval); now < year; {
		packets := first{}
		if fails == 0 && !down {
			var n int
			now, n, packets = idle.skip(now, s.interval, timeout)
			out.home += n
		}
		for w.stands(now) {
			now += time.Second
		}
		f := w.check(0, now, timeout, packets)
		out.home++
		ended := now + f.took
		next := max(now+s.interval, ended)
		switch {
		case f.fault == 0:
			if down {
				out.down[len(out.down)-1].to = ended
			}
			fails, down = 0, false
		case down:
		default:
			if fails == 0 {
				since = now
			}
			if fails++; fails <= r.repeats {
				next = max(now+retry, ended)
				break
			}
			at, agreed := r.agreed(w, ended, timeout)
			if len(r.ask) > 0 {
				out.asked += len(r.ask)
				fails = 0 // it starts over, unless they agree
			}
			if agreed {
				down, fails = true, 0
				out.notes = append(out.notes, note{at, since, paged})
				out.down = append(out.down, span{from: since, to: year})
			}
		}
		now = next
	}
	return out
}

// agreed asks the other places, and says when it is known what they say.
func (r rival) agreed(w *world, now, timeout time.Duration) (time.Duration, bool) {
	at, heard, failing := now, 0, 0
	for _, i := range r.ask {
		said, arrives := w.elsewhere(i, now, timeout)
		if said == nil {
			at = max(at, now+timeout+2*time.Second)
			continue
		}
		at = max(at, now+arrives)
		heard++
		if said.Fault != 0 {
			failing++
		}
	}
	if heard < r.need && r.fallback {
		return at, true
	}
	return at, failing >= r.need
}
