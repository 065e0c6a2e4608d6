package api

import (
	"context"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// bind makes a socket that nobody else can reach at any moment: on Linux a new
// socket file takes the mode of the unbound socket, so no umask is needed.
func bind(path string) (net.Listener, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var chmod error
		if err := c.Control(func(fd uintptr) { chmod = unix.Fchmod(int(fd), 0o600) }); err != nil {
			return err
		}
		return chmod
	}}
	return lc.Listen(context.Background(), "unix", path)
}
