package engine

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/clocktest"
	"lookout/engine/uptime"
)

// wire is what a machine sees of the world: anchors, resolvers and targets at
// addresses, of which any may be cut off.
type wire struct {
	mu        sync.Mutex
	resolvers []netip.AddrPort
	own       []netip.Prefix
	cut       map[string]bool         // addresses that nothing comes back from
	at        map[string]string       // targets' addresses, by monitor
	named     map[string]bool         // targets that are looked up first
	fault     map[string]uptime.Fault // what a target has itself
	machine   uptime.Fault            // what the machine lacks
	quick     bool                    // a way that is cut off is known at once
	far       time.Duration           // an anchor's answer takes so long
	tries     map[string]int          // of anchors
	checks    []time.Time             // starts of checks
}

func newWire() *wire {
	return &wire{cut: map[string]bool{}, at: map[string]string{}, named: map[string]bool{}, fault: map[string]uptime.Fault{}, tries: map[string]int{}}
}

func (w *wire) Around() ([]netip.AddrPort, []netip.Prefix) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.resolvers, w.own
}

func (w *wire) Try(ctx context.Context, a uptime.Anchor) uptime.Answer {
	w.mu.Lock()
	w.tries[a.Address.String()]++
	w.mu.Unlock()
	select {
	case <-time.After(max(w.far, 20*time.Millisecond)):
	case <-ctx.Done():
		return uptime.AnswerNone
	}
	w.mu.Lock()
	cut, starved := w.cut[a.Address.String()] || w.machine == uptime.FaultLocalNoRoute, w.machine != uptime.NoFault && w.machine != uptime.FaultLocalNoRoute
	w.mu.Unlock()
	if starved {
		return uptime.AnswerVoid
	}
	if !cut {
		return uptime.AnswerGood
	}
	<-ctx.Done()
	return uptime.AnswerNone
}

func (w *wire) Run(ctx context.Context, job uptime.Job) uptime.Result {
	start := time.Now()
	w.mu.Lock()
	w.checks = append(w.checks, start)
	r := uptime.Result{Time: start.UTC().Truncate(time.Millisecond), Monitor: job.Name, Type: "tcp", Target: job.Target, Location: uptime.Local, Fault: w.fault[job.Name]}
	took := 20 * time.Millisecond
	r.Address = w.at[job.Name]
	silent := len(w.resolvers) > 0
	for _, a := range w.resolvers {
		silent = silent && w.cut[a.String()]
	}
	lost := job.Timeout
	if w.quick {
		lost = time.Millisecond
	}
	switch {
	case w.machine != uptime.NoFault:
		r.Fault = w.machine
	case w.named[job.Name] && silent:
		r.Fault, r.Address, took = uptime.FaultDNSTimeout, "", lost
	case w.cut[r.Address]:
		r.Fault, took = uptime.FaultTCPTimeout, lost
	case w.named[job.Name] && len(w.resolvers) > 0:
		r.Steps = []uptime.Step{{Step: "dns", Detail: "A 198.18.0.1 ttl 60 from " + w.resolvers[0].String()}}
	}
	w.mu.Unlock()
	select {
	case <-time.After(took):
	case <-ctx.Done():
		r.Fault = uptime.FaultLocalCancelled
	}
	r.Outcome, r.Message, r.Total = r.Fault.Outcome(), "found "+r.Fault.String(), time.Since(start)
	return r
}

func (w *wire) set(cut bool, addresses ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range addresses {
		w.cut[a] = cut
	}
}

func (w *wire) do(fn func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fn()
}

// monitors adds so many targets, each in a network of its own, and returns their addresses.
func (w *wire) monitors(n int, rule uptime.Rule, interval time.Duration) (jobs []uptime.Job, addresses []string) {
	for i := range n {
		j := job(fmt.Sprintf("m%02d", i), interval)
		j.Rule = rule
		a := fmt.Sprintf("198.18.%d.1:443", i)
		w.at[j.Name] = a
		jobs, addresses = append(jobs, j), append(addresses, a)
	}
	return jobs, addresses
}

var fourAnchors = []string{"192.0.2.1:443", "192.0.2.130:53", "198.51.100.7:53", "203.0.113.8:443"}

func parsed(all ...string) (out []netip.AddrPort) {
	for _, a := range all {
		out = append(out, netip.MustParseAddrPort(a))
	}
	return out
}

// downs are the outages that people would be told of.
func (s *memory) downs() (out []string) {
	events, _ := s.Events(uptime.EventQuery{})
	for _, e := range events {
		if e.Kind == uptime.EventVerdict && e.To == uptime.Down {
			out = append(out, e.Monitor)
		}
	}
	return out
}

// nodes are the events of the node, but for its start and its end.
func (s *memory) nodes() (out []string) {
	events, _ := s.Events(uptime.EventQuery{})
	for _, e := range events {
		if e.Kind == uptime.EventNode && !strings.HasPrefix(e.Message, "started") && e.Message != "stopped" {
			out = append(out, e.Message)
		}
	}
	return out
}

func wantNodes(t *testing.T, s *memory, want ...string) {
	t.Helper()
	got := s.nodes()
	ok := len(got) == len(want)
	for i := range min(len(got), len(want)) {
		ok = ok && strings.HasPrefix(got[i], want[i])
	}
	if !ok {
		t.Errorf("events of the node:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

var rules = []struct {
	name string
	rule uptime.Rule
}{
	{"evidence", uptime.Rule{}},
	{"no dwell", uptime.Rule{DwellSet: true}},
	{"one failure", uptime.Rule{Consecutive: true, Failures: 1, Recoveries: 1, RetryInterval: 5 * time.Second}},
	{"three failures", uptime.Rule{Consecutive: true, Failures: 3, Recoveries: 2, RetryInterval: 5 * time.Second}},
}

// TestOwnUplink cuts a machine off for a while: nobody is told of a target.
func TestOwnUplink(t *testing.T) {
	for _, r := range rules {
		for _, quick := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, known at once: %v", r.name, quick), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w, s := newWire(), newMemory()
					w.quick = quick
					jobs, far := w.monitors(20, r.rule, 20*time.Second)
					far = append(far, fourAnchors...)
					near, refused := job("near", 20*time.Second), job("refused", 20*time.Second)
					w.at["near"], w.at["refused"] = "192.168.1.7:80", "198.18.77.1:443"
					w.own = []netip.Prefix{netip.MustParsePrefix("192.168.1.0/24")}
					e := startWith(t, Options{Instance: "web-1", Timezone: "UTC", Store: s, Runner: w, Outside: w, Anchors: parsed(fourAnchors...)}, append(jobs, near, refused)...)
					time.Sleep(70 * time.Second)
					w.set(true, far...)
					w.do(func() { w.fault["refused"] = uptime.FaultTCPRefused }) // somebody on the way says so
					time.Sleep(80 * time.Second)
					if n := e.Snapshot().Node; n != "offline: 0 of 4 anchors answer; 20 of 21 networks fail" && n != "offline: 0 of 4 anchors answer" && !strings.HasPrefix(n, "offline: 0 of 4 anchors answer; ") {
						t.Errorf("the node says %q", n)
					}
					unknown := 0
					for _, st := range e.Snapshot().States {
						if st.Verdict == uptime.Unknown && st.Fault == uptime.FaultLocalNodeOffline {
							unknown++
						}
					}
					if unknown != 20 || e.state("near").Verdict != uptime.Up || e.state("m03").Fault != uptime.FaultLocalNodeOffline {
						t.Errorf("%d unknown, near %v, m03 %+v", unknown, e.state("near").Verdict, e.state("m03"))
					}
					back := time.Now()
					w.set(false, far...)
					w.do(func() { w.fault["refused"] = uptime.NoFault })
					time.Sleep(40 * time.Second)
					e.stop()
					for _, m := range s.downs() {
						if m != "refused" {
							t.Errorf("%s: %s", m, s.story(m))
						}
					}
					for _, st := range e.Snapshot().States {
						if st.Verdict != uptime.Up {
							t.Errorf("%s is %v in the end", st.Name, st.Verdict)
						}
					}
					wantNodes(t, s, "offline: ", "not offline any more, after ")
					w.noHerd(t, back, back.Add(20*time.Second), 5)
				})
			})
		}
	}
}

// noHerd fails where more checks than that start in one second.
func (w *wire) noHerd(t *testing.T, from, to time.Time, most int) {
	t.Helper()
	count := map[int]int{}
	for _, at := range w.checks {
		if !at.Before(from) && at.Before(to) {
			count[int(at.Sub(from)/time.Second)]++
		}
	}
	for sec, n := range count {
		if n > most {
			t.Errorf("%d checks in second %d", n, sec)
		}
	}
}

// TestOwnUplinkOfOne has no other monitors to see it by, and the outage of its
// target begins the moment the line is cut.
func TestOwnUplinkOfOne(t *testing.T) {
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, s := newWire(), newMemory()
				w.quick = true
				jobs, far := w.monitors(1, r.rule, time.Second)
				e := startWith(t, Options{Instance: "web-1", Timezone: "UTC", Store: s, Runner: w, Outside: w, Anchors: parsed(fourAnchors...)}, jobs...)
				for range 20 {
					time.Sleep(90*time.Second + 170*time.Millisecond)
					w.set(true, append(far, fourAnchors...)...)
					time.Sleep(30 * time.Second)
					w.set(false, append(far, fourAnchors...)...)
				}
				time.Sleep(30 * time.Second)
				e.stop()
				if got := s.downs(); len(got) > 0 {
					t.Errorf("%d times down: %s", len(got), s.story("m00"))
				}
				if n := len(s.nodes()); n != 40 {
					t.Errorf("%d events of the node for 20 times offline", n)
				}
			})
		})
	}
}

// TestOwnResolver has all name servers of the system fall silent.
func TestOwnResolver(t *testing.T) {
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, s := newWire(), newMemory()
				jobs, _ := w.monitors(10, r.rule, 20*time.Second)
				for _, j := range jobs[1:] {
					w.named[j.Name] = true
				}
				w.resolvers = parsed("127.0.0.53:53", "192.0.2.53:53")
				e := startWith(t, Options{Instance: "web-1", Timezone: "UTC", Store: s, Runner: w, Outside: w, Anchors: parsed(fourAnchors...)}, jobs...)
				time.Sleep(70 * time.Second)
				w.set(true, "127.0.0.53:53", "192.0.2.53:53")
				time.Sleep(80 * time.Second)
				if n := e.Snapshot().Node; n != "no name server answers: 127.0.0.53:53 is silent, 192.0.2.53:53 is silent" {
					t.Errorf("the node says %q", n)
				}
				if a, b := e.state("m00"), e.state("m05"); a.Verdict != uptime.Up || b.Verdict != uptime.Unknown || b.Fault != uptime.FaultLocalResolverDown {
					t.Errorf("by address %v; by name %v, %v", a.Verdict, b.Verdict, b.Fault)
				}
				w.set(false, "127.0.0.53:53")
				time.Sleep(40 * time.Second)
				e.stop()
				if got := s.downs(); len(got) > 0 {
					t.Errorf("down: %v", got)
				}
				for _, st := range e.Snapshot().States {
					if st.Verdict != uptime.Up {
						t.Errorf("%s is %v in the end", st.Name, st.Verdict)
					}
				}
				wantNodes(t, s, "no name server answers: ", "name servers answer again")
			})
		})
	}
}

// TestMonitorsOwnResolver has a monitor name resolvers of its own, which fall silent.
func TestMonitorsOwnResolver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s := newWire(), newMemory()
		jobs, _ := w.monitors(2, uptime.Rule{Consecutive: true, Failures: 1, Recoveries: 1, RetryInterval: 5 * time.Second}, 20*time.Second)
		jobs[0].Resolvers = parsed("198.51.100.53:53")
		e := startWith(t, Options{Instance: "web-1", Timezone: "UTC", Store: s, Runner: w, Outside: w, Anchors: parsed(fourAnchors...)}, jobs...)
		time.Sleep(30 * time.Second)
		w.set(true, "198.51.100.53:53")
		w.do(func() { w.fault["m00"] = uptime.FaultDNSTimeout })
		time.Sleep(50 * time.Second)
		if a := e.state("m00"); a.Verdict != uptime.Unknown || a.Fault != uptime.FaultLocalResolverDown {
			t.Errorf("%v, %v", a.Verdict, a.Fault)
		}
		w.set(false, "198.51.100.53:53") // it answers, and not for this name
		time.Sleep(50 * time.Second)
		e.stop()
		if got := s.story("m00"); !strings.HasSuffix(got, "unknown, down, #1 opened") {
			t.Errorf("got %s", got)
		}
		wantNodes(t, s, "no name server answers: 198.51.100.53:53 is silent", "the name servers 198.51.100.53:53 answer again")
	})
}

// TestOwnLacks has the machine run out of what checks need.
func TestOwnLacks(t *testing.T) {
	for _, f := range []uptime.Fault{uptime.FaultLocalFDLimit, uptime.FaultLocalPortExhausted, uptime.FaultLocalNoMemory, uptime.FaultLocalNoRoute, uptime.FaultLocalBlocked} {
		t.Run(f.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, s := newWire(), newMemory()
				jobs, _ := w.monitors(20, uptime.Rule{Consecutive: true, Failures: 1, Recoveries: 1, RetryInterval: 5 * time.Second}, 10*time.Second)
				e := startWith(t, Options{Instance: "web-1", Timezone: "UTC", Store: s, Runner: w, Outside: w, Anchors: parsed(fourAnchors...)}, jobs...)
				time.Sleep(30 * time.Second)
				w.do(func() { w.machine = f })
				time.Sleep(time.Minute)
				if a := e.state("m07"); a.Verdict != uptime.Unknown || a.Fault != f {
					t.Errorf("%v, %v", a.Verdict, a.Fault)
				}
				route := f == uptime.FaultLocalNoRoute // the line is what is gone
				if says := e.Snapshot().Node; (says != "") != (f == uptime.FaultLocalFDLimit || f == uptime.FaultLocalNoMemory || route) {
					t.Errorf("the node says %q", says)
				}
				w.do(func() { w.machine = uptime.NoFault })
				time.Sleep(2 * time.Minute)
				e.stop()
				if got := s.downs(); len(got) > 0 {
					t.Errorf("down: %v", got)
				}
				if route {
					wantNodes(t, s, "offline: 0 of 4 anchors answer", "not offline any more")
					return
				}
				wantNodes(t, s, "found "+f.String()+"; ", lack(f)+" is over after ")
				if says := lack(f); !strings.HasPrefix(says, "the lack of ") && f != uptime.FaultLocalBlocked || !strings.HasSuffix(says, "("+f.String()+")") {
					t.Errorf("the end reads %q", says)
				}
			})
		})
	}
}

// TestDeadAnchors sees that anchors with a slip of the pen hide no outage.
func TestDeadAnchors(t *testing.T) {
	for _, dead := range [][]string{fourAnchors, fourAnchors[:3], fourAnchors[:1]} {
		for _, r := range rules {
			t.Run(fmt.Sprintf("%d, %s", len(dead), r.name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w, s := newWire(), newMemory()
					w.set(true, dead...)
					jobs, far := w.monitors(6, r.rule, 20*time.Second)
					e := startWith(t, Options{Instance: "web-1", Timezone: "UTC", Store: s, Runner: w, Outside: w, Anchors: parsed(fourAnchors...)}, jobs...)
					time.Sleep(30 * time.Second)
					if got, want := e.Snapshot().Health.Anchors, strings.Join(dead, ", "); got != want {
						t.Errorf("anchors that do not answer: %q, want %q", got, want)
					}
					w.set(true, far[0])
					time.Sleep(2 * time.Minute)
					e.stop()
					if got := fmt.Sprint(s.downs()); got != "[m00]" {
						t.Errorf("down: %s; %v", got, s.nodes())
					}
					if n := s.nodes(); len(n) != 1 || !strings.HasPrefix(n[0], "the anchor") {
						t.Errorf("events of the node: %v", n)
					}
				})
			})
		}
	}
}

// TestNothingIsAskedForNothing counts what goes to anchors while all is well.
func TestNothingIsAskedForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		jobs, _ := w.monitors(10, uptime.Rule{}, 20*time.Second)
		e := startWith(t, Options{Instance: "web-1", Timezone: "UTC", Store: newMemory(), Runner: w, Outside: w, Anchors: parsed(fourAnchors...)}, jobs...)
		time.Sleep(time.Hour)
		e.stop()
		for a, n := range w.tries {
			if n > 7 {
				t.Errorf("%s was asked %d times in an hour", a, n)
			}
		}
		if len(w.tries) != 4 {
			t.Errorf("asked: %v", w.tries)
		}
	})
}

// TestOtherAnchors takes others while it runs.
func TestOtherAnchors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		jobs, _ := w.monitors(1, uptime.Rule{}, 20*time.Second)
		e := startWith(t, Options{Instance: "web-1", Timezone: "UTC", Store: newMemory(), Runner: w, Outside: w, Anchors: parsed(fourAnchors...)}, jobs...)
		time.Sleep(time.Second)
		if err := e.Anchors(t.Context(), parsed("203.0.113.99:443")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		e.stop()
		if w.tries["203.0.113.99:443"] != 1 || w.tries[fourAnchors[0]] != 1 {
			t.Errorf("asked: %v", w.tries)
		}
	})
}

// TestStoppedInARound has the process stand still while anchors are asked: that
// they have not answered is not theirs.
func TestStoppedInARound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s, clock := newWire(), newMemory(), clocktest.New()
		w.quick, w.far = true, 1500*time.Millisecond
		jobs, far := w.monitors(6, uptime.Rule{}, 20*time.Second)
		e := startWith(t, Options{Instance: "web-1", Timezone: "UTC", Store: s, Runner: w, Outside: w, Anchors: parsed(fourAnchors...),
			Clock: func() Reading { now, boot := clock.Read(); return Reading{now, boot} }}, jobs...)
		time.Sleep(30 * time.Second)
		asked := w.asked()
		w.set(true, far[0])
		for w.asked() == asked {
			time.Sleep(10 * time.Millisecond)
		}
		clock.Stop(5 * time.Second)
		time.Sleep(10 * time.Second)
		clock.Set(-time.Hour)
		time.Sleep(3 * time.Minute)
		e.stop()
		for _, n := range s.nodes() {
			if strings.HasPrefix(n, "offline") {
				t.Error(n)
			}
		}
		if got := fmt.Sprint(s.downs()); got != "[m00]" {
			t.Errorf("down: %s", got)
		}
	})
}

// asked is how often anchors were asked.
func (w *wire) asked() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, k := range w.tries {
		n += k
	}
	return n
}
