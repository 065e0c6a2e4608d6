package cli

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/term"
	"github.com/creack/pty"
)

// screen is the program on a terminal of its own.
type screen struct {
	t     *testing.T
	cmd   *exec.Cmd
	tty   *os.File
	near  *os.File // our end of what the program has: its settings are compared
	mode  *term.State
	ended chan error // the process's only word

	mu  sync.Mutex
	out strings.Builder
}

func openScreen(t *testing.T, b *bench, env []string, args ...string) *screen {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	far, near, err := pty.Open()
	if err != nil {
		t.Skip(err)
	}
	if err := pty.Setsize(near, &pty.Winsize{Rows: 24, Cols: 100}); err != nil {
		t.Fatal(err)
	}
	s := &screen{t: t, tty: far, near: near, cmd: exec.Command(exe, args...), ended: make(chan error, 1)}
	if s.mode, err = term.GetState(near.Fd()); err != nil {
		t.Fatal(err)
	}
	s.cmd.Dir = b.dir
	s.cmd.Env = append([]string{asProgram + "=1", "HOME=" + b.dir, "TERM=xterm-256color", "LANG=C.UTF-8", "PATH=" + os.Getenv("PATH")}, env...)
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = near, near, near
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.ended <- s.cmd.Wait() }()
	go func() { // ends with the terminal
		buf := make([]byte, 32<<10)
		for {
			n, err := far.Read(buf)
			s.mu.Lock()
			s.out.Write(buf[:n])
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		s.cmd.Process.Kill()
		far.Close()
		near.Close()
	})
	return s
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.String()
}

// shows waits until the program has written something.
func (s *screen) shows(what string) {
	s.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !strings.Contains(s.text(), what) {
		if time.Now().After(deadline) {
			s.t.Fatalf("it never shows %q: %q", what, s.text())
		}
		<-time.After(10 * time.Millisecond)
	}
}

func (s *screen) press(keys string) {
	s.t.Helper()
	if _, err := io.WriteString(s.tty, keys); err != nil {
		s.t.Fatal(err)
	}
}

// ends waits for the end of the process and wants its exit code and its terminal as it was.
func (s *screen) ends(code int) {
	s.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(20 * time.Second):
		s.t.Fatalf("it does not end: %q", s.text())
	}
	if got := s.cmd.ProcessState.ExitCode(); got != code {
		s.t.Errorf("it ends with %s, want %d: %q", s.cmd.ProcessState, code, s.text())
	}
	s.restored()
}

func (s *screen) restored() {
	s.t.Helper()
	if now, err := term.GetState(s.near.Fd()); err != nil || *now != *s.mode {
		s.t.Errorf("the terminal is not as it was (%v)", err)
	}
}

// pid is who holds the bench's data folder.
func (b *bench) pid() int { return folder(filepath.Join(b.dir, "data")).holder().pid }

func TestScreenPanicKeepsChecking(t *testing.T) {
	b := newBench(t)
	write(t, "lookout.toml", refusing(t))
	s := openScreen(t, b, []string{"LOOKOUT_TEST_PANIC=screen"})
	s.shows("ended the screen, and not the checks")
	s.shows("pid " + strconv.Itoa(s.cmd.Process.Pid))
	s.restored()
	if got := b.call("", "status"); got.code != 2 || b.pid() != s.cmd.Process.Pid {
		t.Errorf("the engine does not go on: %+v", got)
	}
	if err := s.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	s.ends(70)
	if got := b.call("", "data", "check"); got.code != 0 {
		t.Errorf("data check: %+v", got)
	}
}

func TestBackground(t *testing.T) {
	b := newBench(t)
	write(t, "lookout.toml", refusing(t))
	s := openScreen(t, b, []string{asProgram + "=1"})
	s.shows("DOWN")
	first := s.cmd.Process.Pid
	s.press("q")
	s.shows("keep checking in the background")
	s.press("b")
	s.shows("goes on checking in the background")
	s.ends(0)
	second := b.pid()
	if second == first || !alive(second) {
		t.Fatalf("the engine was pid %d and is %d", first, second)
	}
	if got := b.call("", "stop"); got.code != 0 {
		t.Errorf("stop: %+v", got)
	}
}

func TestBackgroundThatFails(t *testing.T) {
	b := newBench(t)
	path := write(t, filepath.Join(b.dir, "lookout.toml"), refusing(t))
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := openScreen(t, b, nil)
	s.shows("DOWN")
	write(t, path, string(good)+"[[monitor]]\n") // what it would be started with does not hold
	s.press("q")
	s.shows("keep checking in the background")
	s.press("b")
	s.shows("it could not go on in the background")
	b.eventually(t, "DOWN  bad", "status", "--config", path) // in this process, with what it has
	if b.pid() != s.cmd.Process.Pid {
		t.Errorf("pid %d holds the folder, want %d", b.pid(), s.cmd.Process.Pid)
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.ends(0)
}

func TestHangup(t *testing.T) {
	b := newBench(t)
	write(t, "lookout.toml", refusing(t))
	s := openScreen(t, b, nil)
	s.shows("DOWN")
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(b.dir, "data", "lookout.log")
	deadline := time.Now().Add(20 * time.Second)
	for {
		text, _ := os.ReadFile(log)
		if strings.Contains(string(text), "the terminal is gone, the checks go on") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the log does not tell: %s", text)
		}
		<-time.After(10 * time.Millisecond)
	}
	if got := b.call("", "status"); got.code != 2 {
		t.Errorf("status: %+v", got)
	}
	if got := b.call("", "stop"); got.code != 0 {
		t.Errorf("stop: %+v", got)
	}
	s.ends(0)
}

func TestWatchURLs(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	b := newBench(t)
	for name, end := range map[string]func(s *screen){
		"q":               func(s *screen) { s.press("q") },
		"a lost terminal": func(s *screen) { s.cmd.Process.Signal(syscall.SIGHUP) },
	} {
		s := openScreen(t, b, nil, "tcp://"+l.Addr().String(), "tcp://127.0.0.1:1")
		s.shows("127.0.0.1:1")
		end(s)
		s.ends(0)
		if left, _ := filepath.Glob(filepath.Join(b.dir, "*")); len(left) > 0 {
			t.Errorf("%s: it left %q", name, left)
		}
	}
	s := openScreen(t, b, []string{"LOOKOUT_TEST_PANIC=screen"}, "tcp://"+l.Addr().String())
	s.ends(70)
}

func TestFirstRun(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	b := newBench(t)
	s := openScreen(t, b, nil)
	s.shows("What should be watched")
	s.press("tcp://" + l.Addr().String() + "\r")
	s.shows("tcp open in")
	s.press("\x13") // ctrl-s
	path := filepath.Join(b.dir, ".config", "lookout", "lookout.toml")
	b.eventually(t, "up    127.0.0.1", "status")
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), l.Addr().String()) {
		t.Errorf("%v: %s", err, text)
	}
	s.press("q")
	s.shows("stop checking")
	s.press("s")
	s.ends(0)
	if _, err := os.Stat(filepath.Join(b.dir, ".local", "state", "lookout", "default", "lookout.db")); err != nil {
		t.Error(err)
	}
}
