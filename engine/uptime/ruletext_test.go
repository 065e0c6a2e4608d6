package uptime

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func places(networks ...string) []Place {
	out := make([]Place, len(networks))
	for i, n := range networks {
		out[i] = Place{Location: []string{"fra", "nyc", "sgp"}[i], Network: n}
	}
	return out
}

// TestRuleSentences: what a rule says is what holds with those who can be asked.
func TestRuleSentences(t *testing.T) {
	const (
		several = "With two networks or more: "
		one     = "With one network left: "
		silent  = "If none that was asked answers: it is down when at least five checks here fail over 60s"
		alone   = "checked again at a quarter, half and three quarters of a window"
	)
	for _, tt := range []struct {
		name     string
		rule     Rule
		interval time.Duration
		w        Witnesses
		says     []string
		not      []string
	}{
		{"nobody", Rule{}, time.Minute, Witnesses{},
			[]string{"Nobody else is asked: no other place can be reached.", "So it is " + alone, "at least 5 failed checks, over 60s where nothing answers, over 20s where it answers wrongly.",
				"two successes 5s apart; until then it is checked every 20s"}, []string{several, one, silent, "unreachable only from"}},
		{"nobody, often", Rule{}, 10 * time.Second, Witnesses{}, []string{"5 failed checks, over 10s.", "checked every 10s"}, nil},
		{"nobody, quiet", Rule{Sensitivity: Quiet}, time.Minute, Witnesses{}, []string{`over 60s (sensitivity "quiet").`}, nil},
		{"nobody, a dwell", Rule{Sensitivity: Quiet, DwellSet: true, Dwell: 5 * time.Minute}, time.Minute, Witnesses{}, []string{"over 5m. One success"}, []string{"quiet"}},
		{"a secret", Rule{}, time.Minute, Witnesses{Alone: "the secret in its url does not leave this machine"},
			[]string{"Nobody else is asked: the secret in its url does not leave this machine."}, []string{several}},
		{"all in our own network", Rule{}, time.Minute, Witnesses{Places: places("a", "a"), Home: "a"}, []string{"all other places are in the network of this machine", alone}, []string{several, one}},
		{"one network", Rule{}, time.Minute, Witnesses{Places: places("a", "a")}, []string{"fra (a), nyc (a). Locations of one network are one witness", one, silent, "unreachable only from"}, []string{several, alone}},
		{"several", Rule{}, time.Minute, Witnesses{Places: places("a", "b", "sgp")},
			[]string{"Then other places are asked: fra (a), nyc (b), sgp.", several, "three places of different networks", "every 10s, five times at the most", "begins at -4.6",
				"come to +3", "two other networks agree", "the failure has lasted for 20s;", "a last look, here and from two places", "three more checks are spread",
				one, silent, "below -5.6", "goes on after five rounds", "every 20s", "for 5m and nowhere else", "5s apart and one of another place, if any can be asked", "within 10m",
				"three in a row", "one in 36 checks", "four times as often for 10m", "must fail for 60s", "offline by its self-check", "nothing to compare with", "Without a result for two intervals"},
			[]string{alone}},
		{"several, fast", Rule{Sensitivity: Fast}, time.Minute, Witnesses{Places: places("a", "b")}, []string{"the newest check here fails; and a last look"}, []string{"has lasted"}},
		{"several, quiet", Rule{Sensitivity: Quiet}, time.Minute, Witnesses{Places: places("a", "b")}, []string{`has lasted for 60s (sensitivity "quiet");`}, nil},
		{"a long dwell", Rule{DwellSet: true, Dwell: 2 * time.Minute}, time.Minute, Witnesses{Places: places("a", "b")}, []string{"checks here fail over 120s, whatever", "has lasted for 120s;", "must fail for 120s"}, nil},
		{"any", Rule{}, time.Minute, Witnesses{Any: true}, []string{"if there are any", several, one, silent, "With nobody to ask: it is " + alone}, nil},
		{"consecutive", Rule{Consecutive: true, Failures: 3, Recoveries: 2, RetryInterval: 20 * time.Second}, time.Minute, Witnesses{Places: places("a", "b")},
			[]string{"down after 3 failures in a row", "checked every 20s", "after 2 successes in a row", "offline by its self-check"}, []string{several, "a complaint"}},
		{"one is enough", Rule{Consecutive: true}, time.Minute, Witnesses{}, []string{"down with the first failure", "up again with the first success"}, nil},
		{"plain", Rule{Plain: true, Failures: 1}, time.Minute, Witnesses{}, []string{"Nobody else can witness", "down with the first failure"}, nil},
	} {
		text := strings.Join(tt.rule.Explain(tt.interval, tt.w), "\n")
		for _, s := range append(tt.says, "unknown") {
			if !strings.Contains(text, s) {
				t.Errorf("%s lacks %q:\n%s", tt.name, s, text)
			}
		}
		for _, s := range tt.not {
			if strings.Contains(text, s) {
				t.Errorf("%s has %q:\n%s", tt.name, s, text)
			}
		}
	}
}

// TestMonitorExplain: what a monitor is reached through is part of what holds for it.
func TestMonitorExplain(t *testing.T) {
	m := Monitor{Interval: time.Minute, Alone: "x"}
	if n := len(m.Explain(Witnesses{})); n != len(m.Rule.Explain(m.Interval, Witnesses{})) {
		t.Errorf("%d sentences", n)
	}
	m.Parent = "office uplink"
	if got := m.Explain(Witnesses{}); !strings.Contains(got[len(got)-1], "while office uplink is down") {
		t.Errorf("%q", got)
	}
	m.DependsOn = []string{"tag:core"}
	if got := m.Explain(Witnesses{}); !strings.Contains(got[len(got)-1], "while any of office uplink, tag:core is down") {
		t.Errorf("%q", got)
	}
}

func TestRuleBrief(t *testing.T) {
	for _, tt := range []struct {
		name  string
		every time.Duration
		rule  Rule
		w     Witnesses
		want  string
	}{
		{"a minute", time.Minute, Rule{}, Witnesses{}, "down: 5+ failed checks over 20s (60s if silent); up: 2 good, 5s apart"},
		{"an hour is as a minute", time.Hour, Rule{}, Witnesses{}, "down: 5+ failed checks over 20s (60s if silent); up: 2 good, 5s apart"},
		{"half a minute", 30 * time.Second, Rule{}, Witnesses{}, "down: 5+ failed checks over 20s (30s if silent); up: 2 good, 5s apart"},
		{"a second is as ten", time.Second, Rule{}, Witnesses{}, "down: 5+ failed checks over 10s; up: 2 good, 5s apart"},
		{"quiet", time.Minute, Rule{Sensitivity: Quiet}, Witnesses{}, "down: 5+ failed checks over 60s; up: 2 good, 5s apart"},
		{"one network", time.Minute, Rule{}, Witnesses{Places: places("a")}, "down: 5+ failed checks over 20s (60s if silent), and one other network; up: 2 good, 5s apart"},
		{"several", time.Minute, Rule{}, Witnesses{Places: places("a", "b")}, "down: evidence +3, 2 networks, 20s, a last look; up: 2 good, 5s apart"},
		{"several, exactly", time.Minute, Rule{DwellSet: true}, Witnesses{Places: places("a", "b")}, "down: evidence +3, 2 networks, 0s, a last look; up: 2 good, 5s apart"},
		{"counted", time.Minute, Rule{Consecutive: true, Failures: 3, Recoveries: 1, RetryInterval: 20 * time.Second}, Witnesses{},
			"down after 3 failures in a row, 20s apart; up after 1 success"},
		{"counted twice", time.Minute, Rule{Consecutive: true, Failures: 1, Recoveries: 2, RetryInterval: 20 * time.Second}, Witnesses{},
			"down after 1 failure in a row, 20s apart; up after 2 successes"},
		{"nobody can witness", time.Minute, Rule{Plain: true, Failures: 1}, Witnesses{}, "down after 1 failure in a row; nobody else can witness this type"},
	} {
		if got := tt.rule.Brief(tt.every, tt.w); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestSensitivity: the dwell of each, and of a dwell that is set.
func TestSensitivity(t *testing.T) {
	got := []time.Duration{
		Rule{}.DwellAt(time.Minute), Rule{Sensitivity: Balanced}.DwellAt(10 * time.Second), Rule{Sensitivity: Fast}.DwellAt(time.Minute),
		Rule{Sensitivity: Quiet}.DwellAt(10 * time.Second), Rule{Sensitivity: Quiet, DwellSet: true}.DwellAt(time.Minute), Rule{DwellSet: true, Dwell: 300 * time.Second}.DwellAt(time.Second),
	}
	if want := []time.Duration{20 * time.Second, 10 * time.Second, 0, 60 * time.Second, 0, 300 * time.Second}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
