package uptime

import (
	"slices"
	"testing"
	"time"
)

// TestAt plays a day of two monitors, and asks for each moment of it.
func TestAt(t *testing.T) {
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	m := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	verdict := func(id uint64, at int, name string, from, to Verdict) Event {
		return Event{ID: id, Time: m(at), Kind: EventVerdict, Monitor: name, From: from, To: to, Fault: FaultTCPRefused, Message: "refused"}
	}
	log := []Event{ // oldest first
		verdict(1, 1, "a", Pending, Up), verdict(2, 2, "b", Pending, Up),
		verdict(3, 10, "a", Up, Suspect), verdict(4, 11, "a", Suspect, Down),
		{ID: 5, Time: m(15), Kind: EventAck, Monitor: "a", By: "jo"},
		{ID: 6, Time: m(20), Kind: EventPause, Monitor: "b", Mode: Paused},
		verdict(7, 30, "a", Down, Up),
		{ID: 8, Time: m(40), Kind: EventPause, Monitor: "b", Mode: Active},
		{ID: 9, Time: m(45), Kind: EventMaintenance, Monitor: "b", Mode: Maintenance},
		{ID: 10, Time: m(50), Kind: EventMaintenance, Monitor: "b", Mode: Active},
	}
	incident := Incident{Number: 7, Monitor: "a", Start: m(10), End: m(29), Verdict: Down, Fault: FaultHTTPStatus, Message: "503", Witness: "fra agrees", Ack: &Ack{By: "jo"},
		Story: []Phase{{Time: m(11), Phase: IncidentOpened, Fault: FaultTCPRefused, Message: "refused"}, {Time: m(29), Phase: IncidentChanged, Fault: FaultHTTPStatus, Message: "503"}}}
	now := &Snapshot{Time: m(60), Instance: "web-1", Events: 10, States: []*State{
		{Monitor: &Monitor{Name: "a"}, Verdict: Up, Since: m(29), Total: time.Second, Last: m(59)},
		{Monitor: &Monitor{Name: "b"}, Verdict: Up, Since: m(2)}}}
	for _, tc := range []struct {
		at       int
		a, b     string // labels
		incident uint64
		acked    bool
		since    time.Time // of a
	}{
		{0, "new", "new", 0, false, time.Time{}},
		{5, "up", "up", 0, false, m(1)},
		{10, "chk?", "up", 0, false, m(10)},
		{12, "DOWN", "up", 7, false, m(10)},
		{16, "DOWN", "up", 7, true, m(10)},
		{25, "DOWN", "off", 7, true, m(10)},
		{35, "up", "off", 0, false, m(30)},
		{42, "up", "up", 0, false, m(30)},
		{47, "up", "mnt", 0, false, m(30)},
		{55, "up", "up", 0, false, m(30)},
	} {
		var later, earlier []Event
		for _, e := range slices.Backward(log) {
			if e.Time.After(m(tc.at)) {
				later = append(later, e)
			} else {
				earlier = append(earlier, e)
			}
		}
		s := now.At(m(tc.at), later, earlier, []Incident{incident})
		a, b := s.States[0], s.States[1]
		if a.Label() != tc.a || b.Label() != tc.b || a.Incident != tc.incident || (a.Ack != nil) != tc.acked || !a.Since.Equal(tc.since) {
			t.Errorf("at %d: a %s since %s, #%d, ack %v; b %s", tc.at, a.Label(), a.Since, a.Incident, a.Ack, b.Label())
		}
		if s.Counts.Total() != 2 || !s.Time.Equal(m(tc.at)) || len(s.Open) != min(int(tc.incident), 1) || s.Unacked != len(s.Open)-map[bool]int{true: 1}[tc.acked] {
			t.Errorf("at %d: %+v", tc.at, s)
		}
		if a.Verdict == Suspect && a.Before != Up || a.Verdict == Down && (a.Message != "refused" || a.Witness != "fra agrees" || !s.Open[0].Open()) || !a.Last.IsZero() {
			t.Errorf("at %d: %+v", tc.at, a)
		}
	}
	if now.States[0].Verdict != Up || incident.End.IsZero() {
		t.Error("what was given is not what it was")
	}
}
