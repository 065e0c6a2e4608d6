package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/storage"
)

// refusing is a configuration of one monitor that is down at once, and of one that is up.
func refusing(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return fmt.Sprintf(`instance = "test"
data_dir = "data"
timezone = "Europe/Amsterdam"
[defaults]
interval = "1s"
timeout = "1s"
[[monitor]]
name = "bad"
url = "tcp://127.0.0.1:1"
tags = ["prod"]
rule = "consecutive"
failures = 1
[[monitor]]
name = "good"
url = "tcp://%s"
[[page]]
name = "fine"
names = ["good"]
`, l.Addr())
}

// engineBench has an engine running beside it, in this process, which has
// checked everything. Its configuration is that of refusing, with some words
// replaced by others.
func engineBench(t *testing.T, instead ...string) (b *bench, stop func() outcome) {
	t.Helper()
	b = newBench(t)
	write(t, "lookout.toml", strings.NewReplacer(instead...).Replace(refusing(t)))
	stop = b.engine(t)
	b.eventually(t, "DOWN 1 ", "status")
	b.eventually(t, " up 1 ", "status")
	return b, stop
}

// engine starts one, which answers; the test's end stops it, unless it has been.
func (b *bench) engine(t *testing.T, args ...string) (stop func() outcome) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan outcome, 1) // the engine's only word
	go func() { ended <- b.callContext(ctx, "", append([]string{"engine"}, args...)...) }()
	stopped := false
	stop = sync.OnceValue(func() outcome {
		stopped = true
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if stopped {
			return
		}
		if got := stop(); got.code != 0 {
			t.Errorf("the engine ended with %d: %s", got.code, got.stderr)
		}
	})
	b.eventually(t, "# truth ", append([]string{"status"}, args...)...)
	return stop
}

// eventually waits until a command prints something: the engine publishes a few times a second.
func (b *bench) eventually(t *testing.T, what string, args ...string) {
	t.Helper()
	deadline := time.After(time.Minute) // for a busy machine
	for {
		got := b.call("", args...)
		if strings.Contains(got.stdout, what) {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("lookout %s never says %q: %+v", args, what, got)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func TestWithEngine(t *testing.T) {
	b, stop := engineBench(t)
	pid := fmt.Sprint(os.Getpid())
	config, data := b.dir+"/lookout.toml", b.dir+"/data"
	write(t, "other.toml", "data_dir = \"data\"\n")

	for _, tt := range []struct {
		name   string
		args   string
		code   int
		stdout string // a pattern
		stderr string // whole
	}{
		{"status", "status", 2, `(?s)^# test .*DOWN 1 .*\nDOWN  bad `, ""},
		{"problems", "status --problems", 2, `(?s)^# test .*\nDOWN  bad .*refused`, ""},
		{"a page", "status fine --format json", 0, `"page":"fine".*"monitors":\[\{"monitor":"good"`, ""},
		{"no page", "status nope", 64, `^$`, "lookout: there is no page \"nope\"; there is fine\n"},
		{"csv", "status --format csv", 2, `^[a-z_,0-9]+\n`, ""},
		{"a second engine", "engine", 73, `^$`, "lookout: an engine already runs with " + config + ": pid " + pid + "; lookout attach shows it\n"},
		{"an engine with another configuration", "engine --config other.toml", 73, `^$`,
			"lookout: the data folder " + data + " is in use by the engine pid " + pid + " with " + config + "; lookout attach " + data + " shows it all the same\n"},
		{"another configuration's status", "status --config other.toml", 3, `^$`,
			"lookout: the data folder " + data + " is in use by the engine pid " + pid + " with " + config + "; lookout attach " + data + " shows it all the same\n"},
		{"a dashboard without a terminal", "", 64, `^$`, "lookout: the dashboard needs a terminal; without one, lookout engine checks and lookout status tells\n"},
		{"attach without a terminal", "attach data", 64, `^$`, "lookout: the dashboard needs a terminal; without one, lookout engine checks and lookout status tells\n"},
		{"ack", "ack bad --note why", 0, `^acknowledged  bad\n$`, ""},
		{"ack until", "ack #1 --until 2099-01-02", 64, `^$`, ""},
		{"unack", "unack #1", 0, `^no longer acknowledged  bad\n$`, ""},
		{"pause for", "pause tag:prod --for 2h", 0, `^paused until \w\w\w \d{4}-\d\d-\d\d \d\d:\d\d:\d\d CES?T  bad\n$`, ""},
		{"what is paused counts nothing", "status until off 1", 0, ``, ""},
		{"resume", "resume bad --format json", 0, `^\{"version":1,"kind":"action","verb":"resume","monitors":\["bad"\],"until":null\}\n$`, ""},
		{"maintain", "maintain bad good", 0, `^in maintenance  2 monitors: bad and good\n$`, ""},
		{"unmaintain", "unmaintain bad good", 0, `^out of maintenance  2 monitors: bad and good\n$`, ""},
		{"recheck", "recheck good", 0, `^being checked  good\n$`, ""},
		{"for and until", "pause bad --for 2h --until 18:00", 64, `^$`, "lookout: --for and --until both say when it ends; give one of them\n"},
		{"no unit", "pause bad --for 2", 64, `^$`, "lookout: --for: \"2\" needs a unit, e.g. \"2s\" or \"2m\"\n"},
		{"nearly somebody", "pause goo", 64, `^$`, "lookout: no such monitor: goo; did you mean good?\n"},
		{"nobody", "pause nobody", 64, `^$`, "lookout: no such monitor: nobody\n"},
		{"what is over", "ack #77", 64, `^$`, "lookout: #77 is not open: it is over, or never was; lookout history '#77' shows it\n"},
		{"a number alone", "ack 1", 64, `^$`, "lookout: no such monitor: 1; did you mean the incident '#1'?\n"},
		{"no number", "ack #x", 64, `^$`, "lookout: \"#x\" is no incident number\n"},
		{"add", "add tcp://127.0.0.1:2 --name more --tag a --tag b", 0, `^added, and being checked: more\n$`, ""},
		{"add what is there", "add tcp://127.0.0.1:3 --name more", 64, `^$`, ""},
		{"add what cannot be", "add gopher://127.0.0.1:3", 64, `^$`, ""},
		{"reload", "reload", 0, `^reloaded: 3 monitors`, ""},
		{"history", "history", 0, `(?m)^DOWN  #1 +bad `, ""},
		{"history as JSON", "history bad --format json", 0, `^\{"version":1,"kind":"incident","incident":1,"monitor":"bad"`, ""},
		{"history of an incident", "history #1", 0, `^DOWN  #1 +bad .*\n[^\n]*\n\n +story\n(.*\n)+\n +evidence\n.* local  check  down  \+4\.0 `, ""},
		{"history of an incident that is not", "history #77", 64, `^$`, "lookout: there is no incident #77; lookout history lists them\n"},
		{"history of no number", "history #x", 64, `^$`, "lookout: \"#x\" is no incident number\n"},
		{"history of nobody", "history nobody", 64, `^$`, "lookout: no such monitor: nobody; lookout status lists them, and lookout history those that have gone\n"},
		{"results of nobody", "history nobody --results", 64, `^$`, "lookout: no such monitor: nobody; lookout status lists them, and lookout history those that have gone\n"},
		{"results of an incident", "history #1 --results", 64, `^$`, "lookout: --results are of one monitor: name it\n"},
		{"history of a tag", "history tag:prod", 64, `^$`, "lookout: history is of one monitor, of one incident, or of all; tag:prod is a choice of several\n"},
		{"results", "history bad --results --format json", 0, `^\{"version":1,"kind":"result".*"fault":"tcp.refused"`, ""},
		{"results of all", "history --results", 64, `^$`, "lookout: --results are of one monitor: name it\n"},
		{"events", "events --format json", 0, `(?s)^\{"version":1,"kind":"event","id":1,.*"event":"ack".*"note":"why"`, ""},
		{"events after", "events --after 2 --format json", 0, `^\{"version":1,"kind":"event","id":3,`, ""},
		{"events since", "events --since 1h --format json", 0, `^\{"version":1,"kind":"event","id":1,`, ""},
		{"no time", "events --since yesterday", 64, `^$`, "lookout: --since: \"yesterday\" is no time; write \"2h\", \"15:04\", \"2026-11-22 15:04\" or an RFC 3339 time\n"},
		{"events after no number", "events --after x", 64, `^$`, "lookout: invalid argument \"x\" for \"--after\" flag: it takes a whole number; see lookout events --help\n"},
		{"follow perhaps", "events --follow=perhaps", 64, `^$`, "lookout: invalid argument \"perhaps\" for \"--follow\" flag: it takes true or false; see lookout events --help\n"},
		{"attach to many", "attach a b", 64, `^$`, "lookout: lookout attach shows one engine so far, and got 2; name one socket or data folder\n"},
		{"as nobody", "pause bad --as a\x01b", 64, `^$`, "lookout: --as \"ab\" is no name of a user\n"},
		{"a file that cannot be", "status --output nowhere/status.txt", 74, `^$`, "lookout: the status cannot be written to nowhere/status.txt: no such file or directory\n"},
		{"data check beside it", "data check", 73, `^$`, "lookout: the engine pid " + pid + " has " + data + "/lookout.db open; lookout stop first\n"},
		{"check by name", "check bad", 2, `tcp\.refused`, ""},
		{"check of both", "check --all --format json", 2, `(?s)"monitor":"bad".*"monitor":"good","type":"tcp".*"outcome":"up"`, ""},
		{"check of nobody", "check goo", 64, `^$`, "lookout: no such monitor: goo is not in " + config + "; did you mean good?\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if what, ok := strings.CutPrefix(tt.args, "status until "); ok {
				b.eventually(t, what, "status")
				tt.args = "status"
			}
			got := b.call("", strings.Fields(tt.args)...)
			if got.code != tt.code || !regexp.MustCompile(tt.stdout).MatchString(got.stdout) || tt.stderr != "" && got.stderr != tt.stderr {
				t.Errorf("lookout %s: got %d, want %d\nstdout: %s\nwant    %s\nstderr: %s\nwant    %s", tt.args, got.code, tt.code, got.stdout, tt.stdout, got.stderr, tt.stderr)
			}
			if tt.code != 0 && got.stdout == "" && got.stderr == "" {
				t.Error("it says nothing")
			}
		})
	}

	t.Run("a bad reload", func(t *testing.T) {
		good, err := os.ReadFile("lookout.toml")
		if err != nil {
			t.Fatal(err)
		}
		write(t, "lookout.toml", string(good)+"[[monitor]]\nname = \"x\"\n")
		got := b.call("", "reload")
		if got.code != 78 || !strings.Contains(got.stderr, "lookout.toml:") {
			t.Errorf("got %+v", got)
		}
		b.eventually(t, "# config not applied", "status")
		write(t, "lookout.toml", strings.Replace(string(good), "[defaults]\n", "[defaults]\nnote = \"x\"\n", 1))
		if got := b.call("", "config", "diff"); got.code != 0 || !strings.Contains(got.stdout, "~ good  note (unset) -> x\n") {
			t.Errorf("other defaults: %+v", got)
		}
		write(t, "lookout.toml", string(good))
		b.eventually(t, "# what a reload of pid "+pid+" would change: +0 monitors  ~0 changed  -0 removed\n", "config", "diff")
	})
	t.Run("output to a file", func(t *testing.T) {
		got := b.call("", "status", "--output", "status.txt", "--ascii")
		text, err := os.ReadFile("status.txt")
		if got.code != 2 || err != nil || !strings.HasPrefix(string(text), "# test") || got.stdout != "" {
			t.Errorf("got %+v, %v, %s", got, err, text)
		}
	})
	t.Run("watch", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if got := b.callContext(ctx, "", "status", "--watch"); got.code != 3 {
			t.Errorf("ended before the first look: %+v", got)
		}
		if got := b.call("", "status", "--watch=5"); got.code != 64 || got.stderr != "lookout: --watch: \"5\" needs a unit, e.g. \"5s\" or \"5m\"\n" {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("stop", func(t *testing.T) {
		if got := b.call("", "stop"); got.code != 0 || got.stdout != "stopped: pid "+pid+"\n" {
			t.Errorf("got %+v", got)
		}
		if got := stop(); got.code != 0 || !strings.Contains(got.stderr, "msg=ready") {
			t.Errorf("the engine ended with %+v", got)
		}
		for _, f := range []string{"lookout.sock", "lookout.pid"} {
			if _, err := os.Lstat(filepath.Join("data", f)); err == nil {
				t.Errorf("%s is still there", f)
			}
		}
	})
	t.Run("afterwards", func(t *testing.T) {
		got := b.call("", "status")
		if got.code != 3 || !strings.Contains(got.stdout, "# no engine answers; this was the truth") || !strings.Contains(got.stdout, "\nDOWN  bad ") {
			t.Errorf("status: %+v", got)
		}
		for _, args := range []string{"history", "history #1", "history bad", "events", "data check", "events --after 3"} {
			if got := b.call("", strings.Fields(args)...); got.code != 0 || got.stdout == "" {
				t.Errorf("%s: %+v", args, got)
			}
		}
		for args, says := range map[string]string{"history #77": "there is no incident #77", "history nobody": "no such monitor: nobody;", "history nobody --results": "no such monitor: nobody;"} {
			if got := b.call("", strings.Fields(args)...); got.code != 64 || !strings.Contains(got.stderr, says) {
				t.Errorf("%s: %+v", args, got)
			}
		}
		if got := b.call("", "events", "--follow"); got.code != 69 {
			t.Errorf("follow: %+v", got)
		}
		var r struct{ OK bool }
		if err := json.Unmarshal([]byte(b.call("", "data", "check", "--format", "json").stdout), &r); err != nil || !r.OK {
			t.Errorf("data check: %v, %v", r, err)
		}
		got = b.call("", "add", "tcp://127.0.0.1:3", "--name", "late")
		if got.code != 0 || got.stdout != "added: late; no engine runs, the next one checks it\n" {
			t.Errorf("add: %+v", got)
		}
	})
}

func TestWithoutEngine(t *testing.T) {
	b := newBench(t)
	config := write(t, filepath.Join(b.dir, "lookout.toml"), refusing(t))
	none := "lookout: no engine runs with " + config + "; lookout engine or lookout starts one\n"
	for _, tt := range []struct {
		args   string
		code   int
		stderr string
	}{
		{"status", 3, ""},
		{"reload", 69, none},
		{"stop", 69, none},
		{"pause bad", 69, none},
		{"attach", 69, none},
		{"attach nowhere", 69, "lookout: no engine answers at nowhere: there is no socket\n"},
		{"events", 0, "lookout: no engine answers, and nothing has been stored yet\n"},
		{"history", 0, "lookout: no engine answers, and nothing has been stored yet\n"},
		{"data check", 74, "lookout: there is no data file " + b.dir + "/data/lookout.db yet\n"},
		{"events --follow", 69, "lookout: no engine answers, and nothing has been stored yet\nlookout: there is nothing to follow: no engine runs\n"},
		{"", 64, "lookout: the dashboard needs a terminal; without one, lookout engine checks and lookout status tells\n"},
		{"https://127.0.0.1:1/", 64, "lookout: the dashboard needs a terminal; without one, lookout engine checks and lookout status tells\n"},
	} {
		got := b.call("", strings.Fields(tt.args)...)
		if got.code != tt.code || got.stderr != tt.stderr {
			t.Errorf("lookout %s: got %+v, want %d and %q", tt.args, got, tt.code, tt.stderr)
		}
	}
	if _, err := os.Stat("data"); err == nil {
		t.Error("asking made a data folder")
	}
}

func TestSilentHolder(t *testing.T) {
	b := newBench(t)
	write(t, "lookout.toml", refusing(t))
	f := folder(b.dir + "/data")
	if err := f.prepare(""); err != nil {
		t.Fatal(err)
	}
	s, err := storage.Open(f.db(), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := f.note(holder{os.Getpid(), "/x", release}); err != nil {
		t.Fatal(err)
	}
	says := fmt.Sprintf("engine pid %d does not answer", os.Getpid())
	for args, code := range map[string]int{"engine": 73, "status": 3, "events": 69, "stop": 69, "data check": 73} {
		got := b.call("", strings.Fields(args)...)
		if got.code != code || args != "data check" && !strings.Contains(got.stderr, says) {
			t.Errorf("%s: got %+v, want %d and %q", args, got, code, says)
		}
	}
}

func TestDamagedData(t *testing.T) {
	b := newBench(t)
	write(t, "lookout.toml", refusing(t))
	db := write(t, filepath.Join(b.dir, "data", "lookout.db"), strings.Repeat("noise ", 3000))
	for args, code := range map[string]int{"engine": 74, "status": 3, "events": 74, "data check": 74} {
		got := b.call("", strings.Fields(args)...)
		if got.code != code || !strings.Contains(got.stderr, db) || !strings.Contains(got.stderr, "damaged") {
			t.Errorf("%s: got %+v, want %d", args, got, code)
		}
		if args == "engine" && !strings.Contains(got.stderr, "lookout data check") {
			t.Errorf("it does not say what to do: %s", got.stderr)
		}
	}
}

func TestEngineErrors(t *testing.T) {
	b := newBench(t)
	if got := b.call("", "engine"); got.code != 78 || got.stderr != "lookout: there is no configuration: looked for ./lookout.toml, "+
		b.dir+"/.config/lookout/lookout.toml and "+b.dir+"/etc/lookout/lookout.toml; lookout config init writes a first one\n" {
		t.Errorf("without a configuration: %+v", got)
	}
	if got := b.call("", "status"); got.code != 3 {
		t.Errorf("status: %+v", got)
	}
	if got := b.call(""); got.code != 64 || !strings.Contains(got.stderr, "there is no configuration, and the dashboard needs a terminal") {
		t.Errorf("the first run without a terminal: %+v", got)
	}
	if got := b.call("", "engine", "--config", "gone.toml"); got.code != 78 ||
		got.stderr != "lookout: the configuration "+b.dir+"/gone.toml cannot be read: no such file or directory\n" {
		t.Errorf("with a configuration that is not there: %+v", got)
	}
	write(t, "lookout.toml", "[[monitor]]\nname = \"a\"\nurl = \"tcp://h\"\ninterval = 5\n")
	for _, args := range []string{"engine", "", "config check"} {
		got := b.call("", strings.Fields(args)...)
		if got.code != 78 || !strings.HasPrefix(got.stderr, "lookout: 2 mistakes in "+b.dir+"/lookout.toml:\n") || strings.Count(got.stderr, "\n") != 3 {
			t.Errorf("lookout %s with mistakes: %+v", args, got)
		}
	}
	write(t, "lookout.toml", "data_dir = \"lookout.toml\"\n")
	if got := b.call("", "engine"); got.code != 74 || !strings.Contains(got.stderr, "cannot be used: not a directory") {
		t.Errorf("with a file for a folder: %+v", got)
	}
	if got := b.call("", "engine", "--print-unit"); got.code != 0 || !strings.Contains(got.stdout, "ExecStart=/") {
		t.Errorf("the unit: %+v", got)
	}
}

func TestMemoryHost(t *testing.T) {
	b := newBench(t)
	c := &call{env: b.env, now: time.Now, etc: b.dir}
	in, err := func() (instance, error) { write(t, "lookout.toml", refusing(t)); return c.load() }()
	if err != nil {
		t.Fatal(err)
	}
	h, err := c.newMemoryHost(in.config, discardLog())
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1) // the host's only word
	go func() { ended <- h.serve(context.Background(), func() {}) }()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for seq := uint64(0); ; {
		s, err := h.engine.Wait(ctx, seq)
		if err != nil {
			t.Fatal(err)
		}
		if seq = s.Seq; s.Counts.Down == 1 && s.Counts.Up == 1 {
			break
		}
	}
	src := h.source()
	if names, err := src.Act(ctx, uptime.Action{Verb: uptime.VerbPause, Targets: []string{"good"}}); err != nil || len(names) != 1 {
		t.Errorf("act: %q, %v", names, err)
	}
	if _, err := src.Reload(ctx); err == nil {
		t.Error("reloaded what has no file")
	}
	if d, err := src.Detail(ctx, "bad", time.Hour); err != nil || d.State.Name != "bad" {
		t.Errorf("detail: %v", err)
	}
	if err := src.Stop(ctx); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := os.Stat("data"); err == nil {
		t.Error("it wrote something")
	}
}
