package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lookout/engine/uptime"
)

// TestCanary plants secrets in every place that takes one, right and wrong, and
// looks for them in everything that is made of the configuration.
func TestCanary(t *testing.T) {
	good := `
secrets_dir = "secrets"
[defaults.tag.x]
bearer_token = "canary-default"
[[monitor]]
name = "a"
tags = ["x"]
url = "https://jo:canary-user@a.example.com/p?token=canary-query#canary-fragment"
headers = { "X-Token" = "canary-header", Y = "${secret:one}" }
client_key = "${ENV}"
body = "plain"
[[monitor]]
name = "b"
url = "https://${ENV}:${ENV}@b.example.com/?k=${ENV}"
bearer_token_file = "secrets/one"
`
	bad := good + `
[[monitor]]
name = "c"
url = "https://jo:canary bad@c.example.com/"
bearer_tokn = "canary-misspelt"
bearer_token = ["canary-list"]
headers = "canary-table"
body = "leak"
[[monitor]]
name = "d"
url = "https://d.example.com/${canary value}"
bearer_token = canary-bare
[[monitor]]
name = "e"
url = "https://e.example.com:canary/"
bearer_token = "canary\q"
[[monitor]]
name = "f"
url = https://jo:canary@f.example.com/
[[monitor]]
name = "g"
url = "https://g.example.com/"
bearer_token = "canary-own"
body = "leak"
interval = "5"
[[monitor]]
name = "h"
url = "canary-scheme:secret@h.example.com"
client_key = 2020-13-01canary
[[monitor]]
name = "i"
url = { canary = "canary" }
client_key = "${canary-unset}"
`
	bad = strings.ReplaceAll(bad, "canary-scheme:", "http:canary@") // a scheme is shown, and is no secret
	for name, text := range map[string]string{"good": good, "bad": bad} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			writeFiles(t, dir, text+"\n-- secrets/one --\ncanary-file\n")
			path := filepath.Join(dir, "lookout.toml")
			opt := testOptions("ENV", "canary-env:@/?#")
			c, err := Load(path, opt)
			if c == nil || (err != nil) != (name == "bad") {
				t.Fatal(err)
			}
			other := mustLoad(t, strings.ReplaceAll(good, "canary-", "canary-2")+"\n-- secrets/one --\ncanary-other\n", testOptions("ENV", "canary-3"))
			out := []string{fmt.Sprint(err), fmt.Sprintf("%+v %#v %s %v", c, c, c, *c), fmt.Sprintf("%+v %#v", []any{c.made}, c.Warnings), Diff(c, other).String(),
				fmt.Sprintf("%+v", Diff(other, c))}
			for _, j := range c.Jobs {
				out = append(out, fmt.Sprintf("%+v", *j.Monitor))
			}
			if ms, ok := err.(Mistakes); ok {
				out = append(out, fmt.Sprintf("%#v", ms))
			}
			if b, err := json.Marshal(c); err != nil {
				t.Error(err)
			} else {
				out = append(out, string(b))
			}
			_, err = AddManaged(path, map[string]any{"url": "https://jo:canary@x.example.com:canary/", "bearer_token": []string{"canary"}}, opt)
			out = append(out, fmt.Sprint(err))
			_, err = FromURLs([]string{"https://jo:canary@x.example.com:canary/", "http:canary@x", "https://jo:canary@x.example.com/?canary=canary#canary"}, opt)
			out = append(out, fmt.Sprint(err))
			for _, o := range out {
				if i := strings.Index(o, "canary"); i >= 0 {
					t.Errorf("a secret shows: …%s", o[max(0, i-200):min(len(o), i+60)])
				}
			}
			s := job(t, c, "b").Checker.(nothing)
			if pw, _ := s.URL.User.Password(); pw != "canary-env:@/?#" || s.URL.Query().Get("k") != pw || s.Settings.Values["bearer_token"] != uptime.Secret("canary-file") {
				t.Error("a secret did not arrive as it is")
			}
		})
	}
}

func TestSecretFiles(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name, text string
		mode       os.FileMode
		want, err  string
	}{
		{"own", "s3cret\n", 0o600, "s3cret", ""},
		{"crlf", "s3cret\r\n", 0o400, "s3cret", ""},
		{"lines", "a\nb\n\n", 0o600, "a\nb\n", ""},
		{"own group", "s3cret", 0o640, "s3cret", ""},
		{"group can write", "s3cret", 0o660, "", "its group can use (mode 0660); chmod 600 it"},
		{"everybody", "s3cret", 0o604, "", "everybody can use (mode 0604); chmod 600 it"},
		{"empty", "\n", 0o600, "", "which is empty"},
		{"large", strings.Repeat("x", maxSecret+1), 0o600, "", "is larger than 64KiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(dir, c.name)
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, c.mode); err != nil {
				t.Fatal(err)
			}
			got, err := (&secrets{}).file(path)
			if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestExpand(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "api.key"), []byte("k${A}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := secrets{dir: dir, env: testOptions("A", "1", "EMPTY", "", "RAW", "${A}").Env}
	for _, c := range []struct{ in, want, err string }{
		{"plain $ and {}", "plain $ and {}", ""},
		{"${A}", "1", ""},
		{"x${A}y${A}z", "x1y1z", ""},
		{"${EMPTY}", "", ""},
		{"${RAW}", "${A}", ""},
		{"$${A} ${A}", "${A} 1", ""},
		{"${secret:api.key}", "k${A}", ""},
		{"${B}", "", "needs ${B}, and the environment has no B"},
		{"${A", "", "has a ${ without its }"},
		{"${}", "", "names no environment variable"},
		{"${a b}", "", "names no environment variable"},
		{"${secret:../x}", "", "whose name is not made of"},
		{"${secret:none}", "", "cannot be read: " + dir + "/none: no such file"},
	} {
		got, err := s.expand(c.in, nil)
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s became %q, %v", c.in, got, err)
		}
	}
	if _, err := (&secrets{env: s.env}).expand("${secret:x}", nil); err == nil {
		t.Error("a secret came from nowhere")
	}
}

func TestLiteralSecretInAReadableFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "lookout.toml")
	for text, want := range map[string]int{
		`bearer_token = "literal"`:  1,
		`bearer_token = "${TOKEN}"`: 0,
	} {
		writeFiles(t, dir, "[[monitor]]\nname = \"a\"\nurl = \"https://a.example.com/\"\n"+text+"\n")
		for mode, n := range map[os.FileMode]int{0o644: want, 0o640: 0} {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			if c := must(Load(path, testOptions("TOKEN", "x")))(t); len(c.Warnings) != n {
				t.Errorf("%s with mode %o: %v", text, mode, c.Warnings)
			}
		}
	}
}
