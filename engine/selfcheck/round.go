package selfcheck

import (
	"slices"
	"time"

	"lookout/engine/uptime"
)

// Round is a question to all anchors at once. Each has until Deadline.
type Round struct {
	Number   uint64
	Anchors  []uptime.Anchor
	Deadline time.Time
}

// round is the newest one.
type round struct {
	number  uint64 // 0: none yet
	began   time.Time
	asked   []*anchor
	out     int  // answers that are to come
	decided bool // all are in, or its time is up
	early   bool // it has answered well before all were in
}

func (r *round) deadline() time.Time { return r.began.Add(Within) }

// Doubt says that a check hangs: it may be us.
func (l *Line) Doubt(now time.Time) {
	l.wanted = true
	l.read(now)
}

// Next is when Ask is to be called next; false where only an event changes anything.
func (l *Line) Next(now time.Time) (time.Time, bool) {
	l.read(now)
	at, ok := l.due(now)
	if r := &l.round; r.number > 0 && !r.decided {
		at, ok = r.deadline(), true
	}
	if end, ends := l.expires(); ends && (!ok || end.Before(at)) {
		at, ok = end, true
	}
	return at, ok
}

// due is when the next round begins.
func (l *Line) due(now time.Time) (time.Time, bool) {
	if len(l.anchors)+len(l.doubted(now)) == 0 || l.round.number > 0 && !l.round.decided {
		return time.Time{}, false
	}
	at := l.baseline
	soon := func(t time.Time) {
		if t.Before(at) {
			at = t
		}
	}
	if l.wanted {
		soon(l.round.began.Add(roundEvery))
	}
	switch {
	case l.offline():
		soon(l.round.began.Add(blindEvery))
	case !l.resolving():
		soon(l.round.began.Add(namesEvery))
	}
	return later(at, now), true
}

// Ask begins a round, where one is due and there is somebody to ask.
func (l *Line) Ask(now time.Time) (Round, bool) {
	l.read(now)
	if at, ok := l.due(now); !ok || at.After(now) {
		return Round{}, false
	}
	l.number++
	asked := append(slices.Clone(l.anchors), l.doubted(now)...)
	l.round = round{number: l.number, began: now, asked: asked, out: len(asked)}
	l.wanted, l.baseline = false, now.Add(baselineEvery)
	l.spread.mark()
	r := Round{Number: l.number, Deadline: l.round.deadline()}
	for _, a := range asked {
		a.in, a.said, a.answered = l.number, uptime.AnswerNone, false
		r.Anchors = append(r.Anchors, a.Anchor)
	}
	return r, true
}

// Answer takes what the anchor with an index said in a round. What comes after
// the round's time, or twice, counts for nothing.
func (l *Line) Answer(number uint64, i int, said uptime.Answer, now time.Time) {
	l.read(now)
	r := &l.round
	if number != r.number || r.decided || i < 0 || i >= len(r.asked) {
		return
	}
	a := r.asked[i]
	if a.answered || a.in != number {
		return
	}
	a.answered, a.said = true, said
	if said == uptime.AnswerGood || said == uptime.AnswerPoor {
		a.known, a.silent, a.refuted = true, time.Time{}, 0
		a.spoke, a.useful = true, a.useful || said == uptime.AnswerGood
		l.seen = l.seen || a.reach > link
	}
	if r.out--; r.out == 0 {
		l.decide()
	}
	l.read(now)
}

// Abandon gives up the round that is out: whoever asks stood still, and what has
// not come in says nothing. Another one follows.
func (l *Line) Abandon(now time.Time) {
	r := &l.round
	if r.number == 0 || r.decided {
		return
	}
	for _, a := range r.asked {
		if !a.answered {
			a.said, a.answered = uptime.AnswerVoid, true
		}
	}
	r.decided, l.wanted = true, true
	l.read(now)
}

// decide ends a round: who has not answered by now was silent.
func (l *Line) decide() {
	l.round.decided = true
	for _, a := range l.round.asked {
		if a.said == uptime.AnswerNone && a.silent.IsZero() {
			a.silent = l.round.began
		}
	}
}

// Settled reports whether what a check found at a time can be judged: a round
// that began since then has said how the line is, or none will in time.
func (l *Line) Settled(at, now time.Time) bool {
	l.read(now)
	r := &l.round
	switch {
	case len(l.anchors)+len(l.doubted(now)) == 0, now.Sub(at) >= roundEvery+Within:
		return true
	case r.began.Before(at):
		return false
	}
	return r.decided || l.said()
}

// said reports whether the round that is out has said all that decides: those
// that are to come are no resolvers, and change nothing or never answered.
func (l *Line) said() bool {
	for _, a := range l.round.asked {
		if !a.answered && (a.Resolver || !l.seen || a.known && !l.round.early) {
			return false
		}
	}
	return true
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
