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
	return s.update(func(tx *bbolt.Tx) error { return writeOutbox(tx, records) })
}

// writeOutbox makes the bucket where the file has none yet.
func writeOutbox(tx *bbolt.Tx, records []uptime.OutboxRecord) error {
	b, err := tx.CreateBucketIfNotExists([]byte(bucketOutbox))
	if err != nil {
		return err
	}
	for i := range records {
		r := &records[i]
		if len(r.Data) == 0 {
			err = b.Delete([]byte(r.Key))
		} else {
			err = put(b, bucketOutbox, []byte(r.Key), append(fresh(1, len(r.Data)), r.Data...))
		}
		if err != nil {
			return err
		}
	}
	return nil
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
	var all []uptime.OutboxRecord
	var bad error
	err := s.view(bucketOutbox, func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(bucketOutbox))
		if b == nil {
			return nil
		}
		return b.ForEach(func(k, v []byte) error {
			data, err := readOutbox(k, v)
			if err != nil {
				bad = first(bad, err)
				return nil
			}
			all = append(all, uptime.OutboxRecord{Key: string(k), Data: slices.Clone(data)})
			return nil
		})
	})
	if err != nil {
		return err
	}
	for _, r := range all {
		if err := fn(r); err != nil {
			return err
		}
	}
	return bad
}

func readOutbox(k, v []byte) ([]byte, error) {
	body, err := opened(bucketOutbox, k, v)
	if err != nil {
		return nil, err
	}
	f := fields{rest: body}
	f.version(1)
	data := f.rest
	f.rest = nil
	return data, f.done(bucketOutbox, k)
}
