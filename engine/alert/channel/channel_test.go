package channel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lookout/engine/alert/channel/channeltest"
	"lookout/engine/uptime"
)

type values = map[string]any

// typeOf is a type of the registry.
func typeOf(t testing.TB, name string) uptime.ChannelType {
	t.Helper()
	for _, ct := range Types() {
		if ct.Name == name {
			return ct
		}
	}
	t.Fatalf("no type %s", name)
	return uptime.ChannelType{}
}

// jsonTexts are the texts of an alert object.
func jsonTexts(t testing.TB, line string) []string {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(line), &v); err != nil {
		t.Errorf("no JSON: %v: %.300q", err, line)
	}
	var texts []string
	for _, f := range v {
		if s, ok := f.(string); ok {
			texts = append(texts, s)
		}
	}
	return texts
}

// TestTypes holds what the registry says against what a configuration needs.
func TestTypes(t *testing.T) {
	common := []string{"name", "type", "subject", "body", "max_per_hour"}
	seen := map[string]bool{}
	for _, ct := range Types() {
		if ct.Name == "" || ct.Summary == "" || ct.New == nil || seen[ct.Name] {
			t.Errorf("%s: not whole, or twice", ct.Name)
		}
		seen[ct.Name] = true
		names := map[string]bool{}
		for _, name := range common {
			names[name] = true
		}
		for _, k := range ct.Keys {
			if k.Name == "" || k.Doc == "" || k.Example == "" || names[k.Name] {
				t.Errorf("%s: key %q needs a doc and an example, once", ct.Name, k.Name)
			}
			names[k.Name] = true
		}
	}
}

// Every type is held against the contract, and so against every hostile text and answer.
func TestContracts(t *testing.T) {
	files, err := filepath.Glob("*_test.go")
	if err != nil || len(files) < len(Types())/2 {
		t.Fatal(files, err)
	}
	held := map[string]bool{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, ct := range Types() {
			text := string(b)
			held[ct.Name] = held[ct.Name] || strings.Contains(text, "channeltest.Contract(") && strings.Contains(text, fmt.Sprintf("typeOf(t, %q)", ct.Name)) ||
				strings.Contains(text, ".contract(t)") && strings.Contains(text, fmt.Sprintf("name: %q", ct.Name))
		}
	}
	for _, ct := range Types() {
		if !held[ct.Name] {
			t.Errorf("%s has no contract", ct.Name)
		}
	}
}

// fake is a channel for what the guard has to see to.
type fake struct {
	send func(ctx context.Context, l *uptime.Letter, say func(string)) (uptime.Receipt, error)
}

func (f fake) Target() string { return "somewhere by hunter22\u202e\x1b[2J" }
func (f fake) Send(ctx context.Context, l *uptime.Letter, say func(string)) (uptime.Receipt, error) {
	return f.send(ctx, l, say)
}

func guardedFake(t *testing.T, f fake) uptime.Channel {
	ct := guarded(uptime.ChannelType{
		Name: "fake", Keys: []uptime.Key{{Name: "password", Kind: uptime.SecretText}},
		New: func(uptime.ChannelSettings) (uptime.Channel, []uptime.Mistake) { return f, nil },
	})
	ch, mistakes := ct.New(uptime.ChannelSettings{Values: values{"password": uptime.Secret("hunter22")}})
	if ch == nil {
		t.Fatal(mistakes)
	}
	return ch
}

func TestGuard(t *testing.T) {
	tests := []struct {
		name string
		send func(say func(string)) (uptime.Receipt, error)
		want uptime.Refusal
	}{
		{"an unknown error", func(func(string)) (uptime.Receipt, error) {
			return uptime.Receipt{}, errors.New("hunter22 was wrong\r\n")
		}, uptime.Refusal{Reply: "*** was wrong", Uncertain: true}},
		{"no reason", func(func(string)) (uptime.Receipt, error) {
			return uptime.Receipt{}, &uptime.Refusal{Letter: true}
		}, uptime.Refusal{Reply: "refused without a reason", Letter: true}},
		{"a panic", func(func(string)) (uptime.Receipt, error) {
			panic("index of hunter22 out of range")
		}, uptime.Refusal{Reply: "a bug in lookout: the channel panicked: index of *** out of range", Permanent: true, Letter: true, Uncertain: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ch := guardedFake(t, fake{func(_ context.Context, _ *uptime.Letter, say func(string)) (uptime.Receipt, error) {
				return tt.send(say)
			}})
			_, err := ch.Send(t.Context(), channeltest.Letter(1), nil)
			if got := (*uptime.Refusal)(nil); !errors.As(err, &got) || *got != tt.want {
				t.Errorf("%+v, want %+v", err, tt.want)
			}
			if got := ch.Target(); got != "somewhere by ***[2J" {
				t.Errorf("target %q", got)
			}
		})
	}
}

// A library that goes on talking after the end is not heard, and nobody hears all of one that never stops.
func TestTalk(t *testing.T) {
	var late func(string)
	ch := guardedFake(t, fake{func(_ context.Context, _ *uptime.Letter, say func(string)) (uptime.Receipt, error) {
		for range 10_000 {
			say("AUTH hunter22")
		}
		late = say
		return uptime.Receipt{Reply: "ok"}, nil
	}})
	var said []string
	if _, err := ch.Send(t.Context(), channeltest.Letter(1), func(s string) { said = append(said, s) }); err != nil {
		t.Fatal(err)
	}
	late("too late")
	if len(said) != maxLines+1 || said[0] != "AUTH ***" || said[maxLines] != "… and more" {
		t.Errorf("%d lines, %q … %q", len(said), said[0], said[len(said)-1])
	}
}

func TestVeil(t *testing.T) {
	v := veilOver(values{
		"password": uptime.Secret(`p&ss "word"`),
		"short":    uptime.Secret("en"),
		"url":      uptime.Secret("https://us3r:pa55word@hooks.example.com/services/T0000/abcdefgh1234?token=t0ken#frag"),
		"headers":  map[string]uptime.Secret{"X-Key": "k3y-k3y", "Authorization": "Bearer b34rer-t0ken", "X-Login": "Basic dXM0cjpwNHNzLXcwcmQ="},
		"proxy":    uptime.Secret("http://us5r:p5ss%26w0rd@proxy.example.com"),
		"path":     "/not/secret",
	}, []uptime.Secret{"\x00user\x00pass"})
	tests := []struct{ name, text, want string }{
		{"nothing", "sent to /not/secret", "sent to /not/secret"},
		{"plain", `say p&ss "word" now`, "say *** now"},
		{"query", "q=p%26ss+%22word%22&x", "q=***&x"},
		{"path", "/p&ss%20%22word%22/", "/***/"},
		{"json", `{"p":"p\u0026ss \"word\""}`, `{"p":"***"}`},
		{"base64", "AHVzZXIAcGFzcw==", "***"},
		{"hex", "key 6b33792d6b3379!", "key ***!"},
		{"a whole URL", `Post "https://us3r:pa55word@hooks.example.com/services/T0000/abcdefgh1234?token=t0ken#frag": EOF`, `Post "***": EOF`},
		{"parts of it", "hooks.example.com: us3r, pa55word, abcdefgh1234, t0ken", "hooks.example.com: ***, ***, ***, ***"},
		{"percent of each byte", "%6b%33%79%2d%6b%33%79 %6B%33%79%2D%6B%33%79", "*** ***"},
		{"html", "p&amp;ss &#34;word&#34;", "***"},
		{"fragment", "#frag", "#***"},
		{"a header's", "b34rer-t0ken is expired", "*** is expired"},
		{"Basic, decoded", "us4r:p4ss-w0rd, p4ss-w0rd", "***, ***"},
		{"Basic, made of a URL", "Proxy-Authorization: Basic dXM1cjpwNXNzJncwcmQ=", "Proxy-Authorization: Basic ***"},
		{"made whole by cleaning", "k3y\u200b-k\x003y", "***"},
		{"twice", "k3y-k3yk3y-k3y", "******"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := v.line(tt.text, 300); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	if got := v.line(strings.Repeat("x", maxRaw-4)+"k3y-k3y", maxRaw*2); strings.Contains(got, "k3y") {
		t.Errorf("half a secret is left: …%q", got[len(got)-20:])
	}
}

func TestWashed(t *testing.T) {
	l := washed(&uptime.Letter{
		ID: "1 2\r\n<3>\x00é@web-1", Subject: "a\r\nb\u202e", Text: "  col1   col2 \r\n\x1b[2J\u0085x\n\n",
		JSON: []byte("{\"a\": \"\u202e\u009b\U000e0041\u00e9\x7f\",\n \"b\": 1}"),
	})
	if l.ID != "123@web-1" || l.Subject != "a b" || l.Text != "  col1   col2\n[2J x" {
		t.Errorf("%q %q %q", l.ID, l.Subject, l.Text)
	}
	if want := `{"a":"\u202e\u009b\udb40\udc41é\u007f","b":1}`; string(l.JSON) != want {
		t.Errorf("%s\nwant %s", l.JSON, want)
	}
	if l := washed(&uptime.Letter{ID: "7", JSON: []byte("{"), Text: strings.Repeat("é", maxText)}); !json.Valid(l.JSON) || len(l.Text) > maxText || !strings.HasSuffix(l.Text, "é…") {
		t.Errorf("%.100s, text of %d", l.JSON, len(l.Text))
	}
}
