package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// Terminal is a program in a pseudo-terminal and the screen that it draws. One
// goroutine uses it; another only collects the bytes, because the emulator may
// not be written and read at once.
type Terminal struct {
	*Process
	master *os.File
	slave  *os.File // kept open: the settings can be read after the program has ended
	before unix.Termios
	screen *vt.Emulator

	mu      sync.Mutex
	pending []byte
	raw     []byte
	arrived time.Time
	more    chan struct{} // collector to Expect: there are bytes; one is enough, a full one says it already
}

// OpenTerminal starts cmd on a terminal of this size.
func OpenTerminal(cmd *exec.Cmd, cols, rows int) (*Terminal, error) {
	master, slave, err := pty.Open()
	if err == nil {
		master, err = pollable(master)
	}
	if err != nil {
		return nil, fmt.Errorf("open a pseudo-terminal: %w", err)
	}
	t := &Terminal{Process: &Process{cmd: cmd, done: make(chan struct{})}, master: master, slave: slave, screen: vt.NewEmulator(cols, rows),
		more: make(chan struct{}, 1)}
	before, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	if err == nil {
		t.before = *before
		err = t.setSize(cols, rows)
	}
	if err == nil {
		cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		err = t.start()
	}
	if err != nil {
		return nil, errors.Join(err, master.Close(), slave.Close())
	}
	go t.collect()
	go t.answer()
	return t, nil
}

// pollable makes a file whose Close ends a Read: pty.Open left it blocking, and
// a terminal that somebody reads would stay open after its Close.
func pollable(f *os.File) (*os.File, error) {
	defer f.Close()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

func (t *Terminal) setSize(cols, rows int) error {
	return pty.Setsize(t.slave, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)})
}

// collect ends when the terminal is closed.
func (t *Terminal) collect() {
	buf := make([]byte, 64<<10)
	for {
		n, err := t.master.Read(buf)
		t.mu.Lock()
		t.pending = append(t.pending, buf[:n]...)
		t.raw = append(t.raw, buf[:n]...)
		t.arrived = time.Now()
		t.mu.Unlock()
		select {
		case t.more <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// answer hands the emulator's answers to queries to the program; it ends when
// the terminal is closed.
func (t *Terminal) answer() {
	_, _ = io.Copy(t.master, t.screen) // a closed terminal asks nothing
}

// feed draws what has arrived.
func (t *Terminal) feed() {
	t.mu.Lock()
	b := t.pending
	t.pending = nil
	t.mu.Unlock()
	_, _ = t.screen.Write(b) // a closed emulator draws nothing
}

// Screen is the text on the screen, a line for a row, without trailing blanks.
func (t *Terminal) Screen() string {
	t.feed()
	lines := strings.Split(t.screen.String(), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " \r")
	}
	return strings.Join(lines, "\n")
}

// Raw is every byte that the program has written so far.
func (t *Terminal) Raw() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.raw)
}

// Until waits until what is on the screen pleases ok. It fails at once when
// the program has ended and the screen never will.
func (t *Terminal) Until(what string, within time.Duration, ok func(screen string) bool) error {
	end := time.NewTimer(within)
	defer end.Stop()
	for !ok(t.Screen()) {
		select {
		case <-t.more:
		case <-t.Done():
			if err := t.drain(); err != nil {
				return err
			}
			if ok(t.Screen()) {
				return nil
			}
			return fmt.Errorf("no %s on the screen when the program had ended, %v:\n%s", what, t.cmd.ProcessState, t.framed())
		case <-end.C:
			return fmt.Errorf("no %s on the screen within %v:\n%s", what, within, t.framed())
		}
	}
	return nil
}

// Wait is Process.Wait, and then everything that the program wrote has arrived.
func (t *Terminal) Wait(within time.Duration) (int, error) {
	code, err := t.Process.Wait(within)
	if err == nil {
		err = t.drain()
	}
	return code, err
}

// drain waits until what was written to the terminal up to now has arrived: a
// mark that no terminal shows comes after it.
func (t *Terminal) drain() error {
	const mark = "\x1b_lookout-e2e\x1b\\"
	n := bytes.Count(t.Raw(), []byte(mark))
	if _, err := t.slave.WriteString(mark); err != nil {
		return nil // hung up: nothing arrives any more
	}
	late := time.NewTimer(5 * time.Second)
	defer late.Stop()
	for bytes.Count(t.Raw(), []byte(mark)) == n {
		select {
		case <-t.more:
		case <-late.C:
			return errors.New("the terminal does not take what is written to it")
		}
	}
	return nil
}

// Expect waits for a text on the screen.
func (t *Terminal) Expect(text string, within time.Duration) error {
	return t.Until(strconv.Quote(text), within, func(s string) bool { return strings.Contains(s, text) })
}

// ExpectMatch waits for a match of a regular expression on the screen.
func (t *Terminal) ExpectMatch(re string, within time.Duration) error {
	x, err := regexp.Compile(re)
	if err != nil {
		return err
	}
	return t.Until("match of "+re, within, x.MatchString)
}

func (t *Terminal) framed() string {
	var b strings.Builder
	bar := "+" + strings.Repeat("-", t.screen.Width()) + "+\n"
	b.WriteString(bar)
	for l := range strings.SplitSeq(t.Screen(), "\n") {
		b.WriteString("|" + l + "\n")
	}
	b.WriteString(bar)
	return b.String()
}

var keyBytes = map[string]string{
	"enter": "\r", "esc": "\x1b", "tab": "\t", "space": " ", "backspace": "\x7f",
	"up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D",
	"home": "\x1b[H", "end": "\x1b[F", "pgup": "\x1b[5~", "pgdown": "\x1b[6~",
}

// Keys presses keys: names (enter, esc, up, ctrl-c …) or the characters themselves.
func (t *Terminal) Keys(keys ...string) error {
	for _, k := range keys {
		b, ok := keyBytes[k]
		if c, isCtrl := strings.CutPrefix(k, "ctrl-"); isCtrl && len(c) == 1 {
			b, ok = string(c[0]&0x1f), true
		}
		if !ok {
			b = k
		}
		if _, err := t.master.WriteString(b); err != nil {
			return fmt.Errorf("press %s: %w", k, err)
		}
	}
	return nil
}

// Paste pastes text as a terminal with bracketed paste does.
func (t *Terminal) Paste(text string) error {
	_, err := t.master.WriteString("\x1b[200~" + text + "\x1b[201~")
	return err
}

// Resize changes the size; the kernel tells the program.
func (t *Terminal) Resize(cols, rows int) error {
	t.feed()
	t.screen.Resize(cols, rows)
	return t.setSize(cols, rows)
}

// Hangup takes the terminal away, as a lost SSH line does. The program goes on
// if it wants to.
func (t *Terminal) Hangup() error {
	if c, ok := t.screen.InputPipe().(io.Closer); ok {
		_ = c.Close() // ends answer; a pipe's Close never fails
	}
	return errors.Join(t.slave.Close(), t.master.Close())
}

var modeChange = regexp.MustCompile(`\x1b\[\?([0-9;]+)([hl])|\x1b\[([<>=])([0-9;]*)u|\x1b\[>4(?:;([0-9]))?m`)

// modes at rest that are on: auto-wrap and the cursor.
var restModes = map[string]bool{"7": true, "25": true}

// Restored says in what the terminal differs from how the program found it:
// settings, alternate screen, cursor, mouse, paste and keyboard modes.
func (t *Terminal) Restored() error {
	var wrong []error
	after, err := unix.IoctlGetTermios(int(t.slave.Fd()), unix.TCGETS)
	if err != nil {
		return fmt.Errorf("read the settings: %w", err)
	}
	if *after != t.before {
		wrong = append(wrong, fmt.Errorf("settings were %+v and are %+v", t.before, *after))
	}
	t.feed()
	if t.screen.IsAltScreen() {
		wrong = append(wrong, errors.New("the alternate screen was not left"))
	}
	return errors.Join(append(wrong, leftModes(t.Raw())...)...)
}

// leftModes finds the private modes and keyboard flags that a program set and did not set back.
func leftModes(raw []byte) []error {
	now := map[string]bool{}
	keyboard, modify := 0, false
	for _, m := range modeChange.FindAllSubmatch(raw, -1) {
		switch {
		case m[1] != nil:
			for mode := range bytes.SplitSeq(m[1], []byte(";")) {
				now[string(mode)] = m[2][0] == 'h'
			}
		case m[3] != nil:
			switch m[3][0] {
			case '>':
				keyboard++
			case '<':
				keyboard--
			case '=':
				if flags, _, _ := bytes.Cut(m[4], []byte(";")); string(flags) == "0" || len(flags) == 0 {
					keyboard = 0
				} else {
					keyboard = 1
				}
			}
		default:
			modify = m[5] != nil && m[5][0] != '0'
		}
	}
	var wrong []error
	for mode, on := range now {
		if on != restModes[mode] {
			wrong = append(wrong, fmt.Errorf("private mode %s stayed %v", mode, on))
		}
	}
	if keyboard > 0 {
		wrong = append(wrong, errors.New("keyboard enhancements stayed on"))
	}
	if modify {
		wrong = append(wrong, errors.New("modifyOtherKeys stayed on"))
	}
	return wrong
}
