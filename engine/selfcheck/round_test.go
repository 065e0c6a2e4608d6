package selfcheck

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/engine/verdict"
)

// asked is a Line of four anchors that has answered once and is asked again,
// because a check has failed.
func asked(t *testing.T) (*Line, Round, time.Time) {
	t.Helper()
	l := New(Settings{Anchors: addrs(four...)}, start)
	r, ok := l.Ask(start)
	if !ok {
		t.Fatal("no first round")
	}
	for i := range r.Anchors {
		l.Answer(r.Number, i, uptime.AnswerGood, start)
	}
	now := start.Add(time.Minute)
	l.Take(failing(now), now)
	if r, ok = l.Ask(now); !ok {
		t.Fatal("no round when a check has failed")
	}
	return l, r, now
}

func failing(now time.Time) *uptime.Result {
	return &uptime.Result{Time: now, Type: "tcp", Address: "198.18.1.1:443", Outcome: uptime.OutcomeDown, Fault: uptime.FaultTCPTimeout}
}

func TestAbandon(t *testing.T) {
	l, r, now := asked(t)
	now = now.Add(time.Minute) // it stood still
	l.Abandon(now)
	for i := range r.Anchors {
		l.Answer(r.Number, i, uptime.AnswerNone, now) // what their deadline says
	}
	if s := l.State(now); s.Self != verdict.Online {
		t.Errorf("%v: %s", s.Self, s.Why)
	}
	if _, ok := l.Ask(now); !ok {
		t.Error("no other round")
	}
}

func TestLateAnswers(t *testing.T) {
	l, r, now := asked(t)
	for i := range r.Anchors { // of nobody, and of another round
		l.Answer(r.Number, i+len(r.Anchors), uptime.AnswerGood, now)
		l.Answer(r.Number, -1-i, uptime.AnswerGood, now)
		l.Answer(r.Number-1, i, uptime.AnswerGood, now)
		l.Answer(r.Number+1, i, uptime.AnswerGood, now)
	}
	l.Answer(r.Number, 0, uptime.AnswerGood, now)
	l.Answer(r.Number, 0, uptime.AnswerGood, now) // twice
	if l.Settled(now, now) {
		t.Error("settled with three answers out")
	}
	now = r.Deadline
	for i := range r.Anchors {
		l.Answer(r.Number, i, uptime.AnswerGood, now)
	}
	if s := l.State(now); s.Self != verdict.Offline || s.Why != "1 of 4 anchors answer; 1 of 1 networks fail" {
		t.Errorf("%v: %s", s.Self, s.Why)
	}
	if !l.Settled(now.Add(-Within), now) {
		t.Error("not settled at the end of a round")
	}
}

// TestStarved: anchors that could not be asked are not silent.
func TestStarved(t *testing.T) {
	l, r, now := asked(t)
	for i := range r.Anchors {
		l.Answer(r.Number, i, uptime.AnswerVoid, now)
	}
	if s := l.State(now.Add(Within)); s.Self == verdict.Offline {
		t.Errorf("offline: %s", s.Why)
	}
	if n := len(l.Missing(now)); n > 0 {
		t.Errorf("%d anchors are said not to answer", n)
	}
}

func TestSettledWithoutAnchors(t *testing.T) {
	l := New(Settings{}, start)
	l.Take(failing(start), start)
	if !l.Settled(start, start) {
		t.Error("waits for nobody")
	}
	if at, ok := l.Next(start); ok {
		t.Errorf("wants to be called at %v", at)
	}
}

// TestConfigure: an anchor that stays keeps what is known of it, a new one is
// asked, and who takes the silent ones away is not left offline.
func TestConfigure(t *testing.T) {
	l, r, now := asked(t)
	now = now.Add(Within)
	if s := l.State(now); s.Self != verdict.Offline {
		t.Fatalf("%v after round %d without an answer", s.Self, r.Number)
	}
	l.Configure(Settings{Anchors: addrs("192.0.2.99:443")}, now)
	for range 20 {
		now = now.Add(time.Second)
		if r, ok := l.Ask(now); ok {
			for i := range r.Anchors {
				l.Answer(r.Number, i, uptime.AnswerGood, now)
			}
		}
	}
	if s := l.State(now); s.Self != verdict.Unproven {
		t.Errorf("%v: %s", s.Self, s.Why)
	}

	l, _, now = asked(t)
	l.Configure(Settings{Anchors: addrs(append(four, "203.0.113.77:443")...)}, now)
	if known, all := l.Known(); known != 4 || all != 5 {
		t.Errorf("%d of %d known", known, all)
	}
	if at, ok := l.Next(now.Add(Within)); !ok || at.After(now.Add(Within)) {
		t.Errorf("the new one is asked at %v", at)
	}
}

// TestBrownOut: on a line that loses packets some anchors are silent, and some
// targets too. The monitors do not prove the anchors wrong, and we are offline
// once and not ten times.
func TestBrownOut(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fails int // of 20 networks
		want  verdict.Self
	}{
		{"the anchors are wrong", 1, verdict.Online},
		{"the anchors are wrong, and a few targets fail", 2, verdict.Online},
		{"packets are lost", 6, verdict.Offline},
	} {
		l, r, now := asked(t)
		for i := range 20 {
			result := failing(now)
			result.Address = fmt.Sprintf("198.18.%d.1:443", i+1)
			if i >= tc.fails {
				result.Fault, result.Outcome = uptime.NoFault, uptime.OutcomeUp
			}
			l.Take(result, now)
		}
		l.Answer(r.Number, 0, uptime.AnswerGood, now)
		if s := l.State(r.Deadline); s.Self != tc.want {
			t.Errorf("%s: %v: %s", tc.name, s.Self, s.Why)
		}
	}

	l, r, now := asked(t)
	changes, was := 0, verdict.Online
	for range 240 { // seconds; every fifth round is bad
		l.Take(failing(now), now)
		if next, ok := l.Ask(now); ok {
			r = next
			for k := range r.Anchors {
				if r.Number%5 != 0 || k == 0 {
					l.Answer(r.Number, k, uptime.AnswerGood, now)
				}
			}
		}
		if s := l.State(now); s.Self != was {
			changes, was = changes+1, s.Self
		}
		now = now.Add(time.Second)
	}
	if changes > 9 {
		t.Errorf("%d changes in four minutes", changes)
	}
}

// TestNear: a ping has no port, and is as near or far as anything.
func TestNear(t *testing.T) {
	l := New(Settings{Own: home}, start)
	for address, want := range map[string]bool{"192.168.1.7:80": true, "192.168.1.7": true, "127.0.0.1:80": true, "[::1]:80": true,
		"fe80::1%eth0": true, "198.18.1.1:443": false, "198.18.1.1": false, "2001:db8::1": false, "10.0.0.1": false, "": false, "exec": false} {
		r := failing(start)
		r.Address = address
		if got := l.Near(r); got != want {
			t.Errorf("%q is near: %v", address, got)
		}
		far := !want && strings.Contains(address, "1")
		l.spread = spread{}
		l.Take(r, start)
		if got := len(l.spread.nets) == 1; got != far {
			t.Errorf("%q is a network: %v", address, got)
		}
	}
}

// TestManyNetworks bounds what a large instance costs.
func TestManyNetworks(t *testing.T) {
	l := New(Settings{}, start)
	now := start
	r := &uptime.Result{Type: "tcp", Outcome: uptime.OutcomeUp}
	for i := range 50_000 {
		now = now.Add(200 * time.Microsecond)
		a := netip.AddrPortFrom(netip.AddrFrom4([4]byte{11, byte(i >> 8), byte(i), 1}), 443)
		r.Address = a.String()
		l.Take(r, now)
	}
	if n := len(l.spread.nets); n > maxNetworks {
		t.Errorf("%d networks are remembered", n)
	}
	if n := len(l.spread.order); n > 110_000 {
		t.Errorf("%d moments are remembered", n)
	}
	ok, failing, _ := l.spread.counts(true)
	if ok != len(l.spread.nets) || failing != 0 {
		t.Errorf("%d answer, %d fail, of %d", ok, failing, len(l.spread.nets))
	}
	l.State(now.Add(time.Minute))
	if len(l.spread.nets)+len(l.spread.order) > 0 {
		t.Error("what is old is not forgotten")
	}
}

// TestWhatever plays chance with a Line: no round comes within a second of
// another, none is out for longer than its time, what is counted is what is
// remembered, and a line of which every anchor answers in every round is never
// offline.
func TestWhatever(t *testing.T) {
	for seed := range uint64(40) {
		dice := rand.New(rand.NewPCG(seed, 7))
		good := seed%2 == 0
		l := New(Settings{Anchors: addrs(four...), Resolvers: addrs("127.0.0.53:53", "192.168.1.1:53"), Own: home}, start)
		now, last := start, time.Time{}
		var out []Round
		for range 1000 {
			now = now.Add(time.Duration(dice.IntN(1500)) * time.Millisecond)
			if r, ok := l.Ask(now); ok {
				if now.Sub(last) < roundEvery {
					t.Fatalf("seed %d: a round %v after another", seed, now.Sub(last))
				}
				last, out = now, append(out, r)
				if good {
					for i := range r.Anchors {
						l.Answer(r.Number, i, uptime.AnswerGood, now)
					}
				}
			}
			switch dice.IntN(8) {
			case 0:
				l.Doubt(now)
			case 1:
				l.Abandon(now)
			case 2, 3:
				if len(out) > 0 {
					r := out[len(out)-1]
					l.Answer(r.Number, dice.IntN(len(r.Anchors)), uptime.Answer(dice.IntN(4)), now)
				}
			default:
				r := failing(now)
				r.Address = fmt.Sprintf("198.18.%d.1:443", dice.IntN(9))
				switch dice.IntN(5) {
				case 0:
					r.Fault, r.Outcome = uptime.NoFault, uptime.OutcomeUp
				case 1:
					r.Fault, r.Address = uptime.FaultDNSTimeout, ""
				case 2:
					r.Fault, r.Outcome = uptime.FaultLocalNoRoute, uptime.OutcomeUnknown
				}
				if dice.IntN(4) == 0 {
					l.Take(r, now, netip.MustParseAddrPort("203.0.113.53:53"))
				} else {
					l.Take(r, now)
				}
			}
			s := l.State(now)
			if s.Self == verdict.Offline && good {
				t.Fatalf("seed %d: offline, and all anchors answer: %s", seed, s.Why)
			}
			if s.Why == "" && s.Self != verdict.Unproven {
				t.Fatalf("seed %d: %v, and does not say why", seed, s.Self)
			}
			n := 0
			for _, c := range l.spread.count {
				n += c[0] + c[1]
				if c[0] < 0 || c[1] < 0 {
					t.Fatalf("seed %d: counts %v", seed, l.spread.count)
				}
			}
			if n != len(l.spread.nets) {
				t.Fatalf("seed %d: %v of %d networks", seed, l.spread.count, len(l.spread.nets))
			}
			if at, ok := l.Next(now); !ok || at.Sub(now) > baselineEvery {
				t.Fatalf("seed %d: next at %v, %v", seed, at.Sub(now), ok)
			}
		}
	}
}

// BenchmarkTake is what a good result costs where all is well.
func BenchmarkTake(b *testing.B) {
	l := New(Settings{Anchors: addrs(four...), Own: home}, start)
	r, _ := l.Ask(start)
	for i := range r.Anchors {
		l.Answer(r.Number, i, uptime.AnswerGood, start)
	}
	now, result := start, &uptime.Result{Type: "tcp", Outcome: uptime.OutcomeUp, Address: "198.18.1.1:443"}
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(300 * time.Microsecond)
		l.Take(result, now)
	}
}
