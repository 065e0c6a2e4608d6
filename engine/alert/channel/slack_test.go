package channel

import (
	"encoding/json"
	"strings"
	"testing"

	"lookout/engine/alert/channel/channeltest"
	"lookout/engine/uptime"
)

func slackCase() serviceCase {
	return serviceCase{
		name: "slack",
		at: func(host string) values {
			return values{"url": uptime.Secret("slack://hook:T00000000-B00000000-s3cretXXXXXXXXXXXXXXXXXX@webhook?icon=boom&botname=lookout"), "server": "http://" + host}
		},
		good: func(t testing.TB, a asked) says {
			if a.method != "POST" || a.path != "/services/T00000000/B00000000/s3cretXXXXXXXXXXXXXXXXXX" || a.head.Get("Content-Type") != "application/json" {
				t.Errorf("%s %s %v", a.method, a.path, a.head)
			}
			slackTexts(t, a)
			return says{200, nil, "ok"}
		},
		taken: func(t testing.TB, a asked) channeltest.Taken {
			return channeltest.Taken{Texts: slackTexts(t, a)}
		},
		said: func(text string) string { return text },
		refuses: map[string]refusal{
			"the text":   {says{400, nil, "invalid_blocks"}, uptime.Refusal{Reply: "400 Bad Request: invalid_blocks", Permanent: true, Letter: true}},
			"a team":     {says{404, nil, "no_team"}, uptime.Refusal{Reply: "404 Not Found: no_team", Permanent: true}},
			"no service": {says{400, nil, "no_service"}, uptime.Refusal{Reply: "400 Bad Request: no_service", Permanent: true}},
		},
	}
}

// slackTexts are what people read, without what Slack might take for markup: it
// looks for that in "text" and in texts of type mrkdwn.
func slackTexts(t testing.TB, a asked) []string {
	t.Helper()
	var p slackPost
	a.json(t, &p)
	if p.Text == "" || p.Markdown || p.UnfurlLinks || p.UnfurlMedia || p.Username != "lookout" && p.Channel == "" {
		t.Errorf("%s", a.body)
	}
	if strings.ContainsAny(p.Text, "<>") {
		t.Errorf("not escaped: %q", p.Text)
	}
	texts := []string{p.Text}
	for _, b := range p.Blocks {
		switch {
		case b.Type == "section":
			s := b.Text.(map[string]any)
			if s["type"] != "plain_text" || s["emoji"] != false {
				t.Errorf("markup: %v", s)
			}
			texts = append(texts, s["text"].(string))
		case b.Type == "rich_text" && len(b.Elements) == 1 && b.Elements[0].Type == "rich_text_preformatted" && b.Elements[0].Elements[0].Type == "text":
			texts = append(texts, b.Elements[0].Elements[0].Text.(string))
		default:
			t.Errorf("a block of %s", b.Type)
		}
	}
	for _, s := range texts {
		if units(s) > 3000 {
			t.Errorf("%d units", units(s))
		}
	}
	return texts
}

func TestSlack(t *testing.T) { slackCase().contract(t) }

func TestSlackLetters(t *testing.T) {
	c := slackCase()
	_, k := c.send(t, hostile(), nil)
	if w := washed(hostile()); !strings.HasPrefix(k.Texts[0], "DOWN &lt;!channel&gt; &lt;@U1&gt;") || !strings.HasSuffix(k.Texts[0], "&amp;lt; :boom: {{.x}}") || k.Texts[1] != w.Subject || k.Texts[2] != w.Text {
		t.Errorf("%q", k.Texts)
	}
	if _, k := c.send(t, long(), nil); !strings.HasSuffix(k.Texts[2], "more lines") {
		t.Errorf("%q", k.Texts[2])
	}
	if _, k := c.send(t, over(), nil); k.Texts[1] != over().Subject {
		t.Errorf("%q", k.Texts)
	}
}

// A bot is refused with 200 and a word.
func TestSlackBot(t *testing.T) {
	tests := []struct {
		answer string
		want   uptime.Refusal // Reply "": it is taken
	}{
		{`{"ok":true,"channel":"C123ABC456","ts":"1503435956.000247"}`, uptime.Refusal{}},
		{`{"ok":false,"error":"channel_not_found"}`, uptime.Refusal{Reply: "200, but refused: channel_not_found", Permanent: true}},
		{`{"ok":false,"error":"msg_too_long"}`, uptime.Refusal{Reply: "200, but refused: msg_too_long", Permanent: true, Letter: true}},
		{`{"ok":false,"error":"internal_error"}`, uptime.Refusal{Reply: "200, but refused: internal_error"}},
		{`{"ok":false}`, uptime.Refusal{Reply: `200, but that is no answer of Slack: ok: false`, Uncertain: true}},
	}
	for _, tt := range tests {
		f := serve(t, false, func(a asked) says {
			slackTexts(t, a)
			var p struct{ Channel string }
			if err := json.Unmarshal([]byte(a.body), &p); err != nil || p.Channel != "C123ABC456" {
				t.Errorf("channel %q: %v", p.Channel, err)
			}
			if a.path != "/api/chat.postMessage" || a.head.Get("Authorization") != "Bearer xoxb-000000000-000000000-s3cretXXXXXXXXXXXXXXXXXX" {
				t.Errorf("%s %v", a.path, a.head)
			}
			return says{200, nil, tt.answer}
		})
		ch, mistakes := typeOf(t, "slack").New(uptime.ChannelSettings{Values: values{
			"url": uptime.Secret("slack://xoxb:000000000-000000000-s3cretXXXXXXXXXXXXXXXXXX@C123ABC456"), "server": f.URL,
		}})
		if ch == nil {
			t.Fatal(mistakes)
		}
		_, err := ch.Send(t.Context(), channeltest.Letter(1), func(s string) { t.Log(s) })
		if tt.want.Reply == "" {
			if err != nil {
				t.Error(err)
			}
		} else if r, ok := err.(*uptime.Refusal); !ok || *r != tt.want {
			t.Errorf("%+v, want %+v", err, tt.want)
		}
	}
}
