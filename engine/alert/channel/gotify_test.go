package channel

import (
	"testing"

	"lookout/engine/alert/channel/channeltest"
	"lookout/engine/uptime"
)

func gotifyCase() serviceCase {
	return serviceCase{
		name: "gotify",
		at: func(host string) values {
			return values{"url": uptime.Secret("gotify://" + host + "/AzyoeNS.D4iJLVa?disabletls=yes")}
		},
		good: func(t testing.TB, a asked) says {
			if a.method != "POST" || a.path != "/message" || len(a.query) > 0 || a.head.Get("X-Gotify-Key") != "AzyoeNS.D4iJLVa" || a.head.Get("Content-Type") != "application/json" {
				t.Errorf("%s %s?%v %v", a.method, a.path, a.query, a.head)
			}
			return says{200, nil, `{"id":25,"appid":5,"message":"x","title":"y","date":"2018-02-27T19:36:10.5045044+01:00"}`}
		},
		taken: func(t testing.TB, a asked) channeltest.Taken {
			m := gotifyMessage{}
			a.json(t, &m)
			return channeltest.Taken{Texts: []string{m.Title, m.Message}}
		},
		said: func(text string) string {
			return `{"error":"Unauthorized","errorCode":401,"errorDescription":` + quoted(text) + `}`
		},
	}
}

type gotifyMessage struct {
	Title, Message string
	Priority       int
	Extras         map[string]any
}

func TestGotify(t *testing.T) { gotifyCase().contract(t) }

func TestGotifyLetters(t *testing.T) {
	c := gotifyCase()
	for _, tt := range []struct {
		name, option string
		want         int
		letter       *uptime.Letter
	}{
		{"urgent", "", 8, channeltest.Letter(1)},
		{"over", "", 4, over()},
		{"urgent as configured", "&priority=10", 10, channeltest.Letter(1)},
		{"hostile", "", 8, hostile()},
		{"long", "", 8, long()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, _ := c.send(t, tt.letter, func(v values) { v["url"] = v["url"].(uptime.Secret) + uptime.Secret(tt.option) })
			m := gotifyMessage{}
			a.json(t, &m)
			w := washed(tt.letter)
			if m.Priority != tt.want || m.Title != w.Subject || m.Message != w.Text || m.Extras != nil {
				t.Errorf("%+.500v", m)
			}
		})
	}
}

// A server below a path is asked there, with one slash.
func TestGotifyPath(t *testing.T) {
	f := serve(t, false, func(a asked) says {
		if a.path != "/push/message" {
			t.Errorf("asked for %s", a.path)
		}
		return says{200, nil, `{"id":1}`}
	})
	ch, mistakes := typeOf(t, "gotify").New(uptime.ChannelSettings{Values: values{"url": uptime.Secret("gotify://" + f.host() + "/push/AzyoeNS.D4iJLVa?disabletls=yes")}})
	if ch == nil {
		t.Fatal(mistakes)
	}
	if _, err := ch.Send(t.Context(), channeltest.Letter(1), nil); err != nil {
		t.Error(err)
	}
}
