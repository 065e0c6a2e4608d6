package tui

import (
	"cmp"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"lookout/engine/uptime"
)

// causeCount is a fault with how many incidents have it.
type causeCount struct {
	fault uptime.Fault
	n     int
}

// causes are the faults of those incidents that in accepts, the most frequent first.
func causes(all []*uptime.Incident, in func(*uptime.Incident) bool) []causeCount {
	var out []causeCount
	for _, x := range all {
		if !in(x) {
			continue
		}
		i := slices.IndexFunc(out, func(c causeCount) bool { return c.fault == x.Fault })
		if i < 0 {
			i, out = len(out), append(out, causeCount{fault: x.Fault})
		}
		out[i].n++
	}
	slices.SortStableFunc(out, func(a, b causeCount) int {
		return cmp.Or(b.n-a.n, strings.Compare(a.fault.String(), b.fault.String()))
	})
	return out
}

func (c causeCount) head() string {
	return cmp.Or(c.fault.String(), "no fault class") + "  " + group3(c.n)
}

// ackAll asks to acknowledge all outages that are listed and that nobody did.
func (l *incidents) ackAll(s *shell, _ string) tea.Cmd {
	var names []string
	for _, r := range l.rows {
		if r.in != nil && r.in.Unacked() {
			names = append(names, r.in.Monitor)
		}
	}
	if len(names) == 0 {
		s.say("nothing to acknowledge: no outage is listed that lasts and is not")
		return nil
	}
	return s.openAsk(uptime.VerbAck, names)
}
