package channel

import (
	"strings"
	"testing"

	"lookout/engine/alert/channel/channeltest"
	"lookout/engine/uptime"
)

type opsgenieAlert struct {
	Message, Alias, Description, Source, Priority, User, Note string
	Tags                                                      []string
	Responders                                                []map[string]string
}

func opsgenieCase() serviceCase {
	return serviceCase{
		name: "opsgenie", secure: true,
		at: func(host string) values {
			return values{"url": uptime.Secret("opsgenie://" + host + "/eb243592-faa2-4ba2-a551q-1afdf565c889?tags=lookout,prod&responders=team:ops")}
		},
		good: func(t testing.TB, a asked) says {
			if a.method != "POST" || a.head.Get("Authorization") != "GenieKey eb243592-faa2-4ba2-a551q-1afdf565c889" || a.head.Get("Content-Type") != "application/json" {
				t.Errorf("%s %s %v", a.method, a.path, a.head)
			}
			var p opsgenieAlert
			a.json(t, &p)
			switch {
			case a.path == "/v2/alerts":
				if n := runes(p.Message); n == 0 || n > 130 || p.Alias == "" || runes(p.Description) > 15000 || len(p.Tags) != 2 || len(p.Responders) != 1 || p.Responders[0]["name"] != "ops" {
					t.Errorf("%.500s", a.body)
				}
			case strings.HasPrefix(a.path, "/v2/alerts/") && strings.HasSuffix(a.path, "/close") && a.query.Get("identifierType") == "alias":
			default:
				t.Errorf("%s?%v", a.path, a.query)
			}
			return says{202, nil, `{"result":"Request will be processed","took":0.302,"requestId":"43a29c5c-3dbf-4fa4-9c26-f4f71023e120"}`}
		},
		taken: func(t testing.TB, a asked) channeltest.Taken {
			var p opsgenieAlert
			a.json(t, &p)
			return channeltest.Taken{Texts: []string{p.Message, p.Description, p.Note}}
		},
		said: func(text string) string { return `{"message":` + quoted(text) + `,"took":0.0,"requestId":"x"}` },
	}
}

func TestOpsgenie(t *testing.T) { opsgenieCase().contract(t) }

func TestOpsgenieLetters(t *testing.T) {
	c := opsgenieCase()
	for _, tt := range []struct {
		name, option, priority string
		letter                 *uptime.Letter
	}{
		{"urgent", "", "P1", channeltest.Letter(1)},
		{"quiet", "&priority=P2", "P3", quiet()},
		{"as configured", "&priority=P2", "P2", channeltest.Letter(1)},
		{"hostile", "", "P1", hostile()},
		{"long", "", "P1", long()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, _ := c.send(t, tt.letter, func(v values) { v["url"] = v["url"].(uptime.Secret) + uptime.Secret(tt.option) })
			var p opsgenieAlert
			a.json(t, &p)
			w := washed(tt.letter)
			if p.Priority != tt.priority || p.Alias != "4711-ops@web-1" || p.Message != clip(w.Subject, 130, runes) || p.Description != cut(w.Text, 15000, runes) || p.Source != "web-1" {
				t.Errorf("%+.800v", p)
			}
		})
	}
	a, k := c.send(t, over(), nil)
	if a.path != "/v2/alerts/4711-ops@web-1/close" || k.Texts[2] != over().Subject+"\n\n"+over().Text {
		t.Errorf("%s %q", a.path, k.Texts)
	}
}

// What came and went untold is opened and closed, so that somebody hears of it.
func TestCollapsed(t *testing.T) {
	for _, c := range []serviceCase{opsgenieCase(), pagerDutyCase()} {
		t.Run(c.name, func(t *testing.T) {
			f, v := c.start(t, func(a asked) says { return c.good(t, a) })
			ch, mistakes := typeOf(t, c.name).New(uptime.ChannelSettings{Instance: "web-1", Values: v})
			if ch == nil {
				t.Fatal(mistakes)
			}
			l := over()
			l.Kind = uptime.AlertCollapsed
			if _, err := ch.Send(t.Context(), l, nil); err != nil {
				t.Fatal(err)
			}
			got := f.asked()
			if len(got) != 2 || got[0].path == got[1].path && !strings.Contains(got[0].body, `"event_action":"trigger"`) || !strings.Contains(got[1].path+got[1].body, "close") && !strings.Contains(got[1].body, `"event_action":"resolve"`) {
				t.Errorf("%+v", got)
			}
		})
	}
}
