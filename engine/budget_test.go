package engine

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
)

var whole = flag.Bool("whole", false, "play outages of many to their end")

// crowd is targets of many monitors, here and at other places, which counts checks.
type crowd struct {
	mu    sync.Mutex
	fault func(name, location string) uptime.Fault
	at    func(name string) string // the address that is checked
	of    map[string]int           // checks here
	all   int                      // … and elsewhere
}

func newCrowd() *crowd {
	return &crowd{fault: func(string, string) uptime.Fault { return uptime.NoFault },
		at: func(string) string { return "192.0.2.1:443" }, of: map[string]int{}}
}

func (c *crowd) find(name, location string) uptime.Result {
	f := c.fault(name, location)
	return uptime.Result{Time: time.Now().UTC(), Monitor: name, Type: "tcp", Location: location, Outcome: f.Outcome(), Fault: f,
		Message: f.String(), Address: c.at(name), Total: time.Millisecond}
}

func (c *crowd) Run(_ context.Context, job uptime.Job) uptime.Result {
	c.mu.Lock()
	c.all++
	c.of[job.Name]++
	r := c.find(job.Name, uptime.Local)
	c.mu.Unlock()
	time.Sleep(time.Millisecond)
	return r
}

func (c *crowd) Places(*uptime.Monitor) ([]uptime.Place, bool) {
	return []uptime.Place{{Location: "fra", Network: "a"}, {Location: "nyc", Network: "b"}, {Location: "sgp", Network: "c"}}, true
}

func (c *crowd) Ask(job uptime.Job, place uptime.Place, _ time.Duration, take func(uptime.Result)) {
	c.mu.Lock()
	c.all++
	r := c.find(job.Name, place.Location)
	c.mu.Unlock()
	time.AfterFunc(50*time.Millisecond, func() { take(r) })
}

func (c *crowd) set(fault func(name, location string) uptime.Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fault = fault
}

func (c *crowd) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.of)
	c.all = 0
}

func (c *crowd) total() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all
}

func (c *crowd) checks(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.of[name]
}

// storm is 10,000 monitors that fail within one second.
type storm struct {
	name   string
	parent string
	at     func(i int) string // the address of one
	fault  uptime.Fault
	alone  bool   // nobody but this node sees it
	told   string // whom somebody is told of; "": of each
}

const (
	doubts, well = 10_000, 2_000
	perDown      = 8 // checks that one costs until it is down, at most; most cost 7
)

// TestTenThousandDoubts has 10,000 monitors fail within one second, beside 2,000
// that are well and are checked on, and one more that fails half a minute later
// by itself. Its figures, with three other places and a check a minute:
//
//	                     one cause  10,000 causes  this node alone
//	first down after          21 s           21 s                -
//	the one by itself         20 s    in its turn             20 s   after its first failing check
//	all down after       23.5 min         24 min                -   (with -whole)
//	checks beyond the regular ones: never more than 53 a second, 50 on average
//	those that are well: none started late, none was in doubt
//
// 10,000 × 7 checks at 50 a second are 1,400 s: nobody is down without evidence
// of its own, even where all have one cause, and that one is told of at once.
func TestTenThousandDoubts(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long")
	}
	withoutRace(t)
	spread := func(i int) string { return fmt.Sprintf("10.%d.%d.9:443", i/250, i%250) }
	for _, st := range []storm{
		{"of one cause", "uplink", func(i int) string { return fmt.Sprintf("203.0.113.%d:443", i%250) }, uptime.FaultTCPHostUnreachable, false, "late uplink"},
		{"of 10,000 causes", "", spread, uptime.FaultTCPRefused, false, ""},
		{"of this node alone", "", spread, uptime.FaultTCPHostUnreachable, true, "late"},
	} {
		t.Run(st.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { st.play(t) })
		})
	}
}

func (st storm) play(t *testing.T) {
	c, f := newCrowd(), family{s: newMemory()}
	at := map[string]string{"late": "198.51.100.7:443", "uplink": "198.51.100.1:443"}
	var jobs []uptime.Job
	for i := range doubts {
		j := child(fmt.Sprintf("bad %05d", i), time.Minute, st.parent)
		j.Tags = []string{"bad"}
		at[j.Name] = st.at(i)
		jobs = append(jobs, j)
	}
	for i := range well {
		jobs = append(jobs, child(fmt.Sprintf("well %05d", i), time.Minute, ""))
	}
	jobs = append(jobs, child("late", time.Minute, ""), child("uplink", time.Minute, ""))
	c.at = func(name string) string { return at[name] }
	f.running = startWith(t, Options{Instance: "web-1", Timezone: "UTC", Store: f.s, Runner: c, Remote: c, Capacity: 16_384}, jobs...)
	defer f.stop()
	time.Sleep(90 * time.Second)
	if n := f.Snapshot().Counts.Up; n != len(jobs) {
		t.Fatalf("%d of %d are up", n, len(jobs))
	}
	spent := func() (n int) {
		if err := f.Engine.do(t.Context(), func(time.Time) { n = int(f.budget.spent) }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	c.clear()
	began, was := time.Now(), spent()
	before := was
	c.set(func(name, location string) uptime.Fault {
		switch {
		case name == "late" && time.Since(began) > 30*time.Second:
			return uptime.FaultTCPRefused
		case strings.HasPrefix(name, "bad") && (location == uptime.Local || !st.alone), name == "uplink" && st.parent != "":
			return st.fault
		}
		return uptime.NoFault
	})
	f.act(uptime.VerbCheck, "tag:bad")
	time.Sleep(time.Second)
	was = spent()
	if was-before > 2*confirmations+4 {
		t.Errorf("%d extra checks in the first second", was-before)
	}
	if n := f.Snapshot().Counts.Suspect; n < doubts-60 {
		t.Errorf("%d in doubt after a second", n)
	}
	watch := 70 * time.Second
	if *whole {
		watch = 40 * time.Minute
	}
	var first, late, all time.Duration
	var doubted time.Time // late was
	most, over := 0, 0
	counted := time.Now()
	for all == 0 && time.Since(began) < watch {
		time.Sleep(time.Second)
		if late == 0 && doubted.IsZero() && time.Since(began) > 31*time.Second {
			f.act(uptime.VerbCheck, "late")
		}
		n := spent()
		now := time.Now() // a little more than a second later, when the loop had time
		over = max(over, n-was-int(confirmations*now.Sub(counted).Seconds()))
		most, was, counted = max(most, n-was), n, now
		down := f.Snapshot().Counts.Down
		switch v := f.state("late").Verdict; {
		case v == uptime.Suspect && doubted.IsZero():
			doubted = time.Now()
		case v == uptime.Down && late == 0:
			late = time.Since(doubted)
		}
		if first == 0 && down > 0 {
			first = time.Since(began)
		}
		if down >= doubts {
			all = time.Since(began)
		}
	}
	span, snap := time.Since(began), f.Snapshot()
	extra := was - before
	t.Logf("first %v, late %v, all %v; extra: %d a second at most, %.1f on average; lag %v, %+v", first, late, all,
		most, float64(extra)/span.Seconds(), snap.Health.Lag, snap.Counts)
	if over > 4 || float64(extra) > confirmations*(span.Seconds()+1)+4 {
		t.Errorf("%d extra checks in one second, %d in %v", most, extra, span)
	}
	if regular := c.total() - extra - doubts; float64(regular) > (doubts+well+2)*(span.Minutes()+1) {
		t.Errorf("%d checks that are neither regular nor in the budget", regular)
	}
	if st.told != "" && (late == 0 || late > 25*time.Second) {
		t.Errorf("what failed by itself was down %v after its first failing check", late)
	}
	if h := snap.Health; h.Late > 0 || h.Skipped > 0 {
		t.Errorf("%d checks late, %d skipped", h.Late, h.Skipped)
	}
	for i := range well {
		name := fmt.Sprintf("well %05d", i)
		if n := c.checks(name); n < int(span.Minutes()) || f.s.story(name) != "up" {
			t.Fatalf("%s was checked %d times: %s", name, n, f.s.story(name))
		}
	}
	if st.alone {
		if snap.Counts.Down != 1 {
			t.Errorf("%d down, and nobody else sees it", snap.Counts.Down)
		}
	} else {
		if need := int((span - 30*time.Second).Seconds()) * confirmations / perDown; first > 25*time.Second || snap.Counts.Down < min(need, doubts) {
			t.Errorf("first down after %v, %d after %v", first, snap.Counts.Down, span)
		}
		if *whole && (all == 0 || all > doubts*perDown/confirmations*time.Second) {
			t.Errorf("all down after %v", all)
		}
	}
	if st.told != "" {
		told := strings.Fields(f.told())
		if slices.Sort(told); strings.Join(told, " ") != st.told {
			t.Errorf("told of %q, want %q", told[:min(len(told), 10)], st.told)
		}
	}
}

// TestManyParentsAreLookedAt has 3,000 monitors fail in one second, each behind a
// parent of its own that has to be looked at, and one more by itself: those looks
// wait for nobody, and must not keep it from being told of.
func TestManyParentsAreLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, f := newCrowd(), family{s: newMemory()}
		var jobs []uptime.Job
		for i := range 3_000 {
			bad, parent := child(fmt.Sprintf("bad %d", i), time.Minute, fmt.Sprintf("parent %d", i)), child(fmt.Sprintf("parent %d", i), 10*time.Minute, "")
			bad.Tags = []string{"bad"}
			jobs = append(jobs, bad, parent)
		}
		jobs = append(jobs, child("late", time.Minute, ""))
		f.running = startWith(t, Options{Instance: "web-1", Timezone: "UTC", Store: f.s, Runner: c, Remote: c, Capacity: 16_384}, jobs...)
		defer f.stop()
		time.Sleep(90 * time.Second)
		c.set(func(name, location string) uptime.Fault {
			switch {
			case strings.HasPrefix(name, "bad"):
				return uptime.FaultTCPHostUnreachable
			case name == "late":
				return uptime.FaultTCPRefused
			}
			return uptime.NoFault
		})
		f.act(uptime.VerbCheck, "tag:bad")
		time.Sleep(time.Second)
		f.act(uptime.VerbCheck, "late")
		f.is("late", uptime.Down, 25*time.Second)
	})
}

// TestDoubtsAreBounded has few checks to spare for many doubts: all are decided
// in the end, and nothing is shed but hedges.
func TestDoubtsAreBounded(t *testing.T) {
	jobs := func(n int) (out []uptime.Job) {
		for i := range n {
			out = append(out, child(fmt.Sprintf("bad %05d", i), time.Minute, ""))
		}
		return append(out, child("other", time.Minute, ""))
	}
	all := func(v uptime.Verdict) func(string, string) uptime.Fault {
		return func(name, _ string) uptime.Fault {
			if v == uptime.Down && name != "other" {
				return uptime.FaultTCPTimeout
			}
			return uptime.NoFault
		}
	}
	for _, tc := range []struct {
		name     string
		others   bool
		most     int           // checks a second
		down, up time.Duration // all of them, at most
	}{
		// Five checks a second, eight for each; then two in a row here, and of the
		// others at least one, or five minutes.
		{"with others", true, 5, 300*8/5*time.Second + time.Minute, 8 * time.Minute},
		// The regular checks are looks, too: four after the first, and the window.
		{"standalone", false, 1, 6 * time.Minute, 3 * time.Minute},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, f := newCrowd(), family{s: newMemory()}
				o := Options{Instance: "web-1", Timezone: "UTC", Store: f.s, Runner: c, Confirm: tc.most}
				if tc.others {
					o.Remote = c
				}
				f.running = startWith(t, o, jobs(300)...)
				time.Sleep(2 * time.Minute)
				var before uint64
				spent := func() (n uint64) {
					if err := f.Engine.do(t.Context(), func(time.Time) { n = f.budget.spent }); err != nil {
						t.Fatal(err)
					}
					return n
				}
				before = spent()
				c.set(all(uptime.Down))
				down := f.until(tc.down, "all are down", func() bool { return f.Snapshot().Counts.Down == 300 })
				c.set(all(uptime.Up))
				up := f.until(tc.up, "all are up", func() bool { return f.Snapshot().Counts.Up == 301 })
				t.Logf("all down after %v, all up after %v", down, up)
				if n := float64(spent() - before); n > float64(tc.most)*((down+up).Seconds()+2) {
					t.Errorf("%v checks in %v", n, down+up)
				}
				if f.s.story("other") != "up" {
					t.Errorf("the other one: %s", f.s.story("other"))
				}
				f.stop()
			})
		})
	}
}

// TestHedgesAreShed: checks that are only slow to end get no second look while
// there is none to spare, and what has failed gets its own.
func TestHedgesAreShed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, p := family{s: newMemory(), tg: newTargets()}, threeProbes()
		var jobs []uptime.Job
		for i := range 100 {
			jobs = append(jobs, child(fmt.Sprintf("slow %03d", i), time.Minute, ""))
		}
		f.running = startWith(t, Options{Instance: "web-1", Timezone: "UTC", Store: f.s, Runner: f.tg, Remote: p, Confirm: 1}, append(jobs, child("bad", time.Minute, ""))...)
		time.Sleep(2 * time.Minute)
		for _, j := range jobs {
			f.tg.slow(j.Name, 9*time.Second)
		}
		time.Sleep(time.Minute)
		p.set(uptime.FaultTCPRefused, "fra", "nyc", "sgp")
		f.tg.set("bad", uptime.FaultTCPRefused)
		f.act(uptime.VerbCheck, "bad")
		if took := f.is("bad", uptime.Down, 40*time.Second); took > 30*time.Second {
			t.Errorf("down after %v", took)
		}
		if h := f.Snapshot().Health; h.Shed == 0 || h.Late > 0 {
			t.Errorf("%d shed, %d late", h.Shed, h.Late)
		}
		for _, j := range jobs {
			if n := f.s.story(j.Name); strings.Contains(n, "down") {
				t.Errorf("%s: %s", j.Name, n)
			}
		}
		f.stop()
	})
}

// sparing is a check that can do with less.
type sparing struct{ less bool }

func (sparing) Check(context.Context) uptime.Result { return uptime.Result{} }
func (sparing) Spare() uptime.Checker               { return sparing{true} }

// sparingly counts the checks that were spared, by the first letter of their monitors.
type sparingly struct {
	*targets
	mu     sync.Mutex
	spared map[byte]int
}

func (s *sparingly) Run(ctx context.Context, job uptime.Job) uptime.Result {
	if job.Checker == (sparing{true}) {
		s.mu.Lock()
		s.spared[job.Name[0]]++
		s.mu.Unlock()
	}
	return s.targets.Run(ctx, job)
}

// TestLateChecksAreSpared: where checks start late, those of monitors that are
// up leave out what tells nothing of that, and no others do.
func TestLateChecksAreSpared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tg := &sparingly{targets: newTargets(), spared: map[byte]int{}}
		var jobs []uptime.Job
		for i := range 60 {
			for _, kind := range []string{"up", "down"} {
				j := child(fmt.Sprintf("%s %02d", kind, i), time.Minute, "")
				j.Checker = sparing{}
				jobs = append(jobs, j)
			}
			tg.set(fmt.Sprintf("down %02d", i), uptime.FaultTCPRefused)
		}
		e := startWith(t, Options{Instance: "web-1", Store: newMemory(), Runner: tg, Capacity: 16}, jobs...)
		time.Sleep(10 * time.Minute)
		if len(tg.spared) > 0 {
			t.Errorf("%v spared in good time", tg.spared)
		}
		for _, j := range jobs {
			tg.slow(j.Name, 9*time.Second) // 120 of 9 s a minute are 18 at a time, and 16 may be
		}
		time.Sleep(10 * time.Minute)
		late := e.Snapshot().Health.Late
		tg.mu.Lock()
		if late == 0 || tg.spared['u'] == 0 || tg.spared['d'] > 0 {
			t.Errorf("%d late, %v spared", late, tg.spared)
		}
		tg.mu.Unlock()
		e.stop()
	})
}

// TestTurns has every rank have its share, and nobody wait in two places.
func TestTurns(t *testing.T) {
	b := newBudget(0, time.Time{})
	var waiting []*monitor
	for rank := range ranks {
		for range 100 {
			m := &monitor{}
			b.queue(m, rank)
			waiting = append(waiting, m)
		}
	}
	var got [ranks]int
	for range 64 {
		before := b.lines
		b.next()
		for rank := range ranks {
			got[rank] += len(before[rank]) - len(b.lines[rank])
		}
	}
	if want := [ranks]int{32, 16, 8, 4, 2, 1, 1}; got != want {
		t.Errorf("of 64 turns %v, want %v", got, want)
	}
	last := waiting[len(waiting)-1]
	b.queue(last, rankFirst) // it has become urgent
	b.queue(last, rankFirst)
	seen := map[*monitor]bool{}
	n := b.waiting
	for m := b.next(); m != nil; m = b.next() {
		if seen[m] {
			t.Fatal("twice")
		}
		seen[m] = true
	}
	if len(seen) != n || b.waiting != 0 {
		t.Errorf("%d of %d came, %d wait", len(seen), n, b.waiting)
	}
}
