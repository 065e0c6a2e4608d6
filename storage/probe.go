package storage

import (
	"slices"

	"go.etcd.io/bbolt"

	"lookout/engine/uptime"
)

// writeProbes stores what the engine knows of the results of probes, with those
// results. The bucket is not in every file: the first probe makes it.
func (t *tick) writeProbes(tx *bbolt.Tx) error {
	if len(t.batch.Probes) == 0 {
		return nil
	}
	b, err := tx.CreateBucketIfNotExists([]byte(bucketProbe))
	if err != nil {
		return err
	}
	for i := range t.batch.Probes {
		r := &t.batch.Probes[i]
		if len(r.Data) == 0 {
			err = b.Delete([]byte(r.Probe))
		} else {
			err = put(b, bucketProbe, []byte(r.Probe), append(fresh(1, len(r.Data)), r.Data...))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Probes calls fn with every probe's newest record, and ends with its error.
// What cannot be read is left out and reported as ErrDamaged in the end.
func (s *Store) Probes(fn func(uptime.ProbeRecord) error) error {
	var all []uptime.ProbeRecord
	var bad error
	err := s.view(bucketProbe, func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(bucketProbe))
		if b == nil {
			return nil
		}
		return b.ForEach(func(k, v []byte) error {
			data, err := readProbe(k, v)
			if err != nil {
				bad = first(bad, err)
				return nil
			}
			all = append(all, uptime.ProbeRecord{Probe: string(k), Data: slices.Clone(data)})
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

func readProbe(k, v []byte) ([]byte, error) {
	body, err := opened(bucketProbe, k, v)
	if err != nil {
		return nil, err
	}
	f := fields{rest: body}
	f.version(1)
	data := f.rest
	f.rest = nil
	return data, f.done(bucketProbe, k)
}
