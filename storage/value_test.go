package storage

import (
	"bytes"
	"errors"
	"testing"
)

func TestOpened(t *testing.T) {
	key := []byte("key")
	v := sealed("bucket", key, append(fresh(1, 4), "body"...))
	if body, err := opened("bucket", key, v); err != nil || string(body) != "\x01body" {
		t.Fatalf("%q, %v", body, err)
	}
	for i := range 8 * len(v) {
		w := bytes.Clone(v)
		w[i/8] ^= 1 << (i % 8)
		if _, err := opened("bucket", key, w); !errors.Is(err, ErrDamaged) {
			t.Fatalf("bit %d: %v", i, err)
		}
	}
	for _, c := range []struct {
		name, bucket, key string
		value             []byte
	}{
		{"another key", "bucket", "kez", v},
		{"another bucket", "bucked", "key", v},
		{"the border moved", "bucketk", "ey", v},
		{"nothing", "bucket", "key", nil},
		{"a CRC of nothing", "bucket", "key", v[:4]},
	} {
		if _, err := opened(c.bucket, []byte(c.key), c.value); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// Whatever bytes have a matching CRC, reading them is an error and no panic.
func FuzzRecords(f *testing.F) {
	f.Add([]byte{1}, []byte{0, 0, 0, 0, 0, 0})
	f.Add([]byte{1, 5, 1, 0, 3, 1, 2, 3}, []byte{0, 0, 0, 0, 1, 0})
	f.Add([]byte{1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, '{', '}'}, []byte{0, 0, 0, 0, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, body, key []byte) {
		if len(key) > 32 {
			return
		}
		value := func(where string) []byte { return sealed(where, key, append(make([]byte, sumSize), body...)) }
		n := newIDs()
		n.addMonitor("a")
		if p, err := readPack(7, key, value(hourTag(7))); err == nil {
			_, _ = p.rows(nil, nil)
		}
		if e, err := readEvent(key, value(bucketEvent)); err == nil {
			_, _ = e.event(key, n)
		}
		if i, err := readIncident(key, value(bucketIncident)); err == nil {
			_, _ = i.incident(key, n)
		}
		_, _, _ = readState(n, key, value(bucketState))
		_, _ = kept(bucketOutbox).read(key, value(bucketOutbox))
		_, _, _ = readPiece(nil, key[:min(8, len(key))], key, value(bucketLog))
	})
}
