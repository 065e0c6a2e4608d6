package channel

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/telegram"

	"lookout/engine/uptime"
)

// maxTelegram is the length of a message.
const maxTelegram = 4096

// telegramPost is the call sendMessage (core.telegram.org/bots/api). There is no
// parse_mode, so nothing is markup; and all of it is in entities of code, in which
// Telegram looks for no @names, links and /commands of its own.
type telegramPost struct {
	Chat      string           `json:"chat_id"`
	Thread    int              `json:"message_thread_id,omitempty"`
	Text      string           `json:"text"`
	Entities  []telegramEntity `json:"entities"`
	NoPreview bool             `json:"disable_web_page_preview"`
	Silent    bool             `json:"disable_notification"`
}

type telegramEntity struct {
	Type   string `json:"type"`
	Offset int    `json:"offset"`
	Length int    `json:"length"`
}

// telegramType writes to chats of Telegram, as a bot.
func telegramType() uptime.ChannelType {
	return dialect{
		name: "telegram", summary: "writes to chats of Telegram, as a bot",
		form:    "telegram://TOKEN@telegram?chats=-1001234567890",
		options: []string{"channels", "chats", "notification", "preview"},
		fixed:   true,
		open: func(u *url.URL, _ uptime.ChannelSettings) (service, error) {
			c := &telegram.Config{Preview: true, Notification: true}
			if err := c.SetURL(u); err != nil {
				return service{}, err
			}
			v := service{each: "chat", secret: []string{c.Token, "bot" + c.Token}}
			for _, chat := range c.Chats {
				if chat = strings.TrimSpace(chat); chat != "" && !slices.Contains(v.to, chat) {
					v.to = append(v.to, chat)
				}
			}
			if v.target = fmt.Sprintf("%d chats of Telegram", len(v.to)); len(v.to) == 1 {
				v.target = "a chat of Telegram"
			}
			if len(v.to) == 0 {
				return service{}, telegram.ErrNoChannelsDefined
			}
			v.send = func(w *wire, l *uptime.Letter, chat string) (string, error) {
				p := telegramMessage(l)
				p.NoPreview, p.Silent = !c.Preview, !c.Notification || !l.Urgent
				var thread string
				if p.Chat, thread, _ = strings.Cut(chat, ":"); thread != "" {
					p.Thread, _ = strconv.Atoi(thread)
				}
				a, err := w.json("POST", "https://api.telegram.org/bot"+c.Token+"/sendMessage", nil, p)
				if err != nil {
					return "", err
				}
				if err := a.refusal(); err != nil {
					r := err.(*uptime.Refusal)
					if a.status == http.StatusBadRequest && !strings.Contains(r.Reply, "message") && !strings.Contains(r.Reply, "entit") {
						r.Letter = false // 400 is what it says of a chat too
					}
					return "", r
				}
				if a.field("ok") != "true" {
					return "", a.strange("Telegram")
				}
				return "200 ok", nil
			}
			return v, nil
		},
	}.channelType()
}

func telegramMessage(l *uptime.Letter) telegramPost {
	if l.Custom {
		text := cut(body(l), maxTelegram, units)
		return telegramPost{Text: text, Entities: []telegramEntity{{"pre", 0, units(text)}}}
	}
	head := title(l)
	n := units(head)
	p := telegramPost{Text: head, Entities: []telegramEntity{{"code", 0, n}}}
	if l.Text != "" {
		text := cut(l.Text, maxTelegram-n-1, units)
		p.Text += "\n" + text
		p.Entities = append(p.Entities, telegramEntity{"pre", n + 1, units(text)})
	}
	return p
}
