package storage

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"lookout/engine/uptime"
)

func mustPost(t testing.TB, s store, records ...uptime.OutboxRecord) {
	t.Helper()
	if err := s.Post(records); err != nil {
		t.Fatal(err)
	}
}

// outboxOf reads it all, and checks that it comes by key.
func outboxOf(t testing.TB, s store) map[string]string {
	t.Helper()
	out := map[string]string{}
	var keys []string
	if err := s.Outbox(func(r uptime.OutboxRecord) error {
		out[r.Key] = string(r.Data)
		keys = append(keys, r.Key)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if !slices.IsSorted(keys) {
		t.Errorf("not in order: %q", keys)
	}
	return out
}

func TestOutbox(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lookout.db")
	file, memory := openStore(t, path, Options{Now: t0}), NewMemory()
	long := "post/" + strings.Repeat("x", 190)
	want := map[string]string{"desk/state": "3", "post/a/2": "\x00", long + "1": "one", long + "2": "two"}
	for _, s := range []store{file, memory} {
		if got := outboxOf(t, s); len(got) > 0 {
			t.Errorf("%T: at first %v", s, got)
		}
		mustPost(t, s)
		data := []byte("1")
		mustPost(t, s, uptime.OutboxRecord{Key: "desk/state", Data: data}, uptime.OutboxRecord{Key: "post/a/1", Data: []byte("letter")})
		data[0] = '!' // the caller's again
		mustPost(t, s, uptime.OutboxRecord{Key: long + "2", Data: []byte("two")}, uptime.OutboxRecord{Key: "nothing"},
			uptime.OutboxRecord{Key: long + "1", Data: []byte("one")})
		if got := outboxOf(t, s)["desk/state"]; got != "1" {
			t.Errorf("%T: %q", s, got)
		}
		mustPost(t, s, uptime.OutboxRecord{Key: "post/a/1"}, uptime.OutboxRecord{Key: "post/a/2", Data: []byte{0}}, uptime.OutboxRecord{Key: "desk/state", Data: []byte("3")})
		if got := outboxOf(t, s); !maps.Equal(got, want) {
			t.Errorf("%T: %q", s, got)
		}
		stop := errors.New("stop")
		if err := s.Outbox(func(uptime.OutboxRecord) error { return stop }); err != stop {
			t.Errorf("%T: ends with %v", s, err)
		}
		for _, r := range []uptime.OutboxRecord{{Key: ""}, {Key: "a b"}, {Key: "post/\x1b/1"}, {Key: "post/ü/1"},
			{Key: strings.Repeat("x", 201)}, {Key: "big", Data: make([]byte, maxOutboxData+1)}} {
			if err := s.Post([]uptime.OutboxRecord{{Key: "other", Data: []byte("x")}, r}); err == nil {
				t.Errorf("%T takes %.20q with %d bytes", s, r.Key, len(r.Data))
			}
		}
		if got := outboxOf(t, s); !maps.Equal(got, want) {
			t.Errorf("%T: after refusals %q", s, got)
		}
	}
	wantSound(t, file)
	_ = file.Close()
	s := openStore(t, path, Options{Now: t0, ReadOnly: true})
	if got := outboxOf(t, s); !maps.Equal(got, want) {
		t.Errorf("read again: %q", got)
	}
	if err := s.Post([]uptime.OutboxRecord{{Key: "a", Data: []byte("b")}}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("written: %v", err)
	}
}

// A record under another's key, or with another's bytes, is told and left out:
// also where keys differ in the end only.
func TestOutboxDamage(t *testing.T) {
	s := newStore(t, Options{Now: t0})
	long := "post/" + strings.Repeat("x", 190)
	mustPost(t, s, uptime.OutboxRecord{Key: long + "1", Data: []byte("one")}, uptime.OutboxRecord{Key: long + "2", Data: []byte("two")},
		uptime.OutboxRecord{Key: "post/a/1", Data: []byte("letter")})
	if err := s.update(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(bucketOutbox))
		return b.Put([]byte(long+"1"), slices.Clone(b.Get([]byte(long+"2"))))
	}); err != nil {
		t.Fatal(err)
	}
	var got []string
	err := s.Outbox(func(r uptime.OutboxRecord) error { got = append(got, string(r.Data)); return nil })
	if !errors.Is(err, ErrDamaged) || !slices.Equal(got, []string{"letter", "two"}) {
		t.Errorf("%q, %v", got, err)
	}
	if r, err := s.Check(nil); err != nil || r.Damaged != 1 || !strings.Contains(r.Problems[0], fmt.Sprintf("%x", long+"1")) {
		t.Errorf("%+v, %v", r, err)
	}
}

// The bytes of version 1, which every lookout reads.
func TestOutboxGolden(t *testing.T) {
	key := []byte("post/ops/1")
	value := sealed(bucketOutbox, key, append(fresh(1, 3), "abc"...))
	if got := fmt.Sprintf("%x", value); got != "c666417101616263" {
		t.Errorf("%s", got)
	}
	if data, err := kept(bucketOutbox).read(key, value); err != nil || string(data) != "abc" {
		t.Errorf("%q, %v", data, err)
	}
}
