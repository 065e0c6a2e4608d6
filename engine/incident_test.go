package engine

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
	"lookout/engine/verdict"
)

// phases is the story of an incident in words.
func phases(i uptime.Incident) string {
	var out []string
	for _, p := range i.Story {
		out = append(out, strings.TrimSpace(p.Phase+" "+p.Fault.String()))
	}
	return strings.Join(out, ", ")
}

// TestIncidentStory follows an incident through its causes, an acknowledgement,
// its end and its return, over a restart and a reload: all of it stays.
func TestIncidentStory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tg, p := newMemory(), newTargets(), threeProbes()
		o := Options{Instance: "web-1", Timezone: "UTC", Store: s, Runner: tg, Remote: p}
		both := func(f uptime.Fault) { tg.set("a", f); p.set(f, "fra", "nyc", "sgp") }
		e := startWith(t, o, job("a", 20*time.Second))
		reload := func(note string) {
			t.Helper()
			j := job("a", 20*time.Second)
			j.Note, j.Fingerprint = note, uint64(2+len(note))
			if _, err := e.Reload(t.Context(), []uptime.Job{j}, uptime.ConfigState{}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		both(uptime.FaultTCPRefused)
		time.Sleep(time.Minute)
		reload("of ops")
		both(uptime.FaultHTTPStatus)
		time.Sleep(time.Minute)
		e.act(uptime.VerbAck, "#1")
		e.stop()
		e = startWith(t, o, job("a", 20*time.Second))
		time.Sleep(time.Minute)
		st := e.state("a")
		if st.Incident != 1 || st.Ack == nil || st.Ack.Note != "n" || st.Fault != uptime.FaultHTTPStatus {
			t.Errorf("after the restart %+v", st)
		}
		open := e.Snapshot().Open[0]
		if strings.Join(open.ConfirmedBy, " ") != "fra nyc sgp" || len(open.Evidence) < 6 {
			t.Errorf("confirmed by %v, %d pieces of evidence", open.ConfirmedBy, len(open.Evidence))
		}
		if got, want := phases(*open), "opened tcp.refused, changed http.status, acknowledged"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		began := open.Start
		both(uptime.NoFault)
		time.Sleep(time.Minute)
		all, _ := s.Incidents(uptime.IncidentQuery{})
		if i := all[0]; i.Open() || !i.Start.Equal(began) || i.Ack == nil || i.Lasted(time.Now()) < 2*time.Minute {
			t.Errorf("closed: %+v", i)
		}
		both(uptime.FaultTCPRefused)
		time.Sleep(time.Minute)
		both(uptime.NoFault)
		time.Sleep(time.Minute)
		both(uptime.FaultTCPRefused)
		time.Sleep(time.Minute)
		if got := phases(*open); strings.Contains(got, "reopened") {
			t.Errorf("a snapshot that was published changed: %s", got)
		}
		want := "opened tcp.refused, changed http.status, acknowledged, closed, reopened tcp.refused, flapping tcp.refused, closed, reopened tcp.refused"
		if got := phases(*e.Snapshot().Open[0]); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		e.stop()
		flaps := 0
		for _, ev := range s.events {
			if ev.Note == uptime.IncidentFlapping {
				flaps++
				if ev.Kind != uptime.EventIncident || ev.Message != "#1 flapping: down for the 2nd time in 10 min" {
					t.Errorf("%+v", ev)
				}
			}
			if ev.Note == uptime.IncidentChanged && (ev.From != uptime.Down || ev.To != uptime.Down || len(ev.Message) < 10) {
				t.Errorf("changed from %v to %v: %s", ev.From, ev.To, ev.Message)
			}
		}
		if flaps != 1 || s.pages() != 3 || len(s.inc) != 1 {
			t.Errorf("%d notes that it flaps, %d incidents", flaps, len(s.inc))
		}
	})
}

// TestStoryIsBounded: a cause that changes with every check does not fill the
// store; how it began and how it is now stays.
func TestStoryIsBounded(t *testing.T) {
	var i uptime.Incident
	for n := range 200 {
		i.Tell(uptime.Phase{Phase: uptime.IncidentChanged, Message: fmt.Sprint(n)})
	}
	if n := len(i.Story); n > 40 || i.Story[0].Message != "0" || i.Story[n-1].Message != "199" {
		t.Errorf("%d phases, from %s to %s", n, i.Story[0].Message, i.Story[n-1].Message)
	}
}

// A failing check is in the snapshot as chk? within a second, with any interval,
// however many others there are, with others to ask and without.
func TestSuspectIsSeenWithinASecond(t *testing.T) {
	for _, interval := range []time.Duration{time.Second, 10 * time.Second, time.Minute, 5 * time.Minute} {
		for _, remote := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v, remote %t", interval, remote), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s, tg := newMemory(), newTargets()
					o := Options{Instance: "web-1", Timezone: "UTC", Store: s, Runner: tg}
					if remote {
						o.Remote = threeProbes()
					}
					jobs := []uptime.Job{job("a", interval)}
					for i := range 60 {
						jobs = append(jobs, job(fmt.Sprintf("m%03d", i), 10*time.Second))
					}
					e := startWith(t, o, jobs...)
					time.Sleep(2 * interval)
					tg.set("a", uptime.FaultTCPRefused)
					tg.slow("a", 200*time.Millisecond)
					for n := len(tg.of("a")); len(tg.of("a")) == n; {
						time.Sleep(10 * time.Millisecond)
					}
					failed := time.Now().Add(200 * time.Millisecond)
					for e.state("a").Label() != "chk?" {
						if time.Since(failed) > time.Second {
							t.Fatalf("%s a second after the failing result", e.state("a").Label())
						}
						time.Sleep(10 * time.Millisecond)
					}
					e.stop()
				})
			})
		}
	}
}

// TestSentenceOfUp says in words why a monitor is up.
func TestSentenceOfUp(t *testing.T) {
	began := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	e := &Engine{open: map[uint64]*uptime.Incident{1: {Start: began}}}
	for from, want := range map[uptime.Verdict]string{
		uptime.Pending: "first check succeeded", uptime.Suspect: "not confirmed: a check succeeded", uptime.Unknown: "a check succeeded",
		uptime.Degraded: "up again after 1m30s", uptime.Down: "up again after 1m30s",
	} {
		if got := e.sentence(&monitor{number: 1}, verdict.Decision{From: from, To: uptime.Up, Since: began.Add(90 * time.Second)}, nil); got != want {
			t.Errorf("from %s: %q, want %q", from, got, want)
		}
	}
}
