package cli

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestEngineUnderSystemd(t *testing.T) {
	b := newBench(t)
	path := write(t, filepath.Join(b.dir, "lookout.toml"), refusing(t))
	notify := filepath.Join(b.dir, "n")
	in, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: notify, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	hear := func(want string) {
		t.Helper()
		in.SetReadDeadline(time.Now().Add(20 * time.Second))
		buf := make([]byte, 4096)
		n, err := in.Read(buf)
		if got := string(buf[:n]); err != nil || !strings.HasPrefix(got, want) {
			t.Fatalf("heard %q, %v, want %q", got, err, want)
		}
	}
	b.env["NOTIFY_SOCKET"] = notify
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan outcome, 1) // the engine's only word
	go func() { ended <- b.callContext(ctx, "", "engine") }()

	hear("READY=1\nSTATUS=0 down, 0 degraded, 0 unknown of 2 watched")
	if got := b.call("", "status"); got.code > 3 || strings.Contains(got.stdout, "no engine answers") {
		t.Errorf("ready, and not: %+v", got)
	}
	hangUp := func() {
		t.Helper()
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	hangUp()
	hear("RELOADING=1\nMONOTONIC_USEC=")
	hear("READY=1\nSTATUS=2 monitors (+0 new")
	write(t, path, "x = 1\n")
	hangUp()
	hear("RELOADING=1\n")
	hear("READY=1\nSTATUS=not reloaded: 1 mistake in " + path)
	cancel()
	hear("STOPPING=1\n")
	if got := <-ended; got.code != 0 || !strings.Contains(got.stderr, "the configuration in force stays") {
		t.Errorf("it ended with %+v", got)
	}
}

// TestHangupWhileStarting sends the signal after the configuration was read and
// before anything is checked: it means a reload, and not the end.
func TestHangupWhileStarting(t *testing.T) {
	b := newBench(t)
	write(t, "lookout.toml", refusing(t))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var once sync.Once
	b.now = func() time.Time {
		once.Do(func() {
			if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
				t.Error(err)
			}
		})
		return time.Now()
	}
	ended := make(chan outcome, 1) // the engine's only word
	go func() { ended <- b.callContext(ctx, "", "engine") }()
	other := &bench{dir: b.dir, env: b.env, now: time.Now}
	other.eventually(t, `"event":"config"`, "events", "--format", "json")
	cancel()
	if got := <-ended; got.code != 0 {
		t.Errorf("it ended with %+v", got)
	}
}
