package verdict

import (
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// found is what a check that starts at some time finds, and how long it takes.
type found struct {
	fault uptime.Fault
	took  time.Duration
}

var (
	ok      = found{uptime.NoFault, 50 * time.Millisecond}
	refused = found{uptime.FaultTCPRefused, 3 * time.Millisecond}
	silent  = found{uptime.FaultTCPTimeout, 10 * time.Second}
	status  = found{uptime.FaultHTTPStatus, 80 * time.Millisecond}
	slow    = found{uptime.FaultHTTPTooSlow, 2 * time.Second}
	expires = found{uptime.FaultTLSExpiresSoon, 90 * time.Millisecond}
	ours    = found{uptime.FaultLocalFDLimit, time.Millisecond}
)

// world runs the rule as an engine does that has nobody to ask and nothing to
// compare itself with. It writes down what changed as "seconds verdict [incident]".
func world(t testing.TB, p Params, m Memory, d time.Duration, target func(at time.Duration) found) (string, Memory) {
	g := &stage{t: t, p: p, m: m, target: everywhere(target), self: func(time.Duration) Self { return Unproven }}
	return g.run(d), g.m
}

func params(interval time.Duration) Params {
	return Params{Node: "web-1", Interval: interval, Timeout: 10 * time.Second}
}

// during finds what is said in a stretch of time, and ok outside it.
func during(from, to int, f found) func(time.Duration) found {
	return func(at time.Duration) found {
		if at >= time.Duration(from)*time.Second && at < time.Duration(to)*time.Second {
			return f
		}
		return ok
	}
}

func TestStandalone(t *testing.T) {
	const hour = time.Hour
	for _, tc := range []struct {
		name   string
		p      Params
		d      time.Duration
		target func(time.Duration) found
		want   string
	}{
		{"all is well", params(time.Minute), hour, during(0, 0, ok), "0 up"},
		{"refused at once: 20 s", params(time.Minute), 4 * time.Minute, during(50, 1000, refused),
			"0 up, 60 suspect, 80 down opened"},
		{"silent: 60 s since the first failing check began, the last look included", params(time.Minute), 4 * time.Minute, during(50, 1000, silent),
			"0 up, 63 suspect, 120 down opened"},
		{"T = 10 s: a window of 10 s for both", params(10 * time.Second), time.Minute, during(5, 1000, refused),
			"0 up, 10 suspect, 20 down opened"},
		{"T = 1 s", params(time.Second), time.Minute, during(5, 1000, refused), "0 up, 5 suspect, 15 down opened"},
		{"T = 5 min", params(5 * time.Minute), 20 * time.Minute, during(250, 5000, status),
			"0 up, 300 suspect, 320 down opened"},
		{"a check that began in the outage ends after it", func() Params {
			p := params(20 * time.Second)
			p.Timeout, p.Rule = 30*time.Second, uptime.Rule{Consecutive: true, Failures: 1, Recoveries: 1, RetryInterval: 5 * time.Second}
			return p
		}(), 3 * time.Minute, during(50, 100, found{uptime.FaultTCPTimeout, 30 * time.Second}), "0 up, 90 down opened, 100 up closed"},
		{"a restart of 15 s", params(time.Minute), 4 * time.Minute, during(55, 70, refused), "0 up, 60 suspect, 70 up"},
		{"one packet lost", params(time.Minute), 4 * time.Minute, during(59, 61, silent), "0 up, 63 suspect, 75 up"},
		{"down from the start", params(time.Minute), 2 * time.Minute, during(0, 1000, refused), "0 suspect, 20 down opened"},
		{"recovery: two successes 5 s apart", params(time.Minute), 4 * time.Minute, during(50, 115, refused),
			"0 up, 60 suspect, 80 down opened, 125 up closed"},
		{"back within 10 min: the same incident", params(time.Minute), 10 * time.Minute, func(at time.Duration) found {
			if s := at / time.Second; s >= 50 && s < 115 || s >= 290 && s < 350 {
				return refused
			}
			return ok
		}, "0 up, 60 suspect, 80 down opened, 125 up closed, 300 suspect, 320 down reopened flapping, 365 up closed"},
		{"… and again: told once", params(time.Minute), 20 * time.Minute, func(at time.Duration) found {
			if s := at / time.Second; s >= 50 && s < 115 || s >= 290 && s < 350 || s >= 590 && s < 650 {
				return refused
			}
			return ok
		}, "0 up, 60 suspect, 80 down opened, 125 up closed, 300 suspect, 320 down reopened flapping, 365 up closed, 600 suspect, 620 down reopened, 665 up closed"},
		{"later than 10 min: another incident, and it may flap again", params(time.Minute), 40 * time.Minute, func(at time.Duration) found {
			if s := at / time.Second; s >= 50 && s < 115 || s >= 290 && s < 350 || s >= 1190 && s < 1250 || s >= 1490 && s < 1550 {
				return refused
			}
			return ok
		}, "0 up, 60 suspect, 80 down opened, 125 up closed, 300 suspect, 320 down reopened flapping, 365 up closed, 1200 suspect, 1220 down opened, 1265 up closed, 1500 suspect, 1520 down reopened flapping, 1565 up closed"},
		{"another cause meanwhile", params(time.Minute), 3 * time.Minute, func(at time.Duration) found {
			if at < 100*time.Second {
				return during(50, 1000, refused)(at)
			}
			return status
		}, "0 up, 60 suspect, 80 down opened, 100 down changed"},
		{"path and target mixed: the longer window", params(time.Minute), 4 * time.Minute, func(at time.Duration) found {
			switch {
			case at < 50*time.Second:
				return ok
			case at < 70*time.Second:
				return silent
			}
			return refused
		}, "0 up, 63 suspect, 120 down opened"},
		{"a fault of ours is no evidence", params(time.Minute), 3 * time.Minute, during(50, 62, ours), "0 up, 61 unknown, 63 up"},
		{"a single one changes nothing", params(time.Minute), 3 * time.Minute, during(60, 61, ours), "0 up"},
		{"we cannot see: never down", params(time.Minute), 3 * time.Minute, during(0, 1000, ours), "0 unknown"},
		{"down, blind, still down", params(20 * time.Second), 4 * time.Minute, func(at time.Duration) found {
			if s := at / time.Second; s >= 100 && s < 130 {
				return ours
			}
			return during(0, 1000, refused)(at)
		}, "0 suspect, 20 down opened, 101 unknown, 140 down"},
		{"a certificate near its end stands", params(time.Minute), 5 * time.Minute, during(50, 170, expires),
			"0 up, 60 degraded opened, 180 up closed"},
		{"slow three times", params(time.Minute), 3 * time.Minute, during(50, 1000, slow), "0 up, 96 degraded opened"},
		{"slow once", params(time.Minute), 30 * time.Minute, during(50, 65, slow), "0 up"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got, _ := world(t, tc.p, Memory{}, tc.d, tc.target); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestDegradedByScoreEnds(t *testing.T) {
	got, m := world(t, params(time.Minute), Memory{}, 4*time.Hour, during(50, 100, slow))
	if !strings.HasPrefix(got, "0 up, 96 degraded opened, ") || !strings.HasSuffix(got, " up closed") || strings.Count(got, ",") != 2 {
		t.Errorf("got %s", got)
	}
	if m.Score != 0 || m.Raised || m.Message != "" {
		t.Errorf("left: %+v", m)
	}
}

// TestDegradedSeenAgain: what is degraded still after we could not see it for a
// while is that by its own complaints, not by ours.
func TestDegradedSeenAgain(t *testing.T) {
	for _, tc := range []struct {
		name string
		was  found
		want uptime.Fault
	}{
		{"slow", slow, uptime.FaultHTTPTooSlow},
		{"fails now and then", status, uptime.FaultHTTPStatus},
	} {
		_, m := world(t, params(time.Minute), Memory{}, 500*time.Second, func(at time.Duration) found {
			switch s := int(at.Seconds()); {
			case s >= 400 && s < 450:
				return ours
			case s >= 50 && s < 400 && (tc.was == slow || s/15%2 == 0):
				return tc.was
			}
			return ok
		})
		if m.Verdict != uptime.Degraded || m.Fault != tc.want {
			t.Errorf("%s: %s, %s %q", tc.name, m.Verdict, m.Fault, m.Message)
		}
	}
}

// TestNextOfPlain asks a registry or a plugin that cannot judge no sooner than
// any doubt of its type.
func TestNextOfPlain(t *testing.T) {
	p := params(24 * time.Hour)
	p.Rule = uptime.Rule{Plain: true, Failures: 1, RetryInterval: time.Hour}
	m := Memory{}
	for i := range 3 {
		m, _ = Step(p, Scene{}, m, &uptime.Result{Time: start, Fault: uptime.FaultDomainUnavailable, Outcome: uptime.OutcomeUnknown}, start)
		if at, ok := Next(p, Scene{}, m, start, start); !ok || !at.At.Equal(start.Add(time.Hour)) {
			t.Errorf("after %d: %s, %v", i+1, at.At.Sub(start), ok)
		}
	}
}

// Scripts of one letter a check: . ok  x refused  ? ours.
// The states: p pending  u up  s suspect  D down  ? unknown; A where an incident opens.
func TestConsecutive(t *testing.T) {
	three := uptime.Rule{Consecutive: true, Failures: 3, Recoveries: 2, RetryInterval: 20 * time.Second}
	one := uptime.Rule{Consecutive: true, Failures: 1, Recoveries: 1}
	plain := uptime.Rule{Plain: true, Failures: 1}
	for _, tc := range []struct{ rule, script, want string }{
		{"three", ".xxx..", "u s s DA D u"},
		{"three", ".xx.xxx", "u s s u s s DA"},
		{"three", ".xxx.x..", "u s s DA D D D u"},
		{"three", ".xx??x", "u s s s ? s"},
		{"one", ".x.x", "u DA u DA"},
		{"plain", "x.x", "DA u DA"},
	} {
		t.Run(tc.rule+" "+tc.script, func(t *testing.T) {
			p := params(time.Minute)
			p.Rule = map[string]uptime.Rule{"three": three, "one": one, "plain": plain}[tc.rule]
			m, now, got := Memory{}, start, []string{}
			for _, c := range tc.script {
				f := map[rune]found{'.': ok, 'x': refused, '?': ours}[c]
				r := &uptime.Result{Time: now, Fault: f.fault, Outcome: f.fault.Outcome()}
				var d Decision
				m, d = Step(p, Scene{}, m, r, now)
				if err := Audit(p, Scene{}, m, d, now); err != nil {
					t.Error(err)
				}
				s := map[uptime.Verdict]string{uptime.Up: "u", uptime.Suspect: "s", uptime.Down: "D", uptime.Unknown: "?"}[m.Verdict]
				if d.Incident == uptime.IncidentOpened || d.Incident == uptime.IncidentReopened {
					s += "A"
				}
				got = append(got, s)
				now = now.Add(time.Minute)
			}
			if g := strings.Join(got, " "); g != tc.want {
				t.Errorf("got %s, want %s", g, tc.want)
			}
		})
	}
}

func TestEvidenceAndWitness(t *testing.T) {
	_, m := world(t, params(time.Minute), Memory{}, 85*time.Second, during(50, 1000, refused))
	var steps []string
	for _, e := range m.Evidence {
		steps = append(steps, e.Step)
	}
	if got := strings.Join(steps, " "); got != "check dwell dwell dwell last" {
		t.Errorf("evidence: %s", got)
	}
	if m.Since != m.Evidence[0].Time {
		t.Errorf("down since %v, first failing check %v", m.Since, m.Evidence[0].Time)
	}
	for _, part := range []string{"failing from web-1", "nobody else was asked", "nothing to compare with"} {
		if !strings.Contains(m.Witness, part) {
			t.Errorf("witness %q lacks %q", m.Witness, part)
		}
	}
	_, m = world(t, params(10*time.Second), Memory{}, 2*time.Minute, during(0, 1000, silent))
	if !strings.HasPrefix(m.Witness, "unreachable from web-1; nobody else was asked") {
		t.Errorf("witness %q", m.Witness)
	}
	_, m = world(t, params(10*time.Second), Memory{}, time.Hour, func(at time.Duration) found {
		return []found{refused, status}[int(at/time.Minute)%2]
	})
	if len(m.Evidence) != maxEvidence || m.Evidence[0].Step != "check" {
		t.Errorf("%d pieces of evidence, the first a %s", len(m.Evidence), m.Evidence[0].Step)
	}
}

func TestStale(t *testing.T) {
	p := params(time.Minute)
	_, m := world(t, p, Memory{}, 90*time.Second, during(0, 0, ok))
	if _, d := Stale(p, m, m.Judged.Add(2*time.Minute)); d.Changed {
		t.Error("stale within two intervals")
	}
	last := m.Judged
	m, d := Stale(p, m, last.Add(3*time.Minute))
	if !d.Changed || m.Verdict != uptime.Unknown || !d.Since.Equal(last.Add(2*time.Minute)) {
		t.Errorf("%+v", d)
	}
	if m.Message != "no result for 3m00s" {
		t.Errorf("message %q", m.Message)
	}
	if _, d = Stale(p, Memory{}, start.Add(24*time.Hour)); d.Changed {
		t.Error("a monitor that was never checked went stale")
	}
}

func TestResume(t *testing.T) {
	p := params(time.Minute)
	for _, tc := range []struct {
		name   string
		before func(time.Duration) found
		run    time.Duration
		away   time.Duration
		after  found
		want   string
	}{
		{"up, short", during(0, 0, ok), 90 * time.Second, 30 * time.Second, ok, ""},
		{"up, long: no news", during(0, 0, ok), 90 * time.Second, time.Hour, ok, "0 up quiet"},
		{"up, long, fails", during(0, 0, ok), 90 * time.Second, time.Hour, refused, "0 suspect, 20 down opened"},
		{"suspect starts over", during(60, 1000, refused), 62 * time.Second, 5 * time.Second, refused, "0 suspect, 20 down opened"},
		{"down, not announced twice", during(0, 1000, refused), 90 * time.Second, 5 * time.Second, refused, ""},
		{"down, long, not announced twice", during(0, 1000, refused), 90 * time.Second, time.Hour, refused, "0 down quiet"},
		{"down, long, recovers", during(0, 1000, refused), 90 * time.Second, time.Hour, ok, "5 up closed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, m := world(t, p, Memory{}, tc.run, tc.before)
			// The clock of the second run starts over, so what was judged is as long ago.
			m.Judged = start.Add(-tc.away)
			m = Resume(p, m, start)
			if got, _ := world(t, p, m, 50*time.Second, func(time.Duration) found { return tc.after }); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// What is told after a restart goes on from what was told before it.
func TestToldInOneLine(t *testing.T) {
	p := params(time.Minute)
	for _, tc := range []struct {
		before found
		after  found
		from   uptime.Verdict
		steps  int
	}{
		{ok, refused, uptime.Up, 1},
		{ok, expires, uptime.Up, 1},
		{refused, ok, uptime.Down, 2},
	} {
		_, m := world(t, p, Memory{}, 90*time.Second, func(time.Duration) found { return tc.before })
		m = Resume(p, m, start.Add(time.Hour))
		var d Decision
		for i := range tc.steps {
			at := start.Add(time.Hour + time.Duration(i)*10*time.Second)
			m, d = Step(p, Scene{}, m, &uptime.Result{Time: at, Fault: tc.after.fault, Outcome: tc.after.fault.Outcome()}, at)
		}
		if !d.Changed || d.Quiet || d.From != tc.from {
			t.Errorf("%v, then %v: from %v, changed %v, quiet %v", tc.before.fault, tc.after.fault, d.From, d.Changed, d.Quiet)
		}
	}
}

// A moment without sight does not end an outage: down is still since its first failing check.
func TestDownSince(t *testing.T) {
	p := params(20 * time.Second)
	_, m := world(t, p, Memory{}, 4*time.Minute, func(at time.Duration) found {
		if s := at / time.Second; s >= 100 && s < 130 {
			return ours
		}
		return refused
	})
	if m.Verdict != uptime.Down || m.Since.Sub(start) > time.Second {
		t.Errorf("%v since %v after the start", m.Verdict, m.Since.Sub(start))
	}
}

// TestWeightOfNames has what the zone's own server confirms, or a watched name
// server says itself, weigh more than one resolver's word.
func TestWeightOfNames(t *testing.T) {
	agreed := []uptime.Step{{Step: "dns"}, {Step: uptime.StepDNSSecond, Detail: uptime.DetailAgrees}, {Step: uptime.StepDNSZone, Detail: uptime.DetailAgrees}}
	for _, tc := range []struct {
		name string
		r    uptime.Result
		want float64
	}{
		{"one resolver", uptime.Result{Type: "http", Fault: uptime.FaultDNSNxdomain}, 1},
		{"all agree", uptime.Result{Type: "http", Fault: uptime.FaultDNSNxdomain, Steps: agreed}, 3.5},
		{"a watched server", uptime.Result{Type: "dns", Target: "dns://192.0.2.1/shop.test?type=A", Fault: uptime.FaultDNSServfail}, 3.5},
		{"a watched server is silent", uptime.Result{Type: "dns", Target: "dns://192.0.2.1/shop.test?type=A", Fault: uptime.FaultDNSTimeout}, 1},
	} {
		tc.r.Time, tc.r.Outcome = start, uptime.OutcomeDown
		m, _ := Step(params(time.Minute), Scene{}, Memory{}, &tc.r, start)
		if len(m.Evidence) != 1 || m.Evidence[0].Weight != tc.want {
			t.Errorf("%s: %+v, want a weight of %g", tc.name, m.Evidence, tc.want)
		}
	}
}

// A check that was slow and then succeeded is no failing check: the one that
// failed beside it is the first, and no longer a look after it.
func TestLooksAfterSlowSuccess(t *testing.T) {
	p := Params{Interval: time.Minute, Timeout: 10 * time.Second, Rule: uptime.Rule{Sensitivity: uptime.Balanced}}
	s := Scene{Others: true, Network: "home", Places: []uptime.Place{{Location: "fra", Network: "fra"}}}
	at := func(seconds int, o uptime.Outcome) *uptime.Result {
		r := &uptime.Result{Time: start.Add(time.Duration(seconds) * time.Second), Outcome: o}
		if o == uptime.OutcomeDown {
			r.Fault = uptime.FaultTCPTimeout
		}
		return r
	}
	m, _ := Step(p, s, Memory{}, at(-60, uptime.OutcomeUp), start.Add(-time.Minute))
	m, _ = Slow(p, s, m, start, start.Add(3*time.Second))
	m, _ = Step(p, s, m, at(3, uptime.OutcomeDown), start.Add(8*time.Second))
	if m.Looks != 1 || !m.First.Equal(start) {
		t.Fatalf("with the slow one still out: %d looks after %v", m.Looks, m.First)
	}
	m, _ = Step(p, s, m, at(0, uptime.OutcomeUp), start.Add(9*time.Second))
	if m.Looks != 0 || !m.First.Equal(start.Add(3*time.Second)) {
		t.Fatalf("%d looks after %v", m.Looks, m.First)
	}
}

// Where nobody else answers, home has to have failed for all of the window: a
// success in it, while answers could still come, begins it anew.
func TestWindowWithoutSuccess(t *testing.T) {
	p := Params{Interval: time.Minute, Timeout: 10 * time.Second, Rule: uptime.Rule{Sensitivity: uptime.Balanced}}
	s := Scene{Others: true, Network: "home", Places: []uptime.Place{{Location: "fra", Network: "fra"}, {Location: "nyc", Network: "nyc"}}}
	m, _ := Step(p, s, Memory{}, &uptime.Result{Time: start.Add(-time.Minute), Outcome: uptime.OutcomeUp}, start.Add(-time.Minute))
	// The check of the first wave succeeds, and a regular one fails while answers are still out.
	began, good, again := start, start.Add(100*time.Millisecond), start.Add(4*time.Second)
	for now := start; ; {
		r := &uptime.Result{Time: now, Outcome: uptime.OutcomeDown, Fault: uptime.FaultHTTPStatus}
		if now.Equal(good) {
			r.Outcome, r.Fault = uptime.OutcomeUp, uptime.NoFault
		}
		took := now.Add(20 * time.Millisecond)
		var d Decision
		m, d = Step(p, s, m, r, took)
		if r.Outcome == uptime.OutcomeDown && now.After(good) && began.Equal(start) {
			began = now
		}
		if d.To == uptime.Down {
			if err := Audit(p, s, m, d, took); err != nil {
				t.Error(err)
			}
			if !d.Since.Equal(began) || took.Sub(began) < silentNeed {
				t.Errorf("down since %v after %v, the failures began at %v", d.Since, took.Sub(d.Since), began)
			}
			return
		}
		if now.Equal(good) {
			now = again
			continue
		}
		for asked := false; !asked; { // until the rule wants home checked again
			plan, ok := Next(p, s, m, now, took)
			if !ok || plan.At.Sub(start) > 5*time.Minute {
				t.Fatalf("still %v after %v", m.Verdict, took.Sub(start))
			}
			if took = plan.At; !plan.Looks() {
				m, d = Weigh(p, s, m, took)
				if d.To == uptime.Down {
					t.Fatal("down without a check")
				}
				continue
			}
			m = Begin(m, plan, took)
			asked = plan.Home
		}
		if now = took; began.Equal(start) && m.Fails > 0 && now.Before(start.Add(time.Second)) {
			now = good
		}
	}
}
