package channel

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/incident/pagerduty"

	"lookout/engine/uptime"
)

// maxPagerDuty is the length of a summary.
const maxPagerDuty = 1024

// pagerDutyEvent is one of the Events API v2 (developer.pagerduty.com). That of
// shoutrrr has the details beside the payload, where PagerDuty does not look, and no time.
type pagerDutyEvent struct {
	Key     string           `json:"routing_key"`
	Action  string           `json:"event_action"`
	Dedup   string           `json:"dedup_key"`
	Client  string           `json:"client,omitempty"`
	URL     string           `json:"client_url,omitempty"`
	Payload pagerDutyPayload `json:"payload"`
}

type pagerDutyPayload struct {
	Summary  string           `json:"summary"`
	Source   string           `json:"source"`
	Severity string           `json:"severity"`
	Time     string           `json:"timestamp,omitempty"`
	Details  pagerDutyDetails `json:"custom_details"`
}

type pagerDutyDetails struct {
	Text string `json:"text"`
	ID   string `json:"id"`
}

// pagerDutyType opens incidents of PagerDuty, and resolves them. All letters
// about one incident have its thread for a key, so it is one there too: a
// reminder is noted in it and pages nobody anew, which is for PagerDuty to do.
func pagerDutyType() uptime.ChannelType {
	return dialect{
		name: "pagerduty", summary: "opens incidents of PagerDuty, and resolves them",
		form:    "pagerduty://events.pagerduty.com/INTEGRATIONKEY",
		options: []string{"client", "client_url", "severity", "source"},
		open: func(u *url.URL, set uptime.ChannelSettings) (service, error) {
			s := &pagerduty.Service{}
			if err := s.Initialize(u, nil); err != nil {
				return service{}, err
			}
			c := s.Config
			query := u.Query()
			severity, source := query.Get("severity"), query.Get("source")
			switch severity {
			case "", "critical", "error", "warning", "info":
			default:
				return service{}, errors.New("a severity is critical, error, warning or info")
			}
			return service{
				target: "PagerDuty by " + c.Host, secret: []string{c.IntegrationKey},
				send: func(w *wire, l *uptime.Letter, _ string) (string, error) {
					e := pagerDutyEvent{
						Key: c.IntegrationKey, Dedup: clip(cmp.Or(l.Thread, l.ID, "lookout"), 200, octets),
						Client: cmp.Or(c.Client, "lookout"), URL: c.ClientURL,
						Payload: pagerDutyPayload{
							Summary: clip(title(l), maxPagerDuty, runes), Source: cmp.Or(source, set.Instance, set.Host, "lookout"),
							Severity: "warning", Details: pagerDutyDetails{Text: l.Text, ID: l.ID},
						},
					}
					if l.Urgent {
						e.Payload.Severity = cmp.Or(severity, "critical")
					}
					if !l.Time.IsZero() {
						e.Payload.Time = l.Time.UTC().Format(time.RFC3339)
					}
					actions := []string{"trigger"}
					switch {
					case passing(l):
						actions = []string{"trigger", "resolve"}
					case l.Over:
						actions = []string{"resolve"}
					}
					var a *answer
					w.most = len(actions)
					for i := range actions {
						var err error
						e.Action = actions[i]
						if a, err = w.json("POST", fmt.Sprintf("https://%s/v2/enqueue", hostPort(c.Host, c.Port)), nil, e); err == nil {
							err = a.refusal()
						}
						if r := (*uptime.Refusal)(nil); errors.As(err, &r) && strings.Contains(strings.ToLower(r.Reply), "routing") {
							r.Letter = false // 400 is what it says of a key too
						}
						if err == nil && a.field("status") != "success" {
							err = a.strange("PagerDuty")
						}
						if err != nil {
							return "", halfway(err, i)
						}
					}
					return fmt.Sprintf("%d %s%s", a.status, a.why(), closed(l)), nil
				},
			}, nil
		},
	}.channelType()
}

// hostPort is a host with a port that is not that of https.
func hostPort(host string, port uint16) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port == 0 || port == 443 {
		return host
	}
	return fmt.Sprintf("%s:%d", host, port)
}
