package channel

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lookout/engine/alert/channel/channeltest"
	"lookout/engine/uptime"
)

// shell are the settings of a script. It is given to the shell: a file that was
// written a moment ago may still be open in a child of another test (golang/go#22315).
func shell(script string, args ...string) values {
	return values{"command": "/bin/sh", "args": append([]string{"-c", script, "sh"}, args...)}
}

func TestCommand(t *testing.T) {
	side := func(script string) func(testing.TB) map[string]any {
		return func(testing.TB) map[string]any { return shell(script) }
	}
	channeltest.Contract(t, channeltest.Case{
		Type: typeOf(t, "command"),
		Good: func(t testing.TB) (map[string]any, func() []channeltest.Taken) {
			dir := t.TempDir()
			v := shell(`f=$(mktemp -d "$1/XXXXXX") && cat >"$f/in" && printf %s "$LOOKOUT_ID" >"$f/id" && printf %s "$LOOKOUT_SUBJECT" >"$f/subject" && env >"$f/env" && echo ok`, dir)
			return v, func() (taken []channeltest.Taken) {
				letters, _ := filepath.Glob(dir + "/*")
				for _, d := range letters {
					read := func(name string) string {
						b, err := os.ReadFile(d + "/" + name)
						if err != nil {
							t.Error(err)
						}
						return string(b)
					}
					in := read("in")
					k := channeltest.Taken{Raw: in + read("env"), Head: read("env"), ID: read("id"), Texts: []string{read("subject"), in}}
					if strings.HasPrefix(in, "{") {
						k.Texts = append(k.Texts[:1], jsonTexts(t, in)...)
					}
					taken = append(taken, k)
				}
				return taken
			}
		},
		Refuses: map[string]channeltest.Refuses{
			"for now":        {Side: side("echo out; echo queue is full >&2; exit 75"), Want: uptime.Refusal{Reply: "queue is full (sh, exit status 75)"}},
			"a failure":      {Side: side("echo one >&2; echo two >&2; exit 3"), Want: uptime.Refusal{Reply: "two (sh, exit status 3)", Letter: true}},
			"without a word": {Side: side("exit 1"), Want: uptime.Refusal{Reply: "sh: exit status 1", Letter: true}},
			"a signal":       {Side: side("kill -SEGV $$"), Want: uptime.Refusal{Reply: "segmentation fault", Letter: true}},
			"no program":     {Side: func(testing.TB) map[string]any { return values{"command": "/none/such"} }, Want: uptime.Refusal{Reply: "/none/such: no such file or directory", Permanent: true}},
			"a folder":       {Side: func(testing.TB) map[string]any { return values{"command": "/tmp"} }, Want: uptime.Refusal{Reply: "permission denied", Permanent: true}},
			"many words": {Side: side(`i=0; while [ $i -lt 3000 ]; do echo "line $i ................................................"; i=$((i+1)); done >&2; exit 1`),
				Want: uptime.Refusal{Reply: "line 2999", Letter: true}},
		},
		Bad: map[string]func(testing.TB) map[string]any{
			"does not end":          side("sleep 600"),
			"ignores the end":       side("trap '' TERM INT HUP; sleep 600; sleep 600"),
			"children do not end":   side("sleep 600 & sleep 600 & wait"),
			"talks without end":     side("yes"),
			"complains without end": side("yes >&2"),
			"does not read":         side("sleep 600 <&0"),
		},
		Answers: func(t testing.TB, text string) map[string]any {
			file := filepath.Join(t.TempDir(), "text")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			return shell(`cat "$1"; cat "$1" >&2; exit 1`, file)
		},
	})
}

// A command gets little of our environment, nothing in its arguments, and starts in /.
func TestCommandEnvironment(t *testing.T) {
	t.Setenv("LOOKOUT_CANARY", "s3cret")
	t.Setenv("LD_PRELOAD", "")
	v := shell(`env | sort | grep -v '^\(HOME\|PWD\|_\|SHLVL\|OLDPWD\)=' | tr '\n' '|'; pwd; [ $# = 0 ]`)
	ch, _ := typeOf(t, "command").New(uptime.ChannelSettings{Name: "ops", Instance: "web-1", Values: v})
	l := channeltest.Letter(7)
	l.Subject = `DOWN $(touch /tmp/pwned) "'; \`
	r, err := ch.Send(t.Context(), l, nil)
	want := `LANG=C.UTF-8|LOOKOUT_CHANNEL=ops|LOOKOUT_ID=7-ops@web-1|LOOKOUT_INSTANCE=web-1|LOOKOUT_KIND=opened|LOOKOUT_OVER=false|LOOKOUT_SUBJECT=DOWN $(touch /tmp/pwned) "'; \|LOOKOUT_THREAD=4711-ops@web-1|LOOKOUT_TIME=2026-11-22T12:31:28Z|LOOKOUT_URGENT=true|PATH=` + commandPath + `|/`
	if err != nil || r.Reply != uptime.Clean(want, maxReply) {
		t.Errorf("%v\n%s\nwant\n%s", err, r.Reply, want)
	}
}

// What a command leaves behind in its group ends with it, and does not hold up the
// queue; at the time-out all ends that it started.
func TestCommandLeftovers(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		timeout      time.Duration
		want         string
	}{
		{"in its group", `sleep 600 & echo $! >"$1/pid"; echo done`, time.Minute, "done"},
		{"in a session of its own", `setsid sleep 600 & echo $! >"$1/pid"; sleep 600`, 2 * time.Second, "sh did not end in time, and was ended"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			v := shell(tt.script, dir)
			v["timeout"] = tt.timeout
			ch, _ := typeOf(t, "command").New(uptime.ChannelSettings{Values: v})
			r, err := ch.Send(t.Context(), channeltest.Letter(1), nil)
			if err != nil {
				r.Reply = err.Error()
			}
			if r.Reply != tt.want {
				t.Fatalf("%+v %v", r, err)
			}
			pid, err := os.ReadFile(dir + "/pid")
			if err != nil {
				t.Fatal(err)
			}
			tick := time.NewTicker(10 * time.Millisecond)
			defer tick.Stop()
			for range 500 {
				b, err := os.ReadFile("/proc/" + strings.TrimSpace(string(pid)) + "/stat")
				if err != nil || strings.Contains(string(b), ") Z ") {
					return
				}
				<-tick.C
			}
			t.Error("what it started goes on")
		})
	}
}

func TestCommandMistakes(t *testing.T) {
	for name, tt := range map[string]struct {
		values values
		want   string
	}{
		"none":      {values{}, "there is no command to run"},
		"no path":   {values{"command": "page-me"}, `"page-me" is no path from /`},
		"a NUL":     {values{"command": "/bin/sh", "args": []string{"a\x00b"}}, "a command cannot have a NUL"},
		"no folder": {values{"command": "./page me"}, `"./page me" is no path from /`},
	} {
		ch, mistakes := typeOf(t, "command").New(uptime.ChannelSettings{Values: tt.values})
		if ch != nil || len(mistakes) != 1 || mistakes[0].Message != tt.want {
			t.Errorf("%s: %v %v", name, ch, mistakes)
		}
	}
}
