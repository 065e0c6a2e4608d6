package alert

import (
	"math/rand/v2"
	"time"

	"lookout/engine/uptime"
)

// trouble is how often something was tried in vain, and when it is tried again.
// The zero value is none.
type trouble struct {
	tries int       // that failed
	since time.Time // when the first did
	next  time.Time // when another is due; zero: now
	why   string    // the last one did
	hard  bool      // it takes a person to change that
	asked bool      // the other side said how long to wait
}

const (
	firstStep = 5 * time.Second
	lastStep  = 15 * time.Minute
	hardStep  = time.Hour // where a person has to change something, or where that was asked for
	// What is refused is given up after so long, and so many tries: a clock that
	// leaps gives up nothing.
	giveUp      = 3 * 24 * time.Hour
	giveUpTries = 36
	// … but soon where others have had it, and one is refused for good.
	leftTries = 4
)

// fails counts a try that did.
func (t *trouble) fails(r *uptime.Refusal, now time.Time) {
	if t.tries == 0 || t.since.IsZero() {
		t.since = now
	}
	t.tries++
	t.why, t.hard, t.asked = r.Reply, r.Permanent, r.Wait > 0
}

// step is how long to wait.
func (t *trouble) step() time.Duration {
	if t.hard {
		return hardStep
	}
	return min(firstStep<<min(max(t.tries-1, 0), 20), lastStep)
}

// plan says when the next try is due: a step away, more or less, so that not all
// who were refused at once come again at once; and not before it was asked for.
func (t *trouble) plan(wait time.Duration, now time.Time, rng *rand.Rand) {
	d := t.step()
	d = d*4/5 + time.Duration(rng.Int64N(int64(d)*2/5+1))
	t.next = now.Add(max(d, min(wait, hardStep)))
}

// steady bounds what a clock that was set back does: a try is never further away
// than a step, and what has failed since tomorrow is given up in three days from now.
func (t *trouble) steady(now time.Time) {
	if t.since.After(now) {
		t.since = now
	}
	most := t.step() * 6 / 5
	if t.asked {
		most = max(most, hardStep)
	}
	if most := now.Add(most); t.next.After(most) {
		t.next = most
	}
}

// hopeless reports whether it has failed for too long.
func (t *trouble) hopeless(now time.Time) bool {
	return t.tries >= giveUpTries && now.Sub(t.since) >= giveUp
}

// hopeless reports whether a letter has.
func (it *item) hopeless(now time.Time) bool {
	return it.trouble.hopeless(now) || it.left != nil && it.hard && it.tries >= leftTries
}
