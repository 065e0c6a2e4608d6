package cli

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestNotifier(t *testing.T) {
	path := filepath.Join(t.TempDir(), "n")
	in, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	hear := func() string {
		t.Helper()
		in.SetReadDeadline(time.Now().Add(5 * time.Second))
		b := make([]byte, 512)
		n, err := in.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	env := map[string]string{"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "20000", "WATCHDOG_PID": "7"}
	get := func(k string) string { return env[k] }
	if n := newNotifier(get, 8); n.watchdog != 0 {
		t.Errorf("took the watchdog of another process: %v", n.watchdog)
	}
	n := newNotifier(get, 7)
	if n.watchdog != 10*time.Millisecond {
		t.Errorf("watchdog %v, want half of what systemd waits", n.watchdog)
	}
	n.ready("3 monitors")
	if got := hear(); got != "READY=1\nSTATUS=3 monitors" {
		t.Errorf("ready says %q", got)
	}
	n.reloading()
	if got := hear(); !strings.HasPrefix(got, "RELOADING=1\nMONOTONIC_USEC=") {
		t.Errorf("reloading says %q", got)
	}
	n.stopping("bye")
	if got := hear(); got != "STOPPING=1\nSTATUS=bye" {
		t.Errorf("stopping says %q", got)
	}

	ctx, cancel := context.WithCancel(context.Background())
	answers := make(chan bool) // each call of alive takes one: the test decides when the engine hangs
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		n.watch(ctx, func() (string, bool) { return "ok", <-answers })
	}()
	answers <- true
	if got := hear(); got != "WATCHDOG=1\nSTATUS=ok" {
		t.Errorf("alive says %q", got)
	}
	answers <- false
	if got := hear(); got != "STATUS=ok" {
		t.Errorf("hung says %q", got)
	}
	cancel()
	close(answers)
	<-ended
}

func TestNotifierWithoutSystemd(t *testing.T) {
	n := newNotifier(func(string) string { return "" }, 1)
	n.ready("nobody listens")
	n.watch(context.Background(), nil) // returns at once
}
