package storage

import (
	"go.etcd.io/bbolt"

	"lookout/engine/uptime"
)

// writeProbes stores what the engine knows of the results of probes, with those results.
func (t *tick) writeProbes(tx *bbolt.Tx) error {
	return kept(bucketProbe).write(tx, len(t.batch.Probes), func(i int) (string, []byte) {
		return t.batch.Probes[i].Probe, t.batch.Probes[i].Data
	})
}

// Probes calls fn with every probe's newest record, and ends with its error.
// What cannot be read is left out and reported as ErrDamaged in the end.
func (s *Store) Probes(fn func(uptime.ProbeRecord) error) error {
	return kept(bucketProbe).each(s, func(key string, data []byte) error {
		return fn(uptime.ProbeRecord{Probe: key, Data: data})
	})
}
