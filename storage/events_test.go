package storage

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"lookout/engine/uptime"
)

func verdictEvent(id uint64, monitor string, at time.Time) uptime.Event {
	return uptime.Event{ID: id, Time: at, Kind: uptime.EventVerdict, Monitor: monitor, From: uptime.Suspect, To: uptime.Down,
		Fault: uptime.FaultTCPRefused, Message: "TCP connect 203.0.113.9:443 refused", Incident: id, By: "engine",
		Evidence: []uptime.Evidence{{Time: at, Location: "fra", Step: "wave 1", Outcome: uptime.OutcomeDown,
			Fault: uptime.FaultTCPRefused, Message: "refused", Total: 19 * time.Millisecond, Weight: 3, Vote: true}}}
}

func incident(number uint64, monitor string, start time.Time) uptime.Incident {
	return uptime.Incident{Number: number, Monitor: monitor, Start: start, Verdict: uptime.Down, Fault: uptime.FaultTCPRefused,
		Message: "TCP connect refused", ConfirmedBy: []string{"fra"}}
}

func ids64[T any](xs []T, id func(T) uint64) string {
	var out []string
	for _, x := range xs {
		out = append(out, fmt.Sprint(id(x)))
	}
	return strings.Join(out, " ")
}

func TestEvents(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lookout.db")
	s := openStore(t, path, Options{Now: t0})
	var given []uptime.Event
	for i := range 10 {
		e := verdictEvent(uint64(i+1), []string{"a", "b"}[i%2], t0.Add(time.Duration(i)*time.Minute))
		if i == 4 {
			e = uptime.Event{ID: 5, Time: e.Time, Kind: uptime.EventNode, Message: "started", By: "engine"}
		}
		given = append(given, e)
	}
	mustAppend(t, s, uptime.Batch{Time: t0, Events: given[:6]})
	mustAppend(t, s, uptime.Batch{Time: t0.Add(time.Hour), Events: given[3:]}) // some of them again
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, path, Options{Now: t0.Add(time.Hour)})
	for _, c := range []struct {
		name string
		q    uptime.EventQuery
		want string
	}{
		{"all", uptime.EventQuery{}, "1 2 3 4 5 6 7 8 9 10"},
		{"after", uptime.EventQuery{After: 7}, "8 9 10"},
		{"after the last", uptime.EventQuery{After: 10}, ""},
		{"after all there can be", uptime.EventQuery{After: math.MaxUint64}, ""},
		{"before", uptime.EventQuery{Before: 4}, "3 2 1"},
		{"before and after", uptime.EventQuery{Before: 6, After: 2}, "5 4 3"},
		{"the newest", uptime.EventQuery{Before: math.MaxUint64, Limit: 2}, "10 9"},
		{"of one monitor", uptime.EventQuery{Monitor: "b", Limit: 3}, "2 4 6"},
		{"of nobody", uptime.EventQuery{Monitor: "c"}, ""},
		{"of a kind", uptime.EventQuery{Kinds: []uptime.EventKind{uptime.EventNode}}, "5"},
		{"since", uptime.EventQuery{Since: t0.Add(8 * time.Minute)}, "9 10"},
		{"until", uptime.EventQuery{Until: t0.Add(2 * time.Minute)}, "1 2"},
	} {
		got, err := s.Events(c.q)
		if id := ids64(got, func(e uptime.Event) uint64 { return e.ID }); err != nil || id != c.want {
			t.Errorf("%s: %s, %v; want %s", c.name, id, err, c.want)
		}
		for _, e := range got {
			if want := given[e.ID-1]; !reflect.DeepEqual(e, want) {
				t.Errorf("%s: %+v was %+v", c.name, e, want)
			}
		}
	}
	if r, _ := s.Resume(); r.LastEvent != 10 {
		t.Errorf("last event %d", r.LastEvent)
	}
	wantSound(t, s)
}

func TestIncidents(t *testing.T) {
	s := newStore(t, Options{Now: t0})
	b := uptime.Batch{Time: t0.Add(10 * time.Hour)}
	for i := range 8 {
		x := incident(uint64(i+1), []string{"a", "b"}[i%2], t0.Add(time.Duration(i)*time.Hour))
		b.Incidents = append(b.Incidents, x)
	}
	mustAppend(t, s, b)
	for i := range 6 { // all but two end after half an hour
		b.Incidents[i].End = b.Incidents[i].Start.Add(30 * time.Minute)
	}
	b.Incidents = b.Incidents[:6]
	mustAppend(t, s, b)
	for _, c := range []struct {
		name string
		q    uptime.IncidentQuery
		want string
	}{
		{"all", uptime.IncidentQuery{}, "8 7 6 5 4 3 2 1"},
		{"one", uptime.IncidentQuery{Number: 3}, "3"},
		{"none", uptime.IncidentQuery{Number: 33}, ""},
		{"one of another", uptime.IncidentQuery{Number: 3, Monitor: "b"}, ""},
		{"of a monitor", uptime.IncidentQuery{Monitor: "a"}, "7 5 3 1"},
		{"the newest of a monitor", uptime.IncidentQuery{Monitor: "b", Limit: 1}, "8"},
		{"of nobody", uptime.IncidentQuery{Monitor: "c"}, ""},
		{"lasting into", uptime.IncidentQuery{Since: t0.Add(4*time.Hour + 15*time.Minute)}, "8 7 6 5"},
		{"begun before", uptime.IncidentQuery{Until: t0.Add(2 * time.Hour)}, "2 1"},
	} {
		got, err := s.Incidents(c.q)
		if id := ids64(got, func(i uptime.Incident) uint64 { return i.Number }); err != nil || id != c.want {
			t.Errorf("%s: %s, %v; want %s", c.name, id, err, c.want)
		}
	}
	got, _ := s.Incidents(uptime.IncidentQuery{Number: 6})
	if len(got) != 1 || !reflect.DeepEqual(got[0], b.Incidents[5]) {
		t.Errorf("%+v was %+v", got, b.Incidents[5])
	}
	if r, _ := s.Resume(); r.LastIncident != 8 {
		t.Errorf("last incident %d", r.LastIncident)
	}
	wantSound(t, s)
}

func TestStates(t *testing.T) {
	s := newStore(t, Options{Now: t0})
	long := strings.Repeat("ö", 100) // names are up to 200 bytes
	mustAppend(t, s, uptime.Batch{Time: t0, States: []uptime.StateRecord{{Monitor: "a", Data: []byte("1")}, {Monitor: long, Data: make([]byte, 9000)}}})
	mustAppend(t, s, uptime.Batch{Time: t0, States: []uptime.StateRecord{{Monitor: "a", Data: []byte("2")}, {Monitor: "b", Data: []byte("3")}}})
	mustAppend(t, s, uptime.Batch{Time: t0, States: []uptime.StateRecord{{Monitor: "b"}}}) // forgotten
	got := map[string]int{}
	if err := s.States(func(r uptime.StateRecord) error { got[r.Monitor] = len(r.Data); return nil }); err != nil {
		t.Fatal(err)
	}
	if want := map[string]int{"a": 1, long: 9000}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
	wantSound(t, s)
}

func TestRename(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lookout.db")
	s := openStore(t, path, Options{Now: t0})
	given := run(t, s, 2, t0, 2*time.Hour, time.Minute, time.Minute)["m1"]
	mustAppend(t, s, uptime.Batch{Time: t0.Add(2 * time.Hour), Events: []uptime.Event{verdictEvent(1, "m1", t0)},
		Incidents: []uptime.Incident{incident(1, "m1", t0)}, States: []uptime.StateRecord{{Monitor: "m1", Data: []byte("x")}}})
	if err := s.Rename("m1", "m0"); err == nil {
		t.Error("two histories are joined")
	}
	if err := s.Rename("nobody", "somebody"); err != nil {
		t.Error(err)
	}
	if err := s.Rename("m1", "shop"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for i := range given {
			given[i].Monitor = "shop"
		}
		wantResults(t, s, "shop", given)
		if es, err := s.Events(uptime.EventQuery{Monitor: "shop"}); err != nil || len(es) != 1 || es[0].Monitor != "shop" {
			t.Errorf("events %+v, %v", es, err)
		}
		if is, err := s.Incidents(uptime.IncidentQuery{Monitor: "shop"}); err != nil || len(is) != 1 || is[0].Monitor != "shop" {
			t.Errorf("incidents %+v, %v", is, err)
		}
		if rs, err := s.Results(uptime.ResultQuery{Monitor: "m1"}); err != nil || rs != nil {
			t.Errorf("%d results under the old name, %v", len(rs), err)
		}
		if err := s.States(func(r uptime.StateRecord) error {
			if r.Monitor != "shop" {
				t.Errorf("state of %q", r.Monitor)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
		wantSound(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openStore(t, path, Options{Now: t0.Add(2 * time.Hour)})
	}
}

// A fault while a record is decoded is told as damage, and leaves no lock behind
// that the writer would wait for.
func TestFaultLeavesNoLock(t *testing.T) {
	for _, c := range []struct {
		name string
		read func(s *Store) error
	}{
		{"event", func(s *Store) error { _, err := s.Events(uptime.EventQuery{}); return err }},
		{"incident", func(s *Store) error { _, err := s.Incidents(uptime.IncidentQuery{}); return err }},
	} {
		s := newStore(t, Options{Now: t0})
		mustAppend(t, s, uptime.Batch{Time: t0, Events: []uptime.Event{verdictEvent(1, "a", t0)}, Incidents: []uptime.Incident{incident(1, "a", t0)}})
		// Names that lie at address 0 fault like a page beyond the end of the file.
		*(*unsafe.Pointer)(unsafe.Pointer(&s.ids.monitors)) = nil
		if err := c.read(s); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", c.name, err)
		}
		if !s.mu.TryLock() {
			t.Errorf("%s: the lock is held", c.name)
			continue
		}
		s.mu.Unlock()
	}
}
