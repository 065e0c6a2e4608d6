package config

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// mute is a channel that is never used; it holds what real ones hold.
type mute struct{ s uptime.ChannelSettings }

func (m mute) Target() string { return m.s.Name }
func (m mute) Send(context.Context, *uptime.Letter, func(string)) (uptime.Receipt, error) {
	return uptime.Receipt{}, nil
}

// testChannels is a registry with what real ones have.
func testChannels() []uptime.ChannelType {
	return []uptime.ChannelType{
		{Name: "email", Keys: []uptime.Key{
			{Name: "to", Kind: uptime.Strings, Example: `["ops@example.com"]`, Min: 1},
			{Name: "smtp", Kind: uptime.String, Example: `"smtp://localhost"`},
			{Name: "password", Kind: uptime.SecretText, Example: `"…"`},
		}, New: func(s uptime.ChannelSettings) (uptime.Channel, []uptime.Mistake) {
			var wrong []uptime.Mistake
			for _, key := range []string{"to", "smtp"} {
				if _, ok := s.Values[key]; !ok {
					wrong = append(wrong, uptime.Mistake{Key: key, Message: "an email channel needs " + key, Hint: "write " + key + " = …"})
				}
			}
			switch p := uptime.Value(s.Values, "password", uptime.Secret("")).Reveal(); p {
			case "panic":
				panic("a bug")
			case "nothing":
				return nil, nil
			case "leaked":
				wrong = append(wrong, uptime.Mistake{Key: "password", Message: p + " is no password", Warning: true})
			}
			return mute{s}, wrong
		}},
		{Name: "webhook", Keys: []uptime.Key{
			{Name: "url", Kind: uptime.SecretText, Example: `"https://example.com/hook"`},
			{Name: "headers", Kind: uptime.SecretTable, Example: `{ X = "y" }`},
			{Name: "log", Kind: uptime.PathName, Example: `"hooks.log"`},
		}, New: func(s uptime.ChannelSettings) (uptime.Channel, []uptime.Mistake) { return mute{s}, nil }},
	}
}

const oneMonitor = "[[monitor]]\nname = \"shop\"\nurl = \"tcp://h:1\"\ntags = [\"prod\"]\n"

func TestChannels(t *testing.T) {
	opt := withSecrets(t, testOptions("HOOK", "https://example.com/s3cret"))
	opt.Hostname = "host-1"
	c := mustLoad(t, `instance = "web-1"
secrets_dir = "secrets"
[[channel]]
name = "ops"
type = "email"
to = "ops@example.com"
smtp = "smtp://localhost:25"
password_file = "pass"
subject = "{{.Subject}}"
body = """
{{.Text}}
"""
max_per_hour = 5
[[channel]]
name = "hook"
type = "webhook"
url = "${HOOK}"
headers = { Authorization = "Bearer ${secret:hook}" }
`+oneMonitor+"-- pass --\nword\n-- secrets/hook --\ndeep\n", opt)
	if len(c.Channels) != 2 {
		t.Fatalf("%d channels", len(c.Channels))
	}
	ops, hook := c.Channels[0], c.Channels[1]
	if ops.Name != "ops" || ops.Type != "email" || ops.Subject != "{{.Subject}}" || ops.Body != "{{.Text}}\n" || ops.MaxPerHour != 5 {
		t.Errorf("%+v", ops)
	}
	s := ops.Channel.(mute).s
	want := map[string]any{"to": []string{"ops@example.com"}, "smtp": "smtp://localhost:25", "password": uptime.Secret("word")}
	if s.Name != "ops" || s.Instance != "web-1" || s.Host != "host-1" || !reflect.DeepEqual(s.Values, want) {
		t.Errorf("%s %s %s", s.Name, s.Instance, s.Host)
	}
	s = hook.Channel.(mute).s
	if s.Values["url"].(uptime.Secret).Reveal() != "https://example.com/s3cret" || s.Values["headers"].(map[string]uptime.Secret)["Authorization"].Reveal() != "Bearer deep" {
		t.Error("the secrets are not those")
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
		if text := fmt.Sprintf(verb, *c); verb != "%d" && strings.Contains(text, "s3cret") {
			t.Errorf("%s shows a secret", verb)
		}
	}
}

// A path is relative to the file that names it.
func TestChannelPath(t *testing.T) {
	const hook = "[[channel]]\nname = %q\ntype = \"webhook\"\nlog = %q\n"
	c := mustLoad(t, "include = [\"conf.d/*.toml\"]\n"+fmt.Sprintf(hook, "here", "hooks.log")+oneMonitor+"-- conf.d/more.toml --\n"+fmt.Sprintf(hook, "there", "../x/./hooks.log")+fmt.Sprintf(hook, "whole", "/var/log/hooks"), testOptions())
	dir := filepath.Dir(c.Path)
	for i, want := range []string{dir + "/hooks.log", dir + "/x/hooks.log", "/var/log/hooks"} {
		if got := c.Channels[i].Channel.(mute).s.Values["log"]; got != want {
			t.Errorf("%s: %s, want %s", c.Channels[i].Name, got, want)
		}
	}
	for text, want := range map[string]string{
		`""`:        `lookout.toml:4: channel "x": log = "" must be a path, in quotes. Write it like log = "hooks.log"`,
		"5":         `lookout.toml:4: channel "x": log = 5 must be a path, in quotes. Write it like log = "hooks.log"`,
		`"~/hooks"`: `lookout.toml:4: channel "x": log begins with ~, which only a shell understands. Write the whole path`,
	} {
		if got := said(t, "[[channel]]\nname = \"x\"\ntype = \"webhook\"\nlog = "+text+"\n"+oneMonitor); got != want+"\n" {
			t.Errorf("got %s", got)
		}
	}
}

// Two channels are the same only if nothing of them differs.
func TestChannelSame(t *testing.T) {
	base := "[[channel]]\nname = \"ops\"\ntype = \"webhook\"\nurl = \"https://example.com/a\"\n"
	of := func(text string) string { return mustLoad(t, text+oneMonitor, testOptions()).Channels[0].Same }
	same := of(base)
	if same != of(base+"\n# a comment\n") || len(same) != 16 {
		t.Errorf("%q differs from itself", same)
	}
	for name, text := range map[string]string{
		"secret":   strings.Replace(base, "/a", "/b", 1),
		"subject":  base + "subject = \"x\"\n",
		"body":     base + "body = \"x\"\n",
		"cap":      base + "max_per_hour = 61\n",
		"key":      base + "headers = { X = \"y\" }\n",
		"instance": "instance = \"other\"\n" + base,
	} {
		if of(text) == same {
			t.Errorf("another %s is the same", name)
		}
	}
}

// A template is tried when the file is read, and what is wrong is said at its line.
func TestChannelTemplate(t *testing.T) {
	opt := testOptions()
	opt.Template = func(subject, body string) error {
		switch {
		case strings.Contains(subject, "{{.Bad"):
			return errors.New("subject: line 1: there is no .Bad; did you mean .Host?")
		case strings.Contains(body, "{{"):
			return errors.New("a {{ without its }}")
		}
		return nil
	}
	_, err := loadText(t, "[[channel]]\nname = \"ops\"\ntype = \"webhook\"\nsubject = \"{{.Bad}}\"\nbody = \"x {{\"\n"+oneMonitor, opt)
	var got []string
	for _, m := range asMistakes(err) {
		got = append(got, fmt.Sprint(m.Line, " ", m.Key, " ", m.Message))
	}
	want := []string{`4 subject channel "ops": subject: line 1: there is no .Bad; did you mean .Host?`, `5 body channel "ops": body: a {{ without its }}`}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestRoutes(t *testing.T) {
	c := mustLoad(t, oneMonitor+`
[[channel]]
name = "ops"
type = "webhook"
[[channel]]
name = "boss"
type = "webhook"
[[route]]
tags = ["prod"]
names = "shop"
verdicts = ["degraded", "down", "down"]
faults = ["tcp", "http.status"]
days = ["Mon-Fri", "Sun"]
hours = ["08:00-18:00", "22:30-06:00"]
channels = ["ops", "ops"]
delay = "5m"
remind = "1h"
escalate_to = "boss"
[[route]]
channels = []
`, testOptions())
	want := []uptime.Route{
		{Where: c.Path + ":12", Tags: []string{"prod"}, Names: []string{"shop"}, Verdicts: []uptime.Verdict{uptime.Degraded, uptime.Down},
			Faults: []string{"tcp", "http.status"}, Days: []time.Weekday{0, 1, 2, 3, 4, 5},
			Hours:    []uptime.Hours{{From: 8 * time.Hour, To: 18 * time.Hour}, {From: 22*time.Hour + 30*time.Minute, To: 6 * time.Hour}},
			Channels: []string{"ops"}, Delay: 5 * time.Minute, Remind: time.Hour, EscalateTo: []string{"boss"}, EscalateAfter: 15 * time.Minute},
		{Where: c.Path + ":23"},
	}
	if !reflect.DeepEqual(c.Routes, want) {
		t.Errorf("got  %+v\nwant %+v", c.Routes, want)
	}
	if len(c.Warnings) > 0 {
		t.Errorf("warnings: %v", c.Warnings)
	}
}

func TestHeartbeat(t *testing.T) {
	c := mustLoad(t, "[heartbeat]\nurl_file = \"beat\"\nevery = \"5m\"\n"+oneMonitor+"-- beat --\nhttps://example.com/abc\n", testOptions())
	if h := c.Heartbeat; h == nil || h.URL.Reveal() != "https://example.com/abc" || h.Every != 5*time.Minute {
		t.Errorf("got %+v", h)
	}
	if c := mustLoad(t, "[heartbeat]\nurl = \"https://example.com/abc\"\n"+oneMonitor, testOptions()); c.Heartbeat.Every != time.Minute {
		t.Errorf("every %s", c.Heartbeat.Every)
	}
}

// What changes of channels, routes and the heartbeat is shown, and no secret.
func TestDiffTelling(t *testing.T) {
	a := mustLoad(t, oneMonitor+"[[channel]]\nname = \"ops\"\ntype = \"webhook\"\nurl = \"https://example.com/one\"\n[heartbeat]\nurl = \"https://example.com/two\"\n", testOptions())
	b := mustLoad(t, oneMonitor+"[[channel]]\nname = \"ops\"\ntype = \"webhook\"\nurl = \"https://example.com/other\"\nmax_per_hour = 5\n[[route]]\nhours = \"08:00-24:00\"\ndays = \"Sat\"\nchannels = \"ops\"\n", testOptions())
	want := `= channel.ops.max_per_hour (unset) -> 5
= channel.ops.url *** -> ***
= heartbeat.every 60s -> (unset)
= heartbeat.url *** -> (unset)
= route.1 (unset) -> days Sat; hours 08:00-24:00; channels [ops]
`
	if got := Diff(a, b).String(); got != want {
		t.Errorf("got:\n%s", got)
	}
	if !Diff(a, a).Empty() {
		t.Error("it differs from itself")
	}
}

// A secret of a probe's channel is none of a check's, whatever the engine orders.
func TestProbeChannelSecrets(t *testing.T) {
	files, _ := brokerFiles(t, time.Now())
	p, dir, err := loadProbe(t, `location = "fra"
name = "p1"
engine_key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
secrets_dir = "secrets"
[[channel]]
name = "ops"
type = "email"
to = "ops@example.com"
smtp = "smtp://localhost"
password = "${secret:mail}"
[broker]
url = "amqps://broker.example.com/lookout"
username = "p1"
password_file = "pass"
`+files+"-- secrets/mail --\nword\n-- secrets/shop --\nother\n")
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Channels) != 1 || p.Channels[0].Channel.(mute).s.Instance != "fra/p1" {
		t.Fatalf("%+v", p.Channels)
	}
	if !slices.Contains(p.files, filepath.Join(dir, "secrets", "mail")) || slices.Contains(p.files, filepath.Join(dir, "secrets", "shop")) {
		t.Errorf("its own files: %v", p.files)
	}
}
