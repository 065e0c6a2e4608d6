package report

import (
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

func TestRule(t *testing.T) {
	var b strings.Builder
	for _, m := range []uptime.Monitor{
		{Name: "minute", Interval: time.Minute, DegradedAbove: 800 * time.Millisecond},
		{Name: "ten seconds", Interval: 10 * time.Second},
		{Name: "a second", Interval: time.Second},
		{Name: "half a minute", Interval: 30 * time.Second},
		{Name: "an hour", Interval: time.Hour},
		{Name: "consecutive", Interval: time.Minute, Rule: uptime.Rule{Consecutive: true, Failures: 3, Recoveries: 2, RetryInterval: 20 * time.Second}},
		{Name: "plain", Type: "exec", Interval: 90 * time.Minute, Rule: uptime.Rule{Plain: true, Failures: 1, Recoveries: 1}},
	} {
		b.WriteString(m.Name + ": " + Rule(&m) + "\n")
	}
	golden(t, "rule.txt", b.String())
}
