package channel

import (
	"errors"
	"net/url"
	"strings"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/gotify"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"

	"lookout/engine/uptime"
)

// gotifyType pushes by a Gotify server (gotify.net/api-docs, POST /message).
func gotifyType() uptime.ChannelType {
	return dialect{
		name: "gotify", summary: "pushes to phones by a Gotify server",
		form:    "gotify://gotify.example.com/TOKEN",
		options: []string{"disabletls", "extras", "priority", "useheader"},
		open: func(u *url.URL, _ uptime.ChannelSettings) (service, error) {
			text := u.String()
			c := &gotify.Config{}
			if err := c.SetURL(u); err != nil {
				return service{}, err
			}
			check := gotify.DefaultValidator{}
			switch {
			case c.Host == "":
				return service{}, errors.New("it names no host")
			case !check.ValidateToken(c.Token):
				return service{}, errors.New("its last part is no token of an application: 15 characters, the first an A")
			case check.ValidatePriority(c.Priority) != nil:
				return service{}, gotify.ErrInvalidPriority
			}
			v := service{target: "Gotify at " + c.Host, secret: []string{c.Token}}
			if c.DisableTLS {
				v.plain = c.Host
			}
			usual := u.Query().Has("priority")
			v.send = func(w *wire, l *uptime.Letter, _ string) (string, error) {
				again, err := url.Parse(text)
				if err != nil {
					return "", err
				}
				s := &gotify.Service{}
				if err := s.Initialize(again, nil); err != nil {
					return "", err
				}
				*s.GetHTTPClient() = *w.client()
				s.Config.Path = strings.TrimSuffix(s.Config.Path, "/") // it adds another
				// The token is better off in a header than in the address, which servers in between write down.
				params := types.Params{"title": title(l), "useheader": "yes"}
				switch {
				case !l.Urgent:
					params["priority"] = "4"
				case !usual:
					params["priority"] = "8" // from here on phones ring
				}
				if err := w.outcome(s.Send(body(l), &params)); err != nil {
					return "", err
				}
				if w.answer.field("id") == "" {
					return "", w.answer.strange("Gotify")
				}
				return taken(w.answer, w.answer.field("id")), nil
			}
			return v, nil
		},
	}.channelType()
}
