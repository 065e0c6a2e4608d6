package channel

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/teams"

	"lookout/engine/uptime"
)

const (
	maxTeams     = 24 << 10 // bytes of a request: Teams takes 28 kB
	maxTeamsText = 12 << 10
)

// teamsPost is a message with an Adaptive Card, which both the webhooks of
// Workflows and the older ones of connectors take. Its texts are runs of rich text blocks, in
// which nothing is markup; what shoutrrr sends is a card in Markdown.
type teamsPost struct {
	Type        string            `json:"type"`
	Summary     string            `json:"summary"`
	Attachments []teamsAttachment `json:"attachments"`
}

type teamsAttachment struct {
	Type    string    `json:"contentType"`
	Content teamsCard `json:"content"`
}

type teamsCard struct {
	Schema  string       `json:"$schema"`
	Type    string       `json:"type"`
	Version string       `json:"version"`
	Teams   teamsWidth   `json:"msteams"`
	Body    []teamsBlock `json:"body"`
}

type teamsWidth struct {
	Width string `json:"width"`
}

type teamsBlock struct {
	Type    string     `json:"type"`
	Inlines []teamsRun `json:"inlines"`
	Spacing string     `json:"spacing,omitempty"`
}

type teamsRun struct {
	Type   string `json:"type"`
	Text   string `json:"text"`
	Font   string `json:"fontType,omitempty"`
	Weight string `json:"weight,omitempty"`
}

// teamsType writes into a channel of Microsoft Teams. shoutrrr knows the
// webhooks of connectors, which Microsoft retires; those of Workflows, which
// take their place, are written teams+https:// and used as they are.
func teamsType() uptime.ChannelType {
	return dialect{
		name: "teams", summary: "writes into a channel of Microsoft Teams, by a webhook of Workflows or of a connector",
		form:    "teams+https://HOST/workflows/ID/triggers/manual/paths/invoke?sig=SIGNATURE",
		variant: "teams+https",
		options: []string{"host"},
		fixed:   true,
		open: func(u *url.URL, _ uptime.ChannelSettings) (service, error) {
			address, connector, err := teamsAddress(u)
			if err != nil {
				return service{}, err
			}
			v := service{target: "Teams", secret: []string{address}}
			for _, part := range strings.FieldsFunc(address, func(r rune) bool { return strings.ContainsRune("/@?&=", r) }) {
				if len(part) >= minPart && part != "https:" && part != u.Host && part != "IncomingWebhook" && part != "webhookb2" && part != "workflows" && part != "triggers" {
					v.secret = append(v.secret, part)
				}
			}
			v.send = func(w *wire, l *uptime.Letter, _ string) (string, error) {
				a, err := w.ask("POST", address, http.Header{"Content-Type": {"application/json"}}, teamsMessage(l))
				if err != nil {
					return "", err
				}
				if err := a.refusal(); err != nil {
					return "", err
				}
				said := strings.TrimSpace(string(a.body))
				switch {
				case connector && said != "1":
					// A connector says 200 also when Teams did not take it, and in words why not.
					return "", a.strange("Teams")
				case !connector && a.status != http.StatusAccepted && (said != "" && !json.Valid(a.body)):
					return "", a.strange("Workflows")
				}
				return taken(a, ""), nil
			}
			return v, nil
		},
	}.channelType()
}

// teamsAddress is what a url leads to, and whether that is a connector.
func teamsAddress(u *url.URL) (address string, connector bool, err error) {
	if u.Scheme == "teams+https" && !strings.HasSuffix(strings.ToLower(u.Hostname()), ".webhook.office.com") {
		if u.Hostname() == "" || len(u.Path) < 2 || u.User != nil {
			return "", false, errors.New("it is no address of a webhook")
		}
		to := *u
		to.Scheme = "https"
		return to.String(), false, nil
	}
	if u.Scheme == "teams+https" {
		if u.RawQuery != "" {
			return "", true, errors.New("an address of a connector has no options")
		}
		if u, err = (&teams.Service{}).GetConfigURLFromCustom(u); err != nil {
			return "", true, err
		}
	}
	c := &teams.Config{}
	if err := c.SetURL(u); err != nil {
		return "", true, err
	}
	address = teams.BuildWebhookURL(c.Host, c.Group, c.Tenant, c.AltID, c.GroupOwner, c.ExtraID)
	if teams.ValidateWebhookURL(address) != nil {
		return "", true, teams.ErrInvalidWebhookURL
	}
	return address, true, nil
}

// teamsMessage is a letter as JSON, as much of it as Teams takes.
func teamsMessage(l *uptime.Letter) []byte {
	for most := maxTeamsText; ; most /= 2 {
		card := teamsCard{
			Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4",
			Teams: teamsWidth{"Full"},
		}
		if !l.Custom {
			card.Body = append(card.Body, teamsBlock{Type: "RichTextBlock", Inlines: []teamsRun{{Type: "TextRun", Text: title(l), Weight: "Bolder"}}})
		}
		for line := range strings.SplitSeq(cut(body(l), most, octets), "\n") {
			if line == "" {
				line = " " // a run without a text is no run
			}
			card.Body = append(card.Body, teamsBlock{Type: "RichTextBlock", Spacing: "None", Inlines: []teamsRun{{Type: "TextRun", Text: line, Font: "Monospace"}}})
		}
		p := teamsPost{Type: "message", Summary: title(l), Attachments: []teamsAttachment{{"application/vnd.microsoft.card.adaptive", card}}}
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if e.Encode(p) != nil || b.Len() <= maxTeams || most < 100 { // strings have no error
			return b.Bytes()
		}
	}
}
