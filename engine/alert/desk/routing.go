package desk

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// Whom is who is told of something, and how.
type Whom struct {
	Channels      []string      // in the order of the route; none: nobody
	Why           string        // `route 2 (tags prod)`
	Delay         time.Duration `json:",omitzero"` // how long it has to last
	Remind        time.Duration `json:",omitzero"` // between reminders; 0: none
	EscalateTo    []string      `json:",omitempty"`
	EscalateAfter time.Duration `json:",omitzero"`
}

// escalateAfter is a route's that says whom to escalate to, and not when.
const escalateAfter = 15 * time.Minute

// Who is told when a monitor is down or degraded by a fault, as it is confirmed
// at a time: the first route that takes it says so. What is down and no route
// takes goes to every channel: an outage is dropped by a route without channels,
// and never because nobody thought of it.
func Who(o *Options, m *uptime.Monitor, v uptime.Verdict, f uptime.Fault, at time.Time) Whom {
	for i := range o.Routes {
		r := &o.Routes[i]
		if takes(r, v) && matches(r, m, f) && during(r, at.In(zone(o))) {
			return o.whom(i)
		}
	}
	if v == uptime.Down {
		return o.all()
	}
	return Whom{}
}

// all is every channel, for what no route takes.
func (o *Options) all() Whom {
	if len(o.Routes) == 0 {
		return Whom{Channels: o.Channels, Why: "there is no [[route]]: every channel"}
	}
	return Whom{Channels: o.Channels, Why: "no [[route]] takes it: every channel"}
}

// whoCertificate is who is told of a certificate near its end: whom the first
// route tells of its monitor, whatever verdicts it takes.
func whoCertificate(o *Options, m *uptime.Monitor, f uptime.Fault, at time.Time) Whom {
	for i := range o.Routes {
		if r := &o.Routes[i]; matches(r, m, f) && during(r, at.In(zone(o))) {
			return o.whom(i)
		}
	}
	return o.all()
}

// whoNode is who is told of what is about no monitor: every channel but those
// that are only escalated to.
func whoNode(o *Options) Whom {
	first, later := map[string]bool{}, map[string]bool{}
	for i := range o.Routes {
		for _, c := range o.Routes[i].Channels {
			first[c] = true
		}
		for _, c := range o.Routes[i].EscalateTo {
			later[c] = true
		}
	}
	w := Whom{Why: "it is about lookout itself: every channel"}
	for _, c := range o.Channels {
		if first[c] || !later[c] {
			w.Channels = append(w.Channels, c)
		}
	}
	return w
}

func zone(o *Options) *time.Location {
	if o.Zone == nil {
		return time.UTC
	}
	return o.Zone
}

// whom is what a route says, of the channels that there are.
func (o *Options) whom(i int) Whom {
	r := &o.Routes[i]
	w := Whom{Channels: o.known(r.Channels), Why: why(i, r), Delay: r.Delay, Remind: r.Remind, EscalateTo: o.known(r.EscalateTo), EscalateAfter: r.EscalateAfter}
	if len(w.EscalateTo) > 0 && w.EscalateAfter <= 0 {
		w.EscalateAfter = escalateAfter
	}
	return w
}

// known leaves those that are configured, each once.
func (o *Options) known(names []string) []string {
	var out []string
	for _, n := range names {
		if slices.Contains(o.Channels, n) && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// why names a route, and what it goes by.
func why(i int, r *uptime.Route) string {
	var by []string
	for _, x := range []struct {
		word string
		of   []string
	}{{"tags", r.Tags}, {"names", r.Names}, {"groups", r.Groups}, {"faults", r.Faults}} {
		if len(x.of) > 0 {
			by = append(by, x.word+" "+strings.Join(x.of, " "))
		}
	}
	if len(r.Days) > 0 || len(r.Hours) > 0 {
		by = append(by, "at this time")
	}
	if len(by) == 0 {
		return fmt.Sprintf("route %d", i+1)
	}
	return uptime.Clean(fmt.Sprintf("route %d (%s)", i+1, strings.Join(by, ", ")), 200)
}

func takes(r *uptime.Route, v uptime.Verdict) bool {
	if r.Verdicts == nil {
		return v == uptime.Down
	}
	return slices.Contains(r.Verdicts, v)
}

// matches reports whether a route is about a monitor and a fault.
func matches(r *uptime.Route, m *uptime.Monitor, f uptime.Fault) bool {
	return (r.Names == nil || slices.Contains(r.Names, m.Name)) &&
		(r.Groups == nil || slices.Contains(r.Groups, m.Group)) &&
		(r.Tags == nil || slices.ContainsFunc(m.Tags, func(t string) bool { return slices.Contains(r.Tags, t) })) &&
		(r.Faults == nil || slices.ContainsFunc(r.Faults, func(of string) bool { return is(f, of) }))
}

// is reports whether a fault is of a class, or of a group of classes.
func is(f uptime.Fault, of string) bool {
	word := f.String()
	return word == of || strings.HasPrefix(word, of+".")
}

// during reports whether a route is for a time. What goes over midnight belongs
// to the day on which it began, and the hours are those of a clock on the wall,
// on the days on which that is set too.
func during(r *uptime.Route, at time.Time) bool {
	day := at.Weekday()
	if r.Hours == nil {
		return on(r, day)
	}
	clock := time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute + time.Duration(at.Second())*time.Second
	for _, h := range r.Hours {
		over := h.To <= h.From
		switch {
		case clock >= h.From && (over || clock < h.To):
			if on(r, day) {
				return true
			}
		case over && clock < h.To:
			if on(r, (day+6)%7) {
				return true
			}
		}
	}
	return false
}

func on(r *uptime.Route, day time.Weekday) bool {
	return r.Days == nil || slices.Contains(r.Days, day)
}
