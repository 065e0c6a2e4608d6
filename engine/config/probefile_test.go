package config

import (
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

// probeOptions knows a type of which a probe runs what its own file says.
func probeOptions(t *testing.T) Options {
	opt := withSecrets(t, testOptions())
	opt.Types = append(opt.Types, uptime.CheckType{Name: "exec", Schemes: []string{"exec"}, Plain: true, Filed: true,
		Keys: []uptime.Key{{Name: "command", Kind: uptime.String, Example: `"true"`}, {Name: "args", Kind: uptime.Strings, Example: `["x"]`}, {Name: "env", Kind: uptime.SecretTable}},
		New: func(s uptime.Settings) (uptime.Check, []uptime.Mistake) {
			if uptime.Value(s.Values, "command", "") == "" {
				return uptime.Check{}, []uptime.Mistake{{Key: "command", Message: "an exec check needs a command", Hint: `write command = "/path"`}}
			}
			return uptime.Check{Checker: nothing{s.URL, s}, Dest: "exec:" + s.URL.Opaque}, nil
		}},
		uptime.CheckType{Name: "beat", Schemes: []string{"beat"}, Plain: true, Bare: true, New: func(uptime.Settings) (uptime.Check, []uptime.Mistake) { return uptime.Check{}, nil }})
	return opt
}

// loadProbe loads files of the form of loadText; text before the first such line is probe.toml.
func loadProbe(t *testing.T, text string) (p *Probe, dir string, err error) {
	t.Helper()
	dir = t.TempDir()
	writeFiles(t, dir, text)
	path := filepath.Join(dir, "probe.toml")
	if err := os.Rename(filepath.Join(dir, "lookout.toml"), path); err != nil {
		t.Fatal(err)
	}
	p, err = LoadProbe(path, probeOptions(t))
	return p, dir, err
}

// TestProbeMistakes reads testdata/probes as TestMistakes reads its own.
func TestProbeMistakes(t *testing.T) {
	paths, err := filepath.Glob("testdata/probes/*.txt")
	if err != nil || len(paths) < 4 {
		t.Fatalf("%d golden files: %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			input, want, _ := strings.Cut(string(b), "----------\n")
			p, dir, err := loadProbe(t, input)
			got := ""
			for _, m := range append(slices.Clone(asMistakes(err)), p.Warnings...) {
				got += strings.ReplaceAll(m.String(), dir+"/", "") + "\n"
			}
			if got == want {
				return
			}
			if *update {
				if err := os.WriteFile(path, []byte(input+"----------\n"+got), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			t.Errorf("got:\n%s\nwant:\n%s", got, want)
		})
	}
	if _, err := LoadProbe("none.toml", Options{}); err == nil || !os.IsNotExist(err) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func asMistakes(err error) Mistakes {
	ms, _ := err.(Mistakes)
	return ms
}

func fineProbe(t *testing.T) *Probe {
	t.Helper()
	b, err := os.ReadFile("testdata/probes/fine.txt")
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(b), "----------\n")
	text = strings.NewReplacer(`= "pass"`, `= "secrets/broker.pass"`, "-- pass --", "-- secrets/broker.pass --").Replace(text) + "-- secrets/pw --\ncanary-pw\n-- secrets/odd --\n@/?#\n"
	text = strings.Replace(text, "args = [\"-w\", \"10%\"]", "args = [\"-w\", \"10%\"]\nenv = { PW = \"${secret:pw}\" }", 1)
	p, _, err := loadProbe(t, text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestLoadProbe(t *testing.T) {
	p := fineProbe(t)
	want := Policy{MaxMonitors: 100, MaxRate: 0.5, MaxTimeout: 30 * time.Second, MaxBody: 64000, Methods: []string{"GET", "POST"}}
	got := p.Policy
	allow := fmt.Sprint(got.Allow)
	got.Allow = nil
	if fmt.Sprint(got) != fmt.Sprint(want) || allow != "[10.1.0.0/16 192.168.7.5/32 2001:db8::/32]" {
		t.Errorf("policy %+v %s", got, allow)
	}
	if p.ID() != "fra/p1" || p.EngineKey[31] != 31 || p.Broker.Password() != "secret" || p.Broker.SigningKey() != nil || len(p.Anchors) != 1 ||
		filepath.Base(p.DataDir) != "data" || p.Spool != (SpoolLimits{256_000_000, 7 * 24 * time.Hour}) || !slices.Equal(p.Commands, []string{"disk"}) {
		t.Errorf("%+v", p.Broker)
	}
	if out := fmt.Sprintf("%v %+v %#v %+v %#v", p, p, p, *p, []any{p}); strings.Contains(out, "canary") || !strings.Contains(out, "probe fra/p1") {
		t.Errorf("it shows as %s", out)
	}
}

func TestBuild(t *testing.T) {
	b := fineProbe(t).Builder(probeOptions(t).Types)
	secret := func(s string) uptime.Secret { return uptime.Secret(s) }
	for _, tc := range []struct {
		name, typ string
		from      uptime.Portable
		want      string // of the mistakes; "" for none
	}{
		{"plain", "tcp", uptime.Portable{URL: "tcp://a.example.com:25", Values: map[string]any{"send": "QUIT\r\n"}, Expect: map[string]any{"banner": "220"}}, ""},
		{"secrets", "http", uptime.Portable{URL: "https://jo:${secret:odd}@a.example.com/?k=${secret:pw}", Zone: "Europe/Amsterdam", IP: "4",
			Values: map[string]any{"bearer_token": secret("x ${secret:pw}"), "headers": map[string]uptime.Secret{"A": "$${secret:pw}"}, "ca_file": []byte("x"), "cert_warn": uptime.Percentage{Share: 0.5}}}, ""},
		{"no such secret", "http", uptime.Portable{URL: "https://a.example.com/", Values: map[string]any{"bearer_token": secret("${secret:none}")}}, "bearer_token cannot be read"},
		{"of the environment", "http", uptime.Portable{URL: "https://a.example.com/", Values: map[string]any{"bearer_token": secret("${HOME}")}}, "bearer_token has ${HOME}, and a probe takes nothing but ${secret:NAME}"},
		{"out of the folder", "http", uptime.Portable{URL: "https://a.example.com/?x=${secret:../pass}"}, "whose name is not made of"},
		{"the probe's own key", "http", uptime.Portable{URL: "https://a.example.com/?x=${secret:broker.pass}"}, "is a file of lookout's own and no secret of a check"},
		{"unknown type", "quic", uptime.Portable{URL: "quic://a.example.com/"}, "has no check type"},
		{"the engine's own", "beat", uptime.Portable{URL: "beat:"}, "is checked by the engine itself"},
		{"of nobody else", "domain", uptime.Portable{URL: "domain:example.com"}, "is checked by the engine itself"},
		{"another scheme", "http", uptime.Portable{URL: "tcp://a.example.com:1"}, "does not take a url that begins with tcp:"},
		{"unknown key", "tcp", uptime.Portable{URL: "tcp://a:1", Values: map[string]any{"shout": "x"}}, "type tcp has no shout in this version of lookout"},
		{"another kind", "http", uptime.Portable{URL: "https://a/", Values: map[string]any{"body": int64(5)}}, "body has a value that this version of lookout does not understand"},
		{"out of bounds", "http", uptime.Portable{URL: "https://a/", Values: map[string]any{"max_redirects": int64(1000)}}, "max_redirects = 1000 must be from 0 to 20"},
		{"no such word", "http", uptime.Portable{URL: "https://a/", Values: map[string]any{"method": "BREW"}}, `method = "BREW" must be`},
		{"no zone", "tcp", uptime.Portable{URL: "tcp://a:1", Zone: "Mars/Phobos"}, "is not known here"},
		{"no family", "tcp", uptime.Portable{URL: "tcp://a:1", IP: "5"}, "is not known here"},
		{"no host", "http", uptime.Portable{URL: "https:///"}, "url names no host"},
		{"the type's own mistake", "http", uptime.Portable{URL: "https://a/", Values: map[string]any{"body": "leak", "bearer_token": secret("${secret:pw}")}}, "body does not go with ***"},
		{"a bug", "http", uptime.Portable{URL: "https://a/", Values: map[string]any{"body": "panic"}}, "a bug in the check type http"},
		{"own command", "exec", uptime.Portable{URL: "exec:disk", Values: map[string]any{"command": "rm"}}, ""},
		{"sent command", "exec", uptime.Portable{URL: "exec:other", Values: map[string]any{"command": "rm"}}, "exec:other is not in the file of this probe, which runs no other"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			j, ms := b.Build("m", tc.typ, tc.from, time.Minute, 5*time.Second, time.Second)
			got := Mistakes(ms).Error()
			if tc.want == "" && (got != "" || j.Checker == nil) || tc.want != "" && !strings.Contains(got, tc.want) || strings.Contains(got, "canary") {
				t.Fatalf("got %q, want %q", got, tc.want)
			}
			if tc.want != "" {
				return
			}
			if j.Name != "m" || j.Interval != time.Minute || j.Timeout != 5*time.Second || j.DegradedAbove != time.Second || strings.Contains(fmt.Sprintf("%+v", *j.Monitor), "canary") {
				t.Errorf("%+v", *j.Monitor)
			}
			c := j.Checker.(nothing)
			switch tc.name {
			case "secrets":
				pw, _ := c.URL.User.Password()
				if v := c.Settings.Values; pw != "@/?#" || c.URL.Query().Get("k") != "canary-pw" || v["bearer_token"] != secret("x canary-pw") ||
					v["headers"].(map[string]uptime.Secret)["A"] != "${secret:pw}" || c.Settings.Zone.String() != "Europe/Amsterdam" || c.Settings.IP != "4" {
					t.Error("a setting did not arrive as it is")
				}
			case "own command":
				if v := c.Settings.Values; v["command"] != "/usr/lib/nagios/plugins/check_disk" || v["env"].(map[string]uptime.Secret)["PW"] != "canary-pw" {
					t.Errorf("it would run %v", v["command"])
				}
			}
		})
	}
	if got := b.Types(); !slices.Contains(got, "exec") || !slices.Contains(got, "http") || slices.Contains(got, "beat") || slices.Contains(got, "domain") {
		t.Errorf("types %q", got)
	}
}

// TestPortableComesBack builds at a probe what Load made portable at the engine.
func TestPortableComesBack(t *testing.T) {
	files, _ := brokerFiles(t, testOptions().Now.AddDate(0, 1, 0))
	const broker = "[broker]\nurl = \"amqps://b.example.com/x\"\nusername = \"engine\"\npassword_file = \"pass\"\nsigning_key_file = \"signing.key\"\n"
	c := mustLoad(t, strings.Replace(remoteConfig, "{target}", "a.example.com", 1)+broker+files, withSecrets(t, testOptions("TOKEN", "x")))
	p := fineProbe(t)
	b := p.Builder(testTypes())
	n := 0
	for _, j := range c.Jobs {
		if j.Portable == nil {
			continue
		}
		n++
		got, ms := b.Build(j.Name, j.Type, *j.Portable, j.Interval, j.Timeout, j.DegradedAbove)
		if j.Name == "there" { // the probe of the test has no such secret
			if len(ms) != 1 || !strings.Contains(ms[0].Message, "cannot be read") {
				t.Errorf("%s: %v", j.Name, ms)
			}
			continue
		}
		if len(ms) > 0 || got.Target != j.Target || got.Dest != j.Dest {
			t.Errorf("%s: %v %+v", j.Name, ms, got.Monitor)
		}
	}
	if n != 3 {
		t.Errorf("%d travel", n)
	}
}

// FuzzBuild: whatever an engine orders, it is a job or mistakes.
func FuzzBuild(f *testing.F) {
	f.Add("http", "https://a/${secret:pw}", "bearer_token", "${secret:", "any")
	f.Add("exec", "exec:disk", "command", "rm", "")
	f.Fuzz(func(t *testing.T, typ, raw, key, value, ip string) {
		b := (&Probe{}).Builder(testTypes())
		for _, v := range []any{value, uptime.Secret(value), []string{value}, map[string]uptime.Secret{key: uptime.Secret(value)}, []byte(value)} {
			j, ms := b.Build("m", typ, uptime.Portable{URL: raw, IP: ip, Values: map[string]any{key: v}}, time.Minute, time.Second, 0)
			if (j.Monitor == nil) == (len(ms) == 0) {
				t.Fatalf("%v and %v", j, ms)
			}
			if j.Monitor != nil && j.Checker.(nothing).URL == (*url.URL)(nil) {
				t.Fatal("no URL")
			}
		}
	})
}
