package verdict

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// stage runs the rule with others, as an engine does: events in the order of
// time, regular checks of home, a soft limit for each, and what the rule plans.
type stage struct {
	t      testing.TB
	p      Params
	s      Scene
	m      Memory
	target func(place string, at time.Duration) found
	self   func(at time.Duration) Self // nil: online

	now     time.Time
	started time.Time
	flight  int // checks of home
	plan    Plan
	queue   []event
	log     []string
	checks  int // at home
	asked   int // elsewhere
	again   int // plans carried out at one instant
	acted   time.Time
	silent  bool // log the spins alone
}

type event struct {
	at time.Time
	do func()
}

func (g *stage) at(t time.Time, do func()) { g.queue = append(g.queue, event{t, do}) }

func (g *stage) run(d time.Duration) string {
	g.now = start
	var regular func()
	regular = func() {
		g.at(g.now.Add(g.p.Interval), regular)
		if g.flight == 0 {
			g.check(0)
		}
	}
	g.at(start, regular)
	for len(g.queue) > 0 {
		i := 0
		for j := range g.queue {
			if g.queue[j].at.Before(g.queue[i].at) {
				i = j
			}
		}
		e := g.queue[i]
		g.queue = slices.Delete(g.queue, i, i+1)
		if e.at.Sub(start) > d {
			break
		}
		if e.at.After(g.now) {
			g.now = e.at
		}
		e.do()
	}
	return strings.Join(g.log, ", ")
}

func (g *stage) scene() Scene {
	s := g.s
	s.Self = Online
	if g.self != nil {
		s.Self = g.self(g.now.Sub(start))
	}
	return s
}

// check runs one at home, within so long; 0 for a regular one.
func (g *stage) check(within time.Duration) {
	g.flight++
	g.checks++
	began := g.now
	g.started = began
	f := g.target(uptime.Local, began.Sub(start))
	limit := within
	if limit == 0 {
		limit = g.p.Timeout
	}
	took := min(f.took, limit)
	ended := false
	if at, ok := Soft(g.p, began); ok && within == 0 {
		g.at(at, func() {
			if !ended {
				m, d := Slow(g.p, g.scene(), g.m, began, g.now)
				g.apply(m, d)
			}
		})
	}
	g.at(began.Add(took), func() {
		ended = true
		g.flight--
		g.take(uptime.Local, f, began, took)
	})
}

func (g *stage) take(place string, f found, began time.Time, took time.Duration) {
	r := &uptime.Result{Time: began, Location: place, Fault: f.fault, Outcome: f.fault.Outcome(), Total: took, Message: f.fault.String()}
	step := Step
	if place != uptime.Local {
		step = Answer
	}
	m, d := step(g.p, g.scene(), g.m, r, g.now)
	g.apply(m, d)
}

func (g *stage) apply(m Memory, d Decision) {
	g.m = m
	if err := Audit(g.p, g.scene(), m, d, g.now); err != nil {
		g.t.Errorf("%v: %v", g.now.Sub(start), err)
		for _, e := range d.Evidence {
			g.t.Logf("  %v %s %s %v %+.1f", e.Time.Sub(start), e.Location, e.Step, e.Fault, e.Weight)
		}
	}
	if !g.silent && (d.Changed || d.Incident != "") {
		said := fmt.Sprintf("%d %s", g.now.Sub(start)/time.Second, m.Verdict)
		if d.Incident != "" {
			said += " " + d.Incident
		}
		if d.Quiet {
			said += " quiet"
		}
		if d.Flapping {
			said += " flapping"
		}
		g.log = append(g.log, said)
	}
	g.replan()
}

func (g *stage) replan() {
	plan, ok := Next(g.p, g.scene(), g.m, g.started, g.now)
	g.plan = plan
	if !ok {
		return
	}
	mine := plan.At
	g.at(plan.At, func() {
		if !g.plan.At.Equal(mine) {
			return // another plan has taken its place
		}
		plan := g.plan
		g.plan = Plan{}
		if g.again++; g.acted.Before(g.now) {
			g.again, g.acted = 1, g.now
		}
		if g.again > len(steps) {
			g.log, g.queue = append(g.log, fmt.Sprintf("%d spins: %s", g.now.Sub(start)/time.Second, plan.Step)), nil
			return
		}
		if !plan.Looks() {
			m, d := Weigh(g.p, g.scene(), g.m, g.now)
			g.apply(m, d)
			return
		}
		if g.flight >= 2 && len(plan.Ask) == 0 {
			return // two may overlap; their results plan the next
		}
		g.m = Begin(g.m, plan, g.now)
		if plan.Home && g.flight < 2 {
			within := plan.Within
			if within == 0 {
				within = g.p.Timeout
			}
			g.check(within)
		}
		for _, place := range plan.Ask {
			g.ask(place, plan.Within)
		}
		g.replan()
	})
}

// ask has a check made elsewhere; one that finds nothing of its own is lost.
func (g *stage) ask(place uptime.Place, within time.Duration) {
	g.asked++
	began := g.now
	f := g.target(place.Location, began.Add(50*time.Millisecond).Sub(start))
	if f == lost {
		return
	}
	took := min(f.took, within)
	g.at(began.Add(took+100*time.Millisecond), func() { g.take(place.Location, f, began, took) })
}

var lost = found{took: -1}

// steps are those that a plan may come after at one instant: each of them once.
var steps = []string{"check", "wave", "dwell", "last"}

// places are written as "location network".
func places(all ...string) []uptime.Place {
	var out []uptime.Place
	for _, one := range all {
		location, network, _ := strings.Cut(one, " ")
		out = append(out, uptime.Place{Location: location, Network: network})
	}
	return out
}

// five are places of four networks.
var five = places("fra a", "nyc b", "sgp c", "lon a", "syd d")

// everywhere finds the same at every place.
func everywhere(f func(time.Duration) found) func(string, time.Duration) found {
	return func(_ string, at time.Duration) found { return f(at) }
}

// at some places f holds, elsewhere all is well.
func at(f func(time.Duration) found, places ...string) func(string, time.Duration) found {
	return func(place string, at time.Duration) found {
		if slices.Contains(places, place) {
			return f(at)
		}
		return ok
	}
}

func silence(from, to int, places ...string) func(string, time.Duration) found {
	return at(during(from, to, found{uptime.FaultTCPTimeout, time.Hour}), places...)
}

var noAnswer = found{uptime.FaultTCPTimeout, time.Hour}

func TestOthers(t *testing.T) {
	mute := func(f func(time.Duration) found, heard ...string) func(string, time.Duration) found {
		return func(place string, at time.Duration) found {
			if place == uptime.Local || slices.Contains(heard, place) {
				return f(at)
			}
			return lost
		}
	}
	for _, tc := range []struct {
		name   string
		places []uptime.Place
		d      int // minutes
		target func(string, time.Duration) found
		want   string
		who    string // a part of the witness
	}{
		{"all is well", five, 60, everywhere(during(0, 0, ok)), "0 up", ""},
		{"refused everywhere: at the end of the dwell", five, 4, everywhere(during(50, 1000, refused)), "0 up, 60 suspect, 80 down opened", "fra"},
		{"silent everywhere: soft limit, two waves, last look", five, 4, everywhere(during(50, 1000, noAnswer)), "0 up, 63 suspect, 80 down opened", "agree"},
		{"three places of two networks, silent", places("fra a", "nyc b", "lon a"), 4, everywhere(during(50, 1000, noAnswer)), "0 up, 63 suspect, 80 down opened", "agree"},
		{"only at home", five, 4, silence(50, 80, uptime.Local), "0 up, 63 suspect, 83 up", ""},
		{"a restart of 15 s", five, 4, everywhere(during(55, 70, refused)), "0 up, 60 suspect, 70 up", ""},
		{"one packet lost", five, 4, silence(59, 61, uptime.Local), "0 up, 63 suspect, 63 up", ""},
		{"back just before the last look", five, 4, everywhere(during(55, 79, refused)), "0 up, 60 suspect, 80 up", ""},
		{"recovery needs somebody else", five, 4, everywhere(during(50, 115, refused)), "0 up, 60 suspect, 80 down opened, 125 up closed", ""},
		{"unreachable only from home", five, 9, silence(50, 100000, uptime.Local), "0 up, 63 suspect, 363 degraded opened", ""},
		{"… and it ends", five, 12, silence(50, 500, uptime.Local), "0 up, 63 suspect, 363 degraded opened, 545 up closed", ""},
		{"… and it spreads", five, 12, func(place string, at time.Duration) found {
			if place == uptime.Local {
				return during(50, 1000, noAnswer)(at)
			}
			return during(400, 1000, noAnswer)(at)
		}, "0 up, 63 suspect, 363 degraded opened, 428 suspect, 438 down changed", "agree"},
		{"nobody answers: 60 s whatever the class", five, 4, mute(during(50, 1000, refused)), "0 up, 60 suspect, 120 down opened", "asked fra, nyc, sgp, lon, syd: no answer"},
		{"one network answers: the window, and it agrees", five, 4, mute(during(50, 1000, refused), "fra", "lon"), "0 up, 60 suspect, 80 down opened",
			"failing from web-1; asked fra and lon, which agree, and nyc, sgp and syd: no answer; one network is no second witness"},
		{"one network answers and disagrees", five, 8, func(place string, at time.Duration) found {
			switch place {
			case uptime.Local:
				return during(50, 1000, refused)(at)
			case "fra", "lon":
				return ok
			}
			return lost
		}, "0 up, 60 suspect, 360 degraded opened", ""},
		{"part of the world cannot reach it", five, 9, silence(50, 100000, uptime.Local, "fra", "lon"), "0 up, 63 suspect, 363 degraded opened", ""},
		{"… and then nobody can", five, 12, func(place string, at time.Duration) found {
			if place == uptime.Local || place == "fra" || place == "lon" {
				return during(50, 1000, noAnswer)(at)
			}
			return during(400, 1000, noAnswer)(at)
		}, "0 up, 63 suspect, 363 degraded opened, 428 suspect, 438 down changed", "agree"},
		{"degraded by what stands: a minute", five, 4, everywhere(func(at time.Duration) found {
			if at >= 50*time.Second {
				return refused
			}
			return expires
		}), "0 degraded opened, 60 suspect, 120 down changed", "agree"},
		{"a probe lies", five, 9, at(during(0, 1000, refused), "fra"), "0 up", ""},
		{"… while home is cut off from the target", five, 9, func(place string, at time.Duration) found {
			switch place {
			case uptime.Local:
				return during(50, 200, noAnswer)(at)
			case "fra":
				return refused
			}
			return ok
		}, "0 up, 63 suspect, 203 up", ""},
		{"a probe is silent, and home loses a packet", five, 9, mute(during(59, 61, noAnswer), "nyc", "sgp", "lon", "syd"), "0 up, 63 suspect, 63 up", ""},
		{"two probes of one network lie together, while home is cut off from the target", five, 9, func(place string, at time.Duration) found {
			switch place {
			case uptime.Local:
				return during(50, 200, noAnswer)(at)
			case "fra", "lon":
				return refused
			}
			return ok
		}, "0 up, 63 suspect, 203 up", ""},
		{"a resolver that all share fails", five, 9, func(place string, at time.Duration) found {
			if place == uptime.Local { // whose self-check sees that its resolver is silent
				return during(50, 500, found{uptime.FaultLocalResolverDown, 5 * time.Second})(at)
			}
			return during(50, 500, found{uptime.FaultDNSTimeout, 5 * time.Second})(at)
		}, "0 up, 63 suspect, 68 unknown, 505 up", ""},
		{"… that home has a second one for", five, 9, at(during(50, 500, found{uptime.FaultDNSTimeout, 5 * time.Second}), "fra", "nyc", "sgp", "lon", "syd"), "0 up", ""},
		{"places in home's own network are no witnesses", places("x home", "y home"), 4, everywhere(during(50, 1000, refused)), "0 up, 60 suspect, 120 down opened", "no other place can be asked"},
		{"one network answers while home takes long to fail", five, 6, mute(during(50, 1000, noAnswer), "fra", "lon"), "0 up, 63 suspect, 120 down opened",
			"unreachable from web-1; asked fra and lon, which agree, and nyc, sgp and syd: no answer; one network is no second witness"},
		{"one place is left", places("fra a"), 4, everywhere(during(50, 1000, refused)), "0 up, 60 suspect, 80 down opened",
			"failing from web-1; asked fra, which agrees; one network is no second witness"},
		{"a name is gone, two networks: the fifth wave makes the odds just enough", places("fra a", "nyc b"), 10,
			everywhere(during(50, 1000, found{uptime.FaultDNSNxdomain, 40 * time.Millisecond})), "0 up, 60 suspect, 100 down opened", "fra and nyc agree"},
		{"nobody answers: it recovers when the answers are given up", five, 9, mute(during(50, 150, refused)), "0 up, 60 suspect, 120 down opened, 172 up closed", ""},
		{"two of one network that lie", places("x a", "y a", "fra b", "nyc c"), 6, at(during(50, 1000, refused), "x", "y"), "0 up", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := &stage{t: t, p: params(time.Minute), s: Scene{Network: "home", Others: true, Places: tc.places}, target: tc.target}
			if got := g.run(time.Duration(tc.d) * time.Minute); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
				for _, e := range g.m.Evidence {
					t.Logf("%v %s %s %s %+.1f", e.Time.Sub(start), e.Location, e.Step, e.Fault, e.Weight)
				}
				t.Logf("odds %.1f, %+v", g.m.others.odds, g.m.others)
			}
			if !strings.Contains(g.m.Witness, tc.who) || tc.who != "" && g.m.Verdict != uptime.Down {
				t.Errorf("witness %q lacks %q", g.m.Witness, tc.who)
			}
		})
	}
}

// TestOneNetworkIsNoSecondWitness: where the self-check cannot tell whether this
// node is online, and one place was asked and agrees, there is something to compare with.
func TestOneNetworkIsNoSecondWitness(t *testing.T) {
	g := &stage{t: t, p: params(time.Minute), s: Scene{Network: "home", Others: true, Places: places("fra a")}, target: everywhere(during(50, 1000, noAnswer)),
		self: func(time.Duration) Self { return Unproven }}
	g.run(9 * time.Minute)
	if want := "unreachable from web-1; asked fra, which agrees; one network is no second witness"; g.m.Witness != want {
		t.Errorf("says %q, want %q", g.m.Witness, want)
	}
}

// TestHomeElsewhere has a monitor that is checked from another place: that is
// home, whose failure is a doubt and whose success ends it, and this node is one
// that may be asked.
func TestHomeElsewhere(t *testing.T) {
	p := params(time.Minute)
	s := Scene{Home: "fra", Network: "a", Self: Online, Others: true, Places: places("local home", "nyc b", "sgp c", "lon a")}
	at := func(location string, f uptime.Fault, after time.Duration) *uptime.Result {
		return &uptime.Result{Time: start.Add(after), Location: location, Fault: f, Outcome: f.Outcome()}
	}
	m, _ := Step(p, s, Memory{}, at("fra", uptime.NoFault, 0), start)
	if m.Verdict != uptime.Up {
		t.Fatalf("%v after a success of home", m.Verdict)
	}
	m, _ = Step(p, s, m, at("fra", uptime.FaultTCPRefused, time.Minute), start.Add(time.Minute))
	plan, ok := Next(p, s, m, start.Add(time.Minute), start.Add(time.Minute))
	if m.Verdict != uptime.Suspect || !ok || !plan.Home || len(plan.Ask) != 3 {
		t.Fatalf("%v, plan %+v", m.Verdict, plan)
	}
	for _, place := range plan.Ask {
		if place.Network == "a" {
			t.Errorf("%s is asked, in the network of home", place.Location)
		}
	}
	m = Begin(m, plan, start.Add(time.Minute))
	m, _ = Answer(p, s, m, at(uptime.Local, uptime.NoFault, time.Minute), start.Add(61*time.Second))
	m, d := Step(p, s, m, at("fra", uptime.NoFault, 65*time.Second), start.Add(65*time.Second))
	if d.To != uptime.Up {
		t.Errorf("%v after both succeeded", m.Verdict)
	}
}

// TestOnlyAfterRestart has a restart while a monitor is degraded because it
// fails at some places only. Which ones those were is not remembered.
func TestOnlyAfterRestart(t *testing.T) {
	for _, tc := range []struct {
		name  string
		after func(string, time.Duration) found
		want  string
	}{
		{"it is over", everywhere(during(0, 0, ok)), "0 up closed"},
		{"it goes on", silence(0, 100000, uptime.Local), "3 suspect, 303 degraded changed"},
		{"it is down everywhere now", everywhere(during(0, 100000, refused)), "0 suspect, 60 down changed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := &stage{t: t, p: params(time.Minute), s: Scene{Others: true, Places: five}, target: silence(50, 100000, uptime.Local), silent: true}
			g.run(9 * time.Minute)
			if g.m.Only == "" {
				t.Fatalf("not degraded: %+v", g.m)
			}
			b, err := json.Marshal(g.m)
			var m Memory
			if err == nil {
				err = json.Unmarshal(b, &m)
			}
			if err != nil {
				t.Fatal(err)
			}
			m.Judged = start
			g = &stage{t: t, p: g.p, s: g.s, m: Resume(g.p, m, start), target: tc.after}
			if got := g.run(9 * time.Minute); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// TestNobodyContradicts has a monitor that fails at home only, and then nobody
// any more who sees it up: those places are gone, or the rule does not ask them.
func TestNobodyContradicts(t *testing.T) {
	counted := params(time.Minute)
	counted.Rule = uptime.Rule{Consecutive: true, Failures: 3, Recoveries: 2, RetryInterval: 20 * time.Second}
	for _, tc := range []struct {
		name string
		p    Params
		s    Scene
		want string
	}{
		{"they still do", params(time.Minute), Scene{Others: true, Places: five}, ""},
		{"all are gone", params(time.Minute), Scene{Others: true}, "down"},
		{"one is left that failed as well", params(time.Minute), Scene{Others: true, Places: places("nyc b")}, "down"},
		{"those left are of home's network", params(time.Minute), Scene{Others: true, Network: "a", Places: places("fra a", "lon a")}, "down"},
		{"none is configured", params(time.Minute), Scene{}, "down"},
		{"failures are counted", counted, Scene{Others: true, Places: five}, "down"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := &stage{t: t, p: params(time.Minute), s: Scene{Others: true, Places: five}, target: silence(50, 100000, uptime.Local), silent: true}
			if len(tc.s.Places) == 1 {
				g.target = silence(50, 100000, uptime.Local, "nyc")
			}
			g.run(9 * time.Minute)
			if g.m.Only == "" {
				t.Fatalf("not degraded: %+v", g.m)
			}
			g.m = g.m.Step(-9 * time.Minute)
			g = &stage{t: t, p: tc.p, s: tc.s, m: g.m, target: silence(0, 100000, uptime.Local, "nyc")}
			if len(tc.s.Places) != 1 {
				g.target = silence(0, 100000, uptime.Local)
			}
			got := g.run(5 * time.Minute)
			if strings.Contains(got, "down") != (tc.want == "down") {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	t.Run("failures are counted, and it was another place", func(t *testing.T) {
		m := Memory{Verdict: uptime.Degraded, Only: "fra", Open: true, others: opinions{raiser: "fra"}}
		for at := range 3 {
			began := start.Add(time.Duration(at) * time.Minute)
			m, _ = Step(counted, Scene{Others: true, Places: five}, m, &uptime.Result{Time: began, Outcome: uptime.OutcomeUp}, began)
		}
		if m.Verdict != uptime.Up {
			t.Errorf("%v", m.Verdict)
		}
	})
}

// TestOthersVanish has those that see the monitor up go away in a doubt, before
// five waves could decide it.
func TestOthersVanish(t *testing.T) {
	for _, tc := range []struct {
		name string
		left []uptime.Place
		want string
	}{
		{"all", nil, "0 up, 60 suspect, 140 down opened"},
		{"all but one network, which sees it up", places("fra a"), "0 up, 60 suspect, 360 degraded opened"},
		{"all but one network, and it fails there too", places("nyc b"), "0 up, 60 suspect, 100 down opened"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			fails := at(during(50, 100000, refused), uptime.Local)
			g := &stage{t: t, p: params(time.Minute), s: Scene{Others: true, Places: five}}
			g.target = func(place string, at time.Duration) found {
				if place == "nyc" && at > 75*time.Second {
					place = uptime.Local
				}
				return fails(place, at)
			}
			g.self = func(at time.Duration) Self {
				if at > 75*time.Second {
					g.s.Places = tc.left
				}
				return Online
			}
			if got := g.run(15 * time.Minute); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// TestSpreads has an outage that begins at home and reaches all others in the
// midst of the waves, when many have said that they see it up.
func TestSpreads(t *testing.T) {
	for _, from := range []int{62, 72, 82, 92, 102, 112, 200} {
		t.Run(fmt.Sprint(from), func(t *testing.T) {
			home, others := during(50, 100000, refused), during(from, 100000, refused)
			g := &stage{t: t, p: params(time.Minute), s: Scene{Others: true, Places: five}}
			g.target = func(place string, at time.Duration) found {
				if place == uptime.Local {
					return home(at)
				}
				return others(at)
			}
			if got := g.run(10 * time.Minute); !strings.Contains(got, "down opened") {
				t.Errorf("got %q", got)
			}
		})
	}
}
