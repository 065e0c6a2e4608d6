package selfcheck

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/engine/verdict"
)

var start = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// stage plays a Line in virtual time: anchors answer after 20 ms, or not.
type stage struct {
	l      *Line
	now    time.Time
	dead   map[string]bool // anchors that do not answer, and targets that cannot be reached
	poor   map[string]bool
	rounds []time.Duration
	log    []string
	last   State
	queue  []event
}

type event struct {
	at time.Time
	do func()
}

func (g *stage) at(t time.Time, do func()) { g.queue = append(g.queue, event{t, do}) }

func play(s Settings, dead ...string) *stage {
	g := &stage{l: New(s, start), now: start, dead: map[string]bool{}, poor: map[string]bool{}}
	for _, d := range dead {
		g.dead[d] = true
	}
	return g
}

// until lives on to a time since the start.
func (g *stage) until(d time.Duration) {
	end := start.Add(d)
	for {
		next, do := end, func() {}
		if at, ok := g.l.Next(g.now); ok && at.Before(next) {
			next = at
		}
		i := -1
		for j := range g.queue {
			if !g.queue[j].at.After(next) {
				i, next = j, g.queue[j].at
			}
		}
		if i >= 0 {
			do = g.queue[i].do
			g.queue = slices.Delete(g.queue, i, i+1)
		}
		if next.After(g.now) {
			g.now = next
		}
		do()
		if r, ok := g.l.Ask(g.now); ok {
			g.rounds = append(g.rounds, g.now.Sub(start))
			for i, a := range r.Anchors {
				if a := a.Address.String(); g.dead[a] {
					continue
				}
				said := uptime.AnswerGood
				if g.poor[a.Address.String()] {
					said = uptime.AnswerPoor
				}
				g.at(g.now.Add(20*time.Millisecond), func() { g.l.Answer(r.Number, i, said, g.now) })
			}
		}
		g.note()
		if i < 0 && !g.now.Before(end) {
			return
		}
	}
}

func (g *stage) note() {
	s := g.l.State(g.now)
	if s.Self != g.last.Self {
		g.say(map[verdict.Self]string{verdict.Online: "online", verdict.Offline: "offline", verdict.Unproven: "unproven"}[s.Self])
	}
	if down := len(s.Silent) > 0; down != (len(g.last.Silent) > 0) {
		g.say(map[bool]string{true: "names down", false: "names back"}[down])
	}
	g.last = s
}

func (g *stage) say(what string) {
	g.log = append(g.log, fmt.Sprintf("%d %s", g.now.Sub(start)/time.Second, what))
}

// checks has targets checked every so often, ten seconds for one that is dead.
func (g *stage) checks(every time.Duration, from, to time.Duration, targets ...string) {
	for i, target := range targets {
		for at := from + every*time.Duration(i)/time.Duration(len(targets)); at < to; at += every {
			g.at(start.Add(at), func() {
				r := &uptime.Result{Time: g.now, Location: uptime.Local, Type: "tcp", Address: target + ":443", Outcome: uptime.OutcomeUp}
				if !g.dead[target] {
					g.l.Take(r, g.now)
					return
				}
				r.Outcome, r.Fault = uptime.OutcomeDown, uptime.FaultTCPTimeout
				g.at(g.now.Add(10*time.Second), func() { g.l.Take(r, g.now) })
			})
		}
	}
}

// names has a name looked up every so often.
func (g *stage) names(every, to time.Duration, resolver string) {
	for at := every; at < to; at += every {
		g.at(start.Add(at), func() {
			r := &uptime.Result{Time: g.now, Type: "http", Steps: []uptime.Step{{Step: "dns", Detail: "A 203.0.113.9 ttl 60 from " + resolver}}}
			if !g.dead[resolver] {
				r.Outcome = uptime.OutcomeUp
				g.l.Take(r, g.now)
				return
			}
			r.Outcome, r.Fault, r.Steps = uptime.OutcomeDown, uptime.FaultDNSTimeout, nil
			g.at(g.now.Add(5*time.Second), func() { g.l.Take(r, g.now) })
		})
	}
}

func (g *stage) turn(at time.Duration, dead bool, what ...string) {
	g.at(start.Add(at), func() {
		for _, w := range what {
			g.dead[w] = dead
		}
	})
}

func addrs(all ...string) []netip.AddrPort {
	var out []netip.AddrPort
	for _, a := range all {
		out = append(out, netip.MustParseAddrPort(a))
	}
	return out
}

var (
	four  = []string{"192.0.2.1:443", "192.0.2.130:53", "198.51.100.7:53", "203.0.113.8:443"}
	sites = []string{"198.18.1.1", "198.18.2.1", "198.18.3.1", "198.18.4.1", "198.18.5.1", "198.18.6.1"}
	home  = []netip.Prefix{netip.MustParsePrefix("192.168.1.0/24")}
)

func TestLine(t *testing.T) {
	const sec, min = time.Second, time.Minute
	for _, tc := range []struct {
		name string
		s    Settings
		dead []string
		play func(*stage)
		d    time.Duration
		want string
		why  string
	}{
		{"all is well", Settings{Anchors: addrs(four...)}, nil, func(g *stage) { g.checks(min, 0, 10*min, sites...) }, 10 * min,
			"0 online", "4 of 4 anchors answer"},
		{"our uplink for 40 s", Settings{Anchors: addrs(four...)}, nil, func(g *stage) {
			g.checks(10*sec, 0, 3*min, sites...)
			g.turn(60*sec, true, append(sites, four...)...)
			g.turn(100*sec, false, append(sites, four...)...)
		}, 3 * min, "0 online, 72 offline, 108 online", ""},
		{"one target is silent: we are online", Settings{Anchors: addrs(four...)}, nil, func(g *stage) {
			g.checks(10*sec, 0, 3*min, sites...)
			g.turn(60*sec, true, sites[0])
		}, 3 * min, "0 online", ""},
		{"a slip of the pen in one of four", Settings{Anchors: addrs(four...)}, four[:1], func(g *stage) {
			g.checks(min, 0, 3*min, sites...)
			g.dead[sites[0]] = true
		}, 80 * sec, "10 online, 30 unproven, 72 online", "3 of 3 anchors answer; 1 of "},
		{"… and nobody else to ask", Settings{Anchors: addrs(four...)}, four[:1], func(g *stage) {}, 3 * min, "", "nothing to compare with: of the anchors 3 answer, and it takes 4"},
		{"a slip of the pen in all", Settings{Anchors: addrs(four...)}, four, func(g *stage) {
			g.checks(20*sec, 0, 10*min, sites[0], sites[1])
			g.dead[sites[0]] = true
		}, 10 * min, "10 offline, 18 unproven", "nothing to compare with: no anchor answers"},
		{"anchors die that answered, the monitors know better", Settings{Anchors: addrs(four...)}, nil, func(g *stage) {
			g.checks(10*sec, 0, 30*min, sites...)
			g.turn(60*sec, true, append(four, sites[0])...)
		}, 30 * min, "0 online", ""},
		{"anchors that die one by one are forgotten", Settings{Anchors: addrs(append(four, "203.0.113.200:80")...)}, nil, func(g *stage) {
			g.turn(1*min, true, four[0])
			g.turn(50*min, true, four[1])
		}, 3 * time.Hour, "0 online, 4802 unproven", ""},
		{"nobody but the monitors: all of six networks fail", Settings{}, nil, func(g *stage) {
			g.checks(10*sec, 0, 3*min, sites...)
			g.turn(60*sec, true, sites...)
			g.turn(100*sec, false, sites...)
		}, 3 * min, "5 online, 65 unproven, 75 offline, 108 online", ""},
		{"… for ever: a hoster's outage is told in the end", Settings{}, nil, func(g *stage) {
			g.checks(10*sec, 0, 3*time.Hour, sites...)
			g.turn(60*sec, true, sites...)
		}, 3 * time.Hour, "5 online, 65 unproven, 75 offline, 1875 unproven", "6 of 6 networks fail, for 30m00s, and there are too few anchors"},
		{"few monitors prove nothing", Settings{}, nil, func(g *stage) {
			g.checks(10*sec, 0, 3*min, sites[:3]...)
			g.turn(60*sec, true, sites[:3]...)
		}, 3 * min, "", ""},
		{"the gateway is silent, and paths fail", Settings{Resolvers: addrs("192.168.1.1:53"), Own: home}, nil, func(g *stage) {
			g.checks(20*sec, 0, 3*min, sites[0], sites[1])
			g.turn(60*sec, true, sites[0], sites[1], "192.168.1.1:53")
			g.turn(100*sec, false, sites[0], sites[1], "192.168.1.1:53")
		}, 3 * min, "72 offline, 108 unproven", ""},
		{"the gateway answers, and proves nothing", Settings{Resolvers: addrs("192.168.1.1:53"), Own: home}, nil, func(g *stage) {
			g.checks(20*sec, 0, 3*min, sites[0], sites[1])
			g.turn(60*sec, true, sites[0], sites[1])
		}, 3 * min, "", ""},
		{"what is on our own link is no news of the line", Settings{Anchors: addrs(four...), Own: home}, nil, func(g *stage) {
			g.checks(5*sec, 0, 3*min, "192.168.1.7", "127.0.0.1", sites[0])
			g.turn(60*sec, true, append(four, sites[0])...)
		}, 3 * min, "0 online, 75 offline", ""},
		{"what is beyond it in private is none of the Internet's", Settings{Anchors: addrs(four...), Own: home}, nil, func(g *stage) {
			g.checks(5*sec, 0, 3*min, "10.0.0.1", "10.1.0.1", "10.2.0.1", sites[0])
			g.turn(60*sec, true, append(four, sites[0])...)
		}, 3 * min, "0 online, 75 offline", ""},
		{"started before the network is up", Settings{Anchors: addrs(four...)}, append(four, sites...), func(g *stage) {
			g.checks(20*sec, 0, 3*min, sites[0], sites[1])
			g.turn(60*sec, false, append(four, sites...)...)
		}, 3 * min, "10 offline, 68 online", ""},
		{"… and the anchors are no good at all", Settings{Anchors: addrs(four...)}, append(four, sites...), func(g *stage) {
			g.checks(20*sec, 0, 3*min, sites[0], sites[1])
			g.turn(60*sec, false, sites...)
		}, 3 * min, "10 offline, 68 unproven", ""},
		{"no resolver answers", Settings{Resolvers: addrs("127.0.0.53:53", "192.168.1.1:53"), Own: home}, nil, func(g *stage) {
			g.names(20*sec, 4*min, "127.0.0.53:53")
			g.turn(60*sec, true, "127.0.0.53:53", "192.168.1.1:53")
			g.turn(2*min, false, "127.0.0.53:53", "192.168.1.1:53")
		}, 4 * min, "67 names down, 120 names back", ""},
		{"… and one that does is enough", Settings{Resolvers: addrs("127.0.0.53:53", "192.168.1.1:53"), Own: home}, nil, func(g *stage) {
			g.names(20*sec, 4*min, "127.0.0.53:53")
			g.turn(60*sec, true, "127.0.0.53:53")
		}, 4 * min, "", ""},
		{"a forwarder that lost its line cannot help", Settings{Resolvers: addrs("127.0.0.53:53")}, nil, func(g *stage) {
			g.at(start.Add(60*sec), func() {
				g.poor["127.0.0.53:53"] = true
				g.l.Take(&uptime.Result{Type: "http", Fault: uptime.FaultDNSServfail, Outcome: uptime.OutcomeDown}, g.now)
			})
		}, 90 * sec, "60 names down", ""},
		{"where nobody asks for names silence is nobody's", Settings{Resolvers: addrs("127.0.0.1:53")}, []string{"127.0.0.1:53"}, func(g *stage) {
			g.checks(min, 0, 10*min, sites...)
		}, 10 * min, "", ""},
		{"our uplink takes the resolvers along", Settings{Anchors: addrs(four...), Resolvers: addrs("198.51.100.53:53")}, nil, func(g *stage) {
			g.names(20*sec, 3*min, "198.51.100.53:53")
			g.turn(60*sec, true, append(four, "198.51.100.53:53")...)
			g.turn(2*min, false, append(four, "198.51.100.53:53")...)
		}, 3 * min, "0 online, 67 offline, 127 online", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := play(tc.s, tc.dead...)
			tc.play(g)
			g.until(tc.d)
			if got := strings.Join(g.log, ", "); got != tc.want {
				t.Errorf("got  %s\nwant %s (%s)", got, tc.want, g.last.Why)
			}
			if tc.why != "" && !strings.HasPrefix(g.last.Why, tc.why) {
				t.Errorf("why: %s", g.last.Why)
			}
			for i := 1; i < len(g.rounds); i++ {
				if gap := g.rounds[i] - g.rounds[i-1]; gap < time.Second {
					t.Errorf("rounds at %v, %v later", g.rounds[i], gap)
				}
			}
		})
	}
}
