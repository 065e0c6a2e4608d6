package channel

import (
	"strings"
	"testing"

	"lookout/engine/alert/channel/channeltest"
	"lookout/engine/uptime"
)

func ntfyCase() serviceCase {
	return serviceCase{
		name: "ntfy",
		at: func(host string) values {
			return values{"url": uptime.Secret("ntfy://jo:ntfy-s3cret-pass@" + host + "/my-secret-topic?scheme=http&tags=warning,cd")}
		},
		good: func(t testing.TB, a asked) says {
			user, password, _ := basicAuth(a.head)
			if a.method != "POST" || a.path != "/my-secret-topic" || user != "jo" || password != "ntfy-s3cret-pass" {
				t.Errorf("%s %s by %s:%s", a.method, a.path, user, password)
			}
			if len(a.body) > 4096 || len(a.head["Title"]) != 1 || a.head.Get("Tags") != "warning,cd" || a.head.Get("Markdown") != "" {
				t.Errorf("%d bytes, %v", len(a.body), a.head)
			}
			return says{200, nil, `{"id":"xE73Iyuabi","time":1673542291,"event":"message","topic":"mytopic","message":"Hi"}`}
		},
		taken: func(_ testing.TB, a asked) channeltest.Taken {
			return channeltest.Taken{ID: a.head.Get("X-Sequence-Id"), Texts: []string{a.head.Get("Title"), a.body}}
		},
		said: func(text string) string {
			return `{"code":40301,"http":403,"error":` + quoted(text) + `,"link":"https://ntfy.sh/docs/publish/#authentication"}`
		},
		refuses: map[string]refusal{
			"a topic": {says{400, nil, `{"code":40009,"http":400,"error":"invalid request: topic invalid"}`},
				uptime.Refusal{Reply: "400 Bad Request: invalid request: topic invalid", Permanent: true, Letter: true}},
		},
	}
}

func TestNtfy(t *testing.T) { ntfyCase().contract(t) }

func TestNtfyLetters(t *testing.T) {
	c := ntfyCase()
	for _, tt := range []struct {
		name, option, want string
		letter             *uptime.Letter
	}{
		{"urgent", "", "Max", channeltest.Letter(1)},
		{"quiet", "", "Default", quiet()},
		{"over", "", "Default", over()},
		{"urgent as configured", "&priority=high", "High", channeltest.Letter(1)},
		{"quiet, whatever is configured", "&priority=high", "Default", quiet()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, k := c.send(t, tt.letter, func(v values) { v["url"] = v["url"].(uptime.Secret) + uptime.Secret(tt.option) })
			if a.head.Get("Priority") != tt.want || k.Texts[0] != tt.letter.Subject || k.Texts[1] != strings.TrimSpace(tt.letter.Text) {
				t.Errorf("%s %q", a.head.Get("Priority"), k.Texts)
			}
		})
	}
	if _, k := c.send(t, long(), nil); !strings.Contains(k.Texts[1], "more lines") || len(k.Texts[1]) > maxNtfy {
		t.Errorf("%d bytes: %s", len(k.Texts[1]), k.Texts[1][len(k.Texts[1])-60:])
	}
	encoded := hostile()
	encoded.Subject = "DOWN =?utf-8?q?=0D=0AX-Pwned:_yes?="
	if _, k := c.send(t, encoded, nil); strings.Contains(k.Texts[0], "=?") {
		t.Errorf("ntfy would decode %q", k.Texts[0])
	}
}
