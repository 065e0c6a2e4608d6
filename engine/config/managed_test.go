package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lookout/engine/uptime"
)

func TestAddManaged(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "lookout.toml")
	writeFiles(t, dir, "[[monitor]]\nname = \"shop\"\nurl = \"https://shop.example.com/\"\n[[monitor]]\nname = \"off\"\nurl = \"tcp://x:1\"\nenabled = false\n")
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		fields map[string]any
		added  string
		err    string
	}{
		{"a URL", map[string]any{"url": "example.com/a b"}, "example.com/a b", ""},
		{"everything", map[string]any{"tags": []string{"x", "y\"z"}, "interval": "30s", "name": "mail", "url": "mx.example.com:25", "failures": 2, "rule": "consecutive"}, "mail", ""},
		{"a secret", map[string]any{"url": "https://jo:s3cret@secret.example.com/?t=1", "bearer_token": "\\\"\x01"}, "secret.example.com", ""},
		{"a key of expect", map[string]any{"name": "e", "url": "https://e.example.com", "expect": map[string]any{"status": []any{"200"}, "json": []any{map[string]any{"path": "$.a", "equals": int64(1)}}}}, "e", ""},
		{"a type", map[string]any{"url": "d.example.com", "type": "tls", "name": "typed"}, "typed", ""},
		{"twice", map[string]any{"url": "https://example.com/a%20b"}, "", `a monitor of that name exists: "example.com/a b" is at DIR/managed.toml:4`},
		{"by hand", map[string]any{"name": "shop", "url": "https://shop.example.com/"}, "", `a monitor of that name exists: "shop" is at DIR/lookout.toml:1`},
		{"disabled", map[string]any{"name": "off", "url": "https://shop.example.com/"}, "", `a monitor of that name exists: "off", which is not enabled`},
		{"a bad value", map[string]any{"url": "https://new.example.com/", "interval": "5"}, "", `monitor "new.example.com": interval = "5" needs a unit, e.g. "5s" or "5m"`},
		{"a bad key", map[string]any{"url": "https://new.example.com/", "a = 1\nb": "5"}, "", `unknown key "a = 1 b"`},
		{"nothing", nil, "", "a monitor needs a name. Write it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, _ := os.ReadFile(filepath.Join(dir, ManagedName))
			name, err := AddManaged(path, c.fields, testOptions())
			after, _ := os.ReadFile(filepath.Join(dir, ManagedName))
			if c.err != "" {
				if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), dir, "DIR"), c.err) {
					t.Errorf("got  %v\nwant %s", err, c.err)
				}
				if string(after) != string(before) {
					t.Error("the file was written all the same")
				}
				return
			}
			if err != nil || name != c.added {
				t.Fatalf("added %q: %v", name, err)
			}
			cfg, err := Load(path, testOptions())
			if err != nil {
				t.Fatal(err)
			}
			job(t, cfg, name)
			if !strings.HasPrefix(string(after), string(before)) {
				t.Error("what stood there was changed")
			}
		})
	}
	info, err := os.Stat(filepath.Join(dir, ManagedName))
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left over: %q", left)
	}
	mail := job(t, must(Load(path, testOptions()))(t), "mail")
	if mail.Target != "tcp://mx.example.com:25" || mail.Interval != 30*time.Second || mail.Rule.Failures != 2 || mail.Tags[1] != `y"z` {
		t.Errorf("%+v", mail.Monitor)
	}
	if s := job(t, must(Load(path, testOptions()))(t), "secret.example.com").Checker.(nothing).Settings; s.Values["bearer_token"] != uptime.Secret("\\\"\x01") {
		t.Errorf("the token was not written as given")
	}
}

func must(c *Config, err error) func(t *testing.T) *Config {
	return func(t *testing.T) *Config {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
}

func TestAddManagedAtOnce(t *testing.T) {
	dir := t.TempDir()
	writeFiles(t, dir, "")
	path := filepath.Join(dir, "lookout.toml")
	var wg sync.WaitGroup
	for _, host := range []string{"a", "b", "c", "d", "e", "f"} {
		wg.Go(func() {
			if _, err := AddManaged(path, map[string]any{"url": host + ".example.com"}, testOptions()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if c := must(Load(path, testOptions()))(t); len(c.Jobs) != 6 {
		t.Errorf("%d of 6 monitors are there", len(c.Jobs))
	}
}

func TestAddManagedToABrokenConfiguration(t *testing.T) {
	dir := t.TempDir()
	writeFiles(t, dir, "x = 1\n")
	_, err := AddManaged(filepath.Join(dir, "lookout.toml"), map[string]any{"url": "example.com"}, testOptions())
	var ms Mistakes
	if !errors.As(err, &ms) || !strings.HasPrefix(err.Error(), "repair the configuration first: ") {
		t.Errorf("got %v", err)
	}
}

func TestFirst(t *testing.T) {
	entries := []Entry{{URL: "https://www.example.com"}, {URL: "mail.example.com:25"}, {Name: "a \"quoted\" name", URL: "https://x.example.com/?a=b"},
		{URL: "http://www.example.com"}, {URL: "dns:example.net?type=NS"}}
	text := First(entries, 30*time.Second)
	c := mustLoad(t, text, testOptions())
	if len(c.Jobs) != len(entries) || len(c.Warnings) != 0 || job(t, c, "a \"quoted\" name").Interval != 30*time.Second {
		t.Errorf("%v of\n%s", c, text)
	}
	uncommented := strings.NewReplacer("# tags", "tags", "# degraded", "degraded", "# [", "[", "# status", "status", "# body_contains", "# body").Replace(text)
	if c := mustLoad(t, uncommented, testOptions()); job(t, c, "http://www.example.com").Group != "" || job(t, c, "https://www.example.com").Group != "prod" {
		t.Errorf("what is proposed does not go to the first monitor:\n%s", uncommented)
	}
	mustLoad(t, First(nil, 0), testOptions())
}
