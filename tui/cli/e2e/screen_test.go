package e2e

import (
	"fmt"
	"net"
	"net/http"
	"os/user"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// counted serves a page and remembers when it was asked for.
type counted struct {
	addr string
	mu   sync.Mutex
	at   []time.Time
}

func countChecks(t *testing.T) *counted {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	c := &counted{addr: l.Addr().String()}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.at = append(c.at, time.Now())
	})}
	done := make(chan struct{}) // closed when the server has ended
	go func() {
		_ = srv.Serve(l) // ends with Close
		close(done)
	}()
	t.Cleanup(func() {
		srv.Close()
		<-done
	})
	return c
}

func (c *counted) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.at)
}

// gap is the longest time without a check since a moment.
func (c *counted) gap(since time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	longest, last := time.Duration(0), since
	for _, at := range append(c.at[:len(c.at):len(c.at)], time.Now()) {
		if at.After(since) {
			longest, last = max(longest, at.Sub(last)), at
		}
	}
	return longest
}

// mixed is one monitor that is up, checked every second, and one that is down.
func mixed(t *testing.T) (*counted, *Home) {
	t.Helper()
	c := countChecks(t)
	return c, home(t, fmt.Sprintf(`
instance = "screen"
[[monitor]]
name = "fine"
url = "http://%s/"
interval = "1s"
timeout = "1s"
[[monitor]]
name = "broken"
url = "tcp://127.0.0.1:1"
interval = "2s"
timeout = "2s"
rule = "consecutive"
failures = 1
`, c.addr))
}

// dashboard opens the console and waits until it shows what mixed is.
func dashboard(t *testing.T, h *Home, cols, rows int, args ...string) *Terminal {
	t.Helper()
	term := console(t, h, cols, rows, args...)
	check(t, term.Until("one up, one down", patience, func(s string) bool {
		return onRow(s, "fine", "● up") && onRow(s, "broken", "▼ DOWN")
	}))
	return term
}

// ends wants a program that ends by itself with a code and leaves the terminal as it was.
func ends(t *testing.T, term *Terminal, want int) {
	t.Helper()
	code, err := term.Wait(patience)
	if err != nil || code != want {
		t.Errorf("it ends with %d, %v, want %d\n%s", code, err, want, term.framed())
	}
	if err := term.Restored(); err != nil {
		t.Errorf("the terminal is not as it was: %v", err)
	}
}

func TestConsole(t *testing.T) {
	t.Parallel()
	checks, h := mixed(t)
	term := dashboard(t, h, 100, 24)
	inside := h.Pid()
	if inside != term.Pid() {
		t.Errorf("the engine is pid %d, the console %d: want it inside", inside, term.Pid())
	}

	check(t, term.Keys("/", "b", "r", "o", "k"))
	check(t, term.Until("only what matches", patience, func(s string) bool {
		return onRow(s, "broken", "DOWN") && !onRow(s, "fine", "up")
	}))
	check(t, term.Keys("enter", "enter"))
	check(t, term.Expect("tcp.refused", patience))
	check(t, term.Expect("NOT ACKED", patience))
	check(t, term.Keys("a"))
	check(t, term.Expect("y = ack", patience))
	check(t, term.Keys("n"))
	check(t, term.Paste("the disk\nis ordered"))
	check(t, term.Expect("the disk", patience))
	check(t, term.Keys("enter", "y"))
	check(t, term.Expect("acknowledged", patience))
	me, err := user.Current()
	check(t, err)
	var newest uptime.Event
	if err := within(t, patience, "the ack in the log", func() bool { // the screen has it before the disk
		all := events(t, run(t, h, 0, "events", "--since", "1d", "--format", "json").Stdout)
		newest = all[len(all)-1]
		return newest.Kind == uptime.EventAck
	}); err != nil || newest.Monitor != "broken" || !strings.HasPrefix(newest.Note, "the disk") || newest.By != me.Username {
		t.Errorf("%v: the newest event is %+v, want an ack by %s", err, newest, me.Username)
	}
	check(t, term.Keys("esc"))
	check(t, term.Until("the list again", patience, func(s string) bool { return !strings.Contains(s, "WHY") }))

	for _, size := range [][2]int{{1, 1}, {5, 2}, {20, 5}, {40, 12}, {200, 60}, {100, 24}} {
		check(t, term.Resize(size[0], size[1]))
	}
	check(t, term.Keys("/", "ctrl-u", "enter"))
	check(t, term.Until("both again", patience, func(s string) bool {
		return onRow(s, "fine", "● up") && onRow(s, "broken", "▼ DOWN")
	}))

	before := time.Now()
	toBackground(t, term)
	ends(t, term, 0)
	behind := h.Pid()
	if behind == 0 || behind == inside {
		t.Fatalf("the engine was pid %d and is %d, want another", inside, behind)
	}
	says(t, "what it leaves", term.Screen(), fmt.Sprint(behind))

	again := dashboard(t, h, 80, 24)
	check(t, again.Keys("n", "enter"))
	check(t, again.Expect("the disk", patience))
	check(t, again.Keys("esc"))
	check(t, again.Until("the list", patience, func(s string) bool { return !strings.Contains(s, "WHY") }))
	check(t, again.Keys("q"))
	ends(t, again, 0)
	if h.Pid() != behind {
		t.Errorf("leaving an attached console touched the engine: pid %d, was %d", h.Pid(), behind)
	}
	// It checks once a second; the engine changed hands in between.
	if gap := checks.gap(before); gap > 2500*time.Millisecond {
		t.Errorf("no check for %v while the engine changed hands", gap)
	}
	run(t, h, 0, "stop")
	check(t, within(t, patience, "the end of the engine", func() bool { return h.Pid() == 0 }))
	run(t, h, 0, "data", "check")
}

func TestConsoleEndsBySignal(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		_, h := mixed(t)
		term := dashboard(t, h, 80, 24)
		check(t, term.Signal(sig))
		ends(t, term, 0)
		if h.Pid() != 0 {
			t.Errorf("%v ended the screen and not the engine", sig)
		}
		run(t, h, 0, "data", "check")
	}
}

func TestHangupKeepsChecking(t *testing.T) {
	t.Parallel()
	checks, h := mixed(t)
	term := dashboard(t, h, 80, 24)
	before, n := time.Now(), checks.count()
	check(t, term.Hangup())
	check(t, within(t, patience, "three more checks", func() bool { return checks.count() >= n+3 }))
	if gap := checks.gap(before); gap > 1500*time.Millisecond {
		t.Errorf("no check for %v after the terminal was gone", gap)
	}
	if term.Ended() || h.Pid() != term.Pid() {
		t.Fatalf("the process is gone: pid %d, was %d", h.Pid(), term.Pid())
	}
	again := dashboard(t, h, 80, 24)
	check(t, again.Keys("q"))
	ends(t, again, 0)
	run(t, h, 0, "stop")
	if code, err := term.Wait(patience); code != 0 || err != nil {
		t.Errorf("stopped, it ends with %d, %v", code, err)
	}
}

// A bug in the screen ends the screen, says so on a terminal that can be used
// again, and the checks go on.
func TestScreenPanicKeepsChecking(t *testing.T) {
	t.Parallel()
	checks, h := mixed(t)
	h.Env = append(h.Env, "LOOKOUT_TEST_PANIC=screen")
	term := console(t, h, 120, 24)
	check(t, term.Expect("a bug in lookout", patience))
	check(t, term.Expect("they go on in this process, pid "+strconv.Itoa(term.Pid()), patience))
	if err := term.Restored(); err != nil {
		t.Errorf("the terminal is not as it was: %v", err)
	}
	n := checks.count()
	check(t, within(t, patience, "three more checks", func() bool { return checks.count() >= n+3 }))
	until(t, h, "one up", patience, func(s status) bool { return s.Counts["up"] == 1 })
	check(t, term.Keys("ctrl-c"))
	ends(t, term, 70)
}

func TestTinyTerminal(t *testing.T) {
	t.Parallel()
	_, h := mixed(t)
	engine(t, h)
	until(t, h, "one up, one down", patience, func(s status) bool { return s.Counts["up"] == 1 && s.Counts["down"] == 1 })
	term := console(t, h, 1, 1)
	check(t, term.Until("any byte", patience, func(string) bool { return len(term.Raw()) > 0 }))
	check(t, term.Resize(20, 5))
	check(t, term.Expect("broken", patience))
	check(t, term.Keys("q"))
	ends(t, term, 0)
}

// Without colour and beyond ASCII nothing: the eight states still tell apart.
func TestPlainTerminal(t *testing.T) {
	t.Parallel()
	_, h := mixed(t)
	h.Env = append(h.Env, "TERM=vt100", "LANG=C", "NO_COLOR=1")
	engine(t, h)
	term := console(t, h, 80, 24)
	check(t, term.Until("both in ASCII", patience, func(s string) bool {
		return onRow(s, "broken", "! DOWN") && onRow(s, "fine", "  up")
	}))
	check(t, term.Keys("q"))
	ends(t, term, 0)
	for i, c := range term.Raw() {
		if c >= 0x80 {
			t.Fatalf("byte %#x at %d of a terminal of ASCII", c, i)
		}
	}
	if m := colours.Find(term.Raw()); m != nil {
		t.Errorf("colour on a terminal without: %q", m)
	}
}

// colours finds an SGR sequence that sets a colour.
var colours = regexp.MustCompile(`\x1b\[(?:[0-9;:]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:[;:][0-9;:]*)?m`)

// leaveEmbedded stops a console with the engine in it.
func leaveEmbedded(t *testing.T, term *Terminal) {
	t.Helper()
	check(t, term.Keys("q"))
	check(t, term.ExpectMatch("stop checking", patience))
	check(t, term.Keys("s"))
	ends(t, term, 0)
}

// toBackground leaves a console whose engine goes on without it.
func toBackground(t *testing.T, term *Terminal) {
	t.Helper()
	check(t, term.Keys("q"))
	check(t, term.ExpectMatch("in the background", patience))
	check(t, term.Keys("b"))
}
