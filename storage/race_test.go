package storage

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// TestReadersKnowNames: whoever follows the events while new monitors come in
// sees each with its name.
func TestReadersKnowNames(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "lookout.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const n = 300
	written := make(chan error, 1) // writer → test: how it ended
	go func() {
		for i := uint64(1); i <= n; i++ {
			name := fmt.Sprintf("m%d", i)
			err := s.Append(&uptime.Batch{Time: time.Now(),
				Events:    []uptime.Event{{ID: i, Time: time.Now(), Kind: uptime.EventVerdict, Monitor: name}},
				Incidents: []uptime.Incident{{Number: i, Monitor: name, Start: time.Now()}}})
			if err != nil {
				written <- err
				return
			}
		}
		written <- nil
	}()
	for last := uint64(0); last < n; {
		events, err := s.Events(uptime.EventQuery{After: last})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			last = e.ID
			if want := fmt.Sprintf("m%d", e.ID); e.Monitor != want {
				t.Fatalf("event %d is of %q, want %q", e.ID, e.Monitor, want)
			}
		}
		incidents, err := s.Incidents(uptime.IncidentQuery{Limit: 5})
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range incidents {
			if want := fmt.Sprintf("m%d", i.Number); i.Monitor != want {
				t.Fatalf("incident %d is of %q, want %q", i.Number, i.Monitor, want)
			}
		}
		select {
		case err := <-written:
			if err != nil {
				t.Fatal(err)
			}
			written <- nil
		default:
		}
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
}
