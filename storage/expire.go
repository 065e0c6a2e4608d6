package storage

import (
	"encoding/binary"

	"go.etcd.io/bbolt"

	"lookout/engine/uptime"
)

// bbolt writes the list of its free pages with every commit. Expiry therefore
// frees no faster than the same tick allocates; only while the list is short
// does it run ahead by a few, so that a backlog ends some day.
const (
	shortFreelist = 256 // pages
	runAhead      = 4   // values a tick
	sweepTextsAt  = 16  // texts looked at a tick
	passAt        = 16  // incidents looked at a tick, beyond those deleted

	// A clock that leaps forward by more than this is not believed at once: what
	// looks old is hidden, but nothing is deleted for it until an hour later.
	leapMillis  = hourMillis
	doubtMillis = hourMillis
)

// expire deletes what is older than the retention, which readers don't see any more.
func (s *Store) expire(tx *bbolt.Tx, at *position, packs, events int) error {
	stats := s.db.Stats()
	free := stats.FreePageN + stats.PendingPageN
	ahead := 0
	if free < shortFreelist {
		ahead = runAhead
	}
	if err := s.limitSize(tx, at, free); err != nil {
		return err
	}
	if at.now-at.leapt < doubtMillis {
		return nil
	}
	if cut := s.cutoff(*at); cut > minMillis {
		if err := expirePacks(tx, cut, packs+ahead); err != nil {
			return err
		}
		if err := sweepTexts(tx, at, cut, sweepTextsAt); err != nil {
			return err
		}
	}
	if s.opt.Retention.Events > 0 {
		cut := s.eventCutoff(*at)
		if err := expireEvents(tx, cut, events+ahead); err != nil {
			return err
		}
		return expireIncidents(tx, at, cut, events+ahead)
	}
	return nil
}

// limitSize gives up the oldest hour when the file is about to outgrow max_size.
func (s *Store) limitSize(tx *bbolt.Tx, at *position, free int) error {
	most := s.opt.Retention.MaxSize
	if most <= 0 || tx.Size()-int64(free)*pageSize < most-most/20-2*allocSize {
		return nil
	}
	_, name := firstHour(tx)
	if name == nil {
		return nil
	}
	// One at a time: what is hidden is what is being deleted.
	if hour := binary.BigEndian.Uint32(name); at.floor < hour+2 {
		at.floor = hour + 2 // the hours of its groups end within the next one
	}
	return nil
}

// firstHour finds the oldest hour of results: its week's name and its own; nil when there is none.
func firstHour(tx *bbolt.Tx) (week, hour []byte) {
	c := tx.Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		if !isWeek(k) {
			return nil, nil // weeks sort before all other buckets
		}
		if h, _ := tx.Bucket(k).Cursor().First(); len(h) == 4 {
			return k, h
		}
	}
	return nil, nil
}

func isWeek(name []byte) bool {
	_, err := uptime.ParseWeek(string(name))
	return err == nil
}

// expirePacks deletes at most so many packs of hours that are over before cut,
// the oldest first, and every bucket with its last one.
func expirePacks(tx *bbolt.Tx, cut int64, most int) error {
	for most > 0 {
		week, name := firstHour(tx)
		if name == nil || (int64(binary.BigEndian.Uint32(name))+2)*hourMillis > cut {
			return nil
		}
		week, name = append([]byte(nil), week...), append([]byte(nil), name...)
		weeks := tx.Bucket(week)
		b := weeks.Bucket(name)
		var gone [][]byte
		c := b.Cursor()
		k, _ := c.First()
		for ; k != nil && len(gone) < most; k, _ = c.Next() {
			gone = append(gone, append([]byte(nil), k...))
		}
		for _, key := range gone {
			if err := b.Delete(key); err != nil {
				return err
			}
		}
		most -= max(len(gone), 1)
		if k != nil {
			return nil
		}
		if err := weeks.DeleteBucket(name); err != nil {
			return err
		}
		if h, _ := weeks.Cursor().First(); h == nil {
			if err := tx.DeleteBucket(week); err != nil {
				return err
			}
		}
	}
	return nil
}

// expireEvents deletes at most so many of the oldest events.
func expireEvents(tx *bbolt.Tx, cut int64, most int) error {
	b, err := bucket(tx, bucketEvent)
	if err != nil {
		return err
	}
	for range most {
		k, v := b.Cursor().First()
		if k == nil {
			break
		}
		// One that cannot be read goes when its turn comes, too.
		if e, err := readEvent(k, v); err == nil && e.time >= cut {
			break
		}
		if err := b.Delete(append([]byte(nil), k...)); err != nil {
			return err
		}
	}
	return nil
}

// expireIncidents deletes at most so many incidents that ended before cut. One
// that is open or was long keeps no younger one: at.passed goes round over those
// that began before cut, a few more a tick than may be deleted.
func expireIncidents(tx *bbolt.Tx, at *position, cut int64, most int) error {
	b, err := bucket(tx, bucketIncident)
	if err != nil {
		return err
	}
	index, err := bucket(tx, bucketByMon)
	if err != nil {
		return err
	}
	var gone, indexed [][]byte
	c := b.Cursor()
	k, v := c.Seek(key64(at.passed + 1))
	for looks := most + passAt; looks > 0 && len(gone) < most; looks-- {
		i, err := readIncident(k, v)
		if k == nil || err == nil && i.start >= cut {
			at.passed = 0
			break
		}
		// One that cannot be read goes when its turn comes, too.
		if err != nil || i.end != 0 && i.end < cut {
			gone = append(gone, append([]byte(nil), k...))
		}
		if len(k) == 8 {
			at.passed = binary.BigEndian.Uint64(k)
			if err == nil && i.end != 0 && i.end < cut {
				indexed = append(indexed, incidentKey(i.monitor, at.passed))
			}
		}
		k, v = c.Next()
	}
	for _, key := range indexed {
		if err := index.Delete(key); err != nil {
			return err
		}
	}
	for _, key := range gone {
		if err := b.Delete(key); err != nil {
			return err
		}
	}
	return nil
}
