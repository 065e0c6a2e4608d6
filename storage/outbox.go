package storage

import (
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"lookout/engine/uptime"
)

// What a record of the outbox may be.
const (
	maxOutboxKey  = 200
	maxOutboxData = 1 << 20
)

// Post stores records of the outbox in one transaction of their own and returns
// once they are on disk; one without Data goes. It fails as Append does, and may
// then be called again with the same records. It looks at the path of the file
// only where Append did.
func (s *Store) Post(records []uptime.OutboxRecord) error {
	if s.opt.ReadOnly {
		return explain("store in", s.path, ErrReadOnly)
	}
	if err := checkOutbox(records); err != nil {
		return explain("store in", s.path, err)
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.lost != nil || len(records) == 0 {
		return s.lost
	}
	return s.update(func(tx *bbolt.Tx) error {
		return kept(bucketOutbox).write(tx, len(records), func(i int) (string, []byte) { return records[i].Key, records[i].Data })
	})
}

func checkOutbox(records []uptime.OutboxRecord) error {
	for i := range records {
		r := &records[i]
		if r.Key == "" || len(r.Key) > maxOutboxKey || slices.ContainsFunc([]byte(r.Key), func(c byte) bool { return c <= ' ' || c > '~' }) {
			return fmt.Errorf("%q is no key of the outbox", uptime.Clean(r.Key, maxOutboxKey))
		}
		if len(r.Data) > maxOutboxData {
			return fmt.Errorf("%s of the outbox has %d bytes; at most %d fit", r.Key, len(r.Data), maxOutboxData)
		}
	}
	return nil
}

// Outbox calls fn with every record of the outbox, by key, and ends with its
// error. What cannot be read is left out and reported as ErrDamaged in the end.
func (s *Store) Outbox(fn func(uptime.OutboxRecord) error) error {
	return kept(bucketOutbox).each(s, func(key string, data []byte) error {
		return fn(uptime.OutboxRecord{Key: key, Data: data})
	})
}
