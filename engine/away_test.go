package engine

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
)

// world has an engine with three other places, of which probes check regularly
// what has their location among its own.
type world struct {
	running
	t  *testing.T
	s  *memory
	tg *targets
	p  *probes

	mu   sync.Mutex
	next map[string]uint64
	sick map[string]bool // probes that fail their own check
	end  chan struct{}
	wait sync.WaitGroup
}

// newWorld starts probes that send every ten seconds, or at once what is not up.
func newWorld(t *testing.T, jobs ...uptime.Job) *world {
	f := &world{t: t, s: newMemory(), tg: newTargets(), p: threeProbes(), next: map[string]uint64{}, sick: map[string]bool{}, end: make(chan struct{})}
	f.running = startWith(t, Options{Instance: "web-1", Timezone: "UTC", Store: f.s, Runner: f.tg, Remote: f.p, Probes: f.probes}, jobs...)
	for i, l := range []string{"fra", "nyc", "sgp"} {
		f.wait.Go(func() { f.probe(l, time.Duration(i+1)*700*time.Millisecond, jobs) })
	}
	return f
}

func (f *world) probes() (uptime.Broker, []uptime.Probe) {
	var out []uptime.Probe
	for _, l := range []string{"fra", "nyc", "sgp"} {
		p := uptime.Probe{Location: l, Name: "1", Alone: -1}
		if f.p.live(l) {
			p.State = uptime.ProbeLive
		}
		out = append(out, p)
	}
	return uptime.Broker{URL: "amqps://b/v", Connected: true}, out
}

func (p *probes) live(l string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.places, func(x uptime.Place) bool { return x.Location == l })
}

// whom are the places that were asked, in order.
func (p *probes) whom() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.of)
}

// probe is one that checks regularly, from a phase of its own on.
func (f *world) probe(l string, phase time.Duration, jobs []uptime.Job) {
	d := uptime.Delivery{Probe: l + "/1", Location: l, Epoch: 1}
	begun := time.Now()
	last := map[string]uptime.Fault{}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-f.end:
			return
		case <-tick.C:
		}
		if !f.p.live(l) {
			continue // it is dead
		}
		changed := false
		for _, j := range jobs {
			every := int(j.Interval / time.Second)
			if !slices.Contains(j.Locations, l) || (n-1)%every != 0 {
				continue
			}
			at := begun.Add(time.Duration(n-1)*time.Second + phase)
			f.p.mu.Lock()
			fault := f.p.faults[l]
			f.p.mu.Unlock()
			row := found(j.Name, at.Truncate(time.Millisecond), fault)
			f.mu.Lock()
			row.Unhealthy = f.sick[l]
			f.mu.Unlock()
			d.Found = append(d.Found, row)
			changed = changed || fault != last[j.Name]
			last[j.Name] = fault
		}
		if (changed || n%10 == 0) && len(d.Found) > 0 {
			d.To = d.From + uint64(len(d.Found))
			if err := f.Deliver(f.t.Context(), d, func(error) {}); err != nil {
				return
			}
			d.From, d.Found = d.To, nil
		}
	}
}

func (f *world) over() {
	close(f.end)
	f.wait.Wait()
	f.stop()
}

// await waits until a monitor has a verdict, and says how long that took.
func (f *world) await(name string, v uptime.Verdict, most time.Duration) time.Duration {
	f.t.Helper()
	for took := time.Duration(0); took <= most; took += 100 * time.Millisecond {
		if f.state(name).Verdict == v {
			return took
		}
		time.Sleep(100 * time.Millisecond)
	}
	st := f.state(name)
	f.t.Fatalf("%s is %v (%s) after %v, want %v\n%s", name, st.Verdict, st.Message, most, v, f.s.story(name))
	return 0
}

func at(name string, interval time.Duration, locations ...string) uptime.Job {
	j := job(name, interval)
	j.Locations = locations
	return j
}

func places(st *uptime.State) string {
	var out []string
	for _, l := range st.Locations {
		said := l.Outcome.String()
		if !l.Asked {
			said = "-"
		}
		out = append(out, l.Location+" "+said)
	}
	return strings.Join(out, ", ")
}

// TestRegularElsewhere: what fails at another of a monitor's locations is
// doubted at once, and is down where it fails everywhere.
func TestRegularElsewhere(t *testing.T) {
	all := []string{"fra", "nyc", "sgp"}
	for _, tc := range []struct {
		name  string
		fails []string
		local bool
		want  uptime.Verdict
		after time.Duration
		says  string
	}{
		{"there alone", []string{"fra"}, false, uptime.Degraded, 8 * time.Minute, "unreachable only from fra"},
		{"here alone", nil, true, uptime.Degraded, 8 * time.Minute, "unreachable only from local"},
		{"everywhere", all, true, uptime.Down, 90 * time.Second, "fra, nyc and sgp agree"},
		{"a probe that always says down changes nothing", []string{"sgp"}, false, uptime.Up, 10 * time.Minute, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newWorld(t, at("a", time.Minute, "local", "fra"))
				time.Sleep(2 * time.Minute)
				if st := f.state("a"); st.Verdict != uptime.Up || places(st) != "local up, fra up" {
					t.Fatalf("%v, %s", st.Verdict, places(st))
				}
				if n := f.s.of("fra"); n < 2 || n > 3 || len(f.p.whom()) > 0 {
					t.Errorf("%d results of fra, %d asked", n, len(f.p.whom()))
				}
				f.p.set(uptime.FaultTCPRefused, tc.fails...)
				if tc.local {
					f.tg.set("a", uptime.FaultTCPRefused)
				}
				if tc.want != uptime.Up {
					if took := f.await("a", uptime.Suspect, 62*time.Second); tc.local && took > 61*time.Second {
						t.Errorf("in doubt after %v", took)
					}
				}
				f.await("a", tc.want, tc.after)
				time.Sleep(time.Second)
				if st := f.state("a"); !strings.Contains(st.Message+st.Witness, tc.says) {
					t.Errorf("%v: %q, %q; want %q", st.Verdict, st.Message, st.Witness, tc.says)
				}
				if tc.want == uptime.Up {
					time.Sleep(tc.after)
					if n := len(f.Snapshot().Open); n > 0 || f.state("a").Verdict != uptime.Up {
						t.Errorf("%v, %d incidents", f.state("a").Verdict, n)
					}
				}
				f.p.set(uptime.NoFault, all...)
				f.tg.set("a", uptime.NoFault)
				f.await("a", uptime.Up, 4*time.Minute)
				f.over()
			})
		})
	}
}

// TestHomeElsewhere: a monitor without local is judged from its first location
// that is there, is asked there, and is taken over when that dies.
func TestHomeElsewhere(t *testing.T) {
	all := []string{"fra", "nyc", "sgp"}
	synctest.Test(t, func(t *testing.T) {
		f := newWorld(t, at("a", time.Minute, "fra", "nyc"))
		f.await("a", uptime.Up, 15*time.Second)
		time.Sleep(2 * time.Minute)
		st := f.state("a")
		if places(st) != "fra up, nyc up" || len(f.tg.of("a")) > 0 || len(f.p.whom()) > 0 {
			t.Errorf("%s; %d checks here, %d asked", places(st), len(f.tg.of("a")), len(f.p.whom()))
		}
		if st.Checks < 2 || st.Checks > 4 || st.Last.IsZero() || st.Recent[uptime.RecentCells-1] != uptime.CellUp {
			t.Errorf("%d checks, the last at %v, %v", st.Checks, st.Last, st.Recent)
		}
		// It fails everywhere.
		f.p.set(uptime.FaultTCPRefused, all...)
		f.await("a", uptime.Suspect, 62*time.Second)
		if took := f.await("a", uptime.Down, time.Minute); took > 35*time.Second {
			t.Errorf("down %v after the doubt", took)
		}
		i := f.Snapshot().Open[0]
		if i.Witness != "nyc and sgp agree" {
			t.Errorf("witness %q", i.Witness)
		}
		looks := 0
		for _, ev := range i.Evidence {
			if ev.Location == "fra" {
				looks++
			}
			if ev.Location == uptime.Local {
				t.Errorf("local is no place of it: %+v", ev)
			}
		}
		if looks < 3 || slices.Contains(f.p.whom(), uptime.Local) || !slices.Contains(f.p.whom(), "fra") {
			t.Errorf("%d looks of home, asked %v", looks, f.p.whom())
		}
		f.p.set(uptime.NoFault, all...)
		f.await("a", uptime.Up, time.Minute)
		// Its home dies: the next goes on, without a gap.
		time.Sleep(time.Minute)
		f.p.keep("nyc", "sgp")
		for range 300 {
			time.Sleep(time.Second)
			if v := f.state("a").Verdict; v != uptime.Up {
				t.Fatalf("%v after the home died: %s", v, f.state("a").Message)
			}
		}
		if st := f.state("a"); !strings.HasPrefix(places(st), "fra -, nyc up") || time.Since(st.Last) > 75*time.Second {
			t.Errorf("%s, %v ago", places(st), time.Since(st.Last))
		}
		// The last one dies: nobody knows.
		f.p.keep("sgp")
		if took := f.await("a", uptime.Unknown, 5*time.Minute); took > 200*time.Second {
			t.Errorf("unknown after %v", took)
		}
		time.Sleep(time.Second)
		if st := f.state("a"); !strings.HasPrefix(st.Message, "no result for ") || !strings.HasSuffix(st.Message, "there is no live probe of nyc") || places(st) != "fra -, nyc -, sgp down" && places(st) != "fra -, nyc -, sgp up" {
			t.Errorf("%s; %s", st.Message, places(st))
		}
		if n := len(f.tg.of("a")); n > 0 {
			t.Errorf("%d checks here", n)
		}
		f.over()
		if n := strings.Count(f.s.story("a"), "down"); n > 2 {
			t.Error(f.s.story("a"))
		}
	})
}

// TestHomeElsewhereAlone: where nobody else is asked, home is looked at as a
// standalone node looks at what it checks.
func TestHomeElsewhereAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := at("a", time.Minute, "fra")
		j.ConfirmFrom, j.Alone = []string{}, "confirm_from names nobody"
		f := newWorld(t, j)
		time.Sleep(2 * time.Minute)
		f.p.set(uptime.FaultTCPTimeout, "fra", "nyc", "sgp")
		f.await("a", uptime.Suspect, 62*time.Second)
		f.await("a", uptime.Down, 75*time.Second)
		if st := f.state("a"); st.Witness != "unreachable from fra; nobody else was asked" {
			t.Errorf("witness %q", st.Witness)
		}
		if slices.ContainsFunc(f.p.whom(), func(l string) bool { return l != "fra" }) {
			t.Errorf("asked %v", f.p.whom())
		}
		f.act(uptime.VerbCheck, "a") // a person may have it checked there
		f.p.set(uptime.NoFault, "fra")
		f.await("a", uptime.Up, time.Minute)
		f.over()
	})
}

// TestSickProbe: one that fails its own check says nothing, and what only it checks is unknown.
func TestSickProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newWorld(t, at("a", time.Minute, "fra"), at("b", time.Minute, "local", "fra"))
		time.Sleep(2 * time.Minute)
		f.mu.Lock()
		f.sick["fra"] = true
		f.mu.Unlock()
		f.p.set(uptime.FaultTCPTimeout, "fra")
		f.p.mu.Lock()
		f.p.mute = []string{"fra"} // what it is asked it does not answer
		f.p.mu.Unlock()
		f.await("a", uptime.Unknown, 4*time.Minute)
		if st := f.state("a"); st.Fault != uptime.FaultLocalNodeOffline {
			t.Errorf("%v: %s", st.Fault, st.Message)
		}
		if n := len(f.Snapshot().Open); n > 0 || f.state("b").Verdict != uptime.Up {
			t.Errorf("b is %v, %d incidents", f.state("b").Verdict, n)
		}
		f.over()
	})
}

// TestLateRows: back-fill is history. It alarms nobody, changes no verdict and no timeline.
func TestLateRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := newMemory(), threeProbes()
		e := startWith(t, Options{Instance: "web-1", Timezone: "UTC", Store: s, Runner: newTargets(), Remote: p}, at("a", time.Minute, "local", "fra"), at("b", time.Minute, "fra"))
		time.Sleep(time.Hour)
		before := e.state("a").Day
		d := uptime.Delivery{Probe: "fra/1", Location: "fra", Epoch: 1, Late: true}
		for i := range 30 {
			for _, name := range []string{"a", "b"} {
				d.Found = append(d.Found, found(name, time.Now().Add(time.Duration(i-40)*time.Minute), uptime.FaultTCPRefused))
			}
		}
		d.To = 60
		e.deliver(d)
		if s.of("fra") != 60 || len(e.Snapshot().Open) > 0 || e.state("a").Verdict != uptime.Up || e.state("b").Verdict == uptime.Down || len(p.whom()) > 0 {
			t.Errorf("%d stored; a %v, b %v, %d asked", s.of("fra"), e.state("a").Verdict, e.state("b").Verdict, len(p.whom()))
		}
		old := batchOf(60, time.Now().Add(-10*time.Minute), uptime.FaultTCPRefused) // not said to be late, and old
		e.deliver(old)
		fresh := batchOf(61, time.Now(), uptime.FaultTCPRefused)
		fresh.Probe, fresh.Found[0].Result.Monitor = "fra/2", "a"
		if err := e.Exclude(t.Context(), "fra/2", "jo", ""); err != nil {
			t.Fatal(err)
		}
		e.deliver(fresh) // of one that is excluded
		if st := e.state("a"); st.Verdict != uptime.Up || st.Day.Down > 0 || st.Day.Up < before.Up || len(p.whom()) > 0 {
			t.Errorf("%v, %+v, %d asked", st.Verdict, st.Day, len(p.whom()))
		}
		e.stop()
	})
}

// TestNobodyCanRunIt: where a place cannot begin what it is asked, another is
// asked in its stead at once.
func TestNobodyCanRunIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tg, p := newMemory(), newTargets(), threeProbes()
		p.places = append(p.places, uptime.Place{Location: "syd", Network: "d"})
		p.set(uptime.FaultTCPRefused, "fra", "nyc", "sgp", "syd")
		p.full = []string{"fra", "nyc"}
		e := startWith(t, Options{Instance: "web-1", Timezone: "UTC", Store: s, Runner: tg, Remote: p}, job("a", time.Minute))
		f := &world{running: e, t: t, s: s, tg: tg, p: p}
		time.Sleep(2 * time.Minute)
		tg.set("a", uptime.FaultTCPRefused)
		f.await("a", uptime.Suspect, 62*time.Second)
		time.Sleep(500 * time.Millisecond)
		if got := fmt.Sprint(p.whom()); got != "[fra nyc sgp syd]" {
			t.Errorf("asked %s", got)
		}
		f.await("a", uptime.Down, 30*time.Second)
		if w := f.state("a").Witness; w != "sgp and syd agree" {
			t.Errorf("%q", w)
		}
		if st := f.state("a"); strings.Contains(places(st), "fra") || s.of("fra") > 0 {
			t.Errorf("who could not run it has said something: %s", places(st))
		}
		e.stop()
	})
}

// TestTwoOfThreeDie: two of three probes are killed, and then the target.
func TestTwoOfThreeDie(t *testing.T) {
	for _, locations := range [][]string{nil, {"local", "fra"}, {"fra"}, {"fra", "nyc"}, {"sgp"}} {
		t.Run(fmt.Sprint(locations), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := job("a", time.Minute)
				j.Locations = locations
				f := newWorld(t, j)
				time.Sleep(2 * time.Minute)
				f.p.keep("sgp")
				time.Sleep(30 * time.Second)
				f.p.set(uptime.FaultTCPRefused, "fra", "nyc", "sgp")
				f.tg.set("a", uptime.FaultTCPRefused)
				time.Sleep(200 * time.Second)
				st := f.state("a")
				want := uptime.Down
				if locations != nil && !slices.Contains(locations, "local") && !slices.Contains(locations, "sgp") {
					want = uptime.Unknown
				}
				if st.Verdict != want {
					t.Errorf("%v (%s, %s), want %v", st.Verdict, st.Message, st.Witness, want)
				}
				t.Logf("%v: %s; %s", st.Verdict, st.Message, st.Witness)
				f.over()
			})
		})
	}
}

// TestBaselineRows has a place that never sees the target, which its probe says
// while all is well: its vote does not count then.
func TestBaselineRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := newMemory(), threeProbes()
		e := startWith(t, Options{Instance: "web-1", Timezone: "UTC", Store: s, Runner: newTargets(), Remote: p}, job("a", time.Minute))
		time.Sleep(25 * time.Hour)
		if len(p.whom()) > 0 {
			t.Errorf("%d were asked, and all is well", len(p.whom()))
		}
		d := batchOf(0, time.Now(), uptime.FaultTCPTimeout)
		d.Found[0].Baseline = true
		e.deliver(d)
		d = batchOf(0, time.Now(), 0)
		d.Probe, d.Location, d.Found[0].Baseline = "nyc/1", "nyc", true
		e.deliver(d)
		sick := batchOf(1, time.Now(), uptime.FaultTCPTimeout)
		sick.Probe, sick.Location, sick.Found[0].Baseline, sick.Found[0].Unhealthy = "nyc/1", "nyc", true, true
		e.deliver(sick)
		all := e.byName["a"].mem.Baselines
		e.stop()
		if len(all) != 2 || !all[0].Fails || all[1].Fails {
			t.Errorf("%+v", all)
		}
	})
}

// TestAwaySurvives: what is checked elsewhere goes on over a restart of the
// engine as it was, and an outage is still one.
func TestAwaySurvives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		jobs := []uptime.Job{at("a", time.Minute, "fra"), at("b", time.Minute, "fra")}
		f := newWorld(t, jobs[0])
		time.Sleep(3 * time.Minute)
		f.over()
		checks := f.state("a").Checks
		time.Sleep(20 * time.Second)
		g := startWith(t, Options{Instance: "web-1", Timezone: "UTC", Store: f.s, Runner: f.tg, Remote: f.p}, jobs...)
		time.Sleep(time.Second)
		if st := g.state("a"); st.Verdict != uptime.Up || st.Checks != checks {
			t.Errorf("after the restart %v with %d checks, before it %d", st.Verdict, st.Checks, checks)
		}
		if st := g.state("b"); st.Verdict != uptime.Pending || len(f.tg.of("b")) > 0 {
			t.Errorf("b is %v, %d checks here", st.Verdict, len(f.tg.of("b")))
		}
		d := batchOf(1000, time.Now(), uptime.NoFault)
		g.deliver(d)
		if st := g.state("a"); st.Checks != checks+1 || time.Since(st.Last) > 10*time.Second {
			t.Errorf("%d checks, the last %v ago", st.Checks, time.Since(st.Last))
		}
		detail, err := g.Detail(t.Context(), "a", time.Hour)
		if err != nil || len(detail.Recent) < 3 || detail.LastGood == nil || detail.P50 == 0 {
			t.Errorf("%+v, %v", detail, err)
		}
		f.p.set(uptime.FaultTCPRefused, "fra", "nyc", "sgp")
		g.deliver(batchOf(1001, time.Now(), uptime.FaultTCPRefused))
		(&world{running: g, t: t, s: f.s}).await("a", uptime.Down, time.Minute)
		g.stop()
		g = startWith(t, Options{Instance: "web-1", Timezone: "UTC", Store: f.s, Runner: f.tg, Remote: f.p}, jobs...)
		time.Sleep(time.Second)
		if st := g.state("a"); st.Verdict != uptime.Down || st.Incident == 0 {
			t.Errorf("after a restart in an outage %v, #%d", st.Verdict, st.Incident)
		}
		g.stop()
	})
}

// TestLocationsReload moves a monitor away and back while answers are out.
func TestLocationsReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tg, p := newMemory(), newTargets(), threeProbes()
		p.late = 3 * time.Second
		e := startWith(t, Options{Instance: "web-1", Timezone: "UTC", Store: s, Runner: tg, Remote: p}, job("a", time.Minute))
		reload := func(locations ...string) int {
			t.Helper()
			j := at("a", time.Minute, locations...)
			j.Fingerprint = uint64(len(locations)) + 7
			if _, err := e.Reload(t.Context(), []uptime.Job{j}, uptime.ConfigState{}); err != nil {
				t.Fatal(err)
			}
			return len(tg.of("a"))
		}
		time.Sleep(2 * time.Minute)
		checks, row := reload("fra"), uint64(0)
		for range 5 {
			time.Sleep(time.Minute)
			row++
			e.deliver(batchOf(row, time.Now(), uptime.NoFault))
		}
		if n := len(tg.of("a")) - checks; n > 0 || e.state("a").Verdict != uptime.Up || places(e.state("a")) != "fra up" {
			t.Errorf("%d checks here, %v, %s", n, e.state("a").Verdict, places(e.state("a")))
		}
		e.act(uptime.VerbCheck, "a") // fra is asked, and answers when it is home no more
		if n := len(p.whom()); n != 1 {
			t.Errorf("%d asked", n)
		}
		checks = reload()
		time.Sleep(3 * time.Minute)
		if n := len(tg.of("a")) - checks; n != 3 || e.state("a").Verdict != uptime.Up || !strings.HasPrefix(places(e.state("a")), "local up") {
			t.Errorf("%d checks here, %v, %s", n, e.state("a").Verdict, places(e.state("a")))
		}
		e.stop()
	})
}
