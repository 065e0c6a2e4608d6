package desk

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// farm makes monitors: n of them, each as make says.
func farm(n int, make func(i int, m *uptime.Monitor)) []*uptime.Monitor {
	var out []*uptime.Monitor
	for i := range n {
		m := &uptime.Monitor{Name: fmt.Sprintf("m%04d", i), Type: "http", Interval: time.Minute}
		m.Dest = fmt.Sprintf("10.%d.%d.1:443", i/200, i%200)
		if make != nil {
			make(i, m)
		}
		out = append(out, m)
	}
	return out
}

func TestStorms(t *testing.T) {
	rack := func(i int, m *uptime.Monitor) {
		if i < 40 {
			m.Parent = "switch"
		}
	}
	site := func(i int, m *uptime.Monitor) {
		m.Dest = fmt.Sprintf("www.site%d.example:443", i)
		if i < 300 {
			m.Note = "192.0.2.7:443"
		} else {
			m.Note = fmt.Sprintf("192.0.2.%d:443", i%200+10)
			if i >= 600 {
				m.Note = fmt.Sprintf("10.%d.%d.1:443", i/200, i%200)
			}
		}
	}
	for _, tc := range []struct {
		name     string
		monitors []*uptime.Monitor
		alone    bool
		dead     func(m *uptime.Monitor) bool
		want     string // the first letter, from its kind on
		first    int    // that go out before anybody recovers
		looks    int    // at most
	}{
		{name: "everything behind one uplink, as far as nobody else says", monitors: farm(1000, nil), alone: true,
			dead: func(m *uptime.Monitor) bool { return true }, want: "opened this node", first: 1, looks: 60},
		{name: "a network", monitors: farm(1000, func(i int, m *uptime.Monitor) {
			m.Dest = fmt.Sprintf("10.0.%d.%d:443", i/250, i%250+1)
		}), dead: func(m *uptime.Monitor) bool { return strings.HasPrefix(m.Dest, "10.0.1.") }, want: "opened network 10.0.1.0/24", first: 1, looks: 60},
		{name: "a rack behind a parent that is well", monitors: append(farm(400, rack), &uptime.Monitor{Name: "switch", Type: "icmp", Dest: "10.9.9.9", Interval: time.Minute}),
			dead: func(m *uptime.Monitor) bool { return m.Parent == "switch" }, want: "opened parent switch", first: 1, looks: 60},
		{name: "a rack, and nobody else is asked", monitors: append(farm(400, rack), &uptime.Monitor{Name: "switch", Type: "icmp", Dest: "10.9.9.9", Interval: time.Minute}), alone: true,
			dead: func(m *uptime.Monitor) bool { return m.Parent == "switch" }, want: "opened parent switch", first: 1, looks: 120},
		{name: "a host among others in its network", monitors: farm(1000, site), alone: true,
			dead: func(m *uptime.Monitor) bool { return m.Note == "192.0.2.7:443" }, want: "opened host 192.0.2.7", first: 1, looks: 150},
		{name: "a domain", monitors: farm(300, func(i int, m *uptime.Monitor) {
			if i < 30 {
				m.Dest = fmt.Sprintf("s%d.example.co.uk:443", i)
			} else {
				m.Dest = fmt.Sprintf("www.site%d.co.uk:443", i)
			}
		}), dead: func(m *uptime.Monitor) bool { return strings.Contains(m.Dest, "example.co.uk") }, want: "opened name example.co.uk", first: 1, looks: 30},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, Options{Channels: []string{"ops"}}, tc.monitors...)
			var dead []string
			for _, m := range tc.monitors {
				if st := w.states[m.Name]; m.Note != "" {
					st.Address = m.Note
				} else if strings.Contains(m.Dest, ".uk") {
					st.Address = ""
				}
				if tc.dead(m) {
					dead = append(dead, m.Name)
				}
			}
			w.alone = tc.alone
			w.begin()
			w.dies(dead...)
			w.pass(9 * time.Minute)
			if len(w.parcels) != tc.first || !strings.Contains(w.told(), tc.want) {
				t.Errorf("%d dead: %d letters\n%.1000s\nwant %s", len(dead), len(w.parcels), w.told(), tc.want)
			}
			if p := w.parcels[0]; p.Count+p.Failing < len(dead)*9/10 || p.Count+p.Failing > len(dead) {
				t.Errorf("%d, and %d more, of %d", p.Count, p.Failing, len(dead))
			}
			if n := len(w.looked); n > tc.looks {
				t.Errorf("%d checks out of turn", n)
			}
			w.pass(2 * time.Hour)
			w.revives(dead...)
			w.pass(time.Hour)
			if last := w.parcels[len(w.parcels)-1]; len(w.parcels) != tc.first+1 || last.Kind != uptime.AlertRecovered || last.Count != len(dead) || last.Ends != 1 {
				t.Errorf("at last\n%.1000s", w.told())
			}
			if left := len(w.d.matters) + len(w.d.groups) + len(w.d.holding) + len(w.d.looking) + len(w.d.letters) + len(w.d.sharing); left > 0 || len(w.saved) > 4 {
				t.Errorf("%d things and %d records are left: %v", left, len(w.saved), w.saved)
			}
		})
	}
}

// TestAloneAmongOthers: one that shares a cause with others goes out as soon as
// these have answered, and says nothing of a cause.
func TestAloneAmongOthers(t *testing.T) {
	all := farm(50, func(i int, m *uptime.Monitor) { m.Dest = fmt.Sprintf("192.0.2.%d:443", i/2+1) })
	w := newWorld(t, Options{Channels: []string{"ops"}}, all...)
	w.alone = true
	w.begin()
	w.dead["m0006"] = true
	w.fails("m0006", uptime.Down, uptime.FaultTCPRefused)
	if w.d.Held() != 1 || len(w.parcels) > 0 || len(w.looked) < 6 || slices.Contains(w.looked, "m0006") {
		t.Fatalf("held %d, looked %q\n%s", w.d.Held(), w.looked, w.told())
	}
	w.pass(time.Second)
	if got := w.told(); got != "250ms ops opened #1" {
		t.Error(got)
	}
}

// TestCrowd: a part of what is watched fails, most of which shares nothing but
// this machine, of which most answers: some are told one by one, and then all
// others in one letter.
func TestCrowd(t *testing.T) {
	all := farm(1000, nil)
	w := newWorld(t, Options{Channels: []string{"ops"}}, all...)
	w.alone = true
	w.begin()
	var dead []string
	for _, m := range all[:250] {
		dead = append(dead, m.Name)
	}
	w.dies(dead...)
	w.pass(9 * time.Minute)
	if n := len(w.parcels); n > crowdOf+2 {
		t.Errorf("%d letters for %d of %d\n%.2000s", n, len(dead), len(all), w.told())
	}
	w.pass(time.Hour)
	w.revives(dead...)
	w.pass(time.Hour)
	told, n := 0, 0
	for _, p := range w.parcels {
		if p.Kind == uptime.AlertRecovered {
			told, n = told+p.Count, n+1
		}
	}
	if told != len(dead) || n > crowdOf+1 {
		t.Errorf("%d letters that %d are back, want %d\n%.2000s", n, told, len(dead), w.told())
	}
}

// TestCrowdNamed: who joins a crowd, of which nothing is known but that it is
// one, is named within two minutes, and nobody twice.
func TestCrowdNamed(t *testing.T) {
	all := farm(100, nil)
	w := newWorld(t, Options{Channels: []string{"ops"}}, all...)
	w.alone = true
	w.begin()
	for _, m := range all[:14] {
		w.dies(m.Name)
		w.pass(2 * time.Second)
	}
	w.pass(3 * time.Minute)
	named := map[uint64]int{}
	for i, p := range w.parcels {
		for _, n := range p.Incidents {
			named[n]++
		}
		if i == crowdOf && p.Failing > 3 {
			t.Errorf("%d more fail, it says", p.Failing)
		}
	}
	if len(named) != 14 || len(w.parcels) != crowdOf+2 {
		t.Errorf("%d of 14 are named, by %d letters\n%.3000s", len(named), len(w.parcels), w.told())
	}
	w.pass(time.Hour)
	if len(w.parcels) != crowdOf+2 {
		t.Errorf("%d letters at last\n%.3000s", len(w.parcels), w.told())
	}
	for _, m := range all[:14] { // these are over, and soon after there are others
		w.revives(m.Name)
	}
	w.pass(time.Minute)
	before := len(w.parcels)
	for _, m := range all[20:34] {
		w.dies(m.Name)
	}
	w.pass(3 * time.Minute)
	for _, p := range w.parcels[before:] {
		if p.Kind == uptime.AlertFlapping || p.Count > 4 {
			t.Errorf("fourteen others are told as %s\n%.3000s", p.Kind, w.told())
			break
		}
	}
}

// TestParentLast: those behind a parent are confirmed, and told, before the
// parent is; then that is told already.
func TestParentLast(t *testing.T) {
	all := append(farm(400, func(i int, m *uptime.Monitor) {
		if i < 40 {
			m.Parent = "switch"
		}
	}), &uptime.Monitor{Name: "switch", Type: "icmp", Dest: "10.9.9.9", Interval: time.Minute})
	w := newWorld(t, Options{Channels: []string{"ops"}}, all...)
	w.alone = true
	w.begin()
	var rack []string
	for _, m := range all[:40] {
		rack = append(rack, m.Name)
	}
	w.dies(rack...)
	w.pass(3 * time.Minute)
	w.dead["switch"] = true
	w.fails("switch", uptime.Down, uptime.FaultTCPRefused)
	w.pass(5 * time.Minute)
	if got := w.told(); len(w.parcels) != 1 || !strings.Contains(got, "opened parent switch") {
		t.Errorf("got %.1000s", got)
	}
	w.revives(append(rack, "switch")...)
	w.pass(5 * time.Minute)
	if last := w.parcels[len(w.parcels)-1]; len(w.parcels) != 2 || last.Kind != uptime.AlertRecovered || last.Count != 41 {
		t.Errorf("at last %.1000s", w.told())
	}
}

// TestParentWith: a parent and those behind it are confirmed within a second, in
// any order, before it is known that they share that: it is one letter all the same.
func TestParentWith(t *testing.T) {
	for _, order := range []string{"uplink kid0 kid1 kid2", "kid0 uplink kid1 kid2", "kid0 kid1 kid2 uplink"} {
		t.Run(order, func(t *testing.T) {
			all := append(farm(20, func(i int, m *uptime.Monitor) { m.Dest = fmt.Sprintf("10.%d.1.1:80", 20+i) }), &uptime.Monitor{Name: "uplink", Type: "icmp", Dest: "10.9.9.9", Interval: time.Minute})
			for i := range 3 {
				all = append(all, &uptime.Monitor{Name: fmt.Sprintf("kid%d", i), Type: "http", Parent: "uplink", Dest: fmt.Sprintf("10.4.%d.1:80", i), Interval: time.Minute})
			}
			w := newWorld(t, Options{Channels: []string{"ops"}}, all...)
			w.alone = true
			w.begin()
			names := strings.Fields(order)
			for _, n := range names {
				w.dead[n] = true
			}
			for _, n := range names {
				w.fails(n, uptime.Down, uptime.FaultTCPRefused)
				w.pass(20 * time.Millisecond)
			}
			w.pass(time.Minute)
			if got := w.told(); len(w.parcels) != 1 || !strings.Contains(got, "opened parent uplink") {
				t.Errorf("got %s", got)
			}
			w.revives(names...)
			w.pass(5 * time.Minute)
			if last := w.parcels[len(w.parcels)-1]; len(w.parcels) != 2 || last.Kind != uptime.AlertRecovered || last.Count != 4 {
				t.Errorf("at last %s", w.told())
			}
		})
	}
}

// TestNoneOfTheCrowd: while a quarter of what is watched cannot be reached, and is
// told as one, others fail for reasons of their own: they do not wait for its digest.
func TestNoneOfTheCrowd(t *testing.T) {
	all := farm(1000, func(i int, m *uptime.Monitor) {
		if i >= 990 {
			m.Dest = fmt.Sprintf("192.0.2.%d:443", i-989)
		}
	})
	w := newWorld(t, Options{Channels: []string{"ops"}}, all...)
	w.alone = true
	w.begin()
	for _, m := range all[:250] {
		w.dead[m.Name] = true
	}
	for _, m := range all[:40] {
		w.fails(m.Name, uptime.Down, uptime.FaultTCPTimeout)
		w.pass(300 * time.Millisecond)
	}
	if n := len(w.parcels); n != crowdOf+1 {
		t.Fatalf("%d letters\n%s", n, w.told())
	}
	for _, tc := range []struct {
		name, monitor string
		fault         uptime.Fault
	}{
		{"it refuses, which a line that is cut does not", "m0800", uptime.FaultTCPRefused},
		{"it answers, and wrongly", "m0801", uptime.FaultHTTPStatus},
		{"it is silent among neighbours that answer", "m0995", uptime.FaultTCPTimeout},
	} {
		n, at := len(w.parcels), w.now
		w.dead[tc.monitor] = true
		w.fails(tc.monitor, uptime.Down, tc.fault)
		w.pass(5 * time.Second)
		if len(w.parcels) != n+1 || w.parcels[n].Cause.Kind != "" || w.parcels[n].At.Sub(at) > time.Second {
			t.Errorf("%s: %d letters\n%.2000s", tc.name, len(w.parcels)-n, w.told())
		}
	}
	w.fails("m0100", uptime.Down, uptime.FaultTCPTimeout)
	if n := len(w.parcels); n != crowdOf+4 {
		t.Errorf("one of the crowd is told for itself: %d letters", n)
	}
	for _, m := range all[500:540] { // and what fails alike in another way is a crowd, too
		w.fails(m.Name, uptime.Down, uptime.FaultHTTPStatus)
		w.pass(300 * time.Millisecond)
	}
	if n := len(w.parcels); n > 2*crowdOf+4 {
		t.Errorf("%d letters", n)
	}
}

// TestFewOthers: two that share nothing but this machine fail at a time, while
// neighbours of one of them answer: it is not this machine.
func TestFewOthers(t *testing.T) {
	for _, tt := range []struct {
		name string
		dead string
		want string
	}{
		{"neighbours answer", "a0 z", "opened #1, opened #2"},
		{"all fail", "a0 a1 a2 a3 z", "opened this node #1"},
		{"a network, and another", "a0 a1 a2 a3", "opened network 10.60.0.0/24 #1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all := []*uptime.Monitor{{Name: "z", Type: "http", Dest: "10.61.0.1:80", Interval: time.Minute}}
			for i := range 4 {
				all = append(all, &uptime.Monitor{Name: fmt.Sprintf("a%d", i), Type: "http", Dest: fmt.Sprintf("10.60.0.%d:80", i+1), Interval: time.Minute})
			}
			w := newWorld(t, Options{Channels: []string{"ops"}}, all...)
			w.alone = true
			w.begin()
			dead := strings.Fields(tt.dead)
			for _, n := range dead {
				w.dead[n] = true
			}
			w.play(dead[len(dead)-1] + " suspect")
			for _, n := range dead {
				w.fails(n, uptime.Down, uptime.FaultTCPTimeout)
				w.pass(time.Second)
			}
			w.pass(time.Minute)
			var got []string
			for _, p := range w.parcels {
				said := string(p.Kind)
				if p.Cause.Kind != "" {
					said += " " + p.Cause.String()
				}
				got = append(got, fmt.Sprintf("%s #%d", said, p.Incidents[0]))
			}
			if strings.Join(got, ", ") != tt.want {
				t.Errorf("got %v, want %s", got, tt.want)
			}
		})
	}
}

// TestTogether: what is taken at once is named by one letter.
func TestTogether(t *testing.T) {
	for _, restart := range []bool{false, true} {
		all := farm(8, func(i int, m *uptime.Monitor) { m.Dest = fmt.Sprintf("10.%d.0.1:80", 50+i) })
		w := newWorld(t, Options{Channels: []string{"ops", "sms"}}, all...)
		w.alone, w.restart = true, restart
		w.begin()
		w.together(func() {
			for _, m := range all[:5] {
				w.dead[m.Name] = true
				w.fails(m.Name, uptime.Down, uptime.FaultTCPRefused)
			}
		})
		w.pass(time.Hour)
		if len(w.parcels) != 2 {
			t.Fatalf("got %s", w.told())
		}
		for _, p := range w.parcels {
			if p.Count != 5 || p.Failing != 0 || len(p.Incidents) != 5 || p.Over != 0 {
				t.Errorf("got %+v", p)
			}
		}
	}
}

// TestAfterCause: one that fails right after a cause is over is alone.
func TestAfterCause(t *testing.T) {
	all := farm(8, func(i int, m *uptime.Monitor) { m.Dest = fmt.Sprintf("10.%d.0.1:80", 50+i) })
	w := newWorld(t, Options{Channels: []string{"ops"}}, all...)
	w.alone = true
	w.begin()
	w.together(func() {
		for _, m := range all {
			w.fails(m.Name, uptime.Down, uptime.FaultTCPRefused)
		}
	})
	w.pass(5 * time.Second)
	for _, m := range all {
		w.recovers(m.Name)
	}
	w.pass(5 * time.Second)
	last := *all[0]
	last.Name = "site-new"
	last.Dest = "10.99.0.1:80"
	w.states["site-new"] = &uptime.State{Monitor: &last, Verdict: uptime.Up, Since: noon, Last: w.now, Outcome: uptime.OutcomeUp, Address: last.Dest}
	w.names = append(w.names, "site-new")
	slices.Sort(w.names)
	w.configure()
	before := len(w.parcels)
	w.dead["site-new"] = true
	w.fails("site-new", uptime.Down, uptime.FaultTCPRefused)
	w.pass(time.Minute)
	if got := w.parcels[before:]; len(got) != 1 || got[0].Kind != uptime.AlertOpened || got[0].Cause.Kind != "" {
		t.Errorf("one after a cause: %s", w.told())
	}
}
