package storage

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"lookout/engine/uptime"
)

// spoil flips a bit of the values of a bucket that pick chooses, and tells how many.
func spoil(t testing.TB, s *Store, pick func(path string, k []byte) bool) int {
	t.Helper()
	n := 0
	var walk func(path string, b *bbolt.Bucket) error
	walk = func(path string, b *bbolt.Bucket) error {
		var keys [][]byte
		if err := b.ForEach(func(k, v []byte) error {
			if v == nil {
				return walk(path+"/"+string(k), b.Bucket(k))
			}
			if pick(path, k) {
				keys = append(keys, bytes.Clone(k))
			}
			return nil
		}); err != nil {
			return err
		}
		for _, k := range keys {
			v := bytes.Clone(b.Get(k))
			v[len(v)/2] ^= 4
			n++
			if err := b.Put(k, v); err != nil {
				return err
			}
		}
		return nil
	}
	if err := s.update(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error { return walk(string(name), b) })
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// A piece of the log that cannot be read costs its own results, and is told.
func TestReplayDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lookout.db")
	s := openStore(t, path, Options{Now: t0})
	given := run(t, s, 1, t0, 30*time.Minute, time.Minute, time.Minute)["m0"]
	seen := 0
	if n := spoil(t, s, func(path string, _ []byte) bool {
		if strings.HasPrefix(path, bucketLog) {
			seen++
		}
		return strings.HasPrefix(path, bucketLog) && seen == 5
	}); n != 1 {
		t.Fatalf("%d spoiled", n)
	}
	_ = s.Close()
	s = openStore(t, path, Options{Now: t0.Add(30 * time.Minute)})
	r, err := s.Resume()
	if err != nil || len(r.Damaged) != 1 || !strings.Contains(r.Damaged[0], "bucket log") {
		t.Errorf("%+v, %v", r, err)
	}
	rs, err := s.Results(uptime.ResultQuery{Monitor: "m0"})
	if err != nil || len(rs) != 29 {
		t.Errorf("%d results of %d, %v", len(rs), len(given), err)
	}
	if c, err := s.Check(nil); err != nil || c.Damaged != 1 {
		t.Errorf("%+v, %v", c, err)
	}
	mustAppend(t, s, uptime.Batch{Time: t0.Add(31 * time.Minute)})
}

// The log keeps no more than the open spans need.
func TestTrimLog(t *testing.T) {
	s := newStore(t, Options{Now: t0})
	s.db.NoSync = true
	run(t, s, 5, t0, 10*time.Hour, time.Minute, time.Minute)
	pieces := 0
	if err := s.view("", func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(bucketLog)).ForEachBucket(func(k []byte) error {
			pieces += tx.Bucket([]byte(bucketLog)).Bucket(k).Inspect().KeyN
			return nil
		})
	}); err != nil {
		t.Fatal(err)
	}
	if pieces > 60+3*ticksPerBucket {
		t.Errorf("%d pieces are kept of an hour of 60 ticks", pieces)
	}
}
