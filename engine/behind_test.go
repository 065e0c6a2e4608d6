package engine

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
)

// family is a parent and its children in a bubble.
type family struct {
	running
	s  *memory
	tg *targets
}

// child is a job that depends on others: its parent first.
func child(name string, interval time.Duration, parent string, on ...string) uptime.Job {
	j := job(name, interval)
	j.Parent, j.DependsOn, j.Tags = parent, on, nil
	return j
}

// silent has targets no longer answer.
func (f family) silent(names ...string) {
	for _, n := range names {
		f.tg.set(n, uptime.FaultTCPTimeout)
		f.tg.slow(n, 10*time.Second)
	}
}

func (f family) answer(names ...string) {
	for _, n := range names {
		f.tg.set(n, uptime.NoFault)
		f.tg.slow(n, 0)
	}
}

// until waits for something, at most so long, and returns how long it took.
func (f family) until(most time.Duration, what string, is func() bool) time.Duration {
	f.t.Helper()
	begun := time.Now()
	for !is() {
		if time.Since(begun) >= most {
			f.t.Fatalf("not within %v: %s", most, what)
		}
		time.Sleep(100 * time.Millisecond)
	}
	return time.Since(begun)
}

// is waits for a verdict.
func (f family) is(name string, v uptime.Verdict, most time.Duration) time.Duration {
	f.t.Helper()
	return f.until(most, name+" is "+v.String(), func() bool { return f.state(name).Verdict == v })
}

func (f family) behind(name, want string) {
	f.t.Helper()
	if got := f.state(name).Behind; got != want {
		f.t.Errorf("%s is behind %q, want %q", name, got, want)
	}
}

// told is whom an alert that goes by the marks of events would have told
// somebody of: outages that were not behind anything when they opened, or later.
func (f family) told() string {
	var out []string
	events, _ := f.s.Events(uptime.EventQuery{})
	for _, e := range events {
		if e.Kind == uptime.EventIncident && e.To == uptime.Down && e.Behind == "" && (e.Note != uptime.IncidentClosed) {
			out = append(out, e.Monitor)
		}
	}
	return strings.Join(out, " ")
}

func inFamily(t *testing.T, play func(family), jobs ...uptime.Job) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := family{s: newMemory(), tg: newTargets()}
		f.running = start(t, f.s, f.tg, jobs...)
		time.Sleep(2 * time.Minute)
		play(f)
		f.stop()
	})
}

// TestOnePage has a parent and its children fail in the same second, whoever is
// confirmed first: somebody is told of the parent, and of nothing else.
func TestOnePage(t *testing.T) {
	counted := func(j uptime.Job, failures int, retry time.Duration) uptime.Job {
		j.Rule = uptime.Rule{Consecutive: true, Failures: failures, Recoveries: 2, RetryInterval: retry}
		return j
	}
	children := []uptime.Job{child("a", time.Minute, "uplink"), child("b", 20*time.Second, "", "uplink")}
	for _, tc := range []struct {
		name string
		jobs []uptime.Job
	}{
		{"alike", append(children, child("uplink", time.Minute, ""))},
		{"the children come first", append(children, child("uplink", 10*time.Minute, ""))},
		{"the parent is counted", append(children, counted(child("uplink", 10*time.Minute, ""), 3, 20*time.Second))},
		{"the child needs one failure", append(children, counted(child("c", 30*time.Second, "uplink"), 1, 20*time.Second), child("uplink", 10*time.Minute, ""))},
		{"over a middle", append(children, child("uplink", 10*time.Minute, "", "line"), child("line", 10*time.Minute, ""))},
		{"all have the tag", []uptime.Job{child("a", time.Minute, "", "tag:prod"), job("uplink", 10*time.Minute), job("other", time.Minute)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inFamily(t, func(f family) {
				top := "uplink"
				for _, j := range tc.jobs {
					if j.Name != "other" {
						f.silent(j.Name)
					}
					if j.Name == "line" {
						top = "line"
					}
				}
				for _, j := range tc.jobs {
					if j.Name != "other" {
						f.is(j.Name, uptime.Down, 4*time.Minute)
					}
				}
				time.Sleep(5 * time.Minute)
				for _, j := range tc.jobs {
					if j.Name != top && j.Name != "other" {
						f.behind(j.Name, top)
					}
				}
				if told := f.told(); told != top {
					t.Errorf("told of %q, want %q", told, top)
				}
				if n := f.Snapshot().Unacked; n != 1 {
					t.Errorf("%d that nobody acknowledged", n)
				}
				if day := f.state("a").Day; day.Down < 5*time.Minute {
					t.Errorf("down for %v: a child counts", day.Down)
				}
				for _, j := range tc.jobs {
					f.answer(j.Name)
				}
				for _, j := range tc.jobs {
					f.is(j.Name, uptime.Up, 2*time.Minute)
				}
				time.Sleep(time.Minute)
				if told := f.told(); told != top {
					t.Errorf("told of %q after it, want %q", told, top)
				}
				past, _ := f.s.Incidents(uptime.IncidentQuery{Monitor: "a"})
				// The top may be up again before what is between, and then that is what hides it.
				if len(past) != 1 || past[0].Behind != top && past[0].Behind != "uplink" || past[0].Open() {
					t.Errorf("the history says %+v", past)
				}
			}, tc.jobs...)
		})
	}
}

// TestBehindLater has the parent go down long after its child, recover while the
// child still fails, and the child recover at last.
func TestBehindLater(t *testing.T) {
	inFamily(t, func(f family) {
		f.silent("a")
		f.is("a", uptime.Down, 3*time.Minute)
		f.behind("a", "")
		f.silent("uplink")
		f.is("uplink", uptime.Down, 3*time.Minute)
		f.behind("a", "uplink")
		if i := f.Snapshot().Open; len(i) != 2 || i[1].Behind != "uplink" || i[1].Unacked() {
			t.Errorf("the incidents: %+v", i)
		}
		f.answer("uplink")
		f.is("uplink", uptime.Up, 2*time.Minute)
		f.behind("a", "uplink") // until it has failed again
		f.until(35*time.Second, "a is told of", func() bool { return f.state("a").Behind == "" })
		if f.state("a").Verdict != uptime.Down || f.Snapshot().Unacked != 1 {
			t.Errorf("%v, %d unacked", f.state("a").Verdict, f.Snapshot().Unacked)
		}
		f.answer("a")
		f.is("a", uptime.Up, time.Minute)
		want := "up; suspect; down; #1 opened; #1 changed #1 behind uplink; #1 changed #1 no longer behind uplink: tcp.timeout; up; #1 closed"
		if got := f.phases("a"); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}, child("a", time.Minute, "uplink"), child("uplink", time.Minute, ""))
}

// phases is the story of a monitor, with what is said of changes.
func (f family) phases(name string) string {
	var out []string
	events, _ := f.s.Events(uptime.EventQuery{Monitor: name})
	for _, e := range events {
		switch {
		case e.Kind == uptime.EventVerdict:
			out = append(out, e.To.String())
		case e.Note == uptime.IncidentChanged:
			out = append(out, fmt.Sprintf("#%d %s %s", e.Incident, e.Note, e.Message))
		default:
			out = append(out, fmt.Sprintf("#%d %s", e.Incident, e.Note))
		}
	}
	return strings.Join(out, "; ")
}

// TestParentInDoubt: a child that is down while its parent is in doubt is told
// of when that doubt ends otherwise, and after 90 s in any case.
func TestParentInDoubt(t *testing.T) {
	long := child("uplink", 10*time.Minute, "")
	long.Rule = uptime.Rule{Consecutive: true, Failures: 100, Recoveries: 1, RetryInterval: 5 * time.Second}
	t.Run("cleared", func(t *testing.T) {
		inFamily(t, func(f family) {
			f.silent("a", "uplink")
			f.is("a", uptime.Down, 3*time.Minute)
			f.behind("a", "uplink")
			if told := f.told(); told != "" {
				t.Errorf("told of %q while the parent is in doubt", told)
			}
			f.answer("uplink")
			f.is("uplink", uptime.Up, time.Minute)
			f.until(35*time.Second, "a is told of", func() bool { return f.state("a").Behind == "" })
			if told := f.told(); told != "a" {
				t.Errorf("told of %q", told)
			}
		}, child("a", time.Minute, "uplink"), long)
	})
	t.Run("both were short", func(t *testing.T) {
		inFamily(t, func(f family) {
			f.silent("a", "uplink")
			f.is("a", uptime.Down, 3*time.Minute)
			f.answer("uplink", "a")
			f.is("uplink", uptime.Up, time.Minute)
			f.is("a", uptime.Up, time.Minute)
			if told := f.told(); told != "" {
				t.Errorf("told of %q", told)
			}
		}, child("a", time.Minute, "uplink"), long)
	})
	t.Run("for long", func(t *testing.T) {
		inFamily(t, func(f family) {
			f.silent("a", "uplink")
			f.is("uplink", uptime.Suspect, 2*time.Minute)
			f.is("a", uptime.Down, 2*time.Minute)
			f.behind("a", "uplink")
			took := f.until(2*time.Minute, "a is told of", func() bool { return f.state("a").Behind == "" })
			if f.state("uplink").Verdict != uptime.Suspect || took > patience+35*time.Second {
				t.Errorf("the parent is %v, told after %v", f.state("uplink").Verdict, took)
			}
		}, child("a", time.Minute, "uplink"), long)
	})
	t.Run("well all the time", func(t *testing.T) {
		inFamily(t, func(f family) {
			looks := len(f.tg.of("uplink"))
			f.silent("a")
			f.is("a", uptime.Down, 3*time.Minute)
			f.behind("a", "")
			if n := len(f.tg.of("uplink")) - looks; n != 1 {
				t.Errorf("the parent was looked at %d times", n)
			}
		}, child("a", time.Minute, "uplink"), child("uplink", time.Hour, ""))
	})
}

// TestOwnFault: only a fault of the path can be behind something.
func TestOwnFault(t *testing.T) {
	inFamily(t, func(f family) {
		f.silent("uplink", "a")
		f.tg.set("b", uptime.FaultHTTPStatus)
		for _, n := range []string{"uplink", "a", "b"} {
			f.is(n, uptime.Down, 3*time.Minute)
		}
		f.behind("a", "uplink")
		f.behind("b", "")
		f.answer("a")
		f.tg.set("a", uptime.FaultTCPRefused) // it answers now
		f.until(time.Minute, "a is told of", func() bool { return f.state("a").Behind == "" })
		f.silent("a")
		f.until(time.Minute, "a is silent again", func() bool { return f.state("a").Behind == "uplink" })
	}, child("a", time.Minute, "uplink"), child("b", time.Minute, "uplink"), child("uplink", time.Minute, ""))
}

// TestParentOutOfSight has parents that are paused, in maintenance and unknown.
func TestParentOutOfSight(t *testing.T) {
	jobs := []uptime.Job{child("a", time.Minute, "switch"), child("switch", time.Minute, "uplink"), child("uplink", time.Minute, "")}
	for _, tc := range []struct {
		name string
		do   func(family)
		want string
	}{
		{"paused while it was up", func(f family) { f.act(uptime.VerbPause, "switch"); f.silent("switch", "a") }, ""},
		{"… and what is above it is down", func(f family) { f.act(uptime.VerbPause, "switch"); f.silent("uplink", "switch", "a") }, "uplink"},
		{"paused while it was down", func(f family) {
			f.silent("switch", "a")
			f.is("switch", uptime.Down, 3*time.Minute)
			f.is("a", uptime.Down, 3*time.Minute)
			f.act(uptime.VerbPause, "switch")
			time.Sleep(5 * time.Minute)
		}, "switch"},
		{"in maintenance", func(f family) { f.act(uptime.VerbMaintain, "switch"); f.silent("switch", "a") }, "switch"},
		{"unknown", func(f family) {
			f.tg.set("switch", uptime.FaultLocalFDLimit)
			f.is("switch", uptime.Unknown, 5*time.Minute)
			f.silent("a")
		}, ""},
		{"… and what is above it is down", func(f family) {
			f.tg.set("switch", uptime.FaultLocalFDLimit)
			f.is("switch", uptime.Unknown, 5*time.Minute)
			f.silent("a", "uplink")
		}, "uplink"},
		{"unknown since it was down", func(f family) {
			f.silent("switch", "a")
			f.is("switch", uptime.Down, 3*time.Minute)
			f.tg.set("switch", uptime.FaultLocalFDLimit)
			f.tg.slow("switch", 0)
			f.is("switch", uptime.Unknown, 5*time.Minute)
		}, "switch"},
		{"down for long, and the child was reached since", func(f family) {
			f.silent("switch")
			f.is("switch", uptime.Down, 3*time.Minute)
			time.Sleep(5 * time.Minute)
			f.silent("a")
		}, ""},
		{"up, and above it somebody is down", func(f family) { f.silent("uplink", "a") }, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inFamily(t, func(f family) {
				tc.do(f)
				f.is("a", uptime.Down, 4*time.Minute)
				time.Sleep(2 * time.Minute)
				f.behind("a", tc.want)
			}, jobs...)
		})
	}
}

// TestParentIsAGroup: behind two lines of which one is enough.
func TestParentIsAGroup(t *testing.T) {
	lines := judgedJob(t, "lines", "group", map[string]any{"members": []string{"line 1", "line 2"}, "need": "any"})
	inFamily(t, func(f family) {
		f.silent("line 1", "a")
		f.is("a", uptime.Down, 3*time.Minute)
		f.until(2*time.Minute, "a is told of: the other line is up", func() bool { return f.state("a").Behind == "" && f.told() != "" })
		f.answer("a")
		f.is("a", uptime.Up, time.Minute)
		time.Sleep(11 * time.Minute)
		before := f.told()
		f.silent("line 2", "a") // a may be confirmed first
		f.is("a", uptime.Down, 3*time.Minute)
		f.behind("a", "lines")
		f.is("lines", uptime.Down, 3*time.Minute)
		time.Sleep(time.Minute)
		f.behind("a", "lines")
		if told := strings.TrimPrefix(f.told(), before); strings.Contains(told, "a") {
			t.Errorf("told of %q", told)
		}
	}, child("a", time.Minute, "lines"), lines, child("line 1", time.Minute, ""), child("line 2", 10*time.Minute, ""))
}

// TestBehindSurvives has what an incident is behind survive a restart, a
// reload, and a new name of the parent; and end when the configuration says so.
func TestBehindSurvives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := family{s: newMemory(), tg: newTargets()}
		a, uplink := child("a", time.Minute, "uplink"), child("uplink", time.Minute, "")
		f.running = start(t, f.s, f.tg, a, uplink)
		time.Sleep(2 * time.Minute)
		f.silent("a", "uplink")
		f.is("a", uptime.Down, 3*time.Minute)
		f.is("uplink", uptime.Down, 3*time.Minute)
		f.stop()
		told := f.told()
		time.Sleep(30 * time.Minute) // both are unknown at first
		f.running = start(t, f.s, f.tg, a, uplink)
		f.behind("a", "uplink")
		f.is("a", uptime.Down, time.Minute)
		time.Sleep(2 * time.Minute)
		f.behind("a", "uplink")

		reload := func(jobs ...uptime.Job) {
			t.Helper()
			for i := range jobs { // as the configuration makes them
				for _, text := range append([]string{jobs[i].Name, jobs[i].Parent}, jobs[i].DependsOn...) {
					for _, c := range []byte(text) {
						jobs[i].Fingerprint = jobs[i].Fingerprint*31 + uint64(c)
					}
				}
			}
			if _, err := f.Reload(t.Context(), jobs, uptime.ConfigState{}); err != nil {
				t.Fatal(err)
			}
		}
		line := child("line", time.Minute, "")
		line.Was = "uplink"
		f.silent("line")
		reload(child("a", time.Minute, "", "line"), line)
		f.behind("a", "line")
		time.Sleep(2 * time.Minute)
		f.behind("a", "line")
		if f.told() != told {
			t.Errorf("told of %q, before it was %q", f.told(), told)
		}
		reload(child("a", time.Minute, ""), child("line", time.Minute, ""))
		f.until(35*time.Second, "a depends on nobody now, and is told of", func() bool { return f.state("a").Behind == "" })
		reload(child("a", time.Minute, "line"), child("line", time.Minute, ""))
		f.behind("a", "line")
		f.stop()
	})
}

// TestOnePageWithOthers has other places agree at once, and no dwell: the child
// is down within a second of its first failure, before its parent can be asked.
func TestOnePageWithOthers(t *testing.T) {
	for _, dwell := range []time.Duration{0, 20 * time.Second} {
		t.Run(dwell.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, p := family{s: newMemory(), tg: newTargets()}, threeProbes()
				jobs := []uptime.Job{child("a", time.Minute, "uplink"), child("b", time.Minute, "uplink"), child("uplink", 10*time.Minute, "")}
				for i := range jobs {
					jobs[i].Rule = uptime.Rule{DwellSet: true, Dwell: dwell}
				}
				f.running = startWith(t, Options{Instance: "web-1", Timezone: "UTC", Store: f.s, Runner: f.tg, Remote: p}, jobs...)
				time.Sleep(2 * time.Minute)
				p.set(uptime.FaultTCPTimeout, "fra", "nyc", "sgp")
				for _, n := range []string{"a", "b", "uplink"} {
					f.tg.set(n, uptime.FaultTCPHostUnreachable) // known at once
				}
				for _, n := range []string{"a", "b", "uplink"} {
					f.is(n, uptime.Down, 3*time.Minute)
				}
				time.Sleep(time.Minute)
				f.behind("a", "uplink")
				f.behind("b", "uplink")
				if told := f.told(); told != "uplink" {
					t.Errorf("told of %q", told)
				}
				f.stop()
			})
		})
	}
}

// A parent of 180,000 goes down, and up again: what the loop does for that at
// once. 20 ms where they are well, 1.2 s where all of them had incidents of their
// own before it, each of which is an event then; most of that is memory for
// these. On a machine with other work.
func BenchmarkParentOf180k(b *testing.B) {
	for _, open := range []bool{false, true} {
		b.Run(map[bool]string{false: "well", true: "down"}[open], func(b *testing.B) {
			e, now := fleet(b, 180_000)
			uplink := e.monitors[0]
			for _, m := range e.monitors[1:] {
				j := *m.job.Monitor
				j.Parent = uplink.job.Name
				m.job.Monitor = &j
				if open {
					e.ids.incident++
					m.number = e.ids.incident
					m.mem.Verdict, m.mem.Fault = uptime.Down, uptime.FaultTCPTimeout
					e.open[m.number] = &uptime.Incident{Number: m.number, Monitor: j.Name, Verdict: uptime.Down, Fault: m.mem.Fault}
				}
			}
			e.weave(now)
			b.ReportAllocs()
			for b.Loop() {
				for _, v := range []uptime.Verdict{uptime.Down, uptime.Up} {
					uplink.mem.Verdict, uplink.mem.Outage = v, now
					e.stands(uplink, now)
				}
				if !open {
					continue
				}
				b.StopTimer()
				for _, m := range e.monitors[1:] {
					if e.open[m.number].Behind == "" {
						b.Fatal("not behind it")
					}
					e.open[m.number].Behind, m.freed = "", time.Time{}
				}
				e.out.pending = uptime.Batch{}
				b.StartTimer()
			}
		})
	}
}

// TestNobodyWasTold: an outage behind the parent, and another one minutes after
// it, of which people have to be told: it is not the same one to them.
func TestNobodyWasTold(t *testing.T) {
	inFamily(t, func(f family) {
		both := func() {
			f.silent("a", "uplink")
			f.is("uplink", uptime.Down, 3*time.Minute)
			f.is("a", uptime.Down, 3*time.Minute)
			f.behind("a", "uplink")
			f.answer("a", "uplink")
			f.is("a", uptime.Up, 2*time.Minute)
			f.is("uplink", uptime.Up, 2*time.Minute)
		}
		both()
		both() // it comes back, and still nobody is told
		f.silent("a")
		f.is("a", uptime.Down, 3*time.Minute)
		f.answer("a")
		f.is("a", uptime.Up, 2*time.Minute)
		f.silent("a") // now they were
		f.is("a", uptime.Down, 3*time.Minute)
		time.Sleep(time.Second)
		want := "#2 opened; #2 closed; #2 reopened; #2 flapping; #2 closed; #3 opened; #3 closed; #3 reopened"
		var got []string
		for _, p := range strings.Split(f.phases("a"), "; ") {
			if strings.HasPrefix(p, "#") && !strings.Contains(p, "changed") {
				got = append(got, p)
			}
		}
		if got := strings.Join(got, "; "); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}, child("a", time.Minute, "uplink"), child("uplink", time.Minute, ""))
}

// TestReloadTellsNothingNew: what an incident is behind is worked out anew by a
// reload and by a start, and where it is the same nobody hears of it.
func TestReloadTellsNothingNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := family{s: newMemory(), tg: newTargets()}
		jobs := []uptime.Job{child("a", time.Minute, "middle"), child("middle", time.Minute, "uplink"), child("uplink", time.Minute, "")}
		f.running = start(t, f.s, f.tg, jobs...)
		time.Sleep(2 * time.Minute)
		f.silent("a", "middle", "uplink")
		for _, n := range []string{"a", "middle", "uplink"} {
			f.is(n, uptime.Down, 4*time.Minute)
		}
		time.Sleep(5 * time.Minute)
		f.behind("a", "uplink")
		before := f.phases("a")
		if _, err := f.Reload(t.Context(), jobs, uptime.ConfigState{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		if now := f.phases("a"); now != before {
			t.Errorf("after a reload: %s\nbefore it: %s", now, before)
		}
		f.stop()
		f.running = start(t, f.s, f.tg, jobs...)
		time.Sleep(2 * time.Minute)
		if now := f.phases("a"); now != before {
			t.Errorf("after a restart: %s\nbefore it: %s", now, before)
		}
		f.behind("a", "uplink")
		f.stop()
	})
}
