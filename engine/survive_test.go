package engine

import (
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
)

// TestWhatPeopleDidSurvives: a pause, a maintenance and an acknowledgement with
// note, author and end are there after a reload and after a restart, however the
// engine ended, and end by themselves, also while none runs: once, and as of then.
func TestWhatPeopleDidSurvives(t *testing.T) {
	const minute = time.Minute
	for _, tc := range []struct {
		name string
		over func(running, *memory) (running, *memory) // at minute 15; what was done lasts from 10 to 30
		at   time.Duration                             // when that is over
	}{
		{"nothing", func(r running, s *memory) (running, *memory) { return r, s }, 15 * minute},
		{"a reload", func(r running, s *memory) (running, *memory) { r.reload(); return r, s }, 15 * minute},
		{"a reload that changes the monitor", func(r running, s *memory) (running, *memory) {
			jobs := []uptime.Job{tagged("db")}
			jobs[0].Fingerprint, jobs[0].Interval = 7, 10*time.Second
			if _, err := r.Reload(r.t.Context(), jobs, uptime.ConfigState{}); err != nil {
				r.t.Fatal(err)
			}
			return r, s
		}, 15 * minute},
		{"a restart", func(r running, s *memory) (running, *memory) {
			r.stop()
			return start(r.t, s, r.o.Runner, tagged("db")), s
		}, 15 * minute},
		{"a kill", func(r running, s *memory) (running, *memory) {
			left := s.died()
			r.stop()
			return start(r.t, left, r.o.Runner, tagged("db")), left
		}, 15 * minute},
		{"a time without an engine", func(r running, s *memory) (running, *memory) {
			r.stop()
			time.Sleep(10 * minute)
			return start(r.t, s, r.o.Runner, tagged("db")), s
		}, 25 * minute},
		{"its end, without an engine", func(r running, s *memory) (running, *memory) {
			left := s.died()
			r.stop()
			time.Sleep(30 * minute)
			return start(r.t, left, r.o.Runner, tagged("db")), left
		}, 45 * minute},
	} {
		for _, verb := range []uptime.Verb{uptime.VerbPause, uptime.VerbMaintain, uptime.VerbAck} {
			t.Run(string(verb)+" over "+tc.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					begun := time.Now()
					s, tg := newMemory(), newTargets()
					tg.set("db", uptime.FaultTCPRefused)
					r := start(t, s, tg, tagged("db"))
					time.Sleep(10*minute + 3*time.Second)
					until := begun.Add(30 * minute)
					if _, err := r.Act(t.Context(), uptime.Action{Verb: verb, Targets: []string{"db"}, Until: until, By: "jo", Note: "disk ordered"}); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Until(begun.Add(15 * minute)))
					r, s = tc.over(r, s)
					time.Sleep(2 * time.Second)
					holds := func() bool {
						st := r.state("db")
						switch verb {
						case uptime.VerbPause:
							return st.Mode == uptime.Paused && st.Until.Equal(until)
						case uptime.VerbMaintain:
							return st.Mode == uptime.Maintenance && st.Until.Equal(until)
						}
						return st.Ack != nil && st.Ack.By == "jo" && st.Ack.Note == "disk ordered" && st.Ack.Until.Equal(until) && r.Snapshot().Unacked == 0
					}
					if got := holds(); got != (tc.at < 30*minute) {
						t.Fatalf("it holds: %v, %+v", got, r.state("db"))
					}
					time.Sleep(time.Until(begun.Add(47 * minute)))
					if st := r.state("db"); holds() || st.Mode != uptime.Active || st.Ack != nil || st.Verdict != uptime.Down || st.Incident != 1 || r.Snapshot().Unacked != 1 {
						t.Errorf("it has not ended: %+v", st)
					}
					r.stop()
					told := 0
					for _, ev := range s.events {
						switch ev.Kind {
						case uptime.EventPause, uptime.EventMaintenance, uptime.EventAck:
						default:
							continue
						}
						switch told++; {
						case told == 1:
							if ev.By != "jo" || ev.Note != "disk ordered" || !ev.Until.Equal(until) {
								t.Errorf("begun: %+v", ev)
							}
						case ev.By != byEngine || !ev.Until.IsZero() || ev.Time.Before(until):
							t.Errorf("ended: %+v", ev)
						case verb != uptime.VerbAck && !ev.Since.Equal(until):
							t.Errorf("it ended at %v, and the event says %v", until, ev.Since)
						}
					}
					if told != 2 {
						t.Errorf("%d events: %s", told, s.story("db"))
					}
				})
			})
		}
	}
}
