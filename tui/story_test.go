package tui

import (
	"strings"
	"testing"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

func told(n int) *pageSource {
	f := pagesSource()
	in := f.snap.Open[0]
	in.Story = []uptime.Phase{{Time: clock("12:31:28.000"), Phase: uptime.IncidentOpened, Verdict: uptime.Down, Fault: uptime.FaultTCPRefused, Message: in.Message},
		{Time: clock("12:33:10.000"), Phase: uptime.IncidentChanged, Verdict: uptime.Down, Fault: uptime.FaultHTTPStatus, Message: "HTTP status 503, expected 200-299"},
		{Time: clock("12:34:00.000"), Phase: uptime.PhaseAcknowledged, Message: "by jo: disk is being replaced"},
		{Time: clock("12:34:30.000"), Phase: uptime.IncidentFlapping, Verdict: uptime.Down, Fault: uptime.FaultHTTPStatus, Message: "HTTP status 503, expected 200-299"}}[:n]
	return f
}

// TestStory: what became of an incident is a pane, once something has.
func TestStory(t *testing.T) {
	goldenPage(t, "detail-story", func() *pageSource { return told(4) }, func() page { return newDetail(shop) })
	for n := range 2 {
		s := pagesShell(told(n), 80, 24, theme.New(theme.None, false, false))
		visit(t, s, newDetail(shop))
		if got := plainText(s.render()); strings.Contains(got, "STORY") {
			t.Errorf("a story of %d:\n%s", n, got)
		}
	}
	f := told(4)
	f.incidents = append(f.incidents, *f.snap.Open[0])
	s := pagesShell(f, 80, 24, theme.New(theme.None, false, false))
	press(t, s, "T")
	keys(t, s, "text:12:33:30", "enter")
	visit(t, s, newDetail(shop))
	if got := plainText(s.render()); !strings.Contains(got, "WHY    HTTP status 503, expected 200-299 at 203.0.113.9:443 (http.status)") || !strings.Contains(got, "changed") || strings.Contains(got, "by jo") {
		t.Errorf("in between:\n%s", got)
	}
}

// TestIncidentStatus: the kinds of incident that nobody was told of.
func TestIncidentStatus(t *testing.T) {
	s := pagesShell(pagesSource(), 80, 24, theme.New(theme.None, false, false))
	for _, tt := range []struct {
		in   uptime.Incident
		want string
	}{
		{uptime.Incident{Verdict: uptime.Down}, "NOT ACKED"},
		{uptime.Incident{Verdict: uptime.Down, Behind: "uplink"}, "behind uplink"},
		{uptime.Incident{Verdict: uptime.Down, Silenced: true}, "maintenance"},
		{uptime.Incident{Verdict: uptime.Down, Silenced: true, End: clock("12:00:00.000")}, "maintenance"},
		{uptime.Incident{Verdict: uptime.Degraded, Message: "unreachable only from local: TCP connect refused"}, "only from local"},
		{uptime.Incident{Verdict: uptime.Down, Message: "unreachable only from local: TCP connect refused", End: clock("12:00:00.000")}, "up 12:00:00"},
		{uptime.Incident{Verdict: uptime.Degraded}, "-"},
	} {
		if got, _ := incidentStatus(&tt.in, s); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.in, got, tt.want)
		}
	}
}
