package channel

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"lookout/engine/alert/channel/channeltest"
	"lookout/engine/uptime"
)

func twilioCase() serviceCase {
	account := "AC" + strings.Repeat("0123456789abcdef", 2)
	return serviceCase{
		name: "twilio",
		at: func(host string) values {
			return values{"url": uptime.Secret("twilio://" + account + ":tw1lio-s3cret@+15005550006/+15551230001"), "server": "http://" + host}
		},
		good: func(t testing.TB, a asked) says {
			f, err := url.ParseQuery(a.body)
			if a.method != "POST" || a.path != "/2010-04-01/Accounts/"+account+"/Messages.json" || a.head.Get("Content-Type") != "application/x-www-form-urlencoded" || err != nil {
				t.Errorf("%s %s %v: %v", a.method, a.path, a.head, err)
			}
			if a.head.Get("Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte(account+":tw1lio-s3cret")) {
				t.Errorf("%s", a.head.Get("Authorization"))
			}
			if f.Get("From") != "+15005550006" || f.Get("To") != "+15551230001" || f.Get("Body") == "" {
				t.Errorf("%v", f)
			}
			if n, gsm := septets(f.Get("Body")); gsm && n > 160 || !gsm && units(f.Get("Body")) > 70 {
				t.Errorf("more than one message: %q", f.Get("Body"))
			}
			return says{201, nil, `{"sid":"SMxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx","status":"queued","error_code":null}`}
		},
		taken: func(_ testing.TB, a asked) channeltest.Taken {
			f, _ := url.ParseQuery(a.body)
			return channeltest.Taken{Texts: []string{f.Get("Body")}}
		},
		said: func(text string) string {
			return `{"code":20003,"message":` + quoted(text) + `,"more_info":"https://www.twilio.com/docs/errors/20003","status":401}`
		},
		refuses: map[string]refusal{
			"a number":  {says{400, nil, `{"code":21211,"message":"Invalid 'To' Phone Number","status":400}`}, uptime.Refusal{Reply: "400 Bad Request: Invalid 'To' Phone Number", Permanent: true}},
			"a text":    {says{400, nil, `{"code":21617,"message":"The concatenated message body exceeds the limit","status":400}`}, uptime.Refusal{Reply: "exceeds the limit", Permanent: true, Letter: true}},
			"too large": {says{413, nil, `{"code":21617,"message":"too large"}`}, uptime.Refusal{Reply: "too large", Permanent: true, Letter: true}},
		},
	}
}

func TestTwilio(t *testing.T) { twilioCase().contract(t) }

func TestSMSText(t *testing.T) {
	tests := []struct {
		name   string
		letter uptime.Letter
		want   string
	}{
		{"a subject", *channeltest.Letter(1), "DOWN shop: TCP connect 203.0.113.9:443 refused (3 of 3 places) [web-1]"},
		{"what GSM lacks", uptime.Letter{Subject: "DOWN “shop” – error…"}, `DOWN "shop" - error...`},
		{"full", uptime.Letter{Subject: strings.Repeat("x", 160)}, strings.Repeat("x", 160)},
		{"long", uptime.Letter{Subject: strings.Repeat("x", 161)}, strings.Repeat("x", 157) + "..."},
		{"two each", uptime.Letter{Subject: strings.Repeat("[", 81)}, strings.Repeat("[", 78) + "..."},
		{"other letters", uptime.Letter{Subject: strings.Repeat("ж", 71)}, strings.Repeat("ж", 69) + "…"},
		{"two units each", uptime.Letter{Subject: strings.Repeat("💥", 36)}, strings.Repeat("💥", 34) + "…"},
		{"a template", uptime.Letter{Subject: "x", Text: "by a\ntemplate", Custom: true}, "by a\ntemplate"},
		{"nothing", uptime.Letter{}, "lookout"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := smsText(&tt.letter); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
