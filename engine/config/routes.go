package config

import (
	"fmt"
	"slices"
	"strings"

	"lookout/engine/uptime"
)

// judgeRoutes says what the routes do that was hardly meant.
func (l *loader) judgeRoutes(blocks []*block) {
	routes := l.cfg.Routes
	if len(routes) == 0 {
		return
	}
	l.judgeReach(blocks)
	named := map[string]bool{}
	rest := -1 // the first route that takes whatever is left
	for i := range routes {
		r := &routes[i]
		for _, c := range slices.Concat(r.Channels, r.EscalateTo) {
			named[c] = true
		}
		if rest < 0 && r.Tags == nil && r.Names == nil && r.Groups == nil && r.Faults == nil && r.Days == nil && r.Hours == nil && told(r, uptime.Down) {
			rest = i
		}
		if len(r.EscalateTo) > 0 && !slices.ContainsFunc(r.EscalateTo, func(c string) bool { return !slices.Contains(r.Channels, c) }) {
			l.warn(blocks[i], []string{"route", "escalate_to"}, fmt.Sprintf("route %d: escalate_to names only those that channels names: they have been told", i+1), "")
		}
	}
	for _, c := range l.cfg.Channels {
		switch {
		case named[c.Name]:
		case rest >= 0:
			l.warn(l.heard[c.Name], []string{"channel", "name"}, fmt.Sprintf("channel %q is told of no outage: no route names it, and route %d (%s) takes all that is left", c.Name, rest+1, routes[rest].Where), "")
		default:
			l.warn(l.heard[c.Name], []string{"channel", "name"}, fmt.Sprintf("channel %q: no route names it, so it is told only of what no route takes", c.Name), "")
		}
	}
}

// maxReach bounds what it may cost to find routes that take nothing.
const maxReach = 50_000_000

// judgeReach warns of routes that take nothing, whatever happens: because they
// mean no monitor, or because those before them take all of it.
func (l *loader) judgeReach(blocks []*block) {
	routes := l.cfg.Routes
	if len(routes)*len(routes)+len(routes)*len(l.cfg.Jobs) > maxReach {
		return
	}
	covers := coverage(routes)
	state := make([]reach, len(routes))
	left := len(routes)
	for i := range l.cfg.Jobs {
		if left == 0 {
			return
		}
		left -= reached(routes, covers, l.cfg.Jobs[i].Monitor, state)
	}
	for i, s := range state {
		switch {
		case s.alive:
		case s.by == 0:
			l.warn(blocks[i], []string{"route"}, fmt.Sprintf("route %d means no monitor: none has all that it asks for", i+1), "tags, names and groups each have to fit")
		case s.several:
			l.warn(blocks[i], []string{"route"}, fmt.Sprintf("route %d is never reached: those before it take all that it would", i+1), "The first that matches is it: move it up")
		default:
			l.warn(blocks[i], []string{"route"}, fmt.Sprintf("route %d is never reached: route %d (%s) takes all that it would", i+1, s.by, routes[s.by-1].Where), "The first that matches is it: move it up")
		}
	}
}

// reach is what is known of a route while monitors are tried.
type reach struct {
	alive   bool // there is a monitor of which it takes something
	by      int  // else the number of an earlier one that takes what it would; 0: it means no monitor so far
	several bool // … of more than one
}

// reached tries one monitor, and returns how many routes were found to be alive.
func reached(routes []uptime.Route, covers [][]bool, m *uptime.Monitor, state []reach) (found int) {
	var before []int // routes that mean it
	for j := range routes {
		if !means(&routes[j], m) {
			continue
		}
		if s := &state[j]; !s.alive {
			i := slices.IndexFunc(before, func(i int) bool { return covers[i][j] })
			switch {
			case i < 0:
				s.alive = true
				found++
			case s.by != 0 && s.by != before[i]+1:
				s.several = true
			default:
				s.by = before[i] + 1
			}
		}
		before = append(before, j)
	}
	return found
}

// means reports whether a monitor is one of a route's.
func means(r *uptime.Route, m *uptime.Monitor) bool {
	return (r.Names == nil || slices.Contains(r.Names, m.Name)) &&
		(r.Groups == nil || slices.Contains(r.Groups, m.Group)) &&
		(r.Tags == nil || slices.ContainsFunc(m.Tags, func(t string) bool { return slices.Contains(r.Tags, t) }))
}

// coverage says of each two routes whether the first takes, of a monitor that
// both mean, all that the second would.
func coverage(routes []uptime.Route) [][]bool {
	when := make([]*minutes, len(routes))
	for i := range routes {
		if when[i] = nil; routes[i].Days != nil || routes[i].Hours != nil {
			when[i] = minutesOf(&routes[i])
		}
	}
	out := make([][]bool, len(routes))
	for i := range routes {
		out[i] = make([]bool, len(routes))
		for j := i + 1; j < len(routes); j++ {
			a, b := &routes[i], &routes[j]
			out[i][j] = (told(a, uptime.Down) || !told(b, uptime.Down)) && (told(a, uptime.Degraded) || !told(b, uptime.Degraded)) &&
				allFaults(a.Faults, b.Faults) && (when[i] == nil || when[j] != nil && when[i].has(when[j]))
		}
	}
	return out
}

// told reports whether a verdict is one that a route takes.
func told(r *uptime.Route, v uptime.Verdict) bool {
	return slices.Contains(r.Verdicts, v) || r.Verdicts == nil && v == uptime.Down
}

// allFaults reports whether some faults are among others; nil is all of them.
func allFaults(among, some []string) bool {
	if among == nil {
		return true
	}
	return some != nil && !slices.ContainsFunc(some, func(f string) bool {
		group, _, _ := strings.Cut(f, ".")
		return !slices.Contains(among, f) && !slices.Contains(among, group)
	})
}
