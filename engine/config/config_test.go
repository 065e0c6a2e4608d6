package config

import (
	"context"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// nothing is a checker that is never run; it holds what real ones hold.
type nothing struct {
	URL      *url.URL
	Settings uptime.Settings
}

func (nothing) Check(context.Context) uptime.Result { return uptime.Result{} }

// testTypes is a registry with a key of every kind.
func testTypes() []uptime.CheckType {
	tls := []uptime.Key{
		{Name: "ca_file", Kind: uptime.File, Example: `"ca.pem"`},
		{Name: "cert_warn", Kind: uptime.Limit, Example: `"14d"`},
		{Name: "client_key", Kind: uptime.SecretText, Example: `"…"`},
	}
	make := func(s uptime.Settings) (uptime.Check, []uptime.Mistake) {
		var wrong []uptime.Mistake
		for _, st := range uptime.Value[[]string](s.Expect, "status", nil) {
			if strings.Trim(st, "0123456789-") != "" {
				wrong = append(wrong, uptime.Mistake{Key: "expect.status", Message: fmt.Sprintf("expect.status = %q is no status", st)})
			}
		}
		if uptime.Value(s.Values, "body", "") == "panic" {
			panic("a bug")
		}
		if uptime.Value(s.Values, "body", "") == "leak" {
			wrong = append(wrong, uptime.Mistake{Key: "body", Message: "body does not go with " + uptime.Value(s.Values, "bearer_token", uptime.Secret("")).Reveal()})
		}
		return uptime.Check{Checker: nothing{s.URL, s}, Dest: s.URL.Host}, wrong
	}
	return []uptime.CheckType{
		{Name: "http", Schemes: []string{"http", "https"}, New: make,
			Keys: append([]uptime.Key{
				{Name: "method", Kind: uptime.String, Example: `"GET"`, OneOf: []string{"GET", "HEAD", "POST"}},
				{Name: "headers", Kind: uptime.SecretTable, Example: `{ "X-Token" = "…" }`},
				{Name: "body", Kind: uptime.String, Example: `"…"`},
				{Name: "bearer_token", Kind: uptime.SecretText, Example: `"…"`},
				{Name: "follow_redirects", Kind: uptime.Bool, Example: `true`},
				{Name: "max_redirects", Kind: uptime.Int, Example: `5`, Min: 0, Max: 20},
			}, tls...),
			Expect: []uptime.Key{
				{Name: "status", Kind: uptime.Strings, Example: `["200-299"]`, Min: 1},
				{Name: "json", Kind: uptime.Tables, Example: `[{ path = "$.a", equals = "1" }]`},
				{Name: "size_max", Kind: uptime.Size, Example: `"1MB"`},
			}},
		{Name: "tcp", Schemes: []string{"tcp"}, New: make,
			Keys:   []uptime.Key{{Name: "send", Kind: uptime.String, Example: `"QUIT\r\n"`}, {Name: "options", Kind: uptime.Table, Example: `{ a = "b" }`}},
			Expect: []uptime.Key{{Name: "banner", Kind: uptime.String, Example: `"220"`}}},
		{Name: "tls", Schemes: []string{"tls"}, New: make, Keys: tls},
		{Name: "dns", Schemes: []string{"dns"}, New: make},
		{Name: "domain", Schemes: []string{"domain"}, Interval: 24 * time.Hour, Plain: true, Failures: 2, Retry: time.Hour, New: make},
	}
}

func testOptions(env ...string) Options {
	return Options{Types: testTypes(), Channels: testChannels(), Hostname: "test-host", Now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), Env: func(name string) (string, bool) {
		for i := 0; i < len(env); i += 2 {
			if env[i] == name {
				return env[i+1], true
			}
		}
		return "", false
	}}
}

// loadText loads files of the form "-- NAME --" … in a folder of its own; text
// before the first such line is lookout.toml.
func loadText(t testing.TB, text string, opt Options) (*Config, error) {
	t.Helper()
	dir := t.TempDir()
	writeFiles(t, dir, text)
	return Load(filepath.Join(dir, "lookout.toml"), opt)
}

func writeFiles(t testing.TB, dir, text string) {
	t.Helper()
	name := "lookout.toml"
	files := map[string]*strings.Builder{name: {}}
	for _, line := range strings.SplitAfter(text, "\n") {
		if f, ok := strings.CutPrefix(strings.TrimSpace(line), "-- "); ok && strings.HasSuffix(f, " --") {
			name = strings.TrimSuffix(f, " --")
			files[name] = &strings.Builder{}
			continue
		}
		files[name].WriteString(line)
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func mustLoad(t testing.TB, text string, opt Options) *Config {
	t.Helper()
	c, err := loadText(t, text, opt)
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	return c
}

func job(t testing.TB, c *Config, name string) uptime.Job {
	t.Helper()
	i := slices.IndexFunc(c.Jobs, func(j uptime.Job) bool { return j.Name == name })
	if i < 0 {
		t.Fatalf("no monitor %q", name)
	}
	return c.Jobs[i]
}

var update = flag.Bool("update", false, "write the golden files")

// TestMistakes reads testdata/mistakes: a configuration, a line of dashes, and
// what is said about it.
func TestMistakes(t *testing.T) {
	paths, err := filepath.Glob("testdata/mistakes/*.txt")
	if err != nil || len(paths) < 10 {
		t.Fatalf("%d golden files: %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			input, want, ok := strings.Cut(string(b), "----------\n")
			if !ok && !*update {
				t.Fatal("no line of dashes")
			}
			got := said(t, input)
			if got != want {
				if *update {
					if err := os.WriteFile(path, []byte(input+"----------\n"+got), 0o600); err != nil {
						t.Fatal(err)
					}
					return
				}
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func said(t *testing.T, input string) string {
	dir := t.TempDir()
	writeFiles(t, dir, input)
	c, err := Load(filepath.Join(dir, "lookout.toml"), testOptions("TOKEN", "from-the-environment"))
	var all Mistakes
	switch err := err.(type) {
	case nil:
		all = c.Warnings
	case Mistakes:
		all = err
	default:
		t.Fatal(err)
	}
	var out strings.Builder
	for _, m := range all {
		out.WriteString(m.String() + "\n")
	}
	return strings.ReplaceAll(out.String(), dir+"/", "")
}

func TestLoad(t *testing.T) {
	c := mustLoad(t, `
instance = "web-1"
timezone = "Europe/Amsterdam"
include = ["conf.d/*.toml"]
data_dir = "data"
operators = ["jo"]
[log]
level = "debug"
[retention]
results = "30d"
max_size = "20GB"
[defaults]
timeout = "5s"
follow_redirects = false
[defaults.expect]
status = "200"
[defaults.tag.prod]
interval = "20s"
max_redirects = 3
[defaults.tag.eu]
interval = "30s"

[[monitor]]
name = "shop"
url = "https://u:secret@shop.example.com/checkout?token=abc"
tags = ["prod", "eu"]
degraded_above = "800ms"
bearer_token = "${TOKEN}"
note = "call"
[monitor.expect]
size_max = "1MiB"
json = [{ path = "$.ok", equals = true }]

[[monitor]]
name = "mail {target}"
targets = ["mx1.example.com", "2001:db8::1"]
url = "tcp://{target}:25"
rule = "consecutive"
interval = "10s"

[[page]]
name = "public"
tags = ["prod"]
-- conf.d/b.toml --
[[monitor]]
name = "off"
url = "tcp://off.example.com:1"
enabled = false
-- conf.d/a.toml --
[[monitor]]
name = "registration"
url = "domain:example.com"
was = "old registration"
-- managed.toml --
[[monitor]]
name = "added"
url = "example.org:993"
`, testOptions("TOKEN", "t0p"))
	var names []string
	for _, j := range c.Jobs {
		names = append(names, j.Name)
	}
	if want := []string{"added", "mail 2001:db8::1", "mail mx1.example.com", "registration", "shop"}; !slices.Equal(names, want) {
		t.Errorf("monitors %q, want %q", names, want)
	}
	if c.Instance != "web-1" || c.Timezone.String() != "Europe/Amsterdam" || !filepath.IsAbs(c.DataDir) || c.Log.Level != "debug" ||
		c.Retention.Results != 30*24*time.Hour || c.Retention.MaxSize != 20e9 || !slices.Equal(c.Operators, []string{"jo"}) {
		t.Errorf("settings %+v %v", c.Retention, c)
	}
	shop := job(t, c, "shop")
	if shop.Interval != 30*time.Second || shop.Timeout != 5*time.Second || shop.DegradedAbove != 800*time.Millisecond || shop.Group != "prod" || shop.Type != "http" {
		t.Errorf("shop %+v", shop.Monitor)
	}
	if want := "https://***@shop.example.com/checkout?***"; shop.Target != want {
		t.Errorf("target %q, want %q", shop.Target, want)
	}
	s := shop.Checker.(nothing).Settings
	if s.Values["bearer_token"] != uptime.Secret("t0p") || s.Values["follow_redirects"] != false || s.Values["max_redirects"] != int64(3) || s.IP != "any" {
		t.Errorf("values %v", s.Values)
	}
	if got := s.Expect["status"]; !slices.Equal(got.([]string), []string{"200"}) {
		t.Errorf("status %v", got)
	}
	if got := s.Expect["json"].([]map[string]string); got[0]["equals"] != "true" {
		t.Errorf("json %v", got)
	}
	if s.Expect["size_max"] != int64(1<<20) {
		t.Errorf("size %v", s.Expect["size_max"])
	}
	mail := job(t, c, "mail 2001:db8::1")
	if mail.Dest != "[2001:db8::1]:25" || mail.Rule != (uptime.Rule{Consecutive: true, Failures: 3, Recoveries: 2, RetryInterval: 10 * time.Second}) {
		t.Errorf("mail %+v", mail.Monitor)
	}
	if _, ok := mail.Checker.(nothing).Settings.Values["follow_redirects"]; ok {
		t.Error("a default of http reached tcp")
	}
	reg := job(t, c, "registration")
	if reg.Interval != 24*time.Hour || reg.Rule != (uptime.Rule{Plain: true, Failures: 2, Recoveries: 1, RetryInterval: time.Hour}) || c.Was["registration"] != "old registration" {
		t.Errorf("registration %+v %v", reg.Monitor, c.Was)
	}
	if !slices.Equal(c.Disabled, []string{"off"}) {
		t.Errorf("disabled %q", c.Disabled)
	}
	if len(c.Files) != 4 || filepath.Base(c.Files[1]) != "a.toml" || filepath.Base(c.Files[3]) != "managed.toml" {
		t.Errorf("files %q", c.Files)
	}
	if file, line := c.Where("shop"); filepath.Base(file) != "lookout.toml" || line != 23 {
		t.Errorf("shop is at %s:%d", file, line)
	}
	if len(c.Pages) != 1 || !c.Pages[0].Includes(shop.Monitor) || c.Pages[0].Includes(mail.Monitor) {
		t.Errorf("pages %+v", c.Pages)
	}
}

func TestLoadWithoutFile(t *testing.T) {
	if _, err := Load(filepath.Join(t.TempDir(), "lookout.toml"), testOptions()); !os.IsNotExist(err) {
		t.Errorf("got %v", err)
	}
}

func TestFromURLs(t *testing.T) {
	c, err := FromURLs([]string{"example.com", "https://example.com/", "http://example.com", "example.com:25", "https://example.com/a?token=1",
		"https://example.com/a?token=2", "dns:example.com?type=MX", "https://example.net:8443/x/", "2001:db8::1"}, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, j := range c.Jobs {
		got = append(got, j.Name+"|"+j.Target)
	}
	want := []string{
		"[2001:db8::1]|https://[2001:db8::1]",
		"dns:example.com|dns:example.com?***",
		"example.com:25|tcp://example.com:25",
		"example.net:8443/x|https://example.net:8443/x/",
		"http://example.com|http://example.com",
		"https://example.com|https://example.com",
		"https://example.com 2|https://example.com/",
		"https://example.com/a|https://example.com/a?***",
		"https://example.com/a 2|https://example.com/a?***",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if c.Instance != "test-host" || c.Path != "" || len(c.Files) != 0 {
		t.Errorf("config %v", c)
	}
	_, err = FromURLs([]string{"htps://example.com", "https://exa mple.com", "https://user:pa55word"}, testOptions())
	want2 := `unknown scheme "htps". Did you mean "https"? Known: http, https, tcp, tls, dns, domain
a https URL has a host with a character that cannot be in one
a https URL has a port that is no number`
	if err == nil || err.Error() != want2 {
		t.Errorf("got  %v\nwant %s", err, want2)
	}
}
