package channel

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/matrix"

	"lookout/engine/uptime"
)

// matrixPost is an event of m.room.message (spec.matrix.org, client-server API
// v1.11). It has no format, so nothing is markup, and the empty m.mentions says
// that it calls nobody, whatever names are in it.
type matrixPost struct {
	Type     string   `json:"msgtype"`
	Body     string   `json:"body"`
	Mentions struct{} `json:"m.mentions"`
}

// matrixType writes into rooms of Matrix. A letter is sent with a transaction id
// made of its own: where it comes twice from one device, it is there once. Who
// logs in with a password does it as the same device each time.
func matrixType() uptime.ChannelType {
	return dialect{
		name: "matrix", summary: "writes into rooms of Matrix, with a token or a password",
		form:    "matrix://:TOKEN@matrix.example.com/?rooms=%23ops:example.com",
		options: []string{"disabletls", "room", "rooms"},
		open: func(u *url.URL, s uptime.ChannelSettings) (service, error) {
			c := &matrix.Config{}
			if err := c.SetURL(u); err != nil {
				return service{}, err
			}
			switch {
			case c.Host == "":
				return service{}, errors.New("it names no host")
			case c.Password == "":
				return service{}, errors.New("it has neither a token nor a password: they stand between : and @")
			case len(c.Rooms) == 0:
				return service{}, errors.New("it names no rooms")
			}
			v := service{target: fmt.Sprintf("%d rooms of Matrix by %s", len(c.Rooms), c.Host), each: "room"}
			slices.Sort(c.Rooms)
			if v.to = slices.Compact(c.Rooms); len(v.to) == 1 {
				v.target = "a room of Matrix by " + c.Host
			}
			m := matrixClient{base: "https://" + c.Host + "/_matrix/client/v3", user: c.User, secret: c.Password}
			if c.DisableTLS {
				m.base, v.plain = "http://"+c.Host+"/_matrix/client/v3", c.Host
			}
			device := sha256.Sum256([]byte(s.Instance + "\x00" + s.Name))
			m.device = "lookout" + hex.EncodeToString(device[:6])
			v.send = m.send
			return v, nil
		},
	}.channelType()
}

// matrixClient is one user of a home server.
type matrixClient struct {
	base   string
	user   string // "": secret is a token
	secret string
	device string
}

func (m matrixClient) send(w *wire, l *uptime.Letter, room string) (string, error) {
	w.most = 3
	token := m.secret
	if m.user != "" {
		var err error
		if token, err = m.login(w); err != nil {
			return "", err
		}
	}
	auth := func() http.Header { return http.Header{"Authorization": {"Bearer " + token}} }
	a, err := w.json("POST", m.base+"/join/"+url.PathEscape(room), auth(), struct{}{}) // of one joined already too it says the id
	if err = before(a, err, "join the room"); err != nil {
		return "", err
	}
	id := a.field("room_id")
	if id == "" {
		return "", before(a, a.strange("Matrix"), "join the room")
	}
	txn := sha256.Sum256([]byte(l.ID))
	post := matrixPost{Type: "m.text", Body: whole(l)}
	a, err = w.json("PUT", m.base+"/rooms/"+url.PathEscape(id)+"/send/m.room.message/"+hex.EncodeToString(txn[:12]), auth(), post)
	if err != nil {
		return "", err
	}
	if err := a.refusal(); err != nil {
		return "", err
	}
	event := a.field("event_id")
	if event == "" {
		return "", a.strange("Matrix")
	}
	return taken(a, strings.TrimPrefix(event, "$")), nil
}

func (m matrixClient) login(w *wire) (string, error) {
	w.quiet = true // it says a token
	defer func() { w.quiet = false }()
	a, err := w.json("POST", m.base+"/login", nil, map[string]any{
		"type": "m.login.password", "password": m.secret, "device_id": m.device, "initial_device_display_name": "lookout",
		"identifier": map[string]string{"type": "m.id.user", "user": m.user},
	})
	if err = before(a, err, "log in"); err != nil {
		return "", err
	}
	token := a.field("access_token")
	if token == "" {
		return "", &uptime.Refusal{Reply: "log in: 200, but without a token"}
	}
	return token, nil
}

// before is why a step failed that comes before a letter is sent: it is not about the letter,
// and that was not taken.
func before(a *answer, err error, step string) error {
	if err == nil {
		err = a.refusal()
	}
	if r := (*uptime.Refusal)(nil); errors.As(err, &r) {
		return &uptime.Refusal{Reply: step + ": " + r.Reply, Permanent: r.Permanent, Wait: r.Wait}
	}
	return err
}
