package channel

import (
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"lookout/engine/alert/channel/channeltest"
	"lookout/engine/uptime"
)

const telegramToken = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"

func telegramCase() serviceCase {
	return serviceCase{
		name: "telegram",
		at: func(host string) values {
			return values{"url": uptime.Secret("telegram://" + telegramToken + "@telegram?chats=-1001234567890:7&preview=no"), "server": "http://" + host}
		},
		good: func(t testing.TB, a asked) says {
			if a.method != "POST" || a.path != "/bot"+telegramToken+"/sendMessage" || a.head.Get("Content-Type") != "application/json" {
				t.Errorf("%s %s %v", a.method, a.path, a.head)
			}
			var p telegramPost
			a.json(t, &p)
			u := utf16.Encode([]rune(p.Text))
			if len(u) == 0 || len(u) > 4096 || p.Chat != "-1001234567890" || p.Thread != 7 || !p.NoPreview || strings.Contains(a.body, "parse_mode") {
				t.Errorf("%d units, %.300s", len(u), a.body)
			}
			rest := 0
			for _, e := range p.Entities { // in one after the other, a line end apart, and over all of it
				if e.Offset != rest || e.Length <= 0 || e.Type != "pre" && e.Type != "code" {
					t.Errorf("entity %+v at %d", e, rest)
				}
				rest = e.Offset + e.Length + 1
			}
			if rest-1 != len(u) {
				t.Errorf("entities end at %d of %d", rest-1, len(u))
			}
			return says{200, nil, `{"ok":true,"result":{"message_id":7}}`}
		},
		taken: func(t testing.TB, a asked) channeltest.Taken {
			var p telegramPost
			a.json(t, &p)
			return channeltest.Taken{Texts: []string{p.Text}}
		},
		said: func(text string) string { return `{"ok":false,"error_code":403,"description":` + quoted(text) + `}` },
		refuses: map[string]refusal{
			"a chat": {says{400, nil, `{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}`},
				uptime.Refusal{Reply: "400 Bad Request: Bad Request: chat not found", Permanent: true}},
			"floods": {says{429, nil, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 35","parameters":{"retry_after":35}}`},
				uptime.Refusal{Reply: "429 Too Many Requests: Too Many Requests: retry after 35", Wait: 35 * time.Second}},
			"a message": {says{400, nil, `{"ok":false,"error_code":400,"description":"Bad Request: message is too long"}`},
				uptime.Refusal{Reply: "message is too long", Permanent: true, Letter: true}},
		},
	}
}

func TestTelegram(t *testing.T) { telegramCase().contract(t) }

func TestTelegramLetters(t *testing.T) {
	c := telegramCase()
	for _, tt := range []struct {
		name   string
		letter *uptime.Letter
		silent bool
	}{{"urgent", channeltest.Letter(1), false}, {"quiet", quiet(), true}, {"over", over(), true}, {"hostile", hostile(), false}} {
		t.Run(tt.name, func(t *testing.T) {
			a, k := c.send(t, tt.letter, nil)
			var p telegramPost
			a.json(t, &p)
			if w := washed(tt.letter); p.Silent != tt.silent || k.Texts[0] != w.Subject+"\n"+w.Text {
				t.Errorf("silent %v, %q", p.Silent, k.Texts[0])
			}
		})
	}
	if _, k := c.send(t, long(), nil); !strings.HasSuffix(k.Texts[0], "more lines") || units(k.Texts[0]) < 4000 {
		t.Errorf("%d units: %q", units(k.Texts[0]), k.Texts[0])
	}
}

// Of several chats those that refused are left, and only they get it again.
func TestTelegramChats(t *testing.T) {
	refused := map[string]string{"2": "Forbidden: bot was blocked by the user"}
	var got []string
	f := serve(t, false, func(a asked) says {
		var p telegramPost
		a.json(t, &p)
		got = append(got, p.Chat) // one after the other
		if why := refused[p.Chat]; why != "" {
			return says{403, nil, `{"ok":false,"error_code":403,"description":` + quoted(why) + `}`}
		}
		return says{200, nil, `{"ok":true,"result":{}}`}
	})
	ch, mistakes := typeOf(t, "telegram").New(uptime.ChannelSettings{Values: values{
		"url": uptime.Secret("telegram://" + telegramToken + "@telegram?chats=1,2,@ops,1"), "server": f.URL,
	}})
	if ch == nil {
		t.Fatal(mistakes)
	}
	l := channeltest.Letter(1)
	r, err := ch.Send(t.Context(), l, nil)
	want := uptime.Receipt{Reply: "200 ok", Left: []string{"chat 2"}, Why: "1 of 3 chats: 403 Forbidden: Forbidden: bot was blocked by the user"}
	if err != nil || !reflect.DeepEqual(r, want) {
		t.Errorf("%+v %v", r, err)
	}
	l.To = r.Left
	if _, err := ch.Send(t.Context(), l, nil); err == nil || !err.(*uptime.Refusal).Permanent {
		t.Errorf("%+v", err)
	}
	delete(refused, "2")
	if r, err := ch.Send(t.Context(), l, nil); err != nil || r.Left != nil {
		t.Errorf("%+v %v", r, err)
	}
	l.To = []string{"gone"}
	if r, err := ch.Send(t.Context(), l, nil); err != nil || r.Reply == "" {
		t.Errorf("%+v %v", r, err)
	}
	if want := []string{"1", "2", "@ops", "2", "2"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
	refused["1"], refused["2"], refused["@ops"] = "no", "no", "no"
	l.To = nil
	if _, err := ch.Send(t.Context(), l, nil); err == nil || err.Error() != "403 Forbidden: no" {
		t.Errorf("%+v", err)
	}
}
