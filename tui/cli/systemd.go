package cli

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// notifier speaks systemd's notification protocol (sd_notify(3)): datagrams
// with lines of KEY=VALUE to the socket named by $NOTIFY_SOCKET. Without one
// it says nothing.
type notifier struct {
	addr     *net.UnixAddr
	watchdog time.Duration // half the time within which systemd wants to hear of us; 0: it does not
}

func newNotifier(getenv func(string) string, pid int) notifier {
	name := getenv("NOTIFY_SOCKET")
	if name == "" {
		return notifier{}
	}
	n := notifier{addr: &net.UnixAddr{Name: name, Net: "unixgram"}}
	if p := getenv("WATCHDOG_PID"); p == "" || p == strconv.Itoa(pid) {
		if us, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64); err == nil && us > 0 {
			n.watchdog = time.Duration(us) * time.Microsecond / 2
		}
	}
	return n
}

// say sends some states. Nothing depends on whether they arrive.
func (n notifier) say(states ...string) {
	if n.addr == nil {
		return
	}
	c, err := net.DialUnix("unixgram", nil, n.addr)
	if err != nil {
		return
	}
	defer c.Close()
	c.SetWriteDeadline(time.Now().Add(time.Second)) //nolint:errcheck // a silent systemd must not hold us up
	c.Write([]byte(strings.Join(states, "\n")))     //nolint:errcheck // see above
}

func (n notifier) ready(status string)    { n.say("READY=1", "STATUS="+status) }
func (n notifier) stopping(status string) { n.say("STOPPING=1", "STATUS="+status) }

// whenDone has f run when ctx ends. What it returns is called once: it keeps f
// from running, or waits until it has, so that nothing said later comes before it.
func whenDone(ctx context.Context, f func()) (settle func()) {
	ran := make(chan struct{}) // closed when f has run
	stop := context.AfterFunc(ctx, func() { defer close(ran); f() })
	return func() {
		if !stop() {
			<-ran
		}
	}
}

// reloading has to carry the monotonic clock, or systemd takes it for an old message.
func (n notifier) reloading() {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return
	}
	n.say("RELOADING=1", fmt.Sprintf("MONOTONIC_USEC=%d", ts.Nano()/1000))
}

// watch tells systemd that we live for as long as alive says so, and the
// status of the moment with it. It returns when ctx ends.
func (n notifier) watch(ctx context.Context, alive func() (status string, ok bool)) {
	if n.addr == nil {
		return
	}
	every := 10 * time.Second
	if n.watchdog > 0 && n.watchdog < every {
		every = n.watchdog
	}
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		status, ok := alive()
		if ok && n.watchdog > 0 {
			n.say("WATCHDOG=1", "STATUS="+status)
		} else {
			n.say("STATUS=" + status)
		}
	}
}
