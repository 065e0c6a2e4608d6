package channel

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"lookout/engine/alert/channel/channeltest"
	"lookout/engine/uptime"
)

// talking is a listener that reads the head of a request, says something and hangs up.
func talking(t *testing.T, reads bool, says string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if reads {
				if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					io.Copy(io.Discard, r.Body)
				}
			}
			io.WriteString(c, says)
			c.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

func TestWireAnswers(t *testing.T) {
	tests := []struct {
		name string
		says string
		want uptime.Refusal // its Reply: a part of it
	}{
		{"nothing", "", uptime.Refusal{Reply: "the connection was closed without an answer", Uncertain: true}},
		{"half a head", "HTTP/1.1 200 OK\r\nContent-", uptime.Refusal{Reply: "malformed MIME header", Uncertain: true}},
		{"no body", "HTTP/1.1 204 OK\r\n\r\n", uptime.Refusal{}},
		{"a body that breaks off", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\":\"1\"}", uptime.Refusal{Reply: "the connection was closed without an answer", Uncertain: true}},
		{"no HTTP", "220 mail.example.com ESMTP\r\n", uptime.Refusal{Reply: "malformed HTTP", Uncertain: true}},
		{"a huge head", "HTTP/1.1 204 No Content\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n", uptime.Refusal{Reply: "server response headers exceeded", Uncertain: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ch, mistakes := typeOf(t, "discord").New(uptime.ChannelSettings{Values: values{"url": uptime.Secret("discord://token@123"), "server": talking(t, true, tt.says)}})
			if ch == nil {
				t.Fatal(mistakes)
			}
			_, err := ch.Send(t.Context(), channeltest.Letter(1), nil)
			if tt.want.Reply == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			r, ok := err.(*uptime.Refusal)
			if !ok || !strings.Contains(r.Reply, tt.want.Reply) {
				t.Fatalf("%+v", err)
			}
			if got := *r; got.Uncertain != tt.want.Uncertain || got.Permanent || got.Letter {
				t.Errorf("%+v", got)
			}
		})
	}
}

// Who is interrupted may have been heard, if there was something to hear.
func TestWireInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f := serve(t, false, func(asked) says {
		cancel()
		<-ctx.Done()
		return says{status: 204}
	})
	w := wires{}.dial(ctx, func(string) {})
	defer w.close()
	_, err := w.ask("POST", f.URL, http.Header{}, []byte("x"))
	if err == nil { // the answer was faster
		return
	}
	if r, ok := err.(*uptime.Refusal); !ok || r.Reply != "interrupted" || !r.Uncertain || r.Permanent {
		t.Errorf("%+v", err)
	}
}

// A proxy is asked where one is set, whatever the environment says.
func TestWireProxy(t *testing.T) {
	var through []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _, _ := (&http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}).BasicAuth()
		through = append(through, r.Method+" "+r.URL.Host+" "+user)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer proxy.Close()
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"} {
		t.Setenv(name, "http://127.0.0.1:1/")
	}
	u, _ := url.Parse(proxy.URL)
	v := values{"url": uptime.Secret("discord://token@123"), "server": "http://discord.test", "proxy": uptime.Secret("http://us3r:p4ss@" + u.Host)}
	ch, mistakes := typeOf(t, "discord").New(uptime.ChannelSettings{Values: v})
	if ch == nil || len(mistakes) != 1 || !mistakes[0].Warning {
		t.Fatal(mistakes)
	}
	if _, err := ch.Send(t.Context(), channeltest.Letter(1), nil); err != nil {
		t.Error(err)
	}
	if len(through) != 1 || through[0] != "POST discord.test us3r" {
		t.Errorf("%q", through)
	}
	c := discordCase() // not the one of the environment
	c.send(t, channeltest.Letter(1), nil)
}

// A secret does not follow a redirect.
func TestWireRedirect(t *testing.T) {
	elsewhere := serve(t, false, func(asked) says { return says{status: 204} })
	f := serve(t, false, func(asked) says { return says{307, http.Header{"Location": {elsewhere.URL + "/api/webhooks/1/x"}}, ""} })
	ch, _ := typeOf(t, "discord").New(uptime.ChannelSettings{Values: values{"url": uptime.Secret("discord://token@123"), "server": f.URL}})
	if _, err := ch.Send(t.Context(), channeltest.Letter(1), nil); err == nil || len(elsewhere.asked()) > 0 {
		t.Errorf("%v, %d requests elsewhere", err, len(elsewhere.asked()))
	}
}

// The status of a refusal counts, and what is said of it as far as it comes; where
// a redirect leads to is not even read.
func TestWireRefusals(t *testing.T) {
	tests := []struct{ name, says, want string }{
		{"a body that breaks off", "HTTP/1.1 400 No\r\nContent-Length: 100\r\n\r\nnot so", "400 Bad Request: not so"},
		{"a redirect to nowhere", "HTTP/1.1 302 No\r\nLocation: http://[x\r\nContent-Length: 0\r\n\r\n", "302 Found, and redirects are not followed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := wires{}.dial(t.Context(), func(string) {})
			defer w.close()
			a, err := w.ask("POST", talking(t, true, tt.says), http.Header{}, []byte("x"))
			if err != nil {
				t.Fatal(err)
			}
			if err := a.refusal(); err == nil || err.Error() != tt.want {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

func TestAnswerWhy(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"text", "channel_not_found", "channel_not_found"},
		{"html", " <!DOCTYPE html><title>502", "a page of HTML"},
		{"errors", `{"message":"invalid","errors":["a","b",3]}`, "a; b"},
		{"Gotify", `{"error":"Unauthorized","errorDescription":"no token"}`, "no token"},
		{"an object", `{"error":{"code":"x"},"n":12345678901234567890}`, "error: map[code:x], n: 12345678901234567890"},
		{"a list", `["x"]`, `["x"]`},
		{"nothing", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := (&answer{body: []byte(tt.body)}).why(); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// Whatever a url and a letter hold, a url is read or it is said what is wrong with
// it, without a panic, and what a service gets is no longer than it takes.
func FuzzService(f *testing.F) {
	for _, ct := range Types() {
		for _, k := range ct.Keys {
			if k.Name == "url" && ct.Name != "webhook" {
				f.Add(ct.Name, strings.Trim(k.Example, `"`), "DOWN <@1> ```", "a\n```\n💥é")
			}
		}
	}
	f.Add("matrix", "matrix://:t@h/?rooms=", "", "")
	f.Add("teams", "teams+https://org.webhook.office.com/webhookb2/x", "\n", "\n\n")
	f.Fuzz(func(t *testing.T, kind, address, subject, text string) {
		for _, ct := range Types() {
			if ct.Name == kind {
				ch, mistakes := ct.New(uptime.ChannelSettings{Name: "ops", Values: values{"url": uptime.Secret(address)}})
				if ch == nil && len(mistakes) == 0 {
					t.Fatal("neither a channel nor a mistake")
				}
			}
		}
		for _, custom := range []bool{false, true} {
			l := washed(&uptime.Letter{Subject: subject, Text: text, Custom: custom})
			if s := discordText(l); units(s) > maxDiscord || strings.Count(s[strings.Index(s, "```"):], "```") != 2 {
				t.Fatalf("Discord: %q", s)
			}
			p := telegramMessage(l)
			if units(p.Text) > maxTelegram {
				t.Fatalf("Telegram: %d", units(p.Text))
			}
			if e := p.Entities[len(p.Entities)-1]; e.Offset+e.Length != units(p.Text) || e.Length == 0 {
				t.Fatalf("Telegram: %+v of %d: %q", p.Entities, units(p.Text), p.Text)
			}
			if b := teamsMessage(l); len(b) > maxTeams {
				t.Fatalf("Teams: %d", len(b))
			}
			s := smsText(l)
			if n, gsm := septets(s); s == "" || gsm && n > maxSMS || !gsm && units(s) > maxSMSUnicode {
				t.Fatalf("SMS: %q", s)
			}
			for _, most := range []int{30, 160, maxNtfy} {
				for _, size := range []func(string) int{octets, runes, units} {
					if s := cut(l.Text, most, size); size(s) > most {
						t.Fatalf("%d of %d: %q", size(s), most, s)
					}
				}
			}
		}
	})
}
