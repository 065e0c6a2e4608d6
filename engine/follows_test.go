package engine

import (
	"bytes"
	"fmt"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
)

// The end writes no state that the next engine makes of the results: what it
// shows then is what was shown before.
func TestEndLeavesWhatFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tg := newMemory(), newTargets()
		jobs := []uptime.Job{job("down", 20*time.Second), job("up", 20*time.Second), job("late", 20*time.Second)}
		for i := range 600 { // so that the turn to be saved comes seldom
			jobs = append(jobs, job(fmt.Sprintf("www-%03d", i), time.Minute))
		}
		tg.set("down", uptime.FaultTCPRefused)
		e := start(t, s, tg, jobs...)
		time.Sleep(8 * time.Minute)
		tg.set("late", uptime.FaultTCPRefused)
		for e.state("late").Verdict != uptime.Suspect {
			time.Sleep(time.Second)
		}
		time.Sleep(8 * time.Second) // another check of the doubt
		if v := e.state("late").Verdict; v != uptime.Suspect {
			t.Fatalf("late is %v", v)
		}
		was := map[string]uptime.State{}
		for _, j := range jobs {
			was[j.Name] = *e.state(j.Name)
		}
		s.mu.Lock()
		before := maps.Clone(s.states)
		s.mu.Unlock()
		e.stop()
		for name, want := range map[string]bool{"up": false, "down": false, "late": true} {
			if got := !bytes.Equal(before[name], s.states[name]); got != want {
				t.Errorf("%s: its state was written at the end: %v", name, got)
			}
		}
		e = start(t, s, tg, jobs...)
		defer e.stop()
		for _, name := range []string{"up", "down"} {
			a, b := was[name], *e.state(name)
			if a.Verdict != b.Verdict || !a.Since.Equal(b.Since) || a.Message != b.Message || a.Incident != b.Incident ||
				a.Checks > b.Checks || a.Recent != b.Recent || a.Spark != b.Spark || a.P95 != b.P95 || a.Total != b.Total ||
				!a.Last.Truncate(time.Millisecond).Equal(b.Last) || a.Outcome != b.Outcome || a.Day.Up > b.Day.Up || a.Day.Down > b.Day.Down {
				t.Errorf("%s was\n%+v, is\n%+v", name, a, b)
			}
		}
	})
}

func TestFollows(t *testing.T) {
	at := time.Unix(1e9, 0)
	tests := []struct {
		name string
		set  func(m *monitor)
		want bool
	}{
		{"up", func(*monitor) {}, true},
		{"down", func(m *monitor) { m.mem.Verdict, m.mem.Fails = uptime.Down, 7 }, true},
		{"never saved", func(m *monitor) { m.saved = 0 }, false},
		{"in doubt", func(m *monitor) { m.mem.Verdict = uptime.Suspect }, false},
		{"degraded", func(m *monitor) { m.mem.Verdict = uptime.Degraded }, false},
		{"complained of", func(m *monitor) { m.mem.Score = 0.1 }, false},
		{"down, and coming back", func(m *monitor) { m.mem.Verdict, m.mem.Good = uptime.Down, at }, false},
		{"down, and counting", func(m *monitor) { m.mem.Verdict, m.mem.Goods = uptime.Down, 1 }, false},
		{"out of sight", func(m *monitor) { m.mem.Unknowns = 1 }, false},
		{"in maintenance", func(m *monitor) { m.mode = uptime.Maintenance }, false},
		{"judged", func(m *monitor) { m.judged = new(judged) }, false},
	}
	for _, tt := range tests {
		m := newMonitor(job("a", time.Minute), "")
		m.checked, m.saved, m.mem.Verdict = 9, 4, uptime.Up
		tt.set(m)
		if got := m.follows(); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
