package uptime

import (
	"strings"
	"testing"
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
