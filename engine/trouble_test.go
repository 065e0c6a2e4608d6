package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/clocktest"
	"lookout/engine/uptime"
)

// sleepy is a runner whose checks run into their time-outs when the process
// does not run for a while, as they do.
type sleepy struct {
	*targets
	clock *clocktest.Clock
}

func (s sleepy) Run(ctx context.Context, job uptime.Job) uptime.Result {
	_, before := s.clock.Read()
	began := time.Now()
	r := s.targets.Run(ctx, job)
	if _, after := s.clock.Read(); after-before > time.Since(began)+time.Second {
		r.Fault, r.Outcome, r.Message = uptime.FaultTCPTimeout, uptime.FaultTCPTimeout.Outcome(), "timed out"
	}
	return r
}

// clocked is an engine with a clock of its own.
type clocked struct {
	running
	clock *clocktest.Clock
	s     *memory
	tg    *targets
}

func startClocked(t *testing.T, o Options, clock *clocktest.Clock, s *memory, tg *targets, jobs ...uptime.Job) clocked {
	t.Helper()
	o.Instance, o.Timezone, o.Store, o.Runner = "web-1", "UTC", s, sleepy{tg, clock}
	o.Clock = func() Reading { now, boot := clock.Read(); return Reading{now, boot} }
	return clocked{startWith(t, o, jobs...), clock, s, tg}
}

// now is the wall clock.
func (c clocked) now() time.Time {
	now, _ := c.clock.Read()
	return now.Round(0)
}

// pages are the incidents that were opened or came back as outages: whoever is told is told of these.
func (s *memory) pages() (n int) {
	events, _ := s.Events(uptime.EventQuery{})
	for _, e := range events {
		if e.Kind == uptime.EventIncident && e.To == uptime.Down && (e.Note == uptime.IncidentOpened || e.Note == uptime.IncidentReopened) {
			n++
		}
	}
	return n
}

// said are the sentences of events of a kind.
func (s *memory) said(kind uptime.EventKind) (out []string) {
	events, _ := s.Events(uptime.EventQuery{})
	for _, e := range events {
		if e.Kind == kind {
			out = append(out, e.Message)
		}
	}
	return out
}

// mishaps are what happens to us, and what the event log says of it.
var mishaps = []struct {
	name string
	do   func(*clocktest.Clock)
	kind uptime.EventKind
	says string
}{
	{"Ctrl-Z for 60 s", func(c *clocktest.Clock) { c.Stop(time.Minute) }, uptime.EventNode, "stood still for 1m00s"},
	{"a suspended machine", func(c *clocktest.Clock) { c.Suspend(8 * time.Hour) }, uptime.EventNode, "stood still for 8h00m: the machine was suspended"},
	{"Ctrl-Z for 39 s", func(c *clocktest.Clock) { c.Stop(39 * time.Second) }, uptime.EventNode, "stood still for 39s"},
	{"a pause of 3 s", func(c *clocktest.Clock) { c.Stop(3 * time.Second) }, uptime.EventNode, "stood still for 3s"},
	{"the clock + 1 h", func(c *clocktest.Clock) { c.Set(time.Hour) }, uptime.EventClock, "the clock was set forward 1h00m"},
	{"the clock - 1 h", func(c *clocktest.Clock) { c.Set(-time.Hour) }, uptime.EventClock, "the clock was set back 1h00m"},
	{"suspended, and the clock set back meanwhile", func(c *clocktest.Clock) { c.Suspend(time.Hour); c.Set(-3 * time.Hour) }, uptime.EventClock, "the clock was set back 3h00m"},
}

// stands reports whether nothing at all ran for a while in a trouble.
func stands(name string) bool { return !strings.Contains(name, "the clock") }

// Nobody is paged for what happens to us, whatever is going on: checks in
// flight, failures that are being confirmed, outages, answers that are out.
func TestZeroPagesFromStallsAndClocks(t *testing.T) {
	withoutRace(t)
	scenes := []struct {
		name   string
		remote bool
		fails  time.Duration // how long "bad" fails before it happens; it is well right afterwards
		pages  int
	}{
		{"all is well", false, 0, 0},
		{"a failure is being confirmed", false, 12 * time.Second, 0},
		{"a failure is about to be believed", false, 19 * time.Second, 0},
		{"it is down", false, 3 * time.Minute, 1},
		{"others are being asked", true, 2 * time.Second, 0},
		{"others were asked, it is about to be believed", true, 19 * time.Second, 0},
	}
	for _, tr := range mishaps {
		for _, sc := range scenes {
			t.Run(tr.name+", "+sc.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					clock, s, tg := clocktest.New(), newMemory(), newTargets()
					var o Options
					others := func(uptime.Fault) {}
					if sc.remote {
						p := threeProbes()
						p.late = 3 * time.Second // an answer is out at any time
						others = func(f uptime.Fault) { p.set(f, "fra", "nyc", "sgp") }
						o.Remote = p
					}
					var jobs []uptime.Job
					for i := range 40 {
						j := job(fmt.Sprintf("m%02d", i), 20*time.Second)
						tg.slow(j.Name, time.Duration(1+i%4)*700*time.Millisecond) // some are in flight whenever it happens
						jobs = append(jobs, j)
					}
					jobs = append(jobs, job("bad", time.Minute), judgedJob(t, "mgroup", "group", map[string]any{"members": []string{"m00", "m01"}}))
					e := startClocked(t, o, clock, s, tg, jobs...)
					time.Sleep(3 * time.Minute)
					if sc.fails > 0 {
						tg.set("bad", uptime.FaultTCPRefused)
						others(uptime.FaultTCPRefused)
						for e.state("bad").Verdict != uptime.Suspect {
							time.Sleep(100 * time.Millisecond)
						}
						time.Sleep(sc.fails)
					}
					was := e.state("bad").Verdict
					starts := len(tg.of("m00"))
					events, _ := s.Events(uptime.EventQuery{})
					before, late := len(events), e.Snapshot().Health.Late
					tg.mu.Lock()
					most := tg.most
					tg.mu.Unlock()
					tr.do(clock)
					tg.set("bad", uptime.NoFault)
					others(uptime.NoFault)
					time.Sleep(2 * time.Second)
					if v := e.state("bad").Verdict; was == uptime.Down && v != uptime.Down && v != uptime.Unknown {
						t.Errorf("down before, %v now", v)
					}
					for _, st := range e.Snapshot().States {
						if st.Name != "bad" && st.Verdict != uptime.Up && st.Verdict != uptime.Unknown {
							t.Errorf("%s is %v", st.Name, st.Verdict)
						}
						if st.Name != "bad" && st.Verdict == uptime.Unknown && !stands(tr.name) && !strings.Contains(tr.name, "suspended") {
							t.Errorf("%s is unknown: %s", st.Name, st.Message)
						}
					}
					if n := e.Snapshot().Health.Late - late; n > 0 {
						t.Errorf("%d checks late: a herd", n)
					}
					time.Sleep(19 * time.Second)
					if n := len(tg.of("m00")); n == starts {
						t.Error("not checked within an interval")
					}
					time.Sleep(3 * time.Minute)
					if st := e.state("bad"); st.Verdict != uptime.Up {
						t.Errorf("bad is %v: %s", st.Verdict, st.Message)
					}
					e.stop()
					if n := s.pages(); n != sc.pages {
						t.Errorf("%d pages, want %d: %s", n, sc.pages, s.story("bad"))
					}
					if tg.most > most {
						t.Errorf("%d checks of one destination at once, %d before", tg.most, most)
					}
					if said := s.said(tr.kind); !slices.ContainsFunc(said, func(x string) bool { return strings.HasPrefix(x, tr.says) }) {
						t.Errorf("no event %q: %q", tr.says, said)
					}
					for _, ev := range s.events[before:] {
						if strings.HasPrefix(ev.Monitor, "m") {
							t.Errorf("an event of a monitor that was well: %s %s", ev.Monitor, ev.Message)
						}
					}
					for _, i := range s.inc {
						if i.Open() || i.Lasted(e.now()) < 0 || i.Lasted(e.now()) > 5*time.Minute+8*time.Hour {
							t.Errorf("#%d from %s to %s", i.Number, i.Start, i.End)
						}
					}
				})
			})
		}
	}
}

// A real outage is told once whatever happens meanwhile: not for a stall, and not before it was seen to last again.
func TestOutageAcrossTroubles(t *testing.T) {
	for _, tr := range mishaps {
		for _, restarted := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, restarted %t", tr.name, restarted), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					clock, s, tg := clocktest.New(), newMemory(), newTargets()
					jobs := []uptime.Job{job("bad", time.Minute), job("out", time.Minute), job("well", 20*time.Second)}
					tg.set("out", uptime.FaultTCPRefused)
					e := startClocked(t, Options{}, clock, s, tg, jobs...)
					time.Sleep(5 * time.Minute)
					if restarted {
						e.stop()
						e = startClocked(t, Options{}, clock, s, tg, jobs...)
					}
					tg.set("bad", uptime.FaultTCPRefused)
					for e.state("bad").Verdict != uptime.Suspect {
						time.Sleep(100 * time.Millisecond)
					}
					time.Sleep(19 * time.Second)
					if n := s.pages(); n != 1 {
						t.Fatalf("%d pages before", n)
					}
					looks, outage := len(tg.of("bad")), e.Snapshot().Open[0].Lasted(e.now())
					_, before := clock.Read()
					tr.do(clock)
					_, after := clock.Read()
					stood := after - before
					time.Sleep(1500 * time.Millisecond)
					if stood > longStall && len(tg.of("bad")) == looks {
						t.Error("the doubt does not start over at once")
					}
					if st := e.state("well"); stood > time.Hour/2 && len(tg.of("well")) > 0 && st.Verdict == uptime.Up && e.now().Sub(st.Last) > time.Minute {
						t.Errorf("up, by a result of %s", st.Last)
					}
					if n := s.pages(); n != 1 && stood > longStall {
						t.Errorf("%d pages, believed at once", n)
					}
					time.Sleep(2 * time.Minute)
					if bad, out := e.state("bad"), e.state("out"); bad.Verdict != uptime.Down || out.Verdict != uptime.Down || out.Incident != 1 || bad.Incident != 2 {
						t.Errorf("bad is %v, #%d, out %v, #%d: %s", bad.Verdict, bad.Incident, out.Verdict, out.Incident, s.story("out"))
					}
					for _, i := range e.Snapshot().Open {
						lasted := i.Lasted(e.now()).Truncate(time.Second)
						if least := 2 * time.Minute; i.Number == 2 && (lasted < least || lasted > least+time.Minute) {
							t.Errorf("#2 has lasted %v", lasted)
						}
						if want := outage + stood + 121*time.Second; i.Number == 1 && (lasted < want-3*time.Second || lasted > want+3*time.Second) {
							t.Errorf("#1 has lasted %v, want %v", lasted, want)
						}
					}
					tg.set("bad", uptime.NoFault)
					tg.set("out", uptime.NoFault)
					time.Sleep(2 * time.Minute)
					e.stop()
					if n := s.pages(); n != 2 {
						t.Errorf("%d pages: %s; %s", n, s.story("bad"), s.story("out"))
					}
					for _, i := range s.inc {
						if i.Open() || i.End.Round(0).Before(i.Start.Round(0)) || i.End.After(e.now()) {
							t.Errorf("#%d from %s to %s", i.Number, i.Start, i.End)
						}
					}
				})
			})
		}
	}
}

// After the clock was set, what is shown is told by it: nothing is of the
// future, nothing older than it is, and the time line has every second once.
func TestStepOfTheClock(t *testing.T) {
	for _, by := range []time.Duration{time.Hour, -time.Hour, 400 * 24 * time.Hour, -400 * 24 * time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				clock, s, tg := clocktest.New(), newMemory(), newTargets()
				e := startClocked(t, Options{}, clock, s, tg, job("a", 20*time.Second), job("off", 20*time.Second))
				time.Sleep(10 * time.Minute)
				tg.set("a", uptime.FaultTCPRefused)
				time.Sleep(5 * time.Minute)
				tg.set("a", uptime.NoFault)
				time.Sleep(5 * time.Minute)
				until := e.now().Add(2 * time.Hour)
				if _, err := e.Act(t.Context(), uptime.Action{Verb: uptime.VerbPause, Targets: []string{"off"}, Until: until}); err != nil {
					t.Fatal(err)
				}
				before := e.state("a")
				clock.Set(by)
				time.Sleep(1500 * time.Millisecond)
				st, now := e.state("a"), e.now()
				if age := now.Sub(st.Since); age < 4*time.Minute || age > 6*time.Minute || st.Verdict != uptime.Up {
					t.Errorf("%v since %s, now is %s", st.Verdict, st.Since, now)
				}
				if age := now.Sub(st.Last); age < 0 || age > 30*time.Second {
					t.Errorf("the newest result is %v old", age)
				}
				if in := st.Next.Round(0).Sub(now); in < -time.Second || in > 20*time.Second {
					t.Errorf("the next check is in %v", in)
				}
				if d := st.Day.Down - before.Day.Down; d.Abs() > 2*time.Second {
					t.Errorf("down for %v, was %v before", st.Day.Down, before.Day.Down)
				}
				if d := st.Day.Up - before.Day.Up; d.Abs() > 3*time.Second {
					t.Errorf("up for %v, was %v before", st.Day.Up, before.Day.Up)
				}
				if got := e.state("off").Until; !got.Equal(until) && by < 2*time.Hour {
					t.Errorf("the pause ends %s, somebody said %s", got, until)
				}
				if st.P95 == 0 {
					t.Error("the last hour is forgotten")
				}
				time.Sleep(10 * time.Minute)
				if in := e.state("a").Next.Round(0).Sub(e.now()); in < -time.Second || in > 20*time.Second {
					t.Errorf("the next check is in %v, ten minutes later", in)
				}
				e.stop()
				at := -1
				for i, r := range s.results {
					if i > 0 && r.Time.Before(s.results[i-1].Time.Add(-time.Minute)) {
						at = i
					}
				}
				if (at > 0) != (by < 0) {
					t.Errorf("results go back at %d", at)
				}
				// The next engine reads what this one left.
				e = startClocked(t, Options{}, clock, s, tg, job("a", 20*time.Second), job("off", 20*time.Second))
				if got := e.state("a"); got.Verdict != uptime.Up || got.Day.Down.Truncate(time.Minute) != before.Day.Down.Truncate(time.Minute) {
					t.Errorf("after a restart %v, down for %v", got.Verdict, got.Day.Down)
				}
				e.stop()
			})
		})
	}
}

// A step of the clock, or a short pause, delays no decision: what was planned
// comes when it was to come, and answers that are out count.
func TestTroublesDelayNothing(t *testing.T) {
	for _, tr := range mishaps {
		if strings.Contains(tr.name, "Ctrl-Z") || strings.Contains(tr.name, "suspended") {
			continue
		}
		for _, remote := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, remote %t", tr.name, remote), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					clock, s, tg := clocktest.New(), newMemory(), newTargets()
					var o Options
					p := threeProbes()
					p.late = 5 * time.Second
					p.set(uptime.FaultTCPRefused, "fra", "nyc", "sgp")
					if remote {
						o.Remote = p
					}
					e := startClocked(t, o, clock, s, tg, job("bad", time.Minute))
					time.Sleep(5 * time.Minute)
					tg.set("bad", uptime.FaultTCPRefused)
					for e.state("bad").Verdict != uptime.Suspect {
						time.Sleep(100 * time.Millisecond)
					}
					time.Sleep(3 * time.Second)
					tr.do(clock)
					time.Sleep(24 * time.Second)
					if st := e.state("bad"); st.Verdict != uptime.Down || remote && st.Witness != "fra, nyc and sgp agree" {
						t.Fatalf("%v, %q", st.Verdict, st.Witness)
					}
					first := func(ev uptime.Evidence) bool { return ev.Location == "fra" && ev.Step == "wave 1" }
					if remote && !slices.ContainsFunc(e.Snapshot().Open[0].Evidence, first) {
						t.Errorf("the answer that was out does not count: %+v", e.Snapshot().Open[0].Evidence)
					}
					e.stop()
				})
			})
		}
	}
}

// A job that calls in every hour is not late because we slept or the clock was
// set, is late when it stays away for long, and then stays so whatever the clock says.
func TestBeatsAcrossTroubles(t *testing.T) {
	for _, tr := range append(slices.Clone(mishaps), struct {
		name string
		do   func(*clocktest.Clock)
		kind uptime.EventKind
		says string
	}{"stopped for two hours", func(c *clocktest.Clock) { c.Stop(2 * time.Hour) }, uptime.EventNode, "stood still for 2h00m"}) {
		t.Run(tr.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				clock, s, tg := clocktest.New(), newMemory(), newTargets()
				hourly := judgedJob(t, "hourly", "beat", map[string]any{"period": time.Hour, "grace": 10 * time.Minute})
				e := startClocked(t, Options{}, clock, s, tg, hourly, job("a", time.Minute))
				beat := func() {
					t.Helper()
					if _, err := e.Act(t.Context(), uptime.Action{Verb: uptime.VerbBeat, Targets: []string{"hourly"}, By: "cron"}); err != nil {
						t.Fatal(err)
					}
				}
				beat()
				time.Sleep(55 * time.Minute)
				tr.do(clock)
				time.Sleep(4 * time.Minute)
				if st := e.state("hourly"); st.Verdict != uptime.Up {
					t.Errorf("%v: %s", st.Verdict, st.Message)
				}
				beat()
				time.Sleep(69 * time.Minute)
				if st := e.state("hourly"); st.Verdict != uptime.Up {
					t.Errorf("%v: %s, an hour later", st.Verdict, st.Message)
				}
				time.Sleep(2 * time.Minute)
				if st := e.state("hourly"); st.Verdict != uptime.Down {
					t.Errorf("%v of a job that stays away", st.Verdict)
				}
				tr.do(clock)
				time.Sleep(3 * time.Minute)
				if st := e.state("hourly"); st.Verdict != uptime.Down {
					t.Errorf("%v of a job that stays away, after it happened again", st.Verdict)
				}
				beat()
				e.stop()
				if n := s.pages(); n != 1 {
					t.Errorf("%d pages: %s", n, s.story("hourly"))
				}
			})
		})
	}
}

// The clock was set back while no engine ran, and is right again later.
func TestSetBackBetweenEngines(t *testing.T) {
	for _, by := range []time.Duration{-time.Hour, -20 * 365 * 24 * time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				clock, s, tg := clocktest.New(), newMemory(), newTargets()
				clock.Set(26 * 365 * 24 * time.Hour)
				jobs := []uptime.Job{job("a", 20*time.Second), job("out", 20*time.Second)}
				e := startClocked(t, Options{}, clock, s, tg, jobs...)
				time.Sleep(10 * time.Minute)
				tg.set("a", uptime.FaultTCPRefused)
				time.Sleep(5 * time.Minute)
				tg.set("a", uptime.NoFault)
				tg.set("out", uptime.FaultTCPRefused)
				time.Sleep(5 * time.Minute)
				before, since := e.state("a"), e.state("out").Since
				e.stop()
				clock.Set(by)
				e = startClocked(t, Options{}, clock, s, tg, jobs...)
				same := func(when string) {
					t.Helper()
					time.Sleep(1500 * time.Millisecond)
					if st := e.state("a"); st.Verdict != uptime.Up || (st.Day.Down-before.Day.Down).Abs() > 10*time.Second || (st.Day.Up-before.Day.Up).Abs() > 40*time.Second {
						t.Errorf("%s: %v, up %v and down %v; were %v and %v", when, st.Verdict, st.Day.Up, st.Day.Down, before.Day.Up, before.Day.Down)
					}
					if st := e.state("out"); st.Verdict != uptime.Down || st.Incident != 2 || e.now().Sub(st.Since) < 4*time.Minute || e.now().Sub(st.Since) > 6*time.Minute {
						t.Errorf("%s: %v, #%d, since %s, now is %s", when, st.Verdict, st.Incident, st.Since, e.now())
					}
				}
				same("set back")
				time.Sleep(20 * time.Second)
				clock.Set(-by)
				same("right again")
				if got := e.state("out").Since; got.Sub(since).Abs() > 10*time.Second {
					t.Errorf("down since %s, was since %s", got, since)
				}
				e.stop()
				if n := s.pages(); n != 2 {
					t.Errorf("%d pages: %s; %s", n, s.story("a"), s.story("out"))
				}
			})
		})
	}
}

// TestOfProcess: what this process lacks is told as such, not as of one target.
func TestOfProcess(t *testing.T) {
	for said, want := range map[string]string{
		"TCP connect 192.0.2.1:80: this process has no file descriptor left (EMFILE)": "this process has no file descriptor left (EMFILE)",
		"TCP connect 192.0.2.1:80: no route (ENETUNREACH)":                            "TCP connect 192.0.2.1:80: no route (ENETUNREACH)",
	} {
		if got := ofProcess(said); got != want {
			t.Errorf("%q is told as %q", said, got)
		}
	}
}

// What is ours is said first: it is the subject of a mail.
func TestTroubleSays(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault uptime.Fault
		first string
		want  string
	}{
		{"no route", uptime.FaultLocalNoRoute, "TCP connect 192.0.2.7:443: this machine has no route to it (ENETUNREACH)",
			"this machine has no route to 2 monitors: TCP connect 192.0.2.7:443 (ENETUNREACH)"},
		{"no route, said otherwise", uptime.FaultLocalNoRoute, "no way out", "this machine has no route to 2 monitors: no way out"},
		{"no descriptors", uptime.FaultLocalFDLimit, "this process has no file descriptor left (EMFILE)", "this process has no file descriptor left (EMFILE)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tr := trouble{first: tt.first, touched: map[*monitor]struct{}{new(monitor): {}, new(monitor): {}}}
			if got := tr.says(tt.fault); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
