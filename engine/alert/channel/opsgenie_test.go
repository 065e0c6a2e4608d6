package channel

import (
	"slices"
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
			if a.method == "GET" && a.path == "/v2/alerts/requests/43a29c5c-3dbf-4fa4-9c26-f4f71023e120" {
				return says{200, nil, `{"data":{"success":true,"isSuccess":true,"action":"Create","status":"Created alert"},"requestId":"x"}`}
			}
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

// What came and went untold, and a test, is opened and closed: somebody hears of
// it, and nothing is left to be closed by hand.
func TestPassing(t *testing.T) {
	test := channeltest.Letter(4)
	test.Kind, test.Urgent, test.Thread = uptime.AlertTest, false, "p0-ops@web-1"
	collapsed := over()
	collapsed.Kind = uptime.AlertCollapsed
	for _, c := range []serviceCase{opsgenieCase(), pagerDutyCase()} {
		for _, l := range []*uptime.Letter{collapsed, test} {
			t.Run(c.name+"/"+string(l.Kind), func(t *testing.T) {
				f, v := c.start(t, func(a asked) says { return c.good(t, a) })
				ch, mistakes := typeOf(t, c.name).New(uptime.ChannelSettings{Instance: "web-1", Values: v})
				if ch == nil {
					t.Fatal(mistakes)
				}
				r, err := ch.Send(t.Context(), l, nil)
				if err != nil || !strings.HasSuffix(r.Reply, "; opened there, and closed at once") {
					t.Fatalf("%+v %v", r, err)
				}
				var did []string
				for _, a := range f.asked() {
					if a.method == "GET" {
						continue
					}
					switch all := a.path + " " + a.body; {
					case !strings.Contains(all, l.Thread):
						t.Errorf("about another: %s", all)
					case strings.Contains(all, "/close ") || strings.Contains(all, `"event_action":"resolve"`):
						did = append(did, "close")
					default:
						did = append(did, "open")
					}
				}
				if !slices.Equal(did, []string{"open", "close"}) {
					t.Errorf("%q", did)
				}
			})
		}
	}
}

// Opsgenie answers before it has made an alert: it is closed once it is there.
func TestProcessed(t *testing.T) {
	c := opsgenieCase()
	looks := 0
	f, v := c.start(t, func(a asked) says {
		if a.method == "GET" {
			if looks++; looks < 3 {
				return says{404, nil, `{"message":"Request not found. It might not be processed, yet.","requestId":"x"}`}
			}
		}
		return c.good(t, a)
	})
	ch, _ := typeOf(t, c.name).New(uptime.ChannelSettings{Instance: "web-1", Values: v})
	l := channeltest.Letter(4)
	l.Kind = uptime.AlertTest
	_, err := ch.Send(t.Context(), l, nil)
	got := f.asked()
	if err != nil || looks != 3 || !strings.HasSuffix(got[len(got)-1].path, "/close") {
		t.Errorf("%v, %d looks, %+v", err, looks, got)
	}
}

// Where it cannot be closed, that is what the refusal says.
func TestHalfway(t *testing.T) {
	for _, c := range []serviceCase{opsgenieCase(), pagerDutyCase()} {
		n := 0
		_, v := c.start(t, func(a asked) says {
			if n++; n > 1 && a.method == "POST" {
				return says{500, nil, c.said("oops")}
			}
			return c.good(t, a)
		})
		ch, _ := typeOf(t, c.name).New(uptime.ChannelSettings{Instance: "web-1", Values: v})
		l := over()
		l.Kind = uptime.AlertCollapsed
		if _, err := ch.Send(t.Context(), l, nil); err == nil || err.Error() != "opened there, and not closed: 500 Internal Server Error: oops" {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
