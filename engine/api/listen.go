package api

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"strconv"
)

// maxPath is what a socket's path may have on every system that we run on: the
// field of sockaddr_un holds 104 bytes on BSD and macOS, 108 on Linux, with the final zero.
const maxPath = 103

// Listen makes the socket with mode 0600, or 0660 for the members of a group.
// What is left of an earlier socket is removed, so only the holder of the data
// folder's lock may call it. Closing the listener removes the socket.
//
// The group needs the right to search the folder too; that is the caller's.
func Listen(path, group string) (net.Listener, error) {
	if len(path) > maxPath {
		return nil, fmt.Errorf("the path of the socket has %d bytes and may have %d: set a shorter data_dir (%s)", len(path), maxPath, path)
	}
	gid, err := GroupID(group)
	if err != nil {
		return nil, err
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	l, err := bind(path)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	if err := permit(path, gid); err != nil {
		l.Close()
		return nil, fmt.Errorf("set the rights of %s: %w", path, err)
	}
	return l, nil
}

// GroupID is the number of the group that may use a socket; -1 for none, "".
func GroupID(group string) (int, error) {
	if group == "" {
		return -1, nil
	}
	g, err := user.LookupGroup(group)
	if err != nil {
		return -1, fmt.Errorf("socket_group %q: %w", group, err)
	}
	return strconv.Atoi(g.Gid)
}

// removeStale removes a socket, and nothing that is not one.
func removeStale(path string) error {
	switch i, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case i.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is in the way and is not a socket: move it", path)
	}
	return os.Remove(path)
}

func permit(path string, gid int) error {
	if err := os.Chmod(path, 0o600); err != nil {
		return err
	}
	if gid < 0 {
		return nil
	}
	if err := os.Chown(path, -1, gid); err != nil {
		return err
	}
	return os.Chmod(path, 0o660)
}
