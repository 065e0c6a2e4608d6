package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"lookout/engine/uptime"
)

// startWithin is how long an engine may take to answer, with 180,000 monitors
// and a cold disk.
const startWithin = 60 * time.Second

// launch starts an engine in a process session of its own, so that no terminal
// that closes ends it, and returns its pid once answers says that it does. Its
// log goes to a file. A child that ends before it answers is an error with
// the last thing it said.
func launch(ctx context.Context, exe string, args, environ []string, logPath string, answers func(ctx context.Context, pid int) bool) (int, error) {
	out, err := os.OpenFile(logPath, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return 0, fmt.Errorf("open its log: %w", err)
	}
	defer out.Close()
	from, err := out.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, fmt.Errorf("open its log: %w", err)
	}
	child := exec.Command(exe, args...)
	child.Env = slices.DeleteFunc(slices.Clone(environ), ofSystemd)
	child.Dir = "/" // it must not keep a file system from being unmounted
	child.Stdout, child.Stderr = out, out
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := child.Start(); err != nil {
		return 0, err
	}
	ended := make(chan error, 1) // waiter → us; one slot: it ends even when nobody listens any more
	go func() { ended <- child.Wait() }()

	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	retry := time.NewTicker(50 * time.Millisecond)
	defer retry.Stop()
	for !answers(ctx, child.Process.Pid) {
		select {
		case <-retry.C:
		case <-ended:
			return 0, fmt.Errorf("it ended at once (%s): %s", child.ProcessState, lastWords(logPath, from))
		case <-ctx.Done():
			child.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have ended by now, which is what we want
			<-ended
			return 0, fmt.Errorf("it did not answer within %s", uptime.Ago(startWithin))
		}
	}
	return child.Process.Pid, nil
}

// ofSystemd reports whether a variable ties a process to the service it was
// started by: a child must not speak in its name.
func ofSystemd(env string) bool {
	name, _, _ := strings.Cut(env, "=")
	return slices.Contains([]string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "JOURNAL_STREAM", "INVOCATION_ID"}, name)
}

// lastWords is the last line that was written to a file after an offset.
func lastWords(path string, from int64) string {
	f, err := os.Open(path)
	if err != nil {
		return "and left no log"
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() < from {
		from = 0 // another file has taken its place
	}
	b, err := io.ReadAll(io.NewSectionReader(f, from, 1<<20))
	b = bytes.TrimSpace(b)
	if err != nil || len(b) == 0 {
		return "without a word"
	}
	return uptime.Clean(string(b[bytes.LastIndexByte(b, '\n')+1:]), 512)
}
