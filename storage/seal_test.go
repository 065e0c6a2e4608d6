package storage

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// byTimeOf sorts what was given as it must come back.
func byTimeOf(rs []uptime.Result) []uptime.Result {
	slices.SortStableFunc(rs, func(a, b uptime.Result) int { return a.Time.Compare(b.Time) })
	return rs
}

// Results that come after their hour was sealed are merged when read, again
// and again; more often than there are generations, too.
func TestLateResults(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lookout.db")
	s := openStore(t, path, Options{Now: t0})
	s.db.NoSync = true
	given := run(t, s, 2, t0, 3*time.Hour, time.Minute, time.Minute)
	now := t0.Add(3 * time.Hour)
	for n := range lastGen + 20 {
		late := good("m1", t0.Add(time.Duration(n+1)*7*time.Second), time.Duration(n+1)*time.Millisecond)
		given["m1"] = append(given["m1"], late)
		now = now.Add(time.Hour)
		mustAppend(t, s, uptime.Batch{Time: now, Results: []uptime.Result{late}})
		now = now.Add(time.Hour)
		mustAppend(t, s, uptime.Batch{Time: now})
		if n == 3 {
			wantResults(t, s, "m1", byTimeOf(slices.Clone(given["m1"])))
			wantSound(t, s)
		}
	}
	mustAppend(t, s, uptime.Batch{Time: now.Add(time.Hour)})
	if len(s.spans) != 0 {
		t.Errorf("%d spans are open", len(s.spans))
	}
	wantSound(t, s)
	_ = s.Close()
	s = openStore(t, path, Options{Now: now})
	for name, want := range given {
		wantResults(t, s, name, byTimeOf(want))
	}
}

// A clock that goes to another year and back costs nothing but its own results' place.
func TestClockSteps(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lookout.db")
	s := openStore(t, path, Options{Now: t0, Retention: Retention{Results: 90 * 24 * time.Hour}})
	var given []uptime.Result
	add := func(at time.Time) {
		r := good("m0", at, 20*time.Millisecond)
		given = append(given, r)
		mustAppend(t, s, uptime.Batch{Time: at, Results: []uptime.Result{r}})
	}
	for i := range 100 {
		add(t0.Add(time.Duration(i) * time.Minute))
	}
	add(t0.AddDate(1, 0, 0)) // an hour that is not now: sealed with the present one
	for i := range 300 {
		add(t0.Add(time.Duration(100+i) * time.Minute))
	}
	add(t0.Add(-24 * time.Hour))
	for i := range 200 {
		add(t0.Add(time.Duration(400+i) * time.Minute))
	}
	for range 2 {
		wantResults(t, s, "m0", byTimeOf(slices.Clone(given)))
		wantSound(t, s)
		if n := len(s.spans); n > 2 {
			t.Errorf("%d spans are open", n)
		}
		_ = s.Close()
		s = openStore(t, path, Options{Now: t0.Add(600 * time.Minute)})
	}
	// Stamps that no week can hold are refused.
	mustAppend(t, s, uptime.Batch{Time: t0.Add(601 * time.Minute), Results: []uptime.Result{
		good("m0", time.Time{}, 1), good("m0", time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC), 1), good("m0", time.Unix(0, 0), 1)}})
	if s.Refused() != 3 {
		t.Errorf("%d refused", s.Refused())
	}
}

// An hour of checks every second takes several packs; groups keep apart.
func TestManyParts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lookout.db")
	s := openStore(t, path, Options{Now: t0})
	s.db.NoSync = true
	given := run(t, s, 10, t0, 80*time.Minute, 10*time.Second, time.Second)
	for i := 10; i < 600; i++ { // three groups, mostly idle
		r := good(fmt.Sprintf("m%d", i), t0.Add(80*time.Minute), time.Duration(i)*time.Millisecond)
		given[r.Monitor] = []uptime.Result{r}
		mustAppend(t, s, uptime.Batch{Time: t0.Add(80 * time.Minute), Results: []uptime.Result{r}})
	}
	for i := range 60 {
		mustAppend(t, s, uptime.Batch{Time: t0.Add(81*time.Minute + time.Duration(i)*4*time.Minute)})
	}
	if len(s.spans) != 0 {
		t.Errorf("%d spans are open", len(s.spans))
	}
	wantSound(t, s)
	for name, want := range given {
		wantResults(t, s, name, want)
	}
	_ = s.Close()
	s = openStore(t, path, Options{Now: t0.Add(6 * time.Hour)})
	if len(s.spans) != 0 {
		t.Errorf("%d spans are open after a start", len(s.spans))
	}
	wantResults(t, s, "m3", given["m3"])
}
