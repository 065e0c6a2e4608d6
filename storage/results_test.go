package storage

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// A pack that cannot be read costs its own results; the others come, with the error.
func TestResultsBesideDamage(t *testing.T) {
	s := newStore(t, Options{Now: t0})
	run(t, s, 2, t0, 4*time.Hour, time.Minute, time.Minute)
	spoiled := 0
	spoil(t, s, func(path string, _ []byte) bool {
		if !strings.HasPrefix(path, "2026-") {
			return false
		}
		spoiled++
		return spoiled == 2
	})
	rs, err := s.Results(uptime.ResultQuery{Monitor: "m1"})
	if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "2026-W48/2026-11-24T13") {
		t.Error(err)
	}
	if len(rs) != 180 {
		t.Errorf("%d results", len(rs))
	}
	n := 0
	if err := s.Tail(time.Time{}, func(*uptime.Result) error { n++; return nil }); !errors.Is(err, ErrDamaged) || n != 360 {
		t.Errorf("a tail of %d, %v", n, err)
	}
	c, err := s.Check(nil)
	if err != nil || c.Damaged != 1 || !strings.Contains(c.Problems[0], "2026-W48/2026-11-24T13") {
		t.Errorf("%+v, %v", c, err)
	}
}

// Readers beside the writer see every stored result once, while spans are sealed and the log is cut.
func TestReadersBesideWriter(t *testing.T) {
	s := newStore(t, Options{Now: t0})
	s.db.NoSync = true
	const ticks = 200
	var readers sync.WaitGroup
	stored := make(chan int, ticks) // writer → readers: so many ticks are stored; it never waits
	for range 2 {
		readers.Go(func() {
			for n := range stored {
				rs, err := s.Results(uptime.ResultQuery{Monitor: "m0", Limit: ticks + 1})
				if err != nil || len(rs) < n {
					t.Errorf("%d of %d, %v", len(rs), n, err)
				}
				for i := range rs {
					if !rs[i].Time.Equal(t0.Add(time.Duration(i) * time.Minute)) {
						t.Errorf("result %d is of %v", i, rs[i].Time)
						break
					}
				}
				if _, err := s.Events(uptime.EventQuery{Before: uint64(n)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	readers.Go(func() { // the check, too
		for range 20 {
			if r, err := s.Check(nil); err != nil || !r.OK() {
				t.Errorf("check: %v, %q", err, r.Problems)
			}
		}
	})
	for n := range ticks {
		at := t0.Add(time.Duration(n) * time.Minute)
		if err := s.Append(&uptime.Batch{Time: at, Results: []uptime.Result{good("m0", at, time.Millisecond), bad(fmt.Sprint("new", n), at)}, States: []uptime.StateRecord{{Monitor: fmt.Sprint("new", n), Data: []byte("x")}}, Events: []uptime.Event{verdictEvent(uint64(n+1), "m0", at)}}); err != nil {
			t.Error(err)
		}
		stored <- n + 1
	}
	close(stored)
	readers.Wait()
	wantSound(t, s)
}
