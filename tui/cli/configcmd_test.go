package cli

import (
	"os"
	"strings"
	"testing"
)

func TestConfigInit(t *testing.T) {
	b := newBench(t)
	if got := b.call("", "config", "init"); got.code != 0 || !strings.HasPrefix(got.stdout, "wrote lookout.toml: 1 monitor") {
		t.Fatalf("got %+v", got)
	}
	if got := b.call("", "config", "check"); got.code != 0 || got.stdout != b.dir+"/lookout.toml: 1 monitor, no mistake\n" {
		t.Errorf("what it wrote: %+v", got)
	}
	first, err := os.ReadFile("lookout.toml")
	if err != nil {
		t.Fatal(err)
	}
	if got := b.call("", "config", "init", "https://other.example/"); got.code != 74 ||
		got.stderr != "lookout: "+b.dir+"/lookout.toml is there already, and was left as it is\n" {
		t.Errorf("over another: %+v", got)
	}
	if again, _ := os.ReadFile("lookout.toml"); string(again) != string(first) {
		t.Error("it was changed")
	}
	if got := b.call("", "config", "init", "--config", "x.toml", "gopher://h/"); got.code != 64 {
		t.Errorf("a bad URL: %+v", got)
	}
	if _, err := os.Stat("x.toml"); err == nil {
		t.Error("it wrote a file for a bad URL")
	}
	etc := b.dir + "/etc/lookout/lookout.toml"
	if got := b.call("", "config", "init", "--config", etc, "mail.example.com:25", "example.com"); got.code != 0 {
		t.Errorf("got %+v", got)
	}
	if info, err := os.Stat(etc); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("a service cannot read %v, %v", info, err)
	}
}

func TestConfigCheck(t *testing.T) {
	b := newBench(t)
	write(t, "lookout.toml", "[[monitor]]\nname = \"a\"\nurl = \"tcp://127.0.0.1:1\"\nintervall = \"5s\"\n")
	got := b.call("", "config", "check", "--format", "json")
	if got.code != 78 || !strings.Contains(got.stdout, `"mistakes":[{"file":"`+b.dir+`/lookout.toml","line":4,"key":"intervall",`) || got.stderr != "" {
		t.Errorf("json: %+v", got)
	}
	got = b.call("", "config", "check")
	if got.code != 78 || got.stdout != "" || !strings.HasPrefix(got.stderr, "lookout: 1 mistake in "+b.dir+"/lookout.toml:\n"+b.dir+"/lookout.toml:4: ") {
		t.Errorf("text: %+v", got)
	}
	write(t, "both.toml", "[[monitor]]\nname = \"a\"\nurl = \"tcp://127.0.0.1:1\"\ntimeout = \"90s\"\nintervall = \"5s\"\n")
	want := "lookout: 1 mistake and 1 warning in DIR/both.toml:\nDIR/both.toml:5: unknown key \"intervall\". Did you mean \"interval\"?\n" +
		"DIR/both.toml:4: warning: monitor \"a\": timeout 90s is longer than interval 60s: checks would overlap\n"
	if got := b.call("", "config", "check", "both.toml"); got.code != 78 || strings.ReplaceAll(got.stderr, b.dir, "DIR") != want {
		t.Errorf("mistakes and warnings: %+v", got)
	}
	if got := b.call("", "config", "check", "gone.toml"); got.code != 78 || !strings.Contains(got.stderr, "gone.toml cannot be read") {
		t.Errorf("a file that is not there: %+v", got)
	}
	if got := b.call("", "config", "chek"); got.code != 64 || got.stderr != "lookout: \"chek\" is no command of lookout config; did you mean check?\n" {
		t.Errorf("a misspelt command: %+v", got)
	}
}

func TestConfigDiff(t *testing.T) {
	b := newBench(t)
	write(t, "lookout.toml", "[[monitor]]\nname = \"a\"\nurl = \"tcp://127.0.0.1:1\"\n[[monitor]]\nname = \"b\"\nurl = \"https://u:secret@127.0.0.1/\"\n")
	write(t, "new.toml", "[[monitor]]\nname = \"c\"\nurl = \"tcp://127.0.0.1:1\"\n[[monitor]]\nname = \"b\"\nurl = \"https://u:other@127.0.0.1/\"\n")
	got := b.call("", "config", "diff", "new.toml")
	want := "+ c\n~ b  url https://***@127.0.0.1/ -> https://***@127.0.0.1/\n- a\n# " + b.dir + "/new.toml against " + b.dir + "/lookout.toml: +1 monitor  ~1 changed  -1 removed\n"
	if got.code != 0 || got.stdout != want {
		t.Errorf("got %+v, want %q", got, want)
	}
	got = b.call("", "config", "diff", "new.toml", "--format", "json")
	if got.code != 0 || got.stdout != `{"version":1,"kind":"difference","settings":[],"added":["c"],"removed":["a"],"changed":[{"monitor":"b","keys":[{"key":"url","old":"https://***@127.0.0.1/","new":"https://***@127.0.0.1/"}]}]}`+"\n" {
		t.Errorf("json: %+v", got)
	}
	got = b.call("", "config", "diff")
	if got.code != 0 || got.stdout != "+ a\n+ b\n# no engine runs with it: +2 monitors  ~0 changed  -0 removed\n" {
		t.Errorf("without an engine: %+v", got)
	}
}

// TestConfigCheckOpenings shows when maintenance windows open next.
func TestConfigCheckOpenings(t *testing.T) {
	b := newBench(t)
	write(t, "lookout.toml", `timezone = "Europe/Amsterdam"
[[monitor]]
name = "a"
url = "tcp://127.0.0.1:1"
tags = ["db"]
[[monitor]]
name = "b"
url = "tcp://127.0.0.1:2"
tags = ["db"]
[[maintenance]]
tags = "db"
every = "Sun 03:00"
for = "30m"
[[maintenance]]
names = ["a"]
tags = ["db"]
at = "2001-01-01 22:00"
for = "2d"
note = "move"
[[maintenance]]
names = ["a"]
at = "2999-12-30 22:00"
for = "2d"
`)
	got := b.call("", "config", "check")
	lines := strings.Split(got.stdout, "\n")
	if got.code != 0 || len(lines) != 6 || !strings.HasPrefix(lines[2], "maintenance tag:db, Sun 03:00 for 30m (2 monitors): next Sun 2") || !strings.HasSuffix(lines[2], " to 03:30") ||
		lines[3] != "maintenance a tag:db, 2001-01-01 22:00 for 2d (2 monitors): is over" ||
		lines[4] != "maintenance a, 2999-12-30 22:00 for 2d (1 monitor): next Mon 2999-12-30 22:00 CET to 22:00 3000-01-01" {
		t.Errorf("text: %d %s%s", got.code, got.stdout, got.stderr)
	}
	got = b.call("", "config", "check", "--format", "json")
	if got.code != 0 || !strings.Contains(got.stdout, `"maintenance":[{"of":["tag:db"],"when":"Sun 03:00","length_ms":1800000,"monitors":2,"from":"`) ||
		!strings.Contains(got.stdout, `{"of":["a","tag:db"],"when":"2001-01-01 22:00","length_ms":172800000,"note":"move","monitors":2,"from":null,"to":null}`) {
		t.Errorf("json: %+v", got)
	}
}
