package cli

import (
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// watchTerminal calls lost once when the terminal behind a file is gone, and
// returns then or when ctx ends. The kernel tells by SIGHUP, but only those
// that are in the foreground and have not been told to ignore it; a hung-up
// terminal says so to everybody who asks.
func watchTerminal(ctx context.Context, f *os.File, lost func()) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for !hungUp(f) {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
	lost()
}

// hungUp reports whether the other side of a terminal is gone.
func hungUp(f *os.File) bool {
	fds := []unix.PollFd{{Fd: int32(f.Fd())}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n > 0 && fds[0].Revents&(unix.POLLHUP|unix.POLLERR|unix.POLLNVAL) != 0
}
