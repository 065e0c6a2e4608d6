package channel

import (
	"errors"
	"net/url"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/pushover"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"

	"lookout/engine/uptime"
)

// What Pushover takes, in characters.
const (
	maxPushover      = 1024
	maxPushoverTitle = 250
)

// pushoverType pushes by Pushover (pushover.net/api).
func pushoverType() uptime.ChannelType {
	return dialect{
		name: "pushover", summary: "pushes to phones by Pushover",
		form:    "pushover://:TOKEN@USERKEY/?devices=phone",
		options: []string{"devices", "priority"},
		fixed:   true,
		open: func(u *url.URL, _ uptime.ChannelSettings) (service, error) {
			text := u.String()
			c := &pushover.Config{}
			if err := c.SetURL(u); err != nil {
				return service{}, err
			}
			if c.Priority < -2 || c.Priority > 1 {
				return service{}, errors.New("a priority is -2 to 1")
			}
			usual := u.Query().Has("priority")
			return service{
				target: "a user of Pushover", secret: []string{c.Token, c.User},
				send: func(w *wire, l *uptime.Letter, _ string) (string, error) {
					again, err := url.Parse(text)
					if err != nil {
						return "", err
					}
					s := &pushover.Service{}
					if err := s.Initialize(again, nil); err != nil {
						return "", err
					}
					s.Client = w.client()
					params := types.Params{"title": clip(title(l), maxPushoverTitle, runes)}
					switch {
					case !l.Urgent:
						params["priority"] = "0"
					case !usual:
						params["priority"] = "1" // through the quiet hours
					}
					err = w.outcome(s.Send(cut(body(l), maxPushover, runes), &params))
					if r := (*uptime.Refusal)(nil); errors.As(err, &r) {
						if a := w.answer; a != nil && (a.field("user") == "invalid" || a.field("token") == "invalid" || a.field("device") != "") {
							r.Letter = false // 400 is what it says of a token too
						}
						return "", r
					}
					if w.answer.field("status") != "1" {
						return "", w.answer.strange("Pushover")
					}
					return taken(w.answer, w.answer.field("request")), nil
				},
			}, nil
		},
	}.channelType()
}
