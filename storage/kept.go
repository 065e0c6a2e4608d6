package storage

import (
	"slices"

	"go.etcd.io/bbolt"
)

// kept is a bucket of records whose bytes are somebody else's: the engine's of
// probes, the outbox's. It is not in every file: the first record makes it.
type kept string

// write stores n records; one without data goes.
func (k kept) write(tx *bbolt.Tx, n int, record func(i int) (key string, data []byte)) error {
	if n == 0 {
		return nil
	}
	b, err := tx.CreateBucketIfNotExists([]byte(k))
	if err != nil {
		return err
	}
	for i := range n {
		key, data := record(i)
		if len(data) == 0 {
			err = b.Delete([]byte(key))
		} else {
			err = put(b, string(k), []byte(key), append(fresh(1, len(data)), data...))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// each calls fn with every record, by key, and ends with its error. What cannot
// be read is left out and reported as ErrDamaged in the end.
func (k kept) each(s *Store, fn func(key string, data []byte) error) error {
	type record struct {
		key  string
		data []byte
	}
	var all []record
	var bad error
	err := s.view(string(k), func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(k))
		if b == nil {
			return nil
		}
		return b.ForEach(func(key, v []byte) error {
			data, err := k.read(key, v)
			if err != nil {
				bad = first(bad, err)
				return nil
			}
			all = append(all, record{string(key), slices.Clone(data)})
			return nil
		})
	})
	if err != nil {
		return err
	}
	for _, r := range all {
		if err := fn(r.key, r.data); err != nil {
			return err
		}
	}
	return bad
}

// read is the data of a value.
func (k kept) read(key, v []byte) ([]byte, error) {
	body, err := opened(string(k), key, v)
	if err != nil {
		return nil, err
	}
	f := fields{rest: body}
	f.version(1)
	data := f.rest
	f.rest = nil
	return data, f.done(string(k), key)
}
