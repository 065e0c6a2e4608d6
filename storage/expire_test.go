package storage

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"lookout/engine/uptime"
)

// weeks lists the buckets of results.
func weeks(t testing.TB, s *Store) (names []string) {
	t.Helper()
	if err := s.view("", func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, _ *bbolt.Bucket) error {
			if isWeek(name) {
				names = append(names, string(name))
			}
			return nil
		})
	}); err != nil {
		t.Fatal(err)
	}
	return names
}

func freePages(s *Store) int {
	st := s.db.Stats()
	return st.FreePageN + st.PendingPageN
}

// Once the retention is reached the file has its size, and the list of free
// pages stays short, over weeks.
func TestConstantSize(t *testing.T) {
	s := newStore(t, Options{Now: t0, Retention: Retention{Results: 30 * time.Hour, Events: 30 * time.Hour}})
	s.db.NoSync = true
	const tick, perDay, days = 6 * time.Minute, 240, 12
	var steady int64
	most, id := 0, uint64(0)
	for n := range days * perDay {
		now := t0.Add(time.Duration(n) * tick)
		b := uptime.Batch{Time: now.Add(tick)}
		for i := range 50 {
			r := good(fmt.Sprintf("m%d", i), now.Add(time.Duration(i)*97*time.Millisecond), time.Duration(20e6+(n*i)%30_000_000))
			if (n+i)%50 == 0 {
				r = bad(r.Monitor, r.Time)
				r.Message = fmt.Sprintf("failed at %d", n) // a text of its own
			}
			b.Results = append(b.Results, r)
		}
		id++
		b.Events = []uptime.Event{verdictEvent(id, "m1", now)}
		b.Incidents = []uptime.Incident{incident(id, "m1", now)}
		b.Incidents[0].End = now.Add(time.Minute)
		mustAppend(t, s, b)
		most = max(most, freePages(s))
		if n == 4*perDay-1 {
			steady = s.Size()
		}
	}
	if got := s.Size(); got > steady+2*allocSize {
		t.Errorf("%d bytes after four days, %d after %d", steady, got, days)
	}
	if most > 1000 {
		t.Errorf("up to %d free pages", most)
	}
	if got := weeks(t, s); len(got) > 2 {
		t.Errorf("weeks %v", got)
	}
	r := wantSound(t, s)
	if r.Events > 31*10 || r.Incidents > 31*10 {
		t.Errorf("%d events, %d incidents kept", r.Events, r.Incidents)
	}
	texts := 0
	if err := s.view("", func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(bucketText)).ForEach(func(_, _ []byte) error { texts++; return nil })
	}); err != nil {
		t.Fatal(err)
	}
	if bound := 2 * 10 * (30 + 80); texts > bound {
		t.Errorf("%d text records kept, %d expected at most", texts, bound)
	}
	t.Logf("%d bytes, up to %d free pages, %d texts, %d results", s.Size(), most, texts, r.Results)
}

// Expired results are hidden at once, whatever is still on disk.
func TestHidden(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lookout.db")
	s := openStore(t, path, Options{Now: t0})
	given := run(t, s, 1, t0, 6*time.Hour, time.Minute, time.Minute)["m0"]
	mustAppend(t, s, uptime.Batch{Time: t0.Add(6 * time.Hour), Events: []uptime.Event{verdictEvent(1, "m0", t0), verdictEvent(2, "m0", t0.Add(5*time.Hour))}})
	_ = s.Close()
	s = openStore(t, path, Options{Now: t0.Add(6 * time.Hour), Retention: Retention{Results: 2 * time.Hour, Events: 2 * time.Hour}})
	wantResults(t, s, "m0", given[len(given)-120:])
	if es, err := s.Events(uptime.EventQuery{}); err != nil || len(es) != 1 {
		t.Errorf("%d events, %v", len(es), err)
	}
	// A late result older than that is refused, and counted.
	mustAppend(t, s, uptime.Batch{Time: t0.Add(6 * time.Hour), Results: []uptime.Result{good("m0", t0, time.Second)}})
	if s.Refused() != 1 {
		t.Errorf("%d refused", s.Refused())
	}
}

func TestMaxSize(t *testing.T) {
	const most = 5 << 19 // less the reserve of two extensions, a few hours
	s := newStore(t, Options{Now: t0, Retention: Retention{MaxSize: most}})
	s.db.NoSync = true
	var now time.Time
	for n := range 14 * 60 {
		now = t0.Add(time.Duration(n) * time.Minute)
		b := uptime.Batch{Time: now.Add(time.Minute)}
		for i := range 200 {
			r := bad(fmt.Sprintf("m%d", i), now.Add(time.Duration((i*n)%60_000)*time.Millisecond))
			r.Total = time.Duration(i*n*7919%9_000_000) * time.Microsecond
			r.Measures[0].Value = int64(i * n * 104729 % 9_000_000)
			b.Results = append(b.Results, r)
		}
		mustAppend(t, s, b)
	}
	if got := s.Size(); got > most {
		t.Errorf("%d bytes of at most %d", got, most)
	}
	t.Logf("%d bytes, floor %d", s.Size(), s.at.floor)
	rs, err := s.Results(uptime.ResultQuery{Monitor: "m5", Limit: 10_000})
	if err != nil || len(rs) < 120 || len(rs) > 13*60 {
		t.Fatalf("%d results, %v", len(rs), err)
	}
	if rs[0].Time.Before(t0.Add(time.Hour)) || rs[len(rs)-1].Time.Before(now) {
		t.Errorf("from %v to %v", rs[0].Time, rs[len(rs)-1].Time)
	}
	wantSound(t, s)
}

// Results lie in the ISO week of their hour, and come back across the border,
// for ten years of borders, long weeks among them.
func TestWeekBorders(t *testing.T) {
	var at []time.Time
	for y := 2026; y < 2036; y++ {
		at = append(at, time.Date(y, 12, 28, 0, 0, 0, 0, time.UTC), time.Date(y+1, 1, 1, 0, 0, 0, 0, time.UTC))
		monday, err := uptime.ParseWeek(uptime.WeekKey(time.Date(y+1, 1, 4, 0, 0, 0, 0, time.UTC)))
		if err != nil {
			t.Fatal(err)
		}
		at = append(at, monday)
	}
	slices.SortFunc(at, time.Time.Compare)
	at = slices.Compact(at)
	s := newStore(t, Options{Now: at[0]})
	s.db.NoSync = true
	var given []uptime.Result
	for _, border := range at {
		for _, d := range []time.Duration{-time.Hour, -time.Millisecond, 0, time.Millisecond, 61 * time.Minute} {
			r := good("m0", border.Add(d), 20*time.Millisecond)
			given = append(given, r)
			mustAppend(t, s, uptime.Batch{Time: r.Time, Results: []uptime.Result{r}})
		}
		for i := range 4 { // and everything is sealed
			mustAppend(t, s, uptime.Batch{Time: border.Add(time.Duration(4+i) * time.Hour)})
		}
	}
	if len(s.spans) != 0 {
		t.Fatalf("%d spans are open", len(s.spans))
	}
	wantResults(t, s, "m0", given)
	names := strings.Join(weeks(t, s), " ")
	for _, want := range []string{"2026-W53 2027-W01", "2032-W53 2033-W01", "2036-W01"} {
		if !strings.Contains(names, want) {
			t.Errorf("no %s in %s", want, names)
		}
	}
	if strings.Contains(names, "2027-W53") {
		t.Error(names)
	}
	rs, err := s.Results(uptime.ResultQuery{Monitor: "m0", Since: time.Date(2027, 1, 3, 23, 59, 59, 0, time.UTC), Until: time.Date(2027, 1, 4, 0, 0, 0, 1e6, time.UTC)})
	if err != nil || len(rs) != 2 {
		t.Errorf("%d results around the first Monday of 2027, %v", len(rs), err)
	}
	wantSound(t, s)
}

// Incidents that stay open, and one that was long, keep no younger one; what is
// deleted and looked at in a tick stays bounded.
func TestExpireBesideOpen(t *testing.T) {
	s := newStore(t, Options{Now: t0, Retention: Retention{Events: 2 * time.Hour}})
	s.db.NoSync = true
	const open, ended = 100, 60
	b := uptime.Batch{Time: t0}
	for n := uint64(1); n <= open+ended; n++ {
		i := incident(n, "m0", t0)
		if n > open || n == 7 {
			i.End = t0.Add(time.Minute)
		}
		if n == 9 {
			i.End = t0.Add(11 * time.Hour)
		}
		b.Incidents = append(b.Incidents, i)
	}
	mustAppend(t, s, b)
	last := wantSound(t, s).Incidents
	for now := t0; now.Before(t0.Add(12 * time.Hour)); now = now.Add(10 * time.Minute) {
		mustAppend(t, s, uptime.Batch{Time: now})
		got := wantSound(t, s).Incidents
		if last-got > runAhead {
			t.Fatalf("%d deleted in one tick", last-got)
		}
		last = got
	}
	left, err := s.Incidents(uptime.IncidentQuery{})
	if err != nil || len(left) != open-1 || left[len(left)-1].Number != 1 || left[0].Number != open {
		t.Fatalf("%d incidents are left, %v", len(left), err)
	}
	if last != open-1 {
		t.Errorf("%d incidents in the file", last)
	}
	// Younger ones, within the retention, stay.
	now := t0.Add(12 * time.Hour)
	young := incident(open+ended+1, "m0", now.Add(-time.Hour))
	young.End = now
	mustAppend(t, s, uptime.Batch{Time: now, Incidents: []uptime.Incident{young}})
	for range 2 * open {
		mustAppend(t, s, uptime.Batch{Time: now})
	}
	if got := wantSound(t, s).Incidents; got != open {
		t.Errorf("%d incidents in the file with a young one", got)
	}
}
