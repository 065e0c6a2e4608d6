package channel

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/discord"

	"lookout/engine/uptime"
)

// maxDiscord is the length of a message.
const maxDiscord = 2000

// discordPost is what a webhook of Discord takes (docs.discord.com, Execute
// Webhook). shoutrrr sends it as it is: its own has no allowed_mentions, without
// which an @everyone in the name of a monitor calls everyone.
type discordPost struct {
	Content  string `json:"content"`
	Username string `json:"username,omitempty"`
	Avatar   string `json:"avatar_url,omitempty"`
	Mentions struct {
		Parse []string `json:"parse"` // nobody
	} `json:"allowed_mentions"`
	Flags int `json:"flags"`
}

const suppressEmbeds = 1 << 2 // Discord is not to fetch what an error names

// discordType writes into a channel of Discord by its webhook.
func discordType() uptime.ChannelType {
	return dialect{
		name: "discord", summary: "writes into a channel of Discord, by a webhook",
		form:    "discord://TOKEN@WEBHOOKID",
		options: []string{"avatar", "avatarurl", "thread_id", "username"},
		fixed:   true,
		open: func(u *url.URL, _ uptime.ChannelSettings) (service, error) {
			u.Path = strings.TrimSuffix(u.Path, "/")
			text := u.String()
			c := &discord.Config{}
			if err := c.SetURL(u); err != nil {
				return service{}, err
			}
			if u.Path != "" {
				return service{}, discord.ErrIllegalURLArgument
			}
			return service{
				target: "a channel of Discord", secret: []string{c.Token, c.WebhookID},
				send: func(w *wire, l *uptime.Letter, _ string) (string, error) {
					again, err := url.Parse(text)
					if err != nil {
						return "", err
					}
					s := &discord.Service{}
					if err := s.Initialize(again, nil); err != nil {
						return "", err
					}
					s.HTTPClient, s.Sleeper, s.Config.JSON = w.client(), sleepless{}, true
					p := discordPost{Content: discordText(l), Username: c.Username, Avatar: c.Avatar, Flags: suppressEmbeds}
					p.Mentions.Parse = []string{}
					b, err := json.Marshal(p)
					if err != nil {
						return "", err
					}
					if err := w.outcome(s.Send(string(b), nil)); err != nil {
						return "", err
					}
					if w.answer.status != http.StatusNoContent && w.answer.field("id") == "" {
						return "", w.answer.strange("Discord")
					}
					return taken(w.answer, w.answer.field("id")), nil
				},
			}, nil
		},
	}.channelType()
}

// sleepless is the patience of shoutrrr between its tries: the wire lets it have one.
type sleepless struct{}

func (sleepless) Sleep(time.Duration) {}

// discordText is a subject without markup over a block of code, in which nothing is markup.
func discordText(l *uptime.Letter) string {
	head := ""
	if !l.Custom {
		head = clip(discordEscape(title(l)), maxDiscord/2, units) + "\n"
	}
	text := strings.ReplaceAll(body(l), "```", "'''")
	return head + "```\n" + cut(text, maxDiscord-units(head)-len("```\n\n```"), units) + "\n```"
}

// discordEscape takes the meaning from what has one in the Markdown of Discord.
func discordEscape(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune("\\*_~`|<>#-[]()@:", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
