package channel

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/url"
	"strings"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/ntfy"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"

	"lookout/engine/uptime"
)

// maxNtfy is the size of a message at ntfy: more becomes an attachment.
const maxNtfy = 4000

// ntfyType pushes to phones by ntfy (docs.ntfy.sh/publish). A letter has a
// sequence id made of its own: where it comes twice, ntfy from 2.16 on shows it
// once, and older ones ignore the header.
func ntfyType() uptime.ChannelType {
	return dialect{
		name: "ntfy", summary: "pushes to phones by ntfy.sh, or an ntfy server of one's own",
		form:    "ntfy://:TOKEN@ntfy.example.com/TOPIC",
		options: []string{"actions", "at", "attach", "cache", "click", "delay", "disabletls", "email", "filename", "firebase", "icon", "in", "priority", "scheme", "tags"},
		open: func(u *url.URL, _ uptime.ChannelSettings) (service, error) {
			text := u.String()
			s := &ntfy.Service{}
			if err := s.Initialize(u, nil); err != nil {
				return service{}, err
			}
			c := s.Config
			if c.Host == "" {
				return service{}, errors.New("it names no host")
			}
			if c.Scheme != "http" && c.Scheme != "https" {
				return service{}, errors.New("its scheme is http or https")
			}
			v := service{target: "a topic of " + c.Host}
			if c.Scheme == "http" {
				v.plain = c.Host
			}
			usual := u.Query().Has("priority")
			v.send = func(w *wire, l *uptime.Letter, _ string) (string, error) {
				again, err := url.Parse(text)
				if err != nil {
					return "", err
				}
				s := &ntfy.Service{} // Send writes into one
				if err := s.Initialize(again, nil); err != nil {
					return "", err
				}
				s.SetHTTPClient(w.client())
				id := sha256.Sum256([]byte(l.ID))
				w.head.Set("X-Sequence-ID", hex.EncodeToString(id[:12]))
				params := types.Params{"title": strings.ReplaceAll(title(l), "=?", "= ?")} // ntfy decodes RFC 2047
				switch {
				case !l.Urgent:
					params["priority"] = "default"
				case !usual:
					params["priority"] = "max"
				}
				if err := w.outcome(s.Send(cut(body(l), maxNtfy, octets), &params)); err != nil {
					return "", err
				}
				if w.answer.field("id") == "" {
					return "", w.answer.strange("ntfy")
				}
				return taken(w.answer, w.answer.field("id")), nil
			}
			return v, nil
		},
	}.channelType()
}
