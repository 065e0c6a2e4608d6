package report

import (
	"fmt"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// Rule says in sentences by which rule a monitor is judged. They follow from
// its parameters; package verdict is what judges.
func Rule(m *uptime.Monitor) string {
	var s []string
	r := m.Rule
	failures, recoveries := max(r.Failures, 1), max(r.Recoveries, 1)
	switch {
	case r.Consecutive:
		s = append(s, fmt.Sprintf("Down after %s in a row; up again after %s in a row; while in doubt it is checked every %s.",
			count(failures, "failing check"), count(recoveries, "good one"), span(r.RetryInterval)))
	case r.Plain:
		s = append(s, fmt.Sprintf("Nobody else can witness a check of type %s: down after %s in a row, up again after %s.",
			uptime.Clean(m.Type, 40), count(failures, "failing check"), count(recoveries, "good one")))
	default:
		window := min(max(m.Interval, 10*time.Second), time.Minute)
		dwell := min(20*time.Second, window)
		path, target := max(dwell, window), max(dwell, window/3)
		lasts := fmt.Sprintf("for %s", span(path))
		if path != target {
			lasts = fmt.Sprintf("for %s when the target answers and the answer is wrong, for %s when nothing comes back", span(target), span(path))
		}
		s = append(s,
			"Suspect at the first failing check, and nobody is told.",
			"Down when every check has failed "+lasts+": at least 4 further ones, at a quarter, half and three quarters of that time and a last look.",
			fmt.Sprintf("Up again after 2 good checks at least 5s apart, made every %s at most.", span(min(m.Interval, 20*time.Second))),
			"Down again within 10m is the same incident, and no new alert.")
	}
	s = append(s, fmt.Sprintf("Unknown without a result for two intervals (%s).", span(2*m.Interval)))
	if m.DegradedAbove > 0 {
		s = append(s, fmt.Sprintf("Degraded when a check takes longer than %s.", span(m.DegradedAbove)))
	}
	return strings.Join(s, " ")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// span writes a configured duration: 20s, 1m, 1h30m, 800ms.
func span(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-len("0s")]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-len("0m")]
	}
	return s
}
