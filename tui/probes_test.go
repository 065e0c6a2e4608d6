package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

// probed is the example world with probes at four locations.
func probed() *pageSource {
	f := pagesSource()
	f.snap.Network = "AS8560"
	f.snap.Health = uptime.Health{Rate: 12.4, InFlight: 3, Capacity: 1024, Late: 2, Shed: 7, StoreLatency: 1100 * time.Microsecond, ProbesLive: 3, Probes: 5}
	f.snap.Broker = uptime.Broker{URL: "amqps://probe.example.com/lookout", Connected: true, Since: at.Add(-6*day - 2*time.Hour), Rate: 4.2, Batches: 0.3}
	probe := func(location, network string, state uptime.ProbeState, since time.Duration, version string, seen time.Duration) uptime.Probe {
		return uptime.Probe{Location: location, Name: "1", Network: network, State: state, Since: at.Add(-since), Version: version, Seen: at.Add(-seen), Connected: at.Add(-since)}
	}
	fra := probe("fra", "AS24940", uptime.ProbeLive, 6*day+2*time.Hour, "1.4.2", 800*time.Millisecond)
	fra.RTT, fra.Waiting, fra.Lag, fra.Skew, fra.Rate, fra.Failing, fra.Alone, fra.Monitors = ms(9), 2, ms(100), ms(12), 1.6, 0.002, 0.0001, 68
	nyc := probe("nyc", "AS3356", uptime.ProbeLive, 6*day+2*time.Hour, "1.4.1", 1900*time.Millisecond)
	nyc.RTT, nyc.Waiting, nyc.Lag, nyc.Skew, nyc.Rate, nyc.Failing, nyc.Alone, nyc.Monitors = ms(88), 4, ms(4200), ms(-40), 1.5, 0.002, 0.0005, 68
	nyc.Warning = "version 1.4.1 is older than this engine (1.4.2): it works, update when convenient"
	sgp := probe("sgp", "AS16509", uptime.ProbeLagging, 48*time.Second, "1.4.2", 400*time.Millisecond)
	sgp.RTT, sgp.Waiting, sgp.Lag, sgp.Skew, sgp.Rate, sgp.Failing, sgp.Alone = ms(191), 1204, 48*time.Second, ms(3100), 1.1, 0.009, 0.0061
	sgp.Why = "no proof of work since 12:34:31 (limit 25 s): its votes do not count"
	sgp.Warning = "its clock is 3.1 s ahead; its times are corrected, check NTP there"
	syd := probe("syd", "AS4826", uptime.ProbeGone, 11*time.Minute, "1.3.9", 14*time.Minute)
	syd.Connected, syd.Spool, syd.Alone, syd.Why = time.Time{}, 8412, -1, "nothing heard since 12:21:02"
	fra.Place, nyc.Place, sgp.Place, syd.Place = "Frankfurt", "New York", "Singapore", "Sydney"
	for i := range uptime.LagCells {
		f.snap.Lags[i], fra.Lags[i], nyc.Lags[i], sgp.Lags[i], syd.Lags[i] = time.Second, 11*time.Second, 11*time.Second, 11*time.Second, 11*time.Second
		if i >= 18 {
			sgp.Lags[i], syd.Lags[i] = time.Duration(12+3*(i-17))*time.Second, uptime.LagGone
		}
	}
	nyc.Lags[5], nyc.Lags[0], nyc.Lags[1] = 15*time.Second, 0, 0
	f.snap.Probes = []uptime.Probe{fra, nyc, sgp, syd}
	said := func(id uint64, when, message, note, by string) {
		e := event(id, "2026-11-22 "+when, uptime.EventProbe, "", message)
		e.Note, e.By = note, by
		f.events = append(f.events, e)
	}
	said(15, "12:12:02", "syd/10 said hello", "joining", "engine")
	said(16, "12:24:02", "syd/1 gone: nothing heard for 3 minutes", "gone", "engine")
	said(17, "12:34:56", "sgp/1 lagging: no proof of work for 25 s, its votes do not count", "lagging", "engine")
	said(18, "12:35:01", "sgp/1 excluded: its vote does not count", "a bad line", "jo")
	f.snap.Events = 18
	return f
}

func TestProbesScreens(t *testing.T) {
	goldenPage(t, "probes", probed, func() page { return newProbes() }, "j", "j", "j")
	goldenPage(t, "probes-none", pagesSource, func() page { return newProbes() })
	goldenPage(t, "probes-lost", func() *pageSource {
		f := probed()
		f.link.Lost, f.link.Reason = at.Add(-9*time.Minute), "there is no socket"
		return f
	}, func() page { return newProbes() })
	goldenPage(t, "probes-many", manyProbes, func() page { return newProbes() }, "j", "j", "j", "j", "j", "j", "j", "j", "j", "j", "j", "j")
	goldenPage(t, "probes-waiting", func() *pageSource {
		f := probed()
		f.snap.Probes = nil
		return f
	}, func() page { return newProbes() })
	goldenPage(t, "probes-unseen", unseen, func() page { return newProbes() }, "j")
	goldenPage(t, "probe-unseen", unseen, func() page { return newProbePage("ams") })
	goldenPage(t, "probe", probed, func() page { return newProbePage("sgp/1") })
	goldenPage(t, "probe-gone", probed, func() page { return newProbePage("syd/1") })
	goldenPage(t, "probe-local", probed, func() page { return newProbePage(uptime.Local) })
	goldenPage(t, "probes-exclude", probed, func() page { return newProbes() }, "j", "x")
	goldenPage(t, "events-probes", probed, func() page { return newEvents() }, "z", "z", "/", "p", "r", "o", "b", "e", "enter")
	goldenPage(t, "events-of-probe", probed, func() page { return newProbes() }, "G", "l")
}

// unseen is a world with a location that no probe came from.
func unseen() *pageSource {
	f := probed()
	f.snap.Place = "Nuremberg"
	f.snap.Probes = append([]uptime.Probe{{Location: "ams", Network: "AS1103", Place: "Amsterdam", State: uptime.ProbeUnseen, Alone: -1,
		Why: "never seen since the engine began: start lookout probe there with its probe.toml, which lookout remote init --out DIR ams/1 writes; lookout remote check says what the broker refuses"}}, f.snap.Probes...)
	return f
}

// TestUnseenHasNoVote: there is nobody whose vote could be taken away.
func TestUnseenHasNoVote(t *testing.T) {
	s := pagesShell(unseen(), 80, 24, theme.New(theme.None, false, false))
	visit(t, s, newProbes())
	press(t, s, "j", "x")
	if s.panel != nil || !strings.Contains(s.message.text, "no probe of ams has come yet") {
		t.Errorf("x says %q", s.message.text)
	}
}

// manyProbes is more of them than lines, with long names, a broker that is not
// there, and one that was excluded.
func manyProbes() *pageSource {
	f := probed()
	f.snap.Broker.Connected, f.snap.Broker.Since, f.snap.Broker.Error, f.snap.Broker.Dead = false, at.Add(-time.Minute), "wrong password for user engine: see password_file", 3
	live := f.snap.Probes[0]
	for i := range 40 {
		p := live
		p.Location, p.Name, p.Network = "frankfurt-am-main", fmt.Sprintf("rack-%02d", i), "AS24940"
		f.snap.Probes = append(f.snap.Probes, p)
	}
	f.snap.Probes[10].Excluded = "jo"
	f.snap.Probes[11].State, f.snap.Probes[11].Lost = uptime.ProbeJoining, 12
	return f
}

// TestProbesHostile: what a probe sends moves nothing on the screen.
func TestProbesHostile(t *testing.T) {
	f := probed()
	for i := range f.snap.Probes {
		p := &f.snap.Probes[i]
		p.Location, p.Name, p.Network, p.Version, p.Why, p.Warning, p.Excluded = hostile+fmt.Sprint(i), hostile, hostile, hostile, hostile, hostile, hostile
	}
	f.snap.Broker.URL, f.snap.Broker.Error, f.snap.Network = "amqps://"+hostile, hostile, hostile
	id := f.snap.Probes[2].ID()
	everySize(t, f, func() page { return newProbes() })
	everySize(t, f, func() page { return newProbePage(id) })
	everySize(t, manyProbes(), func() page { return newProbes() })
	everySize(t, &pageSource{snap: &uptime.Snapshot{Time: at}}, func() page { return newProbes() })
	everySize(t, &pageSource{}, func() page { return newProbes() })
	everySize(t, &pageSource{}, func() page { return newProbePage("fra/1") })
}

// TestProbesPast: the log does not tell how probes were.
func TestProbesPast(t *testing.T) {
	s := pagesShell(probed(), 80, 24, theme.New(theme.None, false, false))
	visit(t, s, newProbes())
	press(t, s, "[")
	if got := plainText(s.render()); !strings.Contains(got, "not told of the past") || strings.Contains(got, "fra/1") {
		t.Errorf("the past shows\n%s", got)
	}
}

// TestProbeStaysSelected: the cursor is on a probe, not on a line.
func TestProbeStaysSelected(t *testing.T) {
	f := probed()
	s := pagesShell(f, 80, 24, theme.New(theme.None, false, false))
	l := newProbes()
	visit(t, s, l)
	press(t, s, "j", "j")
	next := *f.snap
	next.Seq++
	next.Probes = append([]uptime.Probe{{Location: "ams", Name: "1"}}, f.snap.Probes...)
	f.snap = &next
	s.pull()
	if got := l.row().id(); got != "nyc/1" {
		t.Errorf("the cursor is on %s", got)
	}
	press(t, s, "enter", "y")
	if !strings.Contains(s.message.text, "nyc/1") {
		t.Errorf("enter, y says %q", s.message.text)
	}
}

// TestExcludeAsks: the vote of a probe is taken away and given back after a
// question, with a note, and u takes that back.
func TestExcludeAsks(t *testing.T) {
	f := probed()
	f.snap.Probes[1].Excluded = "jo"
	s := pagesShell(f, 80, 24, theme.New(theme.None, false, false))
	visit(t, s, newProbes())
	press(t, s, "x")
	if s.panel != nil || !strings.Contains(s.message.text, "this node is no probe") {
		t.Errorf("on local: %q", s.message.text)
	}
	press(t, s, "j", "x")
	if got := plainText(s.render()); !strings.Contains(got, " exclude fra/1   note") || !strings.Contains(got, "its vote does not count") || len(f.voted) > 0 {
		t.Errorf("x shows\n%s\nand did %q", got, f.voted)
	}
	press(t, s, "x", "esc")
	if s.panel != nil || len(f.voted) > 0 {
		t.Errorf("x and esc did %q", f.voted)
	}
	press(t, s, "x", "n", "l", "i", "a", "r", "enter", "y")
	if !strings.Contains(s.message.text, "fra/1 is excluded") {
		t.Errorf("y says %q", s.message.text)
	}
	press(t, s, "u")
	if !strings.Contains(s.message.text, "fra/1 is as it was") {
		t.Errorf("u says %q", s.message.text)
	}
	press(t, s, "j", "enter", "x", "y")
	if want := "[exclude fra/1: liar include fra/1: undone include nyc/1: ]"; fmt.Sprint(f.voted) != want {
		t.Errorf("did %q, want %s", f.voted, want)
	}
	f.err = errSource
	press(t, s, "x", "y")
	if !strings.Contains(s.message.text, errSource.Error()) {
		t.Errorf("a failure says %q", s.message.text)
	}
	s.readOnly = true
	press(t, s, "x")
	if s.panel != nil || !strings.Contains(s.message.text, "may only look") {
		t.Errorf("read-only: %q", s.message.text)
	}
}

// TestEventOpensProbe: enter on an event of a probe shows that one.
func TestEventOpensProbe(t *testing.T) {
	s := pagesShell(probed(), 80, 24, theme.New(theme.None, false, false))
	visit(t, s, newEvents())
	press(t, s, "tab", "j", "enter")
	if d, ok := s.top().(*probePage); !ok || d.id != "sgp/1" {
		t.Errorf("enter shows\n%s", plainText(s.render()))
	}
}

func TestMentions(t *testing.T) {
	for _, tt := range []struct {
		text, id string
		want     bool
	}{
		{"fra/1 lagging", "fra/1", true},
		{"jo excluded fra/1", "fra/1", true},
		{"fra/1: gone", "fra/1", true},
		{"fra/10 lagging", "fra/1", false},
		{"south-fra/1 lagging, fra/1 not", "fra/1", true},
		{"south-fra/1 lagging", "fra/1", false},
		{"nobody", "fra/1", false},
	} {
		if got := mentions(tt.text, tt.id); got != tt.want {
			t.Errorf("%q mentions %s: %v", tt.text, tt.id, got)
		}
	}
}

func TestOlder(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{{"1.4.1", "1.4.2", true}, {"1.4.2", "1.4.2", false}, {"1.10.0", "1.9.9", false}, {"1.9.9", "1.10.0", true}, {"", "1.4.2", false}, {"1.4.2", "", false}, {"1.4", "1.4.2", false}, {"1.5.0-dev", "1.5.1", true}} {
		if got := older(tt.a, tt.b); got != tt.want {
			t.Errorf("%q before %q: %v", tt.a, tt.b, got)
		}
	}
}

func TestSkew(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0ms", ms(12): "+12ms", ms(-40): "-40ms", ms(1500): "+1.5s", ms(3100): "+3.1s!", -2 * time.Hour: "-2h00m!"} {
		if got := skew(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

// TestBrokerLostIsSaid: the overview says that nobody elsewhere can be asked.
func TestBrokerLostIsSaid(t *testing.T) {
	for _, w := range []int{80, 120} {
		s := pagesShell(manyProbes(), w, 24, theme.New(theme.None, false, false))
		if got := plainText(s.render()); !strings.Contains(got, "broker LOST") {
			t.Errorf("%d columns:\n%s", w, got)
		}
		s = pagesShell(probed(), w, 24, theme.New(theme.None, false, false))
		if got := plainText(s.render()); strings.Contains(got, "LOST") {
			t.Errorf("%d columns, connected:\n%s", w, got)
		}
	}
}

// TestProbesNoDoubleGaps: whatever part is not there leaves no gap behind.
func TestProbesNoDoubleGaps(t *testing.T) {
	for _, connected := range []bool{true, false} {
		f := unseen()
		f.snap.Probes = f.snap.Probes[:1]
		if f.snap.Broker.Connected = connected; !connected {
			f.snap.Broker.Error = "refused"
		}
		s := pagesShell(f, 120, 40, theme.New(theme.None, false, false))
		visit(t, s, newProbes())
		text := plainText(s.render())
		if before, _, ok := strings.Cut(text, " LOCAL"); !ok || strings.Contains(before, "\n\n\n") {
			t.Errorf("connected %t:\n%s", connected, text)
		}
	}
}
