package desk

import (
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

func TestWho(t *testing.T) {
	m := &uptime.Monitor{Name: "shop", Group: "eu", Tags: []string{"prod", "web"}}
	o := func(routes ...uptime.Route) *Options {
		return &Options{Channels: []string{"ops", "pager", "web"}, Routes: routes}
	}
	ops := []string{"ops"}
	down, degraded := uptime.Down, uptime.Degraded
	for _, tc := range []struct {
		name  string
		o     *Options
		v     uptime.Verdict
		fault uptime.Fault
		want  string // channels: why
	}{
		{"no route", o(), down, uptime.FaultTCPRefused, "ops pager web: there is no [[route]]: every channel"},
		{"no route, and degraded", o(), degraded, uptime.FaultTCPTooSlow, ": "},
		{"the first that takes it", o(uptime.Route{Names: []string{"other"}, Channels: []string{"web"}}, uptime.Route{Tags: []string{"x", "prod"}, Channels: ops},
			uptime.Route{Channels: []string{"pager"}}), down, uptime.FaultTCPRefused, "ops: route 2 (tags x prod)"},
		{"none takes it", o(uptime.Route{Groups: []string{"us"}, Channels: ops}), down, uptime.FaultTCPRefused, "ops pager web: no [[route]] takes it: every channel"},
		{"dropped", o(uptime.Route{Names: []string{"shop"}}), down, uptime.FaultTCPRefused, ": route 1 (names shop)"},
		{"a fault", o(uptime.Route{Faults: []string{"tcp.refused"}, Channels: ops}), down, uptime.FaultTCPRefused, "ops: route 1 (faults tcp.refused)"},
		{"a group of faults", o(uptime.Route{Faults: []string{"tcp"}, Channels: ops}), down, uptime.FaultTCPRefused, "ops: route 1 (faults tcp)"},
		{"no such group", o(uptime.Route{Faults: []string{"tc"}, Channels: ops}), down, uptime.FaultTCPRefused, "ops pager web: no [[route]] takes it: every channel"},
		{"degraded", o(uptime.Route{Verdicts: []uptime.Verdict{degraded}, Channels: []string{"web"}}, uptime.Route{Channels: ops}), degraded, uptime.FaultTCPTooSlow, "web: route 1"},
		{"down, where the first asks for degraded alone", o(uptime.Route{Verdicts: []uptime.Verdict{degraded}, Channels: []string{"web"}}, uptime.Route{Channels: ops}), down, uptime.FaultTCPRefused, "ops: route 2"},
		{"a channel that there is not, and one twice", o(uptime.Route{Channels: []string{"ops", "gone", "ops"}}), down, uptime.FaultTCPRefused, "ops: route 1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := Who(tc.o, m, tc.v, tc.fault, noon)
			if got := strings.Join(w.Channels, " ") + ": " + w.Why; got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

// TestHours: routes go by the clock on the wall of the instance, on the days on
// which that is set, too; what goes over midnight belongs to the day before.
func TestHours(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	hours := func(from, to float64) []uptime.Hours {
		return []uptime.Hours{{From: time.Duration(from * float64(time.Hour)), To: time.Duration(to * float64(time.Hour))}}
	}
	week := []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}
	at := func(s string) time.Time {
		out, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for _, tc := range []struct {
		name string
		r    uptime.Route
		at   string
		want bool
	}{
		{"office hours", uptime.Route{Days: week, Hours: hours(8, 18)}, "2026-11-26T07:00:00Z", true},
		{"a minute before", uptime.Route{Days: week, Hours: hours(8, 18)}, "2026-11-26T06:59:00Z", false},
		{"their end", uptime.Route{Days: week, Hours: hours(8, 18)}, "2026-11-26T17:00:00Z", false},
		{"a Saturday", uptime.Route{Days: week, Hours: hours(8, 18)}, "2026-11-28T10:00:00Z", false},
		{"a Saturday all day", uptime.Route{Days: week}, "2026-11-28T10:00:00Z", false},
		{"Friday's night on Saturday", uptime.Route{Days: week, Hours: hours(22, 6)}, "2026-11-28T03:00:00Z", true},
		{"Sunday's night on Monday", uptime.Route{Days: week, Hours: hours(22, 6)}, "2026-11-30T03:00:00Z", false},
		{"the night in summer time", uptime.Route{Hours: hours(8, 18)}, "2026-07-01T06:00:00Z", true},
		{"the hour that there is twice, first", uptime.Route{Hours: hours(2, 3)}, "2026-10-25T00:30:00Z", true},
		{"the hour that there is twice, again", uptime.Route{Hours: hours(2, 3)}, "2026-10-25T01:30:00Z", true},
		{"after it", uptime.Route{Hours: hours(2, 3)}, "2026-10-25T02:00:00Z", false},
		{"the hour that there is not", uptime.Route{Hours: hours(2, 3)}, "2026-03-29T01:00:00Z", false},
		{"eight on the day of the change", uptime.Route{Hours: hours(8, 18)}, "2026-03-29T06:00:00Z", true},
		{"to midnight", uptime.Route{Hours: hours(18, 24)}, "2026-11-26T22:59:59Z", true},
		{"from midnight", uptime.Route{Hours: hours(18, 24)}, "2026-11-26T23:00:00Z", false},
		{"all day", uptime.Route{Hours: hours(0, 0)}, "2026-11-26T23:00:00Z", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := during(&tc.r, at(tc.at).In(berlin)); got != tc.want {
				t.Errorf("%v at %s", got, at(tc.at).In(berlin))
			}
		})
	}
}

// TestNodeTo: what is about lookout itself goes to everybody who is told of
// something at first.
func TestNodeTo(t *testing.T) {
	for _, tc := range []struct {
		routes []uptime.Route
		want   string
	}{
		{nil, "ops pager web"},
		{[]uptime.Route{{Channels: []string{"ops"}, EscalateTo: []string{"pager"}}}, "ops web"},
		{[]uptime.Route{{Channels: []string{"ops"}, EscalateTo: []string{"pager"}}, {Channels: []string{"pager"}}}, "ops pager web"},
	} {
		if got := strings.Join(whoNode(&Options{Channels: []string{"ops", "pager", "web"}, Routes: tc.routes}).Channels, " "); got != tc.want {
			t.Errorf("%v: %s", tc.routes, got)
		}
	}
}
