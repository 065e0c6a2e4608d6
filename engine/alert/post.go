package alert

import (
	"slices"
	"time"

	"lookout/engine/uptime"
)

// post is what is to be stored.
type post struct {
	stale   list // letters of an unfinished step, to be deleted before any others
	letters list // of parcels that were decided just now
	rest    list
	since   time.Time // when the first came that may wait; zero: there are others
	err     error     // why it could not be stored
	failing time.Time // since when
	backoff time.Duration
	retryAt time.Time
}

// list is of records, each key once.
type list struct {
	records []uptime.OutboxRecord
	at      map[string]int
}

// maxPost bounds a transaction: whoever stores results waits behind it.
const maxPost = 2000

// maxRecord bounds what the store takes under one key.
const maxRecord = 1 << 20

// quietPost is how long it may be until is known what led to nothing.
const quietPost = 5 * time.Second

func (l *list) put(r uptime.OutboxRecord) {
	if i, ok := l.at[r.Key]; ok {
		l.records[i] = r
		return
	}
	if l.at == nil {
		l.at = map[string]int{}
	}
	l.at[r.Key] = len(l.records)
	l.records = append(l.records, r)
}

// put has a record stored, in the place of what was to be stored under its key.
func (p *post) put(r uptime.OutboxRecord) {
	if _, ok := p.letters.at[r.Key]; ok {
		p.letters.put(r) // the rest is to follow anyway
		return
	}
	p.rest.put(r)
	p.since = time.Time{}
}

func (p *post) drop(key string) { p.put(uptime.OutboxRecord{Key: key}) }

// later has a record stored with the next others, or after a while: one whose
// loss would only have what led to nothing be done again.
func (p *post) later(r uptime.OutboxRecord, now time.Time) {
	if p.empty() && p.since.IsZero() {
		p.since = now
	}
	p.rest.put(r)
}

func (p *post) empty() bool {
	return len(p.stale.records)+len(p.letters.records)+len(p.rest.records) == 0
}

// at is when there is something to store; zero: never.
func (p *post) at() time.Time {
	switch {
	case p.err != nil:
		return p.retryAt
	case !p.since.IsZero():
		return p.since.Add(quietPost)
	}
	return time.Time{}
}

// due reports whether it is time to store, whatever was done to the clock.
func (p *post) due(now time.Time) bool {
	if p.empty() {
		return false
	}
	wait := p.at().Sub(now)
	return p.at().IsZero() || wait <= 0 || wait > time.Minute
}

// store stores it all: in one transaction or, where there are very many letters,
// these before in some of their own. Until the last one, which says how far the
// letters go, they count as not decided.
func (p *post) store(s Store, now time.Time) error {
	if p.empty() {
		return nil
	}
	first := slices.Concat(p.stale.records, p.letters.records) // in this order: a number may be in both
	for len(first)+len(p.rest.records) > maxPost && len(first) > 0 {
		n := min(len(first), maxPost)
		if err := s.Post(first[:n]); err != nil {
			return p.failed(err, now)
		}
		first = first[n:]
	}
	if err := s.Post(slices.Concat(first, p.rest.records)); err != nil {
		return p.failed(err, now)
	}
	*p = post{}
	return nil
}

func (p *post) failed(err error, now time.Time) error {
	p.backoff = min(max(2*p.backoff, time.Second), 30*time.Second)
	if p.err == nil {
		p.failing = now
	}
	p.err, p.retryAt = err, now.Add(p.backoff)
	return err
}
