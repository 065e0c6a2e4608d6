package uptime

import (
	"strings"
	"testing"
	"time"
)

// TestExplanations holds the table of explanations against that of the classes.
func TestExplanations(t *testing.T) {
	seen := map[string]Fault{}
	for _, f := range Faults() {
		e := f.Explain()
		for what, text := range map[string]string{"meaning": e.Meaning, "advice": e.Advice} {
			if text == "" || !strings.HasSuffix(text, ".") || text != Clean(text, 300) {
				t.Errorf("%s: %s %q is no whole sentence", f, what, text)
			}
			if first := text[:min(1, len(text))]; first != strings.ToUpper(first) && !strings.HasPrefix(text, "lookout ") {
				t.Errorf("%s: %s %q begins small", f, what, text)
			}
		}
		if e.Meaning == e.Advice {
			t.Errorf("%s: the advice is the meaning", f)
		}
		if other, ok := seen[e.Meaning]; ok && !strings.HasSuffix(f.String(), ".too_slow") {
			t.Errorf("%s means what %s does", f, other)
		}
		seen[e.Meaning] = f
	}
	for f := range explanations {
		if _, ok := faultClasses[f]; !ok {
			t.Errorf("%d is explained, and no class", f)
		}
	}
	if (NoFault.Explain() != Explanation{} || Fault(9999).Explain() != Explanation{}) {
		t.Error("no fault and an unknown one have an explanation")
	}
}

func TestFaults(t *testing.T) {
	all := Faults()
	if len(all) != len(faultClasses) || all[0] != FaultLocalFDLimit || FaultDNSNxdomain.Group() != "dns" || NoFault.Group() != "" {
		t.Errorf("%d classes, the first %s", len(all), all[0])
	}
}

// TestOutcomes holds the outcomes that are not plain down.
func TestOutcomes(t *testing.T) {
	for f, want := range map[Fault]Outcome{
		NoFault: OutcomeUp, FaultTCPRefused: OutcomeDown, FaultTLSExpiresSoon: OutcomeDegraded, FaultLocalNoRoute: OutcomeUnknown,
		FaultExecExit: OutcomeDown, FaultExecWarning: OutcomeDegraded, FaultExecUnknown: OutcomeUnknown, FaultExecMissing: OutcomeUnknown,
		FaultDomainUnavailable: OutcomeUnknown, FaultDomainExpired: OutcomeDown, Fault(9999): OutcomeDown,
	} {
		if got := f.Outcome(); got != want {
			t.Errorf("%s: %s, want %s", f, got, want)
		}
	}
}

func TestRuleExplain(t *testing.T) {
	for _, tt := range []struct {
		name     string
		rule     Rule
		interval time.Duration
		says     []string
	}{
		{"evidence", Rule{}, time.Minute, []string{"at least 5 failed checks, over 60s where nothing answers, over 20s where it answers wrongly", "two successes 5s apart; until then it is checked every 20s"}},
		{"evidence, often", Rule{}, 10 * time.Second, []string{"5 failed checks, over 10s.", "checked every 10s"}},
		{"consecutive", Rule{Consecutive: true, Failures: 3, Recoveries: 2, RetryInterval: 20 * time.Second}, time.Minute,
			[]string{"down after 3 failures in a row", "checked every 20s", "after 2 successes in a row"}},
		{"one is enough", Rule{Consecutive: true}, time.Minute, []string{"down with the first failure", "up again with the first success"}},
		{"plain", Rule{Plain: true, Failures: 1}, time.Minute, []string{"Nobody else can witness", "down with the first failure"}},
	} {
		text := strings.Join(tt.rule.Explain(tt.interval), "\n")
		for _, s := range append(tt.says, "unknown") {
			if !strings.Contains(text, s) {
				t.Errorf("%s lacks %q:\n%s", tt.name, s, text)
			}
		}
	}
}
