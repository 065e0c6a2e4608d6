package verdict

import (
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// Scripts of one letter a step, for each rule. Of home, five seconds apart:
//
//	. ok  x refused  t silent  v status 503  n no such name  c expired certificate
//	k too slow  w certificate near its end  b a bot wall  ? a fault of ours
//	~ a check still runs at the soft limit  o silent, and we know that we are offline
//
// Of others, a second apart, each time another one of fra (network a), nyc (b)
// and sgp (c), or the one that was asked and has not answered yet:
//
//	X refused  T silent  N no such name  C expired certificate  G ok
//	B a bot wall  U it is offline, and knows it
//	S lon, also of network a, refused  H a place in home's own network, refused
//	F fra fails its baseline
//
// L begins a last look, in which fra and nyc are asked; _ waits ten seconds and
// weighs again, - a minute, = five.
// What is: p pending  u up  s suspect  W degraded  D down  ? unknown; and
// A where an incident opens, R where it is re-opened, F where it flaps, C where it changes, Z where it closes.
func TestScripts(t *testing.T) {
	for _, tc := range []struct {
		name, script, want string
	}{
		{"0 ours is no evidence", ".?.", "u u u"},
		{"0 ours, twice: unknown, and no page", ".??.", "u u ? u"},
		{"0 ours from the start is neither up nor down", "???", "? ? ?"},
		{"0 ours does not end an outage", ".tTTT__LTTt??t", "u s s s s s s DA D ? D"},
		{"1 a failing check is a doubt at once", ".x", "u s"},
		{"1 and so is a slow one", ".~", "u s"},
		{"1 which may still end well", ".~.", "u s u"},
		{"1 a failing regular check elsewhere is a doubt", ".X", "u s"},
		{"1 … and no outage while home is well", ".XXXX__.", "u s s s s s"},
		{"2 silence is void while we are offline", ".oo", "u u ?"},
		{"2 what failed before we knew counts for nothing", ".tTot__LTTt", "u s s s s s s s"},
		{"3 two networks and home: -4.6 + 2.5 + 2.3 + 2.3 + 0.4 is not 3, …", ".tTT__LTTt", "u s s s s s s"},
		{"3 … and with the fourth of home it is", ".tTTt__LTTt", "u s s s s s s DA"},
		{"3 one network is not enough", ".xXxxx__LXx", "u s s s s s s s"},
		{"3 two places of one network are one", ".xXSxxx__LXx", "u s s s s s s s s"},
		{"3 a place in home's network is none", ".xXHxxx__LXx", "u s s s s s s s s"},
		{"3 names weigh little: two networks", ".nNN__LNNn", "u s s s s s s"},
		{"3 … three, and home three times", ".nNNNnnn__LNNn", "u s s s s s s s s s DA"},
		{"3 a success weighs against", ".tTTGt__LTTt", "u s s s s s s s s"},
		{"3 an expired certificate, two networks", ".cCCccc__LCCc", "u s s s s s s s s DA"},
		{"3 a wall abstains", ".tTBt__LTt", "u s s s s s s"},
		{"3 an offline place abstains", ".tTUt__LTt", "u s s s s s s"},
		{"3 who fails its baseline abstains", ".FtTTt__LTt", "u s s s s s s"},
		{"5 not before the dwell", ".tTTTLTTt", "u s s s s s s s"},
		{"5 … but after it", ".tTTTLTTt_", "u s s s s s s s DA"},
		{"5 not without a last look", ".tTTT__t", "u s s s s s"},
		{"5 not if the last look sees it", ".tTTT__LTGt", "u s s s s s s s"},
		{"5 not if home succeeds last", ".tTTT__LTT.", "u s s s s s s s"},
		{"5 an answering server: three checks through the dwell and a last one", ".xXXxxxLXXx", "u s s s s s s s s DA"},
		{"5 … not fewer", ".xXX__LXXx", "u s s s s s s"},
		{"6 cleared: low odds and a success", ".xGG.", "u s s s u"},
		{"6 not while home fails", ".xGGGx", "u s s s s s"},
		{"7 three complaints in a row", ".kkk", "u u u WA"},
		{"7 … or failures that nobody confirms", ".xG.xG.xG.xG.", "u s s u s s u s s u s s WA"},
		{"7 a certificate near its end, at once", ".w.", "u WA uZ"},
		{"7 a bot wall, at once, and never down", ".bbbb", "u WA W W W"},
		{"7 degraded, then down: not within a minute", "wtTTT__LTTt", "WA s s s s s s s"},
		{"7 … but after it", "wtTTT_____LTTt", "WA s s s s s s DC"},
		{"8 two successes five seconds apart, and somebody else's", ".tTTT__LTTt..G", "u s s s s s s DA D D uZ"},
		{"8 not without, while an answer may come", ".tTTT__LTTt..", "u s s s s s s DA D D"},
		{"8 … but then", ".tTTT__LTTt..__", "u s s s s s s DA D D uZ"},
		{"8 one success is none", ".tTTT__LTTt.t.", "u s s s s s s DA D D D"},
		{"8 back within ten minutes, told once", ".tTTT__LTTt..G=tTTT__LTTt..G=tTTT__LTTt", "u s s s s s s DA D D uZ s s s s s s DRF D D uZ s s s s s s DR"},
		{"8 later", ".tTTT__LTTt..G==-tTTT__LTTt", "u s s s s s s DA D D uZ s s s s s s DA"},
		{"9 another cause meanwhile", ".tTTT__LTTtvvt", "u s s s s s s DA DC D DC"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := script(t, tc.script); got != tc.want {
				t.Errorf("%s\n got %s\nwant %s", tc.script, got, tc.want)
			}
		})
	}
}

func script(t *testing.T, letters string) string {
	p := params(time.Minute)
	s := Scene{Self: Online, Network: "home", Others: true, Places: places("fra a", "nyc b", "sgp c", "lon a", "own home")}
	home := map[rune]uptime.Fault{'.': uptime.NoFault, 'x': uptime.FaultTCPRefused, 't': uptime.FaultTCPTimeout, 'v': uptime.FaultHTTPStatus,
		'n': uptime.FaultDNSNxdomain, 'c': uptime.FaultTLSExpired, 'k': uptime.FaultHTTPTooSlow, 'w': uptime.FaultTLSExpiresSoon,
		'b': uptime.FaultHTTPChallenged, '?': uptime.FaultLocalFDLimit, 'o': uptime.FaultTCPTimeout}
	elsewhere := map[rune]uptime.Fault{'X': uptime.FaultTCPRefused, 'T': uptime.FaultTCPTimeout, 'N': uptime.FaultDNSNxdomain,
		'C': uptime.FaultTLSExpired, 'G': uptime.NoFault, 'B': uptime.FaultHTTPChallenged, 'U': uptime.FaultLocalNodeOffline,
		'S': uptime.FaultTCPRefused, 'H': uptime.FaultTCPRefused}
	m, now, turn, started := Memory{}, start, 0, start
	var out []string
	for _, c := range letters {
		var d Decision
		scene := s
		if c == 'o' {
			scene.Self = Offline
		}
		f, remote := elsewhere[c]
		switch {
		case remote:
			now = now.Add(time.Second)
		case !strings.ContainsRune("LF_-=", c):
			now = now.Add(5 * time.Second)
		}
		switch {
		case remote:
			place := s.Places[turn%3].Location
			switch c {
			case 'S':
				place = "lon"
			case 'H':
				place = "own"
			default:
				turn++
			}
			r := &uptime.Result{Time: now, Location: place, Fault: f, Outcome: f.Outcome()}
			step := Step
			for _, asked := range m.others.asked {
				if !asked.answered && !asked.lost(now) && strings.ContainsRune("XTNCGBU", c) {
					step, r.Time, r.Location = Answer, asked.at, asked.Location
					break
				}
			}
			m, d = step(p, scene, m, r, now)
		case c == '~':
			started = now.Add(-3 * time.Second)
			m, d = Slow(p, scene, m, started, now)
		case c == 'F':
			m = TakeBaseline(m, &uptime.Result{Location: "fra", Fault: uptime.FaultTCPTimeout, Outcome: uptime.OutcomeDown}, now)
			continue
		case c == 'L':
			m = Begin(m, Plan{Home: true, Step: "last", Ask: s.Places[:2], Within: 5 * time.Second}, now)
			continue
		case c == '_', c == '-', c == '=':
			now = now.Add(map[rune]time.Duration{'_': 10 * time.Second, '-': time.Minute, '=': 5 * time.Minute}[c])
			if m, d = Weigh(p, scene, m, now); !d.Changed {
				continue
			}
		default:
			f := home[c]
			r := &uptime.Result{Time: now, Location: uptime.Local, Fault: f, Outcome: f.Outcome()}
			if started.After(start) {
				r.Time, started = started, start
			}
			m, d = Step(p, scene, m, r, now)
			if m.wasDown() && !m.Good.IsZero() {
				m = Begin(m, Plan{Home: true, Step: "check", Ask: s.Places[:1], Within: 5 * time.Second}, now)
			}
		}
		if err := Audit(p, scene, m, d, now); err != nil {
			t.Errorf("at %v: %v", now.Sub(start), err)
		}
		said := map[uptime.Verdict]string{uptime.Pending: "p", uptime.Up: "u", uptime.Suspect: "s", uptime.Degraded: "W", uptime.Down: "D", uptime.Unknown: "?"}[m.Verdict]
		said += map[string]string{uptime.IncidentOpened: "A", uptime.IncidentReopened: "R", uptime.IncidentChanged: "C", uptime.IncidentClosed: "Z"}[d.Incident]
		if d.Flapping {
			said += "F"
		}
		out = append(out, said)
	}
	return strings.Join(out, " ")
}
