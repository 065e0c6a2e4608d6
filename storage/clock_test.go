package storage

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// An hour that comes twice, because the clock was set back, has the results of
// both times, beside what is sealed and in what is not; events keep their order.
func TestClockSetBackAnHour(t *testing.T) {
	for _, after := range []time.Duration{20 * time.Minute, 63 * time.Minute, 3 * time.Hour} {
		t.Run(after.String(), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "lookout.db")
			s := openStore(t, path, Options{Now: t0})
			var given []uptime.Result
			event := uint64(0)
			spell := func(from time.Time, d time.Duration, took time.Duration) {
				for at := from; at.Before(from.Add(d)); at = at.Add(time.Minute) {
					r := good("m0", at, took)
					given = append(given, r)
					event++
					mustAppend(t, s, uptime.Batch{Time: at, Results: []uptime.Result{r},
						Events: []uptime.Event{{ID: event, Time: at, Kind: uptime.EventClock, Message: "x"}}})
				}
			}
			spell(t0, after, 20*time.Millisecond)
			spell(t0.Add(after-time.Hour), 4*time.Hour, 40*time.Millisecond)
			for range 2 {
				wantResults(t, s, "m0", byTimeOf(slices.Clone(given)))
				wantSound(t, s)
				events, err := s.Events(uptime.EventQuery{Limit: 10_000})
				if err != nil || len(events) != int(event) {
					t.Fatalf("%d events of %d, %v", len(events), event, err)
				}
				for i, e := range events {
					if e.ID != uint64(i+1) {
						t.Fatalf("event %d comes as number %d", e.ID, i+1)
					}
				}
				n := 0
				if err := s.Tail(t0.Add(after-time.Hour), func(*uptime.Result) error { n++; return nil }); err != nil || n < 240 {
					t.Errorf("a tail of %d, %v", n, err)
				}
				_ = s.Close()
				s = openStore(t, path, Options{Now: t0.Add(after + 3*time.Hour)})
			}
		})
	}
}
