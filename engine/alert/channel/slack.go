package channel

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/slack"

	"lookout/engine/uptime"
)

// maxSlack is the length of a text in a block.
const maxSlack = 3000

const slackAPI = "https://slack.com/api/chat.postMessage"

// slackPost is what a webhook and chat.postMessage take (docs.slack.dev). The
// text is what notifications show, the blocks are what is in the channel. That of
// shoutrrr has each line as an attachment with markup, <!channel> included.
type slackPost struct {
	Channel     string       `json:"channel,omitempty"`
	Text        string       `json:"text"`
	Markdown    bool         `json:"mrkdwn"`
	Blocks      []slackBlock `json:"blocks"`
	Username    string       `json:"username,omitempty"`
	IconEmoji   string       `json:"icon_emoji,omitempty"`
	IconURL     string       `json:"icon_url,omitempty"`
	Thread      string       `json:"thread_ts,omitempty"`
	UnfurlLinks bool         `json:"unfurl_links"`
	UnfurlMedia bool         `json:"unfurl_media"`
}

type slackBlock struct {
	Type     string       `json:"type"`
	Text     any          `json:"text,omitempty"`
	Elements []slackBlock `json:"elements,omitempty"`
}

type slackText struct {
	Type  string `json:"type"`
	Text  string `json:"text"`
	Emoji bool   `json:"emoji"`
}

// slackType writes into a channel of Slack, by a webhook or as a bot.
func slackType() uptime.ChannelType {
	return dialect{
		name: "slack", summary: "writes into a channel of Slack, by a webhook or as a bot",
		form:    "slack://hook:T000000000-B000000000-TOKEN@webhook",
		options: []string{"botname", "icon", "icon_emoji", "icon_url", "thread_ts", "username"},
		fixed:   true,
		open: func(u *url.URL, _ uptime.ChannelSettings) (service, error) {
			c, err := slack.CreateConfigFromURL(u)
			if err != nil {
				return service{}, err
			}
			parts := strings.Split(c.Token.String(), ":")
			token := parts[len(parts)-1]
			v := service{target: "a channel of Slack", secret: append(strings.Split(token, "-"), token, strings.ReplaceAll(token, "-", "/"), c.Token.Authorization())}
			v.send = func(w *wire, l *uptime.Letter, _ string) (string, error) {
				p := slackMessage(l)
				p.Username, p.Thread = c.BotName, c.ThreadTS
				if strings.Contains(c.Icon, "://") {
					p.IconURL = c.Icon
				} else {
					p.IconEmoji = c.Icon
				}
				if c.Token.IsAPIToken() {
					p.Channel = c.Channel
					return slackAsk(w, p, c.Token.Authorization())
				}
				a, err := w.json("POST", c.Token.WebhookURL(), nil, p)
				if err != nil {
					return "", err
				}
				if err := a.refusal(); err != nil {
					if r := err.(*uptime.Refusal); strings.Contains(r.Reply, "invalid_token") || strings.Contains(r.Reply, "no_") {
						r.Letter = false
					}
					return "", err
				}
				if strings.TrimSpace(string(a.body)) != "ok" {
					return "", a.strange("Slack")
				}
				return "200 ok", nil
			}
			return v, nil
		},
	}.channelType()
}

// slackAsk sends as a bot. Slack refuses with 200 and a word.
func slackAsk(w *wire, p slackPost, authorization string) (string, error) {
	a, err := w.json("POST", slackAPI, http.Header{"Authorization": {authorization}}, p)
	if err != nil {
		return "", err
	}
	if err := a.refusal(); err != nil {
		return "", err
	}
	switch word := a.field("error"); {
	case a.field("ok") == "true":
		return taken(a, a.field("ts")), nil
	case word == "":
		return "", a.strange("Slack")
	default:
		r := &uptime.Refusal{Reply: "200, but refused: " + word, Permanent: true}
		switch word {
		case "msg_too_long", "msg_blocks_too_long", "invalid_blocks", "invalid_blocks_format", "no_text":
			r.Letter = true
		case "ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout":
			r.Permanent = false
		}
		return "", r
	}
}

// slackMessage has the text of a letter where Slack looks for no markup.
func slackMessage(l *uptime.Letter) slackPost {
	p := slackPost{Text: strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(title(l))}
	if !l.Custom {
		p.Blocks = append(p.Blocks, slackBlock{Type: "section", Text: slackText{Type: "plain_text", Text: title(l)}})
	}
	p.Blocks = append(p.Blocks, slackBlock{Type: "rich_text", Elements: []slackBlock{{
		Type:     "rich_text_preformatted",
		Elements: []slackBlock{{Type: "text", Text: cut(body(l), maxSlack, units)}},
	}}})
	return p
}
