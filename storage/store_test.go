package storage

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// t0 is a Tuesday, two hours and a bit before the ISO week is at all near its end.
var t0 = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func openStore(t testing.TB, path string, opt Options) *Store {
	t.Helper()
	s, err := Open(path, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func newStore(t testing.TB, opt Options) *Store {
	t.Helper()
	return openStore(t, filepath.Join(t.TempDir(), "lookout.db"), opt)
}

// good and bad are results of an http monitor.
func good(monitor string, at time.Time, total time.Duration) uptime.Result {
	us := total.Microseconds()
	return uptime.Result{Time: at, Monitor: monitor, Type: "http", Target: "https://" + monitor + "/", Location: uptime.Local,
		Outcome: uptime.OutcomeUp, Status: 200, Total: total, Measures: []uptime.Measure{
			{Name: "dns", Value: us / 20}, {Name: "connect", Value: us / 5}, {Name: "tls", Value: us / 4},
			{Name: "ttfb", Value: us * 2 / 5}, {Name: "body", Value: us / 10}}}
}

func bad(monitor string, at time.Time) uptime.Result {
	return uptime.Result{Time: at, Monitor: monitor, Type: "http", Target: "https://" + monitor + "/", Location: uptime.Local,
		Outcome: uptime.OutcomeDown, Fault: uptime.FaultTCPRefused, Message: "TCP connect 203.0.113.9:443 refused",
		Address: "203.0.113.9:443", Total: 3 * time.Millisecond, Measures: []uptime.Measure{{Name: "dns", Value: 2100}}}
}

// same compares a result as given with one as read: durations to 1/128.
func same(given, read uptime.Result) error {
	near := func(a, b int64) bool { return max(a-b, b-a)*128 <= max(a, -a) }
	if !near(given.Total.Microseconds(), read.Total.Microseconds()) || len(given.Measures) != len(read.Measures) {
		return fmt.Errorf("total %v, %d measures", read.Total, len(read.Measures))
	}
	for i, m := range given.Measures {
		if r := read.Measures[i]; r.Name != m.Name || !near(m.Value, r.Value) {
			return fmt.Errorf("measure %v was %v", r, m)
		}
	}
	if given.Outcome == uptime.OutcomeUp {
		given.Address = ""
	}
	if !given.Time.Equal(read.Time) || given.Monitor != read.Monitor || given.Type != read.Type || given.Target != read.Target ||
		given.Location != read.Location || given.Outcome != read.Outcome || given.Fault != read.Fault ||
		given.Message != read.Message || given.Address != read.Address || given.Status != read.Status {
		return fmt.Errorf("%+v was %+v", read, given)
	}
	return nil
}

func mustAppend(t testing.TB, s *Store, b uptime.Batch) {
	t.Helper()
	if err := s.Append(&b); err != nil {
		t.Fatal(err)
	}
}

// run appends the checks of n monitors, one every interval, from t0 to t0+d in
// ticks of tick. It returns what was given, by monitor.
func run(t testing.TB, s *Store, n int, from time.Time, d, tick, interval time.Duration) map[string][]uptime.Result {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(n), 9))
	given := map[string][]uptime.Result{}
	for now := from; now.Before(from.Add(d)); now = now.Add(tick) {
		b := uptime.Batch{Time: now.Add(tick)}
		for i := range n {
			phase := interval * time.Duration(i) / time.Duration(n)
			for at := now.Truncate(interval).Add(phase); at.Before(now.Add(tick)); at = at.Add(interval) {
				if at.Before(now) {
					continue
				}
				at := at.Add(time.Duration(rng.IntN(5)) * time.Millisecond)
				r := good(fmt.Sprintf("m%d", i), at, time.Duration(20e6+rng.IntN(30e6)))
				if rng.IntN(50) == 0 {
					r = bad(r.Monitor, at)
				}
				b.Results = append(b.Results, r)
				given[r.Monitor] = append(given[r.Monitor], r)
			}
		}
		mustAppend(t, s, b)
	}
	return given
}

func wantResults(t testing.TB, s *Store, monitor string, given []uptime.Result) {
	t.Helper()
	got, err := s.Results(uptime.ResultQuery{Monitor: monitor, Limit: len(given) + 10})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(given) {
		t.Fatalf("%s: %d results, %d were given", monitor, len(got), len(given))
	}
	for i := range got {
		if err := same(given[i], got[i]); err != nil {
			t.Fatalf("%s, result %d of %d: %v", monitor, i, len(got), err)
		}
	}
}

func TestResultsSurvive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lookout.db")
	s := openStore(t, path, Options{Now: t0})
	given := run(t, s, 20, t0, 5*time.Hour, time.Minute, time.Minute)
	if len(s.spans) > 2 {
		t.Errorf("%d spans are not sealed", len(s.spans))
	}
	for name, want := range given {
		wantResults(t, s, name, want)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, path, Options{Now: t0.Add(5 * time.Hour)})
	r, err := s.Resume()
	if err != nil || !r.Clean || !r.LastAlive.Equal(t0.Add(5*time.Hour)) || r.Damaged != nil {
		t.Errorf("resume %+v, %v", r, err)
	}
	for name, want := range given {
		wantResults(t, s, name, want)
	}
	var last time.Time
	n := 0
	if err := s.Tail(t0.Add(time.Hour), func(r *uptime.Result) error {
		if r.Time.Before(last) {
			t.Fatalf("%v after %v", r.Time, last)
		}
		last = r.Time
		n++
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := 0
	for _, rs := range given {
		for _, r := range rs {
			if r.Time.After(t0.Add(time.Hour)) {
				want++
			}
		}
	}
	if n != want {
		t.Errorf("tail of %d results, want %d", n, want)
	}
	stop := errors.New("stop")
	if err := s.Tail(t0, func(*uptime.Result) error { return stop }); err != stop {
		t.Errorf("tail ends with %v", err)
	}
}

func TestResultQuery(t *testing.T) {
	s := newStore(t, Options{Now: t0})
	given := run(t, s, 3, t0, 4*time.Hour, time.Minute, time.Minute)["m1"]
	other := good("m1", t0.Add(30*time.Minute), time.Second)
	other.Location = "fra"
	mustAppend(t, s, uptime.Batch{Time: t0.Add(4 * time.Hour), Results: []uptime.Result{other}})
	all := append(slices.Clone(given), other)
	slices.SortStableFunc(all, func(a, b uptime.Result) int { return a.Time.Compare(b.Time) })
	for _, c := range []struct {
		name string
		q    uptime.ResultQuery
		want []uptime.Result
	}{
		{"no such monitor", uptime.ResultQuery{Monitor: "nobody"}, nil},
		{"no such location", uptime.ResultQuery{Monitor: "m1", Location: "nyc"}, nil},
		{"everything", uptime.ResultQuery{Monitor: "m1"}, all},
		{"one place", uptime.ResultQuery{Monitor: "m1", Location: "fra"}, []uptime.Result{other}},
		{"the newest", uptime.ResultQuery{Monitor: "m1", Location: uptime.Local, Limit: 90}, given[150:]},
		{"from", uptime.ResultQuery{Monitor: "m1", Location: uptime.Local, Since: given[100].Time}, given[100:]},
		{"before", uptime.ResultQuery{Monitor: "m1", Location: uptime.Local, Until: given[100].Time}, given[:100]},
		{"between", uptime.ResultQuery{Monitor: "m1", Location: uptime.Local, Since: given[50].Time, Until: given[70].Time}, given[50:70]},
		{"the newest before", uptime.ResultQuery{Monitor: "m1", Location: uptime.Local, Until: given[100].Time, Limit: 7}, given[93:100]},
		{"the past", uptime.ResultQuery{Monitor: "m1", Until: t0}, nil},
		{"the future", uptime.ResultQuery{Monitor: "m1", Since: t0.Add(9 * time.Hour)}, nil},
	} {
		got, err := s.Results(c.q)
		if err != nil || len(got) != len(c.want) {
			t.Errorf("%s: %d results, %v; want %d", c.name, len(got), err, len(c.want))
			continue
		}
		for i := range got {
			if err := same(c.want[i], got[i]); err != nil {
				t.Errorf("%s: result %d: %v", c.name, i, err)
				break
			}
		}
	}
}
