package channel

import (
	"strings"
	"testing"
	"time"

	"lookout/engine/alert/channel/channeltest"
	"lookout/engine/uptime"
)

func discordCase() serviceCase {
	return serviceCase{
		name: "discord",
		at: func(host string) values {
			return values{"url": uptime.Secret("discord://wh-s3cret-0123456789@1234567890?avatar=https%3A%2F%2Fexample.com%2Fa.png&thread_id=42&username=lookout"), "server": "http://" + host}
		},
		good: func(t testing.TB, a asked) says {
			if a.method != "POST" || !strings.HasSuffix(a.path, "/api/webhooks/1234567890/wh-s3cret-0123456789") || a.query.Get("thread_id") != "42" || a.head.Get("Content-Type") != "application/json" {
				t.Errorf("%s %s?%v %v", a.method, a.path, a.query, a.head)
			}
			var p discordPost
			a.json(t, &p)
			if n := units(p.Content); n == 0 || n > 2000 || p.Username != "lookout" || p.Avatar != "https://example.com/a.png" {
				t.Errorf("%d characters by %q", n, p.Username)
			}
			if !strings.Contains(a.body, `"allowed_mentions":{"parse":[]}`) {
				t.Errorf("mentions are allowed: %s", a.body)
			}
			if strings.Count(p.Content, "```") != 2 {
				t.Errorf("not one block of code: %q", p.Content)
			}
			return says{status: 204}
		},
		taken: func(t testing.TB, a asked) channeltest.Taken {
			var p discordPost
			a.json(t, &p)
			return channeltest.Taken{Texts: []string{p.Content}}
		},
		said: func(text string) string { return `{"message":` + quoted(text) + `,"code":10015}` },
		refuses: map[string]refusal{
			"limits": {says{429, nil, `{"message":"You are being rate limited.","retry_after":1.5,"global":false}`},
				uptime.Refusal{Reply: "429 Too Many Requests: You are being rate limited.", Wait: 1500 * time.Millisecond}},
			"no webhook": {says{404, nil, `{"message":"Unknown Webhook","code":10015}`}, uptime.Refusal{Reply: "404 Not Found: Unknown Webhook", Permanent: true}},
		},
	}
}

func TestDiscord(t *testing.T) { discordCase().contract(t) }

func TestDiscordLetters(t *testing.T) {
	c := discordCase()
	if _, k := c.send(t, over(), nil); k.Texts[0] != "up again\\: shop, after 14 min \\[web\\-1\\]\n```\nshop is up since 12:45.\n```" {
		t.Errorf("%q", k.Texts[0])
	}
	_, k := c.send(t, hostile(), nil)
	head, text, _ := strings.Cut(k.Texts[0], "\n")
	for i := range len(head) {
		if strings.IndexByte("<@*_~`|[]()#:", head[i]) >= 0 && head[i-1] != '\\' {
			t.Errorf("markup at %d of %q", i, head)
		}
	}
	if strings.Contains(strings.TrimSuffix(strings.TrimPrefix(text, "```\n"), "\n```"), "```") {
		t.Errorf("the block ends within %q", text)
	}
	if _, k := c.send(t, long(), nil); !strings.HasSuffix(k.Texts[0], "more lines\n```") || units(k.Texts[0]) < 1900 {
		t.Errorf("%d units: %q", units(k.Texts[0]), k.Texts[0])
	}
	custom := channeltest.Letter(1)
	custom.Custom, custom.Text = true, "by a template"
	if _, k := c.send(t, custom, nil); k.Texts[0] != "```\nby a template\n```" {
		t.Errorf("%q", k.Texts[0])
	}
}

// What shoutrrr would try again is tried once: when to try again is not its to say.
func TestDiscordOnce(t *testing.T) {
	for _, status := range []int{429, 500} {
		f := serve(t, false, func(asked) says { return says{status: status} })
		ch, _ := typeOf(t, "discord").New(uptime.ChannelSettings{Values: values{"url": uptime.Secret("discord://token@123"), "server": f.URL}})
		if _, err := ch.Send(t.Context(), channeltest.Letter(1), nil); err == nil || len(f.asked()) != 1 {
			t.Errorf("%d: %v after %d requests", status, err, len(f.asked()))
		}
	}
}
