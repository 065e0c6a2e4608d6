package storage

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unsafe"

	"go.etcd.io/bbolt"

	"lookout/engine/uptime"
)

func wantSound(t testing.TB, s *Store) Report {
	t.Helper()
	r, err := s.Check(nil)
	if err != nil || !r.OK() {
		t.Fatalf("check: %v, %d problems: %q", err, r.Damaged, r.Problems)
	}
	return r
}

// wholeStore has something of everything: packs, log, events, incidents, states, texts.
func wholeStore(t testing.TB, path string) {
	t.Helper()
	s := openStore(t, path, Options{Now: t0})
	given := run(t, s, 2, t0, 140*time.Minute, 4*time.Minute, 4*time.Minute)
	now := t0.Add(3 * time.Hour)
	b := uptime.Batch{Time: now}
	for i := range 6 {
		name := fmt.Sprintf("m%d", i%2)
		b.Events = append(b.Events, verdictEvent(uint64(i+1), name, now))
		b.Incidents = append(b.Incidents, incident(uint64(i+1), name, now.Add(time.Duration(i-60)*time.Minute)))
		b.States = append(b.States, uptime.StateRecord{Monitor: name, Data: []byte(fmt.Sprintf("state %d", i))})
		b.Probes = append(b.Probes, uptime.ProbeRecord{Probe: "fra/" + name, Data: []byte(fmt.Sprintf("applied %d", i))})
	}
	mustAppend(t, s, b)
	for i := range 6 {
		mustPost(t, s, uptime.OutboxRecord{Key: fmt.Sprintf("post/ops/%d", i), Data: []byte(fmt.Sprintf("letter %d", i))})
	}
	for name, want := range given {
		wantResults(t, s, name, want)
	}
	if r := wantSound(t, s); r.Events != 6 || r.Incidents != 6 || r.Results < 70 {
		t.Fatalf("%+v", r)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCheckProgress(t *testing.T) {
	s := newStore(t, Options{Now: t0})
	run(t, s, 5, t0, 2*time.Hour, time.Minute, time.Minute)
	last, all := int64(-1), int64(0)
	if _, err := s.Check(func(done, total int64) {
		if done < last || done > total {
			t.Errorf("%d of %d after %d", done, total, last)
		}
		last, all = done, total
	}); err != nil || last != all || all == 0 {
		t.Errorf("%v, %d of %d", err, last, all)
	}
}

// truth is all that a store serves, each thing as its JSON.
type truth map[string]bool

func (t truth) add(xs ...any) {
	for _, x := range xs {
		j, err := json.Marshal(x)
		if err != nil {
			panic(err)
		}
		t[string(j)] = true
	}
}

// tell asks a store for everything; errs says how often it told of damage.
func tell(s *Store) (out truth, errs int) {
	count := func(err error) {
		if err != nil {
			errs++
		}
	}
	out = truth{}
	for i := range 2 {
		name := fmt.Sprintf("m%d", i)
		rs, err := s.Results(uptime.ResultQuery{Monitor: name})
		count(err)
		for _, r := range rs {
			out.add(r)
		}
		is, err := s.Incidents(uptime.IncidentQuery{Monitor: name})
		count(err)
		for _, i := range is {
			out.add(i)
		}
	}
	es, err := s.Events(uptime.EventQuery{})
	count(err)
	for _, e := range es {
		out.add(e)
	}
	_, err = s.Incidents(uptime.IncidentQuery{})
	count(err)
	count(s.States(func(r uptime.StateRecord) error { out.add(r); return nil }))
	count(s.Probes(func(r uptime.ProbeRecord) error { out.add(r); return nil }))
	count(s.Outbox(func(r uptime.OutboxRecord) error { out.add(r); return nil }))
	count(s.Tail(time.Time{}, func(*uptime.Result) error { return nil }))
	return out, errs
}

// within fails when something is served that was not stored. A failed result
// whose text was hit may come without it, where that is told.
func (t truth) within(all truth) error {
	for x := range t {
		if !all[x] && !strings.Contains(x, `"message":"",`) && !strings.Contains(x, `"address":"",`) {
			return fmt.Errorf("%s", x)
		}
	}
	return nil
}

// values lists where in the file the values lie.
func values(t testing.TB, path string) (spots [][2]int64) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	base := db.Info().Data // where the file is mapped
	fi, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	size := fi.Size()
	var walk func(b *bbolt.Bucket) error
	walk = func(b *bbolt.Bucket) error {
		return b.ForEach(func(k, v []byte) error {
			if v == nil {
				return walk(b.Bucket(k))
			}
			// bbolt copies the values of the smallest buckets: those are not to be found this way.
			if at := uintptr(unsafe.Pointer(&v[0])) - base; at < uintptr(size) {
				spots = append(spots, [2]int64{int64(at), int64(len(v))})
			}
			return nil
		})
	}
	if err := db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(_ []byte, b *bbolt.Bucket) error { return walk(b) })
	}); err != nil {
		t.Fatal(err)
	}
	return spots
}

// A flipped bit in a stored value is told, or harmless; what it hits is never served changed.
func TestBitFlips(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lookout.db")
	wholeStore(t, path)
	s := openStore(t, path, Options{ReadOnly: true})
	all, errs := tell(s)
	if errs != 0 {
		t.Fatalf("%d errors of a sound file", errs)
	}
	_ = s.Close()
	spots := values(t, path)
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flips := 1000
	if testing.Short() {
		flips = 100
	}
	rng := rand.New(rand.NewPCG(5, 6))
	missed, refused := 0, 0
	hit := filepath.Join(t.TempDir(), "hit.db")
	if err := os.WriteFile(hit, sound, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(hit, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for range flips {
		spot := spots[rng.IntN(len(spots))]
		at, bit := spot[0]+rng.Int64N(spot[1]), byte(1)<<rng.IntN(8)
		flip := func(b byte) {
			if _, err := f.WriteAt([]byte{b}, at); err != nil {
				t.Fatal(err)
			}
		}
		flip(sound[at] ^ bit)
		s, err := Open(hit, Options{ReadOnly: true})
		if err != nil {
			refused++
		} else {
			got, errs := tell(s)
			if err := got.within(all); err != nil {
				t.Fatalf("bit %d of byte %d: served changed: %v", bit, at, err)
			}
			r, err := s.Check(nil)
			if err != nil || r.OK() {
				missed++
				if errs == 0 && !maps.Equal(got, all) {
					t.Fatalf("bit %d of byte %d: something is missing, and nothing is told", bit, at)
				}
			}
			_ = s.Close()
		}
		flip(sound[at])
	}
	t.Logf("%d flips: %d times the file was refused, %d times nothing was told", flips, refused, missed)
	if missed > 0 {
		t.Errorf("%d of %d flips in values went unreported", missed, flips)
	}
}
