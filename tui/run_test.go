package tui

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"lookout/engine/uptime"
)

// terminal is a real pseudo-terminal of 80 × 24 with a console on it.
type terminal struct {
	t      *testing.T
	master *os.File
	tty    *os.File
	mu     sync.Mutex
	out    bytes.Buffer
	grown  chan struct{} // to whoever waits for text; one slot: a hint that there is more
	left   chan Leave    // from Run; one slot, it ends once
	err    chan error
}

// onTerminal runs a console; env is added to a plain xterm.
func onTerminal(t *testing.T, ctx context.Context, o Options, env ...string) *terminal {
	t.Helper()
	master, tty, err := pty.Open()
	if err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	if err := pty.Setsize(master, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		t.Fatal(err)
	}
	// Asking for a descriptor makes a file blocking, and a blocked read keeps it open.
	fd, err := syscall.Dup(int(master.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	master.Close()
	if err := syscall.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	master = os.NewFile(uintptr(fd), "master")
	term := &terminal{t: t, master: master, tty: tty, grown: make(chan struct{}, 1), left: make(chan Leave, 1), err: make(chan error, 1)}
	t.Cleanup(func() {
		master.Close()
		tty.Close()
	})
	go term.read()
	o.Input, o.Output, o.Now = tty, tty, func() time.Time { return noon }
	o.Env = append([]string{"TERM=xterm-256color", "LANG=C.UTF-8", "SSH_TTY=/dev/pts/9"}, env...)
	go func() {
		left, err := Run(ctx, o)
		term.left <- left
		term.err <- err
	}()
	return term
}

func (x *terminal) read() {
	buf := make([]byte, 4096)
	for {
		n, err := x.master.Read(buf)
		x.mu.Lock()
		x.out.Write(buf[:n])
		x.mu.Unlock()
		select {
		case x.grown <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (x *terminal) text() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.out.String()
}

// expect waits until text was written.
func (x *terminal) expect(text string) {
	x.t.Helper()
	late := time.After(5 * time.Second)
	for !strings.Contains(x.text(), text) {
		select {
		case <-x.grown:
		case <-late:
			x.t.Fatalf("no %q in %q", text, x.text())
		}
	}
}

func (x *terminal) send(keys string) {
	x.t.Helper()
	if _, err := io.WriteString(x.master, keys); err != nil {
		x.t.Fatal(err)
	}
}

// ended waits for Run and returns what it said.
func (x *terminal) ended() (Leave, error) {
	x.t.Helper()
	select {
	case l := <-x.left:
		return l, <-x.err
	case <-time.After(5 * time.Second):
		x.t.Fatal("the console does not end")
		return 0, nil
	}
}

const restored = "\x1b[?1049l" // the alternate screen is left

func TestRunQuit(t *testing.T) {
	x := onTerminal(t, t.Context(), Options{Source: newWorld(), Embedded: true})
	x.expect("DOWN")
	x.expect("mx2.example.net")
	x.send("q")
	x.expect("stop checking")
	x.send("b")
	if l, err := x.ended(); l != LeaveBackground || err != nil {
		t.Errorf("left as %s, %v", l, err)
	}
	x.expect(restored)
	x.expect("\x1b[?25h")
}

func TestRunEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	x := onTerminal(t, ctx, Options{Source: newWorld()})
	x.expect("DOWN")
	cancel()
	if l, err := x.ended(); l != LeaveLost || err != nil {
		t.Errorf("left as %s, %v", l, err)
	}
	x.expect(restored)
}

func TestRunHangUp(t *testing.T) {
	x := onTerminal(t, t.Context(), Options{Source: newWorld(), Embedded: true})
	x.expect("DOWN")
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if l, err := x.ended(); l != LeaveLost || err != nil {
		t.Errorf("left as %s, %v", l, err)
	}
}

// TestRunTerminalGone: the other end is closed without a signal.
func TestRunTerminalGone(t *testing.T) {
	x := onTerminal(t, t.Context(), Options{Source: newWorld(), Embedded: true})
	x.expect("DOWN")
	x.master.Close()
	if l, err := x.ended(); l != LeaveLost || err != nil {
		t.Errorf("left as %s, %v", l, err)
	}
}

// breaking panics when it is told to.
type breaking struct {
	*world
	now chan struct{} // closed to break it
}

func (b breaking) Snapshot() *uptime.Snapshot {
	select {
	case <-b.now:
		panic("broken on purpose")
	default:
		return b.world.Snapshot()
	}
}

func TestRunPanics(t *testing.T) {
	b := breaking{newWorld(), make(chan struct{})}
	x := onTerminal(t, t.Context(), Options{Source: b, Embedded: true})
	x.expect("DOWN")
	close(b.now)
	l, err := x.ended()
	if l != LeaveLost || err == nil || !strings.Contains(err.Error(), "the screen broke") {
		t.Errorf("left as %s, %v", l, err)
	}
	x.expect(restored)
}

// TestRunStalled: a terminal that takes no bytes does not hold the process.
func TestRunStalled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	in, keys := io.Pipe()
	_, out := io.Pipe() // nobody reads
	defer keys.Close()
	done := make(chan Leave, 1)
	go func() {
		l, _ := Run(ctx, Options{Source: newWorld(), Input: in, Output: out, Env: []string{"TERM=xterm"}})
		done <- l
	}()
	cancel()
	select {
	case l := <-done:
		if l != LeaveLost {
			t.Errorf("left as %s", l)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the console waits for a terminal that takes nothing")
	}
}

// TestRunBytes looks at what reaches terminals that show little.
func TestRunBytes(t *testing.T) {
	for _, c := range []struct {
		name    string
		env     []string
		colours bool
		ascii   bool
	}{
		{"256 colours", nil, true, false},
		{"NO_COLOR", []string{"NO_COLOR=1"}, false, false},
		{"vt100", []string{"TERM=vt100", "LANG=C"}, false, true},
		{"C locale", []string{"LANG=C"}, true, true},
		{"dumb", []string{"TERM=dumb"}, false, true},
		{"16 colours", []string{"TERM=xterm"}, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := onTerminal(t, t.Context(), Options{Source: newWorld()}, c.env...)
			x.expect("mx2.example.net")
			x.expect(" cmd")
			x.send("jq")
			if l, err := x.ended(); l != LeaveQuit || err != nil {
				t.Fatalf("left as %s, %v", l, err)
			}
			got := x.text()
			if colours := hasColours(got); colours != c.colours {
				t.Errorf("colours %v in %q", colours, got)
			}
			if ascii := !strings.ContainsFunc(got, func(r rune) bool { return r >= 0x80 }); ascii != c.ascii {
				t.Errorf("ASCII %v in %q", ascii, got)
			}
			if !strings.Contains(got, ">") {
				t.Error("there is no cursor")
			}
		})
	}
}

// hasColours reports whether a stream sets a colour.
func hasColours(s string) bool {
	for seq := range strings.SplitSeq(s, "\x1b[") {
		end := strings.IndexFunc(seq, func(r rune) bool { return (r < '0' || r > '9') && r != ';' && r != ':' })
		if end < 0 || seq[end] != 'm' {
			continue
		}
		for p := range strings.SplitSeq(seq[:end], ";") {
			if len(p) == 2 && (p[0] == '3' || p[0] == '4') && p != "39" && p != "49" || len(p) >= 2 && (strings.HasPrefix(p, "9") || strings.HasPrefix(p, "10")) {
				return true
			}
		}
	}
	return false
}
