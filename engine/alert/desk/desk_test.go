package desk

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

var script = []struct {
	name   string
	routes []uptime.Route
	script string
	want   string
}{
	{name: "down and up again", script: `
		a down
		+14m
		a up`, want: `
		0s ops opened #1
		14m0s ops recovered #1`},
	{name: "degraded is told to nobody", script: `
		a degraded
		+1h
		a up`},
	{name: "degraded where it is asked for, and then down", routes: []uptime.Route{{Verdicts: []uptime.Verdict{uptime.Down, uptime.Degraded}, Channels: []string{"ops"}}}, script: `
		a degraded
		+1m
		a down
		+1m
		a degraded
		+1m
		a up`, want: `
		0s ops opened #1
		1m0s ops opened #1
		3m0s ops recovered #1`},
	{name: "behind, and then not", script: `
		a behind b
		a down
		+1m
		a free
		+1m
		a up`, want: `
		1m0s ops opened #1
		2m0s ops recovered #1`},
	{name: "behind to its end", script: `
		a behind b
		a down
		+1m
		a up`},
	{name: "told, and then behind", script: `
		a down
		+1m
		a behind b
		+1m
		a up`, want: `
		0s ops opened #1
		2m0s ops recovered #1`},
	{name: "in maintenance", script: `
		a maintained
		a down
		+1m
		a up
		a active`},
	{name: "in maintenance, and longer", script: `
		a maintained
		a down
		+1m
		a active
		+1m
		a up`, want: `
		1m0s ops opened #1
		2m0s ops recovered #1`},
	{name: "maintenance while it is down", script: `
		a down
		+1m
		a maintained
		+1m
		a up
		+1m
		a active`, want: `
		0s ops opened #1
		2m0s ops recovered #1`},
	{name: "after a delay", routes: []uptime.Route{{Delay: 5 * time.Minute, Channels: []string{"ops"}}}, script: `
		a down
		b down
		+2m
		b up
		+10m
		a up`, want: `
		4m0s ops opened #1
		12m0s ops recovered #1`},
	{name: "a maintenance comes before the delay is over", routes: []uptime.Route{{Delay: 5 * time.Minute, Channels: []string{"ops"}}}, script: `
		a down
		+2m
		a maintained
		+10m
		a active
		+1m
		a up`, want: `
		12m0s ops opened #1
		13m0s ops recovered #1`},
	{name: "flapping for an hour", script: strings.Repeat("a down\n+3m\na up\n+3m\n", 10) + "+20m", want: `
		0s ops opened #1
		3m0s ops recovered #1
		6m0s ops flapping #1
		1h7m0s ops recovered #1`},
	{name: "flapping, and then down for good", script: `
		a down
		+1m
		a up
		+1m
		a down
		+1h
		a up
		+20m`, want: `
		0s ops opened #1
		1m0s ops recovered #1
		2m0s ops flapping #1
		12m0s ops opened #1
		1h12m0s ops recovered #1`},
	{name: "it comes back, and nobody was told", routes: []uptime.Route{{Delay: 5 * time.Minute, Channels: []string{"ops"}}}, script: `
		a down
		+1m
		a up
		+1m
		a down
		+5m
		a up`, want: `
		4m0s ops opened #1
		7m0s ops recovered #1`},
	{name: "another after ten minutes", script: `
		a down
		+1m
		a up
		+15m
		a down`, want: `
		0s ops opened #1
		1m0s ops recovered #1
		16m0s ops opened #2`},
	{name: "reminders", routes: []uptime.Route{{Remind: 30 * time.Minute, Channels: []string{"ops"}}}, script: `
		a down
		+65m
		a acked
		+65m
		a unacked
		+65m
		a up
		+65m`, want: `
		0s ops opened #1
		30m0s ops reminder #1
		1h0m0s ops reminder #1
		2h40m0s ops reminder #1
		3h10m0s ops reminder #1
		3h15m0s ops recovered #1`},
	{name: "escalated", routes: []uptime.Route{{EscalateTo: []string{"pager"}, Channels: []string{"ops"}}}, script: `
		a down
		b down
		+14m
		b acked
		+1h
		a up`, want: `
		0s ops opened #1
		0s ops opened #2
		15m0s pager escalated #1
		15m0s pager escalated #2
		1h14m0s ops recovered #1
		1h14m0s pager recovered #1`},
	{name: "acknowledged, and yet nobody could be told", routes: []uptime.Route{{EscalateTo: []string{"pager"}, Channels: []string{"ops"}}}, script: `
		a down
		b down
		sent 2
		a acked
		b acked
		+1h`, want: `
		0s ops opened #1
		0s ops opened #2
		15m0s pager escalated #1`},
	{name: "over before anybody could be told", routes: []uptime.Route{{EscalateTo: []string{"pager"}, EscalateAfter: time.Hour, Channels: []string{"ops"}}}, script: `
		a down
		+5m
		a up
		+2h`, want: `
		0s ops opened #1
		5m0s ops recovered #1
		1h0m0s pager collapsed #1`},
	{name: "reminded while paused, or behind another", routes: []uptime.Route{{Remind: 30 * time.Minute, Channels: []string{"ops"}}}, script: `
		a down
		+10m
		a paused
		+1h
		a active
		b down
		+1m
		b behind x
		+1h`, want: `
		0s ops opened #1
		1h10m0s ops opened #2
		1h30m0s ops reminder #1
		2h0m0s ops reminder #1`},
	{name: "a new channel", script: `
		a down
		+1m
		channels ops pager web
		+1m
		a up`, want: `
		0s ops opened #1
		0s pager opened #1
		1m0s web opened #1
		2m0s ops recovered #1
		2m0s pager recovered #1
		2m0s web recovered #1`},
	{name: "a channel is removed, and comes back", script: `
		channels ops
		a down
		+1m
		channels pager
		+1m
		channels pager ops
		+1m
		a up`, want: `
		0s ops opened #1
		1m0s pager opened #1
		2m0s ops opened #1
		3m0s pager recovered #1
		3m0s ops recovered #1`},
}

var otherScripts = []struct {
	name   string
	routes []uptime.Route
	script string
	want   string
}{
	{name: "certificates: once for each", script: `
		a ends 1
		+5s
		b ends 2
		+2m
		a up
		+1h
		a ends 1
		+1m
		b up
		b ends 3
		+2m
		b up`, want: `
		1m0s ops certificate #1 #2 a: tls.expires_soon; b: tls.expires_soon
		1h4m5s ops certificate #4`},
	{name: "a certificate gives way to another that is near its end, and to one that is not", script: `
		a ends 1
		+2m
		a shows 2
		+2m
		a shows 1
		+2m
		a up
		a shows 3
		+2m`, want: `
		1m0s ops certificate #1
		3m0s ops certificate #1 the certificate was changed, and this one is near its end, too: it is valid until 2026-12-10`},
	{name: "one certificate of two monitors", script: "a ends 1\n b ends 1\n +2m", want: "1m0s ops certificate #1"},
	{name: "a certificate that a route drops", routes: []uptime.Route{{Faults: []string{"tls.expires_soon"}}}, script: "a ends 1\n +2m"},
	{name: "a certificate goes to whom a route gives, whatever it takes", routes: []uptime.Route{{Names: []string{"a"}, Channels: []string{"pager"}}},
		script: "a ends 1\n b ends 2\n +2m", want: `
		1m0s ops certificate #2
		1m0s pager certificate #1 #2 a: tls.expires_soon; b: tls.expires_soon`},
	{name: "a certificate ends, and then it is down", script: "a ends 1\n +2m\n a down tls.expired\n +2m\n a up", want: `
		1m0s ops certificate #1
		2m0s ops opened #1
		4m0s ops recovered #1`},
	{name: "offline, and not for long", script: "node offline\n +50s\n node online\n +10m"},
	{name: "offline", script: "node offline\n +5m\n node online\n +10m", want: `
		1m0s ops node offline: no anchor answers
		5m0.001s ops node not offline any more`},
	{name: "offline again and again", script: strings.Repeat("node offline\n +5m\n node online\n +3m\n", 6) + "+20m", want: `
		1m0s ops node offline: no anchor answers
		5m0.001s ops node not offline any more
		9m0s ops node offline: no anchor answers; it comes and goes, and nothing more is told before it was well for 10m
		55m0s ops node not offline any more`},
	{name: "started again, and still offline", script: "node offline\n +5m\n node started\n +10s\n node offline\n +5m\n node online\n +1m", want: `
		1m0s ops node offline: no anchor answers
		10m10.001s ops node not offline any more`},
	{name: "started again, and not offline", script: "node offline\n +5m\n node started\n +10m", want: `
		1m0s ops node offline: no anchor answers
		6m0s ops node it is not seen any more since lookout was started again: offline: no anchor answers`},
	{name: "no name server, and then offline", script: "node mute\n +30s\n node offline\n +5m\n node online\n +10m", want: `
		1m30s ops node offline: no anchor answers
		5m30.001s ops node not offline any more`},
	{name: "no name server", script: "node mute\n +5m\n node unmute\n +10m", want: `
		1m0s ops node no name server answers
		5m0.001s ops node name servers answer again`},
	{name: "a probe is gone, and back", script: "probe fra/1 gone\n +5m\n probe fra/1 joining\n probe fra/1 live\n +1m", want: `
		30s ops probe probe fra/1 is gone: so it is
		5m30s ops probe probe fra/1 is live: so it is`},
	{name: "a probe is gone for a moment", script: "probe fra/1 gone\n +20s\n probe fra/1 live\n +1h"},
	{name: "a probe lags, and then it is gone", script: "probe fra/1 lagging\n +3m\n probe fra/1 gone\n +1h", want: `
		2m0s ops probe probe fra/1 is lagging: so it is`},
	{name: "several probes are gone", script: "probe fra/1 gone\n +10s\n probe nyc/1 gone\n +5m\n probe nyc/1 live\n +10s\n probe fra/1 live\n +1m", want: `
		30s ops probe 2 probes are missed: fra/1, nyc/1
		5m40s ops probe 2 probes are live again: fra/1, nyc/1`},
	{name: "what nobody else says waits until we can see", script: "node offline\n a down\n +40s\n node online\n +10s", want: "40.25s ops opened #1"},
}

// TestFirst: what is down when lookout is told for the first time whom to tell.
func TestFirst(t *testing.T) {
	for _, tc := range []struct {
		name, before, after, want string
	}{
		{"two", "a down\n b down", "+1m\n a up\n +1m\n b up", "0s ops opened #1\n0s ops opened #2\n1m0s ops recovered #1\n2m0s ops recovered #2"},
		{"many", "a down\n b down\n c down\n d down\n e down", "+1m\n a up\n b up\n c up\n +1h\n d up\n e up",
			"0s ops opened #1 #2 #3 #4 #5\n10m0s ops joined #1 #2 #3 #4 #5 3 over\n1h1m0s ops recovered #1 #2 #3 #4 #5"},
		{"degraded, behind, in maintenance", "a degraded\n b behind x\n b down\n c maintained\n c down", "+1m\n c active", "1m0s ops opened #3"},
		{"and its certificate is near its end", "a ends 1", "+5m\n a down", "5m0s ops opened #1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, Options{Channels: []string{"ops"}}, plain("a", "b", "c", "d", "e")...)
			w.d = &Desk{kept: state{Cursor: 1 << 40}} // none yet
			w.play(tc.before)
			w.begin().play(tc.after)
			if got := w.told(); got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
}

// TestClockBack: the clock is set back by a day while something waits.
func TestClockBack(t *testing.T) {
	for _, restart := range []bool{false, true} {
		o := Options{Channels: []string{"ops"}, Routes: []uptime.Route{{Channels: []string{"ops"}, Delay: 5 * time.Minute, Remind: 30 * time.Minute}}}
		w := newWorld(t, o, plain("a", "b")...).begin()
		w.restart = restart
		w.play("a down\n +1m\n b down\n")
		w.now = w.now.Add(-24 * time.Hour)
		w.emit(uptime.Event{Kind: uptime.EventClock, Message: "the clock was set back by 24h"}) // as the engine says at once
		w.play("+40m\n a up\n b up\n +1h")
		if got := w.told(); got != "-23h56m0s ops opened #1\n-23h55m0s ops opened #2\n-23h26m0s ops reminder #1\n-23h25m0s ops reminder #2\n"+
			"-23h19m0s ops recovered #1\n-23h19m0s ops recovered #2" {
			t.Errorf("restart %v:\n%s", restart, got)
		}
	}
}

// TestRestored: the log and the records are of other days.
func TestRestored(t *testing.T) {
	w := newWorld(t, Options{Channels: []string{"ops"}}, plain("a", "b")...).begin()
	w.play("a down\n +1m\n b down\n +1m")
	w.events = nil // it was restored from before all that
	for n := range w.open {
		delete(w.open, n)
	}
	for _, name := range w.names {
		w.change(name, func(s *uptime.State) { s.Verdict, s.Incident = uptime.Up, 0 })
	}
	w.number, w.d = 0, nil
	w.begin().play("+1m\n a down\n +1m\n a up\n +1h")
	if got := w.told(); got != "0s ops opened #1\n1m0s ops opened #2\n3m0s ops opened #1\n4m0s ops recovered #1" {
		t.Error(got)
	}
}

// TestCatchUp has a desk take what happened while there was none: what lasts is
// told as ever, and of much that came and went one letter is enough.
func TestCatchUp(t *testing.T) {
	for _, tc := range []struct {
		times int
		want  string
	}{
		{1, "collapsed #1, collapsed #2, collapsed #3, collapsed #4, collapsed #5, opened #6"},
		{12, "collapsed of 60, opened #61"},
	} {
		w := newWorld(t, Options{Channels: []string{"ops"}}, plain("a", "b", "c", "d", "e", "f")...).begin()
		d := w.d
		w.d = &Desk{kept: state{Cursor: 1 << 40}} // one that is not there
		for range tc.times {
			for _, name := range []string{"a", "b", "c", "d", "e"} {
				w.play(name + " down\n +1m\n " + name + " up\n +15m")
			}
		}
		w.play("f down\n +1m")
		w.d = d
		for i := range w.events {
			d.Take(&w.events[i], w.snapshot(), w.now)
		}
		w.store()
		w.pass(time.Hour)
		var got []string
		for _, p := range w.parcels {
			if what := string(p.Kind); p.Count > 1 {
				got = append(got, fmt.Sprintf("%s of %d", what, p.Count))
			} else {
				got = append(got, fmt.Sprintf("%s #%d", what, p.Incidents[0]))
			}
		}
		slices.Sort(got)
		if list := strings.Join(got, ", "); list != tc.want {
			t.Error(list)
		}
	}
}

// TestRecords: what is stored is read again, and what a later version wrote is
// not read as something else.
func TestRecords(t *testing.T) {
	w := newWorld(t, Options{Channels: []string{"ops", "ünï code"}}, estate()...).begin()
	w.play("dead a b c d\n a down\n b down\n node offline\n probe fra/1 gone\n e ends 1\n +90s\n c down\n f degraded")
	for key, data := range w.saved {
		if len(key) > 200 || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) || len(data) > 4000 {
			t.Errorf("record %q of %d bytes", key, len(data))
		}
		for _, bad := range [][]byte{nil, {2, '{', '}'}, {1, '{'}} {
			if _, err := New(w.o, []uptime.OutboxRecord{{Key: key, Data: bad}}); err == nil || !strings.Contains(err.Error(), key) {
				t.Errorf("%s of %q: %v", key, bad, err)
			}
		}
	}
	if len(w.saved) < 8 {
		t.Errorf("%d records", len(w.saved))
	}
}

// TestScripts plays each script as it is, with a desk that is made anew after
// every step, and with one whose every step is lost once before it is stored.
func TestScripts(t *testing.T) {
	for _, tc := range slices.Concat(script, otherScripts) {
		for _, way := range []string{"", "restarted", "lost"} {
			t.Run(strings.TrimSpace(tc.name+" "+way), func(t *testing.T) {
				o := Options{Instance: "web-1", Channels: []string{"ops", "pager"}, Routes: tc.routes}
				if tc.routes == nil && !strings.Contains(tc.script, "channels") {
					o.Channels = o.Channels[:1]
				}
				w := newWorld(t, o, plain("a", "b")...).begin()
				w.alone = strings.Contains(tc.name, "nobody else says")
				w.restart, w.lose = way != "", way == "lost"
				w.play(tc.script)
				if got, want := w.told(), lines(tc.want); got != want {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
			})
		}
	}
}
