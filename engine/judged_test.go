package engine

import (
	"errors"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/judge"
	"lookout/engine/uptime"
)

// judgedJob is a monitor that the engine judges.
func judgedJob(t *testing.T, name, kind string, values map[string]any) uptime.Job {
	t.Helper()
	for _, ct := range judge.Types() {
		if ct.Name != kind {
			continue
		}
		c, mistakes := ct.New(uptime.Settings{URL: &url.URL{Scheme: kind}, Values: values})
		if len(mistakes) > 0 {
			t.Fatal(mistakes)
		}
		return uptime.Job{Checker: c.Checker, Monitor: &uptime.Monitor{Name: name, Type: kind, Target: c.Target, Dest: c.Dest,
			Interval: time.Minute, Timeout: 10 * time.Second, Rule: uptime.Rule{Plain: true, Failures: 1}, Fingerprint: 1}}
	}
	t.Fatalf("no type %s", kind)
	return uptime.Job{}
}

// TestGroupFollows sees a group, and the group that it is in, change with a member and not with its own interval.
func TestGroupFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tg := newMemory(), newTargets()
		jobs := []uptime.Job{job("a", 10*time.Second), job("b", 10*time.Second),
			judgedJob(t, "both", "group", map[string]any{"members": []string{"tag:prod"}}),
			judgedJob(t, "over", "group", map[string]any{"members": []string{"both", "gone"}, "need": "any"})}
		e := start(t, s, tg, jobs...)
		time.Sleep(time.Minute)
		if both, over := e.state("both"), e.state("over"); both.Verdict != uptime.Up || over.Verdict != uptime.Up {
			t.Fatalf("at first: %v %q, %v", both.Verdict, both.Message, over.Verdict)
		}
		tg.set("a", uptime.FaultTCPRefused)
		for e.state("a").Verdict != uptime.Down {
			if e.state("both").Verdict != uptime.Up {
				t.Fatalf("%v before its member is down", e.state("both").Verdict)
			}
			time.Sleep(100 * time.Millisecond)
		}
		both, over := e.state("both"), e.state("over")
		if both.Verdict != uptime.Down || over.Verdict != uptime.Down || both.Message != "1 of 2 members up, 2 needed; down: a (tcp.refused)" || both.Incident == 0 {
			t.Errorf("both %v %q #%d, over %v", both.Verdict, both.Message, both.Incident, over.Verdict)
		}
		if _, err := e.Act(t.Context(), uptime.Action{Verb: uptime.VerbMaintain, Targets: []string{"a"}, By: "jo"}); err != nil {
			t.Fatal(err)
		}
		if st := e.state("both"); st.Verdict != uptime.Up {
			t.Errorf("%v with its only dead member in maintenance", st.Verdict)
		}
		if _, err := e.Act(t.Context(), uptime.Action{Verb: uptime.VerbUnmaintain, Targets: []string{"a"}, By: "jo"}); err != nil {
			t.Fatal(err)
		}
		if st := e.state("both"); st.Verdict != uptime.Down {
			t.Errorf("%v after it", st.Verdict)
		}
		if _, err := e.Reload(t.Context(), jobs[1:], uptime.ConfigState{}); err != nil { // without a
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if st := e.state("both"); st.Verdict != uptime.Up {
			t.Errorf("%v after its dead member was taken out", st.Verdict)
		}
		e.stop()
	})
}

// TestBeats has a job call in, fail, stay away, and come back after a restart.
func TestBeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tg := newMemory(), newTargets()
		nightly := judgedJob(t, "nightly", "beat", map[string]any{"period": time.Hour, "grace": 10*time.Minute + 7*time.Second})
		e := start(t, s, tg, nightly, job("a", time.Minute))
		beat := func(sig uptime.Signal) {
			t.Helper()
			names, err := e.Act(t.Context(), uptime.Action{Verb: uptime.VerbBeat, Targets: []string{"nightly"}, Signal: sig, By: "cron"})
			if err != nil || len(names) != 1 {
				t.Fatalf("%v, %v", names, err)
			}
		}
		want := func(v uptime.Verdict) {
			t.Helper()
			if st := e.state("nightly"); st.Verdict != v {
				t.Errorf("%v %q, want %v", st.Verdict, st.Message, v)
			}
		}
		time.Sleep(3 * time.Hour)
		want(uptime.Pending)
		beat(uptime.Signal{})
		want(uptime.Up)
		beat(uptime.Signal{Exit: 2})
		want(uptime.Down)
		beat(uptime.Signal{})
		want(uptime.Up)
		e.stop() // what was answered is stored
		time.Sleep(30 * time.Minute)
		e = start(t, s, tg, nightly, job("a", time.Minute))
		time.Sleep(time.Second)
		want(uptime.Up)
		time.Sleep(40*time.Minute + 5*time.Second)
		want(uptime.Up)
		time.Sleep(2 * time.Second) // not its own interval: the moment at which it is late
		want(uptime.Down)
		if _, err := e.Act(t.Context(), uptime.Action{Verb: uptime.VerbBeat, Targets: []string{"a"}}); !errors.Is(err, uptime.ErrInvalid) {
			t.Errorf("a beat of what is checked: %v", err)
		}
		beat(uptime.Signal{})
		want(uptime.Up)
		e.stop()
	})
}
