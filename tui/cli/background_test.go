package cli

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestLaunch(t *testing.T) {
	dir := t.TempDir()
	log := write(t, filepath.Join(dir, "log"), "old words\n")
	mark := filepath.Join(dir, "mark")
	alive := func(context.Context, int) bool { _, err := os.Stat(mark); return err == nil }

	// It answers once the file is there; its session is its own, and the terminal's variables stay.
	script := `test -z "$NOTIFY_SOCKET" && test "$KEEP" = yes && : > "$1" && exec sleep 60`
	env := append(os.Environ(), "NOTIFY_SOCKET=/nowhere", "KEEP=yes")
	pid, err := launch(context.Background(), "/bin/sh", []string{"-c", script, "sh", mark}, env, log, alive)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(pid, syscall.SIGKILL)
	if sid, err := unix.Getsid(pid); err != nil || sid != pid {
		t.Errorf("session %d, %v, want its own, %d", sid, err, pid)
	}
}

func TestLaunchReportsAnEarlyEnd(t *testing.T) {
	dir := t.TempDir()
	log := write(t, filepath.Join(dir, "log"), "old words\n")
	never := func(context.Context, int) bool { return false }
	_, err := launch(context.Background(), "/bin/sh", []string{"-c", `echo first; echo "lookout: no room" >&2; exit 73`}, os.Environ(), log, never)
	if err == nil || err.Error() != "it ended at once (exit status 73): lookout: no room" {
		t.Errorf("got %v", err)
	}
	_, err = launch(context.Background(), "/bin/false", nil, os.Environ(), log, never)
	if err == nil || err.Error() != "it ended at once (exit status 1): without a word" {
		t.Errorf("got %v", err)
	}
	if _, err := launch(context.Background(), filepath.Join(dir, "gone"), nil, nil, log, never); err == nil {
		t.Error("started a program that is not there")
	}
}
