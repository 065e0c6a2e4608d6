package probes

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

// runs makes an exec check of a script.
func runs(t testing.TB, script string, more keys) uptime.Job {
	values := keys{"command": "sh", "args": []string{"-c", script}}
	for k, v := range more {
		values[k] = v
	}
	return made(t, testSystem(), "exec", "exec:test", values, nil)
}

func shell(script string) func(*testing.T) uptime.Result {
	return func(t *testing.T) uptime.Result { return once(t, runs(t, script, nil)) }
}

// command makes a check of a file with this content and mode.
func command(name, content string, mode os.FileMode) func(*testing.T) uptime.Result {
	return func(t *testing.T) uptime.Result {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return once(t, made(t, testSystem(), "exec", "exec:test", keys{"command": path}, nil))
	}
}

var execFaults = []produced{
	{uptime.FaultExecWarning, "sh: DISK WARNING - 91% full", shell("echo 'DISK WARNING - 91% full | /=91%;90;95'; exit 1")},
	{uptime.FaultExecExit, "sh: DISK CRITICAL", shell("echo 'DISK CRITICAL'; exit 2")},
	{uptime.FaultExecUnknown, "sh: bad argument", shell("echo 'bad argument'; exit 3")},
	{uptime.FaultExecExit, "1: frobnicate: not found", shell("frobnicate")},
	{uptime.FaultExecExit, "sh ended without a word: exit code 2", shell("exit 2")},
	{uptime.FaultExecExit, "sh ended without a word: signal SIGSEGV", shell("kill -SEGV $$")},
	{uptime.FaultExecTimeout, "sh had not ended after", func(t *testing.T) uptime.Result { return quickly(t, runs(t, "sleep 60", nil)) }},
	{uptime.FaultExecMissing, "command /nowhere/check_it is not there, or its interpreter is not (ENOENT)", func(t *testing.T) uptime.Result {
		return once(t, made(t, testSystem(), "exec", "exec:test", keys{"command": "/nowhere/check_it"}, nil))
	}},
	{uptime.FaultExecMissing, "command check_nothing_at_all is not there", func(t *testing.T) uptime.Result {
		return once(t, made(t, testSystem(), "exec", "exec:test", keys{"command": "check_nothing_at_all"}, nil))
	}},
	{uptime.FaultExecMissing, "may not be run (EACCES)", command("plain", "#!/bin/sh\n", 0o600)},
	{uptime.FaultExecMissing, "its interpreter is not", command("script", "#!/nowhere/sh\n", 0o700)},
	{uptime.FaultExecMissing, "needs #! in its first line", command("script", "echo hi\n", 0o700)},
	{uptime.FaultExecMissing, "may not be run (EACCES)", func(t *testing.T) uptime.Result {
		return once(t, made(t, testSystem(), "exec", "exec:test", keys{"command": "/usr"}, nil))
	}},
	{uptime.FaultLocalConfig, "its arguments are too long", func(t *testing.T) uptime.Result {
		return once(t, made(t, testSystem(), "exec", "exec:test", keys{"command": "true", "args": []string{strings.Repeat("x", 4<<20)}}, nil))
	}},
}

func TestExec(t *testing.T) {
	for _, tt := range []struct {
		name, script  string
		text, figures string
	}{
		{"says nothing", "true", "exit code 0", ""},
		{"a plugin", `echo "OK - load 0.4|load1=0.420;5;10;0 'time spent'=3ms"; echo "long text | a=1s"; echo "b=2"`, "OK - load 0.4", "load1 0.420 (warn 5, crit 10, min 0), time spent 3ms, a 1s, b 2"},
		{"on standard error", "echo oops >&2", "oops", ""},
		{"no input", "cat; echo done", "done", ""},
		{"in the root", "pwd", "/", ""},
		{"far too much", "yes 'a line' | head -c 2000000", "a line", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := once(t, runs(t, tt.script, nil))
			figures := ""
			if len(r.Steps) > 1 {
				figures = r.Steps[1].Detail
			}
			if r.Outcome != uptime.OutcomeUp || r.Steps[0].Detail != tt.text || figures != tt.figures || len(r.Measures) != 1 {
				t.Errorf("%s %s: %+v", r.Outcome, r.Message, r)
			}
		})
	}
}

// TestExecNoShell hands arguments over as they are.
func TestExecNoShell(t *testing.T) {
	r := once(t, made(t, testSystem(), "exec", "exec:test", keys{"command": "echo", "args": []string{"$HOME", "*", "; exit 2", "a  b"}}, nil))
	if r.Steps[0].Detail != "$HOME * ; exit 2 a b" { // Clean folds the blanks
		t.Errorf("%+v", r.Steps)
	}
}

// TestExecEnvironment hands nothing over that it was not told to.
func TestExecEnvironment(t *testing.T) {
	t.Setenv("SECRET_OF_OURS", "hunter2")
	t.Setenv("HOME", "/home/jo")
	dir := t.TempDir()
	r := once(t, runs(t, "env > "+dir+"/env", keys{"env": map[string]uptime.Secret{"MINE": "a b"}}))
	b, err := os.ReadFile(dir + "/env")
	if err != nil {
		t.Fatal(r.Message, err)
	}
	got := slices.DeleteFunc(strings.Split(strings.TrimSpace(string(b)), "\n"), func(s string) bool {
		return strings.HasPrefix(s, "PWD=") || strings.HasPrefix(s, "_=") || strings.HasPrefix(s, "SHLVL=") || strings.HasPrefix(s, "OLDPWD=") // the shell's own
	})
	slices.Sort(got)
	if want := []string{"HOME=/home/jo", "LANG=C.UTF-8", "MINE=a b", "PATH=" + commandPath}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestExecEndsAll ends what a command started and left behind: whether it was
// ended itself or not.
func TestExecEndsAll(t *testing.T) {
	for name, script := range map[string]string{
		"timed out":              "sleep 60 > FIFO & sleep 60",
		"ended by itself":        "sleep 60 > FIFO & echo fine",
		"ignores a TERM":         "trap '' TERM; sleep 60 > FIFO",
		"holds the output":       "(echo started; exec 3> FIFO; sleep 60) & true",
		"a session of its own":   "setsid sleep 60 > FIFO & sleep 60",
		"a child of such a one":  "setsid sh -c 'sleep 60; true' > FIFO & sleep 60",
		"a group of its own":     "timeout 60 sleep 60 > FIFO; true",
		"one that starts others": "setsid sh -c 'while :; do sleep 0.01; done' > FIFO & sleep 60",
	} {
		t.Run(name, func(t *testing.T) {
			fifo := filepath.Join(t.TempDir(), "fifo")
			if err := syscall.Mkfifo(fifo, 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := os.OpenFile(fifo, os.O_RDONLY|syscall.O_NONBLOCK, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			base := probetest.Count()
			r := quickly(t, runs(t, strings.ReplaceAll(script, "FIFO", fifo), nil))
			if r.Fault != uptime.FaultExecTimeout && r.Outcome != uptime.OutcomeUp {
				t.Errorf("%s: %s", r.Fault, r.Message)
			}
			io.Copy(io.Discard, f) // its end is that of the last writer
			probetest.Settled(t, base)
		})
	}
}

// TestExecHeldOpen does not wait for whom it cannot end: another session holds the output.
func TestExecHeldOpen(t *testing.T) {
	if _, err := findCommand("setsid"); err != nil {
		t.Skip("no setsid")
	}
	base := probetest.Count()
	r := once(t, runs(t, "setsid sleep 3 & echo fine", nil))
	if r.Outcome != uptime.OutcomeUp || r.Steps[0].Detail != "fine" {
		t.Errorf("%s %+v", r.Message, r.Steps)
	}
	probetest.Settled(t, base)
}

func TestExecMistakes(t *testing.T) {
	for _, tt := range []struct {
		name, url string
		values    keys
		key       string
	}{
		{"no command", "exec:x", nil, "command"},
		{"no name", "exec:", keys{"command": "true"}, "url"},
		{"a host", "exec://x", keys{"command": "true"}, "url"},
		{"a path that is relative", "exec:x", keys{"command": "bin/true"}, "command"},
		{"a line for a shell", "exec:x", keys{"command": "df | grep sda"}, "command"},
		{"a NUL", "exec:x", keys{"command": "true", "args": []string{"a\x00b"}}, "command"},
		{"no variable", "exec:x", keys{"command": "true", "env": map[string]uptime.Secret{"A=B": "x"}}, "env"},
	} {
		if m := mistaken(t, "exec", tt.url, tt.values, nil); len(m) != 1 || m[0].Key != tt.key {
			t.Errorf("%s: %v", tt.name, m)
		}
	}
}

func TestPlugin(t *testing.T) {
	for _, tt := range []struct{ name, out, text, perfdata string }{
		{"empty", "", "", ""},
		{"text", "OK\n", "OK", ""},
		{"figures", "OK | a=1;2;3;4;5", "OK", "a 1 (warn 2, crit 3, min 4, max 5)"},
		{"ranges", "OK | 'a b'=1.5KB;@10:20;~:5;; c=-3%", "OK", "a b 1.5KB (warn @10:20, crit ~:5), c -3%"},
		{"quotes", "OK | 'it''s = so'=1", "OK", "it's = so 1"},
		{"unknown value", "OK | a=U b=1", "OK", "a U, b 1"},
		{"only figures", "| a=1", "", "a 1"},
		{"broken", "OK | nothing 'no end a= =1 b=2 c=x", "OK", ""},
		{"some broken", "OK | nothing a= =1 b=2 'x'3 c=x d=4", "OK", "b 2, d 4"},
		{"no UTF-8", "\xff | \xfe=1", "\uFFFD", "\uFFFD 1"},
	} {
		if p := readPlugin([]byte(tt.out)); p.text != tt.text || p.perfdata() != tt.perfdata {
			t.Errorf("%s: %q, %q", tt.name, p.text, p.perfdata())
		}
	}
}

func FuzzPlugin(f *testing.F) {
	f.Add([]byte("OK - load | 'a b'=1.5KB;@10:20;~:5;; c=-3%\nmore | d=U\n"))
	f.Add([]byte(probetest.Hostile + "|" + probetest.Hostile + "=1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p := readPlugin(b)
		if len(p.figures) > maxFigures || strings.Contains(p.text, "\n") {
			t.Errorf("%d figures, %q", len(p.figures), p.text)
		}
		for _, f := range p.figures {
			if f.label == "" || f.value == "" {
				t.Errorf("%+v", f)
			}
		}
		p.perfdata()
	})
}
