package e2e

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// quiet is a configuration with one monitor that is always refused, seldom.
const quiet = `
[[monitor]]
name = "nobody"
url = "tcp://127.0.0.1:1"
interval = "1h"
timeout = "5s"
`

func TestSecondEngine(t *testing.T) {
	t.Parallel()
	h := home(t, quiet)
	eng := engine(t, h)
	pid := strconv.Itoa(eng.Pid())
	says(t, "a second engine", run(t, h, 73, "engine").Stderr, pid)

	other := *h
	other.Config = filepath.Join(h.Dir, "other.toml")
	check(t, other.Write(quiet))
	a := run(t, &other, 73, "engine", "--config", other.Config)
	says(t, "an engine with another configuration", a.Stderr, pid, h.Config, "lookout attach")
	term := console(t, h, 100, 20, "--config", other.Config)
	if code, err := term.Wait(patience); code != 73 || err != nil {
		t.Errorf("a console with another configuration ends with %d, %v", code, err)
	}
	says(t, "a console with another configuration", joined(term.Screen()), pid, "lookout attach")

	check(t, eng.Signal(syscall.SIGSTOP))
	says(t, "an engine beside one that does not answer", run(t, h, 73, "engine").Stderr, "engine pid "+pid+" does not answer")
	term = console(t, h, 100, 20)
	if code, err := term.Wait(patience); code != 73 || err != nil {
		t.Errorf("a console beside an engine that does not answer ends with %d, %v", code, err)
	}
	says(t, "a console beside one that does not answer", term.Screen(), "engine pid "+pid+" does not answer")
	run(t, h, 3, "status")
	check(t, eng.Signal(syscall.SIGCONT))
	until(t, h, "an engine that answers again", patience, func(s status) bool { return !s.Stale })
}

// joined is a screen without its line breaks: sentences run on there.
func joined(screen string) string { return strings.ReplaceAll(screen, "\n", "") }

func TestEngineWithoutConfiguration(t *testing.T) {
	t.Parallel()
	h := home(t, "")
	check(t, os.Remove(h.Config))
	a := run(t, h, 78, "engine")
	says(t, "an engine without a configuration", a.Stderr, "./lookout.toml", h.Dir+"/.config/lookout/lookout.toml", "/etc/lookout/lookout.toml")
	run(t, h, 3, "status")
}

func TestConsoleWithoutTerminal(t *testing.T) {
	t.Parallel()
	h := home(t, quiet)
	a, err := h.Run()
	check(t, err)
	if a.Code == 0 {
		t.Error("a console without a terminal ends with 0")
	}
	says(t, "a console without a terminal", a.Stderr, "lookout engine", "lookout status")
	if strings.Contains(a.Stdout+a.Stderr, "\x1b") {
		t.Errorf("escape sequences where there is no terminal: %q", a.Stdout+a.Stderr)
	}
	if h.Pid() != 0 {
		t.Error("it has started an engine")
	}
}

// A configuration that takes its time is said to; one in a pipe takes as long as it is kept waiting.
func TestReadingIsShown(t *testing.T) {
	t.Parallel()
	h := home(t, quiet)
	pipe := filepath.Join(h.Dir, "slow.toml")
	check(t, syscall.Mkfifo(pipe, 0o600))
	term := console(t, h, 120, 10, "config", "check", pipe)
	check(t, term.Until("what it reads", patience, func(s string) bool { return strings.Contains(joined(s), "reading "+pipe+" …") }))
	check(t, os.WriteFile(pipe, []byte("[[monitor]]\nname = \"a\"\nurl = \"tcp://127.0.0.1:1\"\n"), 0o600))
	check(t, term.Expect("1 monitor, no mistake", patience))
	ends(t, term, 0)
	if strings.Contains(term.Screen(), "reading") {
		t.Errorf("it reads on:\n%s", term.Screen())
	}
}

// A console does not take the terminal to show that it cannot show anything.
func TestAttachToAnotherVersion(t *testing.T) {
	t.Parallel()
	h := home(t, quiet)
	path := filepath.Join(h.Dir, "other.sock")
	l, err := net.Listen("unix", path)
	check(t, err)
	other := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"version":1,"kind":"hello","lookout":"0.0.9","stream":"1.00000000"}`)
	})}
	go other.Serve(l)
	defer other.Close()
	term := console(t, h, 120, 10, "attach", path)
	ends(t, term, 69)
	says(t, "a console of another version", joined(term.Screen()), "this engine is lookout 0.0.9", "attach with the same version, or restart the engine")
}

func TestBadConfiguration(t *testing.T) {
	t.Parallel()
	h := home(t, `
[[monitor]]
name = "a"
url = "https://www.example.com/"
intervall = "60s"

[[monitor]]
name = "b"
url = "tcp://www.example.com"
interval = 60

[[monitor]]
name = "a"
url = "gopher://www.example.com/"
`)
	// the line that the home puts in front counts
	want := []string{"lookout.toml:6: ", "interval", "lookout.toml:10: ", "port", "lookout.toml:11: ", "60s", "lookout.toml:14: ", "lookout.toml:15: "}
	says(t, "config check", answer(run(t, h, 78, "config", "check")), want...)
	says(t, "an engine", run(t, h, 78, "engine").Stderr, want...)
	term := console(t, h, 150, 40)
	if code, err := term.Wait(patience); code != 78 || err != nil {
		t.Errorf("a console with a bad configuration ends with %d, %v", code, err)
	}
	says(t, "a console", joined(term.Screen()), want...)
	check(t, term.Restored())
}

func answer(a Answer) string { return a.Stdout + a.Stderr }

func TestHugeConfiguration(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	const monitors = 180_000
	for i := range monitors {
		fmt.Fprintf(&b, "[[monitor]]\nname = \"host %06d with a name of some length, as they are\"\nurl = \"https://host-%06d.customers.example.com/health/of/it?token=0123456789abcdef\"\ntags = [\"prod\", \"eu\"]\n", i, i)
	}
	if b.Len() < 30<<20 {
		b.WriteString("# " + strings.Repeat("x", 100) + "\n")
	}
	h := home(t, b.String())
	p, err := Spawn(h.Command("config", "check"))
	check(t, err)
	t.Cleanup(p.Kill)
	if code, err := p.Wait(12 * patience); code != 0 || err != nil { // seconds of work, and seldom alone on its machine
		t.Fatalf("exit code %d, %v: %s", code, err, p.Stderr())
	}
	says(t, "config check", p.Stdout()+p.Stderr(), "180,000")
}

func TestDeepConfiguration(t *testing.T) {
	t.Parallel()
	const deep = 5000
	for name, value := range map[string]string{
		"tables": strings.Repeat("{a=", deep) + "1" + strings.Repeat("}", deep),
		"arrays": strings.Repeat("[", deep) + strings.Repeat("]", deep),
		"keys":   "1\n" + strings.Repeat("a.", deep) + "a = 1",
	} {
		h := home(t, quiet+"x = "+value+"\n")
		start := time.Now()
		says(t, name, answer(run(t, h, 78, "config", "check")), "lookout.toml:")
		if took := time.Since(start); took > 3*second {
			t.Errorf("%s: it took %v", name, took)
		}
	}
}

func TestDataFolderOfSomebodyElse(t *testing.T) {
	t.Parallel()
	h := home(t, quiet)
	check(t, os.Mkdir(h.Data, 0o555))
	cmd := h.Command("engine")
	if os.Getuid() == 0 { // root may write everywhere, so be somebody else
		dir, err := os.MkdirTemp("", "lookout-nobody-*")
		check(t, err)
		t.Cleanup(func() { os.RemoveAll(dir) })
		check(t, os.Chmod(dir, 0o755))
		h, err = NewHome(filepath.Join(dir, "bin"), dir, quiet)
		check(t, err)
		check(t, os.Chmod(h.Config, 0o644))
		check(t, os.Mkdir(h.Data, 0o755))
		// Copied by another process: a program that we have open for writing while a parallel
		// test forks is "text file busy".
		check(t, exec.Command("cp", binary, h.Binary).Run())
		cmd = h.Command("engine")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	p, err := Spawn(cmd)
	check(t, err)
	t.Cleanup(p.Kill)
	if code, err := p.Wait(patience); code != 77 || err != nil {
		t.Errorf("exit code %d, %v", code, err)
	}
	says(t, "an engine that may not write", p.Stderr(), h.Data, "permission denied", "data_dir")
}

func TestDamagedFile(t *testing.T) {
	t.Parallel()
	h := home(t, quiet)
	check(t, engine(t, h).Stop())
	db := filepath.Join(h.Data, "lookout.db")
	whole, err := os.ReadFile(db)
	check(t, err)
	tests := []struct {
		name string
		file []byte
	}{
		{"noise", []byte(strings.Repeat("\x17\x99 noise ", 1000))},
		{"zeros", make([]byte, 8192)},
		{"ten bytes", []byte("0123456789")},
		{"the first pages of it", whole[:16384]},
		{"a tail without pages", append(append([]byte{}, whole[:8192]...), make([]byte, len(whole)-8192)...)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			check(t, os.WriteFile(db, tt.file, 0o600))
			a := run(t, h, 74, "engine")
			says(t, "an engine", a.Stderr, db)
			if strings.Contains(a.Stderr, "goroutine ") {
				t.Errorf("it panics: %s", a.Stderr)
			}
			if a := run(t, h, 74, "data", "check"); strings.Contains(a.Stderr, "goroutine ") {
				t.Errorf("data check panics: %s", a.Stderr)
			}
			run(t, h, 3, "status")
			after, err := os.ReadFile(db)
			if check(t, err); string(after) != string(tt.file) {
				t.Error("the damaged file was changed: there may be something to save in it")
			}
		})
	}
}

// Space runs out and comes back; nothing that was told is lost.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	addr, _ := flapping(t)
	h := home(t, fmt.Sprintf("[defaults]\ninterval = \"1s\"\ntimeout = \"1s\"\nrule = \"consecutive\"\nfailures = 1\nrecoveries = 1\n"+
		"[[monitor]]\nname = \"flaps\"\nurl = \"http://%s/4\"\n", addr))
	check(t, os.Mkdir(h.Data, 0o700))
	if err := syscall.Mount("tmpfs", h.Data, "tmpfs", 0, "size=16m,mode=0700"); err != nil {
		t.Skipf("a small file system needs root and a kernel that lets it mount: %v", err)
	}
	t.Cleanup(func() {
		h.Close()
		if err := syscall.Unmount(h.Data, 0); err != nil {
			t.Error(err)
		}
	})
	filler := filepath.Join(h.Data, "filler")
	fill := func() {
		err := os.WriteFile(filler, make([]byte, 32<<20), 0o600)
		if err == nil {
			t.Fatal("the disk is not full")
		}
	}
	fill()
	says(t, "an engine on a full disk", run(t, h, 74, "engine").Stderr, "full")
	check(t, os.Remove(filler))

	eng := engine(t, h)
	ctx := t.Context()
	lines := func() string { a, _ := h.Run("status"); return answer(a) }
	check(t, Poll(ctx, "a first verdict", func() bool { return strings.Contains(lines(), "flaps") }))
	fill()
	check(t, within(t, 20*second, "words about the disk", func() bool { return strings.Contains(lines(), "no space left") }))
	if eng.Ended() {
		t.Fatalf("the engine has ended: %s", eng.Stderr())
	}
	check(t, os.Remove(filler))
	check(t, within(t, 30*second, "the end of it", func() bool { return !strings.Contains(lines(), "no space left") }))
	check(t, eng.Stop())
	run(t, h, 0, "data", "check")
	all := events(t, run(t, h, 0, "events", "--since", "1d", "--format", "json").Stdout)
	for i, e := range all {
		if e.ID != uint64(i+1) {
			t.Fatalf("event %d is number %d", i+1, e.ID)
		}
	}
}
