package channel

import (
	"strings"
	"testing"

	"lookout/engine/alert/channel/channeltest"
	"lookout/engine/uptime"
)

func pagerDutyCase() serviceCase {
	key := strings.Repeat("c0ffee42", 4)
	return serviceCase{
		name: "pagerduty", secure: true,
		at: func(host string) values { return values{"url": uptime.Secret("pagerduty://" + host + "/" + key)} },
		good: func(t testing.TB, a asked) says {
			var e pagerDutyEvent
			a.json(t, &e)
			if a.method != "POST" || a.path != "/v2/enqueue" || a.head.Get("Content-Type") != "application/json" || e.Key != key {
				t.Errorf("%s %s %v by %q", a.method, a.path, a.head, e.Key)
			}
			if n := runes(e.Payload.Summary); n == 0 || n > 1024 || e.Payload.Source == "" || e.Payload.Severity == "" || e.Dedup == "" || len(e.Dedup) > 255 {
				t.Errorf("%.500s", a.body)
			}
			return says{202, nil, `{"status":"success","message":"Event processed","dedup_key":"x"}`}
		},
		taken: func(t testing.TB, a asked) channeltest.Taken {
			var e pagerDutyEvent
			a.json(t, &e)
			return channeltest.Taken{ID: e.Payload.Details.ID, Texts: []string{e.Payload.Summary, e.Payload.Details.Text}}
		},
		said: func(text string) string {
			return `{"status":"invalid event","message":"Event object is invalid","errors":[` + quoted(text) + `]}`
		},
		refuses: map[string]refusal{
			"a key": {says{400, nil, `{"status":"invalid event","message":"Event object is invalid","errors":["Invalid routing key"]}`},
				uptime.Refusal{Reply: "400 Bad Request: Invalid routing key", Permanent: true}},
			"an event": {says{400, nil, `{"status":"invalid event","message":"Event object is invalid","errors":["Length of 'payload.summary' is incorrect"]}`},
				uptime.Refusal{Reply: "'payload.summary' is incorrect", Permanent: true, Letter: true}},
		},
	}
}

func TestPagerDuty(t *testing.T) { pagerDutyCase().contract(t) }

func TestPagerDutyLetters(t *testing.T) {
	c := pagerDutyCase()
	for _, tt := range []struct {
		name, option, action, severity, source string
		letter                                 *uptime.Letter
	}{
		{"urgent", "", "trigger", "critical", "web-1", channeltest.Letter(1)},
		{"quiet", "", "trigger", "warning", "web-1", quiet()},
		{"over", "", "resolve", "warning", "web-1", over()},
		{"as configured", "?severity=error&source=ours", "trigger", "error", "ours", channeltest.Letter(1)},
		{"hostile", "", "trigger", "critical", "web-1", hostile()},
		{"long", "", "trigger", "critical", "web-1", long()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, _ := c.send(t, tt.letter, func(v values) { v["url"] = v["url"].(uptime.Secret) + uptime.Secret(tt.option) })
			var e pagerDutyEvent
			a.json(t, &e)
			w := washed(tt.letter)
			want := pagerDutyPayload{w.Subject, tt.source, tt.severity, "2026-11-22T12:31:28Z", pagerDutyDetails{w.Text, w.ID}}
			if e.Action != tt.action || e.Dedup != "4711-ops@web-1" || e.Payload != want {
				t.Errorf("%+.800v", e)
			}
		})
	}
}

// A certificate that nobody vouches for is none.
func TestUntrusted(t *testing.T) {
	c := pagerDutyCase()
	f := serve(t, true, func(asked) says { return says{status: 202} })
	ch, mistakes := typeOf(t, "pagerduty").New(uptime.ChannelSettings{Values: c.at(f.host())})
	if ch == nil {
		t.Fatal(mistakes)
	}
	_, err := ch.Send(t.Context(), channeltest.Letter(1), nil)
	if r, ok := err.(*uptime.Refusal); !ok || !strings.Contains(r.Reply, "does not verify") || r.Uncertain || len(f.asked()) > 0 {
		t.Errorf("%+v", err)
	}
}
