package channel

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"lookout/engine/alert/channel/channeltest"
	"lookout/engine/uptime"
)

// asked is a request that a fake service got.
type asked struct {
	method, path, host string
	query              url.Values
	head               http.Header
	body               string
}

// String is the whole of it, with each header by itself, as a service says it that
// does not know what it is asked.
func (a asked) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s?%s", a.method, a.path, a.query.Encode())
	for name, values := range a.head {
		fmt.Fprintf(&b, " %s: %s", name, strings.Join(values, ", "))
	}
	return b.String() + " " + a.body
}

// json is its body.
func (a asked) json(t testing.TB, v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(a.body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Errorf("%s %s: %v: %.500s", a.method, a.path, err, a.body)
	}
}

// says is what a fake service answers.
type says struct {
	status int
	head   http.Header
	body   string
}

// fakeService is a service on the loopback.
type fakeService struct {
	*httptest.Server
	mu  sync.Mutex
	got []asked
}

func (f *fakeService) asked() []asked {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.got)
}

// serve starts a fake service; without TLS where the settings can say so.
func serve(t testing.TB, secure bool, answer func(asked) says) *fakeService {
	f := &fakeService{}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		a := asked{r.Method, r.URL.EscapedPath(), r.Host, r.URL.Query(), r.Header.Clone(), string(b)}
		f.mu.Lock()
		f.got = append(f.got, a)
		f.mu.Unlock()
		s := answer(a)
		maps.Copy(w.Header(), s.head)
		w.WriteHeader(s.status)
		io.WriteString(w, s.body)
	})
	if f.Server = httptest.NewUnstartedServer(h); secure {
		f.EnableHTTP2 = true
		f.StartTLS()
	} else {
		f.Start()
	}
	t.Cleanup(f.Close)
	return f
}

func (f *fakeService) host() string { return f.Listener.Addr().String() }

// ca is what the certificate of the fake service is trusted by.
func (f *fakeService) ca() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.Certificate().Raw})
}

// basicAuth reads the header of a request.
func basicAuth(h http.Header) (user, password string, ok bool) {
	r := http.Request{Header: h}
	return r.BasicAuth()
}

// quoted is a text in JSON, as a service that does not clean what it says has it.
func quoted(s string) string {
	b := strings.Builder{}
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString("\\" + string(r))
		case r < ' ':
			b.WriteString("\\u" + strings.Repeat("0", 4-len(strconv.FormatInt(int64(r), 16))) + strconv.FormatInt(int64(r), 16))
		default:
			b.WriteRune(r)
		}
	}
	return `"` + b.String() + `"`
}

// serviceCase is a type over a service under test.
type serviceCase struct {
	name   string
	secure bool // its url cannot say that there is no TLS
	// at are settings that lead to HOST:PORT.
	at func(host string) values
	// good is what the service answers to a request that is as it documents it.
	good func(t testing.TB, a asked) says
	// steps are requests before that with the letter, which are answered well by
	// who refuses that one.
	step func(a asked) bool
	// taken is a letter as the service has it.
	taken func(t testing.TB, a asked) channeltest.Taken
	// refuses are refusals of its own, beside those of all.
	refuses map[string]refusal
	// said is how it says to people why it refuses.
	said func(text string) string
}

type refusal struct {
	says says
	want uptime.Refusal
}

func (c serviceCase) start(t testing.TB, answer func(asked) says) (*fakeService, values) {
	f := serve(t, c.secure, answer)
	v := c.at(f.host())
	if c.secure {
		v["ca_file"] = f.ca()
	}
	return f, v
}

// refusing answers what a service does that refuses letters.
func (c serviceCase) refusing(t testing.TB, s says) values {
	_, v := c.start(t, func(a asked) says {
		if c.step != nil && c.step(a) {
			return c.good(t, a)
		}
		return s
	})
	return v
}

// contract holds a type over a service against the contract of channels and
// what all services have in common.
func (c serviceCase) contract(t *testing.T) {
	refuses := map[string]refusal{
		"no key":    {says{401, nil, c.said("nope")}, uptime.Refusal{Reply: "401 Unauthorized: nope", Permanent: true}},
		"forbidden": {says{403, nil, c.said("nope")}, uptime.Refusal{Reply: "403 Forbidden: nope", Permanent: true}},
		"not there": {says{404, nil, c.said("nope")}, uptime.Refusal{Reply: "404 Not Found: nope", Permanent: true}},
		"too large": {says{413, nil, c.said("the message is too large")}, uptime.Refusal{Reply: "413 Request Entity Too Large: the message is", Permanent: true, Letter: true}},
		"too many":  {says{429, http.Header{"Retry-After": {"30"}}, c.said("slow down")}, uptime.Refusal{Reply: "429 Too Many Requests: slow down", Wait: 30 * time.Second}},
		"broken":    {says{500, nil, c.said("oops")}, uptime.Refusal{Reply: "500 Internal Server Error: oops", Letter: true}},
		"a gateway": {says{502, nil, "<html><body>Bad gateway"}, uptime.Refusal{Reply: "502 Bad Gateway: a page of HTML", Uncertain: true}},
		"away":      {says{503, nil, ""}, uptime.Refusal{Reply: "503 Service Unavailable"}},
		"moved":     {says{302, http.Header{"Location": {"http://127.0.0.1:1/"}}, ""}, uptime.Refusal{Reply: "302 Found, and redirects are not followed", Permanent: true}},
		"a portal":  {says{200, nil, "<html>Log in"}, uptime.Refusal{Reply: "200, but that is no answer of", Uncertain: true}},
		"garbage":   {says{200, nil, "\x00\xff{]"}, uptime.Refusal{Reply: "200, but that is no answer of", Uncertain: true}},
	}
	maps.Copy(refuses, c.refuses)
	cc := channeltest.Case{
		Type: typeOf(t, c.name),
		Good: func(t testing.TB) (map[string]any, func() []channeltest.Taken) {
			f, v := c.start(t, func(a asked) says { return c.good(t, a) })
			return v, func() (all []channeltest.Taken) {
				for _, a := range f.asked() {
					if c.step == nil || !c.step(a) {
						k := c.taken(t, a)
						var head strings.Builder
						a.head.Write(&head)
						k.Raw, k.Head = a.path+"\n"+head.String()+"\n"+a.body, head.String()
						all = append(all, k)
					}
				}
				return all
			}
		},
		Refuses: map[string]channeltest.Refuses{
			"nobody there": {Side: func(t testing.TB) map[string]any {
				f, v := c.start(t, nil)
				f.Close()
				return v
			}, Want: uptime.Refusal{Reply: "connection refused"}},
		},
		At: func(_ testing.TB, address string) map[string]any { return c.at(address) },
		Bad: map[string]func(testing.TB) map[string]any{
			"an answer without end": func(t testing.TB) map[string]any {
				f := serve(t, c.secure, nil)
				f.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					for r.Context().Err() == nil {
						if _, err := io.WriteString(w, strings.Repeat("no ", 1000)); err != nil {
							return
						}
					}
				})
				v := c.at(f.host())
				if c.secure {
					v["ca_file"] = f.ca()
				}
				return v
			},
		},
		Answers: func(t testing.TB, text string) map[string]any {
			_, v := c.start(t, func(a asked) says {
				if c.step != nil && c.step(a) {
					return c.good(t, a)
				}
				return says{400, nil, c.said(strings.ReplaceAll(text, channeltest.Echo, a.String()))}
			})
			return v
		},
	}
	for name, r := range refuses {
		cc.Refuses[name] = channeltest.Refuses{Side: func(t testing.TB) map[string]any { return c.refusing(t, r.says) }, Want: r.want}
	}
	channeltest.Contract(t, cc)
}

// send sends a letter to a good service and returns the request that had it.
func (c serviceCase) send(t *testing.T, l *uptime.Letter, more func(v values)) (asked, channeltest.Taken) {
	t.Helper()
	f, v := c.start(t, func(a asked) says { return c.good(t, a) })
	if more != nil {
		more(v)
	}
	ch, mistakes := typeOf(t, c.name).New(uptime.ChannelSettings{Name: "ops", Instance: "web-1", Host: "web-1.example.com", Values: v})
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	r, err := ch.Send(t.Context(), l, func(s string) { t.Log(s) })
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %s", ch.Target(), r.Reply)
	got := f.asked()
	last := got[len(got)-1]
	return last, c.taken(t, last)
}

// quiet, over and hostile are letters.

func quiet() *uptime.Letter {
	l := channeltest.Letter(2)
	l.Urgent = false
	return l
}

func over() *uptime.Letter {
	l := channeltest.Letter(3)
	l.Kind, l.Urgent, l.Over, l.Subject, l.Text = uptime.AlertRecovered, false, true, "up again: shop, after 14 min [web-1]", "shop is up since 12:45."
	return l
}

const hostileText = "<!channel> <@U1> @everyone @here [x](http://evil.example) <b>b</b> <at>x</at> *b* _i_ ~s~ `c` ```d``` ||s|| &lt; :boom: {{.x}}"

func hostile() *uptime.Letter {
	l := channeltest.Letter(4)
	l.Subject, l.Text = "DOWN "+hostileText, "line "+hostileText+"\n```\nend"
	return l
}

// long is a letter that no service takes whole, in letters of two bytes and of
// two units of UTF-16.
func long() *uptime.Letter {
	l := channeltest.Letter(5)
	l.Subject = "DOWN " + strings.Repeat("é", 90) + strings.Repeat("💥", 20)
	l.Text = strings.Repeat("zeile é 💥 of a text\n", 700)
	return l
}

func TestServiceURLs(t *testing.T) {
	key32 := strings.Repeat("0a", 16)
	uuid := "11111111-4444-4444-8444-cccccccccccc"
	tests := []struct {
		name, kind, url, want string // of the mistake; "": none
	}{
		{"missing", "ntfy", "", "it is missing"},
		{"another's", "ntfy", "gotify://example.com/AzyoeNS.D4iJLVa", "it does not begin with ntfy://"},
		{"no URL", "ntfy", "ntfy://[x", "it is no URL"},
		{"no topic", "ntfy", "ntfy://ntfy.example.com", "topic is required"},
		{"a title", "ntfy", "ntfy://ntfy.example.com/alerts?title=x", "the subject of a letter is its title"},
		{"no verification", "ntfy", "ntfy://ntfy.example.com/alerts?disableTLSVerification=yes", "TLS is always verified"},
		{"unknown option", "ntfy", "ntfy://ntfy.example.com/alerts?s3cret=x", "it has an option that this type does not know"},
		{"a value", "ntfy", "ntfy://ntfy.example.com/alerts?tags=x&priority=s3cret", "its option priority cannot have that value"},
		{"not safe", "ntfy", "ntfy://ntfy.example.com/alerts?scheme=http", "it is asked without TLS"},
		{"fine", "ntfy", "ntfy://:tk_x@ntfy.example.com/alerts?tags=warning&priority=4", ""},
		{"short token", "gotify", "gotify://gotify.example.com/s3cret", "no token of an application"},
		{"priority", "gotify", "gotify://gotify.example.com/AzyoeNS.D4iJLVa?priority=11", "priority must be between -2 and 10"},
		{"below a path", "gotify", "gotify://example.com/gotify/AzyoeNS.D4iJLVa", ""},
		{"no user", "pushover", "pushover://:s3cret@", "user missing"},
		{"no token", "pushover", "pushover://s3cret", "token missing"},
		{"emergency", "pushover", "pushover://:s3cret@user/?priority=2", "a priority is -2 to 1"},
		{"raw", "discord", "discord://s3cret@123/raw", "illegal argument in config URL"},
		{"no id", "discord", "discord://s3cret@", "webhook ID missing"},
		{"colors", "discord", "discord://s3cret@123?color=0xff", "an option that this type does not know"},
		{"a token", "slack", "slack://hook:s3cret@webhook", "invalid slack token format"},
		{"separators", "slack", "slack://hook:A00000000-B00000000,c00000000000000000000000@webhook", "shoutrrr cannot read it"},
		{"a token", "telegram", "telegram://s3cret@telegram?chats=1", "invalid telegram token"},
		{"no chats", "telegram", "telegram://123:s3cret@telegram", "no channels defined"},
		{"empty chats", "telegram", "telegram://123:s3cret@telegram?chats=,", "no channels defined"},
		{"markup", "telegram", "telegram://123:s3cret@telegram?chats=1&parsemode=HTML", "an option that this type does not know"},
		{"many chats", "telegram", "telegram://123:s3cret@telegram?chats=" + strings.Join(strings.Split("abcdefghijklmnopqrstuvw", ""), ","), "more than 20 chats"},
		{"no parts", "teams", "teams://s3cret@x/y?host=z.webhook.office.com", "missing extraId"},
		{"a connector elsewhere", "teams", fmt.Sprintf("teams://%s@%s/%s/%s/V2x?host=evil.example.com", uuid, uuid, key32, uuid), "invalid webhook URL format"},
		{"a connector", "teams", fmt.Sprintf("teams://%s@%s/%s/%s/V2x?host=org.webhook.office.com", uuid, uuid, key32, uuid), ""},
		{"its address", "teams", fmt.Sprintf("teams+https://org.webhook.office.com/webhookb2/%s@%s/IncomingWebhook/%s/%s/V2x", uuid, uuid, key32, uuid), ""},
		{"no address", "teams", "teams+https://org.webhook.office.com/webhookb2/s3cret", "invalid webhook URL format"},
		{"nothing", "teams", "teams+https://example.com", "it is no address of a webhook"},
		{"no rooms", "matrix", "matrix://:s3cret@matrix.example.com", "it names no rooms"},
		{"an empty room", "matrix", "matrix://:s3cret@matrix.example.com?rooms=", "a part of it is empty"},
		{"no token", "matrix", "matrix://matrix.example.com?rooms=ops", "neither a token nor a password"},
		{"in the open", "matrix", "matrix://:s3cret@matrix.example.com?rooms=ops&disableTLS=yes", "it is asked without TLS"},
		{"a key", "pagerduty", "pagerduty:///s3cret", "integration key"},
		{"a severity", "pagerduty", "pagerduty:///" + key32 + "?severity=s3cret", "its option severity cannot have that value"},
		{"an action", "pagerduty", "pagerduty:///" + key32 + "?action=resolve", "an option that this type does not know"},
		{"no host", "opsgenie", "opsgenie:///s3cret", "it names no host"},
		{"no key", "opsgenie", "opsgenie://api.opsgenie.com", "API key missing"},
		{"a priority", "opsgenie", "opsgenie://api.opsgenie.com/s3cret?priority=high", "its option priority cannot have that value"},
		{"a responder", "opsgenie", "opsgenie://api.opsgenie.com/s3cret?responders=s3cret", "its option responders cannot have that value"},
		{"an account", "twilio", "twilio://s3cret:x@+15005550006/+15551230001", "an account is AC"},
		{"nobody", "twilio", "twilio://AC" + key32 + ":s3cret@+15005550006", "numbers as +1555"},
		{"no number", "twilio", "twilio://AC" + key32 + ":s3cret@+15005550006/s3cret", "numbers as +1555"},
	}
	for _, tt := range tests {
		t.Run(tt.kind+"/"+tt.name, func(t *testing.T) {
			ch, mistakes := typeOf(t, tt.kind).New(uptime.ChannelSettings{Name: "ops", Values: values{"url": uptime.Secret(tt.url)}})
			if tt.want == "" {
				if ch == nil || len(mistakes) > 0 {
					t.Fatal(mistakes)
				}
				return
			}
			if len(mistakes) != 1 || !strings.Contains(mistakes[0].Message, tt.want) || mistakes[0].Key != "url" || mistakes[0].Hint == "" {
				t.Errorf("%+v, want %q", mistakes, tt.want)
			}
			for _, m := range mistakes {
				if strings.Contains(m.String(), "s3cret") {
					t.Errorf("it says the secret: %s", m)
				}
			}
		})
	}
}

func TestServiceServer(t *testing.T) {
	for _, server := range []string{"relay.example.com", "ftp://relay.example.com", "https://", "https://u:p@relay.example.com", "https://relay.example.com/?x=y"} {
		_, mistakes := typeOf(t, "discord").New(uptime.ChannelSettings{Values: values{"url": uptime.Secret("discord://token@123"), "server": server}})
		if len(mistakes) != 1 || mistakes[0].Key != "server" {
			t.Errorf("%s: %v", server, mistakes)
		}
	}
}

// A path and what is escaped in it stay as they are behind a server in place of another.
func TestServerPath(t *testing.T) {
	c := discordCase()
	a, _ := c.send(t, channeltest.Letter(1), func(v values) { v["server"] = v["server"].(string) + "/relay%2Fto/" })
	if want := "/relay%2Fto/api/webhooks/1234567890/wh-s3cret-0123456789"; a.path != want {
		t.Errorf("%s, want %s", a.path, want)
	}
}
