package channel

import (
	"fmt"
	"strings"
	"testing"

	"lookout/engine/alert/channel/channeltest"
	"lookout/engine/uptime"
)

func teamsCase() serviceCase {
	return serviceCase{
		name: "teams",
		at: func(host string) values {
			return values{"url": uptime.Secret("teams+https://prod-1.westeurope.logic.azure.com:443/workflows/0f1e2d3c4b5a/triggers/manual/paths/invoke?api-version=2016-06-01&sig=s1gn4ture-s3cret"), "server": "http://" + host}
		},
		good: func(t testing.TB, a asked) says {
			if a.method != "POST" || a.path != "/workflows/0f1e2d3c4b5a/triggers/manual/paths/invoke" || a.query.Get("sig") != "s1gn4ture-s3cret" || a.head.Get("Content-Type") != "application/json" {
				t.Errorf("%s %s?%v %v", a.method, a.path, a.query, a.head)
			}
			teamsTexts(t, a)
			return says{status: 202}
		},
		taken: func(t testing.TB, a asked) channeltest.Taken { return channeltest.Taken{Texts: teamsTexts(t, a)} },
		said:  func(text string) string { return `{"error":{"code":"x"},"message":` + quoted(text) + `}` },
	}
}

// teamsTexts are the runs of a card, in which nothing is markup.
func teamsTexts(t testing.TB, a asked) (texts []string) {
	t.Helper()
	var p teamsPost
	a.json(t, &p)
	if p.Type != "message" || len(p.Attachments) != 1 || p.Attachments[0].Type != "application/vnd.microsoft.card.adaptive" || p.Attachments[0].Content.Type != "AdaptiveCard" || len(a.body) > 28<<10 {
		t.Fatalf("%d bytes: %.500s", len(a.body), a.body)
	}
	for _, b := range p.Attachments[0].Content.Body {
		if b.Type != "RichTextBlock" || len(b.Inlines) != 1 || b.Inlines[0].Type != "TextRun" || b.Inlines[0].Text == "" {
			t.Errorf("%+v", b)
		}
		texts = append(texts, b.Inlines[0].Text)
	}
	return texts
}

func TestTeams(t *testing.T) { teamsCase().contract(t) }

func TestTeamsLetters(t *testing.T) {
	c := teamsCase()
	_, k := c.send(t, hostile(), nil)
	if w := washed(hostile()); k.Texts[0] != w.Subject || strings.Join(k.Texts[1:], "\n") != w.Text {
		t.Errorf("%q", k.Texts)
	}
	if _, k := c.send(t, long(), nil); !strings.HasSuffix(k.Texts[len(k.Texts)-1], "more lines") || len(k.Texts) < 20 {
		t.Errorf("%q", k.Texts)
	}
}

// A connector says 200 whatever came of it.
func TestTeamsConnector(t *testing.T) {
	uuid, key := "11111111-4444-4444-8444-cccccccccccc", strings.Repeat("0a", 16)
	tests := []struct {
		answer string
		want   uptime.Refusal
	}{
		{"1", uptime.Refusal{}},
		{"Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId x", uptime.Refusal{
			Reply:     "200, but that is no answer of Teams: Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId x",
			Uncertain: true,
		}},
	}
	for _, address := range []string{
		fmt.Sprintf("teams://%s@%s/%s/%s/V2x?host=org.webhook.office.com", uuid, uuid, key, uuid),
		fmt.Sprintf("teams+https://org.webhook.office.com/webhookb2/%s@%s/IncomingWebhook/%s/%s/V2x", uuid, uuid, key, uuid),
	} {
		for _, tt := range tests {
			f := serve(t, false, func(a asked) says {
				if want := fmt.Sprintf("/webhookb2/%s@%s/IncomingWebhook/%s/%s/V2x", uuid, uuid, key, uuid); a.path != want {
					t.Errorf("%s, want %s", a.path, want)
				}
				teamsTexts(t, a)
				return says{200, nil, tt.answer}
			})
			ch, mistakes := typeOf(t, "teams").New(uptime.ChannelSettings{Values: values{"url": uptime.Secret(address), "server": f.URL}})
			if ch == nil {
				t.Fatal(mistakes)
			}
			_, err := ch.Send(t.Context(), channeltest.Letter(1), nil)
			if tt.want.Reply == "" {
				if err != nil {
					t.Error(err)
				}
			} else if r, ok := err.(*uptime.Refusal); !ok || *r != tt.want {
				t.Errorf("%+v, want %+v", err, tt.want)
			}
		}
	}
}
