package engine

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
)

// probes are other locations with views of their own.
type probes struct {
	places []uptime.Place
	mu     sync.Mutex
	faults map[string]uptime.Fault // by location
	mute   []string
	asked  int
	of     []string // whom
	full   []string // who cannot run anything
	late   time.Duration
}

func (p *probes) Places(*uptime.Monitor) ([]uptime.Place, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.places, true
}

// keep leaves those places there are, and takes the others away.
func (p *probes) keep(locations ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.places = slices.DeleteFunc(slices.Clone(p.places), func(x uptime.Place) bool { return !slices.Contains(locations, x.Location) })
}

func (p *probes) Ask(job uptime.Job, place uptime.Place, within time.Duration, take func(uptime.Result)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	p.of = append(p.of, place.Location)
	if slices.Contains(p.full, place.Location) {
		time.AfterFunc(time.Millisecond, func() {
			take(uptime.Result{Fault: uptime.FaultLocalOverload, Message: "no probe of " + place.Location + " could begin it"})
		})
		return
	}
	if slices.Contains(p.mute, place.Location) {
		return
	}
	f := p.faults[place.Location]
	r := uptime.Result{Time: time.Now().Add(time.Hour), Monitor: job.Name, Fault: f, Outcome: f.Outcome(), Message: f.String(), Total: 20 * time.Millisecond}
	time.AfterFunc(100*time.Millisecond+p.late, func() { take(r) })
}

func (p *probes) set(f uptime.Fault, locations ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range locations {
		p.faults[l] = f
	}
}

func threeProbes() *probes {
	return &probes{faults: map[string]uptime.Fault{}, places: []uptime.Place{{Location: "fra", Network: "a"}, {Location: "nyc", Network: "b"}, {Location: "sgp", Network: "c"}}}
}

// TestAllRefuse: where every place refuses, each is asked once in a round,
// however short the interval, and after a minute it is nobody's.
func TestAllRefuse(t *testing.T) {
	for _, every := range []time.Duration{time.Second, 10 * time.Second, 20 * time.Second, time.Minute} {
		t.Run(every.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, tg, p := newMemory(), newTargets(), threeProbes()
				p.full = []string{"fra", "nyc", "sgp"}
				e := startWith(t, Options{Instance: "web-1", Timezone: "UTC", Store: s, Runner: tg, Remote: p}, job("a", every))
				time.Sleep(2 * time.Minute)
				tg.set("a", uptime.FaultTCPRefused)
				time.Sleep(every + 80*time.Second)
				st := e.state("a")
				if st.Verdict != uptime.Down || !strings.Contains(st.Witness, ": no answer") {
					t.Errorf("%v, %q", st.Verdict, st.Witness)
				}
				p.mu.Lock()
				if p.asked > 120 {
					t.Errorf("%d asked", p.asked)
				}
				p.mu.Unlock()
				e.stop()
			})
		})
	}
}

// TestSecondOpinions has three other places that agree, disagree, and say nothing.
func TestSecondOpinions(t *testing.T) {
	all := []string{"fra", "nyc", "sgp"}
	for _, tc := range []struct {
		name    string
		set     func(*probes)
		after   time.Duration // the first failing check
		want    uptime.Verdict
		witness string
	}{
		{"they agree", func(p *probes) { p.set(uptime.FaultTCPRefused, all...) }, 25 * time.Second, uptime.Down, "fra, nyc and sgp agree"},
		{"they don't", func(*probes) {}, time.Minute, uptime.Suspect, ""},
		{"for five minutes they don't", func(*probes) {}, 6 * time.Minute, uptime.Degraded, ""},
		{"one network of two agrees", func(p *probes) { p.set(uptime.FaultTCPRefused, "fra") }, time.Minute, uptime.Suspect, ""},
		{"silence is no agreement", func(p *probes) { p.mute = all }, 50 * time.Second, uptime.Suspect, ""},
		{"… for 60 s it is nobody's", func(p *probes) { p.mute = all }, 80 * time.Second, uptime.Down, "asked fra, nyc, sgp: no answer"},
		{"nobody there can run it", func(p *probes) { p.full = all }, 50 * time.Second, uptime.Suspect, ""},
		{"… for 60 s it is nobody's either", func(p *probes) { p.full = all }, 80 * time.Second, uptime.Down, "asked fra, nyc, sgp: no answer"},
		{"answers that come too late count for nothing", func(p *probes) { p.set(uptime.FaultTCPRefused, all...); p.late = 20 * time.Second }, 50 * time.Second, uptime.Suspect, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, tg, p := newMemory(), newTargets(), threeProbes()
				e := startWith(t, Options{Instance: "web-1", Timezone: "UTC", Store: s, Runner: tg, Remote: p}, job("a", time.Minute))
				time.Sleep(2 * time.Minute)
				if st := e.state("a"); st.Verdict != uptime.Up || p.asked > 0 {
					t.Fatalf("at first %v, %d asked", st.Verdict, p.asked)
				}
				tg.set("a", uptime.FaultTCPRefused)
				tc.set(p)
				failing := len(tg.of("a"))
				for len(tg.of("a")) == failing {
					time.Sleep(100 * time.Millisecond)
				}
				time.Sleep(time.Second)
				if st := e.state("a"); st.Verdict != uptime.Suspect {
					t.Errorf("%v a second after the failing check", st.Verdict)
				}
				time.Sleep(tc.after - time.Second)
				st := e.state("a")
				if st.Verdict != tc.want || !strings.Contains(st.Witness, tc.witness) {
					t.Errorf("%v, %q; want %v, %q", st.Verdict, st.Witness, tc.want, tc.witness)
				}
				if tc.want == uptime.Down && strings.Contains(tc.witness, "agree") {
					i := e.Snapshot().Open[0]
					if !slices.Equal(i.ConfirmedBy, all) || len(i.Evidence) < 6 {
						t.Errorf("confirmed by %v, %d pieces of evidence", i.ConfirmedBy, len(i.Evidence))
					}
					tg.set("a", uptime.NoFault)
					time.Sleep(time.Minute)
					if e.state("a").Verdict != uptime.Down {
						t.Error("recovered, and the others still fail")
					}
					p.set(uptime.NoFault, all...)
					time.Sleep(time.Minute)
					if st := e.state("a"); st.Verdict != uptime.Up {
						t.Errorf("%v after all have recovered", st.Verdict)
					}
				}
				e.stop()
			})
		})
	}
}

// TestConfirming: a monitor asks those that it names and nobody where it must not.
func TestConfirming(t *testing.T) {
	for _, tc := range []struct {
		name       string
		m          uptime.Monitor
		want       string
		configured bool
	}{
		{"all", uptime.Monitor{}, "fra nyc sgp", true},
		{"some, in the order of the remote", uptime.Monitor{ConfirmFrom: []string{"sgp", "fra"}}, "fra sgp", true},
		{"one that is not there now", uptime.Monitor{ConfirmFrom: []string{"par"}}, "", true},
		{"nobody", uptime.Monitor{ConfirmFrom: []string{}, Alone: "confirm_from names nobody"}, "", false},
		{"a secret stays", uptime.Monitor{ConfirmFrom: []string{"fra"}, Alone: "the secret in its url does not leave this machine"}, "", false},
	} {
		places, configured := confirming(threeProbes(), &tc.m)
		var got []string
		for _, p := range places {
			got = append(got, p.Location)
		}
		if strings.Join(got, " ") != tc.want || configured != tc.configured {
			t.Errorf("%s: asks %q, configured %v", tc.name, got, configured)
		}
	}
}

// TestRuleReloads: other settings of the rule keep what is known, and count from now on.
func TestRuleReloads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tg, p := newMemory(), newTargets(), threeProbes()
		p.set(uptime.FaultTCPRefused, "fra", "nyc", "sgp")
		j := job("a", time.Minute)
		e := startWith(t, Options{Instance: "web-1", Timezone: "UTC", Store: s, Runner: tg, Remote: p}, j)
		time.Sleep(2 * time.Minute)
		before := *e.state("a")
		m := *j.Monitor
		m.Rule.Sensitivity, m.ConfirmFrom, m.Fingerprint = uptime.Quiet, []string{"nyc", "sgp"}, j.Fingerprint+1
		if _, err := e.Reload(t.Context(), []uptime.Job{{Monitor: &m, Checker: j.Checker}}, uptime.ConfigState{}); err != nil {
			t.Fatal(err)
		}
		if st := e.state("a"); st.Verdict != uptime.Up || !st.Since.Equal(before.Since) || st.Checks != before.Checks {
			t.Errorf("after the reload %v since %s with %d checks; was %v since %s with %d", st.Verdict, st.Since, st.Checks, before.Verdict, before.Since, before.Checks)
		}
		tg.set("a", uptime.FaultTCPRefused)
		failing := len(tg.of("a"))
		for len(tg.of("a")) == failing {
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(50 * time.Second)
		if st := e.state("a"); st.Verdict != uptime.Suspect {
			t.Errorf("%v within the dwell", st.Verdict)
		}
		time.Sleep(20 * time.Second)
		if st := e.state("a"); st.Verdict != uptime.Down || st.Witness != "nyc and sgp agree" {
			t.Errorf("%v, %q after it", st.Verdict, st.Witness)
		}
		e.stop()
	})
}
