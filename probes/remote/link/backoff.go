package link

import "time"

// The waits between tries: the first is random up to shortest, each next one up
// to twice as much, until longest. What only a person can mend is tried again
// between lastingShortest and lastingLongest later.
const (
	shortest        = 100 * time.Millisecond
	longest         = 30 * time.Second
	lastingShortest = time.Minute
	lastingLongest  = 5 * time.Minute
)

// backoff counts failures. Its zero value has seen none.
type backoff struct {
	limit time.Duration
}

// next is how long to wait after one more failure. Jitter gives a random part of
// a duration; all of the wait is random, so that a thousand probes that lost
// one broker at once do not come back at once.
func (b *backoff) next(lasting bool, jitter func(time.Duration) time.Duration) time.Duration {
	if lasting {
		return lastingShortest + jitter(lastingLongest-lastingShortest)
	}
	b.limit = min(max(shortest, 2*b.limit), longest)
	return jitter(b.limit)
}
