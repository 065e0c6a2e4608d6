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
