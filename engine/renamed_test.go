package engine

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
	"lookout/storage"
)

// TestRenameToATakenName: a name that has a history of its own keeps it; that
// the other history stays behind is told, and nothing else is kept from the disk.
func TestRenameToATakenName(t *testing.T) {
	for _, numbered := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := storage.NewMemory()
			if !numbered {
				at := time.Now().Add(-time.Hour)
				if err := s.Append(&uptime.Batch{Time: at, Results: []uptime.Result{{Time: at, Monitor: "shop", Location: uptime.Local}}}); err != nil {
					t.Fatal(err)
				}
			} else if _, err := s.Numbers([]string{"shop"}); err != nil { // as while a renaming waited for the disk
				t.Fatal(err)
			}
			e := startWith(t, Options{Instance: "web-1", Timezone: "UTC", Store: s, Runner: newTargets()}, job("a", time.Minute))
			time.Sleep(2 * time.Minute)
			shop := job("shop", time.Minute)
			shop.Was = "a"
			if _, err := e.Reload(t.Context(), []uptime.Job{shop}, uptime.ConfigState{}); err != nil {
				t.Error(err)
			}
			time.Sleep(2 * time.Minute)
			if h := e.Snapshot().Health; h.StoreError != "" || h.Unstored > 5 {
				t.Errorf("%q, %d wait", h.StoreError, h.Unstored)
			}
			e.stop()
			rs, err := s.Results(uptime.ResultQuery{Monitor: "shop", Since: time.Now().Add(-2 * time.Minute)})
			if err != nil || len(rs) == 0 {
				t.Errorf("%d results, %v", len(rs), err)
			}
			told := 0
			events, _ := s.Events(uptime.EventQuery{})
			for _, ev := range events {
				if ev.Kind == uptime.EventStore && strings.Contains(ev.Message, `rename "a" to "shop"`) {
					told++
				}
			}
			if told != 1 {
				t.Errorf("told %d times: %+v", told, events)
			}
		})
	}
}

// TestRenameWhileNoEngineRan: what is open, or was over a moment ago, is of the
// monitor's new name, for people and in the store.
func TestRenameWhileNoEngineRan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		targets, s := newTargets(), storage.NewMemory()
		o := Options{Instance: "web-1", Timezone: "UTC", Store: s, Runner: targets}
		targets.set("a", uptime.FaultTCPRefused)
		e := startWith(t, o, job("a", time.Minute))
		time.Sleep(5 * time.Minute)
		number := e.state("a").Incident
		e.stop()

		renamed := func(name, was string) uptime.Job {
			j := job(name, time.Minute)
			j.Was = was
			return j
		}
		targets.set("shop", uptime.FaultTCPRefused)
		e = startWith(t, o, renamed("shop", "a"))
		if open := e.Snapshot().Open; len(open) != 1 || open[0].Number != number || number == 0 || open[0].Monitor != "shop" {
			t.Errorf("open: %+v, want #%d of shop", open, number)
		}
		targets.set("shop", 0)
		time.Sleep(5 * time.Minute)
		e.stop()

		targets.set("store", uptime.FaultTCPRefused)
		e = startWith(t, o, renamed("store", "shop"))
		time.Sleep(3 * time.Minute) // it is back within ten minutes
		if open := e.Snapshot().Open; len(open) != 1 || open[0].Number != number || open[0].Monitor != "store" {
			t.Errorf("open again: %+v, want #%d of store", open, number)
		}
		e.stop()
		stored, err := s.Incidents(uptime.IncidentQuery{})
		if err != nil || len(stored) != 1 || stored[0].Monitor != "store" {
			t.Errorf("stored: %+v, %v", stored, err)
		}
	})
}
