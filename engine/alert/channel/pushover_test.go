package channel

import (
	"net/url"
	"strings"
	"testing"

	"lookout/engine/alert/channel/channeltest"
	"lookout/engine/uptime"
)

func pushoverCase() serviceCase {
	return serviceCase{
		name: "pushover",
		at: func(host string) values {
			return values{"url": uptime.Secret("pushover://:azGDORePK8gMaC0QOYAMyEEuzJnyUi@uQiRzpo4DXghDmr9QzzfQu27cmVRsG/?devices=iphone7"), "server": "http://" + host}
		},
		good: func(t testing.TB, a asked) says {
			f, err := url.ParseQuery(a.body)
			if a.method != "POST" || a.path != "/1/messages.json" || a.head.Get("Content-Type") != "application/x-www-form-urlencoded" || err != nil {
				t.Errorf("%s %s %v: %v", a.method, a.path, a.head, err)
			}
			if f.Get("token") != "azGDORePK8gMaC0QOYAMyEEuzJnyUi" || f.Get("user") != "uQiRzpo4DXghDmr9QzzfQu27cmVRsG" || f.Get("device") != "iphone7" || f.Has("html") {
				t.Errorf("%v", f)
			}
			if n := runes(f.Get("message")); n == 0 || n > 1024 || runes(f.Get("title")) > 250 {
				t.Errorf("%d characters", n)
			}
			return says{200, nil, `{"status":1,"request":"647d2300-702c-4b38-8b2f-d56326ae460b"}`}
		},
		taken: func(_ testing.TB, a asked) channeltest.Taken {
			f, _ := url.ParseQuery(a.body)
			return channeltest.Taken{Texts: []string{f.Get("title"), f.Get("message")}}
		},
		said: func(text string) string { return `{"status":0,"request":"x","errors":[` + quoted(text) + `]}` },
		refuses: map[string]refusal{
			"a user": {says{400, nil, `{"user":"invalid","errors":["user identifier is invalid"],"status":0,"request":"5042853c-402d-4a18-abcb-168734a801de"}`},
				uptime.Refusal{Reply: "400 Bad Request: user identifier is invalid", Permanent: true}},
			"a message": {says{400, nil, `{"message":"cannot be blank","errors":["message cannot be blank"],"status":0}`},
				uptime.Refusal{Reply: "message cannot be blank", Permanent: true, Letter: true}},
		},
	}
}

func TestPushover(t *testing.T) { pushoverCase().contract(t) }

func TestPushoverLetters(t *testing.T) {
	c := pushoverCase()
	for _, tt := range []struct {
		name, option, want string
		letter             *uptime.Letter
	}{
		{"urgent", "", "1", channeltest.Letter(1)},
		{"over", "", "0", over()},
		{"urgent as configured", "&priority=0", "0", channeltest.Letter(1)},
		{"quiet, whatever is configured", "&priority=1", "0", quiet()},
		{"hostile", "", "1", hostile()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, k := c.send(t, tt.letter, func(v values) { v["url"] = v["url"].(uptime.Secret) + uptime.Secret(tt.option) })
			f, _ := url.ParseQuery(a.body)
			w := washed(tt.letter)
			if f.Get("priority") != tt.want || k.Texts[0] != w.Subject || k.Texts[1] != w.Text {
				t.Errorf("%v", f)
			}
		})
	}
	if _, k := c.send(t, long(), nil); !strings.HasSuffix(k.Texts[1], "more lines") || runes(k.Texts[1]) < 900 {
		t.Errorf("%d characters: %q", runes(k.Texts[1]), k.Texts[1])
	}
}
