package report

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

func storied() uptime.Incident {
	in := incidents()[0]
	in.ConfirmedBy = []string{"fra", "nyc"}
	in.Story = []uptime.Phase{
		{Time: at("12:31:27"), Phase: uptime.IncidentOpened, Verdict: uptime.Down, Fault: uptime.FaultTCPRefused, Message: "TCP connect 203.0.113.9:443 refused"},
		{Time: at("12:32:00"), Phase: uptime.PhaseAcknowledged, Verdict: uptime.Down, Message: "by jo: disk is being replaced"},
		{Time: at("12:33:10"), Phase: uptime.IncidentChanged, Verdict: uptime.Down, Fault: uptime.FaultHTTPStatus, Message: "HTTP status 503, expected 200-299"},
	}
	in.Evidence = []uptime.Evidence{
		{Time: at("12:31:07"), Location: "local", Step: "check", Outcome: uptime.OutcomeDown, Fault: uptime.FaultTCPRefused, Message: "TCP connect 203.0.113.9:443 refused", Address: "203.0.113.9:443", Total: 3 * time.Millisecond, Weight: 4, Vote: true},
		{Time: at("12:31:08"), Location: "fra", Step: "wave 1", Outcome: uptime.OutcomeDown, Fault: uptime.FaultTCPRefused, Message: "TCP connect 203.0.113.9:443 refused", Weight: 3, Vote: true},
		{Time: at("12:31:08"), Location: "singapore", Step: "wave 1", Outcome: uptime.OutcomeUp, Address: "203.0.113.9:443", Total: 210 * time.Millisecond, Weight: -3, Vote: true},
		{Time: at("12:31:27"), Location: "local", Step: "last", Outcome: uptime.OutcomeUnknown, Fault: uptime.FaultLocalStalled, Message: "lookout stood still during the check"},
	}
	return in
}

// TestIncidentGolden prints one incident as a person asks for it by its number.
func TestIncidentGolden(t *testing.T) {
	in := storied()
	var b bytes.Buffer
	told := events()
	for i := range told { // one of them is about it
		if told[i].Kind == uptime.EventAlert && told[i].Monitor != "" {
			told[i].Incident = in.Number
		}
	}
	if err := Incident(&b, &in, told, options()); err != nil {
		t.Fatal(err)
	}
	golden(t, "incident.txt", b.String())
	if err := Incident(broken{}, &in, nil, options()); err == nil {
		t.Error("what could not be written is no error")
	}
	b.Reset()
	opt := options()
	opt.Format = JSON
	if err := Incident(&b, &in, nil, opt); err != nil {
		t.Fatal(err)
	}
	golden(t, "incident.json", b.String())
	bare := incidents()[1]
	b.Reset()
	if err := Incident(&b, &bare, nil, options()); err != nil || strings.Count(b.String(), "\n") != 2 {
		t.Errorf("without a story: %q, %v", b.String(), err)
	}
}

// TestIncidentHostile checks that nothing from outside makes a line of its own.
func TestIncidentHostile(t *testing.T) {
	const x = "x\nDOWN  forged\x1b[2K\r\u2028  y\u202e"
	in := storied()
	lines := func() string {
		var b bytes.Buffer
		if err := Incident(&b, &in, nil, options()); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	before := strings.Count(lines(), "\n")
	in.Monitor, in.Message = x, x
	for i := range in.Story {
		in.Story[i].Phase, in.Story[i].Message = x, x
	}
	for i := range in.Evidence {
		e := &in.Evidence[i]
		e.Location, e.Step, e.Message, e.Address = x, x, x, x
	}
	if got := lines(); strings.Count(got, "\n") != before || strings.ContainsAny(got, "\x1b\r\u2028\u202e") {
		t.Errorf("%q", got)
	}
}
