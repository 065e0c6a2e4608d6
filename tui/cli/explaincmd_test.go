package cli

import (
	"encoding/json"
	"strings"
	"testing"

	"lookout/engine/uptime"
)

// classes counts those of a group.
func classes(group string) (n int) {
	for _, f := range uptime.Faults() {
		if f.Group() == group {
			n++
		}
	}
	return n
}

func TestExplain(t *testing.T) {
	for _, tt := range []struct {
		name  string
		args  string
		code  int
		lines int // on standard output; 0: not counted
		says  []string
	}{
		{"a class", "tcp.refused", 0, 3, []string{"tcp.refused  307  down  the target's: it answered\n      The host answers, and nothing listens"}},
		{"as it was shouted", "TCP.Refused", 0, 3, []string{"tcp.refused  307"}},
		{"ours", "local.no_route", 0, 3, []string{"local.no_route  104  unknown  ours: it says nothing about the target"}},
		{"a group", "exec", 0, 4*classes("exec") - 1, []string{"exec.exit  901", "exec.unknown  905"}},
		{"all", "", 0, 4*len(uptime.Faults()) - 1, []string{"local.fd_limit  101", "reply.too_slow"}},
		{"as JSON", "dns.nxdomain --format json", 0, 1, []string{`{"version":1,"kind":"fault","fault":"dns.nxdomain","code":210,"side":"target","outcome":"down","meaning":"The name does not exist, says DNS.","advice":"`}},
		{"all as JSON", "--format json", 0, len(uptime.Faults()), nil},
		{"mistyped", "tsl.expired", 64, 0, []string{`lookout: "tsl.expired" is no fault class; did you mean tls.expired?`}},
		{"half a word", "expired", 64, 0, []string{"did you mean tls.expired or domain.expired?"}},
		{"nothing like it", "\x1b[31mfrobnicate", 64, 0, []string{`"[31mfrobnicate" is no fault class; lookout explain lists them all`}},
		{"two", "dns tls", 64, 0, []string{"takes one argument at most"}},
		{"the rule without a configuration", "rule", 0, 13, []string{"rule  without a configuration, every 60s\n", "With two networks or more", "With nobody to ask"}},
		{"the rule of a monitor without a configuration", "rule a", 78, 0, []string{"there is no configuration"}},
		{"the rule of two", "rule a b", 64, 0, []string{"takes one monitor at most after rule"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := newBench(t).call("", append([]string{"explain"}, strings.Fields(tt.args)...)...)
			text := got.stdout + got.stderr
			if lines := strings.Count(got.stdout, "\n"); got.code != tt.code || tt.lines > 0 && lines != tt.lines {
				t.Errorf("code %d, %d lines, want %d and %d:\n%s", got.code, lines, tt.code, tt.lines, text)
			}
			for _, s := range tt.says {
				if !strings.Contains(text, s) {
					t.Errorf("lacks %q:\n%s", s, text)
				}
			}
		})
	}
}

func TestExplainRule(t *testing.T) {
	b := newBench(t)
	write(t, "lookout.toml", `
[[monitor]]
name = "a"
url = "https://a.test/"
[[monitor]]
name = "b"
url = "https://b.test/"
sensitivity = "balanced"
[[monitor]]
name = "counted"
url = "https://c.test/"
rule = "consecutive"
failures = 4
[[monitor]]
name = "alone"
url = "https://jo:pass@d.test/"
dwell = "90s"
[[location]]
name = "fra"
`)
	got := b.call("", "explain", "rule")
	if got.code != 0 || !strings.HasPrefix(got.stdout, "rule  2 monitors, every 60s: a, b\n") ||
		!strings.Contains(got.stdout, "\n      Nobody else is asked: no other place can be reached.\n      So it is checked again") ||
		strings.Contains(got.stdout, "With two networks") ||
		!strings.Contains(got.stdout, "\nrule  1 monitor, every 60s: counted\n      It is down after 4 failures in a row") {
		t.Errorf("%d: %s%s", got.code, got.stdout, got.stderr)
	}
	got = b.call("", "explain", "rule", "alone")
	if got.code != 0 || !strings.HasPrefix(got.stdout, "rule  1 monitor, every 60s: alone\n") || strings.Count(got.stdout, "rule  ") != 1 ||
		!strings.Contains(got.stdout, "Nobody else is asked: the secret in its url does not leave this machine.") || !strings.Contains(got.stdout, "over 90s. One success") {
		t.Errorf("%d: %s%s", got.code, got.stdout, got.stderr)
	}
	if got = b.call("", "explain", "rule", "alonee"); got.code != 64 || !strings.Contains(got.stderr, `"alonee" is no monitor of `) || !strings.Contains(got.stderr, "did you mean alone?") {
		t.Errorf("%d: %s%s", got.code, got.stdout, got.stderr)
	}
	got = b.call("", "explain", "rule", "--format", "json")
	for line := range strings.Lines(got.stdout) {
		var r ruleJSON
		if err := json.Unmarshal([]byte(line), &r); err != nil || r.IntervalMS != 60000 || len(r.Rule) < 3 || len(r.Monitors) == 0 {
			t.Errorf("%v: %s", err, line)
		}
	}
	write(t, "lookout.toml", "[[monitor]]\nnam = \"a\"\n")
	if got := b.call("", "explain", "rule"); got.code != 78 {
		t.Errorf("a bad configuration: %d, %s", got.code, got.stderr)
	}
}
