package channel

import (
	"strings"
	"testing"
	"time"

	"lookout/engine/alert/channel/channeltest"
	"lookout/engine/uptime"
)

func matrixCase() serviceCase {
	return serviceCase{
		name: "matrix",
		at: func(host string) values {
			return values{"url": uptime.Secret("matrix://:syt_s3cret_t0ken@" + host + "/?rooms=%23ops:example.com&disableTLS=yes")}
		},
		step: func(a asked) bool { return a.method == "POST" },
		good: func(t testing.TB, a asked) says {
			if a.path == "/_matrix/client/v3/login" {
				return says{200, nil, `{"user_id":"@jo:example.com","access_token":"syt_s3cret_t0ken","device_id":"x"}`}
			}
			if a.head.Get("Authorization") != "Bearer syt_s3cret_t0ken" || a.query.Has("access_token") || a.head.Get("Content-Type") != "application/json" {
				t.Errorf("%s %s %v", a.method, a.path, a.head)
			}
			switch {
			case a.method == "POST" && a.path == "/_matrix/client/v3/join/%23ops:example.com":
				return says{200, nil, `{"room_id":"!d41d8cd:matrix.org"}`}
			case a.method == "PUT" && strings.HasPrefix(a.path, "/_matrix/client/v3/rooms/%21d41d8cd:matrix.org/send/m.room.message/"):
				if !strings.Contains(a.body, `"m.mentions":{}`) || strings.Contains(a.body, "formatted_body") {
					t.Errorf("%s", a.body)
				}
				return says{200, nil, `{"event_id":"$YUwRidLecu:example.com"}`}
			}
			t.Errorf("%s %s", a.method, a.path)
			return says{status: 404}
		},
		taken: func(t testing.TB, a asked) channeltest.Taken {
			var p matrixPost
			a.json(t, &p)
			if p.Type != "m.text" {
				t.Errorf("a %s", p.Type)
			}
			return channeltest.Taken{ID: a.path[strings.LastIndexByte(a.path, '/')+1:], Texts: []string{p.Body}}
		},
		said: func(text string) string { return `{"errcode":"M_FORBIDDEN","error":` + quoted(text) + `}` },
	}
}

func TestMatrix(t *testing.T) { matrixCase().contract(t) }

func TestMatrixLetters(t *testing.T) {
	c := matrixCase()
	for _, l := range []*uptime.Letter{channeltest.Letter(1), over(), hostile(), long()} {
		_, k := c.send(t, l, nil)
		if w := washed(l); k.Texts[0] != w.Subject+"\n\n"+w.Text {
			t.Errorf("%.300q", k.Texts[0])
		}
	}
}

// Steps before the letter are no matter of the letter, and it was not taken.
func TestMatrixSteps(t *testing.T) {
	tests := []struct {
		name, step string
		says       says
		want       uptime.Refusal
	}{
		{"login refused", "/login", says{403, nil, `{"errcode":"M_FORBIDDEN","error":"Invalid password"}`}, uptime.Refusal{Reply: "log in: 403 Forbidden: Invalid password", Permanent: true}},
		{"login limited", "/login", says{429, nil, `{"errcode":"M_LIMIT_EXCEEDED","error":"Too Many Requests","retry_after_ms":2000}`}, uptime.Refusal{Reply: "log in: 429 Too Many Requests: Too Many Requests", Wait: 2 * time.Second}},
		{"login strange", "/login", says{200, nil, `{}`}, uptime.Refusal{Reply: "log in: 200, but without a token"}},
		{"join refused", "/join/", says{404, nil, `{"errcode":"M_NOT_FOUND","error":"No such room"}`}, uptime.Refusal{Reply: "join the room: 404 Not Found: No such room", Permanent: true}},
		{"join broken", "/join/", says{500, nil, `{}`}, uptime.Refusal{Reply: "join the room: 500 Internal Server Error"}},
		{"join strange", "/join/", says{400, nil, `{"error":"x"}`}, uptime.Refusal{Reply: "join the room: 400 Bad Request: x", Permanent: true}},
	}
	c := matrixCase()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := serve(t, false, func(a asked) says {
				if strings.Contains(a.path, tt.step) {
					return tt.says
				}
				return c.good(t, a)
			})
			ch, mistakes := typeOf(t, "matrix").New(uptime.ChannelSettings{Values: values{"url": uptime.Secret("matrix://jo:pa55w0rd@" + f.host() + "/?rooms=ops:example.com&disableTLS=yes")}})
			if ch == nil {
				t.Fatal(mistakes)
			}
			_, err := ch.Send(t.Context(), channeltest.Letter(1), nil)
			if r, ok := err.(*uptime.Refusal); !ok || *r != tt.want {
				t.Errorf("%+v, want %+v", err, tt.want)
			}
		})
	}
}

// Who logs in does it as the same device each time, and nobody hears of the token.
func TestMatrixLogin(t *testing.T) {
	c := matrixCase()
	var logins []string
	f := serve(t, false, func(a asked) says {
		if strings.HasSuffix(a.path, "/login") {
			logins = append(logins, a.body)
		}
		return c.good(t, a)
	})
	ch, mistakes := typeOf(t, "matrix").New(uptime.ChannelSettings{Name: "ops", Instance: "web-1", Values: values{"url": uptime.Secret("matrix://jo:pa55w0rd@" + f.host() + "/?rooms=ops:example.com&disableTLS=yes")}})
	if ch == nil {
		t.Fatal(mistakes)
	}
	for range 2 {
		if _, err := ch.Send(t.Context(), channeltest.Letter(1), func(s string) {
			if strings.Contains(s, "syt_") || strings.Contains(s, "pa55") {
				t.Errorf("it says %s", s)
			}
		}); err != nil {
			t.Error(err)
		}
	}
	got := f.asked()
	if len(logins) != 2 || logins[0] != logins[1] || got[2].path != got[5].path {
		t.Errorf("%q; %s, %s", logins, got[2].path, got[5].path)
	}
	if want := `{"device_id":"lookoutb`; !strings.HasPrefix(logins[0], `{"device_id":"lookout`) || !strings.Contains(logins[0], `"identifier":{"type":"m.id.user","user":"jo"},"initial_device_display_name":"lookout","password":"pa55w0rd","type":"m.login.password"`) {
		t.Errorf("%s, want %s", logins[0], want)
	}
}
